//! MDN (RFC 9007): receipts sent for mails that ask for one, and receipts read (TRK-1).

mod compose;
mod parse;
mod send;

pub(crate) use parse::parse;
pub(crate) use send::send;
