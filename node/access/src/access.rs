//! The handle sessions hold.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use hongyan_directory::{Credential, Directory, Limit, Login, ScramKeys};
use hongyan_env::Env;
use hongyan_kv::{Database, Transaction, tuple::Tuple};
use hongyan_sasl::{Secret, StoredKeys, prepare};
use hongyan_telemetry::{CounterVec, HistogramVec, counter_vec, histogram_vec};
use hongyan_types::{AccountId, Timestamp};

use crate::elsewhere::Elsewhere;
use crate::failures::Guard;
use crate::following::Following;
use crate::hashing::{Hashing, Salts};
use crate::identity::{Proof, ScramSecret, fingerprint, standing_of};
use crate::login_log::{Attempt, LoginLog, SignIns, Way};
use crate::oauth::Beginners;
use crate::outside::OutsidePasswords;
use crate::policy::{self, WayIn};
use crate::remembered::Remembered;
use crate::sessions::Sessions;
use crate::web::Bells;
use crate::{
    AccessError, AccessOptions, Identity, PasswordOwner, PasswordRule, PasswordRules, Places, Protocol, ScramAttempt,
    SessionPermit, TextGateway, app_password, password_rules, secret_text,
};

/// Longest password looked at, in octets: a bound on work, not a rule.
const PASSWORD_OCTETS_MAX: usize = 1024;

/// Sign-in; clones share it.
#[derive(Clone)]
pub struct Access(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) directory: Directory,
    pub(crate) env: Env,
    pub(crate) options: AccessOptions,
    pub(crate) hashing: Arc<Hashing>,
    pub(crate) remembered: Remembered,
    pub(crate) guard: Guard,
    pub(crate) login_log: LoginLog,
    pub(crate) sessions: Sessions,
    pub(crate) beginners: Beginners,
    /// Those who asked for codes without being signed in.
    pub(crate) askers: Beginners,
    /// What brings codes to phones, if anything does.
    pub(crate) texting: OnceLock<Arc<dyn TextGateway>>,
    /// Rings when somebody asks to be let in by another device.
    pub(crate) bells: Bells,
    /// Where in the world addresses are, if the operator has a file that says so.
    pub(crate) places: OnceLock<Places>,
    /// Who counts sign-ins.
    pub(crate) sign_ins: OnceLock<SignIns>,
    /// Who proves passwords that are not right here.
    pub(crate) outside: OnceLock<Arc<dyn OutsidePasswords>>,
    /// The other nodes, if there are any.
    pub(crate) elsewhere: OnceLock<Elsewhere>,
    pub(crate) following: tokio::sync::Mutex<Following>,
    pub(crate) database: Database,
    /// Makes up SCRAM salts for unknown names, the same after a restart, or names could be told apart by it; keys the hashes
    /// of app passwords.
    pub(crate) secret: [u8; 32],
    /// Hash of a password that nobody has, so that unknown names cost what known ones do.
    nobody: String,
    outcomes: CounterVec,
    seconds: HistogramVec,
}

impl Access {
    /// Opens sign-in over a directory. The secret that hides unknown names is kept in `database`.
    ///
    /// # Errors
    /// When the store or the pool fails.
    pub async fn open(
        directory: Directory,
        database: &Database,
        env: Env,
        options: AccessOptions,
    ) -> Result<Self, AccessError> {
        let secret = load_secret(database, &env).await?;
        let hashing = Arc::new(Hashing::new(&options, env.clone()));
        let nobody = hashing
            .credential(Secret::new(env.random_u64().to_string()), hashing.salts(&env), 0)
            .await?;
        let mut key = [0; 32];
        env.fill_random(&mut key);
        Ok(Self(Arc::new(Inner {
            remembered: Remembered::new(key, options.remembered_entries_max),
            guard: Guard::new(&options, secret),
            login_log: LoginLog::new(&options),
            sessions: Sessions::new(env.clone()),
            beginners: Beginners::default(),
            askers: Beginners::default(),
            texting: OnceLock::new(),
            bells: Bells::default(),
            places: OnceLock::new(),
            sign_ins: OnceLock::new(),
            outside: OnceLock::new(),
            elsewhere: OnceLock::new(),
            following: tokio::sync::Mutex::new(Following::new(directory.follower())),
            database: database.clone(),
            directory,
            env,
            options,
            hashing,
            secret,
            nobody: nobody.password_hash,
            outcomes: counter_vec(
                "hongyan_access_logins_total",
                "Sign-ins by protocol and outcome.",
                &["protocol", "outcome"],
            ),
            seconds: histogram_vec(
                "hongyan_access_login_seconds",
                "Time to verify a password.",
                &["protocol"],
            ),
        })))
    }

