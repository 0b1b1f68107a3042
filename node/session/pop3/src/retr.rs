//! RETR and TOP (RFC 1939 §5, §7): a message from the blob store to the client, a piece at a time.
//!
//! A client that has not said UTF8 gets headers in ASCII (RFC 6856 §2.1, by RFC 6858); LIST keeps the size of the message
//! as it is, which RFC 6858 §4 allows.

use hongyan_blob::BlobReader;
use hongyan_mailbox::{Email, MailboxId, read_email};
use hongyan_message::surrogate::SurrogateWriter;
use hongyan_pop3::server::CommandId;
use hongyan_pop3::{MessageNumber, Reply, ResponseCode};

use crate::session::{Ended, Session};

impl Session {
    /// Sends message `number`, or its beginning: the machine cuts TOP by itself.
    pub(crate) async fn retrieve(&mut self, id: CommandId, number: MessageNumber, whole: bool) -> Result<(), Ended> {
        let (mut reader, email) = match self.open(number).await {
            Ok(opened) => opened,
            Err(reply) => {
                self.reply(id, reply);
                return Ok(());
            }
        };
        let octets = email.octets;
        let mut surrogate = (!self.takes_utf8()).then(|| SurrogateWriter::new(&email.structure));
        drop(email);
        self.reply(id, Reply::Begin(format!("{} octets", octets.0)));
        loop {
            match reader.next_chunk().await {
                Ok(Some(piece)) => {
                    let sent = match &mut surrogate {
                        Some(surrogate) => surrogate.push(&piece),
                        None => (&piece[..]).into(),
                    };
                    if !self.push(id, &sent).await? {
                        break;
                    }
                }
                Ok(None) => {
                    let rest = surrogate.take().map(SurrogateWriter::finish).unwrap_or_default();
                    self.push(id, &rest).await?;
                    break;
                }
                Err(error) => {
                    // Half a message must not look like a whole one: the connection ends inside it.
                    note_failure(&error, error.is_temporary(), self.mailbox(), "read");
                    return Err(Ended);
                }
            }
        }
        self.finish(id);
        if whole {
            self.metrics().retrieved.inc();
            self.metrics().retrieved_octets.inc_by(octets.0);
        }
        Ok(())
    }

    async fn open(&self, number: MessageNumber) -> Result<(BlobReader, Email), Reply> {
        let Some(maildrop) = self.maildrop() else {
            return Err(Reply::error("sign in first"));
        };
        let entry = maildrop.get(number)?;
        let parts = self.parts();
        let failed = |error: &(dyn std::error::Error + 'static), is_temporary: bool| {
            note_failure(error, is_temporary, Some(maildrop.mailbox), "opened");
            Reply::Err(Some(ResponseCode::SysTemp), "message cannot be read now".to_owned())
        };
        let email: Email = read_email(&parts.database, maildrop.mailbox, entry.email)
            .await
            .map_err(|error| failed(&error, error.is_temporary()))?
            // Another client has expunged it since this session began.
            .ok_or_else(|| Reply::error("message is gone"))?;
        let reader = parts
            .blobs
            .open_blob(maildrop.mailbox.tenant.0, &email.blob)
            .await
            .map_err(|error| failed(&error, error.is_temporary()))?;
        Ok((reader, email))
    }
}

/// A message cannot be `done` to its client: what passes by itself is no error.
fn note_failure(error: &(dyn std::error::Error + 'static), is_temporary: bool, mailbox: Option<MailboxId>, done: &str) {
    if is_temporary {
        tracing::warn!(error, ?mailbox, "message cannot be {done} for now");
    } else {
        tracing::error!(error, ?mailbox, "message cannot be {done}");
    }
}
