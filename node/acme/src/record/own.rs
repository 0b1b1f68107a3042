//! The certificate that an organisation has brought for a domain, at ("acme", "own", domain); ("acme", "told", domain) has how
//! many days before which end its administrators were told last.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
use hongyan_types::TenantId;
use minicbor::{Decode, Encode};

use super::{CertificateRecord, Unread};
use crate::key;

/// A certificate and whose it is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OwnRecord {
    /// Who has brought it: should the domain go over to another organisation, it goes.
    pub(crate) tenant: TenantId,
    /// What was brought; the names are those of the domain, some perhaps with a `*`.
    pub(crate) certificate: CertificateRecord,
}

/// What administrators were told last of the end of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToldRecord {
    pub(crate) not_after_millis: i64,
    pub(crate) days: u32,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    tenant: u64,
    #[n(1)]
    names: Vec<String>,
    #[n(2)]
    chain: String,
    #[cbor(n(3), with = "minicbor::bytes")]
    sealed_key: Vec<u8>,
    #[n(4)]
    not_before_millis: i64,
    #[n(5)]
    not_after_millis: i64,
}

#[derive(Encode, Decode)]
struct ToldV1 {
    #[n(0)]
    not_after_millis: i64,
    #[n(1)]
    days: u32,
}

/// The keys of own certificates, for sealing them again.
pub const OWN_CERTIFICATE_SECRETS: Holder = Holder {
    kind: "own certificate key",
    range: || key::own().range(),
    again,
};

fn place(subject: &str) -> Place {
    Place::named("own certificate key", subject.as_bytes())
}

pub(crate) fn encode(own: OwnRecord, sealer: &Sealer, subject: &str) -> Result<Bytes, SealError> {
    let certificate = own.certificate;
    let body = V1 {
        tenant: own.tenant.0,
        names: certificate.names,
        chain: certificate.chain,
        sealed_key: sealer.seal(&place(subject), certificate.key.as_bytes())?,
        not_before_millis: certificate.not_before_millis,
        not_after_millis: certificate.not_after_millis,
    };
    Ok(record::encode(Schema(1), &body))
}

pub(crate) fn decode(stored: &[u8], sealer: &Sealer, subject: &str) -> Result<OwnRecord, Unread> {
    let body = read(stored)?;
    let secret = sealer.open(&place(subject), &body.sealed_key)?;
    Ok(OwnRecord {
        tenant: TenantId(body.tenant),
        certificate: CertificateRecord {
            names: body.names,
            chain: body.chain,
            key: String::from_utf8(secret.to_vec()).map_err(|_| Unread::Text)?,
            not_before_millis: body.not_before_millis,
            not_after_millis: body.not_after_millis,
        },
    })
}

fn again(sealer: &Sealer, at: &[u8], stored: &[u8]) -> Result<Option<Bytes>, SealError> {
    let (Some(subject), Ok(mut body)) = (key::last(&key::own(), at), read(stored)) else {
        return Ok(None);
    };
    let again = sealer.again(&place(&subject), &Kept::Sealed(body.sealed_key.clone()))?;
    Ok(again.map(|secret| {
        body.sealed_key = secret.to_fields().1.unwrap_or_default();
        record::encode(Schema(1), &body)
    }))
}

fn read(stored: &[u8]) -> Result<V1, RecordError> {
    match record::split(stored)? {
        (Schema(1), body) => record::decode_body(body),
        (Schema(other), _) => Err(RecordError::Schema(other)),
    }
}

pub(crate) fn encode_told(told: ToldRecord) -> Bytes {
    let body = ToldV1 {
        not_after_millis: told.not_after_millis,
        days: told.days,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode_told(stored: &[u8]) -> Result<ToldRecord, RecordError> {
    match record::split(stored)? {
        (Schema(1), body) => {
            let body: ToldV1 = record::decode_body(body)?;
            Ok(ToldRecord {
                not_after_millis: body.not_after_millis,
                days: body.days,
            })
        }
        (Schema(other), _) => Err(RecordError::Schema(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let body = V1 {
            tenant: 3,
            names: vec!["a.test".to_owned()],
            chain: "C".to_owned(),
            sealed_key: vec![0xEE; 2],
            not_before_millis: 1,
            not_after_millis: 2,
        };
        let stored = record::encode(Schema(1), &body);
        assert_eq!(crate::record::hex(&stored), "01000186038166612e74657374614342eeee0102");
        let told = ToldRecord {
            not_after_millis: 2,
            days: 30,
        };
        assert_eq!(crate::record::hex(&encode_told(told)), "0100018202181e");
        assert_eq!(decode_told(&encode_told(told)), Ok(told));
    }

    #[test]
    fn the_key_is_sealed_and_sealed_again() {
        let sealer = Sealer::with_new_key(hongyan_env::Env::manual(1).0);
        let own = OwnRecord {
            tenant: TenantId(3),
            certificate: CertificateRecord {
                names: vec!["a.test".to_owned()],
                chain: "C".to_owned(),
                key: "very secret".to_owned(),
                not_before_millis: 1,
                not_after_millis: 2,
            },
        };
        let stored = encode(own.clone(), &sealer, "a.test").unwrap();
        assert!(!stored.windows(4).any(|part| part == b"very"));
        assert!(decode(&stored, &sealer, "a.test") == Ok(own.clone()));
        assert!(decode(&stored, &sealer, "b.test").is_err(), "bound to its place");
        let at = key::own_of("a.test");
        assert_eq!(again(&sealer, &at, &stored), Ok(None));
        sealer.make_key();
        if let Some(newer) = again(&sealer, &at, &stored).unwrap() {
            assert!(decode(&newer, &sealer, "a.test") == Ok(own));
        }
    }
}