    /// Verifies `password` for the login name `name`, coming from `peer`.
    ///
    /// # Errors
    /// Each way of not being let in.
    pub async fn verify_password(
        &self,
        protocol: Protocol,
        name: &str,
        password: &Secret,
        peer: IpAddr,
    ) -> Result<Identity, AccessError> {
        let start = self.0.env.now_micros();
        let outcome = self.verify(protocol, name, password, peer).await;
        let micros = self.0.env.now_micros().saturating_sub(start);
        let seconds = std::time::Duration::from_micros(micros).as_secs_f64();
        self.0.seconds.with_label_values(&[protocol.label()]).observe(seconds);
        self.count(protocol, &outcome);
        outcome
    }

    async fn verify(
        &self,
        protocol: Protocol,
        name: &str,
        password: &Secret,
        peer: IpAddr,
    ) -> Result<Identity, AccessError> {
        self.check_lock(name, peer)?;
        let login = self.0.directory.login(name).await?;
        let prepared = prepared(password);
        // Hashed whether or not somebody has the name: the time tells nothing.
        let account = login.as_ref().map_or(AccountId(0), Login::id);
        let typed = prepared.as_ref().map_or("", Secret::reveal);
        let hash = app_password::hash(&self.0.secret, account, typed);
        let owner = login.as_ref().map(|login| Arc::clone(&login.account));
        let app = login
            .as_ref()
            .and_then(|login| app_password::find(&login.factors, &hash).map(|app| app.id));
        let (way, outcome) = match (login, app) {
            (Some(login), Some(app)) => (
                Way::AppPassword,
                self.admit_app((protocol, peer), name, &login, app).await,
            ),
            (login, _) => {
                let verified = self.verify_login(name, login, prepared, peer).await;
                let outcome = match verified {
                    Ok(login) => {
                        self.admit_client((protocol, peer), name, &login, standing_of(&login))
                            .await
                    }
                    Err(error) => Err(error),
                };
                (Way::Password, outcome)
            }
        };
        if let Some(account) = &owner {
            let attempt = Attempt {
                account,
                name,
                protocol,
                way,
                peer,
                client: "",
            };
            self.log_login(&attempt, outcome.as_ref().err());
        }
        outcome
    }

    /// Verifies that `password` is the account's own.
    pub(crate) async fn verify_own(&self, name: &str, password: &Secret, peer: IpAddr) -> Result<Login, AccessError> {
        self.check_lock(name, peer)?;
        let login = self.0.directory.login(name).await?;
        self.verify_login(name, login, prepared(password), peer).await
    }

    async fn verify_login(
        &self,
        name: &str,
        login: Option<Login>,
        prepared: Option<Secret>,
        peer: IpAddr,
    ) -> Result<Login, AccessError> {
        if let (Some(login), Some(password)) = (&login, &prepared)
            && self
                .0
                .remembered
                .knows_outside(login.id(), password.reveal(), self.0.env.now_micros())
        {
            return Ok(login.clone());
        }
        let credential = login.as_ref().and_then(|login| login.credential.clone());
        let matches = match (&login, credential, &prepared) {
            (Some(login), Some(credential), Some(password)) => {
                self.matches(login.id(), &credential, password.clone()).await?
            }
            _ => {
                let password = prepared.clone().unwrap_or_else(|| Secret::new("-"));
                self.0.hashing.matches(password, self.0.nobody.clone()).await?;
                false
            }
        };
        // Asked for whatever is wrong here, also for names that nobody has: the time tells nothing.
        let matches = match (matches, &prepared) {
            (false, Some(password)) => {
                let account = login.as_ref().map(|login| &login.account);
                self.matches_outside(name, account, password).await?
            }
            (matches, _) => matches,
        };
        match login.filter(|_| matches) {
            Some(login) => Ok(login),
            None => Err(self.refuse(name, peer).await),
        }
    }

