//! Names of shards and entries.

use std::fmt;
use std::str::FromStr;

use hongyan_actor::EntityKey;

/// How many shards there are. Part of where entries are stored, so it never changes.
pub const QUEUE_SHARDS: u16 = 32;

/// One shard of the queue: an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId {
    /// Below [`QUEUE_SHARDS`].
    pub shard: u16,
}

impl QueueId {
    /// The shard for a delivery with `random` bits.
    #[must_use]
    pub fn pick(random: u64) -> Self {
        Self {
            shard: u16::try_from(random % u64::from(QUEUE_SHARDS)).unwrap_or(0),
        }
    }
    /// All shards.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..QUEUE_SHARDS).map(|shard| Self { shard })
    }
}

impl EntityKey for QueueId {
    const KIND: &'static str = "queue";
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.shard.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        let shard = u16::from_be_bytes(bytes.try_into().ok()?);
        (shard < QUEUE_SHARDS).then_some(Self { shard })
    }
}

/// One entry, as operators name it: `SHARD-NUMBER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// Its shard.
    pub queue: QueueId,
    /// Its number there, from 1, never used again.
    pub number: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.queue.shard, self.number)
    }
}

/// Not the name of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entries are named SHARD-NUMBER, such as 3-17")]
pub struct EntryIdError;

impl FromStr for EntryId {
    type Err = EntryIdError;
    fn from_str(text: &str) -> Result<Self, EntryIdError> {
        let (shard, number) = text.split_once('-').ok_or(EntryIdError)?;
        let shard = shard
            .parse()
            .ok()
            .filter(|shard| *shard < QUEUE_SHARDS)
            .ok_or(EntryIdError)?;
        let number = number.parse().map_err(|_| EntryIdError)?;
        Ok(Self {
            queue: QueueId { shard },
            number,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{EntryId, EntryIdError, QueueId};

    #[test]
    fn entries_are_named_both_ways() {
        let id = EntryId {
            queue: QueueId { shard: 31 },
            number: 7,
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "7", "32-1", "-1", "1-", "1-x", "a-1"] {
            assert_eq!(wrong.parse::<EntryId>(), Err(EntryIdError), "{wrong}");
        }
    }
}
