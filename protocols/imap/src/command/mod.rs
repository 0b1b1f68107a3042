//! What a client may ask (RFC 9051 §6): one file per command. [`Command`] is what the session hands out.

pub mod acl;
pub mod append;
pub mod authenticate;
pub mod compress;
pub mod copy;
pub mod create;
pub mod enable;
pub mod fetch;
pub mod id;
pub mod list;
pub mod login;
pub mod lsub;
pub mod rename;
pub mod replace;
pub mod search;
pub mod select;
pub mod set_quota;
pub mod sort;
pub mod status;
pub mod store;
pub mod thread;
pub mod uid_expunge;

use bytes::Bytes;

use crate::parser::{Parsed, Parser};
use crate::{MailboxName, Refusal, SequenceSet, State};

/// Names one command of one session, for its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandId(pub u64);

/// A command, or a step of one that takes several.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// NOOP (RFC 9051 §6.1.2)
    Noop,
    /// CHECK (RFC 3501 §6.4.1)
    Check,
    /// LOGOUT (RFC 9051 §6.1.3)
    Logout,
    /// ID (RFC 2971)
    Id(id::Id),
    /// STARTTLS (RFC 9051 §6.2.1)
    StartTls,
    /// AUTHENTICATE (RFC 9051 §6.2.2)
    Authenticate(authenticate::Authenticate),
    /// The client's answer to a challenge; `None` when it gave up.
    AuthenticateResponse(Option<Vec<u8>>),
    /// LOGIN (RFC 9051 §6.2.3)
    Login(login::Login),
    /// ENABLE (RFC 9051 §6.3.1)
    Enable(enable::Enable),
    /// SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3)
    Select(select::Select),
    /// CREATE (RFC 9051 §6.3.4)
    Create(create::Create),
    /// DELETE (RFC 9051 §6.3.5)
    Delete(MailboxName),
    /// RENAME (RFC 9051 §6.3.6)
    Rename(rename::Rename),
    /// SUBSCRIBE (RFC 9051 §6.3.7)
    Subscribe(MailboxName),
    /// UNSUBSCRIBE (RFC 9051 §6.3.8)
    Unsubscribe(MailboxName),
    /// LIST (RFC 9051 §6.3.9)
    List(list::List),
    /// LSUB (RFC 3501 §6.3.9)
    Lsub(lsub::Lsub),
    /// NAMESPACE (RFC 9051 §6.3.10)
    Namespace,
    /// MYRIGHTS (RFC 4314 §3.5)
    MyRights(MailboxName),
    /// GETACL (RFC 4314 §3.3)
    GetAcl(MailboxName),
    /// LISTRIGHTS (RFC 4314 §3.4)
    ListRights(acl::AclEntry),
    /// SETACL (RFC 4314 §3.1)
    SetAcl(acl::SetAcl),
    /// DELETEACL (RFC 4314 §3.2)
    DeleteAcl(acl::AclEntry),
    /// STATUS (RFC 9051 §6.3.11)
    Status(status::Status),
    /// APPEND (RFC 9051 §6.3.12): its first message. Answer with [`crate::Reply::Continue`] or refuse it.
    Append(append::Append),
    /// REPLACE (RFC 8508): its message. Answer like APPEND.
    Replace(replace::Replace),
    /// Octets of the message announced last.
    AppendData(Bytes),
    /// The message announced last is complete.
    AppendMessageEnd,
    /// Another message follows (RFC 3502). Answer like APPEND.
    AppendNext(append::AppendMessage),
    /// The command is complete: carry it out.
    AppendEnd,
    /// The command turned out to be wrong and has been answered: forget its messages.
    AppendAborted,
    /// IDLE (RFC 9051 §6.3.13): begun; notices may be written until [`Command::IdleEnd`].
    Idle,
    /// The client ended IDLE; `false` when it sent something else than DONE.
    IdleEnd(bool),
    /// GETQUOTA (RFC 9208 §4.1)
    GetQuota(String),
    /// GETQUOTAROOT (RFC 9208 §4.2)
    GetQuotaRoot(MailboxName),
    /// SETQUOTA (RFC 9208 §4.3)
    SetQuota(set_quota::SetQuota),
    /// COMPRESS DEFLATE (RFC 4978)
    Compress,
    /// CLOSE (RFC 9051 §6.4.1)
    Close,
    /// UNSELECT (RFC 9051 §6.4.2)
    Unselect,
    /// EXPUNGE (RFC 9051 §6.4.3), or UID EXPUNGE with its set (§6.4.9)
    Expunge(Option<SequenceSet>),
    /// SEARCH (RFC 9051 §6.4.4)
    Search(search::Search),
    /// FETCH (RFC 9051 §6.4.5)
    Fetch(fetch::Fetch),
    /// STORE (RFC 9051 §6.4.6)
    Store(store::Store),
    /// COPY (RFC 9051 §6.4.7)
    Copy(copy::Copy),
    /// MOVE (RFC 9051 §6.4.8)
    Move(copy::Copy),
    /// SORT (RFC 5256)
    Sort(sort::Sort),
    /// THREAD (RFC 5256)
    Thread(thread::Thread),
}

