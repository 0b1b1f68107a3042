//! JMAP over HTTP, as clients see it.

mod http;
mod socket;
mod submission;
mod support;
mod transcript;
