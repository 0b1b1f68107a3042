//! The handle that the admin API holds: makes, shows and changes webhooks, and what they have posted.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, Directory, Error as DirectoryError, Subject};
use hongyan_env::Env;
use hongyan_kv::{KeyValue, RangeQuery, ReadMode, Transaction};
use hongyan_sasl::Secret;
use hongyan_seal::{Kept, SealError};
use hongyan_types::{TenantId, Timestamp};

use crate::door::Closed;
use crate::event::{EVENTS, body};
use crate::post::{letter, post};
use crate::record::{delivery, secret, webhook};
use crate::{Attempt, DeliveryRecord, Door, WebhookId, WebhookOptions, WebhookRecord, WebhookState, key};

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// Random octets of a secret.
const SECRET_OCTETS: usize = 32;
/// Longest name and URL.
const NAME_CHARACTERS_MAX: usize = 64;
const URL_OCTETS_MAX: usize = 2_000;

/// Why something cannot be done with webhooks.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there, or too much.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Its secret cannot be sealed, or does not open: it can be made anew.
    #[error("the secret of the webhook: {0}")]
    Sealed(#[from] SealError),
}

/// A webhook to make.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Whose.
    pub tenant: TenantId,
    /// What it is for.
    pub name: String,
    /// Where to.
    pub url: String,
    /// Of what it tells.
    pub events: Vec<String>,
}

/// Changes of a webhook; what is not named stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// What it is for.
    pub name: Option<String>,
    /// Where to.
    pub url: Option<String>,
    /// Of what it tells.
    pub events: Option<Vec<String>>,
    /// Whether it is used.
    pub on: Option<bool>,
}

/// Webhooks; clones share them.
#[derive(Clone)]
pub struct Webhooks {
    pub(crate) env: Env,
    pub(crate) directory: Directory,
    pub(crate) door: Arc<dyn Door>,
    pub(crate) options: Arc<WebhookOptions>,
}

impl Webhooks {
    /// The webhooks of a system.
    #[must_use]
    pub fn new(directory: Directory, door: Arc<dyn Door>, options: WebhookOptions) -> Self {
        Self {
            env: directory.env().clone(),
            directory,
            door,
            options: Arc::new(options),
        }
    }
    /// The webhooks of a system that posts nothing.
    #[must_use]
    pub fn closed(directory: Directory) -> Self {
        Self::new(directory, Arc::new(Closed), WebhookOptions::default())
    }
    /// The same, changed in the name of whoever `directory` acts for.
    #[must_use]
    pub fn acting(&self, directory: Directory) -> Self {
        Self {
            directory,
            ..self.clone()
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp {
            millis: self.env.wall_millis(),
        }
    }

    fn check(&self, change: &WebhookChange) -> Result<(), DirectoryError> {
        let invalid = |words: String| Err(DirectoryError::Invalid(words));
        if let Some(name) = &change.name
            && (name.trim().is_empty()
                || name.chars().count() > NAME_CHARACTERS_MAX
                || name.chars().any(char::is_control))
        {
            return invalid(format!("name: 1 to {NAME_CHARACTERS_MAX} characters"));
        }
        if let Some(url) = &change.url {
            if url.len() > URL_OCTETS_MAX {
                return invalid(format!("url: at most {URL_OCTETS_MAX} octets"));
            }
            if let Err(words) = self.door.check(url) {
                return invalid(format!("url: {words}"));
            }
        }
        if let Some(events) = &change.events {
            if events.is_empty() {
                return invalid("events: at least one".to_owned());
            }
            if let Some(unknown) = events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
                return invalid(format!("events: {unknown} is none of {}", EVENTS.join(", ")));
            }
        }
        Ok(())
    }

    pub(crate) fn open_secret(&self, id: WebhookId, kept: &Kept) -> Result<Secret, SealError> {
        let secret = self.directory.sealer().reveal(&secret::place(id), kept)?;
        let text = String::from_utf8(secret.to_vec()).map_err(|_| SealError::Form)?;
        Ok(Secret::new(text))
    }

    fn new_secret(&self) -> Secret {
        let mut random = [0; SECRET_OCTETS];
        self.env.fill_random(&mut random);
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
    }

