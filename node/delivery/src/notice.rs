//! Sends what the system itself writes (GEN-4): each notice once, into mailboxes directly and marked there, so that nobody
//! outside can make a mail that looks the same (READ-14); by the queue to addresses elsewhere.

use std::sync::Arc;
use std::time::Duration;

use hongyan_directory::{AccountRecord, Language};
use hongyan_kv::Transaction;
use hongyan_mailbox::{Deliver, FolderRef, MessageWriter};
use hongyan_message::{Body, Builder, words};
use hongyan_notice::{Due, Notice, Recipient, Text};
use hongyan_smtp::Notify;
use hongyan_telemetry::{self as telemetry, CounterVec};
use hongyan_types::{AccountId, Address, Flag, Keyword, TenantId, Timestamp};

use crate::plan::Stop;
use crate::report::put;
use crate::trace::date;
use crate::{Answer, Delivery, DeliveryEnvelope, DeliveryId, DeliveryRecipient, Outcome, SentCopy};

/// The keyword of mail that the system itself wrote (READ-14).
pub const SYSTEM_KEYWORD: &str = "$HongyanSystem";
/// Notices sent in one go.
const AT_ONCE: usize = 100;
/// How long one is tried before it is given up.
const GIVEN_UP: Duration = Duration::from_secs(3 * 24 * 3600);

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Sent,
    /// Not now.
    Later,
    /// Nobody can get it.
    Never,
}

impl Fate {
    fn label(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Later => "deferred",
            Self::Never => "dropped",
        }
    }
}

/// Sends notices; one node of a cluster does, whichever `is_mine` says so for. For a moment there may be two: mailboxes and
/// queue know a repeat.
pub struct Notifier {
    delivery: Delivery,
    fates: CounterVec,
}

impl Notifier {
    /// Sends by `delivery`.
    #[must_use]
    pub fn new(delivery: Delivery) -> Self {
        let fates = telemetry::counter_vec(
            "hongyan_notices_total",
            "Mails of the system's own, by what became of them.",
            &["outcome"],
        );
        Self { delivery, fates }
    }

    /// Sends for ever what is due, looking every `period`: drop the future to stop.
    pub async fn run(self, period: Duration, is_mine: impl Fn() -> bool) {
        let env = self.delivery.0.parts.env.clone();
        loop {
            let more = is_mine()
                && match self.step().await {
                    Ok(sent) => sent == AT_ONCE,
                    Err(error) => {
                        tracing::warn!(event = "notices_not_read", %error);
                        false
                    }
                };
            if !more {
                env.sleep(period).await;
            }
        }
    }

    /// Sends what is due now; how many were looked at.
    ///
    /// # Errors
    /// The store's only.
    pub async fn step(&self) -> hongyan_kv::Result<usize> {
        let parts = &self.delivery.0.parts;
        let now = Timestamp {
            millis: parts.env.wall_millis(),
        };
        let due = hongyan_notice::due(&mut parts.database.begin(), now, AT_ONCE).await?;
        for due in &due {
            let mut fate = self.delivery.send_notice(&due.notice).await;
            if fate == Fate::Later && is_too_old(due, now) {
                fate = Fate::Never;
            }
            tracing::info!(event = "notice", kind = due.notice.kind, outcome = fate.label());
            self.fates.with_label_values(&[fate.label()]).inc();
            settle(&self.delivery, due, fate, now).await?;
        }
        Ok(due.len())
    }
}

fn is_too_old(due: &Due, now: Timestamp) -> bool {
    let age = now.millis.saturating_sub(due.notice.at.millis);
    age > i64::try_from(GIVEN_UP.as_millis()).unwrap_or(i64::MAX)
}

async fn settle(delivery: &Delivery, due: &Due, fate: Fate, now: Timestamp) -> hongyan_kv::Result<()> {
    let pause = i64::try_from(due.pause().as_millis()).unwrap_or(i64::MAX);
    let until = Timestamp {
        millis: now.millis.saturating_add(pause),
    };
    let body = async |transaction: &mut Transaction| {
        if fate == Fate::Later {
            return hongyan_notice::put_off(transaction, due, until).await;
        }
        hongyan_notice::done(transaction, due);
        Ok(())
    };
    delivery.0.parts.database.run(body).await
}

impl Delivery {
    async fn send_notice(&self, notice: &Notice) -> Fate {
        let sent = match &notice.to {
            Recipient::Member(account) => self.notify_member(notice, *account).await,
            Recipient::Administrators(tenant) => self.notify_administrators(notice, *tenant).await,
            Recipient::Outside { tenant, address, about } => {
                self.notify_outside(notice, *tenant, address, *about).await
            }
        };
        sent.unwrap_or_else(|error| {
            tracing::warn!(event = "notice_failed", kind = notice.kind, %error);
            Fate::Later
        })
    }

    async fn notify_member(&self, notice: &Notice, id: AccountId) -> Result<Fate, NoticeError> {
        match self.0.parts.directory.account(id).await? {
            Some(account) if account.state.takes_mail() => self.notify_mailbox(notice, &account).await,
            _ => Ok(Fate::Never),
        }
    }

