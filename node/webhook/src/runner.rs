//! Sees that what is to be posted is posted, on the node that has the webhook's partition: looks again and again, but where
//! nothing has changed and nothing is due, at the clock alone.
//!
//! Everything is read from the store at each look, so whatever a node leaves half-done another goes on with.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hongyan_actor::EntityKey;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, Error, Subject};
use hongyan_env::Env;
use hongyan_kv::{RangeQuery, ReadMode};
use hongyan_mailbox::{ListFolders, MailboxId};
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_router::Router;
use hongyan_telemetry::{CounterVec, counter_vec};
use hongyan_types::{AccountId, TenantId, Timestamp};
use serde_json::{Value, json};

use crate::event::{MAIL, body, of_feed};
use crate::post::{letter, post};
use crate::record::{delivery, webhook};
use crate::webhooks::{
    last_number, need_delivery, need_secret, read, read_number, settle, unavailable, write_delivery,
};
use crate::{Attempt, DeliveryRecord, NewMail, WebhookId, WebhookRecord, WebhookState, Webhooks, key};

/// Changes read for one delivery.
const ENTRIES_AT_ONCE: usize = 100;
/// Mailboxes told of in one delivery.
const MAILBOXES_AT_ONCE: usize = 100;
/// How long a mailbox may take to say how much is unread.
const MAILBOX_WITHIN: Duration = Duration::from_secs(2);

/// Posts for ever.
pub struct Runner {
    /// What there is to post, and by which door.
    pub webhooks: Webhooks,
    /// The way to mailboxes, and which webhooks are this node's.
    pub router: Router,
    /// Who wants to know of new mail.
    pub new_mail: NewMail,
}

/// What the last look at the store has shown.
#[derive(Default)]
struct Seen {
    /// The version of the directory that was known before it.
    version: u64,
    /// When it was, in microseconds.
    at_micros: u64,
    webhooks: Vec<WebhookRecord>,
}

/// Notes of new mail that go into a delivery: the account, and the note as it was.
type Notes = Vec<(AccountId, u64)>;

impl Runner {
    /// Looks until the end of the node: drop the future to stop.
    pub async fn run(self) {
        let posts = counter_vec(
            "hongyan_webhook_posts_total",
            "Deliveries posted to receivers of webhooks, by what became of them.",
            &["outcome"],
        );
        let busy = RefCell::new(BTreeSet::new());
        let served = Cell::new(false);
        let mut under_way = FuturesUnordered::new();
        let mut seen = None;
        loop {
            self.new_mail.write().await;
            if !self.needs_look(seen.as_ref()) && !served.replace(false) {
                self.pause(&mut under_way).await;
                continue;
            }
            let (version, at_micros) = (self.webhooks.directory.version(), self.webhooks.env.now_micros());
            match self.all().await {
                Ok(all) => {
                    self.new_mail.want(wanting(&all));
                    seen = Some(Seen {
                        version,
                        at_micros,
                        webhooks: all.clone(),
                    });
                    for webhook in all {
                        let id = webhook.id;
                        let has_room = under_way.len() < self.webhooks.options.posts_max;
                        if has_room && self.is_due(&webhook) && busy.borrow_mut().insert(id) {
                            let (this, busy, posts, served) = (&self, &busy, &posts, &served);
                            under_way.push(async move {
                                if this.serve(webhook, posts).await {
                                    served.set(true);
                                }
                                busy.borrow_mut().remove(&id);
                            });
                        } else if !has_room {
                            served.set(true);
                        }
                    }
                }
                Err(error) => {
                    seen = None;
                    tracing::debug!(event = "webhooks_not_read", %error);
                }
            }
            self.pause(&mut under_way).await;
        }
    }

