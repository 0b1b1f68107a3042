//! What is kept of directories: below ("dir", "of-tenant", tenant, "ldap") the settings of an organisation's, below
//! ("dir", "of-account", account, "ldap") what a member is there; both go with their owners. And
//! ("ldap", "scheduled", tenant), when the next synchronisation is due, milliseconds, little-endian.

use bytes::Bytes;
use hongyan_directory::{of_account, of_tenant};
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_kv::{KeyRange, Tuple};
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
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
    /// Sealed.
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

const FOLDER: &str = "ldap";

/// The passwords by which directories are read, for sealing them again.
pub const BIND_SECRETS: Holder = Holder {
    kind: "ldap bind",
    range: tenants,
    again,
};

/// What the password of an organisation is sealed for.
pub(crate) fn password_place(tenant: TenantId) -> Place {
    Place::new("ldap bind", tenant.0)
}

/// All that goes with its organisation, of whatever kind.
fn tenants() -> KeyRange {
    KeyRange {
        begin: of_tenant(TenantId(0)).range().begin,
        end: of_tenant(TenantId(u64::MAX)).range().end,
    }
}

fn again(sealer: &Sealer, key: &[u8], stored: &[u8]) -> Result<Option<Bytes>, SealError> {
    let read = |mut reader: hongyan_kv::tuple::Reader<'_>| {
        reader.string().ok()?;
        reader.string().ok()?;
        let tenant = TenantId(reader.int().ok()?);
        (reader.string().ok()? == FOLDER).then_some(tenant)
    };
    let tenant = Tuple::new().reader(key).ok().and_then(read);
    let (Some(tenant), Ok(mut settings)) = (tenant, decode::<SettingsRecord>(stored)) else {
        return Ok(None);
    };
    let Some(sealed) = settings.password.take() else {
        return Ok(None);
    };
    let again = sealer.again(&password_place(tenant), &Kept::Sealed(sealed))?;
    Ok(again.and_then(|kept| {
        settings.password = kept.to_fields().1;
        settings.password.is_some().then(|| encode(&settings))
    }))
}

pub(crate) fn settings_key(tenant: TenantId) -> Bytes {
    of_tenant(tenant).string(FOLDER).pack()
}
pub(crate) fn link_key(account: AccountId) -> Bytes {
    of_account(account).string(FOLDER).pack()
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

    #[test]
    fn a_password_is_sealed_again_with_the_present_key() {
        let env = hongyan_env::Env::manual(1).0;
        let sealer = Sealer::with_new_key(env.clone());
        let (tenant, key) = (TenantId(3), settings_key(TenantId(3)));
        let sealed = |password: Option<Vec<u8>>| {
            encode(&SettingsRecord {
                url: "u".to_owned(),
                bind_name: "b".to_owned(),
                password,
                base: "d".to_owned(),
                filter: "f".to_owned(),
                identifier: "i".to_owned(),
                rules: Vec::new(),
                departments: 0,
                department_attribute: None,
                departments_ours: false,
                adopt: false,
                every_minutes: 0,
                disable_percent_max: 10,
                bind_sign_in: false,
            })
        };
        let stored = sealed(Some(sealer.seal(&password_place(tenant), b"secret").unwrap()));
        assert_eq!(again(&sealer, &key, &stored), Ok(None));
        assert_eq!(again(&sealer, &key, &sealed(None)), Ok(None));
        assert_eq!(
            again(&sealer, &of_tenant(tenant).string("logo").pack(), &stored),
            Ok(None)
        );
        let range = (BIND_SECRETS.range)();
        assert!(range.begin <= key && key < range.end);
        sealer.add(hongyan_seal::SealKey::generate(&env, env.wall_millis()));
        let anew = again(&sealer, &key, &stored).unwrap().unwrap();
        let settings: SettingsRecord = decode(&anew).unwrap();
        let opened = sealer.open(&password_place(tenant), &settings.password.unwrap());
        assert_eq!(opened.unwrap().as_slice(), b"secret");
        let stranger = Sealer::with_new_key(env);
        assert!(again(&stranger, &key, &stored).is_err());
    }
}