    /// Makes a webhook, which tells what changes from now on. The secret is shown this once.
    ///
    /// # Errors
    /// `Invalid`, `Limit`.
    pub async fn create(&self, new: &NewWebhook) -> Result<(WebhookRecord, Secret), Error> {
        self.check(&WebhookChange {
            name: Some(new.name.clone()),
            url: Some(new.url.clone()),
            events: Some(new.events.clone()),
            on: None,
        })?;
        let after = self.directory.feed(new.tenant, 0, 1).await?.latest;
        let (text, now, max) = (self.new_secret(), self.now(), self.options.webhooks_per_tenant_max);
        let (new, secret, sealer) = (new.clone(), text.clone(), self.directory.sealer().clone());
        let made = self.directory.transact(async move |change| {
            let known = change
                .get_range_all(RangeQuery::all(key::of(new.tenant).range()))
                .await?;
            if known.len() >= max {
                return Err(DirectoryError::Limit {
                    setting: "webhooks_per_tenant_max",
                    max: max as u64,
                    used: known.len() as u64,
                });
            }
            let id = WebhookId(change.take_number(key::next()).await?);
            let mut events = new.events.clone();
            events.sort_unstable();
            events.dedup();
            let webhook = WebhookRecord {
                id,
                tenant: new.tenant,
                name: new.name.trim().to_owned(),
                url: new.url.clone(),
                events,
                state: WebhookState::On,
                after,
                last: 0,
                pending: None,
                failing_since: None,
                failures: 0,
                next: now,
                created: now,
            };
            change.set(key::of(new.tenant).int(id.0).pack(), Vec::new());
            let kept = sealer.keep(&secret::place(id), secret.reveal().as_bytes());
            let kept = kept.map_err(|error| unavailable(&error))?;
            change.set(key::secret(id), secret::encode(&kept));
            change.set(key::record(id), webhook::encode(&webhook));
            let event = Event::new("webhook.create", &webhook.name)
                .id(id.0)
                .with("url", &webhook.url)
                .with("events", webhook.events.join(" "));
            noted(change, new.tenant, event);
            Ok(webhook)
        });
        Ok((made.await?, text))
    }

