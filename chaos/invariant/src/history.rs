//! The words of a history.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

/// One connection of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// The content of one mail; no two calls put in the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailId(pub u64);

/// An account's mailbox, by its address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(pub String);

/// A folder of it, by its path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderName(pub String);

impl FolderName {
    /// INBOX, where delivered mail arrives.
    #[must_use]
    pub fn inbox() -> Self {
        Self("INBOX".to_owned())
    }
}

/// A folder in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Whose.
    pub mailbox: MailboxName,
    /// Which.
    pub folder: FolderName,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.mailbox.0, self.folder.0)
    }
}

/// A message that a client has seen and now names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageRef {
    /// Its UID in the folder named by the operation.
    pub uid: u32,
    /// What it is.
    pub mail: MailId,
}

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// A mail for a mailbox, by SMTP or LMTP.
    Deliver {
        /// The mail.
        mail: MailId,
        /// For whom.
        mailbox: MailboxName,
    },
    /// A mail for somebody elsewhere, of which the sender's mailbox may keep a copy.
    Submit {
        /// The mail.
        mail: MailId,
        /// Who sends it.
        from: MailboxName,
    },
    /// A mail into a folder.
    Append {
        /// The mail.
        mail: MailId,
        /// Where.
        place: Place,
    },
    /// Messages into another folder as well.
    Copy {
        /// From where.
        place: Place,
        /// Which.
        messages: Vec<MessageRef>,
        /// Where to, in the same mailbox.
        to: FolderName,
    },
    /// Messages into another folder.
    Move {
        /// From where.
        place: Place,
        /// Which.
        messages: Vec<MessageRef>,
        /// Where to, in the same mailbox.
        to: FolderName,
    },
    /// Messages out of a folder for good.
    Expunge {
        /// From where.
        place: Place,
        /// Which.
        messages: Vec<MessageRef>,
    },
    /// One flag of messages.
    Flag {
        /// Where.
        place: Place,
        /// Which.
        messages: Vec<MessageRef>,
        /// The flag.
        flag: String,
        /// Added or removed.
        set: bool,
    },
    /// All of a folder.
    Look {
        /// Which folder.
        place: Place,
        /// The folder was opened by this call, so the reply owes whatever was acknowledged before it to anyone; otherwise only
        /// what its own session has been told.
        is_fresh: bool,
    },
    /// A new folder, whose name no other call gives to any.
    CreateFolder {
        /// Which.
        place: Place,
    },
    /// Another name for a folder, which no other call gives to any.
    RenameFolder {
        /// The folder by its name so far.
        place: Place,
        /// Its new name.
        to: FolderName,
    },
    /// A folder with all its messages out of the mailbox.
    DeleteFolder {
        /// Which.
        place: Place,
    },
    /// What changed in a folder since an earlier session, and then all of it.
    Resync {
        /// Which folder.
        place: Place,
    },
    /// All of INBOX by POP3.
    ReadMaildrop {
        /// Whose.
        mailbox: MailboxName,
    },
    /// Mails out of INBOX for good, by POP3.
    EmptyMaildrop {
        /// Whose.
        mailbox: MailboxName,
        /// Which, each as often as it was marked.
        mails: Vec<MailId>,
    },
    /// All of all folders and the quota, while nobody changes anything.
    Audit {
        /// Of which mailbox.
        mailbox: MailboxName,
    },
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It happened.
    Done(Reply),
    /// It did not happen and will not.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// What the server said of what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Just that it did.
    Plain,
    /// New messages (APPENDUID, COPYUID): their folder's validity, and them. Messages of the call that were gone already are
    /// not among them.
    Placed {
        /// UIDVALIDITY of the folder they are in now.
        validity: u32,
        /// Their new UIDs.
        messages: Vec<MessageRef>,
    },
    /// A folder.
    Look(Look),
    /// A mailbox.
    Audit(Audit),
    /// What a client knows of a folder after it was told what changed, and the folder.
    Resync(Resync),
    /// INBOX as POP3 shows it, in its order.
    Maildrop(Vec<DropSeen>),
}

/// A folder as a client saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// UIDVALIDITY.
    pub validity: u32,
    /// UIDNEXT, when it was said.
    pub uid_next: Option<u32>,
    /// HIGHESTMODSEQ, when it was said.
    pub highest_modseq: Option<u64>,
    /// All messages, in the order of their sequence numbers.
    pub messages: Vec<MessageSeen>,
}

