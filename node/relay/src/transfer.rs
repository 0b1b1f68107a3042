//! One message over one connection.

use hongyan_blob::BlobReader;
use hongyan_queue::{Attempt, Entry, Outcome};
use hongyan_smtp::Reply;
use hongyan_smtp::client::{Event, SendError};

use crate::connection::{Connection, instant};
use crate::envelope::envelope;
use crate::runner::Shared;

/// What one transaction brought.
pub(crate) struct Transfer {
    /// One outcome for each recipient chosen.
    pub(crate) outcomes: Vec<(usize, Outcome)>,
    /// Whether the connection broke before the server answered anything: it was dead before, so nothing was tried.
    pub(crate) was_dead: bool,
    /// Whether it was broken off before the message was there whole, because it may be in another node's hands.
    pub(crate) was_lost: bool,
}

/// What is to be sent, to whom, and by what right.
pub(crate) struct Order<'a> {
    pub(crate) entry: &'a Entry,
    /// The recipients that it is for now.
    pub(crate) chosen: &'a [usize],
    /// As long as this is the node's standing, nobody else is at it.
    pub(crate) standing: u64,
}

impl<'a> Order<'a> {
    /// The same for some of the recipients.
    pub(crate) fn of<'b>(&self, chosen: &'b [usize]) -> Order<'b>
    where
        'a: 'b,
    {
        Order { chosen, ..*self }
    }
}

impl Transfer {
    /// The same outcome for all.
    fn unsent(chosen: &[usize], outcome: &Outcome) -> Self {
        Self {
            outcomes: chosen.iter().map(|index| (*index, outcome.clone())).collect(),
            was_dead: false,
            was_lost: false,
        }
    }
}

/// Sends the order's message to its recipients. Each of them has one outcome; whether the connection can be used again its
/// session knows.
pub(crate) async fn transfer(shared: &Shared, connection: &mut Connection, order: &Order<'_>) -> Transfer {
    let Order { entry, chosen, .. } = *order;
    let (env, blobs) = (&shared.env, &shared.blobs);
    let words = Words::of(connection);
    let reader = match blobs.open_blob(entry.tenant, &entry.blob_address()).await {
        Ok(reader) => reader,
        Err(error) => {
            return Transfer::unsent(
                chosen,
                &words.ours(error.is_temporary(), "3.0", "the message cannot be read"),
            );
        }
    };
    let Some(envelope) = envelope(entry, chosen) else {
        return Transfer::unsent(
            chosen,
            &words.ours(false, "1.3", "an address cannot be expressed in SMTP"),
        );
    };
    if let Err(error) = connection.session.send(instant(env), &envelope) {
        let (temporary, status) = match error {
            SendError::NeedsSmtpUtf8 => (false, "6.7"),
            SendError::NeedsBinary => (false, "6.1"),
            SendError::TooLarge => (false, "3.4"),
            SendError::Busy => (true, "3.0"),
        };
        return Transfer::unsent(chosen, &words.ours(temporary, status, &error.to_string()));
    }
    converse(shared, connection, &words, reader, order).await
}

async fn converse(
    shared: &Shared,
    connection: &mut Connection,
    words: &Words,
    reader: BlobReader,
    order: &Order<'_>,
) -> Transfer {
    let chosen = order.chosen;
    let mut was_lost = false;
    let mut answered = false;
    let mut outcomes: Vec<Option<Outcome>> = vec![None; chosen.len()];
    let mut reader = Some(reader);
    // What those get who were accepted when nothing more is said of them.
    let mut rest = words.ours(true, "4.2", "the server said nothing of the message");
    loop {
        let event = connection.event().await;
        // A server that closes for idleness may say so (421) in answer to MAIL.
        answered |= !matches!(&event, Event::Failed(_) | Event::Sender(Reply { code: 421, .. }));
        match event {
            Event::Sender(reply) if !reply.is_positive() => rest = words.theirs(&reply),
            Event::Sender(_) => {}
            Event::Recipient { index, reply } => {
                if let Some(outcome) = outcomes.get_mut(index).filter(|_| !reply.is_positive()) {
                    *outcome = Some(words.of_recipient(&reply));
                }
            }
            Event::SendMessage => {
                let Some(reader) = reader.take() else { continue };
                if let Err(stop) = send_message(shared, connection, words, reader, order.standing).await {
                    // The message is broken off in the middle, so the connection must not be used for anything else.
                    connection.session.closed();
                    was_lost = matches!(stop, Stop::Lost);
                    rest = match stop {
                        Stop::Lost => words.ours(true, "3.0", "this node was not sure that the message is its to send"),
                        Stop::Failed(outcome) => outcome,
                    };
                }
            }
            Event::MessageRefused(reply) => rest = words.theirs(&reply),
            Event::Outcome { reply, .. } => rest = words.theirs(&reply),
            Event::Failed(failure) => {
                if matches!(&rest, Outcome::Deferred(attempt) if attempt.code == 0) {
                    rest = words.ours(true, "4.2", &failure.to_string());
                }
                break;
            }
            Event::Done => break,
            _ => {}
        }
    }
    let outcomes = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or_else(|| rest.clone()));
    Transfer {
        outcomes: chosen.iter().copied().zip(outcomes).collect(),
        was_dead: !answered,
        was_lost,
    }
}

