//! How requests and replies travel between nodes: version 1, bincode of tuples and enums.
//!
//! Nothing here changes once a release speaks it: enums grow at their end, and what a tuple lacks becomes a new variant.
//! A view travels as what came since the view that the asker names (see [`crate::Known`]): whole chunks, found by the
//! commit they were changed in last.

mod reply;
mod request;
mod value;
mod view;

use bytes::Bytes;
use hongyan_actor::{WireEntity, WireError};
use hongyan_transport::codec;

use crate::FolderView;
use crate::entity::{MailboxEntity, MailboxServices};
use crate::request::{Reply, Request};
use crate::view::Mark;

impl WireEntity for MailboxEntity {
    fn encode_request(_: &MailboxServices, request: &Request) -> Result<Bytes, WireError> {
        write_request(request)
    }
    fn decode_request(_: &MailboxServices, bytes: Bytes) -> Result<Request, WireError> {
        read_request(&bytes)
    }
    fn encode_reply(_: &MailboxServices, request: &Request, reply: &Reply) -> Result<Bytes, WireError> {
        write_reply(reply, request.known.mark)
    }
    fn decode_reply(_: &MailboxServices, request: &Request, bytes: Bytes) -> Result<Reply, WireError> {
        read_reply(&bytes, request.known.view.as_ref())
    }
}

fn write_request(request: &Request) -> Result<Bytes, WireError> {
    codec::encode(&request::write(request)).map_err(wrong)
}

fn read_request(bytes: &[u8]) -> Result<Request, WireError> {
    request::read(codec::decode(bytes).map_err(wrong)?)
}

fn write_reply(reply: &Reply, mark: Option<Mark>) -> Result<Bytes, WireError> {
    codec::encode(&reply::write(reply, mark)).map_err(wrong)
}

fn read_reply(bytes: &[u8], known: Option<&FolderView>) -> Result<Reply, WireError> {
    reply::read(codec::decode(bytes).map_err(wrong)?, known)
}

fn wrong(error: impl std::fmt::Display) -> WireError {
    WireError(error.to_string())
}

#[cfg(test)]
mod tests;
