//! Histories written by hand, for the checkers' tests.

use crate::{
    Audit, CallId, ClientId, DropSeen, Event, FolderName, History, Look, MailId, MailboxName, MessageRef, MessageSeen,
    Operation, Outcome, Place, QuotaSeen, Reply, Resync, SessionId,
};

/// A history that grows call by call, all of one client.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) history: History,
    calls: u64,
}

/// A folder with these messages.
pub(crate) fn look(uid_next: u32, messages: Vec<MessageSeen>) -> Look {
    Look {
        validity: 1,
        uid_next: Some(uid_next),
        highest_modseq: Some(1),
        messages,
    }
}

/// A message.
pub(crate) fn seen(uid: u32, mail: u64) -> MessageSeen {
    MessageSeen {
        uid,
        mail: Some(MailId(mail)),
        flags: std::collections::BTreeSet::new(),
        modseq: 1,
        octets: 100,
    }
}

impl Script {
    pub(crate) fn mailbox() -> MailboxName {
        MailboxName("a@b".to_owned())
    }
    fn place(folder: &str) -> Place {
        Place {
            mailbox: Self::mailbox(),
            folder: FolderName(folder.to_owned()),
        }
    }
    fn message(uid: u32, mail: u64) -> MessageRef {
        MessageRef {
            uid,
            mail: MailId(mail),
        }
    }
    pub(crate) fn call(&mut self, operation: Operation, outcome: Outcome) {
        let call = CallId(self.calls);
        self.calls += 1;
        self.history.events.push(Event::Call {
            call,
            client: ClientId(1),
            session: SessionId(1),
            operation,
        });
        self.history.events.push(Event::Return { call, outcome });
    }
    pub(crate) fn done(&mut self, operation: Operation) {
        self.call(operation, Outcome::Done(Reply::Plain));
    }
    pub(crate) fn unknown(&mut self, operation: Operation) {
        self.call(operation, Outcome::Unknown);
    }
    pub(crate) fn refused(&mut self, operation: Operation) {
        self.call(operation, Outcome::Refused);
    }
    pub(crate) fn delivered(&mut self, mail: u64) {
        self.done(Operation::Deliver {
            mail: MailId(mail),
            mailbox: Self::mailbox(),
        });
    }
    pub(crate) fn appended(&mut self, folder: &str, uid: u32, mail: u64) {
        let operation = Operation::Append {
            mail: MailId(mail),
            place: Self::place(folder),
        };
        self.call(operation, Self::placed(uid, mail));
    }
    pub(crate) fn copied(&mut self, from: &str, uid: u32, mail: u64, to: &str, new_uid: u32) {
        let operation = Operation::Copy {
            place: Self::place(from),
            messages: vec![Self::message(uid, mail)],
            to: FolderName(to.to_owned()),
        };
        self.call(operation, Self::placed(new_uid, mail));
    }
    fn placed(uid: u32, mail: u64) -> Outcome {
        Outcome::Done(Reply::Placed {
            validity: 1,
            messages: vec![Self::message(uid, mail)],
        })
    }
    pub(crate) fn expunge(from: &str, uid: u32, mail: u64) -> Operation {
        Operation::Expunge {
            place: Self::place(from),
            messages: vec![Self::message(uid, mail)],
        }
    }
    pub(crate) fn moving(from: &str, uid: u32, mail: u64, to: &str) -> Operation {
        Operation::Move {
            place: Self::place(from),
            messages: vec![Self::message(uid, mail)],
            to: FolderName(to.to_owned()),
        }
    }
    pub(crate) fn flag(folder: &str, uid: u32, mail: u64, flag: &str, set: bool) -> Operation {
        Operation::Flag {
            place: Self::place(folder),
            messages: vec![Self::message(uid, mail)],
            flag: flag.to_owned(),
            set,
        }
    }
    pub(crate) fn looked(&mut self, folder: &str, look: Look) {
        self.look(folder, look, true);
    }
    /// In a folder that is open already.
    pub(crate) fn looked_again(&mut self, folder: &str, look: Look) {
        self.look(folder, look, false);
    }
    fn look(&mut self, folder: &str, look: Look, is_fresh: bool) {
        let operation = Operation::Look {
            place: Self::place(folder),
            is_fresh,
        };
        self.call(operation, Outcome::Done(Reply::Look(look)));
    }
    pub(crate) fn audited(&mut self, folders: Vec<(&str, Look)>) {
        self.audited_with(folders, None);
    }
    pub(crate) fn audited_with(&mut self, folders: Vec<(&str, Look)>, quota: Option<QuotaSeen>) {
        let operation = Operation::Audit {
            mailbox: Self::mailbox(),
        };
        let folders = folders
            .into_iter()
            .map(|(folder, look)| (FolderName(folder.to_owned()), look));
        let audit = Audit {
            folders: folders.collect(),
            quota,
        };
        self.call(operation, Outcome::Done(Reply::Audit(audit)));
    }
    fn folder(name: &str) -> FolderName {
        FolderName(name.to_owned())
    }
    pub(crate) fn create(folder: &str) -> Operation {
        Operation::CreateFolder {
            place: Self::place(folder),
        }
    }
    pub(crate) fn rename(folder: &str, to: &str) -> Operation {
        Operation::RenameFolder {
            place: Self::place(folder),
            to: Self::folder(to),
        }
    }
    pub(crate) fn delete(folder: &str) -> Operation {
        Operation::DeleteFolder {
            place: Self::place(folder),
        }
    }
    pub(crate) fn maildrop(&mut self, seen: &[(&str, u64)]) {
        let seen = seen.iter().map(|(unique, mail)| DropSeen {
            unique: (*unique).to_owned(),
            mail: Some(MailId(*mail)),
        });
        let operation = Operation::ReadMaildrop {
            mailbox: Self::mailbox(),
        };
        self.call(operation, Outcome::Done(Reply::Maildrop(seen.collect())));
    }
    pub(crate) fn resynced(&mut self, resync: Resync) {
        let operation = Operation::Resync {
            place: Self::place("INBOX"),
        };
        self.call(operation, Outcome::Done(Reply::Resync(resync)));
    }
}
