//! An IMAP client that keeps count: of messages by sequence number, and of all it was told.

use std::collections::BTreeSet;
use std::time::Duration;

use hongyan_conformance::imap::{Value, parse};
use hongyan_invariant::{FolderName, Look, MailboxName, MessageRef, MessageSeen, Place, SessionId, Wire as Seen};

use super::wire::Wire;
use super::{Identity, PASSWORD, Way, content};
use crate::record::Failure;

/// The items of a look, with as much of each mail as tells which it is.
const ITEMS: &str = "(UID FLAGS MODSEQ RFC822.SIZE BODY.PEEK[HEADER.FIELDS (X-Mail)])";
/// As [`ITEMS`], with the whole mail.
const ALL_ITEMS: &str = "(UID FLAGS MODSEQ RFC822.SIZE BODY.PEEK[])";

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    No,
    Bad,
}

/// What came back for a command.
pub(crate) struct Answer {
    pub(crate) status: Status,
    /// What stands behind the tag.
    pub(crate) text: String,
    /// Texts of untagged OK, NO, BAD.
    said: Vec<String>,
    /// All other untagged answers.
    pub(crate) data: Vec<Vec<Value>>,
}

impl Answer {
    /// The words behind a response code, in the tagged answer or before it.
    pub(crate) fn code(&self, name: &str) -> Option<Vec<String>> {
        let mut texts = std::iter::once(&self.text).chain(&self.said);
        texts.find_map(|text| {
            let (_, rest) = text.split_once(&format!("[{name} "))?;
            let (inside, _) = rest.split_once(']')?;
            Some(inside.split(' ').map(str::to_owned).collect())
        })
    }
    fn number(&self, name: &str) -> Option<u64> {
        self.code(name)?.first()?.parse().ok()
    }
}

/// The folder that is selected.
struct Selected {
    validity: u32,
    uid_next: u32,
    highest_modseq: Option<u64>,
    /// By sequence number; none for a message that was not looked at yet.
    messages: Vec<Option<MessageRef>>,
}

/// A connection.
pub(crate) struct Imap {
    me: Identity,
    wire: Wire,
    pub(crate) session: SessionId,
    node: Option<usize>,
    opened: u64,
    selected: Option<Selected>,
    tag: u32,
}

