//! The way in: password, then the second factor, then the proof that is asked for again before what is delicate.

use std::net::IpAddr;
use std::sync::Arc;

use hongyan_directory::{Error, Login};
use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_sasl::Secret;
use hongyan_types::AccountId;

use super::record::{self, SessionRecord, TokenHash};
use super::session::{Found, SessionChange, hash, new_token};
use super::{Begun, Passed, Stage, Visit, WebSession};
use crate::identity::standing_of;
use crate::login_log::{Attempt, Way};
use crate::second_factor::SecondProof;
use crate::{Access, AccessError, Protocol};

/// Wrong codes that a session may be shown before it ends (AUTH, bad input).
const WRONG_CODES_MAX: u8 = 5;
/// What is kept of the browser's own name.
const CLIENT_CHARACTERS_MAX: usize = 200;
/// What is kept of the name that was typed.
const NAME_CHARACTERS_MAX: usize = 320;

pub(super) fn shown(text: &str, characters_max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(characters_max).collect()
}

impl Access {
    /// Begins a session with a password. It may still lack the second factor.
    ///
    /// # Errors
    /// Each way of not being let in; an app password is as wrong as any other.
    pub async fn web_sign_in(&self, name: &str, password: &Secret, visit: Visit<'_>) -> Result<Begun, AccessError> {
        let outcome = self.begin_session(name, password, visit).await;
        let known = match &outcome {
            Ok(begun) => Some(Arc::clone(&begun.session.account)),
            Err(_) => self.0.directory.login(name).await?.map(|login| login.account),
        };
        if let Some(account) = &known {
            let attempt = Attempt {
                account,
                name,
                protocol: Protocol::Web,
                way: Way::Password,
                peer: visit.peer,
                client: visit.client,
            };
            self.log_login(&attempt, outcome.as_ref().err());
        }
        self.count_outcome(Protocol::Web, outcome.as_ref().err());
        outcome
    }

    async fn begin_session(&self, name: &str, password: &Secret, visit: Visit<'_>) -> Result<Begun, AccessError> {
        let login = self.verify_own(name, password, visit.peer).await?;
        self.forgive(name).await;
        let trusted = match visit.device {
            Some(device) if login.factors.has_second_factor() => self.knows_device(&login, device, visit.peer).await?,
            _ => false,
        };
        self.check_web(&login, visit.peer)?;
        let record = SessionRecord {
            by_password: Some(true),
            ..self.new_session(name, &login, visit, trusted)
        };
        self.begin(login, record).await
    }

    /// Begins a session with a passkey and nothing else: it stands for the password and for the second factor.
    ///
    /// # Errors
    /// Each way of not being let in; `Passkey`.
    pub async fn web_sign_in_by_passkey(&self, answer: &str, visit: Visit<'_>) -> Result<Begun, AccessError> {
        let now = self.0.env.now_micros();
        if let Some(retry_secs) = self.0.guard.address_locked_secs(visit.peer, now) {
            return Err(AccessError::LockedOut { retry_secs });
        }
        let checked = self.check_passkey_alone(answer, visit.peer).await;
        let (known, outcome) = match checked {
            Ok(login) => {
                let name = login.account.address.to_string();
                let account = Arc::clone(&login.account);
                (Some(account), self.let_in(&name, login, visit, true).await)
            }
            Err(error) => (None, Err(error)),
        };
        if let Some(account) = &known {
            let attempt = Attempt {
                account,
                name: &account.address.to_string(),
                protocol: Protocol::Web,
                way: Way::Passkey,
                peer: visit.peer,
                client: visit.client,
            };
            self.log_login(&attempt, outcome.as_ref().err());
        }
        self.count_outcome(Protocol::Web, outcome.as_ref().err());
        outcome
    }

