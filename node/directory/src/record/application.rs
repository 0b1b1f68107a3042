//! Someone who wants to join, at ("dir", "application", tenant, application): what they wrote, until an administrator has
//! looked at it (MEM-8).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{Address, TenantId, Timestamp};
use minicbor::{Decode, Encode};

use crate::record::credential;
use crate::record::read_address;
use crate::{Credential, DepartmentId};

/// An application of a tenant; never 0, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationId(pub u32);

impl std::fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Someone who wants to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationRecord {
    /// Its identifier.
    pub id: ApplicationId,
    /// Whom they want to join.
    pub tenant: TenantId,
    /// The label of the invitation that they came by.
    pub label: String,
    /// The address that they want.
    pub address: Address,
    /// Their name.
    pub display_name: String,
    /// Their phone, if they said.
    pub mobile: String,
    /// Where they are told, if they said.
    pub private_address: String,
    /// Their password's hashes.
    pub credential: Credential,
    /// Where they would belong.
    pub department: Option<DepartmentId>,
    /// When they asked.
    pub at: Timestamp,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    label: String,
    #[n(1)]
    address: String,
    #[n(2)]
    display_name: String,
    #[n(3)]
    mobile: String,
    #[n(4)]
    private_address: String,
    #[cbor(n(5), with = "minicbor::bytes")]
    credential: Vec<u8>,
    #[n(6)]
    department: Option<u32>,
    #[n(7)]
    at_millis: i64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(application: &ApplicationRecord) -> Bytes {
    let body = V1 {
        label: application.label.clone(),
        address: application.address.to_string(),
        display_name: application.display_name.clone(),
        mobile: application.mobile.clone(),
        private_address: application.private_address.clone(),
        credential: credential::encode(&application.credential).to_vec(),
        department: application.department.map(|id| id.0),
        at_millis: application.at.millis,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(tenant: TenantId, id: ApplicationId, stored: &[u8]) -> Result<ApplicationRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(ApplicationRecord {
        id,
        tenant,
        label: body.label,
        address: read_address(&body.address)?,
        display_name: body.display_name,
        mobile: body.mobile,
        private_address: body.private_address,
        credential: credential::decode(&body.credential)?,
        department: body.department.map(DepartmentId),
        at: Timestamp { millis: body.at_millis },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScramKeys;

    #[test]
    fn golden_bytes() {
        let application = ApplicationRecord {
            id: ApplicationId(4),
            tenant: TenantId(3),
            label: "All".to_owned(),
            address: Address::try_from("a@b.test").unwrap(),
            display_name: "A".to_owned(),
            mobile: String::new(),
            private_address: "a@c.test".to_owned(),
            credential: Credential {
                password_hash: "h".to_owned(),
                scram: ScramKeys {
                    salt: vec![1],
                    iterations: 2,
                    stored_key: [3; 32],
                    server_key: [4; 32],
                },
                set_millis: 5,
            },
            department: None,
            at: Timestamp { millis: 1_000 },
        };
        let stored = encode(&application);
        let hex = crate::record::hex(&stored);
        assert!(
            hex.starts_with("0100018863416c6c686140622e74657374614160686140632e74657374584e010001866168"),
            "{hex}"
        );
        assert!(hex.ends_with("05f61903e8"), "{hex}");
        assert_eq!(decode(TenantId(3), ApplicationId(4), &stored), Ok(application));
    }
}