impl Imap {
    /// Connects and signs in.
    pub(crate) async fn login(me: &Identity, way: Way, mailbox: &MailboxName) -> Result<Self, Failure> {
        let from = me.recorder.now();
        let opened = Self::connect(me, way).await;
        if let Err(failure) = &opened {
            me.note(way.node, "connect", from, Some(failure));
        }
        let mut imap = opened?;
        let answer = imap.run(&format!("LOGIN {} {PASSWORD}", mailbox.0)).await?;
        match answer.status {
            Status::Ok => Ok(imap),
            _ => Err(Failure::Refused(answer.text)),
        }
    }
    async fn connect(me: &Identity, way: Way) -> Result<Self, Failure> {
        let (mut wire, node) = Wire::tls(me, way).await?;
        let greeting = wire.line().await?;
        if !greeting.starts_with(b"* OK") {
            let text = String::from_utf8_lossy(&greeting).trim_end().to_owned();
            return Err(if text.starts_with("* BYE") {
                Failure::Moved
            } else {
                Failure::Refused(text)
            });
        }
        me.recorder.connected();
        Ok(Self {
            me: me.clone(),
            wire,
            session: me.recorder.new_session(),
            node,
            opened: me.recorder.now(),
            selected: None,
            tag: 0,
        })
    }
    /// Runs a command to its end, and writes down how that went.
    pub(crate) async fn run(&mut self, command: &str) -> Result<Answer, Failure> {
        let from = self.me.recorder.now();
        let answer = async {
            let tag = self.begin(command).await?;
            self.finish(&tag).await
        };
        let answer = answer.await;
        self.note(verb(command).0, from, &answer);
        answer
    }
    fn note(&self, what: &str, from: u64, answer: &Result<Answer, Failure>) {
        let failure = match answer {
            Ok(answer) if answer.status == Status::Ok => None,
            // RFC 5530 §3: others have removed what was asked for, which is no fault of the server.
            Ok(answer) if answer.text.contains("[EXPUNGEISSUED]") => None,
            Ok(answer) => Some(Failure::Refused(answer.text.clone())),
            // Said at a command's border: it was not begun and goes elsewhere.
            Err(Failure::Moved) => return,
            Err(failure) => Some(failure.clone()),
        };
        self.me.note(self.node, what, from, failure.as_ref());
        if let Some(failure @ (Failure::Closed | Failure::Silent)) = failure {
            self.me.note_dropped(self.node, self.opened, failure);
        }
    }
    /// Sends a command; its tag.
    async fn begin(&mut self, command: &str) -> Result<String, Failure> {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        let (name, by_uid) = verb(command);
        let seen = Seen::Command {
            tag: tag.clone(),
            name: name.to_owned(),
            by_uid,
        };
        self.me.recorder.wire(self.session, seen);
        self.wire.send(format!("{tag} {command}\r\n").as_bytes()).await?;
        Ok(tag)
    }
    /// Reads to the end of the command `tag`.
    async fn finish(&mut self, tag: &str) -> Result<Answer, Failure> {
        let mut answer = Answer {
            status: Status::Bad,
            text: String::new(),
            said: Vec::new(),
            data: Vec::new(),
        };
        loop {
            let first = self.wire.line().await?;
            let line = self.with_literals(first).await?;
            if let Some(rest) = line.strip_prefix(format!("{tag} ").as_bytes()) {
                answer.text = String::from_utf8_lossy(rest).trim_end().to_owned();
                answer.status = match answer.text.get(..2) {
                    Some("OK") => Status::Ok,
                    Some("NO") => Status::No,
                    _ => Status::Bad,
                };
                let completed = Seen::Completed { tag: tag.to_owned() };
                self.me.recorder.wire(self.session, completed);
                return Ok(answer);
            }
            self.untagged(&line, Some(&mut answer))?;
        }
    }
    async fn with_literals(&mut self, mut response: Vec<u8>) -> Result<Vec<u8>, Failure> {
        while let Some(octets) = literal_octets(&response) {
            response.extend(self.wire.exactly(octets).await?);
            response.extend(self.wire.line().await?);
        }
        Ok(response)
    }
    /// Takes in an untagged response.
    fn untagged(&mut self, line: &[u8], answer: Option<&mut Answer>) -> Result<(), Failure> {
        let odd = || Failure::Refused(String::from_utf8_lossy(line).trim_end().to_owned());
        let rest = line.strip_prefix(b"* ").ok_or_else(odd)?;
        if rest.starts_with(b"BYE") {
            return Err(Failure::Moved);
        }
        if [&b"OK "[..], b"NO ", b"BAD "].iter().any(|word| rest.starts_with(word)) {
            if let Some(answer) = answer {
                answer.said.push(String::from_utf8_lossy(rest).trim_end().to_owned());
            }
            return Ok(());
        }
        let values = parse(rest).map_err(|_| odd())?;
        if let [Value::Atom(number), Value::Atom(word), ..] = values.as_slice()
            && let Ok(number) = number.parse::<u32>()
        {
            self.counted(number, word);
        }
        if let Some(answer) = answer {
            answer.data.push(values);
        }
        Ok(())
    }
    /// Follows what changes sequence numbers.
    fn counted(&mut self, number: u32, word: &str) {
        let Some(selected) = &mut self.selected else { return };
        let seen = match word {
            "EXISTS" => {
                selected.messages.resize(number as usize, None);
                Seen::Exists(number)
            }
            "EXPUNGE" => {
                if (1..=selected.messages.len()).contains(&(number as usize)) {
                    selected.messages.remove(number as usize - 1);
                }
                Seen::Expunge(number)
            }
            "FETCH" => Seen::Fetch(number),
            _ => return,
        };
        self.me.recorder.wire(self.session, seen);
    }
    /// Selects a folder.
    pub(crate) async fn select(&mut self, place: &Place) -> Result<Status, Failure> {
        // What is said while it is answered is of the new folder and told whole.
        self.selected = None;
        let answer = self.run(&format!("SELECT {} (CONDSTORE)", place.folder.0)).await?;
        if answer.status != Status::Ok {
            return Ok(answer.status);
        }
        let exists = answer.data.iter().rev().find_map(|values| match values.as_slice() {
            [Value::Atom(count), Value::Atom(word)] if word == "EXISTS" => count.parse().ok(),
            _ => None,
        });
        let number = |name: &str| answer.number(name).and_then(|number| u32::try_from(number).ok());
        let (Some(exists), Some(validity), Some(uid_next)) = (exists, number("UIDVALIDITY"), number("UIDNEXT")) else {
            return Err(Failure::Refused("SELECT leaves out what it owes".to_owned()));
        };
        let exists: u32 = exists;
        self.selected = Some(Selected {
            validity,
            uid_next,
            highest_modseq: answer.number("HIGHESTMODSEQ"),
            messages: vec![None; exists as usize],
        });
        self.me.recorder.wire(self.session, Seen::Selected { exists });
        Ok(Status::Ok)
    }
    /// Messages that have been looked at.
    pub(crate) fn known(&self) -> Vec<MessageRef> {
        let messages = self.selected.iter().flat_map(|selected| &selected.messages);
        messages.copied().flatten().collect()
    }
    /// Fetches all of the selected folder; `whole` reads each mail to its last octet. None when the server refuses, or
    /// some messages go while it is at it.
    pub(crate) async fn look(&mut self, whole: bool) -> Result<Option<Look>, Failure> {
        let count = self.selected.as_ref().map_or(0, |selected| selected.messages.len());
        let mut rows: Vec<Option<MessageSeen>> = vec![None; count];
        if count > 0 {
            let items = if whole { ALL_ITEMS } else { ITEMS };
            let answer = self.run(&format!("FETCH 1:{count} {items}")).await?;
            if answer.status != Status::Ok {
                return Ok(None);
            }
            for values in &answer.data {
                take_row(values, &mut rows);
            }
        }
        let Some(selected) = &mut self.selected else {
            return Ok(None);
        };
        for (row, known) in rows.iter().zip(&mut selected.messages) {
            if let Some(row) = row {
                *known = row.mail.map(|mail| MessageRef { uid: row.uid, mail });
            }
        }
        let messages: Vec<MessageSeen> = rows.into_iter().flatten().collect();
        if messages.len() < count {
            return Ok(None);
        }
        let after_last = messages.last().map_or(0, |message| message.uid + 1);
        Ok(Some(Look {
            validity: selected.validity,
            uid_next: Some(selected.uid_next.max(after_last)),
            highest_modseq: selected.highest_modseq,
            messages,
        }))
    }
    /// Idles for so long, or until something is said; whether it was.
    pub(crate) async fn idle(&mut self, span: Duration) -> Result<bool, Failure> {
        let from = self.me.recorder.now();
        let idled = self.idle_inside(span).await;
        if let Err(failure @ (Failure::Closed | Failure::Silent)) = &idled {
            self.me.note_dropped(self.node, self.opened, failure.clone());
        } else if let Err(failure @ Failure::Refused(_)) = &idled {
            self.me.note(self.node, "IDLE", from, Some(failure));
        }
        idled
    }
    async fn idle_inside(&mut self, span: Duration) -> Result<bool, Failure> {
        let tag = self.begin("IDLE").await?;
        let line = self.wire.line().await?;
        if line.starts_with(tag.as_bytes()) {
            return Err(Failure::Refused(String::from_utf8_lossy(&line).trim_end().to_owned()));
        }
        if !line.starts_with(b"+") {
            // News may come before the invitation to wait.
            self.untagged(&line, None)?;
        }
        let has_news = match self.wire.line_within(span).await {
            Ok(line) => {
                let line = self.with_literals(line).await?;
                if !line.starts_with(b"+") {
                    self.untagged(&line, None)?;
                }
                true
            }
            Err(Failure::Silent) => false,
            Err(failure) => return Err(failure),
        };
        let from = self.me.recorder.now();
        self.wire.send(b"DONE\r\n").await?;
        let answer = self.finish(&tag).await;
        let answer = answer?;
        self.me.note(self.node, "IDLE", from, refused(&answer).as_ref());
        Ok(has_news)
    }
    /// The names of all folders.
    pub(crate) async fn folders(&mut self) -> Result<Vec<FolderName>, Failure> {
        let answer = self.run("LIST \"\" \"*\"").await?;
        if let Some(failure) = refused(&answer) {
            return Err(failure);
        }
        let name = |values: &Vec<Value>| match values.as_slice() {
            [Value::Atom(word), _, _, name, ..] if word == "LIST" => name.text().map(FolderName),
            _ => None,
        };
        Ok(answer.data.iter().filter_map(name).collect())
    }
    /// Leaves in good order.
    pub(crate) async fn logout(mut self) {
        // It would be closed next in any case; what the server says to it is BYE.
        if self.begin("LOGOUT").await.is_ok() {
            let _ = self.wire.line_within(Duration::from_secs(2)).await;
        }
    }
}

