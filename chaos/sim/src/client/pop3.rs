//! A POP3 client that reads a whole maildrop.

use std::net::SocketAddr;

use hongyan_invariant::{DropSeen, Failure, MailId, MailboxName};
use hongyan_workload::content;

use super::wire::{Lost, Wire};
use crate::client::Identity;
use crate::probe::Probe;
use crate::world::PASSWORD;

/// What a session is doing.
pub(crate) struct Pop3 {
    me: Identity,
    wire: Wire,
    node: u32,
    /// Message numbers and what they are, as far as they were read.
    pub(crate) seen: Vec<(u32, DropSeen)>,
}

/// Why there is no session.
pub(crate) enum NoMaildrop {
    /// The connection is gone, or nobody answers.
    Lost,
    /// Another session has the maildrop (RFC 1939 §4), or it cannot be had now.
    Refused,
}

impl From<Lost> for NoMaildrop {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

impl Pop3 {
    /// Connects and signs in.
    pub(crate) async fn login(me: &Identity, to: SocketAddr, mailbox: &MailboxName) -> Result<Self, NoMaildrop> {
        let (node, began) = (crate::world::node_at(to.ip()), me.recorder.log().now_micros());
        let welcome = async {
            let mut wire = Wire::connect(&me.env, me.recorder.log(), to).await?;
            if wire.line().await?.starts_with(b"+OK") {
                Ok(wire)
            } else {
                Err(Lost)
            }
        };
        let Ok(wire) = welcome.await else {
            me.recorder.failed(node, "welcome", began, Failure::NoWelcome);
            return Err(NoMaildrop::Lost);
        };
        let mut pop3 = Self {
            me: me.clone(),
            wire,
            node,
            seen: Vec::new(),
        };
        if pop3.command(&format!("USER {}", mailbox.0)).await? && pop3.command(&format!("PASS {PASSWORD}")).await? {
            Ok(pop3)
        } else {
            Err(NoMaildrop::Refused)
        }
    }
    /// Whether the server says yes.
    pub(crate) async fn command(&mut self, line: &str) -> Result<bool, Lost> {
        let began = self.me.recorder.log().now_micros();
        // Whoever says goodbye reads no more; what it said is there all the same.
        let _ = self.wire.send(format!("{line}\r\n").as_bytes()).await;
        let answer = self.wire.line().await;
        let failure = match &answer {
            Ok(answer) if answer.starts_with(b"+OK") => return Ok(true),
            // RFC 2449 §8.1.2: somebody else has it.
            Ok(answer) if answer.starts_with(b"-ERR [IN-USE]") => return Ok(false),
            // Another client has expunged it by IMAP since the maildrop was opened.
            Ok(answer) if answer.starts_with(b"-ERR message is gone") => return Ok(false),
            Ok(answer) if is_goodbye(answer) => Failure::Goodbye,
            Ok(answer) => Failure::Refused(String::from_utf8_lossy(answer).trim_end().to_owned()),
            Err(Lost) => Failure::Broken,
        };
        // RFC 3206 §4: another try may do, and this one says nothing of the maildrop.
        let is_for_now = answer
            .as_ref()
            .is_ok_and(|answer| answer.starts_with(b"-ERR [SYS/TEMP]"));
        if is_for_now && failure != Failure::Goodbye {
            self.me.recorder.probe(Probe::RefusedForNow);
        }
        let is_over = is_for_now || failure == Failure::Goodbye;
        self.me.recorder.failed(self.node, line, began, failure);
        if is_over { Err(Lost) } else { answer.map(|_| false) }
    }
    /// The lines up to the one that ends them, as they were before they were stuffed.
    async fn lines(&mut self) -> Result<Vec<u8>, Lost> {
        let mut lines = Vec::new();
        loop {
            let line = self.wire.line().await?;
            if line == b".\r\n" {
                return Ok(lines);
            }
            lines.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }
    /// Reads all there is; false when the server refuses.
    pub(crate) async fn read_all(&mut self) -> Result<bool, Lost> {
        if !self.command("UIDL").await? {
            return Ok(false);
        }
        let listing = String::from_utf8_lossy(&self.lines().await?).into_owned();
        for line in listing.lines() {
            let (number, unique) = line.split_once(' ').ok_or(Lost)?;
            let number: u32 = number.parse().map_err(|_| Lost)?;
            if !self.command(&format!("RETR {number}")).await? {
                // It was expunged by another session meanwhile.
                continue;
            }
            let message = self.lines().await?;
            let seen = DropSeen {
                unique: unique.to_owned(),
                mail: content::whole(&message),
            };
            self.seen.push((number, seen));
        }
        Ok(true)
    }
    /// Marks these for removal; those that are marked.
    pub(crate) async fn mark(&mut self, chosen: &[(u32, MailId)]) -> Result<Vec<MailId>, Lost> {
        let mut marked = Vec::new();
        for (number, mail) in chosen {
            if self.command(&format!("DELE {number}")).await? {
                marked.push(*mail);
            }
        }
        Ok(marked)
    }
}

/// What the server says in place of an answer when it goes.
fn is_goodbye(answer: &[u8]) -> bool {
    String::from_utf8_lossy(answer).contains("shutting down")
}
