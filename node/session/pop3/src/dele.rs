//! DELE (RFC 1939 §5): a mark, until QUIT.

use hongyan_pop3::{MessageNumber, Reply};

use crate::maildrop::Maildrop;

pub(crate) fn reply(maildrop: &mut Maildrop, number: MessageNumber) -> Reply {
    match maildrop.mark(number) {
        Ok(()) => Reply::Ok("marked".to_owned()),
        Err(reply) => reply,
    }
}
