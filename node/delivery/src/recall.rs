//! A sender wants a mail back (TRK-5): what of it is in mailboxes of this system goes, under the rules for it, and each
//! recipient's result is told, to whoever waits and by a mail (TRK-6). Callers are JMAP and the admin API.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use hongyan_directory::{AccountRecord, Language, Resolution, Seat};
use hongyan_mailbox::{EmailId, MailboxError, MailboxId, MessageWriter, NewMessage, Recall, read_email};
use hongyan_message::{Body, Builder, words};
use hongyan_notice::{Notice, Text};
use hongyan_queue::QueueId;
use hongyan_trail::{Delivered, Progress, SUBJECT_CHARACTERS_MAX, Submission, SubmissionId, Submissions};
use hongyan_types::{Address, Timestamp};

use crate::plan::Stop;
use crate::trace::date;
use crate::{Delivery, DeliveryId};

/// What may be taken back, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct RecallRules {
    /// After it was sent, by a member with a standard seat.
    pub standard: Duration,
    /// By one with an advanced seat.
    pub advanced: Duration,
    /// Whether mail that was read goes too.
    pub takes_read: bool,
    /// Whether mail that was scheduled can be taken back (MODE-3).
    pub scheduled: bool,
}

/// What became of one recipient's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recalled {
    /// A notice stands in its place.
    Yes,
    /// Of a group: some of the copies.
    Partly,
    /// It was read.
    Read,
    /// It is no longer in the mailbox, or never was.
    Gone,
    /// It is with another system.
    Outside,
    /// The mailbox did not answer.
    Failed,
}

/// Why nothing is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecallError {
    /// There is no such submission.
    #[error("no such submission")]
    NoSuchSubmission,
    /// It has not left yet, or was taken back before it left.
    #[error("it has not left")]
    NotSent,
    /// MODE-3.
    #[error("mail that was scheduled cannot be recalled")]
    Scheduled,
    /// Too much time has passed.
    #[error("the time in which it could be recalled has passed")]
    TooLate,
    /// It was sent before recalls were kept track of.
    #[error("the mail cannot be found again")]
    Unknown,
    /// Storage or directory.
    #[error("try again later")]
    Unavailable,
}

impl Recalled {
    /// Its name for clients.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "recalled",
            Self::Partly => "partly",
            Self::Read => "read",
            Self::Gone => "gone",
            Self::Outside => "outside",
            Self::Failed => "failed",
        }
    }
}

/// A recall under way.
struct Recalling<'d> {
    delivery: &'d Delivery,
    /// Who sent the mail.
    sender: &'d AccountRecord,
    message_id: String,
    from: String,
    subject: String,
    takes_read: bool,
    waited: Waited,
}