    async fn notify_administrators(&self, notice: &Notice, tenant: TenantId) -> Result<Fate, NoticeError> {
        let mut fate = Fate::Never;
        for account in self.0.parts.directory.administrators(tenant).await? {
            if !account.state.takes_mail() {
                continue;
            }
            // Whoever has it already knows the repeat.
            match self.notify_mailbox(notice, &account).await? {
                Fate::Later => fate = Fate::Later,
                Fate::Sent if fate == Fate::Never => fate = Fate::Sent,
                Fate::Sent | Fate::Never => {}
            }
        }
        Ok(fate)
    }

    async fn notify_mailbox(&self, notice: &Notice, account: &Arc<AccountRecord>) -> Result<Fate, NoticeError> {
        let parts = &self.0.parts;
        let language = parts.directory.language_of(account).await?;
        let mail = compose(notice, language, self.host_name(), &account.address);
        let mut writer = MessageWriter::new(&parts.blobs, account.tenant);
        writer.push(&mail).await?;
        let mark = Keyword::try_from(SYSTEM_KEYWORD).map(Flag::Keyword);
        let request = Deliver {
            message: writer.finish().await?,
            folder: FolderRef::INBOX,
            flags: mark.into_iter().collect(),
            internal_date: Some(notice.at),
            delivery_id: Some(hongyan_mailbox::DeliveryId(notice.id.0)),
            ignore_quota: true,
        };
        let mailbox = Stop::of(account, 0).mailbox;
        let within = parts.settings.mailbox_timeout;
        Ok(match parts.mailboxes.deliver(mailbox, request, within).await {
            Ok(Ok(_)) => Fate::Sent,
            Ok(Err(error)) => {
                tracing::warn!(event = "notice_refused_by_mailbox", account = account.id.0, %error);
                Fate::Later
            }
            Err(error) => {
                tracing::info!(event = "notice_mailbox_away", account = account.id.0, %error);
                Fate::Later
            }
        })
    }

    async fn notify_outside(
        &self,
        notice: &Notice,
        tenant: TenantId,
        to: &Address,
        about: Option<AccountId>,
    ) -> Result<Fate, NoticeError> {
        let directory = &self.0.parts.directory;
        let about = match about {
            Some(account) => directory.account(account).await?,
            None => None,
        };
        let language = match about {
            Some(account) => directory.language_of(&account).await?,
            None => directory.language_at(tenant).await?,
        };
        let Some(target) = self.reply_target(to).await else {
            return Ok(Fate::Never);
        };
        let recipients = vec![DeliveryRecipient {
            address: to.clone(),
            target,
            original: None,
            // Nobody is told when a notice fails.
            notify: Some(Notify::default()),
        }];
        let mut sink = self.sink(&recipients, Some(tenant));
        let mail = compose(notice, language, self.host_name(), to);
        sink.push(&[b"Return-Path: <>\r\n".as_slice(), &mail].concat()).await?;
        let envelope = DeliveryEnvelope {
            id: DeliveryId(notice.id.0),
            sender: None,
            tenant: Some(tenant),
            submitter: None,
            smtputf8: to.is_internationalized(),
            binary: false,
            ret: None,
            envid: None,
            arrived: notice.at,
            recipients,
            sent_copy: SentCopy::AsSet,
            submission: None,
        };
        let outcomes = self.deliver(&envelope, sink, Answer::Whole).await?;
        Ok(match outcomes.as_slice() {
            [Outcome::Refused(refusal)] => {
                tracing::warn!(event = "notice_refused", kind = notice.kind, reason = %refusal.text);
                Fate::Never
            }
            [outcome] if outcome.is_accepted() => Fate::Sent,
            _ => Fate::Later,
        })
    }
}

/// Why a notice is not sent now.
#[derive(Debug, thiserror::Error)]
enum NoticeError {
    #[error(transparent)]
    Directory(#[from] hongyan_directory::Error),
    #[error(transparent)]
    Blob(#[from] hongyan_blob::BlobError),
    #[error(transparent)]
    Sink(#[from] crate::SinkError),
}

fn compose(notice: &Notice, language: Language, host: &str, to: &Address) -> Vec<u8> {
    let (Text { subject, body }, sender) = match language {
        Language::English => (&notice.english, "Mail system"),
        Language::Chinese => (&notice.chinese, "邮件系统"),
    };
    let id: String = notice.id.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut lines = String::with_capacity(body.len() + 64);
    for line in body.lines() {
        put(&mut lines, "", line);
    }
    let mail = Builder::new(Body::text("text/plain", &lines))
        .raw_field("From", &format!("{} <postmaster@{host}>", words::encode(sender)))
        .address_field("To", &[(None, to)])
        .text_field("Subject", subject)
        .date(date(notice.at))
        .message_id(&format!("{id}.notice@{host}"))
        .raw_field("Auto-Submitted", "auto-generated")
        .raw_field("Content-Language", language.tag())
        .raw_field("Hongyan-Notice", &notice.kind);
    mail.build()
}