    async fn matches(
        &self,
        account: AccountId,
        credential: &Credential,
        password: Secret,
    ) -> Result<bool, AccessError> {
        let inner = &self.0;
        let now = inner.env.now_micros();
        if inner.remembered.knows(account, credential, password.reveal(), now) {
            return Ok(true);
        }
        let hash = credential.password_hash.clone();
        let matches = inner.hashing.matches(password.clone(), hash).await?;
        if matches {
            let span = inner.options.remembered_secs.saturating_mul(1_000_000);
            inner
                .remembered
                .remember(account, credential, password.reveal(), now, span);
        }
        Ok(matches)
    }

    /// The SCRAM-SHA-256 keys of the login name `name`, one of each of its passwords, and what [`Access::finish_scram`] wants
    /// to see; for names that nobody has, made-up ones that look alike.
    ///
    /// # Errors
    /// `LockedOut`, `Directory`.
    pub async fn scram_keys(&self, name: &str, peer: IpAddr) -> Result<(Vec<StoredKeys>, ScramAttempt), AccessError> {
        self.check_lock(name, peer)?;
        let login = self.0.directory.login(name).await?;
        let mut keys = Vec::new();
        let mut secrets = Vec::new();
        if let Some(login) = &login {
            // All share salt and rounds; where an older one does not, it is good for PLAIN only.
            let apps = login.factors.app_passwords.iter();
            keys.extend(apps.clone().map(|app| stored_keys(&app.scram)));
            secrets.extend(apps.map(|app| ScramSecret::AppPassword(app.id)));
            if let Some(credential) = &login.credential {
                keys.push(stored_keys(&credential.scram));
                secrets.push(ScramSecret::Password(Arc::clone(credential)));
            }
        }
        if keys.is_empty() {
            keys.push(self.made_up_keys(name));
        }
        let name = name.to_owned();
        Ok((keys, ScramAttempt { name, secrets }))
    }

    /// Ends a SCRAM exchange: `proved` says with which of the keys the client's proof was right.
    ///
    /// # Errors
    /// Each way of not being let in.
    pub async fn finish_scram(
        &self,
        protocol: Protocol,
        attempt: ScramAttempt,
        peer: IpAddr,
        proved: Option<usize>,
    ) -> Result<Identity, AccessError> {
        let name = &attempt.name;
        let proven = proved.and_then(|key| attempt.secrets.get(key));
        let login = self.0.directory.login(name).await?;
        let owner = login.as_ref().map(|login| Arc::clone(&login.account));
        let way = match proven {
            Some(ScramSecret::AppPassword(_)) => Way::AppPassword,
            _ => Way::Password,
        };
        let outcome = match (proven, login) {
            (Some(ScramSecret::Password(credential)), Some(login)) => {
                self.admit_client((protocol, peer), name, &login, fingerprint(credential))
                    .await
            }
            (Some(ScramSecret::AppPassword(id)), Some(login)) => {
                self.admit_app((protocol, peer), name, &login, *id).await
            }
            _ => Err(self.refuse(name, peer).await),
        };
        if let Some(account) = &owner {
            let attempt = Attempt {
                account,
                name,
                protocol,
                way,
                peer,
                client: "",
            };
            self.log_login(&attempt, outcome.as_ref().err());
        }
        self.count(protocol, &outcome);
        outcome
    }

    /// Registers a session of whom access has let in: takes one of the account's places, which dropping the permit gives
    /// back.
    ///
    /// # Errors
    /// `TooManySessions`; sessions that are there stay. What has ended the right to come in since it was verified.
    pub async fn open_session(&self, identity: &Identity, peer: SocketAddr) -> Result<SessionPermit, AccessError> {
        let limits = self.0.directory.limits_of(&identity.account).await?;
        let granted = u32::try_from(limits.of(Limit::SessionsPerAccountMax).value()).unwrap_or(u32::MAX);
        let max = granted.min(self.0.options.sessions_per_account_max);
        let version = self.0.directory.version();
        let permit = self.0.sessions.open(identity, peer, max, version);
        let permit = permit.ok_or(AccessError::TooManySessions { max })?;
        // Whoever ends the right after this look finds the session registered; whoever did before is seen by the look.
        self.check_standing(identity, peer.ip()).await?;
        Ok(permit)
    }

