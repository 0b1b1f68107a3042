//! A mail of the log as it is shown: with what the trail knows of it by now.

use hongyan_mailbox::EmailId;
use hongyan_statistics::{MailEntry, MailKind, MailPlace, MailState};
use hongyan_trail::{Delivered, Progress, Recipient, Submissions};
use serde::Serialize;
use utoipa::ToSchema;

use super::Kind;
use crate::caller::Caller;
use crate::problem::Result;

/// A mail that was sent or got.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedMail {
    id: String,
    at_millis: i64,
    kind: Kind,
    /// Whose mail, by number.
    account_id: u64,
    /// Their address at that time.
    account: String,
    /// They are gone.
    deleted: bool,
    subject: String,
    /// Empty for reports of mail servers.
    sender: String,
    /// The first 50.
    recipients: Vec<LoggedRecipient>,
    recipients_total: u64,
    /// `delivered`, `handed-over` (to another host), `queued`, `deferred`, `refused`, `canceled`, or `partly`: not the same for all.
    state: &'static str,
    octets: u64,
    /// The mail in the mailbox, as JMAP names it; null when it never came there.
    email: Option<String>,
    /// The submission in the trail of the account, where there is one: by it, it can be recalled.
    submission: Option<String>,
    #[serde(skip)]
    number: Option<u64>,
}

/// A recipient of a mail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedRecipient {
    address: String,
    /// As that of the mail.
    state: &'static str,
    /// Why, where that is not plain.
    words: Option<String>,
}

impl LoggedMail {
    /// How it is taken back, where others took it over, so that there may be something to take back.
    pub(super) fn recall(&self) -> Option<String> {
        let number = self.number.filter(|_| !matches!(self.state, "canceled" | "refused"))?;
        Some(format!("POST /api/members/me/sent-mails/{number}/recall"))
    }
    pub(super) fn facts(&self) -> String {
        let mut facts = format!("{}\n{} -> ", self.subject, self.sender);
        for recipient in &self.recipients {
            let words = recipient.words.as_deref().unwrap_or_default();
            facts.push_str(&format!("\n  {}: {} {words}", recipient.address, recipient.state));
        }
        facts
    }
}

pub(super) fn token(place: MailPlace) -> String {
    format!("{:x}-{:x}", place.millis, place.random)
}

/// A mail of the log, as it stands now.
pub(super) async fn view(caller: &Caller, place: MailPlace, entry: MailEntry) -> Result<LoggedMail> {
    let deleted = caller.directory.account(entry.account).await?.is_none();
    let mut recipients: Vec<LoggedRecipient> = entry.recipients.iter().map(known_then).collect();
    if let (MailKind::Sent, Some(number)) = (entry.kind, entry.submission) {
        let submissions = Submissions::of(entry.tenant, entry.account);
        let mut transaction = caller.directory.database().begin();
        let submission = submissions.get(&mut transaction, number).await;
        let submission = submission.map_err(hongyan_directory::Error::from)?;
        let known = submissions.recipients(&mut transaction, number).await;
        let known = known.map_err(hongyan_directory::Error::from)?;
        if submission.is_some_and(|submission| submission.progress == Progress::Canceled) {
            for recipient in &mut recipients {
                recipient.state = "canceled";
            }
        } else {
            for recipient in &mut recipients {
                let same = |known: &&Recipient| known.address.eq_ignore_ascii_case(&recipient.address);
                if let Some(known) = known.iter().find(same) {
                    (recipient.state, recipient.words) = known_now(known);
                }
            }
        }
    }
    Ok(LoggedMail {
        id: token(place),
        at_millis: entry.at.millis,
        kind: Kind::of(entry.kind),
        account_id: entry.account.0,
        account: entry.owner,
        deleted,
        subject: entry.subject,
        sender: entry.sender,
        state: summary(&recipients),
        recipients,
        recipients_total: entry.recipients_total,
        octets: entry.octets,
        email: entry.email.map(|email| EmailId(email).to_string()),
        number: entry.submission,
        submission: entry.submission.map(|number| format!("S{number:012x}")),
    })
}

fn known_then(recipient: &hongyan_statistics::MailRecipient) -> LoggedRecipient {
    LoggedRecipient {
        address: recipient.address.clone(),
        state: recipient.state.label(),
        words: recipient.words.clone(),
    }
}

fn known_now(recipient: &Recipient) -> (&'static str, Option<String>) {
    let words = Some(recipient.reply.clone()).filter(|reply| !reply.is_empty());
    let state = match recipient.delivered {
        Delivered::Queued => MailState::Queued.label(),
        Delivered::Yes => MailState::Delivered.label(),
        Delivered::No => MailState::Refused.label(),
        Delivered::Unknown => "handed-over",
    };
    (state, words)
}

fn summary(recipients: &[LoggedRecipient]) -> &'static str {
    let mut states = recipients.iter().map(|recipient| recipient.state);
    let Some(first) = states.next() else {
        return MailState::Queued.label();
    };
    if states.all(|state| state == first) {
        first
    } else {
        "partly"
    }
}
