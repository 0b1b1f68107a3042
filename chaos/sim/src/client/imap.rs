//! An IMAP client over a simulated connection, which writes down all it was told.

use std::net::SocketAddr;
use std::time::Duration;

use hongyan_conformance::imap::Value;
use hongyan_invariant::{Failure, FolderName, Look, MailboxName, MessageRef, Place, SessionId, Wire as Seen};
use hongyan_workload::{ALL_ITEMS, Answer, BARE_ITEMS, Goodbye, Rows, Session, Status, Strange, Taken};

use super::wire::{Lost, Wire};
use crate::client::Identity;
use crate::probe::Probe;
use crate::world::PASSWORD;

/// A connection.
pub(crate) struct Imap {
    me: Identity,
    wire: Wire,
    pub(crate) session: SessionId,
    kept: Session,
    node: u32,
    /// The server has said that it goes, and why.
    goodbye: Option<Goodbye>,
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
            kept: Session::default(),
            node,
            goodbye: None,
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
        // What was said before the connection broke may not have been read.
        while self.me.recorder.judges_connections() && self.goodbye.is_none() {
            match self.wire.line().await {
                Ok(line) => self.goodbye = Goodbye::of(&line),
                Err(Lost) => break,
            }
        }
        if self.goodbye == Some(Goodbye::FolderGone) {
            // Another client did that; no server failed.
            return;
        }
        self.me.recorder.connection_lost(self.session);
        if !self.me.recorder.judges_commands() {
            return;
        }
        let failure = match self.goodbye {
            Some(_) => Failure::Goodbye,
            None => Failure::Broken,
        };
        self.me.recorder.failed(self.node, what, began, failure);
    }
    async fn converse(&mut self, command: &str) -> Result<Answer, Lost> {
        self.begin(command).await?;
        self.finish().await
    }
    /// Sends a command.
    async fn begin(&mut self, command: &str) -> Result<(), Lost> {
        let begun = self.kept.begin(command);
        self.me.recorder.wire(self.session, begun.seen);
        self.wire.send(begun.line.as_bytes()).await
    }
    /// Reads to the end of the command.
    async fn finish(&mut self) -> Result<Answer, Lost> {
        loop {
            let first = self.wire.line().await?;
            if let Some(answer) = self.take(first).await? {
                return Ok(answer);
            }
        }
    }
    /// Takes in one response, of which the first line is there; the answer when it is the end of the command.
    async fn take(&mut self, mut response: Vec<u8>) -> Result<Option<Answer>, Lost> {
        while let Some(octets) = Session::literal_octets(&response) {
            response.extend(self.wire.exactly(octets).await?);
            response.extend(self.wire.line().await?);
        }
        let (seen, answer) = match self.kept.take(&response).map_err(lost)? {
            Taken::Untagged(seen) => (seen, None),
            Taken::Completed(answer, seen) => (Some(seen), Some(answer)),
            Taken::GoOn => (None, None),
            Taken::Goodbye(goodbye) => {
                self.goodbye = Some(goodbye);
                return Err(Lost);
            }
        };
        if let Some(seen) = seen {
            if matches!(seen, Seen::Expunge(_)) {
                self.me.recorder.probe(Probe::ExpungeSeen);
            }
            self.me.recorder.wire(self.session, seen);
        }
        Ok(answer)
    }
    /// Selects a folder.
    pub(crate) async fn select(&mut self, place: &Place) -> Result<Status, Lost> {
        self.kept.close();
        let answer = self.run(&format!("SELECT {} (CONDSTORE)", place.folder.0)).await?;
        if answer.is_ok() {
            let opened = self.kept.open(&answer).map_err(lost)?;
            self.me.recorder.wire(self.session, opened.seen);
        }
        Ok(answer.status)
    }
    /// Messages that have been looked at.
    pub(crate) fn known(&self) -> Vec<MessageRef> {
        self.kept.known()
    }
    /// Fetches all of the selected folder; `whole` reads each mail to its last octet. None when the server refuses.
    pub(crate) async fn look(&mut self, whole: bool) -> Result<Option<Look>, Lost> {
        let count = self.kept.count().ok_or(Lost)?;
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
    /// As [`Self::look`] at whole mails, one by one; one whose content cannot be read is shown without it.
    pub(crate) async fn look_at_each(&mut self) -> Result<Option<Look>, Lost> {
        let count = self.kept.count().ok_or(Lost)?;
        let mut rows = Rows::new(count);
        for number in 1..=count {
            for items in [ALL_ITEMS, BARE_ITEMS] {
                let answer = self.run(&format!("FETCH {number} {items}")).await?;
                rows.take(&answer.data, items == BARE_ITEMS);
                if rows.has(number) {
                    break;
                }
            }
        }
        Ok(self.kept.looked(rows))
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
        self.begin("IDLE").await?;
        let first = self.wire.line().await?;
        if !first.starts_with(b"+") {
            self.goodbye = Goodbye::of(&first);
            return Err(Lost);
        }
        if let Ok(line) = self.wire.line_within(span).await {
            self.take(line).await?;
            self.me.recorder.probe(Probe::IdleNotice);
        }
        self.wire.send(b"DONE\r\n").await?;
        self.finish().await?;
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

/// What makes no sense ends the connection.
fn lost(_: Strange) -> Lost {
    Lost
}
