//! Finding, listing and ending web sessions.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_directory::{Error, Login};
use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction, Tuple};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Timestamp};

use super::record::{self, SessionRecord, TokenHash};
use super::{Stage, WebSession};
use crate::identity::{Proof, standing_of};
use crate::notice::{self, Notice};
use crate::sessions::Revocation;
use crate::{Access, AccessError, Identity, Protocol, SessionFilter, SessionId};

/// What tells a session's token from those of programs.
const PREFIX: &str = "hyw_";
/// Random octets of a token.
const TOKEN_OCTETS: usize = 32;
/// Time after which a further use of a session is noted.
const SEEN_MILLIS: i64 = 60_000;
/// Sessions ended, or swept, in one transaction.
const STEP: usize = 500;
/// Keys read at a time while sessions are looked for.
const SCANNED_AT_ONCE: usize = 5_000;

/// Whether a text may be the token of a web session.
#[must_use]
pub fn is_web_token(text: &str) -> bool {
    text.starts_with(PREFIX)
}

pub(super) fn new_token(access: &Access) -> Secret {
    let mut random = [0; TOKEN_OCTETS];
    access.0.env.fill_random(&mut random);
    Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
}

pub(crate) fn hash(access: &Access, kind: &str, token: &str) -> TokenHash {
    let mut hasher = blake3::Hasher::new_keyed(&access.0.secret);
    hasher.update(kind.as_bytes());
    hasher.update(&[0]);
    hasher.update(token.as_bytes());
    *hasher.finalize().as_bytes()
}

/// What happens to a session that is there.
#[derive(Debug, Clone)]
pub(super) enum SessionChange {
    /// It was used.
    Seen { at_millis: i64, peer: String },
    /// A wrong code was shown.
    Wrong,
    /// The second factor was shown.
    Passed { at_millis: i64 },
    /// Its owner has proved anew who they are.
    Proved { at_millis: i64 },
    /// They did so with the password.
    ProvedByPassword { at_millis: i64 },
    /// A code sent to the phone was shown.
    Texted { at_millis: i64 },
    /// The provider that began it vouches for a second factor.
    Vouched,
    /// Its owner has another password.
    Password { credential: [u8; 16], at_millis: i64 },
}

impl SessionChange {
    pub(super) fn apply(&self, record: &mut SessionRecord) {
        match self {
            Self::Seen { at_millis, peer } => {
                record.seen_millis = record.seen_millis.max(*at_millis);
                record.peer.clone_from(peer);
            }
            Self::Vouched => record.vouched = Some(true),
            Self::Texted { at_millis } => record.texted_millis = Some(*at_millis),
            Self::Wrong => record.wrong = record.wrong.saturating_add(1),
            Self::Passed { at_millis } => {
                record.second_done = true;
                record.proved_millis = *at_millis;
                record.wrong = 0;
            }
            Self::Proved { at_millis } => {
                record.proved_millis = *at_millis;
                record.wrong = 0;
            }
            Self::ProvedByPassword { at_millis } => {
                record.proved_millis = *at_millis;
                record.wrong = 0;
                record.by_password = Some(true);
            }
            Self::Password { credential, at_millis } => {
                record.credential = *credential;
                record.proved_millis = *at_millis;
            }
        }
    }
}

/// A session that was found good, with what it was found by.
pub(crate) struct Found {
    pub(crate) hash: TokenHash,
    pub(crate) record: SessionRecord,
    pub(crate) login: Login,
}

impl Found {
    pub(crate) fn view(&self, now: Timestamp) -> WebSession {
        let record = &self.record;
        let at = |millis| Timestamp { millis };
        WebSession {
            id: SessionId(record.id),
            account: Arc::clone(&self.login.account),
            stage: Stage::of(&self.login, record, now),
            set_up_until: self.login.second_factor_due(),
            name: record.name.clone(),
            peer: record.peer.clone(),
            client: record.client.clone(),
            created: at(record.created_millis),
            seen: at(record.seen_millis),
            end: at(record.end_millis),
            proved: at(record.proved_millis),
        }
    }
}

impl Access {
    /// The session that `token` is of. Its use is noted.
    ///
    /// # Errors
    /// `NotSignedIn` when there is none, or it is over; `Suspended`; `Directory`.
    pub async fn web_session(&self, token: &str, peer: IpAddr) -> Result<WebSession, AccessError> {
        Ok(self.find_session(token, peer).await?.view(self.now()))
    }

    /// Whoever uses `token`, once nothing is lacking.
    ///
    /// # Errors
    /// As [`Access::web_session`]; `Unfinished`.
    pub async fn web_identity(&self, token: &str, peer: IpAddr) -> Result<Identity, AccessError> {
        let found = self.find_session(token, peer).await?;
        let session = found.view(self.now());
        if session.stage != Stage::SignedIn {
            return Err(AccessError::Unfinished(session.stage));
        }
        let proof = Proof::Web {
            id: session.id.0,
            credential: found.record.credential,
            until_millis: session.end.millis,
            proved_millis: session.proved.millis,
            texted_millis: found.record.texted_millis,
        };
        Ok(Identity::new(Protocol::Web, &found.login, proof))
    }

