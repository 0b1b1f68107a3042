//! The same to many members (MEM-10): each row is a member's address, the alias that it gets, and why it was refused at once.

use hongyan_directory::{BulkAct, Change, Directory, Error};
use hongyan_types::{Address, TenantId};

use crate::record::input::Row;
use crate::{BulkMembers, Problem};

/// One member of a bulk action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BulkItem {
    /// One of its addresses.
    pub address: String,
    /// The address that it gets, where it gets one.
    pub alias: String,
    /// Why whoever asked may not do it; empty when they may.
    pub refused: String,
}

impl BulkItem {
    /// The row of the item with that place, from 1.
    pub(crate) fn row(self, place: u32) -> Row {
        (place, vec![self.address, self.alias, self.refused])
    }
}

pub(crate) struct Candidate {
    address: Address,
    alias: Option<Address>,
}

pub(crate) fn read(bulk: &BulkMembers, row: &Row) -> Result<Candidate, Vec<Problem>> {
    let cell = |place: usize| row.1.get(place).map_or("", String::as_str);
    if !cell(2).is_empty() {
        return Err(vec![Problem::new("", cell(2))]);
    }
    let parse =
        |field: &str, text: &str| Address::try_from(text).map_err(|error| vec![Problem::new(field, error.to_string())]);
    Ok(Candidate {
        address: parse("address", cell(0))?,
        alias: match bulk.act {
            BulkAct::AddAlias => Some(parse("alias", cell(1))?),
            _ => None,
        },
    })
}

pub(crate) async fn take(
    directory: &Directory,
    change: &mut Change,
    tenant: TenantId,
    bulk: &BulkMembers,
    candidate: &Candidate,
) -> Result<(), Error> {
    let (address, alias) = (&candidate.address, candidate.alias.as_ref());
    directory
        .act_on(change, (tenant, address), &bulk.act, alias, &bulk.bounded)
        .await
}

/// What an error is about.
pub(crate) fn field_of(bulk: &BulkMembers, error: &Error) -> &'static str {
    match (&bulk.act, error) {
        (_, Error::NotFound { what: "account", .. }) => "address",
        (_, Error::NotFound { what: "department", .. }) => "departments",
        (_, Error::NotFound { what: "group", .. }) | (BulkAct::JoinGroups(_), _) => "groups",
        (BulkAct::AddAlias, _) => "alias",
        _ => "",
    }
}