    /// Hashes the password of a new account, whatever its quality: argon2id and SCRAM keys.
    ///
    /// # Errors
    /// `BadPassword` when it has control characters or is empty, `Overloaded`.
    pub async fn hash_password(&self, password: &Secret) -> Result<Credential, AccessError> {
        self.hash_with(password, self.0.hashing.salts(&self.0.env)).await
    }

    /// As [`Access::hash_password`], for an account that is there: its app passwords go on to work with SCRAM.
    ///
    /// # Errors
    /// As [`Access::hash_password`]; `Directory`.
    pub async fn hash_password_of(&self, account: AccountId, password: &Secret) -> Result<Credential, AccessError> {
        let inner = &self.0;
        let mut salts = inner.hashing.salts(&inner.env);
        if let Some(app) = inner.directory.factors(account).await?.app_passwords.first() {
            salts.scram = app.scram.salt.clone();
            salts.scram_iterations = app.scram.iterations;
        }
        self.hash_with(password, salts).await
    }

    async fn hash_with(&self, password: &Secret, salts: Salts) -> Result<Credential, AccessError> {
        if password.reveal().len() > PASSWORD_OCTETS_MAX {
            return Err(AccessError::BadPassword(format!(
                "a password has at most {PASSWORD_OCTETS_MAX} octets"
            )));
        }
        let prepared = prepare(password.reveal()).map_err(|error| AccessError::BadPassword(error.to_string()))?;
        let inner = &self.0;
        let now = inner.env.wall_millis();
        inner.hashing.credential(Secret::new(prepared), salts, now).await
    }

    /// Whether a new password is good enough for its account (AUTH-9).
    ///
    /// # Errors
    /// `BadPassword` says what is missing.
    pub fn check_password(&self, owner: &PasswordOwner<'_>, password: &Secret) -> Result<(), AccessError> {
        match password_rules::broken(&self.0.options, owner, password.reveal()) {
            Some(rule) => Err(AccessError::BadPassword(rule)),
            None => Ok(()),
        }
    }