impl Delivery {
    /// Takes back what is left of a submission of `sender`: each recipient's address and result. The trail shows it.
    ///
    /// # Errors
    /// When the rules do not allow it; nothing was taken back then.
    pub async fn recall(
        &self,
        sender: &AccountRecord,
        number: u64,
        rules: RecallRules,
    ) -> Result<Vec<(String, Recalled)>, RecallError> {
        let submissions = Submissions::of(sender.tenant, sender.id);
        let unavailable = |error: hongyan_kv::Error| {
            tracing::warn!(event = "recall_failed", %error);
            RecallError::Unavailable
        };
        let mut transaction = self.0.parts.database.begin();
        let submission = submissions.get(&mut transaction, number).await.map_err(unavailable)?;
        let submission = submission.ok_or(RecallError::NoSuchSubmission)?;
        self.check_recall(sender, &submission, rules)?;
        let recipients = submissions.recipients(&mut transaction, number).await;
        let recipients = recipients.map_err(unavailable)?;
        drop(transaction);
        let subject = self.subject_of(sender, &submission).await.map_err(unavailable)?;
        let (Some(message_id), Some(from)) = (submission.message_id, submission.from) else {
            return Err(RecallError::Unknown);
        };
        let mut waited = self.take_from_queue(sender, number).await;
        // Also what was taken out and not answered.
        let told = submissions.recipients(&mut self.0.parts.database.begin(), number).await;
        let told = told.map_err(unavailable)?;
        let told = told.iter().filter(|recipient| recipient.reply == RECALLED);
        waited
            .recalled
            .extend(told.map(|recipient| recipient.address.to_lowercase()));
        let recalling = Recalling {
            delivery: self,
            sender,
            message_id,
            from,
            subject,
            takes_read: rules.takes_read,
            waited,
        };
        let parallel = self.0.parts.settings.mailboxes_parallel_max.max(1);
        let results: Vec<(String, Recalled)> = futures_util::stream::iter(&recipients)
            .map(|recipient| async {
                // Whoever presses twice has one recall and one result.
                let result = match recipient.reply.as_str() {
                    RECALLED => Recalled::Yes,
                    _ => recalling.address(&recipient.address).await,
                };
                (recipient.address.clone(), result)
            })
            .buffered(parallel)
            .collect()
            .await;
        let before = |address: &str| {
            recipients
                .iter()
                .any(|known| known.address == address && known.reply == RECALLED)
        };
        let noted: Vec<_> = results
            .iter()
            .filter(|(address, result)| *result == Recalled::Yes && !before(address))
            .map(|(address, _)| (address.clone(), Delivered::No, RECALLED.to_owned()))
            .collect();
        if noted.is_empty() && recipients.iter().any(|known| known.reply == RECALLED) {
            return Ok(results);
        }
        let outcome = recalling.outcome(&results);
        let noted = self.0.parts.database.run(async |transaction| {
            submissions.note(transaction, number, &noted).await?;
            hongyan_notice::write(transaction, &outcome);
            Ok::<_, hongyan_kv::Error>(())
        });
        noted.await.map_err(unavailable)?;
        Ok(results)
    }

    /// Takes what has not left out of the queue, wherever it waits. A shard that does not answer keeps what it has.
    async fn take_from_queue(&self, sender: &AccountRecord, number: u64) -> Waited {
        let submission = SubmissionId {
            tenant: sender.tenant,
            account: sender.id,
            number,
        };
        let shards = QueueId::all().map(|shard| self.take_from_shard(shard, submission));
        let shards = futures_util::future::join_all(shards).await;
        let mut waited = Waited::default();
        for (recalled, leaving) in shards {
            waited.recalled.extend(recalled);
            waited.leaving.extend(leaving);
        }
        waited
    }
    async fn take_from_shard(&self, shard: QueueId, submission: SubmissionId) -> (Vec<String>, Vec<String>) {
        let (mut recalled, mut leaving) = (Vec::new(), Vec::new());
        let parts = &self.0.parts;
        let mut after = Some(0);
        while let Some(from) = after.take() {
            let request = hongyan_queue::Recall {
                submission,
                after: from,
                limit: ENTRIES_AT_ONCE,
            };
            let asked = parts.router.ask(&shard, request, parts.settings.mailbox_timeout).await;
            match asked {
                Ok(Ok(reply)) => {
                    recalled.extend(reply.recalled.iter().map(|address| address.to_lowercase()));
                    leaving.extend(reply.leaving.iter().map(|address| address.to_lowercase()));
                    after = reply.next;
                }
                Ok(Err(error)) => tracing::warn!(event = "recall_failed", shard = shard.shard, %error),
                Err(error) => tracing::warn!(event = "recall_failed", shard = shard.shard, %error),
            }
        }
        (recalled, leaving)
    }

    /// The subject of a mail that was sent; empty when nobody knows it any more.
    async fn subject_of(&self, sender: &AccountRecord, submission: &Submission) -> hongyan_kv::Result<String> {
        if let Some(subject) = &submission.subject {
            return Ok(subject.clone());
        }
        let mailbox = MailboxId {
            tenant: sender.tenant,
            account: sender.id,
        };
        let email = read_email(&self.0.parts.database, mailbox, EmailId(submission.email)).await?;
        let subject = email.and_then(|email| email.structure.envelope.subject);
        let subject = subject.unwrap_or_default();
        Ok(words::decode(&subject).chars().take(SUBJECT_CHARACTERS_MAX).collect())
    }