impl Command {
    /// The command's name for metrics; the steps of one command share it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Noop => "noop",
            Self::Check => "check",
            Self::Logout => "logout",
            Self::Id(_) => "id",
            Self::StartTls => "starttls",
            Self::Authenticate(_) | Self::AuthenticateResponse(_) => "authenticate",
            Self::Login(_) => "login",
            Self::Enable(_) => "enable",
            Self::Select(select) if select.read_only => "examine",
            Self::Select(_) => "select",
            Self::Create(_) => "create",
            Self::Delete(_) => "delete",
            Self::Rename(_) => "rename",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe(_) => "unsubscribe",
            Self::List(_) => "list",
            Self::Lsub(_) => "lsub",
            Self::Namespace => "namespace",
            Self::MyRights(_) => "myrights",
            Self::GetAcl(_) => "getacl",
            Self::ListRights(_) => "listrights",
            Self::SetAcl(_) => "setacl",
            Self::DeleteAcl(_) => "deleteacl",
            Self::Status(_) => "status",
            Self::Append(_)
            | Self::AppendData(_)
            | Self::AppendMessageEnd
            | Self::AppendNext(_)
            | Self::AppendEnd
            | Self::AppendAborted => "append",
            Self::Replace(_) => "replace",
            Self::Idle | Self::IdleEnd(_) => "idle",
            Self::GetQuota(_) => "getquota",
            Self::GetQuotaRoot(_) => "getquotaroot",
            Self::SetQuota(_) => "setquota",
            Self::Compress => "compress",
            Self::Close => "close",
            Self::Unselect => "unselect",
            Self::Expunge(_) => "expunge",
            Self::Search(_) => "search",
            Self::Fetch(_) => "fetch",
            Self::Store(_) => "store",
            Self::Copy(_) => "copy",
            Self::Move(_) => "move",
            Self::Sort(_) => "sort",
            Self::Thread(_) => "thread",
        }
    }
}

/// What a command's name leads to.
pub(crate) enum Recognised {
    /// Handed to the caller.
    Command(Command),
    /// Answered by the session itself.
    Capability,
}

/// In which states a command is valid (RFC 9051 §6).
#[derive(Clone, Copy)]
enum When {
    BeforeLogin,
    AfterLogin,
    Selected,
}

impl When {
    fn check(self, state: State) -> Parsed<()> {
        match (self, state) {
            (Self::BeforeLogin, State::NotAuthenticated)
            | (Self::AfterLogin, State::Authenticated | State::Selected)
            | (Self::Selected, State::Selected) => Ok(()),
            (Self::BeforeLogin, _) => Err(Refusal::bad("Already logged in")),
            (_, State::NotAuthenticated) => Err(Refusal::bad("Log in first")),
            (_, _) => Err(Refusal::bad("No mailbox is selected")),
        }
    }
}

/// Parses the command after its tag.
pub(crate) fn parse(parser: &mut Parser<'_>, state: State) -> Parsed<Recognised> {
    let name = parser.atom_str()?.to_ascii_uppercase();
    let uid = name == "UID";
    let name = if uid {
        parser.space()?;
        parser.atom_str()?.to_ascii_uppercase()
    } else {
        name
    };
    let command = if uid {
        When::Selected.check(state)?;
        parse_uid(&name, parser)?
    } else {
        match parse_any(&name, parser, state)? {
            Recognised::Command(command) => command,
            Recognised::Capability => {
                parser.end()?;
                return Ok(Recognised::Capability);
            }
        }
    };
    parser.end()?;
    Ok(Recognised::Command(command))
}

fn parse_any(name: &str, parser: &mut Parser<'_>, state: State) -> Parsed<Recognised> {
    let at = |when: When| when.check(state);
    let command = match name {
        "CAPABILITY" => return Ok(Recognised::Capability),
        "NOOP" => Command::Noop,
        "LOGOUT" => Command::Logout,
        "ID" => Command::Id(id::Id::parse(parser)?),
        "STARTTLS" => {
            at(When::BeforeLogin)?;
            Command::StartTls
        }
        "AUTHENTICATE" => {
            at(When::BeforeLogin)?;
            Command::Authenticate(authenticate::Authenticate::parse(parser)?)
        }
        "LOGIN" => {
            at(When::BeforeLogin)?;
            Command::Login(login::Login::parse(parser)?)
        }
        _ => {
            return parse_after_login(name, parser, state).map(Recognised::Command);
        }
    };
    Ok(Recognised::Command(command))
}

