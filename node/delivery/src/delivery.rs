//! Delivers: mailboxes first, the queue for what has to wait or to leave, reports for what failed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use hongyan_blob::BlobStore;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_mailbox::MailboxId;
use hongyan_router::Router;
use hongyan_telemetry::{self as telemetry, CounterVec};
use hongyan_types::{Domain, TenantId};
use parking_lot::Mutex;

use crate::plan::{Plan, Share};
use crate::report::Status;
use crate::sink::Stored;
use crate::trail::Ended;
use crate::vacation::Away;
use crate::{Answer, DeliveryEnvelope, DeliveryRecipient, Mailboxes, MessageSink, Outcome, Refusal, SinkError};

/// What the operator sets for delivery.
#[derive(Debug, Clone)]
pub struct DeliverySettings {
    /// Our name in reports.
    pub host_name: Domain,
    /// Where a report tells people to read on (RS-13).
    pub help_link: Option<String>,
    /// How long a mailbox may take to commit.
    pub mailbox_timeout: Duration,
    /// Mailboxes of one message worked on at a time.
    pub mailboxes_parallel_max: usize,
    /// How long mail for a full mailbox is put off before it is refused.
    pub full_grace: Duration,
}

impl DeliverySettings {
    /// Defaults on this host.
    #[must_use]
    pub fn new(host_name: Domain) -> Self {
        Self {
            host_name,
            help_link: None,
            mailbox_timeout: Duration::from_secs(30),
            mailboxes_parallel_max: 64,
            full_grace: Duration::from_secs(3 * 24 * 3600),
        }
    }
}

/// What delivery works with.
#[derive(Clone)]
pub struct DeliveryParts {
    /// Clock and randomness.
    pub env: Env,
    /// The way to mailboxes.
    pub mailboxes: Arc<dyn Mailboxes>,
    /// The way to queues.
    pub router: Router,
    /// Who has which address.
    pub directory: Directory,
    /// Where mailboxes that are full are noted.
    pub database: Database,
    /// Where messages are kept.
    pub blobs: BlobStore,
    /// Settings.
    pub settings: DeliverySettings,
}

/// Delivery; clones share it.
#[derive(Clone)]
pub struct Delivery(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) parts: DeliveryParts,
    /// Mailboxes that this node has noted as full.
    pub(crate) full: Mutex<HashSet<MailboxId>>,
    /// What marks of groups are made with; read at the first use.
    pub(crate) mark_key: tokio::sync::OnceCell<[u8; 32]>,
    pub(crate) away: Away,
    outcomes: CounterVec,
}

impl Delivery {
    /// Delivery with these parts.
    #[must_use]
    pub fn new(parts: DeliveryParts) -> Self {
        Self(Arc::new(Inner {
            parts,
            full: Mutex::default(),
            mark_key: tokio::sync::OnceCell::new(),
            away: Away::default(),
            outcomes: telemetry::counter_vec(
                "hongyan_delivery_recipients_total",
                "Recipients of messages, by what became of them.",
                &["outcome"],
            ),
        }))
    }

    /// This host's name.
    #[must_use]
    pub fn host_name(&self) -> &str {
        self.0.parts.settings.host_name.as_str()
    }

    /// Begins to take a message for these recipients in; `submitter` is the tenant of the account that sends it.
    #[must_use]
    pub fn sink(&self, recipients: &[DeliveryRecipient], submitter: Option<TenantId>) -> MessageSink {
        MessageSink::new(&self.0.parts.blobs, recipients, submitter)
    }

    /// Delivers; one outcome for each recipient, in order. With [`Answer::Whole`], when some recipients were served, those
    /// that could not be served now are in the queue and the sender has a report about those that never can: what is
    /// still [`Outcome::Deferred`] then means that the client has to send again.
    ///
    /// # Errors
    /// When the message cannot be stored; nothing was delivered then.
    pub async fn deliver(
        &self,
        envelope: &DeliveryEnvelope,
        sink: MessageSink,
        answer: Answer,
    ) -> Result<Vec<Outcome>, SinkError> {
        let stored = sink.finish().await?;
        let envelope = self.begin_trail(envelope, &stored, None).await;
        let plan = Plan::new(&envelope);
        Ok(self.deliver_stored(&envelope, plan, &stored, answer).await)
    }

    /// The same for a message that is stored already.
    pub(crate) async fn deliver_stored(
        &self,
        envelope: &DeliveryEnvelope,
        plan: Plan,
        stored: &Stored,
        answer: Answer,
    ) -> Vec<Outcome> {
        let mut stops = self.visit(envelope, &plan, stored, answer).await;
        let leaving = self.send_away(envelope, &plan, stored).await;
        let accepted = stops.iter().chain(&leaving).any(Outcome::is_accepted);
        if accepted {
            self.take_over(envelope, &plan, stored, &mut stops, answer).await;
        }
        let outcomes = plan
            .shares
            .iter()
            .map(|share| outcome_of(share, &stops, leaving.as_ref()));
        let outcomes: Vec<Outcome> = outcomes.collect();
        for outcome in &outcomes {
            self.0.outcomes.with_label_values(&[outcome.label()]).inc();
        }
        let mut kept = None;
        if accepted {
            self.report_outcomes(envelope, stored, &outcomes, answer).await;
            kept = self.keep_sent(envelope, stored).await;
            self.note_sent(envelope, stored, &outcomes);
        }
        let ended = Ended {
            kept,
            outcomes: &outcomes,
            entries: &[],
        };
        self.end_trail(envelope, ended).await;
        outcomes
    }

    /// Delivers to every mailbox of the plan.
    async fn visit(&self, envelope: &DeliveryEnvelope, plan: &Plan, stored: &Stored, answer: Answer) -> Vec<Outcome> {
        // One recipient is the rule; it needs no machinery.
        if let [stop] = plan.stops.as_slice() {
            return vec![self.deliver_to(envelope, stop, stored, answer).await];
        }
        let visits = plan
            .stops
            .iter()
            .map(|stop| self.deliver_to(envelope, stop, stored, answer));
        futures_util::stream::iter(visits)
            .buffered(self.0.parts.settings.mailboxes_parallel_max.max(1))
            .collect()
            .await
    }
}

/// What the mailboxes and the queue said, as one recipient's fate. Whatever is still put off has to come again, or a
/// member would go without; of refusals in a group the sender learns only when nobody was reached.
fn outcome_of(share: &Share, stops: &[Outcome], leaving: Option<&Outcome>) -> Outcome {
    if let Some(refusal) = &share.refused {
        return Outcome::Refused(refusal.clone());
    }
    let here = share.stops.iter().filter_map(|stop| stops.get(*stop));
    let away = leaving.filter(|_| share.leaves);
    if share.returned {
        return Outcome::Delivered;
    }
    let decisive = here.chain(away).min_by_key(|outcome| match outcome {
        Outcome::Deferred(_) => 0,
        Outcome::Delivered => 1,
        Outcome::Queued => 2,
        Outcome::Refused(_) => 3,
    });
    decisive.cloned().unwrap_or(Outcome::Refused(EMPTY_GROUP))
}

const EMPTY_GROUP: Refusal = Refusal::new(Status(5, 2, 4), "The list has no members");