    /// Begins a session of somebody whom the provider of their organisation names: it stands for the password, and for the
    /// second factor where it vouches for that.
    ///
    /// # Errors
    /// Each way of not being let in.
    pub async fn web_sign_in_by_provider(
        &self,
        account: AccountId,
        vouches_second_factor: bool,
        visit: Visit<'_>,
    ) -> Result<Begun, AccessError> {
        let login = self.0.directory.login_of(account).await?;
        let login = login.ok_or(AccessError::Suspended)?;
        let owner = Arc::clone(&login.account);
        let name = owner.address.to_string();
        let mut outcome = self.let_in(&name, login, visit, vouches_second_factor).await;
        if vouches_second_factor && let Ok(begun) = &mut outcome {
            let found = self.find_session(begun.token.reveal(), visit.peer).await?;
            let record = self.change_session(&found.hash, &SessionChange::Vouched).await?;
            begun.session = Found { record, ..found }.view(self.now());
        }
        let attempt = Attempt {
            account: &owner,
            name: &name,
            protocol: Protocol::Web,
            way: Way::SingleSignOn,
            peer: visit.peer,
            client: visit.client,
        };
        self.log_login(&attempt, outcome.as_ref().err());
        self.count_outcome(Protocol::Web, outcome.as_ref().err());
        outcome
    }

    /// Whoever uses `token`, once nothing is lacking and they have proved lately who they are.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`, `ProofNeeded`, `Directory`.
    pub async fn web_proved(&self, token: &str, peer: IpAddr) -> Result<WebSession, AccessError> {
        let session = self.web_session(token, peer).await?;
        if session.stage != Stage::SignedIn {
            return Err(AccessError::Unfinished(session.stage));
        }
        self.check_fresh(session.proved.millis)?;
        Ok(session)
    }

    /// Begins a session of somebody who has proved who they are.
    pub(crate) async fn let_in(
        &self,
        name: &str,
        login: Login,
        visit: Visit<'_>,
        second_done: bool,
    ) -> Result<Begun, AccessError> {
        self.check_web(&login, visit.peer)?;
        let record = self.new_session(name, &login, visit, second_done);
        self.begin(login, record).await
    }

    async fn begin(&self, login: Login, record: SessionRecord) -> Result<Begun, AccessError> {
        let token = new_token(self);
        let hash = hash(self, "web session", token.reveal());
        self.store_session(&hash, &record).await?;
        let session = Found { hash, record, login }.view(self.now());
        Ok(Begun { token, session })
    }

    fn new_session(&self, name: &str, login: &Login, visit: Visit<'_>, second_done: bool) -> SessionRecord {
        let inner = &self.0;
        let now = inner.env.wall_millis();
        let lifetime = i64::try_from(inner.options.web_session_secs_max).unwrap_or(i64::MAX / 1_000);
        SessionRecord {
            id: inner.env.random_u64(),
            tenant: login.account.tenant.0,
            account: login.id().0,
            credential: standing_of(login),
            second_done,
            name: shown(name, NAME_CHARACTERS_MAX),
            peer: visit.peer.to_canonical().to_string(),
            client: shown(visit.client, CLIENT_CHARACTERS_MAX),
            created_millis: now,
            seen_millis: now,
            end_millis: now.saturating_add(lifetime.saturating_mul(1_000)),
            proved_millis: now,
            wrong: 0,
            vouched: None,
            texted_millis: None,
            by_password: None,
            participants: None,
        }
    }

    /// Stores a new session; the account's sessions that were used least lately make room for it.
    async fn store_session(&self, hash: &TokenHash, session: &SessionRecord) -> Result<(), AccessError> {
        let max = self.0.options.web_sessions_per_account_max.max(1);
        let (hash, session) = (*hash, session.clone());
        let store = async move |transaction: &mut Transaction| {
            let (tenant, account) = (
                hongyan_types::TenantId(session.tenant),
                hongyan_types::AccountId(session.account),
            );
            let query = RangeQuery {
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(record::sessions_of(tenant, account).range())
            };
            let mut present = Vec::new();
            for pair in transaction.get_range_all(query).await? {
                let Ok(hash) = TokenHash::try_from(&pair.value[..]) else {
                    continue;
                };
                if let Some(stored) = transaction.get_snapshot(&record::session_key(&hash)).await? {
                    present.push((hash, record::decode_session(&stored)?));
                }
            }
            present.sort_unstable_by_key(|(_, session)| session.seen_millis);
            let surplus = (present.len() + 1).saturating_sub(max);
            for (hash, session) in present.iter().take(surplus) {
                record::clear(transaction, hash, session);
            }
            record::write(transaction, &hash, &session);
            Ok::<_, hongyan_kv::Error>(())
        };
        match self.0.database.run(store).await {
            // Whether it is there shows with its first use; signing in again costs little.
            Ok(()) | Err(hongyan_kv::Error::CommitUnknown) => Ok(()),
            Err(error) => Err(Error::from(error).into()),
        }
    }

