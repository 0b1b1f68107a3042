//! Who is told what: failures and successes this node knows itself, and reports the relay asks for.

use bytes::Bytes;
use hongyan_directory::{Language, Recipient, Resolution, Via};
use hongyan_smtp::{Notify, Return};
use hongyan_types::{Address, TenantId, Timestamp};

use crate::report::{Action, Report, ReportRecipient, Returned, Status, build};
use crate::sink::Stored;
use crate::{Answer, Delivery, DeliveryEnvelope, DeliveryId, DeliveryRecipient, Outcome, SentCopy, Target};

/// Larger messages come back as their header only, whatever RET asks for.
const RETURNED_OCTETS_MAX: u64 = 256 << 10;

impl Delivery {
    /// Reports what this delivery itself settled: refusals the client was not told of, and deliveries it asked to be told of.
    pub(crate) async fn report_outcomes(
        &self,
        envelope: &DeliveryEnvelope,
        stored: &Stored,
        outcomes: &[Outcome],
        answer: Answer,
    ) {
        // RFC 5321 §6.1, RFC 3834 §2: nobody answers the null sender.
        let Some(sender) = &envelope.sender else {
            return;
        };
        let recipients: Vec<_> = envelope
            .recipients
            .iter()
            .zip(outcomes)
            .filter_map(|(recipient, outcome)| line(recipient, outcome, answer))
            .collect();
        if recipients.is_empty() {
            return;
        }
        let failed = recipients.iter().any(|recipient| recipient.action == Action::Failed);
        let whole = failed && envelope.ret == Some(Return::Full);
        let Some((tenant, returned)) = self.returned(stored, whole).await else {
            tracing::error!(event = "delivery_report_failed", id = %envelope.id, reason = "message not readable");
            return;
        };
        let parts = &self.0.parts;
        let report = Report {
            host_name: parts.settings.host_name.to_string(),
            to: sender.clone(),
            arrived: envelope.arrived,
            now: Timestamp {
                millis: parts.env.wall_millis(),
            },
            envelope_id: envelope.envid.clone(),
            recipients,
            returned,
            help_link: parts.settings.help_link.clone(),
            unique: parts.env.random_u64(),
        };
        self.send_report(&report, tenant).await;
    }

    /// Sends a report to the sender of a message; `tenant` is who keeps it while it travels. Whether it is safe.
    pub async fn send_report(&self, report: &Report, tenant: TenantId) -> bool {
        self.send_report_as(DeliveryId::random(&self.0.parts.env), report, tenant)
            .await
    }

    /// The same under a delivery id of the caller's, so that a repeat has no effect.
    pub(crate) async fn send_report_as(&self, id: DeliveryId, report: &Report, tenant: TenantId) -> bool {
        let Some(target) = self.reply_target(&report.to).await else {
            return true;
        };
        let language = self.report_language(&target, tenant).await;
        let recipients = vec![DeliveryRecipient {
            address: report.to.clone(),
            target,
            original: None,
            notify: Some(Notify::default()),
        }];
        let mut sink = self.sink(&recipients, Some(tenant));
        let message = [b"Return-Path: <>\r\n".as_slice(), &build(report, language)].concat();
        let envelope = DeliveryEnvelope {
            id,
            sender: None,
            tenant: Some(tenant),
            submitter: None,
            smtputf8: report.to.is_internationalized(),
            binary: false,
            ret: None,
            envid: None,
            arrived: report.now,
            recipients,
            sent_copy: SentCopy::AsSet,
            submission: None,
        };
        let pushed = sink.push(&message).await;
        let sent = match pushed {
            // Boxed, because a delivery may report and a report is delivered; it ends here, as nobody answers a report.
            Ok(()) => Box::pin(self.deliver(&envelope, sink, Answer::Whole)).await,
            Err(error) => Err(error),
        };
        let safe = matches!(&sent, Ok(outcomes) if outcomes.iter().all(Outcome::is_accepted));
        if !safe {
            tracing::warn!(event = "delivery_report_failed", id = %envelope.id, outcome = ?sent);
        }
        safe
    }

    /// The language of whom a report goes to; of people elsewhere nothing is known, and the tenant's own stands in.
    async fn report_language(&self, target: &Target, tenant: TenantId) -> Language {
        let directory = &self.0.parts.directory;
        let language = match target {
            Target::Account(recipient) => directory.language_of(&recipient.account).await,
            _ => directory.language_at(tenant).await,
        };
        language.unwrap_or_else(|error| {
            tracing::warn!(event = "delivery_report_language", %error);
            Language::default()
        })
    }

    /// Where a report goes; `None` when nobody can get it.
    pub(crate) async fn reply_target(&self, to: &Address) -> Option<Target> {
        match self.0.parts.directory.resolve(to).await {
            Ok(Resolution::Account(target)) => Some(Target::Account(target)),
            // A report is for whoever sent in the group's name, not for all its members.
            Ok(Resolution::Group(group)) => {
                let owner = group.owner.clone()?;
                Some(Target::Account(Recipient {
                    account: owner,
                    detail: None,
                    via: Via::Alias,
                }))
            }
            Ok(Resolution::NotLocal) => Some(Target::Remote),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(event = "delivery_report_failed", %error);
                None
            }
        }
    }

    /// What of the message comes back, and from whose keeping it was read.
    async fn returned(&self, stored: &Stored, whole: bool) -> Option<(TenantId, Returned)> {
        for (tenant, message) in stored.all() {
            let header = message.structure.root.header_octets;
            let whole = whole && message.octets().0 <= RETURNED_OCTETS_MAX;
            let octets = if whole {
                message.octets().0
            } else {
                header.min(RETURNED_OCTETS_MAX)
            };
            let address = message.blob.address();
            let Ok(mut reader) = self.0.parts.blobs.open_blob(tenant.0, &address).await else {
                continue;
            };
            let Ok(bytes) = reader.read(0, usize::try_from(octets).unwrap_or(0)).await else {
                continue;
            };
            let bytes: Bytes = bytes;
            return Some((
                *tenant,
                if whole {
                    Returned::Full(bytes)
                } else {
                    Returned::Header(bytes)
                },
            ));
        }
        None
    }
}

/// RFC 3461 §4.1: what this recipient's NOTIFY wants to be told of this outcome.
fn line(recipient: &DeliveryRecipient, outcome: &Outcome, answer: Answer) -> Option<ReportRecipient> {
    if matches!(recipient.target, Target::Returned) {
        // Reported when it went out.
        return None;
    }
    let wants = recipient.notify.unwrap_or(Notify {
        success: false,
        failure: true,
        delay: true,
    });
    let group = matches!(recipient.target, Target::Group(_));
    let (action, status, diagnostic) = match outcome {
        // RFC 3461 §5.2.7.2: who writes to a list hears that it was expanded, not of its members.
        Outcome::Delivered if wants.success && group => (Action::Expanded, Status(2, 0, 0), None),
        Outcome::Delivered if wants.success => (Action::Delivered, Status(2, 0, 0), None),
        Outcome::Refused(refusal) if wants.failure && answer == Answer::Whole => {
            let text = format!("{} {} {}", refusal.code(), refusal.status, refusal.text);
            (Action::Failed, refusal.status, Some(text))
        }
        _ => return None,
    };
    Some(ReportRecipient {
        address: recipient.address.to_string(),
        original: recipient.original.clone(),
        action,
        status,
        diagnostic,
        remote_host: None,
        last_attempt: None,
    })
}
