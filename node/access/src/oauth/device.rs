//! The device grant (RFC 8628): a device without a browser shows a short code, which its owner types in a browser elsewhere
//! (ACC-17). What is typed is short, so it is good for minutes, only to whoever is signed in, and wrong ones count.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hongyan_kv::Transaction;
use hongyan_sasl::Secret;
use parking_lot::Mutex;

use super::record::{self, DeviceRecord, Giver, Hash};
use super::{Decider, OauthClient, OauthError, Scope, Tokens, token};
use crate::Access;

/// Characters of a code that people type: no vowels, so no words (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LETTERS: usize = 8;
/// How often a device may ask, in seconds.
const INTERVAL_SECS: u64 = 5;
/// Places that are remembered; beyond it nobody new begins until some are forgotten.
const BEGINNERS_MAX: usize = 100_000;

/// What a device is told.
#[derive(Debug, Clone)]
pub struct DeviceOffer {
    /// What it asks with.
    pub device_code: Secret,
    /// What it shows.
    pub user_code: String,
    /// How long both are good, in seconds.
    pub secs: u64,
    /// How long it waits between two questions, in seconds.
    pub interval_secs: u64,
}

/// What a member is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAsk {
    /// Who wants to be let in.
    pub client: OauthClient,
    /// What for.
    pub scope: Scope,
    /// From where the device asked.
    pub peer: String,
}

/// Devices that began lately, by the address they came from: anybody may begin, and each takes room in the store.
#[derive(Default)]
pub(crate) struct Beginners(Mutex<BTreeMap<IpAddr, Window>>);

/// How many, since when.
#[derive(Clone, Copy)]
struct Window {
    start_micros: u64,
    count: u32,
}

impl Beginners {
    /// Whether one more may begin from there.
    pub(crate) fn admit(&self, from: IpAddr, now_micros: u64, span_micros: u64, max: u32) -> bool {
        let from = block(from);
        let counts = |window: &Window| now_micros.saturating_sub(window.start_micros) < span_micros;
        let mut windows = self.0.lock();
        if windows.len() >= BEGINNERS_MAX {
            windows.retain(|_, window| counts(window));
        }
        if windows.len() >= BEGINNERS_MAX && !windows.contains_key(&from) {
            return false;
        }
        let fresh = Window {
            start_micros: now_micros,
            count: 0,
        };
        let window = windows.entry(from).or_insert(fresh);
        if !counts(window) {
            *window = fresh;
        }
        window.count = window.count.saturating_add(1);
        window.count <= max
    }
}

