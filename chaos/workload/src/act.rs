//! One change that a client makes in a folder: the commands, what it means, and what their answer says of it.

use hongyan_invariant::{FolderName, MailId, MessageRef, Operation, Outcome, Place, Reply};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::answer::Answer;
use crate::{content, numbers, set_of};

/// Flags that clients set and take away.
const FLAGS: [&str; 3] = ["\\Seen", "\\Flagged", "$todo"];
/// Messages named in one command.
const MESSAGES_MAX: usize = 4;

/// A change.
#[derive(Debug)]
pub struct Act {
    /// What it means, for the history.
    pub operation: Operation,
    /// A command that has to be done before.
    pub first: Option<String>,
    /// The command that does it.
    pub command: String,
}

impl Act {
    /// Adds a mail to a folder.
    #[must_use]
    pub fn append(mail: MailId, place: &Place) -> Self {
        let text = content::text(mail, "me@sim.test", &place.mailbox.0);
        Self {
            command: format!("APPEND {} {{{}+}}\r\n{text}", place.folder.0, text.len()),
            first: None,
            operation: Operation::Append {
                mail,
                place: place.clone(),
            },
        }
    }
    /// Sets or takes away some flag of the messages.
    pub fn flag(place: &Place, messages: Vec<MessageRef>, random: &mut StdRng) -> Self {
        let flag = (*FLAGS.choose(random).unwrap_or(&"\\Seen")).to_owned();
        let set = random.random_bool(0.6);
        let sign = if set { '+' } else { '-' };
        Self {
            command: format!("UID STORE {} {sign}FLAGS ({flag})", set_of(&messages)),
            first: None,
            operation: Operation::Flag {
                place: place.clone(),
                messages,
                flag,
                set,
            },
        }
    }
    /// Copies the messages.
    #[must_use]
    pub fn copy(place: &Place, messages: Vec<MessageRef>, to: FolderName) -> Self {
        let place = place.clone();
        Self {
            command: format!("UID COPY {} {}", set_of(&messages), to.0),
            first: None,
            operation: Operation::Copy { place, messages, to },
        }
    }
    /// Moves the messages.
    #[must_use]
    pub fn relocate(place: &Place, messages: Vec<MessageRef>, to: FolderName) -> Self {
        let place = place.clone();
        Self {
            command: format!("UID MOVE {} {}", set_of(&messages), to.0),
            first: None,
            operation: Operation::Move { place, messages, to },
        }
    }
    /// Removes the messages for good.
    #[must_use]
    pub fn expunge(place: &Place, messages: Vec<MessageRef>) -> Self {
        let set = set_of(&messages);
        Self {
            command: format!("UID EXPUNGE {set}"),
            first: Some(format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)")),
            operation: Operation::Expunge {
                place: place.clone(),
                messages,
            },
        }
    }
    /// What the answer to its command says.
    #[must_use]
    pub fn outcome(operation: &Operation, answer: &Answer) -> Outcome {
        if answer.is_ok() {
            let placed = match operation {
                Operation::Append { mail, .. } => appended(answer, *mail),
                // Messages that were gone already are not among those copied.
                Operation::Copy { messages, .. } | Operation::Move { messages, .. } => placed(answer, messages),
                _ => None,
            };
            Outcome::Done(placed.unwrap_or(Reply::Plain))
        } else if answer.is_for_now() {
            Outcome::Unknown
        } else {
            Outcome::Refused
        }
    }
}

/// Some of the messages, in order.
pub fn some_of(known: &[MessageRef], random: &mut StdRng) -> Vec<MessageRef> {
    if known.is_empty() {
        return Vec::new();
    }
    let count = random.random_range(1..=known.len().min(MESSAGES_MAX));
    let mut some: Vec<MessageRef> = known.sample(random, count).copied().collect();
    some.sort_unstable();
    some
}

/// What APPENDUID says (RFC 4315 §3).
fn appended(answer: &Answer, mail: MailId) -> Option<Reply> {
    let words = answer.words("APPENDUID")?;
    let [validity, uid] = words.as_slice() else { return None };
    let message = MessageRef {
        uid: uid.parse().ok()?,
        mail,
    };
    Some(Reply::Placed {
        validity: validity.parse().ok()?,
        messages: vec![message],
    })
}

/// What COPYUID says of the messages named (RFC 4315 §3).
fn placed(answer: &Answer, named: &[MessageRef]) -> Option<Reply> {
    let words = answer.words("COPYUID")?;
    let [validity, from, to] = words.as_slice() else {
        return None;
    };
    let messages = numbers(from).into_iter().zip(numbers(to)).filter_map(|(from, uid)| {
        let mail = named.iter().find(|message| message.uid == from)?.mail;
        Some(MessageRef { uid, mail })
    });
    Some(Reply::Placed {
        validity: validity.parse().ok()?,
        messages: messages.collect(),
    })
}
