//! Whether a mail is answered, and the answer (RFC 3834): once a day to each sender, never to machines, lists or reports,
//! and only when the mail was written to the account itself.

use hongyan_directory::{AccountRecord, Language};
use hongyan_mailbox::NewMessage;
use hongyan_message::{AddressItem, Body, Builder, address, header, message_id, words};
use hongyan_types::{Address, Timestamp};

use super::Vacation;
use crate::plan::Stop;
use crate::trace::date;
use crate::{Answer, Delivery, DeliveryEnvelope, DeliveryId, DeliveryRecipient, Outcome, SentCopy};

/// More of a header is not looked at.
const HEADER_OCTETS_MAX: u64 = 64 << 10;

impl Delivery {
    /// Answers a mail that has just been delivered, if it is to be answered. What goes wrong is logged: nobody waits for it.
    pub(crate) async fn say_away(
        &self,
        vacation: &Vacation,
        envelope: &DeliveryEnvelope,
        stop: &Stop,
        message: &NewMessage,
    ) {
        let Some(sender) = envelope.sender.as_ref().filter(|sender| is_person(sender)) else {
            return;
        };
        let account = &stop.account;
        if account.owns(sender) {
            return;
        }
        let Some(header) = self.header_of(stop, message).await else {
            return;
        };
        if !is_for_answering(&header, account) {
            return;
        }
        match self.claim_answer(stop.mailbox, vacation.version, &sender.key()).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(event = "vacation_claim_failed", %error);
                return;
            }
        }
        let mail = self.answer(vacation, account, sender, &header).await;
        self.send_answer(account, sender, &mail).await;
    }

    async fn header_of(&self, stop: &Stop, message: &NewMessage) -> Option<Vec<u8>> {
        let blobs = &self.0.parts.blobs;
        let opened = blobs.open_blob(stop.mailbox.tenant.0, &message.blob.address()).await;
        let octets = message.structure.root.header_octets.min(HEADER_OCTETS_MAX);
        let read = match opened {
            Ok(mut reader) => reader.read(0, usize::try_from(octets).unwrap_or(0)).await,
            Err(error) => Err(error),
        };
        let read = read.inspect_err(|error| tracing::warn!(event = "vacation_read_failed", %error));
        read.ok().map(|header| header.to_vec())
    }

    async fn answer(&self, vacation: &Vacation, account: &AccountRecord, to: &Address, header: &[u8]) -> Vec<u8> {
        let parts = &self.0.parts;
        let language = parts.directory.language_of(account).await.unwrap_or_default();
        let text = |name: &str| header::find(header, name).map(|field| field.text());
        let subject = match &vacation.subject {
            Some(subject) => subject.clone(),
            None => {
                let subject = text("Subject").map(|subject| words::decode(&subject).into_owned());
                let words = match language {
                    Language::English => "Automatic reply: ",
                    Language::Chinese => "自动回复：",
                };
                format!("{words}{}", subject.unwrap_or_default())
            }
        };
        let name = Some(account.display_name.as_str()).filter(|name| !name.trim().is_empty());
        let now = Timestamp {
            millis: parts.env.wall_millis(),
        };
        let id = format!("{}@{}", DeliveryId::random(&parts.env), account.address.domain);
        let mut mail = Builder::new(body(vacation))
            .address_field("From", &[(name, &account.address)])
            .address_field("To", &[(None, to)])
            .text_field("Subject", &subject)
            .date(date(now))
            .message_id(&id)
            .raw_field("Auto-Submitted", "auto-replied")
            .raw_field("X-Auto-Response-Suppress", "All");
        // RFC 3834 §3.1.5: the answer belongs to the conversation.
        if let Some(answered) = text("Message-ID").and_then(|id| message_id::first(&id)) {
            let answered = format!("<{answered}>");
            let before = text("References").unwrap_or_default();
            let references: Vec<String> = message_id::list(&before).iter().map(|id| format!("<{id}>")).collect();
            let references = references.into_iter().chain([answered.clone()]).collect::<Vec<_>>();
            mail = mail
                .raw_field("In-Reply-To", &answered)
                .raw_field("References", &references.join(" "));
        }
        [b"Return-Path: <>\r\n".as_slice(), &mail.build()].concat()
    }

    async fn send_answer(&self, account: &AccountRecord, to: &Address, mail: &[u8]) {
        let parts = &self.0.parts;
        let Some(target) = self.reply_target(to).await else {
            return;
        };
        let recipients = vec![DeliveryRecipient {
            address: to.clone(),
            target,
            original: None,
            // RFC 3834 §3.3: nobody is told when an answer fails.
            notify: Some(hongyan_smtp::Notify {
                success: false,
                failure: false,
                delay: false,
            }),
        }];
        let mut sink = self.sink(&recipients, Some(account.tenant));
        let envelope = DeliveryEnvelope {
            id: DeliveryId::random(&parts.env),
            sender: None,
            tenant: Some(account.tenant),
            submitter: None,
            smtputf8: to.is_internationalized() || account.address.is_internationalized(),
            binary: false,
            ret: None,
            envid: None,
            arrived: Timestamp {
                millis: parts.env.wall_millis(),
            },
            recipients,
            sent_copy: SentCopy::AsSet,
            submission: None,
        };
        let sent = match sink.push(mail).await {
            // Boxed, because a delivery may be answered and an answer is delivered; it ends here, as nobody answers the
            // null sender.
            Ok(()) => Box::pin(self.deliver(&envelope, sink, Answer::Whole)).await,
            Err(error) => Err(error),
        };
        let is_safe = matches!(&sent, Ok(outcomes) if outcomes.iter().all(Outcome::is_accepted));
        tracing::info!(event = "vacation_answered", id = %envelope.id, account = account.id.0, sent = is_safe);
    }
}