    /// A password to begin with, good enough for its account: for paper, and to be changed at the first sign-in (MEM-7).
    ///
    /// # Errors
    /// `BadPassword` where the rules allow none that could be made.
    pub fn first_password(&self, owner: &PasswordOwner<'_>) -> Result<Secret, AccessError> {
        let mut outcome = Err(AccessError::BadPassword("no password keeps to the rules".to_owned()));
        // Some 80 bits; longer or shorter where the installation's rules want that.
        for groups in [4, 4, 4, 4, 4, 4, 4, 4, 5, 6, 8, 12, 3, 2] {
            let made = secret_text::make(&self.0.env, groups, 4);
            let (first, rest) = made.reveal().split_at(1);
            let password = Secret::new(format!("{}{rest}", first.to_ascii_uppercase()));
            outcome = self.check_password(owner, &password).map(|()| password);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// All the rules that a new password of that account breaks (AUTH-9); none when it is good enough.
    #[must_use]
    pub fn password_broken(&self, owner: &PasswordOwner<'_>, password: &Secret) -> Vec<PasswordRule> {
        self.password_rules().broken(owner, password.reveal()).collect()
    }

    /// What is asked of passwords here (AUTH-9).
    #[must_use]
    pub fn password_rules(&self) -> PasswordRules {
        PasswordRules::of(&self.0.options)
    }

    pub(crate) fn check_lock(&self, name: &str, peer: IpAddr) -> Result<(), AccessError> {
        match self.0.guard.locked_secs(name, peer, self.0.env.now_micros()) {
            Some(retry_secs) => Err(AccessError::LockedOut { retry_secs }),
            None => Ok(()),
        }
    }

    /// The account's password is right: may a client come in with it, this way?
    async fn admit_client(
        &self,
        way: WayIn,
        name: &str,
        login: &Login,
        standing: [u8; 16],
    ) -> Result<Identity, AccessError> {
        let identity = self.admit(way, name, login, Proof::Password(standing)).await?;
        if login.needs_app_password() {
            return Err(AccessError::AppPasswordRequired);
        }
        Ok(identity)
    }

    /// The app password `id` is right: is it for this way, and still good?
    async fn admit_app(&self, way: WayIn, name: &str, login: &Login, id: u32) -> Result<Identity, AccessError> {
        let (protocol, _) = way;
        let Some(app) = login.factors.app_password(id) else {
            return Err(AccessError::BadCredentials);
        };
        let proof = Proof::AppPassword {
            id,
            read_only: app.read_only,
            until_millis: app.expires.map(|at| at.millis),
        };
        let identity = self.admit(way, name, login, proof).await?;
        if app_password::is_over(app, self.0.env.wall_millis()) {
            return Err(AccessError::Expired);
        }
        if !app.protocols.contains(&protocol) {
            return Err(AccessError::NotForProtocol(protocol));
        }
        self.note_use(login.id(), id, protocol).await;
        Ok(identity)
    }

    /// The proof is right: may this account come in, this way?
    pub(crate) async fn admit(
        &self,
        way: WayIn,
        name: &str,
        login: &Login,
        proof: Proof,
    ) -> Result<Identity, AccessError> {
        self.forgive(name).await;
        match policy::verdict(login, way, self.now()) {
            Some(refused) => Err(refused.error(way.0)),
            None => Ok(Identity::new(way.0, login, proof)),
        }
    }

    async fn refuse(&self, name: &str, peer: IpAddr) -> AccessError {
        self.count_failure(name, peer).await;
        AccessError::BadCredentials
    }

    fn made_up_keys(&self, name: &str) -> StoredKeys {
        let derive = |what: &str| {
            let mut hasher = blake3::Hasher::new_keyed(&self.0.secret);
            hasher.update(what.as_bytes());
            hasher.update(name.to_lowercase().as_bytes());
            *hasher.finalize().as_bytes()
        };
        let salt = derive("salt\0");
        StoredKeys {
            salt: salt.iter().copied().take(16).collect(),
            iterations: self.0.hashing.scram_iterations(),
            stored_key: derive("stored\0"),
            server_key: derive("server\0"),
        }
    }

    fn count(&self, protocol: Protocol, outcome: &Result<Identity, AccessError>) {
        self.count_outcome(protocol, outcome.as_ref().err());
    }

    pub(crate) fn count_outcome(&self, protocol: Protocol, error: Option<&AccessError>) {
        let label = error.map_or("ok", AccessError::label);
        self.0.outcomes.with_label_values(&[protocol.label(), label]).inc();
    }

    /// A key for one use, the same on all nodes; of no use for any other.
    #[must_use]
    pub fn derived_key(&self, context: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0.secret);
        hasher.update(b"derived key\0");
        hasher.update(context.as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// How long a device is trusted, in days.
    #[must_use]
    pub fn trusted_device_days(&self) -> u32 {
        self.0.options.trusted_device_days
    }

    /// What time it is where sign-in takes place.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp {
            millis: self.0.env.wall_millis(),
        }
    }
}

/// A password as it is hashed; `None` for what cannot be one.
fn prepared(password: &Secret) -> Option<Secret> {
    let is_short = password.reveal().len() <= PASSWORD_OCTETS_MAX;
    is_short.then(|| prepare(password.reveal()).ok().map(Secret::new))?
}

fn stored_keys(keys: &ScramKeys) -> StoredKeys {
    StoredKeys {
        salt: keys.salt.clone(),
        iterations: keys.iterations,
        stored_key: keys.stored_key,
        server_key: keys.server_key,
    }
}

/// The secret at ("acc", "secret"), 32 octets, made at the first start.
async fn load_secret(database: &Database, env: &Env) -> Result<[u8; 32], AccessError> {
    let mut fresh = [0; 32];
    env.fill_random(&mut fresh);
    let load = async move |transaction: &mut Transaction| {
        let key = Tuple::new().string("acc").string("secret").pack();
        if let Some(stored) = transaction.get(&key).await? {
            let corrupt = |_| hongyan_kv::Error::Corrupt("sign-in secret is not 32 octets".to_owned());
            return <[u8; 32]>::try_from(&stored[..]).map_err(corrupt);
        }
        transaction.set(key, fresh.to_vec());
        Ok(fresh)
    };
    loop {
        match database.run(load).await {
            // Whatever was written is read.
            Err(hongyan_kv::Error::CommitUnknown) => {}
            loaded => return Ok(loaded.map_err(hongyan_directory::Error::from)?),
        }
    }
}

#[cfg(test)]
#[path = "access_test.rs"]
mod tests;
