//! The keys and records of blobs. All below the tuple ("blob", kind, ...):
//!
//! - ("blob", "head", tenant, address) -> [`Head`]: where the content is, or the content itself when it is one piece
//! - ("blob", "data", tenant, location, n) -> piece n of a longer blob
//! - ("blob", "ref", tenant, address, owner) -> nothing: somebody keeps the blob
//! - ("blob", "candidate", due ms, tenant, address) -> nothing: to be looked at by the collector
//! - ("blob", "upload", start ms, tenant, location) -> nothing: pieces that have no head yet
//! - ("blob", "key") -> 32 octets: the installation's key for addresses

use bytes::Bytes;
use hongyan_kv::record::{Schema, decode, encode_sized};
use hongyan_kv::{KeyRange, Tuple};
use minicbor::{Decode, Encode};

use crate::{BlobAddress, Owner, Result};

/// What a blob's address leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// Content length.
    pub octets: u64,
    /// The one stored piece of a short blob.
    pub piece: Option<Bytes>,
    /// Where the pieces of a longer blob are.
    pub location: Option<Bytes>,
    /// Content octets in each piece but the last.
    pub chunk_octets: u32,
}

/// A head as it is stored; it borrows, so that a piece is not copied on its way.
#[derive(Encode, Decode)]
struct StoredHead<'b> {
    #[n(0)]
    octets: u64,
    #[cbor(b(1), with = "minicbor::bytes")]
    piece: Option<&'b [u8]>,
    #[cbor(b(2), with = "minicbor::bytes")]
    location: Option<&'b [u8]>,
    #[n(3)]
    chunk_octets: u32,
}

const HEAD_V1: Schema = Schema(1);

impl Head {
    pub(crate) fn encode(&self) -> Bytes {
        let piece = self.piece.as_ref().map_or(0, Bytes::len);
        let stored = StoredHead {
            octets: self.octets,
            piece: self.piece.as_deref(),
            location: self.location.as_deref(),
            chunk_octets: self.chunk_octets,
        };
        encode_sized(HEAD_V1, &stored, piece + 64)
    }
    pub(crate) fn decode(stored: &Bytes) -> Result<Self> {
        let head: StoredHead<'_> = decode(HEAD_V1, stored)?;
        Ok(Self {
            octets: head.octets,
            piece: head.piece.map(|piece| stored.slice_ref(piece)),
            location: head.location.map(|location| stored.slice_ref(location)),
            chunk_octets: head.chunk_octets,
        })
    }
}

fn below(kind: &str) -> Tuple {
    Tuple::new().string("blob").string(kind)
}

pub(crate) fn key_key() -> Bytes {
    below("key").pack()
}

pub(crate) fn head_key(tenant: u64, address: &BlobAddress) -> Bytes {
    below("head").int(tenant).bytes(&address.0).pack()
}

pub(crate) fn data_key(tenant: u64, location: &[u8], n: u64) -> Bytes {
    below("data").int(tenant).bytes(location).int(n).pack()
}

pub(crate) fn data_range(tenant: u64, location: &[u8]) -> KeyRange {
    below("data").int(tenant).bytes(location).range()
}

pub(crate) fn reference_key(tenant: u64, address: &BlobAddress, owner: &Owner) -> Bytes {
    below("ref").int(tenant).bytes(&address.0).bytes(&owner.0).pack()
}

pub(crate) fn reference_range(tenant: u64, address: &BlobAddress) -> KeyRange {
    below("ref").int(tenant).bytes(&address.0).range()
}

/// A blob that may have lost its last reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub due_millis: i64,
    pub tenant: u64,
    pub address: BlobAddress,
}

impl Candidate {
    pub(crate) fn key(&self) -> Bytes {
        below("candidate")
            .int(self.due_millis)
            .int(self.tenant)
            .bytes(&self.address.0)
            .pack()
    }
    pub(crate) fn parse(key: &[u8]) -> Option<Self> {
        let mut reader = below("candidate").reader(key).ok()?;
        let due_millis = reader.int().ok()?;
        let tenant = reader.int().ok()?;
        let address = BlobAddress(reader.bytes().ok()?.try_into().ok()?);
        Some(Self {
            due_millis,
            tenant,
            address,
        })
    }
    /// All candidates due before `millis`.
    pub(crate) fn due_before(millis: i64) -> KeyRange {
        KeyRange {
            begin: below("candidate").range().begin,
            end: below("candidate").int(millis).pack(),
        }
    }
}

/// Pieces on their way, before their address is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upload {
    pub start_millis: i64,
    pub tenant: u64,
    pub location: [u8; 16],
}

impl Upload {
    pub(crate) fn key(&self) -> Bytes {
        below("upload")
            .int(self.start_millis)
            .int(self.tenant)
            .bytes(&self.location)
            .pack()
    }
    pub(crate) fn parse(key: &[u8]) -> Option<Self> {
        let mut reader = below("upload").reader(key).ok()?;
        let start_millis = reader.int().ok()?;
        let tenant = reader.int().ok()?;
        let location = reader.bytes().ok()?.try_into().ok()?;
        Some(Self {
            start_millis,
            tenant,
            location,
        })
    }
    /// All uploads begun before `millis`.
    pub(crate) fn begun_before(millis: i64) -> KeyRange {
        KeyRange {
            begin: below("upload").range().begin,
            end: below("upload").int(millis).pack(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes_of_a_head() {
        let short = Head {
            octets: 3,
            piece: Some(Bytes::from_static(b"\0abc")),
            location: None,
            chunk_octets: 65536,
        };
        assert_eq!(
            &short.encode()[..],
            b"\x01\x00\x01\x84\x03\x44\x00abc\xf6\x1a\x00\x01\x00\x00"
        );
        assert_eq!(Head::decode(&short.encode()), Ok(short));
        let long = Head {
            octets: 70_000,
            piece: None,
            location: Some(Bytes::from_static(b"L")),
            chunk_octets: 65536,
        };
        assert_eq!(
            &long.encode()[..],
            b"\x01\x00\x01\x84\x1a\x00\x01\x11\x70\xf6\x41L\x1a\x00\x01\x00\x00"
        );
    }

    #[test]
    fn keys_are_read_back() {
        let candidate = Candidate {
            due_millis: 1_700_000_000_000,
            tenant: 7,
            address: BlobAddress([9; 32]),
        };
        assert_eq!(Candidate::parse(&candidate.key()), Some(candidate));
        assert!(Candidate::due_before(1_700_000_000_001).contains(&candidate.key()));
        assert!(!Candidate::due_before(1_700_000_000_000).contains(&candidate.key()));
        let upload = Upload {
            start_millis: 5,
            tenant: 7,
            location: [3; 16],
        };
        assert_eq!(Upload::parse(&upload.key()), Some(upload));
    }
}