/// Why a message was broken off.
enum Stop {
    Lost,
    Failed(Outcome),
}

async fn send_message(
    shared: &Shared,
    connection: &mut Connection,
    words: &Words,
    mut reader: BlobReader,
    standing: u64,
) -> Result<(), Stop> {
    let env = &shared.env;
    let mut skip = true;
    loop {
        // No server knows a message again: one that another node may send by now must not be sent here too.
        if !shared.holds(standing) {
            return Err(Stop::Lost);
        }
        let chunk = match reader.next_chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => {
                let outcome = words.ours(error.is_temporary(), "3.0", "the message cannot be read");
                return Err(Stop::Failed(outcome));
            }
        };
        let bytes = if skip {
            &chunk[return_path_octets(&chunk)..]
        } else {
            &chunk[..]
        };
        skip = false;
        connection.session.data(instant(env), bytes);
        connection
            .flush()
            .await
            .map_err(|error| Stop::Failed(words.ours(true, "4.2", &error.to_string())))?;
    }
    connection.session.finish(instant(env));
    Ok(())
}

/// Length of the Return-Path field at the start of a message, with which we mark its arrival; the host that delivers it
/// finally writes its own (RFC 5321 §4.4).
fn return_path_octets(start: &[u8]) -> usize {
    const NAME: &[u8] = b"return-path:";
    if !start
        .get(..NAME.len())
        .is_some_and(|name| name.eq_ignore_ascii_case(NAME))
    {
        return 0;
    }
    let mut from = 0;
    while let Some(end) = start[from..].windows(2).position(|pair| pair == b"\r\n") {
        from += end + 2;
        if !matches!(start.get(from), Some(b' ' | b'\t')) {
            return from;
        }
    }
    0
}

/// Makes outcomes that name the host.
struct Words {
    host: String,
    peer: String,
    dsn: bool,
}

impl Words {
    fn of(connection: &Connection) -> Self {
        Self {
            host: connection.target.host.clone(),
            peer: connection.target.address.ip().to_string(),
            dsn: connection.session.extensions().dsn,
        }
    }
    /// What the server said.
    fn theirs(&self, reply: &Reply) -> Outcome {
        let class = reply.code / 100;
        let status = match &reply.enhanced {
            Some(enhanced) => format!("{}.{}.{}", enhanced.0, enhanced.1, enhanced.2),
            None => format!("{class}.0.0"),
        };
        let attempt = Attempt {
            host: self.host.clone(),
            peer: self.peer.clone(),
            code: reply.code,
            status,
            text: reply.text.to_string(),
            relayed_dsn: self.dsn,
        };
        match class {
            2 => Outcome::Delivered(attempt),
            5 => Outcome::Bounced(attempt),
            _ => Outcome::Deferred(attempt),
        }
    }
    /// What the server said of a recipient.
    fn of_recipient(&self, reply: &Reply) -> Outcome {
        match (reply.code, self.theirs(reply)) {
            // RFC 5321 §4.5.3.1.10: 552 to RCPT is how older servers say that there are too many for now.
            (552, Outcome::Bounced(attempt)) => Outcome::Deferred(attempt),
            (_, outcome) => outcome,
        }
    }
    /// What we have to say ourselves; `detail` is the status without its class.
    fn ours(&self, temporary: bool, detail: &str, text: &str) -> Outcome {
        let attempt = Attempt {
            host: self.host.clone(),
            peer: self.peer.clone(),
            status: format!("{}.{detail}", if temporary { 4 } else { 5 }),
            text: text.to_owned(),
            ..Attempt::default()
        };
        if temporary {
            Outcome::Deferred(attempt)
        } else {
            Outcome::Bounced(attempt)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::return_path_octets;

    #[test]
    fn return_path_is_found_at_the_start_only() {
        assert_eq!(return_path_octets(b"Return-Path: <a@b>\r\nSubject: x\r\n"), 20);
        assert_eq!(return_path_octets(b"return-path:\r\n <a@b>\r\nSubject: x\r\n"), 22);
        assert_eq!(return_path_octets(b"Subject: x\r\nReturn-Path: <a@b>\r\n"), 0);
        assert_eq!(return_path_octets(b"Return-Path: <a@b>"), 0);
        assert_eq!(return_path_octets(b""), 0);
    }
}
