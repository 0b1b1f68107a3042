//! One account of a migration, at ("migration", "account", migration, account).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Timestamp};
use minicbor::{Decode, Encode};

use super::{at, place};

/// How far an account is (MIG-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovingState {
    /// Its old password is not known.
    NotStarted,
    /// It has its turn soon, or the source is looked over.
    Preparing,
    /// Mail comes.
    Running,
    /// The source, or the mailbox here, needs time; `reason` says why.
    Waiting,
    /// Everything is here that can be.
    Done,
    /// It cannot go on; `reason` says why. Another password begins anew.
    Failed,
    /// The source did not answer for too long.
    GivenUp,
}

impl MovingState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NotStarted,
        Self::Preparing,
        Self::Running,
        Self::Waiting,
        Self::Done,
        Self::Failed,
        Self::GivenUp,
    ];
    /// Its word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NotStarted => "not-started",
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::GivenUp => "given-up",
        }
    }
    pub(crate) fn code(self) -> u8 {
        place(&Self::ALL, &self)
    }
    /// Whether nothing happens any more by itself.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::GivenUp)
    }
}

/// An account of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moving {
    /// Which.
    pub account: AccountId,
    /// Its address here.
    pub address: String,
    /// Its login name there.
    pub login: String,
    /// How far it is.
    pub state: MovingState,
    /// Why it waits or failed.
    pub reason: String,
    /// Messages at the source.
    pub total: u64,
    /// Messages that came.
    pub imported: u64,
    /// Messages that were here already.
    pub present: u64,
    /// Messages that did not come.
    pub failed: u64,
    /// What is listed about it.
    pub troubles: u64,
    /// Its work began here; what was there before is its own.
    pub since: Option<Timestamp>,
    /// From when on it can be worked on; none when there is nothing to do.
    pub ready: Option<Timestamp>,
    /// How often in a row the source did not answer.
    pub attempts: u32,
    /// Since when it does not answer.
    pub failing_since: Option<Timestamp>,
    /// When it came to its end.
    pub finished: Option<Timestamp>,
    /// Whether its old password is kept.
    pub has_password: bool,
    /// Its folders were looked over, and what became of them is listed.
    pub is_mapped: bool,
    /// Messages are fetched one at a time, since one of many could not be.
    pub is_careful: bool,
}

impl Moving {
    /// One that was just taken in.
    #[must_use]
    pub(crate) fn new(account: AccountId, address: String, login: String) -> Self {
        Self {
            account,
            address,
            login,
            state: MovingState::NotStarted,
            reason: String::new(),
            total: 0,
            imported: 0,
            present: 0,
            failed: 0,
            troubles: 0,
            since: None,
            ready: None,
            attempts: 0,
            failing_since: None,
            finished: None,
            has_password: false,
            is_mapped: false,
            is_careful: false,
        }
    }
    /// Has what it needs to be worked on.
    pub(crate) fn make_ready(&mut self, now: Timestamp) {
        self.state = MovingState::Preparing;
        self.reason = String::new();
        self.ready = Some(now);
        self.attempts = 0;
        self.failing_since = None;
        self.finished = None;
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    address: String,
    #[n(1)]
    login: String,
    #[n(2)]
    state: u8,
    #[n(3)]
    reason: String,
    #[n(4)]
    counts: (u64, u64, u64, u64, u64),
    #[n(5)]
    since_millis: Option<i64>,
    #[n(6)]
    ready_millis: Option<i64>,
    #[n(7)]
    attempts: u32,
    #[n(8)]
    failing_since_millis: Option<i64>,
    #[n(9)]
    finished_millis: Option<i64>,
    #[n(10)]
    has_password: bool,
    #[n(11)]
    is_mapped: bool,
    #[n(12)]
    is_careful: bool,
}

enum Stored {
    V1(V1),
}

fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(|at| at.millis)
}
fn timestamp(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(|millis| Timestamp { millis })
}

pub(crate) fn encode(moving: &Moving) -> Bytes {
    let body = V1 {
        address: moving.address.clone(),
        login: moving.login.clone(),
        state: moving.state.code(),
        reason: moving.reason.clone(),
        counts: (
            moving.total,
            moving.imported,
            moving.present,
            moving.failed,
            moving.troubles,
        ),
        since_millis: millis(moving.since),
        ready_millis: millis(moving.ready),
        attempts: moving.attempts,
        failing_since_millis: millis(moving.failing_since),
        finished_millis: millis(moving.finished),
        has_password: moving.has_password,
        is_mapped: moving.is_mapped,
        is_careful: moving.is_careful,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(account: AccountId, stored: &[u8]) -> Result<Moving, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let (total, imported, present, failed, troubles) = body.counts;
    Ok(Moving {
        account,
        address: body.address,
        login: body.login,
        state: at(&MovingState::ALL, body.state)?,
        reason: body.reason,
        total,
        imported,
        present,
        failed,
        troubles,
        since: timestamp(body.since_millis),
        ready: timestamp(body.ready_millis),
        attempts: body.attempts,
        failing_since: timestamp(body.failing_since_millis),
        finished: timestamp(body.finished_millis),
        has_password: body.has_password,
        is_mapped: body.is_mapped,
        is_careful: body.is_careful,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let mut moving = Moving::new(AccountId(7), "a".to_owned(), "b".to_owned());
        moving.state = MovingState::Waiting;
        moving.reason = "r".to_owned();
        (moving.total, moving.imported, moving.present) = (5, 4, 3);
        (moving.failed, moving.troubles) = (2, 1);
        moving.since = Some(Timestamp { millis: 1 });
        moving.ready = Some(Timestamp { millis: 2 });
        moving.has_password = true;
        let stored = encode(&moving);
        assert_eq!(
            crate::record::hex(&stored),
            "0100018d 6161 6162 03 6172 850504030201 0102 00 f6f6 f5f4f4".replace(' ', "")
        );
        assert_eq!(decode(AccountId(7), &stored), Ok(moving));
    }
}
