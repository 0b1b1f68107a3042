//! One group, at ("dir", "group", tenant, group); its members are keys of their own.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{Address, TenantId, Timestamp};
use minicbor::{Decode, Encode};

use crate::record::read_address;

/// A group of addresses; never 0, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u64);

/// An address that many get mail for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
    /// Its identifier.
    pub id: GroupId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its address.
    pub address: Address,
    /// Its name, for people.
    pub display_name: String,
    /// When it was made.
    pub created: Timestamp,
    /// How many direct members it has.
    pub members: u64,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    address: String,
    #[n(1)]
    display_name: String,
    #[n(2)]
    created_millis: i64,
    #[n(3)]
    members: u64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(group: &GroupRecord) -> Bytes {
    let body = V1 {
        address: group.address.to_string(),
        display_name: group.display_name.clone(),
        created_millis: group.created.millis,
        members: group.members,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(tenant: TenantId, id: GroupId, stored: &[u8]) -> Result<GroupRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(GroupRecord {
        id,
        tenant,
        address: read_address(&body.address)?,
        display_name: body.display_name,
        created: Timestamp {
            millis: body.created_millis,
        },
        members: body.members,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let group = GroupRecord {
            id: GroupId(8),
            tenant: TenantId(3),
            address: Address::try_from("all@example.test").unwrap(),
            display_name: "All".to_owned(),
            created: Timestamp { millis: 1_000 },
            members: 4,
        };
        let stored = encode(&group);
        assert_eq!(
            crate::record::hex(&stored),
            "0100018470616c6c406578616d706c652e7465737463416c6c1903e804"
        );
        assert_eq!(decode(TenantId(3), GroupId(8), &stored), Ok(group));
    }
}
