//! What mail programs do all day with an INBOX: of 100 operations 30 envelopes of a message, 25 bodies, 20 changes of
//! \Seen, 10 NOOP, 10 STATUS, 5 SEARCH UNSEEN.

use crate::connect::Connector;
use crate::drive::{Load, drive};
use crate::fill;
use crate::imap::Imap;
use crate::mail::Numbers;
use crate::options::Options;
use anyhow::Result;
use clap::Args;
use std::cell::RefCell;

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Messages that each INBOX shall have at least; it is filled before the run.
    #[arg(long, default_value_t = 200)]
    pub messages: u64,
    /// Octets of each.
    #[arg(long, default_value_t = 8_192)]
    pub octets: usize,
}

struct Mix<'a> {
    arguments: &'a Arguments,
    connector: &'a Connector,
    numbers: RefCell<Numbers>,
}

struct Session {
    imap: Imap,
    messages: u64,
}

impl Load for Mix<'_> {
    type Session = Session;

    async fn open(&self, worker: usize) -> Result<Session> {
        let options = &self.arguments.options;
        let mut imap = Imap::open(self.connector, options, &options.user(worker)).await?;
        let messages = imap.select("INBOX").await?;
        Ok(Session { imap, messages })
    }

    async fn operate(&self, session: &mut Session, _: u64) -> Result<()> {
        let (kind, message) = {
            let mut numbers = self.numbers.borrow_mut();
            (numbers.below(100), numbers.below(session.messages as usize) + 1)
        };
        let command = match kind {
            0..30 => format!("FETCH {message} (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"),
            30..55 => format!("FETCH {message} (UID BODY.PEEK[])"),
            55..65 => format!("STORE {message} +FLAGS (\\Seen)"),
            65..75 => format!("STORE {message} -FLAGS (\\Seen)"),
            75..85 => "NOOP".to_owned(),
            85..95 => "STATUS Sent (MESSAGES UIDNEXT UNSEEN)".to_owned(),
            _ => "SEARCH UNSEEN".to_owned(),
        };
        session.imap.run(&command).await?;
        Ok(())
    }
}

pub async fn run(arguments: &Arguments) -> Result<()> {
    let options = &arguments.options;
    let connector = Connector::new()?;
    for number in 0..options.users.min(options.connections) {
        let mut imap = Imap::open(&connector, options, &options.user(number)).await?;
        fill::fill(&mut imap, "INBOX", arguments.messages, arguments.octets, number as u64).await?;
        // Not every server makes it by itself.
        let _ = imap.run("CREATE Sent").await;
        imap.logout().await?;
    }
    let load = Mix {
        arguments,
        connector: &connector,
        numbers: RefCell::new(Numbers::new(1)),
    };
    drive(options, &connector, "imap mix", &load).await?.publish(options)
}
