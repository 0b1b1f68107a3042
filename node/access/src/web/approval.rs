//! Confirmation on a device that is signed in (AUTH-18), in place of the second factor: whoever signs in is shown a number, and
//! types it into a session of theirs that is signed in wholly. It is also a fresh proof of who one is (AUTH-20).
//!
//! Typing the number, and not a button, is what makes an approval deliberate: somebody else's sign-in has another number. What waits is
//! one record an account, at ("acc", "approval", account): it is judged, and used up, in the transaction that takes it. Whoever only knows
//! the password may ask so often an hour, so nobody is worn down.

use std::net::IpAddr;

use bytes::Bytes;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, Error};
use hongyan_kv::record::{self as stored, Schema};
use hongyan_kv::{Transaction, Tuple};
use hongyan_types::{AccountId, Timestamp};
use minicbor::{Decode, Encode};

use super::record::{self, TokenHash};
use super::session::{Found, SessionChange};
use super::{Stage, WebSession};
use crate::notice::{self, Notice};
use crate::permission::Actor;
use crate::{Access, AccessError, SessionFilter};

/// Wrong numbers after which a sign-in that waits is over.
const WRONG_NUMBERS_MAX: u8 = 5;
/// Sign-ins of an account that wait at a time; the oldest makes room.
const WAITING_MAX: usize = 5;
const HOUR_MILLIS: i64 = 3_600_000;
/// The numbers that are shown have two digits.
const NUMBERS: std::ops::Range<u64> = 10..100;
const V1: Schema = Schema(1);

/// A sign-in that waits, as it is shown to a session that may approve it. The number is not among it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its name.
    pub id: u64,
    /// From where.
    pub peer: String,
    /// What the browser calls itself.
    pub client: String,
    /// Since when.
    pub created: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// Whether that session is signed in, and is to prove anew whose it is, such as to switch the second factor off (AUTH-20).
    pub is_proof: bool,
}

/// What is shown where somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedApproval {
    /// The number to type.
    pub number: u8,
    /// Until when.
    pub end: Timestamp,
}

/// What waits of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
struct Waiting {
    /// Sign-ins asked for in the hour.
    #[n(0)]
    asked: u32,
    #[n(1)]
    window_start_millis: i64,
    #[n(2)]
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Entry {
    #[n(0)]
    id: u64,
    /// The session that waits.
    #[cbor(n(1), with = "minicbor::bytes")]
    session: TokenHash,
    #[n(2)]
    number: u8,
    #[n(3)]
    peer: String,
    #[n(4)]
    client: String,
    #[n(5)]
    created_millis: i64,
    #[n(6)]
    end_millis: i64,
    /// Wrong numbers typed.
    #[n(7)]
    wrong: u8,
    /// Whether it is a fresh proof that is asked for.
    #[n(8)]
    is_proof: Option<bool>,
}

/// What became of a number.
enum Typed {
    Right(Box<Entry>),
    Wrong,
    /// It was the last that might be wrong.
    Over(Box<Entry>),
    Gone,
}

pub(crate) fn waiting_key(account: AccountId) -> Bytes {
    Tuple::new().string("acc").string("approval").int(account.0).pack()
}

async fn read(transaction: &mut Transaction, account: AccountId, now: i64) -> hongyan_kv::Result<Waiting> {
    let found = transaction.get(&waiting_key(account)).await?;
    let mut waiting = match found {
        Some(found) => stored::decode::<Waiting>(V1, &found)?,
        None => Waiting::default(),
    };
    waiting.entries.retain(|entry| entry.end_millis > now);
    Ok(waiting)
}

fn write(transaction: &mut Transaction, account: AccountId, waiting: &Waiting) {
    transaction.set(waiting_key(account), stored::encode(V1, waiting));
}

impl Waiting {
    /// Takes one more; an error says in how many milliseconds another may be asked for.
    fn ask(&mut self, entry: Entry, per_hour_max: u32) -> Result<(), i64> {
        let now = entry.created_millis;
        let over = self.window_start_millis.saturating_add(HOUR_MILLIS);
        if now >= over || now < self.window_start_millis {
            (self.asked, self.window_start_millis) = (0, now);
        }
        if self.asked >= per_hour_max {
            return Err(over.saturating_sub(now));
        }
        self.asked += 1;
        // Asking again shows another number; the one before is good no more.
        self.entries.retain(|known| known.session != entry.session);
        if self.entries.len() >= WAITING_MAX {
            self.entries.remove(0);
        }
        self.entries.push(entry);
        Ok(())
    }

