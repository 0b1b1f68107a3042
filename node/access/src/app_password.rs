//! App passwords (AUTH-21): one a client, made here, shown once, limited to protocols, in time, and to reading.
//!
//! They have 100 random bits, so a keyed BLAKE3 hash is enough: there is nothing to guess, and slow hashing, which makes up
//! for what people choose, would cost each sign-in 20 ms for nothing. For SCRAM all of an account's passwords share one
//! salt: the client hears it before it tells which of them it has, and its proof shows that.

use std::collections::BTreeSet;

use bytes::Bytes;
use hongyan_directory::{AppPassword, Directory, Error, Factors, FactorsChange, Protocol, ScramKeys};
use hongyan_kv::record::{self, Schema};
use hongyan_kv::{RangeQuery, ReadMode, Transaction, Tuple};
use hongyan_sasl::{Secret, StoredKeys};
use hongyan_types::{AccountId, Timestamp};
use minicbor::{Decode, Encode};

use crate::{Access, AccessError, secret_text};

/// Longest name of a client.
const NAME_CHARACTERS_MAX: usize = 64;
const DAY_MILLIS: i64 = 86_400_000;
const V1: Schema = Schema(1);

/// An app password to make.
#[derive(Debug, Clone)]
pub struct NewAppPassword {
    /// What its owner calls the client.
    pub name: String,
    /// The ways in that it opens; at least one.
    pub protocols: BTreeSet<Protocol>,
    /// Whether it lets one look and change nothing.
    pub read_only: bool,
    /// After how many days it ends.
    pub days: Option<u32>,
}

/// One that was made.
#[derive(Debug, Clone)]
pub struct MadeAppPassword {
    /// What is kept of it.
    pub kept: AppPassword,
    /// The password, which nobody can show again.
    pub password: Secret,
}

/// The last time an app password was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastUse {
    /// When; so exact as `app_password_use_secs` says.
    pub at: Timestamp,
    /// By which way.
    pub protocol: Protocol,
}

#[derive(Encode, Decode)]
struct LastUseV1 {
    #[n(0)]
    at_millis: i64,
    #[n(1)]
    protocol: String,
}

/// ("acc", "app-used", account, id)
pub(crate) fn uses(account: AccountId) -> Tuple {
    Tuple::new().string("acc").string("app-used").int(account.0)
}

fn use_key(account: AccountId, id: u32) -> Bytes {
    uses(account).int(u64::from(id)).pack()
}

fn encode_use(last: &LastUse) -> Bytes {
    let body = LastUseV1 {
        at_millis: last.at.millis,
        protocol: last.protocol.label().to_owned(),
    };
    record::encode(V1, &body)
}

fn decode_use(stored: &[u8]) -> Option<LastUse> {
    let stored: LastUseV1 = record::decode(V1, stored).ok()?;
    let known = |protocol: &Protocol| protocol.label() == stored.protocol;
    Some(LastUse {
        at: Timestamp {
            millis: stored.at_millis,
        },
        protocol: Protocol::ALL.into_iter().find(known)?,
    })
}

/// What is kept of a password.
pub(crate) fn hash(secret: &[u8; 32], account: AccountId, typed: &str) -> blake3::Hash {
    secret_text::hash(secret, "app password", account, typed)
}

/// The app password that `typed` is, if it is one. Looks at all of them; blake3 compares in constant time.
pub(crate) fn find<'f>(factors: &'f Factors, hash: &blake3::Hash) -> Option<&'f AppPassword> {
    let passwords = factors.app_passwords.iter();
    passwords.fold(
        None,
        |found, password| if *hash == password.hash { Some(password) } else { found },
    )
}

pub(crate) fn is_over(password: &AppPassword, now_millis: i64) -> bool {
    password.expires.is_some_and(|at| at.millis <= now_millis)
}

fn check(new: &NewAppPassword) -> Result<String, Error> {
    let invalid = |text: &str| Err(Error::Invalid(text.to_owned()));
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        return Err(Error::Invalid(format!(
            "an app password has a name of 1 to {NAME_CHARACTERS_MAX} characters without control characters"
        )));
    }
    if new.protocols.is_empty() {
        return invalid("an app password is for at least one protocol");
    }
    if new.protocols.contains(&Protocol::Web) {
        return invalid("an app password is for mail clients: it does not open the web client");
    }
    if new.read_only && new.protocols.contains(&Protocol::Submission) {
        return invalid("an app password that only reads cannot send");
    }
    if new.days == Some(0) {
        return invalid("an app password lasts for at least a day");
    }
    Ok(name.to_owned())
}