    /// The webhooks of a tenant, by identifier.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<WebhookRecord>, Error> {
        let found = self.directory.transact(async move |change| {
            let prefix = key::of(tenant);
            let mut found = Vec::new();
            for pair in change.get_range_all(RangeQuery::all(prefix.range())).await? {
                let id = WebhookId(last_number(&prefix, &pair)?);
                found.extend(read(change, id).await?);
            }
            Ok(found)
        });
        Ok(found.await?)
    }

    /// A webhook of a tenant.
    ///
    /// # Errors
    /// `NotFound`, also for those of others.
    pub async fn show(&self, tenant: TenantId, id: WebhookId) -> Result<WebhookRecord, Error> {
        let found = self
            .directory
            .transact(async move |change| need(change, tenant, id).await);
        Ok(found.await?)
    }

    /// Changes a webhook. One that is switched on again goes on with what changes from now on, and with the delivery that
    /// was pending.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn change(
        &self,
        tenant: TenantId,
        id: WebhookId,
        wanted: &WebhookChange,
    ) -> Result<WebhookRecord, Error> {
        self.check(wanted)?;
        let now = self.now();
        let latest = self.directory.feed(tenant, 0, 1).await?.latest;
        let wanted = wanted.clone();
        let changed = self.directory.transact(async move |change| {
            let before = need(change, tenant, id).await?;
            let mut after = before.clone();
            if let Some(name) = &wanted.name {
                name.trim().clone_into(&mut after.name);
            }
            if let Some(url) = &wanted.url {
                after.url.clone_from(url);
                after.next = now;
            }
            if let Some(events) = &wanted.events {
                after.events.clone_from(events);
                after.events.sort_unstable();
                after.events.dedup();
            }
            match wanted.on {
                Some(true) if before.state != WebhookState::On => {
                    after.state = WebhookState::On;
                    after.failing_since = None;
                    after.failures = 0;
                    after.next = now;
                    after.after = latest;
                }
                Some(false) => after.state = WebhookState::Off,
                _ => {}
            }
            if after != before {
                change.set(key::record(id), webhook::encode(&after));
                let event = Event::new("webhook.change", &before.name)
                    .id(id.0)
                    .changed("name", &before.name, &after.name)
                    .changed("url", &before.url, &after.url)
                    .changed("events", &before.events, &after.events)
                    .changed("state", &before.state.label(), &after.state.label());
                noted(change, tenant, event);
            }
            Ok(after)
        });
        Ok(changed.await?)
    }

    /// Removes a webhook with all it has posted.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete(&self, tenant: TenantId, id: WebhookId) -> Result<(), Error> {
        let deleted = self.directory.transact(async move |change| {
            let webhook = need(change, tenant, id).await?;
            change.clear(&key::record(id));
            change.clear(&key::secret(id));
            change.clear(&key::of(tenant).int(id.0).pack());
            change.clear_range(key::deliveries(id).range());
            change.clear_range(key::mail(id).range());
            noted(change, tenant, Event::new("webhook.delete", &webhook.name).id(id.0));
            Ok(())
        });
        Ok(deleted.await?)
    }

    /// Gives a webhook another secret: what is posted from now on is signed with it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn rotate(&self, tenant: TenantId, id: WebhookId) -> Result<(WebhookRecord, Secret), Error> {
        let text = self.new_secret();
        let kept = self
            .directory
            .sealer()
            .keep(&secret::place(id), text.reveal().as_bytes())?;
        let rotated = self.directory.transact(async move |change| {
            let webhook = need(change, tenant, id).await?;
            change.set(key::secret(id), secret::encode(&kept));
            noted(change, tenant, Event::new("webhook.rotate", &webhook.name).id(id.0));
            Ok(webhook)
        });
        Ok((rotated.await?, text))
    }

    /// What a webhook has posted before the delivery `before`, the latest first, at most `limit`.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn deliveries(
        &self,
        tenant: TenantId,
        id: WebhookId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>, Error> {
        let found = self.directory.transact(async move |change| {
            need(change, tenant, id).await?;
            let prefix = key::deliveries(id);
            let mut query = RangeQuery {
                limit: limit.max(1),
                reverse: true,
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(prefix.range())
            };
            if let Some(before) = before {
                query.range.end = prefix.clone().int(before).pack();
            }
            let mut found = Vec::new();
            for pair in change.get_range_all(query).await? {
                found.push(delivery::decode(last_number(&prefix, &pair)?, &pair.value)?);
            }
            Ok(found)
        });
        Ok(found.await?)
    }

    /// Posts a delivery that says nothing but that it is a test, at once and once.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn test(&self, tenant: TenantId, id: WebhookId) -> Result<DeliveryRecord, Error> {
        let organisation = self.directory.tenant(tenant).await?.name.clone();
        let (now, kept_max) = (self.now(), self.options.deliveries_kept_max);
        let made = self.directory.transact(async move |change| {
            let mut webhook = need(change, tenant, id).await?;
            webhook.last += 1;
            let delivery = DeliveryRecord {
                number: webhook.last,
                created: now,
                body: body(
                    &webhook,
                    &organisation,
                    webhook.last,
                    &[serde_json::json!({"event": "test"})],
                ),
                attempts: Vec::new(),
            };
            write_delivery(change, id, &delivery, kept_max);
            change.set(key::record(id), webhook::encode(&webhook));
            change.record(
                Chain::Tenant(tenant),
                Event::new("webhook.test", &webhook.name).id(id.0),
            );
            Ok(delivery)
        });
        let delivery = made.await?;
        self.post_once(tenant, id, delivery.number).await
    }

    /// Posts a delivery again, as it was, at once and once. Of the pending one this is one more attempt.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn redeliver(&self, tenant: TenantId, id: WebhookId, number: u64) -> Result<DeliveryRecord, Error> {
        let noted = self.directory.transact(async move |change| {
            let webhook = need(change, tenant, id).await?;
            need_delivery(change, id, number).await?;
            let event = Event::new("webhook.redeliver", &webhook.name)
                .id(id.0)
                .with("delivery", number);
            change.record(Chain::Tenant(tenant), event);
            Ok(())
        });
        noted.await?;
        self.post_once(tenant, id, number).await
    }

    async fn post_once(&self, tenant: TenantId, id: WebhookId, number: u64) -> Result<DeliveryRecord, Error> {
        let read = self.directory.transact(async move |change| {
            let webhook = need(change, tenant, id).await?;
            let delivery = need_delivery(change, id, number).await?;
            Ok((webhook, delivery, need_secret(change, id).await?))
        });
        let (webhook, delivery, kept) = read.await?;
        let secret = self.open_secret(id, &kept)?;
        let letter = letter(&webhook, &delivery, &secret, self.now());
        let attempt = post(&self.env, self.door.as_ref(), letter).await;
        let noted = self.directory.transact(async move |change| {
            let mut webhook = need(change, tenant, id).await?;
            let mut delivery = need_delivery(change, id, number).await?;
            delivery.tried(attempt.clone());
            change.set(key::deliveries(id).int(number).pack(), delivery::encode(&delivery));
            if attempt.is_taken() && webhook.pending == Some(number) {
                settle(&mut webhook, &attempt);
                change.set(key::record(id), webhook::encode(&webhook));
            }
            Ok(delivery)
        });
        Ok(noted.await?)
    }
}

