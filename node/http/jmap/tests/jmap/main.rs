//! JMAP over HTTP, as clients see it.

mod agreement;
mod http;
mod principals;
mod push;
mod shared;
mod socket;
mod submission;
mod support;
mod transcript;
