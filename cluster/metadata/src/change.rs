//! What may happen to the map. Pure: what a change needs of time or randomness comes inside it.
//!
//! The enum is stored in logs and sent between releases: variants are only ever added at its end, and one that older
//! nodes cannot read is proposed only when [`crate::Protocols`] says that all can.

mod found;
mod hand_over;
mod node;
mod ownership;
mod setting;

#[cfg(test)]
mod change_test;

use serde::{Deserialize, Serialize};

use crate::{ClusterMap, Incarnation, NodeRecord, NodeState, Protocols};

/// One change to the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Makes the cluster, with its first node.
    Found(Founding),
    /// Allows one node to join with the token of this hash until then, in milliseconds since the Unix epoch.
    Invite {
        /// BLAKE3 of the token's secret.
        token: [u8; 32],
        /// When it ends.
        expires_millis: i64,
    },
    /// Gives a node that shows a token its id. Uses the token up.
    Admit {
        /// BLAKE3 of the token's secret.
        token: [u8; 32],
        /// The leader's wall clock.
        now_millis: i64,
        /// What the node says of itself.
        record: NodeRecord,
    },
    /// A process says that it speaks for a node.
    Arrive(Arrival),
    /// Takes all partitions of a node that is not heard of any more.
    Fail {
        /// Who.
        node: u64,
        /// Which process of it; another one, which came in between, is not meant.
        incarnation: Incarnation,
        /// Who owns its partitions from now on. Any not named stay with it until someone can take them.
        assignments: Vec<Assignment>,
    },
    /// Gives owners to partitions that nobody serves.
    Assign(Vec<Assignment>),
    /// Begins planned moves.
    Prepare(Vec<Assignment>),
    /// Ends planned moves: the owner has released, the target owns.
    Move(Vec<Hand>),
    /// Gives planned moves up.
    Abandon(Vec<Hand>),
    /// Changes what a node does: drain it, let it serve again, let it go for good.
    SetState {
        /// Who.
        node: u64,
        /// `Up`, `Draining` or `Left`.
        state: NodeState,
    },
    /// Changes where a node stands and how much it bears.
    SetNode {
        /// Who.
        node: u64,
        /// Its share.
        weight: u32,
        /// Its data centre.
        data_center: String,
        /// Its rack.
        rack: String,
    },
    /// Sets or clears a setting of the cluster.
    Set {
        /// Its name.
        key: String,
        /// Its value; `None` clears it.
        value: Option<String>,
    },
    /// Records a node's certificate.
    Certify {
        /// Who.
        node: u64,
        /// The certificate's serial number.
        serial: String,
    },
    /// Removes tokens that ended before this moment, in milliseconds since the Unix epoch.
    Sweep {
        /// The leader's wall clock.
        now_millis: i64,
    },
    /// Sets a setting of the cluster, provided that its value is still the one expected.
    Replace {
        /// Its name.
        key: String,
        /// The value that it must have.
        present: String,
        /// The value that it gets.
        value: String,
    },
    /// Lets partitions that nobody has owned yet begin after this epoch: a store that another cluster, or a node alone, has
    /// written to knows epochs.
    BeginAfter {
        /// The highest one in the store.
        epoch: u64,
    },
}

/// The first state of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founding {
    /// Random and not 0.
    pub cluster: u64,
    /// How many partitions, for ever.
    pub partitions: u32,
    /// The certificate authority.
    pub authority: Vec<u8>,
    /// The founder's id.
    pub node: u64,
    /// What the founder says of itself.
    pub record: NodeRecord,
}

/// A process that speaks for a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Whom it speaks for.
    pub node: u64,
    /// Which process it is.
    pub incarnation: Incarnation,
    /// Where it is reached.
    pub address: String,
    /// What it runs.
    pub release: String,
    /// What it speaks.
    pub protocols: Protocols,
}

/// An owner for a partition, provided its epoch is still this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Which partition.
    pub partition: u16,
    /// Its present epoch.
    pub epoch: u64,
    /// The new owner, or the target of the move.
    pub to: u64,
}