    /// Goes on with what is under way until the next look.
    async fn pause(&self, under_way: &mut FuturesUnordered<impl Future<Output = ()>>) {
        let pause = self.webhooks.env.sleep(self.webhooks.options.look_period);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                biased;
                () = &mut pause => return,
                Some(()) = under_way.next() => {}
            }
        }
    }

    /// Whether the store may say anything that it did not say at the last look: the change feed has gone on, a delivery is
    /// due, or somebody wants to know of new mail, which is in no feed.
    fn needs_look(&self, seen: Option<&Seen>) -> bool {
        let Some(seen) = seen else { return true };
        let fallback = u64::try_from(self.webhooks.options.fallback_period.as_micros()).unwrap_or(u64::MAX);
        let is_old = self.webhooks.env.now_micros().saturating_sub(seen.at_micros) >= fallback;
        let is_due = |webhook: &WebhookRecord| {
            let waits = webhook.pending.is_some() || webhook.events.iter().any(|event| event == MAIL);
            waits && self.is_due(webhook)
        };
        is_old || self.webhooks.directory.version() != seen.version || seen.webhooks.iter().any(is_due)
    }

    fn is_due(&self, webhook: &WebhookRecord) -> bool {
        webhook.state == WebhookState::On
            && webhook.next <= self.webhooks.now()
            && self.router.is_here(&webhook.id.entity_id())
    }

    async fn all(&self) -> Result<Vec<WebhookRecord>, Error> {
        let found = self.webhooks.directory.transact(async |change| {
            let prefix = key::records();
            let query = RangeQuery {
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(prefix.range())
            };
            let mut found = Vec::new();
            for pair in change.get_range_all(query).await? {
                found.push(webhook::decode(WebhookId(last_number(&prefix, &pair)?), &pair.value)?);
            }
            Ok(found)
        });
        found.await
    }

    /// Writes the next delivery down if there is one, and posts what is pending.
    /// Whether there may be more to do for it.
    async fn serve(&self, webhook: WebhookRecord, posts: &CounterVec) -> bool {
        let id = webhook.id;
        match self.serve_once(webhook).await {
            Ok(None) => false,
            Ok(Some(is_taken)) => {
                let outcome = if is_taken { "taken" } else { "failed" };
                posts.with_label_values(&[outcome]).inc();
                true
            }
            // Someone has changed or removed it meanwhile, or the store is away: the next look sees.
            Err(error) => {
                tracing::debug!(event = "webhook_not_served", webhook = id.0, %error);
                true
            }
        }
    }

    /// Whether what was posted was taken; nothing when there is nothing to post.
    pub(crate) async fn serve_once(&self, webhook: WebhookRecord) -> Result<Option<bool>, Error> {
        let pending = match webhook.pending {
            Some(pending) => Some((webhook, pending)),
            None => self.write_next(&webhook).await?,
        };
        let Some((webhook, number)) = pending else {
            return Ok(None);
        };
        let id = webhook.id;
        let read = self.webhooks.directory.transact(async |change| {
            let delivery = need_delivery(change, id, number).await?;
            Ok((delivery, need_secret(change, id).await?))
        });
        let (delivery, kept) = read.await?;
        let secret = self.webhooks.open_secret(id, &kept);
        let secret = secret.map_err(|error| unavailable(&error))?;
        let letter = letter(&webhook, &delivery, &secret, self.webhooks.now());
        let attempt = post(&self.webhooks.env, self.webhooks.door.as_ref(), letter).await;
        self.note(&webhook, number, &attempt).await?;
        Ok(Some(attempt.is_taken()))
    }

    /// Writes down the next delivery: what changed, else new mail. The webhook as it is then, and the delivery's number.
    async fn write_next(&self, webhook: &WebhookRecord) -> Result<Option<(WebhookRecord, u64)>, Error> {
        let directory = &self.webhooks.directory;
        let page = directory.feed(webhook.tenant, webhook.after, ENTRIES_AT_ONCE).await?;
        let mut batch = of_feed(webhook, page);
        let mut notes = Notes::new();
        if batch.events.is_empty() && webhook.events.iter().any(|event| event == MAIL) {
            notes = self.notes(webhook.id).await?;
            batch.events = self.mail_events(webhook, &notes).await?;
        }
        if batch.events.is_empty() && batch.after == webhook.after && notes.is_empty() {
            return Ok(None);
        }
        let organisation = directory.tenant(webhook.tenant).await?.name.clone();
        let (now, kept_max) = (self.webhooks.now(), self.webhooks.options.deliveries_kept_max);
        directory
            .transact(async |change| {
                let Some(mut present) = unchanged(change, webhook).await? else {
                    return Ok(None);
                };
                present.after = batch.after;
                for (account, note) in &notes {
                    let key = key::mail(present.id).int(account.0).pack();
                    // What came since then is told next.
                    let same = change
                        .get(&key)
                        .await?
                        .is_some_and(|stored| read_number(&stored).ok() == Some(*note));
                    if same {
                        change.clear(&key);
                    }
                }
                let mut pending = None;
                if !batch.events.is_empty() {
                    present.last += 1;
                    present.pending = Some(present.last);
                    pending = present.pending;
                    let delivery = DeliveryRecord {
                        number: present.last,
                        created: now,
                        body: body(&present, &organisation, present.last, &batch.events),
                        attempts: Vec::new(),
                    };
                    write_delivery(change, present.id, &delivery, kept_max);
                }
                change.set(key::record(present.id), webhook::encode(&present));
                Ok(pending.map(|pending| (present, pending)))
            })
            .await
    }

    async fn notes(&self, id: WebhookId) -> Result<Notes, Error> {
        let found = self.webhooks.directory.transact(async |change| {
            let prefix = key::mail(id);
            let query = RangeQuery {
                limit: MAILBOXES_AT_ONCE,
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(prefix.range())
            };
            let mut notes = Notes::new();
            for pair in change.get_range_all(query).await? {
                notes.push((AccountId(last_number(&prefix, &pair)?), read_number(&pair.value)?));
            }
            Ok(notes)
        });
        found.await
    }

    async fn mail_events(&self, webhook: &WebhookRecord, notes: &Notes) -> Result<Vec<Value>, Error> {
        let mut events = Vec::new();
        for (account, at) in notes {
            let Some(record) = self.webhooks.directory.account(*account).await? else {
                continue;
            };
            events.push(json!({
                "event": MAIL,
                "member": account.0.to_string(),
                "address": record.address.to_string(),
                "at_millis": at,
                "unread": self.unread(webhook.tenant, *account).await,
            }));
        }
        Ok(events)
    }

    /// Unread mails of the inbox; nothing when the mailbox does not answer.
    async fn unread(&self, tenant: TenantId, account: AccountId) -> Option<u64> {
        let mailbox = MailboxId { tenant, account };
        let listed = self.router.ask(&mailbox, ListFolders, MAILBOX_WITHIN).await;
        let folders = listed.ok()?.ok()?.folders;
        let inbox = folders.iter().find(|folder| folder.path.is_inbox())?;
        Some(inbox.unseen)
    }

    /// Notes what became of a post: done, again later, or never again.
    async fn note(&self, webhook: &WebhookRecord, number: u64, attempt: &Attempt) -> Result<(), Error> {
        let options = &self.webhooks.options;
        let now = self.webhooks.now();
        let notice = switched_off(&self.webhooks.env, webhook);
        let noted = self.webhooks.directory.transact(async |change| {
            let mut delivery = need_delivery(change, webhook.id, number).await?;
            delivery.tried(attempt.clone());
            change.set(
                key::deliveries(webhook.id).int(number).pack(),
                delivery::encode(&delivery),
            );
            let Some(mut present) = unchanged(change, webhook).await? else {
                return Ok(());
            };
            if attempt.is_taken() {
                settle(&mut present, attempt);
            } else {
                let since = *present.failing_since.get_or_insert(Timestamp {
                    millis: attempt.at_millis,
                });
                present.next = Timestamp {
                    millis: now.millis.saturating_add(millis(pause(options, present.failures))),
                };
                present.failures += 1;
                if now.millis.saturating_sub(since.millis) >= millis(options.off_after) {
                    present.state = WebhookState::Failed;
                    let event = Event::new("webhook.off", &present.name).id(present.id.0).changed(
                        "state",
                        &WebhookState::On.label(),
                        &present.state.label(),
                    );
                    change.record(Chain::Tenant(present.tenant), event);
                    change.tell(present.tenant, Subject::Tenant);
                    hongyan_notice::write(change, &notice);
                }
            }
            change.set(key::record(present.id), webhook::encode(&present));
            Ok(())
        });
        noted.await
    }
}

