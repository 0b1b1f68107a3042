//! An IMAP client that keeps count: of messages by sequence number, and of all it was told.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use hongyan_conformance::imap::{Value, parse};
use hongyan_invariant::{
    Failure, FolderName, Look, MailboxName, MessageRef, MessageSeen, Place, SessionId, Wire as Seen,
};

use super::wire::{Lost, Wire};
use crate::client::Identity;
use crate::content;
use crate::probe::Probe;
use crate::world::PASSWORD;

/// The items of a look, with as much of each mail as tells which it is.
pub(super) const ITEMS: &str = "(UID FLAGS MODSEQ RFC822.SIZE BODY.PEEK[HEADER.FIELDS (X-Mail)])";
/// As [`ITEMS`], without any content.
const BARE_ITEMS: &str = "(UID FLAGS MODSEQ RFC822.SIZE)";
/// As [`ITEMS`], with the whole mail.
const ALL_ITEMS: &str = "(UID FLAGS MODSEQ RFC822.SIZE BODY.PEEK[])";

/// How the content is called in what comes back.
const HEADER_ITEM: &str = "BODY[HEADER.FIELDS (X-Mail)]";
const WHOLE_ITEM: &str = "BODY[]";

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
    /// What stands behind the status.
    pub(crate) text: String,
    /// Texts of untagged OK, NO, BAD.
    pub(crate) said: Vec<String>,
    /// All other untagged answers.
    pub(crate) data: Vec<Vec<Value>>,
}

impl Answer {
    /// Whether it refuses because the message or the folder is gone: it is what others did, not a failure (RFC 2180 §4.1).
    pub(crate) fn is_of_others(&self) -> bool {
        let codes = ["[EXPUNGEISSUED]", "[NONEXISTENT]", "[TRYCREATE]"];
        codes.iter().any(|code| self.text.contains(code))
    }
    /// The number behind a response code, in the tagged answer or before it.
    pub(crate) fn code(&self, name: &str) -> Option<u64> {
        let words = self.code_words(name)?;
        words.first()?.parse().ok()
    }
    /// The words behind a response code.
    pub(crate) fn code_words(&self, name: &str) -> Option<Vec<String>> {
        let mut texts = std::iter::once(&self.text).chain(&self.said);
        texts.find_map(|text| {
            let (_, rest) = text.split_once(&format!("[{name} "))?;
            let (inside, _) = rest.split_once(']')?;
            Some(inside.split(' ').map(str::to_owned).collect())
        })
    }
}

/// A folder that is selected.
pub(crate) struct Selected {
    pub(crate) validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) highest_modseq: Option<u64>,
    /// By sequence number; none for a message that was not looked at yet.
    pub(crate) messages: Vec<Option<MessageRef>>,
}

pub(crate) struct Imap {
    me: Identity,
    wire: Wire,
    pub(crate) session: SessionId,
    pub(crate) selected: Option<Selected>,
    tag: u32,
    node: u32,
    /// The server has said that it goes.
    has_goodbye: bool,
}

