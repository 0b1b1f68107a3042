//! One entry, at ("aud", chain, "entry", sequence): its hash, and the octets that the hash is over.
//!
//! The hash is over the octets as they were written, never over what is made of them: a later release that reads more in
//! them still proves them.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::Timestamp;
use minicbor::{Decode, Encode};

use crate::{Author, AuthorKind, Chain, Entry, FieldChange, Hash, Head};

#[derive(Encode, Decode)]
struct V1 {
    #[cbor(n(0), with = "minicbor::bytes")]
    hash: [u8; 32],
    #[cbor(n(1), with = "minicbor::bytes")]
    said: Vec<u8>,
}

#[derive(Encode, Decode)]
struct SaidV1 {
    #[n(0)]
    at_millis: i64,
    #[n(1)]
    author_kind: u8,
    #[n(2)]
    author_id: Option<u64>,
    #[n(3)]
    author_name: String,
    #[n(4)]
    author_from: String,
    #[n(5)]
    action: String,
    #[n(6)]
    object: String,
    #[n(7)]
    id: Option<u64>,
    #[n(8)]
    fields: Vec<FieldV1>,
}

#[derive(Encode, Decode)]
struct FieldV1 {
    #[n(0)]
    field: String,
    #[n(1)]
    before: Option<String>,
    #[n(2)]
    after: Option<String>,
}

enum Said {
    V1(SaidV1),
}

enum Stored {
    V1(V1),
}

/// An entry as it was read, with the octets that its hash is over.
pub(crate) struct Sealed {
    pub(crate) hash: Hash,
    pub(crate) said: Vec<u8>,
}

fn kind_code(kind: AuthorKind) -> u8 {
    match kind {
        AuthorKind::System => 0,
        AuthorKind::Operator => 1,
        AuthorKind::Member => 2,
        AuthorKind::Token => 3,
    }
}

fn kind_of(code: u8) -> AuthorKind {
    match code {
        1 => AuthorKind::Operator,
        2 => AuthorKind::Member,
        3 => AuthorKind::Token,
        _ => AuthorKind::System,
    }
}

/// The hash of what follows `before` in a chain.
pub(crate) fn hash(chain: Chain, before: Head, said: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"hongyan audit 1");
    hasher.update(&chain.code().to_be_bytes());
    hasher.update(&(before.sequence + 1).to_be_bytes());
    hasher.update(&before.hash.0);
    hasher.update(said);
    Hash(*hasher.finalize().as_bytes())
}

/// The octets to store for what follows `before`, and the chain's new end.
pub(crate) fn seal(chain: Chain, before: Head, entry: &Entry) -> (Head, Bytes) {
    let body = SaidV1 {
        at_millis: entry.at.millis,
        author_kind: kind_code(entry.author.kind),
        author_id: entry.author.id,
        author_name: entry.author.name.clone(),
        author_from: entry.author.from.clone(),
        action: entry.action.clone(),
        object: entry.object.clone(),
        id: entry.id,
        fields: entry.fields.iter().map(field).collect(),
    };
    let said = record::encode(Schema(1), &body).to_vec();
    let hash = hash(chain, before, &said);
    let head = Head {
        sequence: before.sequence + 1,
        hash,
    };
    (head, record::encode(Schema(1), &V1 { hash: hash.0, said }))
}

fn field(change: &FieldChange) -> FieldV1 {
    FieldV1 {
        field: change.field.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
    }
}

pub(crate) fn unseal(stored: &[u8]) -> Result<Sealed, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(V1 { hash, said }) = stored;
    Ok(Sealed { hash: Hash(hash), said })
}

pub(crate) fn read(said: &[u8]) -> Result<Entry, RecordError> {
    let said = match record::split(said)? {
        (Schema(1), body) => Said::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Said::V1(body) = said;
    let fields = body.fields.into_iter().map(|change| FieldChange {
        field: change.field,
        before: change.before,
        after: change.after,
    });
    Ok(Entry {
        at: Timestamp { millis: body.at_millis },
        author: Author {
            kind: kind_of(body.author_kind),
            id: body.author_id,
            name: body.author_name,
            from: body.author_from,
        },
        action: body.action,
        object: body.object,
        id: body.id,
        fields: fields.collect(),
    })
}

#[cfg(test)]
mod tests {
    use hongyan_types::TenantId;

    use super::*;
    use crate::Event;

    #[test]
    fn golden_bytes() {
        let author = Author {
            kind: AuthorKind::Member,
            id: Some(7),
            name: "a@b.test".to_owned(),
            from: "192.0.2.1".to_owned(),
        };
        let event = Event::new("tag.create", "T").id(3).with("name", "T");
        let entry = Entry::new(event, author, Timestamp { millis: 1_000 });
        let (head, stored) = seal(Chain::Tenant(TenantId(2)), Head::START, &entry);
        assert_eq!(head.sequence, 1);
        let sealed = unseal(&stored).unwrap();
        assert_eq!(sealed.hash, head.hash);
        assert_eq!(read(&sealed.said), Ok(entry));
        assert_eq!(
            crate::record::hex(&sealed.said),
            "010001891903e80207686140622e74657374693139322e302e322e316a7461672e6372656174656154038183646e616d65f66154"
        );
        assert_eq!(
            crate::record::hex(&stored),
            format!(
                "0100018258{:02x}{}58{:02x}{}",
                32,
                head.hash,
                sealed.said.len(),
                crate::record::hex(&sealed.said)
            )
        );
        assert_eq!(
            head.hash.to_string(),
            "8c8e7da44b8f71aa514289f56ae39cd6bc4e248dc35d9ef35c1e5453b5fbabcb"
        );
    }
}
