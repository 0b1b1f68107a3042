//! The end of sessions: ours at the provider's word (Back-Channel Logout 1.0), the provider's at our member's wish (RP-Initiated
//! Logout 1.0).

use bytes::Bytes;
use hongyan_access::{SessionFilter, SessionId, WebSession};
use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction, Tuple};
use hongyan_types::TenantId;
use serde::Deserialize;
use serde_json::Value;

use crate::identity::{Claims, Identity};
use crate::jwt::Token;
use crate::provider::form;
use crate::record::{self, NameHash, SessionRecord, identity_hash};
use crate::{Fault, OpenId, OpenIdError};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old a logout token may be, beside the tolerance of clocks, in seconds.
const TOKEN_AGE_SECS_MAX: i64 = 600;
/// Records of sessions looked at in one transaction.
const STEP: usize = 500;
/// Names of what was taken that are looked at when another one is.
const OVER_STEP: usize = 50;

#[derive(Deserialize)]
struct LogoutClaims {
    #[serde(flatten)]
    claims: Claims,
    jti: Option<String>,
    #[serde(default)]
    events: Value,
}

fn provider_session_hash(issuer: &str, session: &str) -> NameHash {
    identity_hash(issuer, &format!("session {session}"))
}

fn session_of(prefix: &Tuple, key: &[u8]) -> hongyan_kv::Result<u64> {
    let corrupt = |_| hongyan_kv::Error::Corrupt("key of a provider's session".to_owned());
    let mut reader = prefix.reader(key).map_err(corrupt)?;
    reader.int().map_err(corrupt)
}

fn write(transaction: &mut Transaction, session: u64, record: &SessionRecord) {
    let tenant = TenantId(record.tenant);
    transaction.set(record::session_key(session), record::encode(record));
    let by_identity = record::sessions_of(tenant, &record.identity).int(session);
    transaction.set(by_identity.pack(), Bytes::new());
    if let Some(provider_session) = &record.provider_session {
        let by_session = record::sessions_at(tenant, provider_session).int(session);
        transaction.set(by_session.pack(), Bytes::new());
    }
}

fn clear(transaction: &mut Transaction, session: u64, record: &SessionRecord) {
    let tenant = TenantId(record.tenant);
    transaction.clear(&record::session_key(session));
    transaction.clear(&record::sessions_of(tenant, &record.identity).int(session).pack());
    if let Some(provider_session) = &record.provider_session {
        transaction.clear(&record::sessions_at(tenant, provider_session).int(session).pack());
    }
}

/// The sessions whose keys continue `prefix`.
async fn read_sessions(transaction: &mut Transaction, prefix: &Tuple) -> hongyan_kv::Result<Vec<(u64, SessionRecord)>> {
    let query = RangeQuery {
        limit: STEP,
        ..RangeQuery::all(prefix.range())
    };
    let mut found = Vec::new();
    for pair in transaction.get_range_all(query).await? {
        let session = session_of(prefix, &pair.key)?;
        match transaction.get(&record::session_key(session)).await? {
            Some(stored) => found.push((session, record::decode(&stored)?)),
            None => transaction.clear(&pair.key),
        }
    }
    Ok(found)
}

impl OpenId {
    /// Notes that a session came from a provider; those of the same person that are over are forgotten.
    pub(crate) async fn note_session(
        &self,
        tenant: TenantId,
        identity: &Identity,
        session: &WebSession,
    ) -> Result<(), OpenIdError> {
        let at = identity.session.as_deref();
        let record = SessionRecord {
            tenant: tenant.0,
            identity: identity.hash(),
            provider_session: at.map(|session| provider_session_hash(&identity.issuer, session)),
            end_millis: session.end.millis,
        };
        let (id, now) = (session.id.0, self.0.env.wall_millis());
        let note = async move |transaction: &mut Transaction| {
            let prefix = record::sessions_of(tenant, &record.identity);
            for (old, record) in read_sessions(transaction, &prefix).await? {
                if record.end_millis <= now {
                    clear(transaction, old, &record);
                }
            }
            write(transaction, id, &record);
            Ok::<_, hongyan_kv::Error>(())
        };
        Ok(self.0.database.run(note).await?)
    }

    /// A provider says that somebody's sessions are over: those that it began end, on all nodes. Gives their number.
    ///
    /// # Errors
    /// `NoProvider`, `Provider`, `Overloaded`, `Access`.
    pub async fn back_channel_logout(&self, tenant: TenantId, token: &str) -> Result<usize, OpenIdError> {
        let known = self.known(tenant).await?;
        let token = Token::read(token)?;
        let keys = self.keys_for(tenant, &known, &token).await?;
        let told: LogoutClaims = token.claims(&keys)?;
        let expected = self.expected(&known);
        told.claims.check(&expected)?;
        // Back-Channel Logout §2.6.
        let is_logout = told.events.get(EVENT).is_some_and(Value::is_object);
        if !is_logout {
            return Err(Fault::Claim("events").into());
        }
        if told.claims.has_nonce() {
            return Err(Fault::Claim("nonce").into());
        }
        let tolerance = i64::from(expected.tolerance_secs);
        if told.claims.issued_secs()? < expected.now_secs - TOKEN_AGE_SECS_MAX - tolerance {
            return Err(Fault::Time("it is too old").into());
        }
        let id = told.jti.ok_or(Fault::Claim("jti"))?;
        let good_until = expected.now_secs.saturating_add(TOKEN_AGE_SECS_MAX + 2 * tolerance);
        if !self.take_once(tenant, ("logout token", &id), good_until).await? {
            return Err(Fault::Claim("jti").into());
        }
        let issuer = &known.settings.issuer;
        let prefix = match (&told.claims.sid, &told.claims.sub) {
            (Some(session), _) => record::sessions_at(tenant, &provider_session_hash(issuer, session)),
            (None, Some(subject)) => record::sessions_of(tenant, &identity_hash(issuer, subject)),
            (None, None) => return Err(Fault::Claim("sub").into()),
        };
        self.end_sessions(&prefix).await
    }

