//! The configuration file: one typed struct a section.