    fn take(&mut self, id: u64) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.id == id)?;
        Some(self.entries.remove(at))
    }

    fn type_number(&mut self, id: u64, number: u8, own: &TokenHash) -> Typed {
        if self.entries.iter().any(|entry| entry.id == id && entry.session == *own) {
            return Typed::Gone;
        }
        let Some(mut entry) = self.take(id) else {
            return Typed::Gone;
        };
        if entry.number == number {
            return Typed::Right(Box::new(entry));
        }
        entry.wrong = entry.wrong.saturating_add(1);
        if entry.wrong >= WRONG_NUMBERS_MAX {
            return Typed::Over(Box::new(entry));
        }
        self.entries.push(entry);
        Typed::Wrong
    }
}

impl Access {
    /// Asks those who are signed in already to confirm that it is they who sign in with `token`, or, once they have, that it is still
    /// they. Asking again gives another number.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`; `LockedOut` when it was asked too often; `Directory`: `Refused` when the account has no second factor,
    /// or no other session of it is signed in.
    pub async fn web_ask_approval(&self, token: &str, peer: IpAddr) -> Result<AskedApproval, AccessError> {
        let found = self.find_session(token, peer).await?;
        let refused = |text: &str| AccessError::from(Error::Refused(text.to_owned()));
        let own = found.view(self.now());
        if !matches!(own.stage, Stage::SecondFactor | Stage::SignedIn) {
            return Err(AccessError::Unfinished(own.stage));
        }
        if !found.login.factors.has_second_factor() {
            return Err(refused("this sign-in needs no confirmation"));
        }
        let account = found.login.id();
        let all = usize::MAX;
        let sessions = self.web_sessions(SessionFilter::Account(account), None, all).await?;
        let is_other = |session: &WebSession| session.stage == Stage::SignedIn && session.id != own.id;
        if !sessions.iter().any(is_other) {
            return Err(refused("no other device is signed in that could confirm it"));
        }
        let inner = &self.0;
        let now = self.now();
        let lasts = i64::try_from(inner.options.approval_secs).unwrap_or(i64::MAX / 1_000);
        let entry = Entry {
            id: inner.env.random_u64(),
            session: found.hash,
            number: self.draw_number(),
            peer: peer.to_canonical().to_string(),
            client: found.record.client.clone(),
            created_millis: now.millis,
            end_millis: now.millis.saturating_add(lasts.saturating_mul(1_000)),
            wrong: 0,
            is_proof: (own.stage == Stage::SignedIn).then_some(true),
        };
        let asked = AskedApproval {
            number: entry.number,
            end: Timestamp {
                millis: entry.end_millis,
            },
        };
        let per_hour_max = inner.options.approvals_per_hour_max;
        let ask = async move |transaction: &mut Change| {
            let mut waiting = read(transaction, account, now.millis).await?;
            let done = waiting.ask(entry.clone(), per_hour_max);
            if done.is_ok() {
                write(transaction, account, &waiting);
                transaction.notify(notice::encode(&Notice::ApprovalAsked { account }));
            }
            Ok(done)
        };
        match inner.directory.announce(ask).await?.0 {
            Ok(()) => {
                inner.bells.ring_here(account);
                self.ring_outside(&found.login.account);
                Ok(asked)
            }
            Err(left_millis) => {
                let left = u64::try_from(left_millis).unwrap_or(0);
                Err(AccessError::LockedOut {
                    retry_secs: left.div_ceil(1_000).max(1),
                })
            }
        }
    }

    fn draw_number(&self) -> u8 {
        let span = NUMBERS.end - NUMBERS.start;
        u8::try_from(NUMBERS.start + self.0.env.random_u64() % span).unwrap_or(u8::MAX)
    }

    /// Sign-ins that wait for whoever uses `token`, the oldest first.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`, `Directory`.
    pub async fn web_approvals(&self, token: &str, peer: IpAddr) -> Result<Vec<Approval>, AccessError> {
        let found = self.approving_session(token, peer).await?;
        let (account, now) = (found.login.id(), self.now().millis);
        let read = async move |transaction: &mut Transaction| read(transaction, account, now).await;
        let waiting = self.0.database.run(read).await.map_err(Error::from)?;
        let at = |millis| Timestamp { millis };
        let view = |entry: Entry| Approval {
            id: entry.id,
            peer: entry.peer,
            client: entry.client,
            created: at(entry.created_millis),
            end: at(entry.end_millis),
            is_proof: entry.is_proof == Some(true),
        };
        // Nobody confirms to themselves.
        let others = waiting.entries.into_iter().filter(|entry| entry.session != found.hash);
        Ok(others.map(view).collect())
    }

