//! What an entity is called, on this node and on every other.

use std::fmt::{self, Debug};
use std::hash::Hash;

/// The typed identity of an entity.
pub trait EntityKey: Clone + Eq + Hash + Debug + Send + Sync + Unpin + 'static {
    /// The kind of entity: `mailbox`, `queue`. Part of the identity, so it never changes.
    const KIND: &'static str;
    /// Appends the stable bytes that tell this entity from others of its kind. They decide its partition, so they never change.
    fn write(&self, bytes: &mut Vec<u8>);
    /// The identity that [`Self::write`] wrote as `bytes`, if it is one.
    fn read(bytes: &[u8]) -> Option<Self>;
    /// The untyped identity.
    fn entity_id(&self) -> EntityId {
        let mut bytes = Vec::with_capacity(16);
        self.write(&mut bytes);
        EntityId {
            kind: Self::KIND,
            key: bytes.into_boxed_slice(),
        }
    }
}

/// The identity of an entity of any kind.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId {
    kind: &'static str,
    key: Box<[u8]>,
}

impl EntityId {
    /// The kind of entity.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }
    /// The bytes that tell it from others of its kind.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }
    /// A hash that is the same in every process and release: FNV-1a over kind and key, with its bits mixed.
    #[must_use]
    pub fn stable_hash(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in self.kind.bytes().chain([0]).chain(self.key.iter().copied()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash ^= hash >> 33;
        hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^ (hash >> 33)
    }
}

impl Debug for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.kind)?;
        self.key.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