fn body(vacation: &Vacation) -> Body {
    let text = vacation.text.as_deref().map(|text| Body::text("text/plain", text));
    let html = vacation.html.as_deref().map(|html| Body::text("text/html", html));
    match (text, html) {
        (Some(text), Some(html)) => Body::multipart("multipart/alternative", vec![text, html]),
        (Some(part), None) | (None, Some(part)) => part,
        (None, None) => Body::text("text/plain", ""),
    }
}

/// RFC 3834 §2, RFC 5230 §4.6: what such addresses send is sent by programs.
fn is_person(sender: &Address) -> bool {
    let local = sender.local.as_str().to_ascii_lowercase();
    let names = [
        "mailer-daemon",
        "listserv",
        "majordomo",
        "postmaster",
        "noreply",
        "no-reply",
        "donotreply",
        "do-not-reply",
    ];
    let ends = ["-request", "-owner", "-bounce", "-bounces", "-noreply", "-no-reply"];
    !names.contains(&local.as_str()) && !local.starts_with("owner-") && !ends.iter().any(|end| local.ends_with(end))
}

/// Whether a person wrote it to this account: not to a list, not by a program, not as a blind copy.
fn is_for_answering(header: &[u8], account: &AccountRecord) -> bool {
    let mut names_account = false;
    for field in header::fields(header) {
        let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
        let value = || field.text().trim().to_ascii_lowercase();
        let is_machine = match name.as_str() {
            // RFC 3834 §5: only `no` is a person.
            "auto-submitted" => value().split(';').next().map(str::trim) != Some("no"),
            "precedence" => ["bulk", "list", "junk"].contains(&value().as_str()),
            "x-auto-response-suppress" => value()
                .split(',')
                .any(|word| ["all", "oof", "autoreply"].contains(&word.trim())),
            name => name.starts_with("list-"),
        };
        if is_machine {
            return false;
        }
        if matches!(
            name.as_str(),
            "to" | "cc" | "bcc" | "resent-to" | "resent-cc" | "resent-bcc"
        ) {
            let items = address::parse_list(&header::unfold(field.value));
            let own = |item: &AddressItem| item.to_address().is_some_and(|address| account.owns(&address));
            names_account |= items.iter().any(own);
        }
    }
    names_account
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_not_answered() {
        let check = |sender: &str, expect: bool| {
            assert_eq!(is_person(&Address::try_from(sender).unwrap()), expect, "{sender}");
        };
        check("bob@b.test", true);
        check("owner.of.shop@b.test", true);
        check("MAILER-DAEMON@b.test", false);
        check("owner-list@b.test", false);
        check("list-request@b.test", false);
        check("No-Reply@b.test", false);
    }
}
