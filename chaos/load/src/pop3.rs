//! POP3: each connection has a maildrop of its own and fetches its messages over and over.

use crate::connect::{Connector, Link};
use crate::drive::{Load, drive};
use crate::fill;
use crate::imap::Imap;
use crate::options::{Options, Tls};
use anyhow::{Context, Result, bail};
use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// A plain IMAP port, through which the maildrops are filled before the run.
    #[arg(long)]
    pub imap_port: Option<u16>,
    /// Messages that each shall have at least.
    #[arg(long, default_value_t = 200)]
    pub messages: u64,
    /// Octets of each.
    #[arg(long, default_value_t = 8_192)]
    pub octets: usize,
}

struct Maildrops<'a> {
    options: &'a Options,
    connector: &'a Connector,
}

struct Session {
    link: Link,
    messages: u64,
    next: u64,
}

impl Load for Maildrops<'_> {
    type Session = Session;

    async fn open(&self, worker: usize) -> Result<Session> {
        let mut link = self.connector.connect(self.options).await?;
        expect(&mut link).await?;
        if self.options.tls == Tls::Start {
            command(&mut link, "STLS").await?;
            self.connector.start_tls(&mut link).await?;
        }
        command(&mut link, &format!("USER {}", self.options.user(worker))).await?;
        command(&mut link, &format!("PASS {}", self.options.password)).await?;
        let stat = command(&mut link, "STAT").await?;
        let messages = stat
            .split(' ')
            .nth(1)
            .and_then(|n| n.parse().ok())
            .context("read STAT")?;
        if messages == 0 {
            bail!("the maildrop is empty");
        }
        Ok(Session {
            link,
            messages,
            next: 1,
        })
    }

    async fn operate(&self, session: &mut Session, _: u64) -> Result<()> {
        let number = session.next;
        session.next = number % session.messages + 1;
        command(&mut session.link, &format!("RETR {number}")).await?;
        while session.link.line().await? != b"." {}
        Ok(())
    }
}

async fn expect(link: &mut Link) -> Result<String> {
    let line = link.text().await?;
    if !line.starts_with("+OK") {
        bail!("the server says: {line}");
    }
    Ok(line)
}

async fn command(link: &mut Link, text: &str) -> Result<String> {
    link.send(format!("{text}\r\n").as_bytes()).await?;
    expect(link).await
}

pub async fn run(arguments: &Arguments) -> Result<()> {
    let options = &arguments.options;
    let connector = Connector::new()?;
    if options.users < options.connections {
        bail!(
            "each connection needs a user of its own: --users {} or more",
            options.connections
        );
    }
    if let Some(port) = arguments.imap_port {
        for number in 0..options.connections {
            let link = connector.connect_to(options, port, Tls::None).await?;
            let mut imap = Imap::greet(link).await?;
            imap.login(&options.user(number), &options.password).await?;
            fill::fill(&mut imap, "INBOX", arguments.messages, arguments.octets, number as u64).await?;
            imap.logout().await?;
        }
    }
    let load = Maildrops {
        options,
        connector: &connector,
    };
    drive(options, &connector, "pop3 retr", &load).await?.publish(options)
}
