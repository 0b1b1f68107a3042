//! Large folders: opened, listed, read whole.

use crate::connect::Connector;
use crate::drive::{Load, drive};
use crate::fill;
use crate::imap::Imap;
use crate::options::Options;
use anyhow::{Result, bail};
use clap::Args;
use std::cell::Cell;

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Messages in the folder; it is made and filled before the run.
    #[arg(long, default_value_t = 10_000)]
    pub messages: u64,
    /// Octets of each message.
    #[arg(long, default_value_t = 1_024)]
    pub octets: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Flags,
    Envelopes,
    View,
    Bodies,
}

struct Folder<'a> {
    arguments: &'a Arguments,
    connector: &'a Connector,
    what: What,
    name: String,
    octets_read: Cell<u64>,
}

impl Load for Folder<'_> {
    type Session = Imap;

    async fn open(&self, _: usize) -> Result<Imap> {
        let options = &self.arguments.options;
        let mut imap = Imap::open(self.connector, options, &options.user(0)).await?;
        if self.what != What::Flags {
            imap.select(&self.name).await?;
        }
        Ok(imap)
    }

    async fn operate(&self, imap: &mut Imap, _: u64) -> Result<()> {
        let before = imap.link.octets_read;
        let messages = self.arguments.messages;
        let answer = match self.what {
            What::Flags => {
                imap.select(&self.name).await?;
                imap.run("FETCH 1:* (UID FLAGS)").await?
            }
            What::Envelopes => {
                let first = messages.saturating_sub(99).max(1);
                let last = messages;
                imap.run(&format!(
                    "FETCH {first}:{last} (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"
                ))
                .await?
            }
            What::View => {
                let first = messages.saturating_sub(49).max(1);
                imap.run(&format!(
                    "FETCH {first}:{messages} (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE EMAILID THREADID PREVIEW)"
                ))
                .await?
            }
            What::Bodies => imap.run("FETCH 1:* (UID BODY.PEEK[])").await?,
        };
        let expected = match self.what {
            What::Envelopes => messages.min(100),
            What::View => messages.min(50),
            What::Flags | What::Bodies => messages,
        };
        if answer.untagged < expected {
            bail!("{} of {expected} messages came", answer.untagged);
        }
        self.octets_read
            .set(self.octets_read.get() + imap.link.octets_read - before);
        Ok(())
    }
}

pub async fn run(arguments: &Arguments, what: What) -> Result<()> {
    let options = &arguments.options;
    let connector = Connector::new()?;
    let name = format!("load{}x{}", arguments.messages, arguments.octets);
    let mut imap = Imap::open(&connector, options, &options.user(0)).await?;
    // It may be there from an earlier run.
    let _ = imap.run(&format!("CREATE {name}")).await;
    fill::fill(&mut imap, &name, arguments.messages, arguments.octets, 1).await?;
    imap.logout().await?;
    let load = Folder {
        arguments,
        connector: &connector,
        what,
        name,
        octets_read: Cell::new(0),
    };
    let title = match what {
        What::Flags => format!("select+flags {}", arguments.messages),
        What::Envelopes => format!("envelopes {}", arguments.messages),
        What::View => format!("imap view of 50 of {}", arguments.messages),
        What::Bodies => format!("fetch all {}x{}", arguments.messages, arguments.octets),
    };
    let mut report = drive(options, &connector, &title, &load).await?;
    let megabytes = load.octets_read.get() as f64 / 1e6;
    report
        .more
        .insert("megabytes_per_second", megabytes / report.seconds.max(1e-6));
    report.publish(options)
}