    /// Whether what a provider has signed, by its kind and name, is shown for the first time. Remembered until `until_secs` of Unix
    /// time, on all nodes.
    ///
    /// # Errors
    /// `Access`: the store's.
    pub async fn take_once(
        &self,
        tenant: TenantId,
        (kind, id): (&str, &str),
        until_secs: i64,
    ) -> Result<bool, OpenIdError> {
        let now_secs = self.0.env.wall_millis().div_euclid(1_000);
        let key = record::tokens(tenant).bytes(&identity_hash(kind, id)).pack();
        let take = async move |transaction: &mut Transaction| {
            if transaction.get(&key).await?.is_some() {
                return Ok(false);
            }
            // Names are hashes: what follows a new one is anywhere, so in time all that is over is found, and nobody is in another's way.
            let query = RangeQuery {
                limit: OVER_STEP,
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(KeyRange {
                    begin: key.clone(),
                    end: record::tokens(tenant).range().end,
                })
            };
            for pair in transaction.get_range_all(query).await? {
                let until = <[u8; 8]>::try_from(&pair.value[..]).map_or(0, i64::from_be_bytes);
                if until <= now_secs {
                    transaction.clear(&pair.key);
                }
            }
            transaction.set(key.clone(), until_secs.to_be_bytes().to_vec());
            Ok::<_, hongyan_kv::Error>(true)
        };
        Ok(self.0.database.run(take).await?)
    }

    /// The sessions here that a provider began, by its name for a session of its own, or else by its name for somebody. Some of them may be
    /// over.
    ///
    /// # Errors
    /// `Access`: the store's.
    pub async fn sessions_begun(
        &self,
        tenant: TenantId,
        issuer: &str,
        (session, subject): (Option<&str>, &str),
    ) -> Result<Vec<SessionId>, OpenIdError> {
        let prefix = match session {
            Some(session) => record::sessions_at(tenant, &provider_session_hash(issuer, session)),
            None => record::sessions_of(tenant, &identity_hash(issuer, subject)),
        };
        let look = async move |transaction: &mut Transaction| read_sessions(transaction, &prefix).await;
        let found = self.0.database.run(look).await?;
        Ok(found.into_iter().map(|(session, _)| SessionId(session)).collect())
    }

    async fn end_sessions(&self, prefix: &Tuple) -> Result<usize, OpenIdError> {
        let prefix = prefix.clone();
        let take = async move |transaction: &mut Transaction| {
            let sessions = read_sessions(transaction, &prefix).await?;
            Ok::<_, hongyan_kv::Error>(sessions)
        };
        let sessions = self.0.database.run(take).await?;
        let mut ended = 0;
        for (session, record) in sessions {
            let id = SessionId(session);
            ended += self.0.access.end_web_sessions(SessionFilter::One(id)).await?;
            let forget = async move |transaction: &mut Transaction| {
                clear(transaction, session, &record);
                Ok::<_, hongyan_kv::Error>(())
            };
            self.0.database.run(forget).await?;
        }
        Ok(ended)
    }

    /// Signs somebody out here; gives where the browser goes to be signed out at the provider, too, if it began the session.
    ///
    /// # Errors
    /// `Access`. A provider that does not answer keeps nobody signed in here.
    pub async fn leave(&self, token: &str, session: &WebSession) -> Result<Option<String>, OpenIdError> {
        let id = session.id.0;
        let take = async move |transaction: &mut Transaction| {
            let stored = transaction.get(&record::session_key(id)).await?;
            let record = stored
                .map(|stored| record::decode::<SessionRecord>(&stored))
                .transpose()?;
            if let Some(record) = &record {
                clear(transaction, id, record);
            }
            Ok::<_, hongyan_kv::Error>(record)
        };
        let record = self.0.database.run(take).await?;
        self.0.access.end_web_session(token).await?;
        let Some(record) = record else { return Ok(None) };
        let Ok(known) = self.known(TenantId(record.tenant)).await else {
            return Ok(None);
        };
        let home = format!("{}/", self.0.options.web_origin);
        let fields = form(&[
            ("client_id", &known.settings.client_id),
            ("post_logout_redirect_uri", &home),
        ]);
        Ok(known.end_session_endpoint().map(|end_point| {
            let sign = if end_point.contains('?') { '&' } else { '?' };
            format!("{end_point}{sign}{fields}")
        }))
    }
}
