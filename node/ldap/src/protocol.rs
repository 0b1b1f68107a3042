//! LDAP on the wire (RFC 4511): what is asked and answered, as values and octets; filters and names as they are written.
//! Knows no sockets and no clock. Input never panics: whatever is not LDAP is [`Malformed`].

mod ber;
mod filter;
mod message;
mod name;

pub(crate) use ber::frame;
pub(crate) use filter::Filter;
pub(crate) use message::{Entry, Operation, Outcome, Response, SearchRequest, bind, search, start_tls, unbind};
pub(crate) use name::{Name, escape};

/// What came is no LDAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no LDAP")]
pub(crate) struct Malformed;
