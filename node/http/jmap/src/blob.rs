//! Bytes brought and fetched (RFC 8620 §6), streamed both ways.

mod download;
mod methods;
mod stretch;
mod upload;
mod upload_record;

pub(crate) use download::download;
pub(crate) use methods::{copy, get_blobs, lookup, upload_objects};
pub(crate) use stretch::open;
pub(crate) use upload::upload;
