//! The certificate of one subject, at ("acme", "certificate", subject). A subject is a domain; the operator's own is "".

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
use minicbor::{Decode, Encode};

use super::Unread;
use crate::key;

/// A certificate and its key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CertificateRecord {
    /// Host names that it is for, as A-labels.
    pub(crate) names: Vec<String>,
    /// The chain as PEM, its own certificate first.
    pub(crate) chain: String,
    /// The private key as PEM.
    pub(crate) key: String,
    /// When it began.
    pub(crate) not_before_millis: i64,
    /// When it ends.
    pub(crate) not_after_millis: i64,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    names: Vec<String>,
    #[n(1)]
    chain: String,
    #[n(2)]
    key: String,
    #[n(3)]
    not_before_millis: i64,
    #[n(4)]
    not_after_millis: i64,
    /// The key; then what is in clear is empty.
    #[cbor(n(5), with = "minicbor::bytes")]
    sealed: Option<Vec<u8>>,
}

enum Stored {
    V1(V1),
}

/// The keys of certificates, for sealing them again.
pub const CERTIFICATE_SECRETS: Holder = Holder {
    kind: "certificate key",
    range: || key::certificates().range(),
    again,
};

fn place(subject: &str) -> Place {
    Place::named("certificate key", subject.as_bytes())
}

pub(crate) fn encode(record: CertificateRecord, sealer: &Sealer, subject: &str) -> Result<Bytes, SealError> {
    let secret = sealer.keep(&place(subject), record.key.as_bytes())?;
    let (key, sealed) = secret.to_text_fields();
    let body = V1 {
        names: record.names,
        chain: record.chain,
        key,
        not_before_millis: record.not_before_millis,
        not_after_millis: record.not_after_millis,
        sealed,
    };
    Ok(record::encode(Schema(1), &body))
}

pub(crate) fn decode(stored: &[u8], sealer: &Sealer, subject: &str) -> Result<CertificateRecord, Unread> {
    let body = read(stored)?;
    let secret = sealer.reveal(&place(subject), &of_record(&body))?;
    let text = String::from_utf8(secret.to_vec()).map_err(|_| Unread::Text)?;
    Ok(CertificateRecord {
        names: body.names,
        chain: body.chain,
        key: text,
        not_before_millis: body.not_before_millis,
        not_after_millis: body.not_after_millis,
    })
}

fn again(sealer: &Sealer, at: &[u8], stored: &[u8]) -> Result<Option<Bytes>, SealError> {
    let (Some(subject), Ok(mut body)) = (key::last(&key::certificates(), at), read(stored)) else {
        return Ok(None);
    };
    let again = sealer.again(&place(&subject), &of_record(&body))?;
    Ok(again.map(|secret| {
        (body.key, body.sealed) = secret.to_text_fields();
        record::encode(Schema(1), &body)
    }))
}

fn read(stored: &[u8]) -> Result<V1, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(body)
}

fn of_record(body: &V1) -> Kept {
    Kept::from_text_fields(&body.key, body.sealed.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As builds before wrote it.
    const CLEAR: &str = "010001858166612e746573746143614b0102";

    fn octets(hex: &str) -> Vec<u8> {
        let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(octet).collect()
    }

    #[test]
    fn golden_bytes() {
        let sealer = Sealer::with_new_key(hongyan_env::Env::manual(1).0);
        let record = CertificateRecord {
            names: vec!["a.test".to_owned()],
            chain: "C".to_owned(),
            key: "K".to_owned(),
            not_before_millis: 1,
            not_after_millis: 2,
        };
        assert!(decode(&octets(CLEAR), &sealer, "a") == Ok(record.clone()));
        let sealed = V1 {
            names: vec!["a.test".to_owned()],
            chain: "C".to_owned(),
            key: String::new(),
            not_before_millis: 1,
            not_after_millis: 2,
            sealed: Some(vec![0xEE; 2]),
        };
        assert_eq!(
            crate::record::hex(&record::encode(Schema(1), &sealed)),
            "010001868166612e74657374614360010242eeee"
        );
        let stored = encode(record.clone(), &sealer, "a").unwrap();
        assert!(decode(&stored, &sealer, "a") == Ok(record));
        assert!(matches!(decode(&stored, &sealer, "b"), Err(Unread::Sealed(_))));
    }

    #[test]
    fn what_is_in_clear_is_sealed() {
        let sealer = Sealer::with_new_key(hongyan_env::Env::manual(1).0);
        let at = key::certificate("a");
        let sealed = again(&sealer, &at, &octets(CLEAR)).unwrap().unwrap();
        assert!(decode(&sealed, &sealer, "a") == decode(&octets(CLEAR), &sealer, "a"));
        assert_eq!(again(&sealer, &at, &sealed), Ok(None));
    }
}
