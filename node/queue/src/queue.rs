//! One shard's entries in storage; plain methods over a transaction. `QueueEntity` owns one and commits.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use hongyan_actor::RequestId;
use hongyan_blob::{BlobStore, Owner};
use hongyan_kv::{RangeQuery, ReadMode, Transaction, Tuple};

use crate::record::{Entry, Keys};
use crate::{Holder, Holders, QueueError, QueueId, RetrySchedule};

/// How long a delivery id is remembered, in milliseconds: far longer than any client repeats.
const DELIVERY_MEMORY_MILLIS: i64 = 24 * 3600 * 1000;
/// How long a hand-out holds while its holder lives, in milliseconds: its reply may have been lost on the way.
const HAND_OUT_MILLIS: i64 = 15 * 60 * 1000;
/// Delivery ids forgotten in one go.
const FORGET_MAX: usize = 64;

/// An entry in somebody's hands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandOut {
    /// When it was handed out.
    pub(crate) since_millis: i64,
    /// To whom.
    pub(crate) holder: Holder,
    /// The request that got it: a repeat gets it again.
    pub(crate) request: RequestId,
    /// The record of it, if there is one: the time that is in it.
    pub(crate) stored_millis: Option<i64>,
}

impl HandOut {
    pub(crate) fn is_stored(&self) -> bool {
        self.stored_millis == Some(self.since_millis)
    }
    fn encode(&self) -> Vec<u8> {
        let mut octets = self.since_millis.to_be_bytes().to_vec();
        octets.extend_from_slice(&self.holder.node.to_be_bytes());
        octets.extend_from_slice(&self.holder.life.to_be_bytes());
        octets.extend_from_slice(&self.request.0.to_be_bytes());
        octets
    }
    fn decode(octets: &[u8]) -> Option<Self> {
        let (since, rest) = octets.split_first_chunk()?;
        let (node, rest) = rest.split_first_chunk()?;
        let (life, rest) = rest.split_first_chunk()?;
        let since_millis = i64::from_be_bytes(*since);
        Some(Self {
            since_millis,
            holder: Holder {
                node: u64::from_be_bytes(*node),
                life: u64::from_be_bytes(*life),
            },
            request: RequestId(u128::from_be_bytes(rest.try_into().ok()?)),
            stored_millis: Some(since_millis),
        })
    }
}

/// One shard.
pub struct Queue {
    pub(crate) id: QueueId,
    pub(crate) keys: Keys,
    pub(crate) blobs: BlobStore,
    pub(crate) schedule: RetrySchedule,
    /// Who may be at work.
    pub(crate) holders: Arc<dyn Holders>,
    /// Entries that somebody works on.
    pub(crate) handed_out: HashMap<u64, HandOut>,
}