/// What counts as one place: an IPv4 address, an IPv6 /64.
fn block(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

enum Polled {
    Waiting,
    TooOften,
    Denied,
    Given(Box<DeviceRecord>),
    Over,
    Unknown,
}

/// What is hashed of a code as typed: case, hyphens and spaces do not matter.
fn plain(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

impl Access {
    fn new_user_code(&self) -> String {
        let mut code = String::new();
        while code.len() < USER_CODE_LETTERS {
            // Of 256 values 240 fall evenly on 20 letters.
            let octet = self.0.env.random_u64().to_le_bytes()[0];
            if octet < 240 {
                code.push(char::from(LETTERS[usize::from(octet % 20)]));
            }
        }
        code
    }

    /// A device begins.
    ///
    /// # Errors
    /// `InvalidClient`, `InvalidScope`, `SlowDown` for too many from one address; the store's.
    pub async fn oauth_begin_device(
        &self,
        client: &str,
        wanted: Option<&str>,
        peer: IpAddr,
    ) -> Result<DeviceOffer, OauthError> {
        let client = self.oauth_client(client).await?;
        let scope = client.scope_of(wanted)?;
        let (options, now) = (&self.0.options, self.0.env.now_micros());
        let span = options.oauth_device_secs.saturating_mul(1_000_000);
        if !self
            .0
            .beginners
            .admit(peer, now, span, options.oauth_devices_per_address_max)
        {
            return Err(OauthError::SlowDown);
        }
        let (device_code, hash) = token::plain(self, "device");
        let typed = self.new_user_code();
        let user_code = token::hash(self, "user code", &typed);
        let secs = self.0.options.oauth_device_secs;
        let record = DeviceRecord {
            client: client.id,
            scope: scope.to_string(),
            end_millis: self.now().millis.saturating_add(token::millis(secs)),
            asked_millis: 0,
            giver: None,
            denied: false,
            user_code,
            peer: peer.to_canonical().to_string(),
        };
        let begin = async move |transaction: &mut Transaction| {
            transaction.set(record::device_key(&hash), record::encode(&record));
            transaction.set(record::user_code_key(&user_code), hash.to_vec());
            transaction.set(record::device_end_key(&hash, record.end_millis), Vec::new());
            Ok::<_, hongyan_kv::Error>(())
        };
        match self.0.database.run(begin).await {
            Ok(()) | Err(hongyan_kv::Error::CommitUnknown) => {}
            Err(error) => return Err(error.into()),
        }
        let (first, second) = typed.split_at(USER_CODE_LETTERS / 2);
        Ok(DeviceOffer {
            device_code,
            user_code: format!("{first}-{second}"),
            secs,
            interval_secs: INTERVAL_SECS,
        })
    }

    /// What a member is asked who typed this code.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished`, `LockedOut` after too many wrong ones; `InvalidGrant` when it is none.
    pub async fn oauth_device_ask(&self, decider: Decider<'_>, typed: &str) -> Result<DeviceAsk, OauthError> {
        let found = self.looker(decider).await?;
        let name = found.login.account.address.to_string();
        self.check_lock(&name, decider.peer)?;
        match self.waiting_device(typed).await? {
            Some((_, device)) => Ok(DeviceAsk {
                client: self.oauth_client(&device.client).await?,
                scope: Scope::read(&device.scope).ok_or(OauthError::InvalidScope)?,
                peer: device.peer,
            }),
            None => {
                self.count_failure(&name, decider.peer).await;
                Err(OauthError::InvalidGrant)
            }
        }
    }

    async fn waiting_device(&self, typed: &str) -> Result<Option<(Hash, DeviceRecord)>, OauthError> {
        let typed = token::hash(self, "user code", &plain(typed));
        let mut transaction = self.0.database.begin();
        let Some(hash) = transaction.get_snapshot(&record::user_code_key(&typed)).await? else {
            return Ok(None);
        };
        let Ok(hash) = Hash::try_from(&hash[..]) else {
            return Ok(None);
        };
        let Some(stored) = transaction.get_snapshot(&record::device_key(&hash)).await? else {
            return Ok(None);
        };
        let device: DeviceRecord = record::decode(&stored)?;
        let is_waiting = device.giver.is_none() && !device.denied && device.end_millis > self.now().millis;
        Ok(is_waiting.then_some((hash, device)))
    }

    /// A member lets a device in, or not.
    ///
    /// # Errors
    /// As [`Access::oauth_device_ask`].
    pub async fn oauth_decide_device(
        &self,
        decider: Decider<'_>,
        typed: &str,
        is_allowed: bool,
    ) -> Result<(), OauthError> {
        self.oauth_device_ask(decider, typed).await?;
        let found = match is_allowed {
            true => self.decider(decider).await?,
            false => self.looker(decider).await?,
        };
        let (hash, waiting) = self.waiting_device(typed).await?.ok_or(OauthError::InvalidGrant)?;
        if is_allowed
            && !self
                .oauth_client(&waiting.client)
                .await?
                .is_for(found.login.account.tenant)
        {
            return Err(OauthError::AccessDenied);
        }
        let giver = Giver {
            tenant: found.record.tenant,
            account: found.record.account,
            credential: found.record.credential,
        };
        let decide = async move |transaction: &mut Transaction| {
            let key = record::device_key(&hash);
            let Some(stored) = transaction.get(&key).await? else {
                return Ok(false);
            };
            let mut device: DeviceRecord = record::decode(&stored)?;
            if device.denied || device.giver.as_ref().is_some_and(|known| *known != giver) {
                return Ok(false);
            }
            match is_allowed {
                true => device.giver = Some(giver.clone()),
                false => device.denied = true,
            }
            // Nobody types it any more.
            transaction.clear(&record::user_code_key(&device.user_code));
            transaction.set(key, record::encode(&device));
            Ok::<_, hongyan_kv::Error>(true)
        };
        match self.0.database.run(decide).await? {
            true => Ok(()),
            false => Err(OauthError::InvalidGrant),
        }
    }

    /// A device asks whether it was let in.
    ///
    /// # Errors
    /// `AuthorizationPending`, `SlowDown`, `AccessDenied`, `ExpiredToken`, `InvalidGrant`; the store's.
    pub async fn oauth_poll_device(&self, client: &str, code: &str, peer: IpAddr) -> Result<Tokens, OauthError> {
        let client = self.oauth_client(client).await?;
        let hash = token::hash(self, "device", code);
        let (now, id) = (self.now().millis, client.id.clone());
        let poll = async move |transaction: &mut Transaction| {
            let key = record::device_key(&hash);
            let Some(stored) = transaction.get(&key).await? else {
                return Ok(Polled::Unknown);
            };
            let mut device: DeviceRecord = record::decode(&stored)?;
            if device.client != id {
                return Ok(Polled::Unknown);
            }
            if device.end_millis <= now {
                return Ok(Polled::Over);
            }
            if device.denied || device.giver.is_some() {
                // It is told once.
                transaction.clear(&key);
                transaction.clear(&record::device_end_key(&hash, device.end_millis));
                return Ok(match device.denied {
                    true => Polled::Denied,
                    false => Polled::Given(Box::new(device)),
                });
            }
            // A little less than said, for clocks that are a little off.
            let is_often = now.saturating_sub(device.asked_millis) < token::millis(INTERVAL_SECS) - 500;
            device.asked_millis = now;
            transaction.set(key, record::encode(&device));
            Ok::<_, hongyan_kv::Error>(if is_often { Polled::TooOften } else { Polled::Waiting })
        };
        match self.0.database.run(poll).await? {
            Polled::Waiting => Err(OauthError::AuthorizationPending),
            Polled::TooOften => Err(OauthError::SlowDown),
            Polled::Denied => Err(OauthError::AccessDenied),
            Polled::Over => Err(OauthError::ExpiredToken),
            Polled::Unknown => Err(OauthError::InvalidGrant),
            Polled::Given(device) => {
                let scope = Scope::read(&device.scope).ok_or(OauthError::InvalidScope)?;
                let giver = device.giver.as_ref().ok_or(OauthError::InvalidGrant)?;
                let grant = self.0.env.random_u64();
                let begun = super::grant::Begin {
                    id: grant,
                    giver,
                    scope,
                    sign_in: None,
                };
                self.new_grant(begun, &client, peer).await
            }
        }
    }
}
