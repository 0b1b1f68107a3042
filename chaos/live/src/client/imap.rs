//! An IMAP client over a real connection, which writes down all it was told.

use std::time::Duration;

use hongyan_conformance::imap::Value;
use hongyan_invariant::{FolderName, Look, MailboxName, MessageRef, Place, SessionId};
use hongyan_workload::{Answer, Rows, Session, Status, Strange, Taken};

use super::wire::Wire;
use super::{Identity, PASSWORD, Way};
use crate::record::Failure;

/// A connection.
pub(crate) struct Imap {
    me: Identity,
    wire: Wire,
    pub(crate) session: SessionId,
    node: Option<usize>,
    opened: u64,
    kept: Session,
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
            kept: Session::default(),
        })
    }
    /// Runs a command to its end, and writes down how that went.
    pub(crate) async fn run(&mut self, command: &str) -> Result<Answer, Failure> {
        let from = self.me.recorder.now();
        let answer = async {
            self.begin(command).await?;
            self.finish().await
        };
        let answer = answer.await;
        let name = command.strip_prefix("UID ").unwrap_or(command);
        self.note(name.split(' ').next().unwrap_or_default(), from, &answer);
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
    /// Sends a command.
    async fn begin(&mut self, command: &str) -> Result<(), Failure> {
        let begun = self.kept.begin(command);
        self.me.recorder.wire(self.session, begun.seen);
        self.wire.send(begun.line.as_bytes()).await
    }
    /// Reads to the end of the command.
    async fn finish(&mut self) -> Result<Answer, Failure> {
        loop {
            let first = self.wire.line().await?;
            if let Some(answer) = self.take(first).await? {
                return Ok(answer);
            }
        }
    }
    /// Takes in one response, of which the first line is there; the answer when it is the end of the command.
    async fn take(&mut self, mut response: Vec<u8>) -> Result<Option<Answer>, Failure> {
        while let Some(octets) = Session::literal_octets(&response) {
            response.extend(self.wire.exactly(octets).await?);
            response.extend(self.wire.line().await?);
        }
        let (seen, answer) = match self.kept.take(&response).map_err(strange)? {
            Taken::Untagged(seen) => (seen, None),
            Taken::Completed(answer, seen) => (Some(seen), Some(answer)),
            Taken::GoOn => (None, None),
            Taken::Goodbye(_) => return Err(Failure::Moved),
        };
        if let Some(seen) = seen {
            self.me.recorder.wire(self.session, seen);
        }
        Ok(answer)
    }
    /// Selects a folder.
    pub(crate) async fn select(&mut self, place: &Place) -> Result<Status, Failure> {
        self.kept.close();
        let answer = self.run(&format!("SELECT {} (CONDSTORE)", place.folder.0)).await?;
        if answer.is_ok() {
            let opened = self.kept.open(&answer).map_err(strange)?;
            self.me.recorder.wire(self.session, opened.seen);
        }
        Ok(answer.status)
    }
    /// Messages that have been looked at.
    pub(crate) fn known(&self) -> Vec<MessageRef> {
        self.kept.known()
    }
    /// Fetches all of the selected folder; `whole` reads each mail to its last octet. None when the server refuses, or
    /// some messages go while it is at it.
    pub(crate) async fn look(&mut self, whole: bool) -> Result<Option<Look>, Failure> {
        let count = self.kept.count().unwrap_or(0);
        let mut rows = Rows::new(count);
        if count > 0 {
            let answer = self.run(&Session::look(count, whole)).await?;
            if !answer.is_ok() {
                return Ok(None);
            }
            rows.take(&answer.data, false);
        }
        Ok(self.kept.looked(rows))
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
        self.begin("IDLE").await?;
        let first = self.wire.line().await?;
        // News may come before the invitation to wait.
        if let Some(answer) = self.take(first).await? {
            return Err(Failure::Refused(answer.text));
        }
        let has_news = match self.wire.line_within(span).await {
            Ok(line) => {
                self.take(line).await?;
                true
            }
            Err(Failure::Silent) => false,
            Err(failure) => return Err(failure),
        };
        let from = self.me.recorder.now();
        self.wire.send(b"DONE\r\n").await?;
        let answer = self.finish().await;
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

/// What makes no sense.
fn strange(strange: Strange) -> Failure {
    Failure::Refused(strange.0)
}