/// What administrators are told of a receiver that took nothing for too long.
fn switched_off(env: &Env, webhook: &WebhookRecord) -> Notice {
    let WebhookRecord { name, url, .. } = webhook;
    let english = Text::new(
        &format!("Webhook \"{name}\" was switched off"),
        &format!(
            "The program at {url} has taken nothing for a day. Nothing more is posted to it.\n\nWhat it answered is in the log of \
             its deliveries. When it works again, switch the webhook on: it goes on with the delivery that was not taken, and \
             with what changes from then on.\n"
        ),
    );
    let chinese = Text::new(
        &format!("网络回调“{name}”已停用"),
        &format!(
            "位于 {url} 的程序一天内没有接收任何内容，系统不再向其发送。\n\n它的应答见投递记录。恢复正常后请重新启用：系统会继续发送未被接收的那一次投递，\
             以及此后的变化。\n"
        ),
    );
    let to = Recipient::Administrators(webhook.tenant);
    Notice::new(env, to, "webhook.off", english, chinese)
}

/// The webhook, if nobody has changed what a delivery depends on since it was read.
async fn unchanged(change: &mut Change, before: &WebhookRecord) -> Result<Option<WebhookRecord>, Error> {
    let same = |present: &WebhookRecord| {
        let of = |webhook: &WebhookRecord| (webhook.state, webhook.after, webhook.pending);
        of(present) == of(before)
    };
    Ok(read(change, before.id).await?.filter(same))
}

/// The pause after so many failures: each twice as long as the one before.
fn pause(options: &crate::WebhookOptions, failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX);
    options
        .retry_pause_min
        .saturating_mul(factor)
        .min(options.retry_pause_max)
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn wanting(all: &[WebhookRecord]) -> BTreeMap<TenantId, Vec<WebhookId>> {
    let mut wanting: BTreeMap<TenantId, Vec<WebhookId>> = BTreeMap::new();
    let wants = |webhook: &&WebhookRecord| {
        webhook.state == WebhookState::On && webhook.events.iter().any(|event| event == MAIL)
    };
    for webhook in all.iter().filter(wants) {
        wanting.entry(webhook.tenant).or_default().push(webhook.id);
    }
    wanting
}

#[cfg(test)]
#[path = "runner_test.rs"]
mod tests;
