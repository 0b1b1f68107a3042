//! The admin API: directory and queue over HTTP.
