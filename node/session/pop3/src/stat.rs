//! STAT (RFC 1939 §5).

use hongyan_pop3::Reply;

use crate::maildrop::Maildrop;

pub(crate) fn reply(maildrop: &Maildrop) -> Reply {
    Reply::Ok(format!("{} {}", maildrop.count(), maildrop.octets()))
}
