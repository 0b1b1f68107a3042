//! The messages of one session: INBOX as it was at sign-in, cut to the range the account's clients may fetch (ACC-10),
//! with the session's marks.

use hongyan_mailbox::{FolderView, MailboxId, MessageEntry};
use hongyan_pop3::{MessageNumber, Reply};
use hongyan_types::{SeqNum, Timestamp, Uid, UidSet};

/// The messages of one session. Numbers and sizes do not change while it lasts (RFC 1939 §5).
#[derive(Debug)]
pub(crate) struct Maildrop {
    pub(crate) mailbox: MailboxId,
    view: FolderView,
    /// The messages on offer when that is not all of them.
    offered: Option<Vec<Uid>>,
    marked: UidSet,
    /// ACC-12.
    pub(crate) may_delete: bool,
    count: usize,
    octets: u64,
}

impl Maildrop {
    /// The messages of `view` that came at or after `since`.
    pub(crate) fn new(mailbox: MailboxId, view: FolderView, since: Option<Timestamp>, may_delete: bool) -> Self {
        let offered = since.and_then(|since| {
            let offered: Vec<_> = view
                .iter()
                .filter(|entry| entry.internal_date >= since)
                .map(|entry| entry.uid)
                .collect();
            (offered.len() < view.len()).then_some(offered)
        });
        let mut maildrop = Self {
            mailbox,
            view,
            offered,
            marked: UidSet::new(),
            may_delete,
            count: 0,
            octets: 0,
        };
        maildrop.reset();
        maildrop
    }
    /// Messages on offer and not marked.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
    /// Their octets.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }
    /// The message of that number, unless it is marked.
    pub(crate) fn get(&self, number: MessageNumber) -> Result<&MessageEntry, Reply> {
        let entry = match &self.offered {
            Some(offered) => offered.get(number.index()).and_then(|uid| self.view.get(*uid)),
            None => seq_num(number).and_then(|seq| self.view.at(seq)),
        };
        match entry {
            Some(entry) if self.marked.contains(entry.uid) => Err(Reply::error("message is deleted")),
            Some(entry) => Ok(entry),
            None => Err(Reply::error("no such message")),
        }
    }
    /// All messages that are not marked, with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (MessageNumber, &MessageEntry)> {
        self.all().enumerate().filter_map(|(index, entry)| {
            let number = MessageNumber::from_index(index)?;
            (!self.marked.contains(entry.uid)).then_some((number, entry))
        })
    }
    fn all(&self) -> Box<dyn Iterator<Item = &MessageEntry> + '_> {
        match &self.offered {
            Some(offered) => Box::new(offered.iter().filter_map(|uid| self.view.get(*uid))),
            None => Box::new(self.view.iter()),
        }
    }
    /// Marks a message.
    pub(crate) fn mark(&mut self, number: MessageNumber) -> Result<(), Reply> {
        let (uid, octets) = self.get(number).map(|entry| (entry.uid, entry.octets.0))?;
        self.marked.insert(uid);
        self.count -= 1;
        self.octets -= octets;
        Ok(())
    }
    /// Takes the marks back.
    pub(crate) fn reset(&mut self) {
        self.marked = UidSet::new();
        let (mut count, mut octets) = (0, 0);
        for entry in self.all() {
            count += 1;
            octets += entry.octets.0;
        }
        (self.count, self.octets) = (count, octets);
    }
    /// What is marked.
    pub(crate) fn marked(&self) -> &UidSet {
        &self.marked
    }
    /// A message's name for ever: UIDVALIDITY and UID, so that it outlives sessions, ranges and moves of the mailbox.
    pub(crate) fn unique_id(&self, entry: &MessageEntry) -> String {
        format!("{:08x}{:08x}", self.view.uid_validity().get(), entry.uid.get())
    }
}

fn seq_num(number: MessageNumber) -> Option<SeqNum> {
    SeqNum::new(u32::try_from(number.index() + 1).ok()?)
}