fn mailbox(parser: &mut Parser<'_>) -> Parsed<MailboxName> {
    parser.space()?;
    MailboxName::parse(parser)
}

fn parse_after_login(name: &str, parser: &mut Parser<'_>, state: State) -> Parsed<Command> {
    let known = matches!(
        name,
        "ENABLE"
            | "SELECT"
            | "EXAMINE"
            | "CREATE"
            | "DELETE"
            | "RENAME"
            | "SUBSCRIBE"
            | "UNSUBSCRIBE"
            | "LIST"
            | "LSUB"
            | "NAMESPACE"
            | "MYRIGHTS"
            | "GETACL"
            | "LISTRIGHTS"
            | "SETACL"
            | "DELETEACL"
            | "STATUS"
            | "IDLE"
            | "GETQUOTA"
            | "GETQUOTAROOT"
            | "SETQUOTA"
            | "COMPRESS"
    );
    if !known {
        return parse_selected(name, parser, state);
    }
    When::AfterLogin.check(state)?;
    Ok(match name {
        "ENABLE" => Command::Enable(enable::Enable::parse(parser)?),
        "SELECT" => Command::Select(select::Select::parse(parser, false)?),
        "EXAMINE" => Command::Select(select::Select::parse(parser, true)?),
        "CREATE" => Command::Create(create::Create::parse(parser)?),
        "DELETE" => Command::Delete(mailbox(parser)?),
        "RENAME" => Command::Rename(rename::Rename::parse(parser)?),
        "SUBSCRIBE" => Command::Subscribe(mailbox(parser)?),
        "UNSUBSCRIBE" => Command::Unsubscribe(mailbox(parser)?),
        "LIST" => Command::List(list::List::parse(parser)?),
        "LSUB" => Command::Lsub(lsub::Lsub::parse(parser)?),
        "NAMESPACE" => Command::Namespace,
        "MYRIGHTS" => Command::MyRights(mailbox(parser)?),
        "GETACL" => Command::GetAcl(mailbox(parser)?),
        "LISTRIGHTS" => Command::ListRights(acl::AclEntry::parse(parser)?),
        "SETACL" => Command::SetAcl(acl::SetAcl::parse(parser)?),
        "DELETEACL" => Command::DeleteAcl(acl::AclEntry::parse(parser)?),
        "STATUS" => Command::Status(status::Status::parse(parser)?),
        "IDLE" => Command::Idle,
        "GETQUOTA" => {
            parser.space()?;
            Command::GetQuota(parser.astring_utf8()?)
        }
        "GETQUOTAROOT" => Command::GetQuotaRoot(mailbox(parser)?),
        "SETQUOTA" => Command::SetQuota(set_quota::SetQuota::parse(parser)?),
        _ => compress::parse(parser)?,
    })
}

fn parse_selected(name: &str, parser: &mut Parser<'_>, state: State) -> Parsed<Command> {
    let known = matches!(
        name,
        "CHECK" | "CLOSE" | "UNSELECT" | "EXPUNGE" | "SEARCH" | "FETCH" | "STORE" | "COPY" | "MOVE" | "SORT" | "THREAD"
    );
    if !known {
        return Err(match name {
            // Their message is a literal; without one the line is incomplete.
            "APPEND" | "REPLACE" => Refusal::bad("Expected a message literal"),
            _ => Refusal::bad("Unknown command"),
        });
    }
    When::Selected.check(state)?;
    Ok(match name {
        "CHECK" => Command::Check,
        "CLOSE" => Command::Close,
        "UNSELECT" => Command::Unselect,
        "EXPUNGE" => Command::Expunge(None),
        _ => parse_on_messages(name, parser, false)?,
    })
}

fn parse_uid(name: &str, parser: &mut Parser<'_>) -> Parsed<Command> {
    match name {
        "EXPUNGE" => Ok(Command::Expunge(Some(uid_expunge::parse(parser)?))),
        "SEARCH" | "FETCH" | "STORE" | "COPY" | "MOVE" | "SORT" | "THREAD" => parse_on_messages(name, parser, true),
        "REPLACE" => Err(Refusal::bad("Expected a message literal")),
        _ => Err(Refusal::bad("Unknown command")),
    }
}

fn parse_on_messages(name: &str, parser: &mut Parser<'_>, uid: bool) -> Parsed<Command> {
    Ok(match name {
        "SEARCH" => Command::Search(search::Search::parse(parser, uid)?),
        "FETCH" => Command::Fetch(fetch::Fetch::parse(parser, uid)?),
        "STORE" => Command::Store(store::Store::parse(parser, uid)?),
        "COPY" => Command::Copy(copy::Copy::parse(parser, uid)?),
        "MOVE" => Command::Move(copy::Copy::parse(parser, uid)?),
        "SORT" => Command::Sort(sort::Sort::parse(parser, uid)?),
        _ => Command::Thread(thread::Thread::parse(parser, uid)?),
    })
}