impl Queue {
    /// The shard `id`.
    #[must_use]
    pub fn new(id: QueueId, blobs: BlobStore, schedule: RetrySchedule, holders: Arc<dyn Holders>) -> Self {
        Self {
            id,
            keys: Keys::new(id),
            blobs,
            schedule,
            holders,
            handed_out: HashMap::new(),
        }
    }
    /// Who keeps the message's bytes for entry `number`.
    pub(crate) fn owner(&self, number: u64) -> Owner {
        Owner(Tuple::new().string("queue").int(self.id.shard).int(number).pack())
    }
    pub(crate) async fn next_number(&self, transaction: &mut Transaction) -> Result<u64, QueueError> {
        let stored = transaction.get(&self.keys.meta()).await?;
        let number = match stored.as_deref().map(<[u8; 8]>::try_from) {
            None => 1,
            Some(Ok(octets)) => u64::from_be_bytes(octets),
            Some(Err(_)) => return Err(hongyan_kv::Error::Corrupt("queue meta".to_owned()).into()),
        };
        transaction.set(self.keys.meta(), (number + 1).to_be_bytes().to_vec());
        Ok(number)
    }
    /// How many entries the shard has.
    pub(crate) async fn count(&self, transaction: &mut Transaction) -> Result<i64, QueueError> {
        let stored = transaction.get_snapshot(&self.keys.count()).await?;
        let octets = stored.as_deref().and_then(|stored| <[u8; 8]>::try_from(stored).ok());
        Ok(octets.map_or(0, i64::from_le_bytes))
    }
    pub(crate) async fn entry(&self, transaction: &mut Transaction, number: u64) -> Result<Entry, QueueError> {
        let stored = transaction
            .get(&self.keys.entry(number))
            .await?
            .ok_or(QueueError::NoSuchEntry)?;
        Entry::decode(&stored)
    }
    /// Writes a changed entry that was due at `before`.
    pub(crate) fn store_as_is(&self, transaction: &mut Transaction, number: u64, entry: &Entry, before: i64) {
        transaction.clear(&self.keys.due(before, number));
        if !entry.held {
            transaction.set(self.keys.due(entry.due_millis, number), Bytes::new());
        }
        transaction.set(self.keys.entry(number), entry.encode());
    }
    /// Removes an entry that was due at `before`, and lets go of its bytes.
    pub(crate) fn remove(&self, transaction: &mut Transaction, number: u64, entry: &Entry, before: i64) {
        transaction.clear(&self.keys.due(before, number));
        transaction.clear(&self.keys.entry(number));
        transaction.atomic_add(self.keys.count(), -1);
        self.take_back(transaction, number);
        self.blobs
            .detach(transaction, entry.tenant, &entry.blob_address(), &self.owner(number));
    }
    /// Whether somebody works on the entry, as far as is known.
    pub(crate) fn is_handed_out(&self, number: u64, now_millis: i64) -> bool {
        let handed = self.handed_out.get(&number);
        handed.is_some_and(|handed| {
            now_millis.saturating_sub(handed.since_millis) < HAND_OUT_MILLIS && self.holders.is_alive(handed.holder)
        })
    }
    /// What the request `id` got with a lost reply is in nobody's hands: its repeat gets it again.
    pub(crate) fn hand_out_again(&mut self, id: RequestId) {
        let handed = self.handed_out.values_mut().filter(|handed| handed.request == id);
        handed.for_each(|handed| handed.since_millis = i64::MIN);
    }
    /// Notes in storage what is handed out, for whoever has the shard next.
    pub(crate) fn store_handed_out(&self, transaction: &mut Transaction) {
        for (number, handed) in self.handed_out.iter().filter(|(_, handed)| !handed.is_stored()) {
            transaction.set(self.keys.handed(*number), handed.encode());
        }
    }
    /// What was handed out when the shard left last.
    pub(crate) async fn load_handed_out(
        &self,
        transaction: &mut Transaction,
    ) -> Result<HashMap<u64, HandOut>, QueueError> {
        let query = RangeQuery {
            range: self.keys.all_handed(),
            limit: 0,
            reverse: false,
            mode: ReadMode::Snapshot,
        };
        let mut handed_out = HashMap::new();
        for pair in transaction.get_range_all(query).await? {
            let read = self.keys.parse_handed(&pair.key).zip(HandOut::decode(&pair.value));
            let Some((number, handed)) = read else {
                return Err(hongyan_kv::Error::Corrupt("queue hand-out".to_owned()).into());
            };
            handed_out.insert(number, handed);
        }
        Ok(handed_out)
    }
    /// The entry is back: there is no record any more of its being handed out.
    pub(crate) fn take_back(&self, transaction: &mut Transaction, number: u64) {
        let handed = self.handed_out.get(&number);
        if handed.is_some_and(|handed| handed.stored_millis.is_some()) {
            transaction.clear(&self.keys.handed(number));
        }
    }
    /// Forgets some delivery ids that nobody will repeat any more.
    pub(crate) async fn forget(&self, transaction: &mut Transaction, now_millis: i64) -> Result<(), QueueError> {
        let range = self
            .keys
            .accepted_before(now_millis.saturating_sub(DELIVERY_MEMORY_MILLIS));
        let query = RangeQuery {
            range,
            limit: FORGET_MAX,
            reverse: false,
            mode: ReadMode::Snapshot,
        };
        for pair in transaction.get_range_all(query).await? {
            if let Some(id) = self.keys.parse_accepted(&pair.key) {
                transaction.clear(&self.keys.delivery(&id));
            }
            transaction.clear(&pair.key);
        }
        Ok(())
    }
}
