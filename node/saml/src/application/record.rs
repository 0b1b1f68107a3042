//! What is kept of applications. Keys, each a tuple:
//!
//! ("saml", "application", tenant, id)  an application of an organisation
//! ("saml", "key", tenant, id)          a key of the organisation's, which answers are signed with

use bytes::Bytes;
use hongyan_kv::Tuple;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::TenantId;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::SignOutPlace;

const V1: Schema = Schema(1);

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct ConsumerRecord {
    #[n(0)]
    pub(super) location: String,
    #[n(1)]
    pub(super) index: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(super) enum NameIdRecord {
    #[n(0)]
    Persistent,
    #[n(1)]
    Email,
    #[n(2)]
    Transient,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(super) enum FactRecord {
    #[n(0)]
    Mail,
    #[n(1)]
    Name,
    #[n(2)]
    Number,
    #[n(3)]
    Aliases,
    #[n(4)]
    Organisation,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct ToldRecord {
    #[n(0)]
    pub(super) fact: FactRecord,
    #[n(1)]
    pub(super) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct ApplicationRecord {
    #[n(0)]
    pub(super) name: String,
    #[n(1)]
    pub(super) entity_id: String,
    #[n(2)]
    pub(super) consumers: Vec<ConsumerRecord>,
    #[n(3)]
    pub(super) name_id: NameIdRecord,
    #[n(4)]
    pub(super) told: Vec<ToldRecord>,
    #[n(5)]
    pub(super) needs_signature: bool,
    /// DER.
    #[n(6)]
    pub(super) certificates: Vec<ByteVec>,
    #[n(7)]
    pub(super) is_on: bool,
    #[n(8)]
    pub(super) created_millis: i64,
    #[n(9)]
    pub(super) sign_out: Option<SignOutPlace>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct KeyRecord {
    /// PKCS #8, sealed.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) sealed: Vec<u8>,
    /// DER.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) certificate: Vec<u8>,
    #[n(2)]
    pub(super) created_millis: i64,
    /// Whether it is the one that signs.
    #[n(3)]
    pub(super) signs: bool,
}

pub(super) fn applications(tenant: TenantId) -> Tuple {
    Tuple::new().string("saml").string("application").int(tenant.0)
}
pub(super) fn application_key(tenant: TenantId, id: &str) -> Bytes {
    applications(tenant).string(id).pack()
}
pub(super) fn all_keys() -> Tuple {
    Tuple::new().string("saml").string("key")
}
pub(super) fn keys(tenant: TenantId) -> Tuple {
    all_keys().int(tenant.0)
}
pub(super) fn key_key(tenant: TenantId, id: u64) -> Bytes {
    keys(tenant).int(id).pack()
}

pub(super) fn encode(stored: &impl Encode<()>) -> Bytes {
    record::encode(V1, stored)
}
pub(super) fn decode<T: for<'b> Decode<'b, ()>>(stored: &[u8]) -> Result<T, RecordError> {
    record::decode(V1, stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T>(value: &T, expect: &str)
    where
        T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + std::fmt::Debug,
    {
        let stored = encode(value);
        let hex: String = stored.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(hex, expect.replace(' ', ""));
        assert_eq!(&decode::<T>(&stored).unwrap(), value);
    }

    #[test]
    fn golden_bytes() {
        let application = ApplicationRecord {
            name: "N".to_owned(),
            entity_id: "e".to_owned(),
            consumers: vec![ConsumerRecord {
                location: "l".to_owned(),
                index: 3,
            }],
            name_id: NameIdRecord::Transient,
            told: vec![ToldRecord {
                fact: FactRecord::Organisation,
                name: "o".to_owned(),
            }],
            needs_signature: true,
            certificates: vec![ByteVec::from(vec![1, 2])],
            is_on: false,
            created_millis: 9,
            sign_out: None,
        };
        check(
            &application,
            "010001 89 614e 6165 81 82 616c 03 02 81 82 04 616f f5 81 420102 f4 09",
        );
        let place = SignOutPlace {
            location: "o".to_owned(),
            response_location: None,
            by_post: true,
        };
        let application = ApplicationRecord {
            sign_out: Some(place),
            ..application
        };
        check(
            &application,
            "010001 8a 614e 6165 81 82 616c 03 02 81 82 04 616f f5 81 420102 f4 09 83 616f f6 f5",
        );
        let key = KeyRecord {
            sealed: vec![1],
            certificate: vec![2],
            created_millis: 3,
            signs: true,
        };
        check(&key, "010001 84 4101 4102 03 f5");
    }
}
