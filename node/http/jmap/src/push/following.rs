//! Follows the accounts that have places to push to, each on the node that has its mailbox: what is new is told once to
//! each place, and what one node did not come to, the next one tells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hongyan_actor::EntityKey;
use hongyan_jmap::object::StateChange;
use hongyan_mailbox::MailboxId;
use tokio::task::{AbortHandle, JoinSet};

use super::door::{Letter, PushError};
use super::listening::TYPES;
use super::subscription_record::{SubscriptionRecord, Subscriptions, followed, note_told};
use super::watching::{News, Told, Watching, states};
use crate::error::Outcome;
use crate::jmap::Jmap;
use crate::ledgers::Attempts;

/// How often it is looked which accounts are to be followed here.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// What comes within this time is told together.
const TOGETHER: Duration = Duration::from_secs(1);
/// After so many failures in a row nothing more is posted to a place.
const FAILURES_MAX: u32 = 5;

/// Goes on for as long as it is let.
pub(crate) async fn follow_all(jmap: Arc<Jmap>) {
    let mut following: BTreeMap<MailboxId, AbortHandle> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    loop {
        match followed(&jmap.services.database).await {
            Ok(all) => {
                let here: BTreeMap<MailboxId, Told> = all
                    .into_iter()
                    .filter(|(mailbox, _)| jmap.services.router.is_here(&mailbox.entity_id()))
                    .collect();
                following.retain(|mailbox, task| {
                    let stays = here.contains_key(mailbox) && !task.is_finished();
                    if !stays {
                        task.abort();
                    }
                    stays
                });
                for (mailbox, told) in here {
                    following
                        .entry(mailbox)
                        .or_insert_with(|| tasks.spawn(follow(Arc::clone(&jmap), mailbox, told)));
                }
            }
            Err(error) => tracing::warn!(event = "push_look_failed", %error),
        }
        while tasks.try_join_next().is_some() {}
        let woken = jmap.pushing.notified();
        jmap.services.env.timeout(LOOK_EVERY, woken).await;
    }
}

/// Ends when nothing is to be told any more, or when the mailbox cannot be asked.
async fn follow(jmap: Arc<Jmap>, mailbox: MailboxId, told: Told) {
    if let Err(failure) = try_follow(&jmap, mailbox, told).await {
        tracing::debug!(event = "push_follow_failed", account = mailbox.account.0, %failure);
    }
}

async fn try_follow(jmap: &Arc<Jmap>, mailbox: MailboxId, told: Told) -> Outcome<()> {
    let services = &jmap.services;
    let mut watching = Watching::begin(jmap, mailbox).await?;
    watching.goes_on_from(&told, None);
    if watching.told() != told {
        note_told(&services.database, mailbox, &watching.told()).await?;
    }
    loop {
        let news = watching.changed(true).await?;
        if !tell(jmap, mailbox, &news).await? {
            return Ok(());
        }
        note_told(&services.database, mailbox, &watching.told()).await?;
        services.env.sleep(TOGETHER).await;
    }
}

/// Tells all places of the account; whether there are any.
async fn tell(jmap: &Jmap, mailbox: MailboxId, news: &[News]) -> Outcome<bool> {
    let services = &jmap.services;
    let mut transaction = services.database.begin();
    let all = Subscriptions::of(mailbox)
        .all(&mut transaction, services.env.wall_millis())
        .await?;
    if all.is_empty() {
        return Ok(false);
    }
    let verified = all.into_iter().filter(|(_, subscription)| subscription.is_verified);
    let posts = verified.filter_map(|(number, subscription)| {
        let letter = letter(news, &subscription)?;
        Some(async move {
            let posted = services.push.post(letter).await;
            (number, posted)
        })
    });
    for (number, posted) in join_all(posts).await {
        note_posted(jmap, mailbox, number, posted).await?;
    }
    Ok(true)
}

fn letter(news: &[News], subscription: &SubscriptionRecord) -> Option<Letter> {
    let types: Vec<&'static str> = TYPES.into_iter().filter(|kind| subscription.wants(kind)).collect();
    let changed = states(news, &types);
    if changed.is_empty() {
        return None;
    }
    let change = StateChange {
        changed,
        push_state: None,
    };
    Some(Letter {
        url: subscription.url.clone(),
        keys: subscription.keys.clone(),
        body: serde_json::to_vec(&change).ok()?,
    })
}

async fn note_posted(jmap: &Jmap, mailbox: MailboxId, number: u64, posted: Result<(), PushError>) -> Outcome<()> {
    let subscriptions = Subscriptions::of(mailbox);
    let mut attempts = Attempts::default();
    loop {
        let mut transaction = jmap.services.database.begin();
        let now = jmap.services.env.wall_millis();
        let all = subscriptions.all(&mut transaction, now).await?;
        let Some((_, known)) = all.iter().find(|(other, _)| *other == number) else {
            return Ok(());
        };
        let failures = match &posted {
            Ok(()) if known.failures == 0 => return Ok(()),
            Ok(()) => 0,
            Err(PushError::Gone) => FAILURES_MAX,
            Err(PushError::Failed(error)) => {
                tracing::info!(event = "push_failed", account = mailbox.account.0, error);
                known.failures.saturating_add(1)
            }
        };
        if failures >= FAILURES_MAX {
            subscriptions.ledger.remove(&mut transaction, number).await?;
            if all.len() == 1 {
                subscriptions.let_go(&mut transaction);
            }
        } else {
            let changed = SubscriptionRecord {
                failures,
                ..known.clone()
            };
            subscriptions
                .ledger
                .put(&mut transaction, number, changed.encode())
                .await?;
        }
        if !attempts.again(transaction.commit().await)? {
            return Ok(());
        }
    }
}
