//! Reports and receipts that come back to a sender (RFC 3464, RFC 8098): what they say goes into the trail of the
//! submission that they are about (TRK-1, TRK-2).

use hongyan_mailbox::{EmailId, MailboxId, NewMessage};
use hongyan_message::{Content, Part, Receipt, TransferDecoder, header, message_id, receipt};
use hongyan_trail::{Delivered, Report, Submissions};

use crate::Delivery;

/// Octets looked at of what is told to programs, and of a header that comes back.
const PART_OCTETS_MAX: u64 = 64 * 1024;
/// Recipients looked at in one report.
const RECIPIENTS_MAX: usize = 1_000;

impl Delivery {
    /// Notes a report that a mailbox has taken as `email`. The mail is delivered, whatever becomes of the note.
    pub(crate) async fn note_report(&self, mailbox: MailboxId, message: &NewMessage, email: EmailId) {
        if !message.structure.root.media.is("multipart", "report") {
            return;
        }
        if let Err(error) = self.try_note(mailbox, message, email).await {
            tracing::warn!(event = "delivery_report_not_noted", error);
        }
    }

    async fn try_note(&self, mailbox: MailboxId, message: &NewMessage, email: EmailId) -> Result<(), String> {
        let Some((about, report)) = self.read_report(mailbox, message).await? else {
            return Ok(());
        };
        let submissions = Submissions::of(mailbox.tenant, mailbox.account);
        let noted = self.0.parts.database.run(async |transaction| {
            if let Some(number) = submissions.of_message(transaction, Some(&about)).await? {
                submissions.reported(transaction, number, email.0, &report).await?;
            }
            Ok::<_, hongyan_kv::Error>(())
        });
        noted.await.map_err(|error| error.to_string())
    }

    /// About which mail it is, by `Message-ID`, and what it says.
    async fn read_report(&self, mailbox: MailboxId, message: &NewMessage) -> Result<Option<(String, Report)>, String> {
        let structure = &message.structure;
        let parts = structure.root.children();
        let find = |kinds: [(&str, &str); 2]| {
            let is = |part: &&Part| kinds.iter().any(|(kind, subtype)| part.media.is(kind, subtype));
            parts.iter().find(is)
        };
        let receipt = find([
            ("message", "disposition-notification"),
            ("message", "global-disposition-notification"),
        ]);
        if let Some(part) = receipt {
            let receipt = Receipt::read(&self.part(mailbox, message, part).await?);
            return Ok(receipt.and_then(|receipt| {
                let displayed = receipt.disposition.kind == receipt::Kind::Displayed;
                let whom = receipt.original_recipient.or(receipt.final_recipient);
                let whom = whom.filter(|_| displayed).map(|whom| address(&whom));
                Some((receipt.original_message_id?, Report::Receipt(whom)))
            }));
        }
        let status = find([("message", "delivery-status"), ("message", "global-delivery-status")]);
        let Some(part) = status else { return Ok(None) };
        let outcomes = read_status(&self.part(mailbox, message, part).await?);
        let about = match self.mail_returned(mailbox, message).await? {
            Some(id) => Some(id),
            None => structure.envelope.in_reply_to.as_deref().and_then(message_id::first),
        };
        Ok(about.map(|about| (about, Report::Delivery(outcomes))))
    }

    /// The id of the mail that comes back, whole or its header.
    async fn mail_returned(&self, mailbox: MailboxId, message: &NewMessage) -> Result<Option<String>, String> {
        for part in message.structure.root.children() {
            if let Content::Message(inner) = &part.content {
                return Ok(inner.envelope.message_id.as_deref().and_then(message_id::first));
            }
            if part.media.is("text", "rfc822-headers") || part.media.is("message", "global-headers") {
                let text = self.part(mailbox, message, part).await?;
                return Ok(header::find(&text, "Message-ID").and_then(|field| message_id::first(&field.text())));
            }
        }
        Ok(None)
    }

    async fn part(&self, mailbox: MailboxId, message: &NewMessage, part: &Part) -> Result<Vec<u8>, String> {
        let address = message.blob.address();
        let opened = self.0.parts.blobs.open_blob(mailbox.tenant.0, &address).await;
        let mut reader = opened.map_err(|error| error.to_string())?;
        let octets = usize::try_from(part.body_octets.min(PART_OCTETS_MAX)).unwrap_or(0);
        let read = reader.read(part.body_offset(), octets).await;
        let raw = read.map_err(|error| error.to_string())?;
        let mut decoded = Vec::with_capacity(raw.len());
        let mut decoder = TransferDecoder::new(&part.encoding);
        decoder.push(&raw, &mut decoded);
        decoder.finish(&mut decoded);
        Ok(decoded)
    }
}

/// `rfc822; a@b.test` as the address.
fn address(text: &str) -> String {
    let address = text.split_once(';').map_or(text, |(_, address)| address);
    address.trim().trim_matches(['<', '>']).to_owned()
}

/// What a report says of each recipient (RFC 3464 §2.3): the first group of fields is about the message.
fn read_status(part: &[u8]) -> Vec<(String, Delivered, String)> {
    let text = String::from_utf8_lossy(part).replace("\r\n", "\n");
    let groups = text.split("\n\n").filter(|group| !group.trim().is_empty());
    groups
        .take(RECIPIENTS_MAX)
        .filter_map(|group| read_recipient(group.trim_start_matches('\n').as_bytes()))
        .collect()
}

fn read_recipient(group: &[u8]) -> Option<(String, Delivered, String)> {
    let field = |name| header::find(group, name).map(|field| field.text());
    let whom = field("Original-Recipient").or_else(|| field("Final-Recipient"))?;
    let delivered = match field("Action")?.trim().to_ascii_lowercase().as_str() {
        "failed" => Delivered::No,
        "delivered" => Delivered::Yes,
        "delayed" => Delivered::Queued,
        // Relayed and expanded: no more is known.
        _ => Delivered::Unknown,
    };
    let status = field("Status").unwrap_or_default();
    let said = field("Diagnostic-Code").map(|said| match said.split_once(';') {
        Some((_, said)) => said.trim().to_owned(),
        None => said,
    });
    let reply = match (said, delivered) {
        // A reply of a host begins with its code.
        (Some(said), _) if said.starts_with(['2', '4', '5']) => said,
        (said, delivered) => {
            let code = match delivered {
                Delivered::No => 550,
                Delivered::Queued => 450,
                Delivered::Yes | Delivered::Unknown => 250,
            };
            format!("{code} {status} {}", said.unwrap_or_default())
                .trim_end()
                .to_owned()
        }
    };
    Some((address(&whom), delivered, reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3464_what_a_report_says_of_each_recipient() {
        let part = b"Reporting-MTA: dns; mx.b.test\r\n\r\nFinal-Recipient: rfc822; x@b.test\r\nAction: failed\r\n\
            Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 nobody\r\n\r\nOriginal-Recipient: rfc822;y@b.test\r\n\
            Final-Recipient: rfc822; other@c.test\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\n";
        let told = read_status(part);
        assert_eq!(
            told[0],
            ("x@b.test".to_owned(), Delivered::No, "550 5.1.1 nobody".to_owned())
        );
        assert_eq!(told[1], ("y@b.test".to_owned(), Delivered::Yes, "250 2.0.0".to_owned()));
        assert_eq!(told.len(), 2);
        assert!(read_status(b"").is_empty());
    }
}
