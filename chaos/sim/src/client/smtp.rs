//! Sends one mail by SMTP, LMTP or submission, and says what came of it for each recipient.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_invariant::{Outcome, Reply};

use super::wire::{Lost, Wire};
use crate::client::Identity;

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
    let mut wire = Wire::connect(&me.env, me.recorder.log(), to).await?;
    good(reply(&mut wire).await?)?;
    let hello = if kind == Kind::Lmtp { "LHLO" } else { "EHLO" };
    good(command(&mut wire, &format!("{hello} client.test")).await?)?;
    if kind == Kind::Submission {
        let plain = STANDARD.encode(format!("\0{}\0{}", envelope.from, envelope.password));
        good(command(&mut wire, &format!("AUTH PLAIN {plain}")).await?)?;
    }
    good(command(&mut wire, &format!("MAIL FROM:<{}>", envelope.from)).await?)?;
    let mut taken = Vec::new();
    for (index, recipient) in envelope.to.iter().enumerate() {
        if command(&mut wire, &format!("RCPT TO:<{recipient}>")).await? / 100 == 2 {
            taken.push(index);
        }
    }
    if taken.is_empty() || command(&mut wire, "DATA").await? != 354 {
        return Ok(());
    }
    for index in &taken {
        outcomes[*index] = Outcome::Unknown;
    }
    // No line of ours begins with a dot.
    wire.send(format!("{}.\r\n", envelope.text).as_bytes()).await?;
    if kind == Kind::Lmtp {
        for index in taken {
            outcomes[index] = outcome(reply(&mut wire).await?);
        }
    } else {
        let all = outcome(reply(&mut wire).await?);
        for index in taken {
            outcomes[index] = all.clone();
        }
    }
    let _ = command(&mut wire, "QUIT").await;
    Ok(())
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
