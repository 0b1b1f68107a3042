//! How requests and replies travel between nodes: version 1, bincode of tuples and enums.
//!
//! Nothing here changes once a release speaks it: enums grow at their end, and what a tuple lacks becomes a new variant.
//! A view travels as what came since the view that the asker names (see [`crate::Known`]): whole chunks, found by the
//! commit they were changed in last. A long view is cut into parts, a long append into appends of some of its mails.

mod reply;
mod request;
mod value;
mod view;

use std::iter::Peekable;

use bytes::Bytes;
use hongyan_actor::{Gather, Older, Pieces, WireEntity, WireError};
use hongyan_transport::codec;

use crate::entity::{MailboxEntity, MailboxServices};
use crate::request::{Body, Reply, Request};
use crate::view::Mark;
use crate::{FolderOrdersReply, FolderView};

use self::reply::ReplyWire;
use self::view::{GroupPart, Parts};

impl WireEntity for MailboxEntity {
    fn encode_request(_: &MailboxServices, request: &Request) -> Result<Bytes, WireError> {
        write_request(request)
    }
    fn decode_request(_: &MailboxServices, bytes: Bytes) -> Result<Request, WireError> {
        read_request(&bytes)
    }
    fn encode_reply(_: &MailboxServices, request: &Request, reply: &Reply) -> Result<Bytes, WireError> {
        match write_reply(reply, request.known.mark)? {
            (first, None) => Ok(first),
            (_, Some(_)) => Err(wrong("a reply of several pieces")),
        }
    }
    fn decode_reply(_: &MailboxServices, request: &Request, bytes: Bytes) -> Result<Reply, WireError> {
        read_reply(&bytes, request.known.view.as_ref())
    }
    fn encode_request_pieces(_: &MailboxServices, request: &Request) -> Result<Vec<Bytes>, WireError> {
        request::cut(request).iter().map(write_request).collect()
    }
    fn older(_: &MailboxServices, request: &Request, age: usize) -> Result<Older<Self>, WireError> {
        if let Some(request) = request::older(request, age) {
            let pieces = request::cut(&request);
            return Ok(Older::Words(
                pieces.iter().map(write_request).collect::<Result<_, _>>()?,
            ));
        }
        Ok(match &request.body {
            // It keeps no order of folders: as if nobody had said anything.
            Body::FolderOrders(_) => Older::Reply(Reply::FolderOrders(FolderOrdersReply { orders: Vec::new() })),
            _ => Older::Nothing,
        })
    }
    fn decode_request_pieces(_: &MailboxServices, pieces: Vec<Bytes>) -> Result<Request, WireError> {
        request::join(pieces.iter().map(|piece| read_request(piece)))
    }
    fn encode_reply_pieces(_: &MailboxServices, request: &Request, reply: &Reply) -> Result<Pieces, WireError> {
        let (first, later) = write_reply(reply, request.known.mark)?;
        let later = later.into_iter().flatten();
        let later = later.map(|part| codec::encode(&part).map_err(wrong));
        Ok(Box::new(std::iter::once(Ok(first)).chain(later)))
    }
    fn gather_reply() -> Box<dyn Gather<Self>> {
        Box::<Gathered>::default()
    }
}

/// A reply on its way: its first piece, then parts of its view, which are read as they come.
#[derive(Default)]
struct Gathered {
    first: Option<ReplyWire>,
    later: Vec<GroupPart>,
}

impl Gather<MailboxEntity> for Gathered {
    fn push(&mut self, piece: Bytes) -> Result<(), WireError> {
        if self.first.is_none() {
            self.first = Some(codec::decode(&piece).map_err(wrong)?);
            return Ok(());
        }
        view::read_part(codec::decode(&piece).map_err(wrong)?, &mut self.later)
    }
    fn finish(self: Box<Self>, _: &MailboxServices, request: &Request) -> Result<Reply, WireError> {
        let first = self.first.ok_or_else(|| wrong("no piece"))?;
        reply::read(first, self.later, request.known.view.as_ref())
    }
}

fn write_request(request: &Request) -> Result<Bytes, WireError> {
    codec::encode(&request::write(request)).map_err(wrong)
}

fn read_request(bytes: &[u8]) -> Result<Request, WireError> {
    request::read(codec::decode(bytes).map_err(wrong)?)
}

/// The first piece, and the parts of the view that are in none yet, if there are any.
fn write_reply(reply: &Reply, mark: Option<Mark>) -> Result<(Bytes, Option<Peekable<Parts>>), WireError> {
    let (wire, parts) = reply::write(reply, mark);
    let mut parts = parts.map(Iterator::peekable);
    let is_whole = parts.as_mut().is_none_or(|parts| parts.peek().is_none());
    Ok((codec::encode(&wire).map_err(wrong)?, parts.filter(|_| !is_whole)))
}

fn read_reply(bytes: &[u8], known: Option<&FolderView>) -> Result<Reply, WireError> {
    reply::read(codec::decode(bytes).map_err(wrong)?, Vec::new(), known)
}

fn wrong(error: impl std::fmt::Display) -> WireError {
    WireError(error.to_string())
}

#[cfg(test)]
mod tests;