    fn check_recall(
        &self,
        sender: &AccountRecord,
        submission: &Submission,
        rules: RecallRules,
    ) -> Result<(), RecallError> {
        let now = self.0.parts.env.wall_millis();
        if submission.progress == Progress::Canceled || (submission.is_scheduled && now < submission.send_at_millis) {
            return Err(RecallError::NotSent);
        }
        if submission.is_scheduled && !rules.scheduled {
            return Err(RecallError::Scheduled);
        }
        let within = match sender.seat {
            Seat::Advanced => rules.advanced,
            Seat::Standard => rules.standard,
        };
        let within = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        if now.saturating_sub(submission.send_at_millis) > within {
            return Err(RecallError::TooLate);
        }
        Ok(())
    }
}

/// What the trail says of a recipient whose copy was taken back.
pub const RECALLED: &str = hongyan_queue::RECALLED;

/// Entries of the queue that are looked at in one go.
const ENTRIES_AT_ONCE: usize = 2_000;

/// What the queue still had of a mail, in lower case.
#[derive(Default)]
struct Waited {
    /// It will not leave.
    recalled: BTreeSet<String>,
    /// It is leaving at this moment.
    leaving: BTreeSet<String>,
}

impl Recalling<'_> {
    /// What the sender is told (TRK-6).
    fn outcome(&self, results: &[(String, Recalled)]) -> Notice {
        let lines = |words: fn(Recalled) -> &'static str| -> String {
            let line = |(address, result): &(String, Recalled)| format!("{address}: {}\n", words(*result));
            results.iter().map(line).collect()
        };
        let subject = &self.subject;
        let english = Text::new(
            &format!("Recall of your mail: {subject}"),
            &format!(
                "What became of the mail \"{subject}\" that you recalled:\n\n{}",
                lines(english)
            ),
        );
        let chinese = Text::new(
            &format!("撤回结果：{subject}"),
            &format!("您撤回的邮件“{subject}”的结果如下：\n\n{}", lines(chinese)),
        );
        let to = hongyan_notice::Recipient::Member(self.sender.id);
        Notice::new(&self.delivery.0.parts.env, to, "mail.recall", english, chinese)
    }

    async fn address(&self, address: &str) -> Recalled {
        if self.waited.recalled.contains(&address.to_lowercase()) {
            return Recalled::Yes;
        }
        let Ok(address) = Address::try_from(address) else {
            return Recalled::Failed;
        };
        match self.delivery.0.parts.directory.resolve(&address).await {
            Ok(Resolution::Account(target)) => self.mailbox(&target.account).await,
            Ok(Resolution::Group(group)) => {
                let parallel = self.delivery.0.parts.settings.mailboxes_parallel_max.max(1);
                let results = futures_util::stream::iter(&group.accounts).map(|account| self.mailbox(account));
                let mut results: Vec<Recalled> = results.buffered(parallel).collect().await;
                results.extend(group.remote.iter().map(|member| self.outside(member)));
                all_of(&results)
            }
            Ok(Resolution::NotLocal) => Recalled::Outside,
            Ok(_) => Recalled::Gone,
            Err(error) => {
                tracing::warn!(event = "delivery_directory_failed", %error);
                Recalled::Failed
            }
        }
    }

    /// A group's member elsewhere.
    fn outside(&self, member: &Address) -> Recalled {
        match self.waited.recalled.contains(&member.to_string().to_lowercase()) {
            true => Recalled::Yes,
            false => Recalled::Outside,
        }
    }

    async fn mailbox(&self, account: &Arc<AccountRecord>) -> Recalled {
        let address = account.address.to_string().to_lowercase();
        if self.waited.recalled.contains(&address) {
            return Recalled::Yes;
        }
        match self.delivered(account).await {
            // It may have come between the look into the queue and the one into the mailbox.
            Recalled::Gone if self.waited.leaving.contains(&address) => Recalled::Failed,
            result => result,
        }
    }

    async fn delivered(&self, account: &Arc<AccountRecord>) -> Recalled {
        let mailbox = Stop::of(account, 0).mailbox;
        let notice = match self.notice(account, mailbox).await {
            Ok(notice) => notice,
            Err(error) => {
                tracing::warn!(event = "recall_failed", error);
                return Recalled::Failed;
            }
        };
        let request = Recall {
            message_id: self.message_id.clone(),
            from: self.from.clone(),
            takes_read: self.takes_read,
            notice,
        };
        let parts = &self.delivery.0.parts;
        let within = parts.settings.mailbox_timeout;
        match parts.router.ask(&mailbox, request, within).await {
            Ok(Ok(reply)) if reply.was_read => Recalled::Read,
            Ok(Ok(_)) => Recalled::Yes,
            Ok(Err(MailboxError::NoSuchMessage)) => Recalled::Gone,
            Ok(Err(error)) => {
                tracing::warn!(event = "recall_failed", %error);
                Recalled::Failed
            }
            Err(_) => Recalled::Failed,
        }
    }

    /// What stands in the place of the mail, in its reader's language (TRK-6).
    async fn notice(&self, account: &Arc<AccountRecord>, mailbox: MailboxId) -> Result<NewMessage, String> {
        let parts = &self.delivery.0.parts;
        let language = parts.directory.language_of(account).await;
        let language = language.map_err(|error| error.to_string())?;
        let subject = &self.subject;
        let (title, text) = match language {
            Language::English => (
                format!("Recalled: {subject}"),
                format!("The sender has recalled the mail \"{subject}\"."),
            ),
            Language::Chinese => (format!("已撤回：{subject}"), format!("发件人已撤回邮件“{subject}”。")),
        };
        let now = Timestamp {
            millis: parts.env.wall_millis(),
        };
        let from = &self.sender.address;
        let id = format!("<{}>", self.message_id);
        let mail = Builder::new(Body::text("text/plain", &text))
            .address_field("From", &[(None, from)])
            .address_field("To", &[(None, &account.address)])
            .text_field("Subject", &title)
            .date(date(now))
            .message_id(&format!("{}@{}", DeliveryId::random(&parts.env), from.domain))
            .raw_field("Auto-Submitted", "auto-generated");
        let mail = match id.is_ascii() && id.len() < 250 {
            true => mail.raw_field("References", &id),
            false => mail,
        };
        let mut writer = MessageWriter::new(&parts.blobs, mailbox.tenant);
        writer.push(&mail.build()).await.map_err(|error| error.to_string())?;
        writer.finish().await.map_err(|error| error.to_string())
    }
}

