//! What is kept of directories: below ("dir", "of-tenant", tenant, "ldap") the settings of an organisation's, below
//! ("dir", "of-account", account, "ldap") what a member is there; both go with their owners. And
//! ("ldap", "scheduled", tenant), when the next synchronisation is due, milliseconds, little-endian.

use bytes::Bytes;
use hongyan_directory::{of_account, of_tenant};
use hongyan_kv::Tuple;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, TenantId};
use minicbor::{Decode, Encode};

const V1: Schema = Schema(1);

/// One attribute's rule.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RuleRecord {
    #[n(0)]
    pub(crate) field: String,
    #[n(1)]
    pub(crate) attribute: String,
    #[n(2)]
    pub(crate) ours: bool,
}

/// An organisation's directory.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SettingsRecord {
    #[n(0)]
    pub(crate) url: String,
    #[n(1)]
    pub(crate) bind_name: String,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) password: Option<Vec<u8>>,
    #[n(3)]
    pub(crate) base: String,
    #[n(4)]
    pub(crate) filter: String,
    #[n(5)]
    pub(crate) identifier: String,
    #[n(6)]
    pub(crate) rules: Vec<RuleRecord>,
    /// 0 nowhere, 1 organisational units, 2 an attribute.
    #[n(7)]
    pub(crate) departments: u8,
    #[n(8)]
    pub(crate) department_attribute: Option<String>,
    #[n(9)]
    pub(crate) departments_ours: bool,
    #[n(10)]
    pub(crate) adopt: bool,
    #[n(11)]
    pub(crate) every_minutes: u32,
    #[n(12)]
    pub(crate) disable_percent_max: u8,
    #[n(13)]
    pub(crate) bind_sign_in: bool,
}

/// What a member is in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LinkRecord {
    /// Its distinguished name.
    #[n(0)]
    pub(crate) name: String,
    /// Whether it is disabled because it is gone from there.
    #[n(1)]
    pub(crate) is_gone: bool,
}

pub(crate) fn settings_key(tenant: TenantId) -> Bytes {
    of_tenant(tenant).string("ldap").pack()
}
pub(crate) fn link_key(account: AccountId) -> Bytes {
    of_account(account).string("ldap").pack()
}
pub(crate) fn scheduled() -> Tuple {
    Tuple::new().string("ldap").string("scheduled")
}

pub(crate) fn encode<T: minicbor::Encode<()>>(value: &T) -> Bytes {
    record::encode(V1, value)
}
pub(crate) fn decode<T: for<'b> minicbor::Decode<'b, ()>>(stored: &[u8]) -> Result<T, RecordError> {
    record::decode(V1, stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn golden_bytes() {
        let link = LinkRecord {
            name: "cn".to_owned(),
            is_gone: true,
        };
        assert_eq!(hex(&encode(&link)), "010001a20062636e01f5");
        assert_eq!(decode(&encode(&link)), Ok(link));
        let settings = SettingsRecord {
            url: "u".to_owned(),
            bind_name: "b".to_owned(),
            password: Some(vec![1]),
            base: "d".to_owned(),
            filter: "f".to_owned(),
            identifier: "i".to_owned(),
            rules: vec![RuleRecord {
                field: "t".to_owned(),
                attribute: "a".to_owned(),
                ours: true,
            }],
            departments: 1,
            department_attribute: None,
            departments_ours: false,
            adopt: true,
            every_minutes: 60,
            disable_percent_max: 10,
            bind_sign_in: false,
        };
        assert_eq!(
            hex(&encode(&settings)),
            "010001ad0061750161620241010361640461660561690681a300617401616102f5070109f40af50b183c0c0a0df4"
        );
        assert_eq!(decode(&encode(&settings)), Ok(settings));
    }
}
