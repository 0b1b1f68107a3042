//! Nodes of two releases: what one says anew, the other is told in the words it knows.

use std::time::Duration;

use bytes::Bytes;
use hongyan_actor::{ActivateError, Entity, EntityKey, EntityOptions, Envelope, Older, Tenure, WireEntity, WireError};
use hongyan_router::{Ask, AskError};

use crate::world::*;

const WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ScribeId(u32);

impl EntityKey for ScribeId {
    const KIND: &'static str = "test-scribe";
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(u32::from_be_bytes(bytes.try_into().ok()?)))
    }
}

/// What is wanted, as the latest release says it.
#[derive(Clone, Copy)]
enum Wanted {
    /// Write this; the words of all releases say so.
    Write(u8),
    /// What nobody did before the latest.
    Paint,
    /// A look that older ones have nothing for.
    Look,
}

/// The services are its release; the reply is the word it came by and what it said.
struct ScribeEntity;

impl Entity for ScribeEntity {
    type Key = ScribeId;
    type Request = (u8, Wanted);
    type Reply = Vec<u8>;
    type Services = u8;

    async fn activate(_: u8, _: ScribeId, _: Tenure) -> Result<Self, ActivateError> {
        Ok(Self)
    }
    async fn handle(&mut self, batch: Vec<Envelope<Self>>) {
        for envelope in batch {
            let ((word, wanted), replier) = envelope.split();
            let said = match wanted {
                Wanted::Write(letter) => letter,
                Wanted::Paint | Wanted::Look => 0,
            };
            replier.send(vec![word, said]);
        }
    }
    fn memory_octets(&self) -> usize {
        0
    }
    async fn passivate(&mut self) {}
}

const LATEST: u8 = 3;

impl WireEntity for ScribeEntity {
    fn encode_request(_: &u8, (word, wanted): &(u8, Wanted)) -> Result<Bytes, WireError> {
        Ok(match wanted {
            Wanted::Write(letter) => vec![*word, *letter],
            Wanted::Paint => vec![LATEST, b'P'],
            Wanted::Look => vec![LATEST, b'L'],
        }
        .into())
    }
    fn older(services: &u8, (word, wanted): &(u8, Wanted), age: usize) -> Result<Older<Self>, WireError> {
        let older = u8::try_from(age).ok().and_then(|age| word.checked_sub(age));
        Ok(match (wanted, older) {
            (Wanted::Write(_), Some(word @ 1..)) => {
                Older::Words(vec![Self::encode_request(services, &(word, *wanted))?])
            }
            (Wanted::Look, _) => Older::Reply(b"nothing".to_vec()),
            _ => Older::Nothing,
        })
    }
    fn decode_request(release: &u8, bytes: Bytes) -> Result<(u8, Wanted), WireError> {
        match bytes[..] {
            [word, _] if word > *release => Err(WireError("a word of a later release".to_owned())),
            [LATEST, b'P'] => Ok((LATEST, Wanted::Paint)),
            [LATEST, b'L'] => Ok((LATEST, Wanted::Look)),
            [word, letter] => Ok((word, Wanted::Write(letter))),
            _ => Err(WireError("no two octets".to_owned())),
        }
    }
    fn encode_reply(_: &u8, _: &(u8, Wanted), reply: &Vec<u8>) -> Result<Bytes, WireError> {
        Ok(Bytes::copy_from_slice(reply))
    }
    fn decode_reply(_: &u8, _: &(u8, Wanted), bytes: Bytes) -> Result<Vec<u8>, WireError> {
        Ok(bytes.to_vec())
    }
}

impl Ask for Wanted {
    type Entity = ScribeEntity;
    type Reply = Vec<u8>;
    fn into_request(self) -> (u8, Wanted) {
        (LATEST, self)
    }
    fn from_reply(reply: Vec<u8>) -> Option<Vec<u8>> {
        Some(reply)
    }
}

/// Asks from a node of the latest release one of `release`.
fn ask(release: u8, wanted: Wanted) -> Result<Vec<u8>, AskError> {
    run(async move {
        let world = World::new(1, 2);
        let key = ScribeId(1);
        world.give_partition(PARTITIONS.of_hash(key.entity_id().stable_hash()), 1, 1);
        for (node, release) in world.nodes.iter().zip([LATEST, release]) {
            node.router
                .serve_everywhere::<ScribeEntity>(release, EntityOptions::default());
        }
        world.nodes[0].router.ask(&key, wanted, WITHIN).await
    })
}

#[test]
fn what_an_older_node_does_not_understand_is_said_again_in_its_words() {
    for release in 1..=LATEST {
        assert_eq!(ask(release, Wanted::Write(b'a')), Ok(vec![release, b'a']));
    }
    assert_eq!(
        ask(0, Wanted::Write(b'a')),
        Err(AskError::Unavailable),
        "no words so old"
    );
}

#[test]
fn what_has_no_older_words_is_taken_for_an_answer_or_waits_for_another_owner() {
    assert_eq!(ask(LATEST, Wanted::Look), Ok(vec![LATEST, 0]));
    assert_eq!(ask(2, Wanted::Look), Ok(b"nothing".to_vec()));
    assert_eq!(ask(LATEST, Wanted::Paint), Ok(vec![LATEST, 0]));
    assert_eq!(ask(2, Wanted::Paint), Err(AskError::Unavailable));
}