/// One planned move, by the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// Which partition.
    pub partition: u16,
    /// Its present epoch.
    pub epoch: u64,
    /// [`crate::HandOver::begun`].
    pub begun: u64,
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The map's version afterwards.
    pub version: u64,
    /// The id that a node got, or how many partitions were concerned; 0 for other changes.
    pub number: u64,
}

/// Why a change did nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The cluster exists already.
    #[error("the cluster exists already")]
    Founded,
    /// There is no cluster yet.
    #[error("there is no cluster yet")]
    NotFounded,
    /// No such node.
    #[error("node {0} is unknown")]
    UnknownNode(u64),
    /// It left for good.
    #[error("node {0} has left the cluster; join it anew")]
    Left(u64),
    /// The token is unknown, used or too old.
    #[error("the join token is unknown, used or expired; make a new one with `hongyan cluster invite`")]
    Token,
    /// The process has an older disk than the one before it.
    #[error(
        "node {node} was started {known} times and this disk knows of {shown}: it is a copy or an old backup; \
         let it leave (`hongyan cluster leave {node}` on another node) and join anew with an empty data folder"
    )]
    StaleDisk {
        /// Who.
        node: u64,
        /// The last number the cluster saw.
        known: u64,
        /// The number this process shows.
        shown: u64,
    },
    /// Another process speaks for the node and was heard of lately. Passes within seconds of that one's end.
    #[error("node {0} is believed to run: if it was restarted, this passes; if not, two processes use one identity")]
    Running(u64),
    /// The release does not speak the cluster's words.
    #[error("release {release} speaks protocols {} to {}, node {other} {} to {}: upgrade one version at a time", .shown.oldest, .shown.newest, .known.oldest, .known.newest)]
    Incompatible {
        /// What the process runs.
        release: String,
        /// What it speaks.
        shown: Protocols,
        /// Whom it cannot speak with.
        other: u64,
        /// What that one speaks.
        known: Protocols,
    },
    /// Something changed in between; look and decide again.
    #[error("the map has changed in between")]
    Outdated,
    /// The value cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The process has a disk without what it had once.
    #[error(
        "the disk of node {node} is older than what node {witness} knows of it: it has forgotten votes or changes that it acknowledged; \
         let it leave (`hongyan cluster leave {node}` on another node) and join anew with an empty data folder"
    )]
    ForgetfulDisk {
        /// Whose.
        node: u64,
        /// Who remembers better.
        witness: u64,
    },
}

impl ClusterMap {
    /// Makes `change`, or refuses it and stays as it was.
    ///
    /// # Errors
    /// As [`Refusal`] says.
    pub fn apply(&mut self, change: Change) -> Result<Applied, Refusal> {
        if !self.is_founded() && !matches!(change, Change::Found(_)) {
            return Err(Refusal::NotFounded);
        }
        // Changes name the version they make.
        let version = self.version + 1;
        let number = match change {
            Change::Found(founding) => self.found(founding)?,
            Change::Invite { token, expires_millis } => self.invite(token, expires_millis),
            Change::Admit {
                token,
                now_millis,
                record,
            } => self.admit(token, now_millis, record)?,
            Change::Arrive(arrival) => self.arrive(arrival, version)?,
            Change::Fail {
                node,
                incarnation,
                assignments,
            } => self.fail(node, incarnation, &assignments, version)?,
            Change::Assign(assignments) => self.assign(&assignments)?,
            Change::Prepare(moves) => self.prepare(&moves, version)?,
            Change::Move(hands) => self.move_prepared(&hands)?,
            Change::Abandon(hands) => self.abandon(&hands)?,
            Change::SetState { node, state } => self.set_state(node, state, version)?,
            Change::SetNode {
                node,
                weight,
                data_center,
                rack,
            } => self.set_node(node, weight, data_center, rack)?,
            Change::Set { key, value } => self.set(key, value)?,
            Change::Certify { node, serial } => self.certify(node, serial)?,
            Change::Sweep { now_millis } => self.sweep(now_millis)?,
            Change::Replace { key, present, value } => self.replace(key, &present, value)?,
            Change::BeginAfter { epoch } => self.begin_after(epoch),
        };
        self.version = version;
        Ok(Applied { version, number })
    }
}
