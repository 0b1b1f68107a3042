//! A new blob on its way to the node of its keeper: what is not stored yet goes along, what is stored is named.

use std::sync::Arc;

use bytes::Bytes;
use hongyan_kv::record::{Schema, decode, encode};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::record::Upload;
use crate::writer::Body;
use crate::{BlobAddress, BlobError, NewBlob, Result};

const V1: Schema = Schema(1);

#[derive(Encode, Decode)]
struct TravelV1 {
    #[n(0)]
    tenant: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    address: Vec<u8>,
    #[n(2)]
    octets: u64,
    #[n(3)]
    body: BodyV1,
}

#[derive(Encode, Decode)]
enum BodyV1 {
    #[n(0)]
    Piece(#[n(0)] ByteVec),
    #[n(1)]
    Pieces(#[n(0)] Vec<ByteVec>),
    #[n(2)]
    Uploaded {
        #[n(0)]
        start_millis: i64,
        #[n(1)]
        location: ByteVec,
    },
}

impl NewBlob {
    /// The blob as another node can [read](Self::from_travel) it.
    #[must_use]
    pub fn to_travel(&self) -> Bytes {
        let bytes = |piece: &Bytes| ByteVec::from(piece.to_vec());
        let body = match &*self.body {
            Body::Piece(piece) => BodyV1::Piece(bytes(piece)),
            Body::Pieces(pieces) => BodyV1::Pieces(pieces.iter().map(bytes).collect()),
            Body::Uploaded(upload) => BodyV1::Uploaded {
                start_millis: upload.start_millis,
                location: ByteVec::from(upload.location.to_vec()),
            },
        };
        let travel = TravelV1 {
            tenant: self.tenant,
            address: self.address.0.to_vec(),
            octets: self.octets,
            body,
        };
        encode(V1, &travel)
    }
    /// The blob that another node has written.
    ///
    /// # Errors
    /// When `bytes` are none.
    pub fn from_travel(bytes: &[u8]) -> Result<Self> {
        let travel: TravelV1 = decode(V1, bytes)?;
        let wrong = |_| BlobError::Corrupt("blob of another node");
        let body = match travel.body {
            BodyV1::Piece(piece) => Body::Piece(Vec::from(piece).into()),
            BodyV1::Pieces(pieces) => Body::Pieces(pieces.into_iter().map(|piece| Vec::from(piece).into()).collect()),
            BodyV1::Uploaded { start_millis, location } => Body::Uploaded(Upload {
                start_millis,
                tenant: travel.tenant,
                location: Vec::from(location).try_into().map_err(wrong)?,
            }),
        };
        Ok(Self {
            tenant: travel.tenant,
            address: BlobAddress(travel.address.try_into().map_err(wrong)?),
            octets: travel.octets,
            body: Arc::new(body),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: Body, golden: &[u8]) {
        let blob = NewBlob {
            tenant: 7,
            address: BlobAddress([0xAB; 32]),
            octets: 300,
            body: Arc::new(body),
        };
        let head = [&b"\x01\x00\x01\x84\x07\x58\x20"[..], &[0xAB; 32], b"\x19\x01\x2c"].concat();
        let travel = blob.to_travel();
        assert_eq!(travel.strip_prefix(&head[..]), Some(golden));
        let back = NewBlob::from_travel(&travel).unwrap();
        assert_eq!(back.to_travel(), travel);
        assert_eq!((back.tenant, back.address, back.octets), (7, blob.address, 300));
        assert!(NewBlob::from_travel(&travel[..travel.len() - 1]).is_err());
    }

    #[test]
    fn golden_bytes() {
        check(Body::Piece(Bytes::from_static(b"\0x")), b"\x82\x00\x81\x42\0x");
        let pieces = vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")];
        check(Body::Pieces(pieces), b"\x82\x01\x81\x82\x41a\x41b");
        let upload = Upload {
            start_millis: 5,
            tenant: 7,
            location: *b"0123456789abcdef",
        };
        check(Body::Uploaded(upload), b"\x82\x02\x82\x05\x500123456789abcdef");
    }
}
