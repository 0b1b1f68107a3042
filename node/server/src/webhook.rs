//! Webhooks, as the configuration asks for them, and delivery's word to them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_actor::Arbiters;
use hongyan_config::Config;
use hongyan_delivery::{MailNote, Mailboxes, Outcome, Way};
use hongyan_env::Env;
use hongyan_mailbox::{Acting, Deliver, DeliverReply, MailboxError, MailboxId};
use hongyan_queue::LocalFuture;
use hongyan_router::{AskError, Router};
use hongyan_statistics::{Counts, Kind, MailEntry, MailKind, MailRecipient, MailState};
use hongyan_types::{AccountId, AddressRanges};
use hongyan_webhook::{NewMail, Runner, WebDoor, WebhookOptions, Webhooks};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::assembly::Ground;

/// Webhooks of a node.
pub(crate) struct Started {
    pub(crate) webhooks: Webhooks,
    pub(crate) new_mail: NewMail,
}

/// The limits that are configured.
pub(crate) fn options(config: &Config) -> Result<WebhookOptions> {
    let section = &config.webhook;
    let (networks, _) = AddressRanges::read(&section.networks).context("setting webhook.networks")?;
    Ok(WebhookOptions {
        webhooks_per_tenant_max: section.webhooks_per_organisation_max,
        within: Duration::from_secs(section.answer_secs_max),
        off_after: Duration::from_secs(section.off_after_secs),
        networks,
        ..WebhookOptions::default()
    })
}

/// Posts for ever what is to be posted.
pub(crate) fn start(config: &Config, ground: &Ground, arbiters: &Arbiters, router: &Router) -> Result<Started> {
    let options = options(config)?;
    let roots = match config.webhook.roots.as_str() {
        "" => Vec::new(),
        path => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .with_context(|| format!("setting webhook.roots: read {path}"))?,
    };
    let door = WebDoor::new(ground.env.clone(), &options, roots).context("set up TLS for webhooks")?;
    let webhooks = Webhooks::new(ground.directory.clone(), Arc::new(door), options);
    let new_mail = NewMail::new(ground.database.clone());
    let runner = Runner {
        webhooks: webhooks.clone(),
        router: router.clone(),
        new_mail: new_mail.clone(),
    };
    arbiters.spawn(0, move || runner.run());
    Ok(Started { webhooks, new_mail })
}

/// The way to mailboxes that tells of new mail, and counts what comes and goes.
pub(crate) struct Telling {
    pub(crate) env: Env,
    pub(crate) router: Router,
    pub(crate) new_mail: NewMail,
    pub(crate) counts: Counts,
}

impl Mailboxes for Telling {
    fn deliver(
        &self,
        mailbox: MailboxId,
        request: Deliver,
        within: Duration,
    ) -> LocalFuture<'_, Result<Result<DeliverReply, MailboxError>, AskError>> {
        Mailboxes::deliver(&self.router, mailbox, request, within)
    }
    fn keep(
        &self,
        mailbox: MailboxId,
        request: Deliver,
        person: AccountId,
        within: Duration,
    ) -> LocalFuture<'_, Result<Result<DeliverReply, MailboxError>, AskError>> {
        let request = Acting::new(request, Some(person));
        Box::pin(async move { self.router.ask(&mailbox, request, within).await })
    }
    fn note(&self, note: MailNote) {
        let MailboxId { tenant, account } = note.mailbox;
        match note.way {
            Way::Sent { .. } => self.counts.count(tenant, account, Kind::Sent),
            Way::Came { .. } => {
                self.new_mail.came(tenant, account, self.env.wall_millis());
                self.counts.count(tenant, account, Kind::Received);
            }
            Way::TurnedAway => {}
        }
        self.counts.log_mail(entry(note));
    }
}

/// A mail as the log keeps it.
fn entry(note: MailNote) -> MailEntry {
    let (kind, submission, folder, email) = match note.way {
        Way::Sent { submission } => (MailKind::Sent, submission, None, None),
        Way::Came { folder, email } => (MailKind::Received, None, Some(folder.0), Some(email)),
        Way::TurnedAway => (MailKind::Received, None, None, None),
    };
    let recipient = |(address, outcome): (String, Outcome)| {
        let (state, words) = match outcome {
            Outcome::Delivered => (MailState::Delivered, None),
            Outcome::Queued => (MailState::Queued, None),
            Outcome::Deferred(refusal) => (MailState::Deferred, Some(refusal.text.into_owned())),
            Outcome::Refused(refusal) => (MailState::Refused, Some(refusal.text.into_owned())),
        };
        MailRecipient { address, state, words }
    };
    MailEntry {
        at: note.at,
        tenant: note.mailbox.tenant,
        account: note.mailbox.account,
        owner: note.owner,
        kind,
        subject: note.subject,
        sender: note.sender.as_ref().map(ToString::to_string).unwrap_or_default(),
        recipients: note.recipients.into_iter().map(recipient).collect(),
        recipients_total: u64::try_from(note.recipients_total).unwrap_or(u64::MAX),
        octets: note.octets,
        email,
        folder,
        submission,
    }
}
