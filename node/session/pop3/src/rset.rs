//! RSET (RFC 1939 §5).

use hongyan_pop3::Reply;

use crate::maildrop::Maildrop;

pub(crate) fn reply(maildrop: &mut Maildrop) -> Reply {
    maildrop.reset();
    Reply::Ok(String::new())
}