/// As if the store were away: it passes when the key is there.
pub(crate) fn unavailable(error: &SealError) -> DirectoryError {
    DirectoryError::Storage(hongyan_kv::Error::Unavailable(error.to_string()))
}

/// The pending delivery was taken.
pub(crate) fn settle(webhook: &mut WebhookRecord, attempt: &Attempt) {
    webhook.pending = None;
    webhook.failing_since = None;
    webhook.failures = 0;
    webhook.next = Timestamp {
        millis: attempt.at_millis,
    };
}

/// Audit record, and a change for those who follow the tenant.
fn noted(change: &mut Change, tenant: TenantId, event: Event) {
    change.record(Chain::Tenant(tenant), event);
    change.tell(tenant, Subject::Tenant);
}

pub(crate) fn read_number(stored: &[u8]) -> Result<u64, DirectoryError> {
    let octets = stored.try_into();
    let octets = octets.map_err(|_| hongyan_kv::Error::Corrupt("number of a webhook".to_owned()))?;
    Ok(u64::from_le_bytes(octets))
}

pub(crate) fn last_number(prefix: &hongyan_kv::Tuple, pair: &KeyValue) -> Result<u64, DirectoryError> {
    let number = prefix.reader(&pair.key).ok().and_then(|mut reader| reader.int().ok());
    Ok(number.ok_or_else(|| hongyan_kv::Error::Corrupt("key of a webhook".to_owned()))?)
}

pub(crate) async fn read(
    transaction: &mut Transaction,
    id: WebhookId,
) -> Result<Option<WebhookRecord>, DirectoryError> {
    let stored = transaction.get(&key::record(id)).await?;
    Ok(stored.map(|stored| webhook::decode(id, &stored)).transpose()?)
}

fn missing(what: &'static str, name: impl ToString) -> DirectoryError {
    DirectoryError::NotFound {
        what,
        name: name.to_string(),
    }
}

async fn need(transaction: &mut Transaction, tenant: TenantId, id: WebhookId) -> Result<WebhookRecord, DirectoryError> {
    let found = read(transaction, id).await?.filter(|found| found.tenant == tenant);
    found.ok_or_else(|| missing("webhook", id))
}

pub(crate) async fn need_delivery(
    transaction: &mut Transaction,
    id: WebhookId,
    number: u64,
) -> Result<DeliveryRecord, DirectoryError> {
    let stored = transaction.get(&key::deliveries(id).int(number).pack()).await?;
    let stored = stored.ok_or_else(|| missing("delivery", number))?;
    Ok(delivery::decode(number, &stored)?)
}

pub(crate) async fn need_secret(transaction: &mut Transaction, id: WebhookId) -> Result<Kept, DirectoryError> {
    let stored = transaction.get_snapshot(&key::secret(id)).await?;
    let stored = stored.ok_or_else(|| missing("webhook", id))?;
    Ok(secret::decode(&stored)?)
}

/// Writes a delivery, and forgets the one that is too old.
pub(crate) fn write_delivery(change: &mut Change, id: WebhookId, delivery: &DeliveryRecord, kept_max: u64) {
    let prefix = key::deliveries(id);
    change.set(prefix.clone().int(delivery.number).pack(), delivery::encode(delivery));
    if let Some(old) = delivery.number.checked_sub(kept_max) {
        change.clear(&prefix.int(old).pack());
    }
}
