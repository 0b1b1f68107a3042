//! One tag, at ("dir", "tag", tenant, tag). Which members bear it is in their own records.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{TenantId, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DepartmentId, Etag};

/// A tag of a tenant; never 0, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct TagId(pub u32);

impl std::fmt::Display for TagId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What members and departments have in common (ORG-7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagRecord {
    /// Its identifier.
    pub id: TagId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name, unique without regard to case.
    pub name: String,
    /// Departments that bear it, with all below them.
    pub departments: Vec<DepartmentId>,
    /// When it was made.
    pub created: Timestamp,
}

impl TagRecord {
    /// Changes whenever the tag does.
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
    departments: Vec<u32>,
    #[n(2)]
    created_millis: i64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(tag: &TagRecord) -> Bytes {
    let body = V1 {
        name: tag.name.clone(),
        departments: tag.departments.iter().map(|department| department.0).collect(),
        created_millis: tag.created.millis,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(tenant: TenantId, id: TagId, stored: &[u8]) -> Result<TagRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(TagRecord {
        id,
        tenant,
        name: body.name,
        departments: body.departments.into_iter().map(DepartmentId).collect(),
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
        let tag = TagRecord {
            id: TagId(4),
            tenant: TenantId(3),
            name: "Managers".to_owned(),
            departments: vec![DepartmentId(2)],
            created: Timestamp { millis: 1_000 },
        };
        let stored = encode(&tag);
        assert_eq!(crate::record::hex(&stored), "01000183684d616e616765727381021903e8");
        assert_eq!(decode(TenantId(3), TagId(4), &stored), Ok(tag));
    }
}