    /// Shows the second factor. With `trust` the device needs none for a time; that is its name.
    ///
    /// # Errors
    /// `WrongCode`, `LockedOut`, `NotSignedIn`, `Directory`. The session ends with the fifth wrong code.
    pub async fn web_second_factor(
        &self,
        token: &str,
        proof: &SecondProof,
        trust: Option<&str>,
        peer: IpAddr,
    ) -> Result<Passed, AccessError> {
        let found = self.find_session(token, peer).await?;
        self.check_code(&found, proof, peer).await?;
        let passed = SessionChange::Passed {
            at_millis: self.now().millis,
        };
        let record = self.change_session(&found.hash, &passed).await?;
        let found = Found { record, ..found };
        let device = match trust {
            Some(name) => self.trust_device(&found, name).await?,
            None => None,
        };
        // A recovery code changes what is known of the account.
        let login = self.0.directory.login_of(found.login.id()).await?;
        let login = login.ok_or(AccessError::NotSignedIn)?;
        let session = Found { login, ..found }.view(self.now());
        Ok(Passed { session, device })
    }

    async fn check_code(&self, found: &Found, proof: &SecondProof, peer: IpAddr) -> Result<(), AccessError> {
        let (way, outcome) = match proof {
            SecondProof::Passkey(answer) => (
                Way::Passkey,
                self.check_passkey(&found.login, answer, &found.hash, peer).await,
            ),
            SecondProof::Text(code) => (Way::SecondFactor, self.check_text(found, code).await),
            _ => (Way::SecondFactor, self.check_second(&found.login, proof, peer).await),
        };
        let attempt = Attempt {
            account: &found.login.account,
            name: &found.record.name,
            protocol: Protocol::Web,
            way,
            peer,
            client: &found.record.client,
        };
        self.log_login(&attempt, outcome.as_ref().err());
        if matches!(outcome, Err(AccessError::WrongCode)) {
            let record = self.change_session(&found.hash, &SessionChange::Wrong).await?;
            if record.wrong >= WRONG_CODES_MAX {
                self.clear_sessions(&[(found.hash, record)]).await?;
            }
            self.count_failure(&found.record.name, peer).await;
        }
        outcome
    }

    /// Proves anew who uses a session that is signed in (AUTH-25): with the second factor, or with the password where there is
    /// none.
    ///
    /// # Errors
    /// `WrongCode`, `BadCredentials`, `LockedOut`, `NotSignedIn`, `Unfinished`, `Directory`; `NeedsCode` for a password where
    /// there is a second factor.
    pub async fn web_prove(&self, token: &str, proof: &WebProof, peer: IpAddr) -> Result<WebSession, AccessError> {
        let found = self.find_session(token, peer).await?;
        let stage = found.view(self.now()).stage;
        if stage != Stage::SignedIn {
            return Err(AccessError::Unfinished(stage));
        }
        match proof {
            WebProof::Second(proof) => self.check_code(&found, proof, peer).await?,
            WebProof::Password(_) if found.login.factors.has_second_factor() => return Err(AccessError::NeedsCode),
            WebProof::Password(password) => {
                let name = found.login.account.address.to_string();
                self.verify_own(&name, password, peer).await?;
            }
        }
        let at_millis = self.now().millis;
        let proved = match proof {
            WebProof::Second(_) => SessionChange::Proved { at_millis },
            WebProof::Password(_) => SessionChange::ProvedByPassword { at_millis },
        };
        let record = self.change_session(&found.hash, &proved).await?;
        Ok(Found { record, ..found }.view(self.now()))
    }
}

/// What is shown to prove anew who one is.
#[derive(Debug, Clone)]
pub enum WebProof {
    /// The account's password.
    Password(Secret),
    /// The second factor.
    Second(SecondProof),
}
