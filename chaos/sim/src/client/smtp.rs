//! Sends one mail by SMTP, LMTP or submission, and says what came of it for each recipient.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_invariant::{Failure, Outcome, Reply};

use super::wire::{Lost, Wire};
use crate::client::Identity;
use crate::probe::Probe;

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Smtp,
    Lmtp,
    Submission,
}

impl Kind {
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Smtp => 25,
            Self::Lmtp => 24,
            Self::Submission => 587,
        }
    }
}

/// Who sends what to whom.
pub(crate) struct Envelope<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a [String],
    pub(crate) text: &'a str,
    /// Signs in with it, for submission.
    pub(crate) password: &'a str,
}

/// What came of it, for each recipient in order.
pub(crate) async fn send(me: &Identity, kind: Kind, to: SocketAddr, envelope: &Envelope<'_>) -> Vec<Outcome> {
    let mut outcomes = vec![Outcome::Refused; envelope.to.len()];
    // Lost before the final dot left: nothing has happened. Afterwards `converse` writes what is known.
    let _ = converse(me, kind, to, envelope, &mut outcomes).await;
    outcomes
}

async fn converse(
    me: &Identity,
    kind: Kind,
    to: SocketAddr,
    envelope: &Envelope<'_>,
    outcomes: &mut [Outcome],
) -> Result<(), Lost> {
    let mut talk = Talk::begin(me, to).await?;
    let hello = if kind == Kind::Lmtp { "LHLO" } else { "EHLO" };
    good(talk.command(&format!("{hello} client.test")).await?)?;
    if kind == Kind::Submission {
        let plain = STANDARD.encode(format!("\0{}\0{}", envelope.from, envelope.password));
        good(talk.command(&format!("AUTH PLAIN {plain}")).await?)?;
    }
    good(talk.command(&format!("MAIL FROM:<{}>", envelope.from)).await?)?;
    let mut taken = Vec::new();
    for (index, recipient) in envelope.to.iter().enumerate() {
        if talk.command(&format!("RCPT TO:<{recipient}>")).await? / 100 == 2 {
            taken.push(index);
        }
    }
    if taken.is_empty() || talk.command("DATA").await? != 354 {
        return Ok(());
    }
    for index in &taken {
        outcomes[*index] = Outcome::Unknown;
    }
    // No line of ours begins with a dot.
    let all = outcome(talk.command(&format!("{}.", envelope.text)).await?);
    for (at, index) in taken.into_iter().enumerate() {
        outcomes[index] = if kind == Kind::Lmtp && at > 0 {
            outcome(talk.answer("the mail").await?)
        } else {
            all.clone()
        };
    }
    let _ = command(&mut talk.wire, "QUIT").await;
    Ok(())
}

/// A conversation whose failures are written down.
struct Talk<'a> {
    me: &'a Identity,
    wire: Wire,
    node: u32,
    began: u64,
}

impl<'a> Talk<'a> {
    async fn begin(me: &'a Identity, to: SocketAddr) -> Result<Self, Lost> {
        let (node, began) = (crate::world::node_at(to.ip()), me.recorder.log().now_micros());
        let welcome = async {
            let mut wire = Wire::connect(&me.env, me.recorder.log(), to).await?;
            good(reply(&mut wire).await?)?;
            Ok(wire)
        };
        match welcome.await {
            Ok(wire) => Ok(Self { me, wire, node, began }),
            Err(Lost) => {
                me.recorder.failed(node, "welcome", began, Failure::NoWelcome);
                Err(Lost)
            }
        }
    }
    async fn command(&mut self, line: &str) -> Result<u16, Lost> {
        self.began = self.me.recorder.log().now_micros();
        // Whoever says goodbye reads no more; what it said is there all the same.
        let _ = self.wire.send(format!("{line}\r\n").as_bytes()).await;
        self.answer(line).await
    }
    async fn answer(&mut self, to: &str) -> Result<u16, Lost> {
        let code = reply(&mut self.wire).await;
        let failure = match code {
            // RFC 5321 §3.8: the server closes the channel after it.
            Ok(421) => Failure::Goodbye,
            Ok(code @ 400..) => {
                if code < 500 {
                    self.me.recorder.probe(Probe::RefusedForNow);
                }
                Failure::Refused(code.to_string())
            }
            Ok(code) => return Ok(code),
            Err(Lost) => Failure::Broken,
        };
        let is_over = failure == Failure::Goodbye;
        self.me.recorder.failed(self.node, to, self.began, failure);
        if is_over { Err(Lost) } else { code }
    }
}

/// A refusal for now says nothing of what may have happened already, or happens yet.
fn outcome(code: u16) -> Outcome {
    match code / 100 {
        2 => Outcome::Done(Reply::Plain),
        5 => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

fn good(code: u16) -> Result<(), Lost> {
    if code / 100 == 2 { Ok(()) } else { Err(Lost) }
}

async fn command(wire: &mut Wire, line: &str) -> Result<u16, Lost> {
    wire.send(format!("{line}\r\n").as_bytes()).await?;
    reply(wire).await
}

async fn reply(wire: &mut Wire) -> Result<u16, Lost> {
    loop {
        let line = wire.line().await?;
        if line.get(3) != Some(&b'-') {
            let code = line.get(..3).and_then(|code| std::str::from_utf8(code).ok());
            return code.and_then(|code| code.parse().ok()).ok_or(Lost);
        }
    }
}
