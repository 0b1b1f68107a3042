//! Webhooks, as the configuration asks for them, and delivery's word to them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_actor::Arbiters;
use hongyan_config::Config;
use hongyan_delivery::Mailboxes;
use hongyan_env::Env;
use hongyan_mailbox::{Acting, Deliver, DeliverReply, MailboxError, MailboxId};
use hongyan_queue::LocalFuture;
use hongyan_router::{AskError, Router};
use hongyan_statistics::{Counts, Kind};
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

impl Telling {
    /// A mailbox has taken a mail, or not.
    fn took(&self, mailbox: MailboxId, answer: &Result<DeliverReply, MailboxError>) {
        if answer.as_ref().is_ok_and(|reply| !reply.is_repeat) {
            let now = self.env.wall_millis();
            self.new_mail.came(mailbox.tenant, mailbox.account, now);
            self.counts.count(mailbox.tenant, mailbox.account, Kind::Received);
        }
    }
}

impl Mailboxes for Telling {
    fn deliver(
        &self,
        mailbox: MailboxId,
        request: Deliver,
        within: Duration,
    ) -> LocalFuture<'_, Result<Result<DeliverReply, MailboxError>, AskError>> {
        Box::pin(async move {
            let answer = self.router.ask(&mailbox, request, within).await?;
            self.took(mailbox, &answer);
            Ok(answer)
        })
    }
    fn keep(
        &self,
        mailbox: MailboxId,
        request: Deliver,
        person: AccountId,
        within: Duration,
    ) -> LocalFuture<'_, Result<Result<DeliverReply, MailboxError>, AskError>> {
        Box::pin(async move {
            let request = Acting::new(request, Some(person));
            let answer = self.router.ask(&mailbox, request, within).await?;
            self.took(mailbox, &answer);
            Ok(answer)
        })
    }
    fn sent(&self, mailbox: MailboxId) {
        self.counts.count(mailbox.tenant, mailbox.account, Kind::Sent);
    }
}
