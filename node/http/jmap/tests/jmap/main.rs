//! JMAP over HTTP, as clients see it.

mod http;
mod submission;
mod support;
mod transcript;
