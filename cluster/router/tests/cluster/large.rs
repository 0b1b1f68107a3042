//! Requests and replies that no call carries.

use std::time::Duration;

use bytes::Bytes;
use hongyan_actor::{
    ActivateError, Entity, EntityKey, EntityOptions, Envelope, Gather, Pieces, Tenure, WireEntity, WireError,
};
use hongyan_router::Ask;

use crate::world::*;

const WITHIN: Duration = Duration::from_secs(600);
const PIECE: usize = 512 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ParcelId(u32);

impl EntityKey for ParcelId {
    const KIND: &'static str = "test-parcel";
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(u32::from_be_bytes(bytes.try_into().ok()?)))
    }
}

/// Sends back what it gets, so often.
#[derive(Clone)]
struct Parcel {
    octets: Bytes,
    times: u8,
}

struct ParcelEntity;

impl Entity for ParcelEntity {
    type Key = ParcelId;
    type Request = Parcel;
    type Reply = Bytes;
    type Services = ();

    async fn activate((): (), _: ParcelId, _: Tenure) -> Result<Self, ActivateError> {
        Ok(Self)
    }
    async fn handle(&mut self, batch: Vec<Envelope<Self>>) {
        for envelope in batch {
            let (parcel, replier) = envelope.split();
            replier.send(parcel.octets.repeat(usize::from(parcel.times)).into());
        }
    }
    fn memory_octets(&self) -> usize {
        0
    }
    async fn passivate(&mut self) {}
}

#[derive(Default)]
struct Pile(Vec<u8>);

impl Gather<ParcelEntity> for Pile {
    fn push(&mut self, piece: Bytes) -> Result<(), WireError> {
        self.0.extend_from_slice(&piece);
        Ok(())
    }
    fn finish(self: Box<Self>, (): &(), _: &Parcel) -> Result<Bytes, WireError> {
        Ok(self.0.into())
    }
}

fn cut(octets: &Bytes) -> Vec<Bytes> {
    let pieces = octets
        .chunks(PIECE)
        .map(|piece| octets.slice_ref(piece))
        .collect::<Vec<_>>();
    if pieces.is_empty() { vec![Bytes::new()] } else { pieces }
}

impl WireEntity for ParcelEntity {
    fn encode_request((): &(), _: &Parcel) -> Result<Bytes, WireError> {
        Err(WireError("in pieces only".to_owned()))
    }
    fn decode_request((): &(), _: Bytes) -> Result<Parcel, WireError> {
        Err(WireError("in pieces only".to_owned()))
    }
    fn encode_reply((): &(), _: &Parcel, _: &Bytes) -> Result<Bytes, WireError> {
        Err(WireError("in pieces only".to_owned()))
    }
    fn decode_reply((): &(), _: &Parcel, _: Bytes) -> Result<Bytes, WireError> {
        Err(WireError("in pieces only".to_owned()))
    }
    fn encode_request_pieces((): &(), request: &Parcel) -> Result<Vec<Bytes>, WireError> {
        let whole: Bytes = [&[request.times], &request.octets[..]].concat().into();
        Ok(cut(&whole))
    }
    fn decode_request_pieces((): &(), pieces: Vec<Bytes>) -> Result<Parcel, WireError> {
        let whole: Bytes = pieces.concat().into();
        Ok(Parcel {
            times: whole[0],
            octets: whole.slice(1..),
        })
    }
    fn encode_reply_pieces((): &(), _: &Parcel, reply: &Bytes) -> Result<Pieces, WireError> {
        Ok(Box::new(cut(reply).into_iter().map(Ok)))
    }
    fn gather_reply() -> Box<dyn Gather<Self>> {
        Box::<Pile>::default()
    }
}

impl Ask for Parcel {
    type Entity = ParcelEntity;
    type Reply = Bytes;
    fn into_request(self) -> Parcel {
        self
    }
    fn from_reply(reply: Bytes) -> Option<Bytes> {
        Some(reply)
    }
}

#[test]
fn a_request_and_a_reply_larger_than_a_payload_arrive_whole() {
    run(async {
        let world = World::new(1, 2);
        let key = ParcelId(1);
        world.give_partition(PARTITIONS.of_hash(key.entity_id().stable_hash()), 1, 1);
        for node in &world.nodes {
            node.router
                .serve_everywhere::<ParcelEntity>((), EntityOptions::default());
        }
        // Octets that show what is lost or out of order; the transport carries 16 MiB in a call.
        let octets: Bytes = (0..20 << 20).map(|at: u32| (at ^ at >> 7 ^ at >> 15) as u8).collect();
        for (length, times) in [
            (10, 1),
            (0, 1),
            (PIECE, 1),
            (3 << 20, 1),
            (5 << 20, 4),
            (20 << 20, 0),
            (20 << 20, 1),
        ] {
            let parcel = Parcel {
                octets: octets.slice(..length),
                times,
            };
            let expect = parcel.octets.repeat(usize::from(times));
            let reply = world.nodes[0].router.ask(&key, parcel, WITHIN).await;
            assert!(reply.unwrap() == expect, "{length} octets {times} times");
        }
    });
}