impl Access {
    /// Makes an app password, in the name of `directory`.
    ///
    /// # Errors
    /// `Directory`: `Invalid`, `Limit`, `NotFound`.
    pub async fn add_app_password(
        &self,
        directory: &Directory,
        account: AccountId,
        new: &NewAppPassword,
    ) -> Result<MadeAppPassword, AccessError> {
        let inner = &self.0;
        let name = check(new)?;
        let now = inner.env.wall_millis();
        let password = secret_text::make(&inner.env, 4, 5);
        let (salt, iterations) = self.scram_salt(account).await?;
        let scram = inner.hashing.scram(password.clone(), salt, iterations).await?;
        let kept = AppPassword {
            id: 0,
            name,
            hash: *hash(&inner.secret, account, password.reveal()).as_bytes(),
            scram: keys_of(scram),
            protocols: new.protocols.clone(),
            read_only: new.read_only,
            expires: new.days.map(|days| Timestamp {
                millis: now.saturating_add(i64::from(days).saturating_mul(DAY_MILLIS)),
            }),
            created: Timestamp { millis: now },
        };
        let max = u64::try_from(inner.options.app_passwords_per_account_max).unwrap_or(u64::MAX);
        let add = FactorsChange::AddAppPassword {
            password: Box::new(kept),
            max,
        };
        let factors = directory.change_factors(account, &add).await?;
        let missing = || Error::Refused("it was removed at once".to_owned());
        let kept = factors.app_passwords.last().cloned().ok_or_else(missing)?;
        Ok(MadeAppPassword { kept, password })
    }

    /// Takes an app password back: its sessions end on all nodes.
    ///
    /// # Errors
    /// `Directory`: `NotFound`.
    pub async fn remove_app_password(
        &self,
        directory: &Directory,
        account: AccountId,
        id: u32,
    ) -> Result<(), AccessError> {
        let remove = FactorsChange::RemoveAppPassword(id);
        directory.change_factors(account, &remove).await?;
        self.account_changed(account).await?;
        let forget = async move |transaction: &mut Transaction| {
            transaction.clear(&use_key(account, id));
            Ok::<_, hongyan_kv::Error>(())
        };
        if let Err(error) = self.0.database.run(forget).await {
            tracing::warn!(%error, "the last use of an app password stays");
        }
        Ok(())
    }

    /// The app passwords of an account, each with its last use.
    ///
    /// # Errors
    /// `Directory`.
    pub async fn app_passwords(&self, account: AccountId) -> Result<Vec<(AppPassword, Option<LastUse>)>, AccessError> {
        let factors = self.0.directory.factors(account).await?;
        let query = RangeQuery {
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(uses(account).range())
        };
        let mut transaction = self.0.database.begin();
        let pairs = transaction.get_range_all(query).await.map_err(Error::from)?;
        let last_of = |id: u32| {
            let key = use_key(account, id);
            let pair = pairs.iter().find(|pair| pair.key == key)?;
            decode_use(&pair.value)
        };
        let passwords = factors.app_passwords.iter();
        Ok(passwords
            .map(|password| (password.clone(), last_of(password.id)))
            .collect())
    }

    /// Switches secure login (AUTH-24): with it clients come in with app passwords only.
    ///
    /// # Errors
    /// `Directory`: `NotFound`.
    pub async fn set_secure_login(
        &self,
        directory: &Directory,
        account: AccountId,
        secure_login: bool,
    ) -> Result<(), AccessError> {
        let set = FactorsChange::SecureLogin(secure_login);
        directory.change_factors(account, &set).await?;
        self.account_changed(account).await?;
        Ok(())
    }

    /// Notes that an app password was used, unless that was noted lately. Failing to is no reason to refuse anybody.
    pub(crate) async fn note_use(&self, account: AccountId, id: u32, protocol: Protocol) {
        let inner = &self.0;
        let now = inner.env.wall_millis();
        let period = i64::try_from(inner.options.app_password_use_secs).unwrap_or(i64::MAX);
        let key = use_key(account, id);
        let noted = inner.database.run(async move |transaction: &mut Transaction| {
            let last = transaction.get_snapshot(&key).await?;
            let last = last.and_then(|stored| decode_use(&stored));
            let is_late = last.is_none_or(|last| now.saturating_sub(last.at.millis) >= period.saturating_mul(1_000));
            if is_late {
                let at = Timestamp { millis: now };
                transaction.set(key.clone(), encode_use(&LastUse { at, protocol }));
            }
            Ok::<_, hongyan_kv::Error>(())
        });
        if let Some(Err(error)) = inner.env.timeout(crate::shared_failures::COUNT_MAX, noted).await {
            tracing::warn!(%error, "the use of an app password is not noted");
        }
    }

    /// The salt and rounds that all SCRAM keys of an account share: of those that it has, else new ones.
    pub(crate) async fn scram_salt(&self, account: AccountId) -> Result<(Vec<u8>, u32), AccessError> {
        let inner = &self.0;
        let login = inner.directory.login_of(account).await?;
        let present = login.as_ref().and_then(|login| {
            let app = login.factors.app_passwords.first().map(|password| &password.scram);
            app.or(login.credential.as_deref().map(|credential| &credential.scram))
        });
        Ok(match present {
            Some(keys) => (keys.salt.clone(), keys.iterations),
            None => {
                let mut salt = vec![0; 16];
                inner.env.fill_random(&mut salt);
                (salt, inner.hashing.scram_iterations())
            }
        })
    }
}

fn keys_of(keys: StoredKeys) -> ScramKeys {
    ScramKeys {
        salt: keys.salt,
        iterations: keys.iterations,
        stored_key: keys.stored_key,
        server_key: keys.server_key,
    }
}

#[cfg(test)]
#[path = "app_password_test.rs"]
mod tests;
