//! What is kept of single sign-on. Keys, each a tuple:
//!
//! ("oid", "provider", tenant)                   the organisation's provider
//! ("oid", "link", tenant, hash)                 an identity at a provider, by the hash of issuer and subject: whose account
//! ("oid", "link-of", account, hash)             the same
//! ("oid", "session", session)                   a web session that a provider began
//! ("oid", "session-of", tenant, hash, session)  empty: by identity
//! ("oid", "session-at", tenant, hash, session)  empty: by the hash of the provider's name for its session
//! ("oid", "jti", tenant, hash)                  what a provider signed for one use and was taken: until when it would be good

use bytes::Bytes;
use hongyan_kv::Tuple;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
use hongyan_types::{AccountId, TenantId};
use minicbor::{Decode, Encode};

const V1: Schema = Schema(1);

/// Names an identity, or a provider's session.
pub(crate) type NameHash = [u8; 32];

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct ProviderRecord {
    #[n(0)]
    pub(crate) issuer: String,
    #[n(1)]
    pub(crate) client_id: String,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) client_secret: Option<Vec<u8>>,
    #[n(3)]
    pub(crate) label: String,
    #[n(4)]
    pub(crate) link_by_mail: bool,
    #[n(5)]
    pub(crate) create_members: bool,
    #[n(6)]
    pub(crate) vouches_second_factor: bool,
    /// The client secret; then there is none in clear.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub(crate) sealed_secret: Option<Vec<u8>>,
}

impl ProviderRecord {
    /// The client secret, if there is one.
    pub(crate) fn secret(&self) -> Option<Kept> {
        match (&self.sealed_secret, &self.client_secret) {
            (Some(sealed), _) => Some(Kept::Sealed(sealed.clone())),
            (None, Some(clear)) => Some(Kept::Clear(clear.clone())),
            (None, None) => None,
        }
    }
    pub(crate) fn set_secret(&mut self, secret: Option<Kept>) {
        (self.client_secret, self.sealed_secret) = match secret {
            Some(Kept::Clear(clear)) => (Some(clear), None),
            Some(Kept::Sealed(sealed)) => (None, Some(sealed)),
            None => (None, None),
        };
    }
}

/// What the client secret of an organisation is sealed for.
pub(crate) fn secret_place(tenant: TenantId) -> Place {
    Place::new("openid client", tenant.0)
}

/// The secrets shared with providers, for sealing them again.
pub const PROVIDER_SECRETS: Holder = Holder {
    kind: "openid client",
    range: || oid("provider").range(),
    again,
};

fn again(sealer: &Sealer, key: &[u8], stored: &[u8]) -> Result<Option<Bytes>, SealError> {
    let tenant = oid("provider").reader(key).and_then(|mut key| key.int());
    let (Ok(tenant), Ok(mut record)) = (tenant, decode::<ProviderRecord>(stored)) else {
        return Ok(None);
    };
    let Some(secret) = record.secret() else {
        return Ok(None);
    };
    let again = sealer.again(&secret_place(TenantId(tenant)), &secret)?;
    Ok(again.map(|secret| {
        record.set_secret(Some(secret));
        encode(&record)
    }))
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct LinkRecord {
    #[n(0)]
    pub(crate) account: u64,
    #[n(1)]
    pub(crate) issuer: String,
    #[n(2)]
    pub(crate) subject: String,
    #[n(3)]
    pub(crate) mail: String,
    #[n(4)]
    pub(crate) created_millis: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct SessionRecord {
    #[n(0)]
    pub(crate) tenant: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) identity: NameHash,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) provider_session: Option<NameHash>,
    #[n(3)]
    pub(crate) end_millis: i64,
}

fn oid(kind: &str) -> Tuple {
    Tuple::new().string("oid").string(kind)
}

