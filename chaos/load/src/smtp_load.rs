//! Mail in: SMTP, LMTP, submission. With an IMAP port the run also waits until all of it is in the mailboxes, and the
//! processor time is that until then.

use crate::connect::Connector;
use crate::cpu;
use crate::drive::{Load, drive};
use crate::imap::Imap;
use crate::mail::{Sizes, Writer};
use crate::options::{Options, Tls};
use crate::smtp::{Kind, Smtp};
use anyhow::{Result, bail};
use clap::Args;
use std::cell::RefCell;
use std::time::Duration;

const POLL: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Octets of each mail.
    #[arg(long, default_value_t = 8_192)]
    pub octets: usize,
    /// Sizes as mailboxes hold them, median 8 KB and mean 58 KB, instead.
    #[arg(long)]
    pub mixed: bool,
    /// A plain IMAP port; the run then ends when the mail is in the mailboxes.
    #[arg(long)]
    pub imap_port: Option<u16>,
    /// Longest wait for mail to arrive.
    #[arg(long, default_value_t = 120)]
    pub arrival_seconds: u64,
    /// Seed of the mail's text.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

struct Mailing<'a> {
    options: &'a Options,
    connector: &'a Connector,
    kind: Kind,
    writer: RefCell<Writer>,
}

struct Session {
    smtp: Smtp,
    from: String,
}

impl Load for Mailing<'_> {
    type Session = Session;

    async fn open(&self, worker: usize) -> Result<Session> {
        let user = self.options.user(worker);
        let is_submission = self.kind == Kind::Submission;
        let login = is_submission.then_some((user.as_str(), self.options.password.as_str()));
        let smtp = Smtp::open(self.connector, self.options, self.kind, login).await?;
        let from = if is_submission {
            user
        } else {
            "sender@load.example.test".to_owned()
        };
        Ok(Session { smtp, from })
    }

    async fn operate(&self, session: &mut Session, number: u64) -> Result<()> {
        let to = self.options.user(number as usize);
        let mail = self.writer.borrow_mut().write(&session.from, &to);
        session.smtp.deliver(&session.from, &to, &mail).await
    }
}

pub async fn run(arguments: &Arguments, kind: Kind) -> Result<()> {
    let options = &arguments.options;
    let connector = Connector::new()?;
    let sizes = if arguments.mixed {
        Sizes::Mixed
    } else {
        Sizes::Fixed(arguments.octets)
    };
    let load = Mailing {
        options,
        connector: &connector,
        kind,
        writer: RefCell::new(Writer::new(arguments.seed, sizes)),
    };
    // Signed in before the run, so that counting costs the server little.
    let mut readers = match arguments.imap_port {
        Some(port) => Some(readers(&connector, options, port).await?),
        None => None,
    };
    let before = match &mut readers {
        Some(readers) => messages(readers).await?,
        None => 0,
    };
    let cpu_before = cpu::millis(&options.pid);
    let start = connector.env.now_micros();
    let name = if arguments.mixed {
        format!("{} mixed", kind.as_str())
    } else {
        format!("{} {}", kind.as_str(), arguments.octets)
    };
    let mut report = drive(options, &connector, &name, &load).await?;
    if let Some(readers) = &mut readers {
        let end = connector.env.now_micros() + arguments.arrival_seconds * 1_000_000;
        while messages(readers).await? < before + report.operations {
            if connector.env.now_micros() >= end {
                bail!("not all mail has arrived in time");
            }
            connector.env.sleep(POLL).await;
        }
        let seconds = (connector.env.now_micros() - start) as f64 / 1e6;
        report
            .more
            .insert("delivered_per_second", report.operations as f64 / seconds);
        report.set_cpu(
            cpu::millis(&options.pid)
                .zip(cpu_before)
                .map(|(after, before)| after - before),
        );
    }
    report.publish(options)
}

/// A connection of each user.
async fn readers(connector: &Connector, options: &Options, port: u16) -> Result<Vec<Imap>> {
    let mut readers = Vec::with_capacity(options.users);
    for number in 0..options.users {
        let link = connector.connect_to(options, port, Tls::None).await?;
        let mut imap = Imap::greet(link).await?;
        imap.login(&options.user(number), &options.password).await?;
        readers.push(imap);
    }
    Ok(readers)
}

/// Messages in the INBOX of all users.
async fn messages(readers: &mut [Imap]) -> Result<u64> {
    let mut sum = 0;
    for imap in readers {
        sum += imap.status_messages("INBOX").await?;
    }
    Ok(sum)
}