    pub(crate) async fn find_session(&self, token: &str, peer: IpAddr) -> Result<Found, AccessError> {
        let inner = &self.0;
        let hash = hash(self, "web session", token);
        let mut transaction = inner.database.begin();
        let stored = transaction.get_snapshot(&record::session_key(&hash)).await;
        let stored = stored.map_err(Error::from)?.ok_or(AccessError::NotSignedIn)?;
        let mut record = record::decode_session(&stored).map_err(Error::from)?;
        let now = inner.env.wall_millis();
        let idle = i64::try_from(inner.options.web_idle_secs).unwrap_or(i64::MAX / 1_000);
        let is_idle = now.saturating_sub(record.seen_millis) > idle.saturating_mul(1_000);
        if record.end_millis <= now || is_idle {
            return Err(AccessError::NotSignedIn);
        }
        let login = inner.directory.login_of(AccountId(record.account)).await?;
        let login = login.ok_or(AccessError::NotSignedIn)?;
        if standing_of(&login) != record.credential {
            return Err(AccessError::NotSignedIn);
        }
        self.check_web(&login, peer)?;
        let peer = peer.to_canonical().to_string();
        if now.saturating_sub(record.seen_millis) >= SEEN_MILLIS || record.peer != peer {
            record.seen_millis = now;
            record.peer = peer;
            self.note_seen(&hash, &record).await;
        }
        Ok(Found { hash, record, login })
    }

    /// Notes a session's use, unless it is gone meanwhile. Failing to is no reason to refuse anybody.
    async fn note_seen(&self, hash: &TokenHash, seen: &SessionRecord) {
        let seen = SessionChange::Seen {
            at_millis: seen.seen_millis,
            peer: seen.peer.clone(),
        };
        let noted = self.change_session(hash, &seen);
        if let Err(error) = noted.await {
            tracing::debug!(%error, "the use of a web session is not noted");
        }
    }

    /// Changes a session that is still there.
    pub(super) async fn change_session(
        &self,
        hash: &TokenHash,
        change: &SessionChange,
    ) -> Result<SessionRecord, AccessError> {
        let (hash, change) = (*hash, change.clone());
        let changed = async move |transaction: &mut Transaction| {
            let Some(stored) = transaction.get(&record::session_key(&hash)).await? else {
                return Ok(None);
            };
            let mut session = record::decode_session(&stored)?;
            change.apply(&mut session);
            record::write(transaction, &hash, &session);
            Ok::<_, hongyan_kv::Error>(Some(session))
        };
        let changed = self.0.database.run(changed).await.map_err(Error::from)?;
        changed.ok_or(AccessError::NotSignedIn)
    }

    /// Web sessions of `filter`, those too that are not in use at this moment, by name, after `after`, at most `limit`.
    ///
    /// # Errors
    /// `Directory`.
    pub async fn web_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<WebSession>, AccessError> {
        let now = self.0.env.wall_millis();
        let mut sessions = Vec::new();
        for (hash, record) in self.stored_sessions(filter, after, limit).await? {
            let login = self.0.directory.login_of(AccountId(record.account)).await?;
            let Some(login) = login.filter(|_| record.end_millis > now) else {
                continue;
            };
            sessions.push(Found { hash, record, login }.view(self.now()));
        }
        Ok(sessions)
    }

