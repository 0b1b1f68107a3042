//! Delivers by SMTP or LMTP: one mail after the other on a connection.

use hongyan_invariant::{Outcome, Reply};

use super::wire::Wire;
use super::{Identity, Way};
use crate::record::Failure;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Smtp,
    Lmtp,
}

/// A connection.
pub(crate) struct Smtp {
    me: Identity,
    wire: Wire,
    node: Option<usize>,
    opened: u64,
}

/// An answer.
struct Said {
    code: u16,
    text: String,
}

impl Smtp {
    pub(crate) async fn open(me: &Identity, kind: Kind, way: Way) -> Result<Self, Failure> {
        let from = me.recorder.now();
        let opened = Self::greet(me, kind, way).await;
        let node = opened.as_ref().map_or(way.node, |smtp| smtp.node);
        me.note(node, "connect", from, opened.as_ref().err());
        opened
    }
    async fn greet(me: &Identity, kind: Kind, way: Way) -> Result<Self, Failure> {
        let mut smtp = Self {
            me: me.clone(),
            wire: Wire::plain(me, way).await?,
            node: way.node,
            opened: me.recorder.now(),
        };
        let greeting = smtp.reply().await?;
        me.recorder.connected();
        smtp.node = smtp.node.or_else(|| node_named(&greeting.text));
        good(greeting)?;
        let hello = if kind == Kind::Lmtp { "LHLO" } else { "EHLO" };
        good(smtp.command(&format!("{hello} client.chaos.test")).await?)?;
        Ok(smtp)
    }
    /// Hands over a mail; what came of it, and whether the connection can be used again.
    pub(crate) async fn deliver(&mut self, from: &str, to: &str, text: &str) -> (Outcome, Result<(), Failure>) {
        let began = self.me.recorder.now();
        // Lost before the final dot left, nothing has happened.
        let mut outcome = Outcome::Refused;
        let done = self.converse(from, to, text, &mut outcome).await;
        // A node that goes at a command's border has not failed: the mail goes elsewhere.
        let failure = match &done {
            Err(Failure::Moved) if outcome == Outcome::Refused => None,
            done => done.as_ref().err(),
        };
        match failure {
            None if done.is_err() => {}
            failure => self.me.note(self.node, "deliver", began, failure),
        }
        if let Err(failure @ (Failure::Closed | Failure::Silent)) = &done {
            self.me.note_dropped(self.node, self.opened, failure.clone());
        }
        (outcome, done)
    }
    async fn converse(&mut self, from: &str, to: &str, text: &str, outcome: &mut Outcome) -> Result<(), Failure> {
        good(self.command(&format!("MAIL FROM:<{from}>")).await?)?;
        good(self.command(&format!("RCPT TO:<{to}>")).await?)?;
        let go_on = self.command("DATA").await?;
        if go_on.code != 354 {
            return Err(refusal(go_on));
        }
        *outcome = Outcome::Unknown;
        self.wire.send(format!("{text}.\r\n").as_bytes()).await?;
        let said = self.reply().await?;
        // A refusal for now says nothing of what may have happened already, or happens yet.
        *outcome = match said.code / 100 {
            2 => Outcome::Done(Reply::Plain),
            5 => Outcome::Refused,
            _ => Outcome::Unknown,
        };
        good(said)
    }
    pub(crate) async fn quit(mut self) {
        // It would be closed next in any case.
        let _ = self.command("QUIT").await;
    }
    /// Makes a connection good for another mail after a refusal.
    pub(crate) async fn reset(&mut self) -> Result<(), Failure> {
        good(self.command("RSET").await?)
    }
    async fn command(&mut self, line: &str) -> Result<Said, Failure> {
        self.wire.send(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }
    async fn reply(&mut self) -> Result<Said, Failure> {
        loop {
            let line = self.wire.line().await?;
            if line.get(3) != Some(&b'-') {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                let code = text.get(..3).and_then(|code| code.parse().ok());
                let code = code.ok_or_else(|| Failure::Refused(text.clone()))?;
                return Ok(Said { code, text });
            }
        }
    }
}

fn good(said: Said) -> Result<(), Failure> {
    if said.code / 100 == 2 {
        Ok(())
    } else {
        Err(refusal(said))
    }
}

/// RFC 5321 §3.8: 421 says that the server closes the connection.
fn refusal(said: Said) -> Failure {
    if said.code == 421 {
        Failure::Moved
    } else {
        Failure::Refused(said.text)
    }
}

/// The node that greets: `220 node2.chaos.test ...`
fn node_named(greeting: &str) -> Option<usize> {
    let name = greeting.split(' ').nth(1)?.strip_prefix("node")?;
    let number: usize = name.split('.').next()?.parse().ok()?;
    number.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_known_by_its_greeting() {
        assert_eq!(node_named("220 node2.chaos.test ESMTP"), Some(1));
        assert_eq!(node_named("220 localhost ESMTP"), None);
    }
}