pub(crate) fn provider_key(tenant: TenantId) -> Bytes {
    oid("provider").int(tenant.0).pack()
}
pub(crate) fn link_key(tenant: TenantId, identity: &NameHash) -> Bytes {
    oid("link").int(tenant.0).bytes(identity).pack()
}
pub(crate) fn links_of(account: AccountId) -> Tuple {
    oid("link-of").int(account.0)
}
pub(crate) fn link_of_key(account: AccountId, identity: &NameHash) -> Bytes {
    links_of(account).bytes(identity).pack()
}
pub(crate) fn session_key(session: u64) -> Bytes {
    oid("session").int(session).pack()
}
pub(crate) fn sessions_of(tenant: TenantId, identity: &NameHash) -> Tuple {
    oid("session-of").int(tenant.0).bytes(identity)
}
pub(crate) fn sessions_at(tenant: TenantId, provider_session: &NameHash) -> Tuple {
    oid("session-at").int(tenant.0).bytes(provider_session)
}
pub(crate) fn tokens(tenant: TenantId) -> Tuple {
    oid("jti").int(tenant.0)
}

pub(crate) fn encode<T: minicbor::Encode<()>>(value: &T) -> Bytes {
    record::encode(V1, value)
}
pub(crate) fn decode<T: for<'b> minicbor::Decode<'b, ()>>(stored: &[u8]) -> Result<T, RecordError> {
    record::decode(V1, stored)
}

/// The name of an identity: issuers and subjects are told apart.
pub(crate) fn identity_hash(issuer: &str, subject: &str) -> NameHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_be_bytes());
    hasher.update(issuer.as_bytes());
    hasher.update(subject.as_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn golden_bytes() {
        let provider = ProviderRecord {
            issuer: "i".to_owned(),
            client_id: "c".to_owned(),
            client_secret: Some(vec![1, 2]),
            label: "L".to_owned(),
            link_by_mail: true,
            create_members: false,
            vouches_second_factor: true,
            sealed_secret: None,
        };
        assert_eq!(hex(&encode(&provider)), "0100018761696163420102614cf5f4f5");
        assert_eq!(decode(&encode(&provider)), Ok(provider.clone()));
        let sealed = ProviderRecord {
            client_secret: None,
            sealed_secret: Some(vec![3, 4]),
            ..provider
        };
        assert_eq!(
            hex(&encode(&sealed)),
            "010001886169 6163f6614cf5f4f5420304".replace(' ', "")
        );
        assert_eq!(decode(&encode(&sealed)), Ok(sealed));
        let link = LinkRecord {
            account: 7,
            issuer: "i".to_owned(),
            subject: "s".to_owned(),
            mail: String::new(),
            created_millis: 9,
        };
        assert_eq!(hex(&encode(&link)), "010001850761696173 6009".replace(' ', ""));
        let session = SessionRecord {
            tenant: 3,
            identity: [0xAA; 32],
            provider_session: None,
            end_millis: 9,
        };
        assert_eq!(hex(&encode(&session)), format!("01000184035820{}f609", "aa".repeat(32)));
        assert_eq!(decode(&encode(&session)), Ok(session));
    }

    #[test]
    fn a_secret_in_clear_is_sealed_for_its_organisation() {
        let sealer = Sealer::with_new_key(hongyan_env::Env::manual(1).0);
        let mut provider = ProviderRecord {
            issuer: "i".to_owned(),
            client_id: "c".to_owned(),
            client_secret: Some(b"secret".to_vec()),
            label: "L".to_owned(),
            link_by_mail: true,
            create_members: false,
            vouches_second_factor: true,
            sealed_secret: None,
        };
        let key = provider_key(TenantId(3));
        let sealed = again(&sealer, &key, &encode(&provider)).unwrap().unwrap();
        assert_eq!(again(&sealer, &key, &sealed), Ok(None));
        let kept = decode::<ProviderRecord>(&sealed).unwrap().secret().unwrap();
        let opened = sealer.reveal(&secret_place(TenantId(3)), &kept).unwrap();
        assert_eq!(opened.as_slice(), b"secret");
        provider.set_secret(None);
        assert_eq!(again(&sealer, &key, &encode(&provider)), Ok(None));
    }
}
