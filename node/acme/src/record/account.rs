//! Our account with one authority, at ("acme", "account", directory).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
use minicbor::{Decode, Encode};

use super::Unread;
use crate::key;

/// An account and its key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AccountRecord {
    /// As the ACME library writes them, in JSON.
    pub(crate) credentials: String,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    credentials: String,
    /// The credentials; then what is in clear is empty.
    #[cbor(n(1), with = "minicbor::bytes")]
    sealed: Option<Vec<u8>>,
}

enum Stored {
    V1(V1),
}

/// The keys of accounts with authorities, for sealing them again.
pub const ACCOUNT_SECRETS: Holder = Holder {
    kind: "acme account",
    range: || key::accounts().range(),
    again,
};

fn place(directory: &str) -> Place {
    Place::named("acme account", directory.as_bytes())
}

pub(crate) fn encode(record: AccountRecord, sealer: &Sealer, directory: &str) -> Result<Bytes, SealError> {
    let secret = sealer.keep(&place(directory), record.credentials.as_bytes())?;
    let (credentials, sealed) = secret.to_text_fields();
    let body = V1 { credentials, sealed };
    Ok(record::encode(Schema(1), &body))
}

pub(crate) fn decode(stored: &[u8], sealer: &Sealer, directory: &str) -> Result<AccountRecord, Unread> {
    let body = read(stored)?;
    let secret = sealer.reveal(&place(directory), &of_record(&body))?;
    let text = String::from_utf8(secret.to_vec()).map_err(|_| Unread::Text)?;
    Ok(AccountRecord { credentials: text })
}

fn again(sealer: &Sealer, at: &[u8], stored: &[u8]) -> Result<Option<Bytes>, SealError> {
    let (Some(directory), Ok(mut body)) = (key::last(&key::accounts(), at), read(stored)) else {
        return Ok(None);
    };
    let again = sealer.again(&place(&directory), &of_record(&body))?;
    Ok(again.map(|secret| {
        (body.credentials, body.sealed) = secret.to_text_fields();
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
    Kept::from_text_fields(&body.credentials, body.sealed.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As builds before wrote it.
    const CLEAR: &str = "01000181627b7d";

    fn octets(hex: &str) -> Vec<u8> {
        let octet = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(octet).collect()
    }

    #[test]
    fn golden_bytes() {
        let sealer = Sealer::with_new_key(hongyan_env::Env::manual(1).0);
        let record = AccountRecord {
            credentials: "{}".to_owned(),
        };
        assert!(decode(&octets(CLEAR), &sealer, "a") == Ok(record.clone()));
        let sealed = V1 {
            credentials: String::new(),
            sealed: Some(vec![0xEE; 2]),
        };
        assert_eq!(
            crate::record::hex(&record::encode(Schema(1), &sealed)),
            "010001826042eeee"
        );
        let stored = encode(record.clone(), &sealer, "a").unwrap();
        assert!(decode(&stored, &sealer, "a") == Ok(record));
        assert!(matches!(decode(&stored, &sealer, "b"), Err(Unread::Sealed(_))));
    }

    #[test]
    fn what_is_in_clear_is_sealed() {
        let sealer = Sealer::with_new_key(hongyan_env::Env::manual(1).0);
        let at = key::account("a");
        let sealed = again(&sealer, &at, &octets(CLEAR)).unwrap().unwrap();
        assert!(decode(&sealed, &sealer, "a") == decode(&octets(CLEAR), &sealer, "a"));
        assert_eq!(again(&sealer, &at, &sealed), Ok(None));
    }
}
