//! THREAD (RFC 5256 §3): ORDEREDSUBJECT here, REFERENCES in `thread/references.rs`.

mod references;

use hongyan_imap::Status;
use hongyan_imap::command::thread::{Thread, ThreadAlgorithm};
use hongyan_imap::response::ThreadNode;
use hongyan_mailbox::Email;
use hongyan_message::{message_id, subject};
use hongyan_types::Timestamp;

use crate::command::order::sent_date;
use crate::command::search::Hit;
use crate::session::Session;
use crate::stop::Answer;

/// What threading needs of a message.
#[derive(Debug, Clone)]
struct Message {
    number: u32,
    sequence: u32,
    sent: Timestamp,
    /// Base subject, folded.
    subject: String,
    is_reply: bool,
    id: Option<String>,
    /// Ids of the messages it answers, oldest first.
    references: Vec<String>,
}

impl Session {
    pub(crate) async fn thread(&mut self, thread: &Thread) -> Answer {
        if thread.key.uses_mod_seq() {
            self.enable_cond_store();
        }
        let messages = self
            .gather(&thread.key, true, |hit, email| {
                email.map(|email| message(hit, email, thread.uid))
            })
            .await?;
        let messages: Vec<Message> = messages.into_iter().flatten().collect();
        let threads = match thread.algorithm {
            ThreadAlgorithm::OrderedSubject => by_subject(messages),
            ThreadAlgorithm::References => references::threads(messages),
        };
        self.imap.output().thread(&threads);
        Ok(Status::ok("Thread completed"))
    }
}

fn message(hit: &Hit, email: &Email, uid: bool) -> Message {
    let structure = &email.structure;
    let envelope = &structure.envelope;
    let base = subject::base(envelope.subject.as_deref().unwrap_or(""));
    let mut references = structure.references.clone();
    if references.is_empty() {
        // RFC 5256 §3: In-Reply-To counts when there are no References.
        references.extend(envelope.in_reply_to.as_deref().and_then(message_id::first));
    }
    Message {
        number: hit.number(uid),
        sequence: hit.sequence,
        sent: sent_date(&hit.entry, email),
        subject: subject::key(&base),
        is_reply: base.is_reply,
        id: envelope.message_id.as_deref().and_then(message_id::first),
        references,
    }
}

/// RFC 5256 §3, ORDEREDSUBJECT: threads of equal base subject, all answers to the first.
fn by_subject(mut messages: Vec<Message>) -> Vec<ThreadNode> {
    messages.sort_by(|a, b| {
        let order = a.subject.cmp(&b.subject);
        order.then(a.sent.cmp(&b.sent)).then(a.sequence.cmp(&b.sequence))
    });
    let mut threads: Vec<(Timestamp, u32, ThreadNode)> = Vec::new();
    for same in messages.chunk_by(|a, b| a.subject == b.subject) {
        let Some((first, answers)) = same.split_first() else {
            continue;
        };
        let leaf = |message: &Message| ThreadNode {
            number: Some(message.number),
            children: Vec::new(),
        };
        let node = ThreadNode {
            number: Some(first.number),
            children: answers.iter().map(leaf).collect(),
        };
        threads.push((first.sent, first.sequence, node));
    }
    threads.sort_by_key(|(sent, sequence, _)| (*sent, *sequence));
    threads.into_iter().map(|(_, _, node)| node).collect()
}