fn english(result: Recalled) -> &'static str {
    match result {
        Recalled::Yes => "recalled",
        Recalled::Partly => "recalled for some of the group's members, others have read it",
        Recalled::Read => "not recalled: it was read",
        Recalled::Gone => "not recalled: it is not in the mailbox any more",
        Recalled::Outside => "not possible: the recipient is not on this system",
        Recalled::Failed => "not recalled: the mailbox did not answer",
    }
}

fn chinese(result: Recalled) -> &'static str {
    match result {
        Recalled::Yes => "已撤回",
        Recalled::Partly => "部分成员的邮件已撤回，其余成员已读",
        Recalled::Read => "未撤回：收件人已读",
        Recalled::Gone => "未撤回：邮件已不在收件人邮箱中",
        Recalled::Outside => "无法撤回：收件人不在本系统内",
        Recalled::Failed => "未撤回：收件人邮箱暂时没有响应",
    }
}

/// The results of a group's members as one.
fn all_of(results: &[Recalled]) -> Recalled {
    let recalled = results.iter().filter(|result| **result == Recalled::Yes).count();
    match recalled {
        0 => {
            let order = [Recalled::Failed, Recalled::Read, Recalled::Outside];
            let worst = order.into_iter().find(|result| results.contains(result));
            worst.unwrap_or(Recalled::Gone)
        }
        all if all == results.len() => Recalled::Yes,
        _ => Recalled::Partly,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trk_5_a_group_is_recalled_when_all_its_members_copies_are() {
        assert_eq!(all_of(&[Recalled::Yes, Recalled::Yes]), Recalled::Yes);
        assert_eq!(all_of(&[Recalled::Yes, Recalled::Read]), Recalled::Partly);
        assert_eq!(all_of(&[Recalled::Gone, Recalled::Read]), Recalled::Read);
        assert_eq!(all_of(&[]), Recalled::Gone);
    }
}