/// A folder as a client knows it that remembers an earlier session and was told what changed since (RFC 7162 §3.2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resync {
    /// The MODSEQ that it remembered.
    pub since: u64,
    /// What it knows now: MODSEQ and flags by UID.
    pub known: BTreeMap<u32, (u64, BTreeSet<String>)>,
    /// The folder as it was read right after; its HIGHESTMODSEQ is that up to which the client was told.
    pub truth: Look,
    /// UIDs that went away while it was read.
    pub vanished: BTreeSet<u32>,
}

/// A message as POP3 shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropSeen {
    /// Its unique-id.
    pub unique: String,
    /// Its content; none when it cannot be read or is no mail of ours.
    pub mail: Option<MailId>,
}

/// A message as a client saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSeen {
    /// UID.
    pub uid: u32,
    /// Its content; none when it cannot be read or is no mail of ours.
    pub mail: Option<MailId>,
    /// Flags and keywords.
    pub flags: BTreeSet<String>,
    /// MODSEQ.
    pub modseq: u64,
    /// RFC822.SIZE.
    pub octets: u64,
}

/// A mailbox as a client saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// All folders.
    pub folders: Vec<(FolderName, Look)>,
    /// What it takes, when the server says.
    pub quota: Option<QuotaSeen>,
}

/// Quota resources in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaSeen {
    /// STORAGE: octets of all mails, each once however many folders it is in, in units of 1,024, rounded up.
    pub kibibytes: u64,
    /// Messages in all folders.
    pub messages: u64,
}

/// What passed on one IMAP connection with a selected folder, as far as it concerns sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wire {
    /// A folder was selected and holds so many messages.
    Selected {
        /// EXISTS.
        exists: u32,
    },
    /// A command left; `by_uid` for the UID commands.
    Command {
        /// Its tag.
        tag: String,
        /// Its name in upper case, without UID.
        name: String,
        /// Whether UID stood before it.
        by_uid: bool,
    },
    /// A command was answered.
    Completed {
        /// Its tag.
        tag: String,
    },
    /// `* n EXISTS`
    Exists(u32),
    /// `* n EXPUNGE`
    Expunge(u32),
    /// `* n FETCH`
    Fetch(u32),
}

/// How something that a client asked for came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server refused, in its words.
    Refused(String),
    /// The server said in place of an answer that it goes: BYE, 421.
    Goodbye,
    /// The connection broke, or was silent for too long.
    Broken,
    /// There was no connection, or nobody who welcomes.
    NoWelcome,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A call is about to leave.
    Call {
        /// Which call.
        call: CallId,
        /// Whose.
        client: ClientId,
        /// On which connection.
        session: SessionId,
        /// What is asked.
        operation: Operation,
    },
    /// A call came back.
    Return {
        /// Which call.
        call: CallId,
        /// What came of it.
        outcome: Outcome,
    },
    /// Something passed on a connection.
    Wire {
        /// Which connection.
        session: SessionId,
        /// What.
        wire: Wire,
    },
    /// A server elsewhere took a mail and said so.
    Received {
        /// The mail.
        mail: MailId,
    },
    /// By now the sender must have read that and written it down.
    Confirmed {
        /// The mail.
        mail: MailId,
    },
    /// A client has a connection to a node; told where connections are judged.
    Connected {
        /// The connection.
        session: SessionId,
        /// The node.
        node: u32,
    },
    /// A connection broke under a client.
    ConnectionLost {
        /// The connection.
        session: SessionId,
    },
    /// A node was killed; told where the time to recover is judged.
    NodeKilled {
        /// Which.
        node: u32,
        /// When, by the observer's clock.
        micros: u64,
    },
    /// A node was told to stop in good order; told where failed commands are judged.
    NodeStopping {
        /// Which.
        node: u32,
        /// When, by the observer's clock.
        micros: u64,
    },
    /// A node that was killed or told to stop is there again and lets clients in.
    NodeBack {
        /// Which.
        node: u32,
    },
    /// What a client asked for came to nothing; told where failed commands are judged.
    Failed {
        /// At which node.
        node: u32,
        /// What it asked for.
        what: String,
        /// When, by the observer's clock.
        began_micros: u64,
        /// How it failed.
        failure: Failure,
    },
    /// Two nodes do not reach each other from now on, while others reach both; told where the time to answer is judged.
    NodesCut {
        /// When, by the observer's clock.
        micros: u64,
    },
    /// A mailbox that was asked from the kill, or the cut, on has answered.
    MailboxAnswered {
        /// Which.
        mailbox: MailboxName,
        /// When, by the observer's clock.
        micros: u64,
    },
}

/// What happened, in order. An event's position is its time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The events.
    pub events: Vec<Event>,
}