    pub(super) async fn stored_sessions(
        &self,
        filter: SessionFilter,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<(TokenHash, SessionRecord)>, AccessError> {
        let ids = match filter {
            SessionFilter::One(id) => vec![id.0],
            SessionFilter::All => self.ids_below(&record::session_ids(), 0, after, limit).await?,
            SessionFilter::Tenant(tenant) => {
                let prefix = record::sessions_of_tenant(tenant);
                self.ids_below(&prefix, 1, after, limit).await?
            }
            SessionFilter::Account(account) => match self.0.directory.account(account).await? {
                Some(owner) => {
                    let prefix = record::sessions_of(owner.tenant, account);
                    self.ids_below(&prefix, 0, after, limit).await?
                }
                None => Vec::new(),
            },
        };
        let read = async move |transaction: &mut Transaction| {
            let mut found = Vec::new();
            for id in &ids {
                let hash = transaction.get_snapshot(&record::session_id_key(*id)).await?;
                let Some(hash) = hash.and_then(|hash| TokenHash::try_from(&hash[..]).ok()) else {
                    continue;
                };
                if let Some(stored) = transaction.get_snapshot(&record::session_key(&hash)).await? {
                    found.push((hash, record::decode_session(&stored)?));
                }
            }
            Ok::<_, hongyan_kv::Error>(found)
        };
        Ok(self.0.database.run(read).await.map_err(Error::from)?)
    }

    /// The names of sessions whose keys continue `prefix`, the name being what follows `skipped` integers: in order, after
    /// `after`, at most `limit`.
    async fn ids_below(
        &self,
        prefix: &Tuple,
        skipped: usize,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<u64>, AccessError> {
        let mut range = prefix.range();
        let mut ids = std::collections::BTreeSet::new();
        loop {
            let query = RangeQuery {
                limit: SCANNED_AT_ONCE,
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(range.clone())
            };
            let pairs = self
                .0
                .database
                .begin()
                .get_range_all(query)
                .await
                .map_err(Error::from)?;
            for pair in &pairs {
                let id = prefix.reader(&pair.key).ok().and_then(|mut reader| {
                    (0..skipped).try_for_each(|_| reader.int::<u64>().map(drop)).ok()?;
                    reader.int::<u64>().ok()
                });
                ids.extend(id.filter(|id| after.is_none_or(|after| *id > after.0)));
                if ids.len() > limit {
                    ids.pop_last();
                }
            }
            match pairs.last() {
                Some(last) if pairs.len() == SCANNED_AT_ONCE => range.begin = KeyRange::key(&last.key).end,
                _ => return Ok(ids.into_iter().collect()),
            }
        }
    }

    /// Ends the session that `token` is of: its owner signs out.
    ///
    /// # Errors
    /// `Directory`.
    pub async fn end_web_session(&self, token: &str) -> Result<(), AccessError> {
        let hash = hash(self, "web session", token);
        let mut transaction = self.0.database.begin();
        let stored = transaction.get_snapshot(&record::session_key(&hash)).await;
        if let Some(stored) = stored.map_err(Error::from)? {
            let record = record::decode_session(&stored).map_err(Error::from)?;
            self.clear_sessions(&[(hash, record)]).await?;
        }
        Ok(())
    }

    /// Ends web sessions and gives their number; on other nodes too what is being done for them is cut off.
    ///
    /// # Errors
    /// `Directory`.
    pub async fn end_web_sessions(&self, filter: SessionFilter) -> Result<usize, AccessError> {
        let mut ended = 0;
        loop {
            let step = self.stored_sessions(filter, None, STEP).await?;
            if step.is_empty() {
                return Ok(ended);
            }
            self.clear_sessions(&step).await?;
            ended += step.len();
        }
    }

    pub(super) async fn clear_sessions(&self, sessions: &[(TokenHash, SessionRecord)]) -> Result<(), AccessError> {
        if sessions.is_empty() {
            return Ok(());
        }
        let gone = sessions.to_vec();
        let clear = async move |change: &mut hongyan_directory::Change| {
            for (hash, record) in &gone {
                record::clear(change, hash, record);
                change.notify(notice::encode(&Notice::WebEnded {
                    account: AccountId(record.account),
                    id: SessionId(record.id),
                }));
            }
            Ok(())
        };
        self.0.directory.announce(clear).await?;
        for (_, record) in sessions {
            self.web_session_ended(AccountId(record.account), SessionId(record.id));
        }
        Ok(())
    }

    /// A web session is gone: what this node does for it ends.
    pub(crate) fn web_session_ended(&self, account: AccountId, session: SessionId) {
        self.0.sessions.revoke(SessionFilter::Account(account), |standing| {
            let is_it = matches!(standing.proof, Proof::Web { id, .. } if id == session.0);
            is_it.then_some(Revocation::SignedOut)
        });
    }

    /// Removes sessions that are over. Safe on many nodes at once.
    pub(crate) async fn sweep_web_sessions(&self) {
        let now = u64::try_from(self.0.env.wall_millis()).unwrap_or(0);
        let sweep = async move |transaction: &mut Transaction| {
            let mut range = record::ends().range();
            range.end = record::ends().int(now).pack();
            let query = RangeQuery {
                limit: STEP,
                ..RangeQuery::all(range)
            };
            for pair in transaction.get_range_all(query).await? {
                let ends = record::ends();
                let hash = ends.reader(&pair.key).ok().and_then(|mut reader| {
                    reader.int::<u64>().ok()?;
                    TokenHash::try_from(reader.bytes().ok()?.as_ref()).ok()
                });
                let stored = match hash {
                    Some(hash) => transaction.get(&record::session_key(&hash)).await?,
                    None => None,
                };
                if let (Some(hash), Some(stored)) = (hash, stored) {
                    record::clear(transaction, &hash, &record::decode_session(&stored)?);
                }
                transaction.clear(&pair.key);
            }
            Ok::<_, hongyan_kv::Error>(())
        };
        if let Err(error) = self.0.database.run(sweep).await {
            tracing::warn!(%error, "web sessions are not swept; it is tried again");
        }
    }
}
