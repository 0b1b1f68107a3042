//! What the directory stores, one file a kind. Every version once written stays readable.

pub(crate) mod account;
pub(crate) mod application;
pub(crate) mod change;
pub(crate) mod claim;
pub(crate) mod credential;
pub(crate) mod delegation_request;
pub(crate) mod department;
pub(crate) mod domain;
pub(crate) mod domain_check;
pub(crate) mod factors;
pub(crate) mod feed;
pub(crate) mod folder_share;
pub(crate) mod grant;
pub(crate) mod group;
pub(crate) mod hand_over;
pub(crate) mod invitation;
pub(crate) mod language;
pub(crate) mod mx_elsewhere;
pub(crate) mod operator_request;
pub(crate) mod page;
pub(crate) mod passkey;
pub(crate) mod plan;
pub(crate) mod plan_use;
pub(crate) mod profile;
pub(crate) mod recycled;
pub(crate) mod request;
pub(crate) mod role;
pub(crate) mod sanction;
pub(crate) mod share_notice;
pub(crate) mod sign_in_policy;
pub(crate) mod sign_in_rule;
pub(crate) mod sms_scope;
pub(crate) mod tag;
pub(crate) mod target;
pub(crate) mod tenant;
pub(crate) mod terms;
pub(crate) mod token;
pub(crate) mod token_use;
pub(crate) mod visibility;

use std::collections::BTreeSet;

use hongyan_kv::record::RecordError;
use hongyan_types::{Address, AddressRanges, Domain};

use crate::Protocol;

pub(crate) fn read_address(text: &str) -> Result<Address, RecordError> {
    Address::try_from(text).map_err(|error| RecordError::Body(error.to_string()))
}

pub(crate) fn read_domain(text: &str) -> Result<Domain, RecordError> {
    Domain::try_from(text).map_err(|error| RecordError::Body(error.to_string()))
}

pub(crate) fn read_ranges(entries: &[String]) -> Result<AddressRanges, RecordError> {
    let read = AddressRanges::read(entries).map_err(|error| RecordError::Body(error.to_string()))?;
    Ok(read.0)
}

pub(crate) fn protocols(protocols: &BTreeSet<Protocol>) -> Vec<u8> {
    protocols.iter().map(|protocol| protocol.number()).collect()
}

/// One of a later release means nothing here.
pub(crate) fn read_protocols(numbers: Vec<u8>) -> BTreeSet<Protocol> {
    numbers.into_iter().filter_map(Protocol::from_number).collect()
}

#[cfg(test)]
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