impl Imap {
    /// Connects and signs in.
    pub(crate) async fn login(me: &Identity, to: SocketAddr, mailbox: &MailboxName) -> Result<Self, Lost> {
        let (node, began) = (crate::world::node_at(to.ip()), me.recorder.log().now_micros());
        let welcome = async {
            let mut wire = Wire::connect(&me.env, me.recorder.log(), to).await?;
            if wire.line().await?.starts_with(b"* OK") {
                Ok(wire)
            } else {
                Err(Lost)
            }
        };
        let Ok(wire) = welcome.await else {
            me.recorder.failed(node, "welcome", began, Failure::NoWelcome);
            return Err(Lost);
        };
        let mut imap = Self {
            me: me.clone(),
            wire,
            session: me.recorder.new_session(),
            selected: None,
            tag: 0,
            node,
            has_goodbye: false,
        };
        match imap.run(&format!("LOGIN {} {PASSWORD}", mailbox.0)).await?.status {
            Status::Ok => {
                me.recorder.connected(imap.session, node);
                Ok(imap)
            }
            _ => Err(Lost),
        }
    }
    /// Runs a command to its end.
    pub(crate) async fn run(&mut self, command: &str) -> Result<Answer, Lost> {
        let began = self.me.recorder.log().now_micros();
        let answer = self.converse(command).await;
        if command == "LOGOUT" {
            return answer;
        }
        match &answer {
            Ok(answer) if answer.status == Status::Ok || answer.is_of_others() => {}
            Ok(answer) => {
                let failure = Failure::Refused(answer.text.clone());
                self.me.recorder.failed(self.node, command, began, failure);
            }
            Err(Lost) => self.lost(command, began).await,
        }
        answer
    }
    /// Writes down that the connection ended on the client, and how.
    async fn lost(&mut self, what: &str, began: u64) {
        self.me.recorder.connection_lost(self.session);
        if !self.me.recorder.judges_commands() {
            return;
        }
        // What was said before the connection broke may not have been read.
        while !self.has_goodbye {
            match self.wire.line().await {
                Ok(line) => self.has_goodbye = line.starts_with(b"* BYE"),
                Err(Lost) => break,
            }
        }
        let failure = if self.has_goodbye {
            Failure::Goodbye
        } else {
            Failure::Broken
        };
        self.me.recorder.failed(self.node, what, began, failure);
    }
    async fn converse(&mut self, command: &str) -> Result<Answer, Lost> {
        let tag = self.begin(command).await?;
        self.finish(&tag).await
    }
    /// Sends a command; its tag.
    pub(crate) async fn begin(&mut self, command: &str) -> Result<String, Lost> {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        let first = command.lines().next().unwrap_or_default();
        let by_uid = first.strip_prefix("UID ");
        let name = by_uid.unwrap_or(first).split(' ').next().unwrap_or_default().to_owned();
        let seen = Seen::Command {
            tag: tag.clone(),
            name,
            by_uid: by_uid.is_some(),
        };
        self.me.recorder.wire(self.session, seen);
        self.wire.send(format!("{tag} {command}\r\n").as_bytes()).await?;
        Ok(tag)
    }
    /// Reads to the end of the command `tag`.
    pub(crate) async fn finish(&mut self, tag: &str) -> Result<Answer, Lost> {
        let mut answer = Answer {
            status: Status::Bad,
            text: String::new(),
            said: Vec::new(),
            data: Vec::new(),
        };
        loop {
            let line = self.response().await?;
            if let Some(rest) = line.strip_prefix(format!("{tag} ").as_bytes()) {
                let text = String::from_utf8_lossy(rest).trim_end().to_owned();
                answer.status = match text.get(..2) {
                    Some("OK") => Status::Ok,
                    Some("NO") => Status::No,
                    _ => Status::Bad,
                };
                answer.text = text;
                let completed = Seen::Completed { tag: tag.to_owned() };
                self.me.recorder.wire(self.session, completed);
                return Ok(answer);
            }
            self.untagged(&line, Some(&mut answer))?;
        }
    }
    /// One response with its literals in place.
    async fn response(&mut self) -> Result<Vec<u8>, Lost> {
        let first = self.wire.line().await?;
        self.with_literals(first).await
    }
    async fn with_literals(&mut self, mut response: Vec<u8>) -> Result<Vec<u8>, Lost> {
        while let Some(octets) = literal_octets(&response) {
            response.extend(self.wire.exactly(octets).await?);
            response.extend(self.wire.line().await?);
        }
        Ok(response)
    }
    /// Takes in an untagged response.
    fn untagged(&mut self, line: &[u8], answer: Option<&mut Answer>) -> Result<(), Lost> {
        let rest = line.strip_prefix(b"* ").ok_or(Lost)?;
        let start = String::from_utf8_lossy(rest.get(..4).unwrap_or_default()).into_owned();
        if start.starts_with("BYE") {
            self.has_goodbye = true;
            return Err(Lost);
        }
        if ["OK ", "NO ", "BAD "].iter().any(|word| start.starts_with(word)) {
            if let Some(answer) = answer {
                answer.said.push(String::from_utf8_lossy(rest).trim_end().to_owned());
            }
            return Ok(());
        }
        let values = parse(rest).map_err(|_| Lost)?;
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
        let seen = match word {
            "EXISTS" => Seen::Exists(number),
            "EXPUNGE" => Seen::Expunge(number),
            "FETCH" => Seen::Fetch(number),
            _ => return,
        };
        let Some(selected) = &mut self.selected else { return };
        match seen {
            Seen::Exists(number) => selected.messages.resize(number as usize, None),
            Seen::Expunge(number) if (1..=selected.messages.len()).contains(&(number as usize)) => {
                selected.messages.remove(number as usize - 1);
                self.me.recorder.probe(Probe::ExpungeSeen);
            }
            _ => {}
        }
        self.me.recorder.wire(self.session, seen);
    }
    /// Selects a folder.
    pub(crate) async fn select(&mut self, place: &Place) -> Result<Status, Lost> {
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
        let exists: u32 = exists.ok_or(Lost)?;
        let number = |name: &str| answer.code(name).and_then(|number| u32::try_from(number).ok());
        self.selected = Some(Selected {
            validity: number("UIDVALIDITY").ok_or(Lost)?,
            uid_next: number("UIDNEXT").ok_or(Lost)?,
            highest_modseq: answer.code("HIGHESTMODSEQ"),
            messages: vec![None; exists as usize],
        });
        self.me.recorder.wire(self.session, Seen::Selected { exists });
        Ok(Status::Ok)
    }
    /// Fetches all of the selected folder; `whole` reads each mail to its last octet. None when the server refuses.
    pub(crate) async fn look(&mut self, whole: bool) -> Result<Option<Look>, Lost> {
        let selected = self.selected.as_ref().ok_or(Lost)?;
        let count = selected.messages.len();
        let mut rows: Vec<Option<MessageSeen>> = vec![None; count];
        if count > 0 {
            let items = if whole { ALL_ITEMS } else { ITEMS };
            let answer = self.run(&format!("FETCH 1:{count} {items}")).await?;
            if answer.status != Status::Ok {
                return Ok(None);
            }
            for values in &answer.data {
                take_row(values, &mut rows, false);
            }
        }
        self.looked(rows)
    }
    /// As [`Self::look`] at whole mails, one by one; one whose content cannot be read is shown without it.
    pub(crate) async fn look_at_each(&mut self) -> Result<Option<Look>, Lost> {
        let count = self.selected.as_ref().ok_or(Lost)?.messages.len();
        let mut rows: Vec<Option<MessageSeen>> = vec![None; count];
        for number in 1..=count {
            for items in [ALL_ITEMS, BARE_ITEMS] {
                let answer = self.run(&format!("FETCH {number} {items}")).await?;
                for values in &answer.data {
                    take_row(values, &mut rows, items == BARE_ITEMS);
                }
                if rows.get(number - 1).is_some_and(Option::is_some) {
                    break;
                }
            }
        }
        self.looked(rows)
    }
    /// What the rows of all messages tell; none when some are missing.
    fn looked(&mut self, rows: Vec<Option<MessageSeen>>) -> Result<Option<Look>, Lost> {
        let count = rows.len();
        let Some(selected) = &mut self.selected else {
            return Err(Lost);
        };
        for (at, row) in rows.iter().enumerate() {
            if let (Some(row), Some(known)) = (row, selected.messages.get_mut(at)) {
                *known = row.mail.map(|mail| MessageRef { uid: row.uid, mail });
            }
        }
        let messages: Vec<MessageSeen> = rows.into_iter().flatten().collect();
        if messages.len() < count {
            // Some were expunged meanwhile and cannot be read any more (RFC 2180 §4.1).
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
    /// Idles for so long, or until something is said.
    pub(crate) async fn idle(&mut self, span: Duration) -> Result<(), Lost> {
        let idled = self.idle_for(span).await;
        if idled.is_err() {
            // The server may end it at any time.
            let now = self.me.recorder.log().now_micros();
            self.lost("IDLE", now).await;
        }
        idled
    }
    async fn idle_for(&mut self, span: Duration) -> Result<(), Lost> {
        let tag = self.begin("IDLE").await?;
        let first = self.wire.line().await?;
        if !first.starts_with(b"+") {
            self.has_goodbye = first.starts_with(b"* BYE");
            return Err(Lost);
        }
        if let Ok(line) = self.wire.line_within(span).await {
            let line = self.with_literals(line).await?;
            self.untagged(&line, None)?;
            self.me.recorder.probe(Probe::IdleNotice);
        }
        self.wire.send(b"DONE\r\n").await?;
        self.finish(&tag).await?;
        Ok(())
    }
    /// The names of all folders.
    pub(crate) async fn folders(&mut self) -> Result<Vec<FolderName>, Lost> {
        let answer = self.run("LIST \"\" \"*\"").await?;
        let name = |values: &Vec<Value>| match values.as_slice() {
            [Value::Atom(word), _, _, name, ..] if word == "LIST" => name.text().map(FolderName),
            _ => None,
        };
        match answer.status {
            Status::Ok => Ok(answer.data.iter().filter_map(name).collect()),
            _ => Err(Lost),
        }
    }
}

/// Puts what a FETCH response says into the row of its message.
fn take_row(values: &[Value], rows: &mut [Option<MessageSeen>], is_bare: bool) {
    let [Value::Atom(number), Value::Atom(word), items] = values else {
        return;
    };
    let Some(row) = number
        .parse::<usize>()
        .ok()
        .and_then(|number| rows.get_mut(number.checked_sub(1)?))
    else {
        return;
    };
    if word != "FETCH" {
        return;
    }
    let new = message(items);
    if items.item(HEADER_ITEM).is_none() && items.item(WHOLE_ITEM).is_none() && !is_bare {
        // News of flags on the way.
        if let (Some(row), Some(_), Some(_)) = (row, items.item("FLAGS"), items.item("MODSEQ")) {
            (row.flags, row.modseq) = (new.flags, new.modseq);
        }
        return;
    }
    *row = Some(new);
}

/// What a FETCH response says of a message that it names by its UID.
pub(super) fn row(values: &[Value]) -> Option<MessageSeen> {
    match values {
        [Value::Atom(_), Value::Atom(word), items] if word == "FETCH" => {
            items.item("UID")?;
            Some(message(items))
        }
        _ => None,
    }
}

/// A message as the items of a FETCH response show it; what they do not show is nothing.
fn message(items: &Value) -> MessageSeen {
    let atom = |name: &str| items.item(name).and_then(Value::text);
    let flags: Option<BTreeSet<String>> = items
        .item("FLAGS")
        .map(|flags| flags.list().iter().filter_map(Value::text).collect());
    let modseq = items
        .item("MODSEQ")
        .and_then(|modseq| modseq.list().first()?.text()?.parse().ok());
    let mail = match items.item(WHOLE_ITEM).and_then(Value::octets) {
        Some(whole) => content::number(whole).filter(|_| content::is_whole(whole)),
        None => items
            .item(HEADER_ITEM)
            .and_then(Value::octets)
            .and_then(content::number),
    };
    MessageSeen {
        uid: atom("UID").and_then(|uid| uid.parse().ok()).unwrap_or(0),
        mail,
        flags: flags.unwrap_or_default(),
        modseq: modseq.unwrap_or(0),
        octets: atom("RFC822.SIZE").and_then(|octets| octets.parse().ok()).unwrap_or(0),
    }
}

/// The size of the literal that a line ends with.
fn literal_octets(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let at = line.iter().rposition(|octet| *octet == b'{')?;
    std::str::from_utf8(line.get(at + 1..)?).ok()?.parse().ok()
}
