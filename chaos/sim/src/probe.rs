//! Rare things that a batch of runs must have seen: a simulation that never gets there proves nothing about them.

use std::collections::BTreeMap;

/// Something rare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Probe {
    /// A node was killed while one of its commits was under way, and the commit happened after it.
    CommitOutlivesNode,
    /// A client lost its connection before it heard what came of a delivery.
    DeliveryUnknown,
    /// A client was refused for now.
    RefusedForNow,
    /// A commit failed against another.
    CommitConflict,
    /// Nobody knows of a commit whether it happened.
    CommitUnknown,
    /// A node was paused and went on.
    Paused,
    /// A node stopped in good order and started again.
    Restarted,
    /// A link was blocked and opened.
    Blocked,
    /// An idling client heard of something new.
    IdleNotice,
    /// A message was expunged while another session had it selected.
    ExpungeSeen,
    /// A mail came to a server elsewhere.
    Relayed,
    /// A mail was put into a folder in pieces that took several transactions.
    LargeMail,
    /// A blob was removed by the collector.
    BlobCollected,
    /// A maildrop was read by POP3.
    MaildropRead,
    /// A client that remembered a folder was told what changed.
    Resynced,
    /// Nodes could not reach each other.
    Parted,
    /// Nodes reached each other slowly.
    Slow,
    /// A node handed over what it owned, stopped, and started as another release.
    Rolled,
    /// Another node took over what a killed one owned.
    TakenOver,
    /// The store was slow for a while.
    SlowStore,
    /// A node that came with an older disk, or as a copy of one that lives, was turned away.
    CopyRefused,
    /// A node's disk for metadata was full for a while.
    DiskFull,
}

impl Probe {
    /// Those that a node alone comes to.
    pub const ALL: [Self; 15] = [
        Self::CommitOutlivesNode,
        Self::DeliveryUnknown,
        Self::RefusedForNow,
        Self::CommitConflict,
        Self::CommitUnknown,
        Self::Paused,
        Self::Restarted,
        Self::Blocked,
        Self::IdleNotice,
        Self::ExpungeSeen,
        Self::Relayed,
        Self::LargeMail,
        Self::BlobCollected,
        Self::MaildropRead,
        Self::Resynced,
    ];
    /// Those that only clusters come to.
    pub const CLUSTER: [Self; 7] = [
        Self::Parted,
        Self::Slow,
        Self::Rolled,
        Self::TakenOver,
        Self::SlowStore,
        Self::CopyRefused,
        Self::DiskFull,
    ];
}

/// How often each was seen.
pub(crate) type Probes = BTreeMap<Probe, u64>;