    /// A session that may approve: one that is signed in, second factor and all.
    async fn approving_session(&self, token: &str, peer: IpAddr) -> Result<Found, AccessError> {
        let found = self.find_session(token, peer).await?;
        match found.view(self.now()).stage {
            Stage::SignedIn => Ok(found),
            stage => Err(AccessError::Unfinished(stage)),
        }
    }

    /// Approves the sign-in `id` with the number that it shows: it lacks the second factor no more. After the fifth wrong number it is
    /// over.
    ///
    /// # Errors
    /// `WrongCode`; `NotSignedIn`, `Unfinished`; `Directory`: `NotFound` when it is over, or never was.
    pub async fn web_approve(&self, token: &str, id: u64, number: u8, peer: IpAddr) -> Result<(), AccessError> {
        let found = self.approving_session(token, peer).await?;
        let (account, now) = (found.login.id(), self.now().millis);
        let (tenant, address) = (found.login.account.tenant, found.login.account.address.clone());
        let own = found.hash;
        let approve = async move |change: &mut Change| {
            let mut waiting = read(change, account, now).await?;
            let typed = waiting.type_number(id, number, &own);
            let action = match &typed {
                Typed::Right(entry) => {
                    pass(change, entry, now).await?;
                    Some((entry, "member.approve-sign-in"))
                }
                Typed::Over(entry) => Some((entry, "member.fail-sign-in-approval")),
                Typed::Wrong | Typed::Gone => None,
            };
            if let Some((entry, action)) = action {
                let event = Event::new(action, &address).id(account.0).with("peer", &entry.peer);
                change.record(Chain::Tenant(tenant), event.with("client", &entry.client));
            }
            if !matches!(typed, Typed::Gone) {
                write(change, account, &waiting);
            }
            Ok(typed)
        };
        let (typed, _) = self.of_member(&found, peer).announce(approve).await?;
        self.0.bells.ring_here(account);
        match typed {
            Typed::Right(_) => Ok(()),
            Typed::Wrong => Err(AccessError::WrongCode),
            Typed::Over(entry) => {
                self.end_waiting(&entry).await?;
                Err(AccessError::WrongCode)
            }
            Typed::Gone => Err(gone(id)),
        }
    }

    /// Refuses the sign-in `id`, which ends.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`; `Directory`: `NotFound` when it is over, or never was.
    pub async fn web_refuse(&self, token: &str, id: u64, peer: IpAddr) -> Result<(), AccessError> {
        let found = self.approving_session(token, peer).await?;
        let (account, now) = (found.login.id(), self.now().millis);
        let (tenant, address) = (found.login.account.tenant, found.login.account.address.clone());
        let refuse = async move |change: &mut Change| {
            let mut waiting = read(change, account, now).await?;
            let taken = waiting.take(id);
            if let Some(entry) = &taken {
                write(change, account, &waiting);
                let event = Event::new("member.refuse-sign-in", &address)
                    .id(account.0)
                    .with("peer", &entry.peer)
                    .with("client", &entry.client);
                change.record(Chain::Tenant(tenant), event);
            }
            Ok(taken)
        };
        let (taken, _) = self.of_member(&found, peer).announce(refuse).await?;
        self.0.bells.ring_here(account);
        let entry = taken.ok_or_else(|| gone(id))?;
        self.end_waiting(&entry).await
    }

    fn of_member(&self, found: &Found, peer: IpAddr) -> hongyan_directory::Directory {
        let author = Actor::member(&found.login.account, Some(peer), None).author();
        self.0.directory.acting(author, None)
    }

    /// Ends the session that waited.
    async fn end_waiting(&self, entry: &Entry) -> Result<(), AccessError> {
        let stored = self
            .0
            .database
            .begin()
            .get_snapshot(&record::session_key(&entry.session))
            .await;
        if let Some(stored) = stored.map_err(Error::from)? {
            let session = record::decode_session(&stored).map_err(Error::from)?;
            self.clear_sessions(&[(entry.session, session)]).await?;
        }
        Ok(())
    }
}

/// The session that waited has its second factor, if it is still there.
async fn pass(transaction: &mut Transaction, entry: &Entry, now: i64) -> hongyan_kv::Result<()> {
    let Some(found) = transaction.get(&record::session_key(&entry.session)).await? else {
        return Ok(());
    };
    let mut session = record::decode_session(&found)?;
    SessionChange::Passed { at_millis: now }.apply(&mut session);
    record::write(transaction, &entry.session, &session);
    Ok(())
}

fn gone(id: u64) -> AccessError {
    Error::NotFound {
        what: "sign-in that waits",
        name: id.to_string(),
    }
    .into()
}

#[cfg(test)]
#[path = "approval_test.rs"]
mod tests;
