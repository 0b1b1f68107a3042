//! The command line over the admin API.