/// Why a command was not done.
fn refused(answer: &Answer) -> Option<Failure> {
    (answer.status != Status::Ok).then(|| Failure::Refused(answer.text.clone()))
}

/// The name of a command without UID, and whether that stood before it.
fn verb(command: &str) -> (&str, bool) {
    let by_uid = command.strip_prefix("UID ");
    let name = by_uid.unwrap_or(command).split(' ').next().unwrap_or_default();
    (name, by_uid.is_some())
}

/// Puts what a FETCH response says into the row of its message.
fn take_row(values: &[Value], rows: &mut [Option<MessageSeen>]) {
    let [Value::Atom(number), Value::Atom(word), items] = values else {
        return;
    };
    let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let Some(row) = at.and_then(|at| rows.get_mut(at)) else {
        return;
    };
    if word != "FETCH" {
        return;
    }
    let atom = |name: &str| items.item(name).and_then(Value::text);
    let flags: Option<BTreeSet<String>> = items
        .item("FLAGS")
        .map(|flags| flags.list().iter().filter_map(Value::text).collect());
    let modseq = items
        .item("MODSEQ")
        .and_then(|modseq| modseq.list().first()?.text()?.parse().ok());
    let header = items.item("BODY[HEADER.FIELDS (X-Mail)]").and_then(Value::octets);
    let whole = items.item("BODY[]").and_then(Value::octets);
    if header.is_none() && whole.is_none() {
        // News of flags on the way.
        if let (Some(row), Some(flags), Some(modseq)) = (row, flags, modseq) {
            (row.flags, row.modseq) = (flags, modseq);
        }
        return;
    }
    *row = Some(MessageSeen {
        uid: atom("UID").and_then(|uid| uid.parse().ok()).unwrap_or(0),
        mail: whole
            .and_then(content::whole)
            .or_else(|| header.and_then(content::number)),
        flags: flags.unwrap_or_default(),
        modseq: modseq.unwrap_or(0),
        octets: atom("RFC822.SIZE").and_then(|octets| octets.parse().ok()).unwrap_or(0),
    });
}

/// The size of the literal that a line ends with.
fn literal_octets(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let at = line.iter().rposition(|octet| *octet == b'{')?;
    std::str::from_utf8(line.get(at + 1..)?).ok()?.parse().ok()
}
