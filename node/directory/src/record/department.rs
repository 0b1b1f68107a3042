//! One department, at ("dir", "department", tenant, department).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{TenantId, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Etag;

/// A department of a tenant; 0 is the organisation itself, the root of the tree. Never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct DepartmentId(pub u32);

impl DepartmentId {
    /// The organisation itself.
    pub const ROOT: Self = Self(0);
}

impl std::fmt::Display for DepartmentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Part of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepartmentRecord {
    /// Its identifier.
    pub id: DepartmentId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name, unique among its siblings without regard to case.
    pub name: String,
    /// What it is part of.
    pub parent: DepartmentId,
    /// Its place among its siblings: smaller ones come first, equal ones by name.
    pub rank: i32,
    /// When it was made.
    pub created: Timestamp,
}

impl DepartmentRecord {
    /// Changes whenever the department does.
    #[must_use]
    pub fn etag(&self) -> Etag {
        Etag::of(&encode(self))
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    name: String,
    #[n(1)]
    parent: u32,
    #[n(2)]
    rank: i32,
    #[n(3)]
    created_millis: i64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(department: &DepartmentRecord) -> Bytes {
    let body = V1 {
        name: department.name.clone(),
        parent: department.parent.0,
        rank: department.rank,
        created_millis: department.created.millis,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(tenant: TenantId, id: DepartmentId, stored: &[u8]) -> Result<DepartmentRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(DepartmentRecord {
        id,
        tenant,
        name: body.name,
        parent: DepartmentId(body.parent),
        rank: body.rank,
        created: Timestamp {
            millis: body.created_millis,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let department = DepartmentRecord {
            id: DepartmentId(4),
            tenant: TenantId(3),
            name: "研发".to_owned(),
            parent: DepartmentId(2),
            rank: -1,
            created: Timestamp { millis: 1_000 },
        };
        let stored = encode(&department);
        assert_eq!(crate::record::hex(&stored), "0100018466e7a094e58f9102201903e8");
        assert_eq!(decode(TenantId(3), DepartmentId(4), &stored), Ok(department));
    }
}
