//! What the directory stores, one file a kind. Every version once written stays readable.

pub(crate) mod account;
pub(crate) mod change;
pub(crate) mod credential;
pub(crate) mod department;
pub(crate) mod domain;
pub(crate) mod factors;
pub(crate) mod feed;
pub(crate) mod grant;
pub(crate) mod group;
pub(crate) mod language;
pub(crate) mod profile;
pub(crate) mod request;
pub(crate) mod role;
pub(crate) mod tag;
pub(crate) mod target;
pub(crate) mod tenant;
pub(crate) mod token;
pub(crate) mod token_use;

use hongyan_kv::record::RecordError;
use hongyan_types::{Address, Domain};

pub(crate) fn read_address(text: &str) -> Result<Address, RecordError> {
    Address::try_from(text).map_err(|error| RecordError::Body(error.to_string()))
}

pub(crate) fn read_domain(text: &str) -> Result<Domain, RecordError> {
    Domain::try_from(text).map_err(|error| RecordError::Body(error.to_string()))
}

#[cfg(test)]
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
