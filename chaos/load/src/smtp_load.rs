//! Mail in: SMTP, LMTP, submission. With an IMAP port the run also waits until all of it is in the mailboxes, and the
//! processor time is that until then.

use crate::connect::Connector;
use crate::corpus::Corpus;
use crate::cpu;
use crate::disk::Disk;
use crate::drive::{Load, drive};
use crate::imap::Imap;
use crate::mail::{Sizes, Writer};
use crate::options::{Options, Tls};
use crate::smtp::{Kind, Smtp};
use anyhow::{Result, bail};
use clap::Args;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
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
    /// The server's data folder: tells how many octets it wrote and keeps for each octet of mail.
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// A folder of `.eml` files, of which those of 4 to 16 KB are sent instead of generated text.
    #[arg(long)]
    pub corpus: Option<PathBuf>,
    /// Seed of the mail's text.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

struct Mailing<'a> {
    options: &'a Options,
    connector: &'a Connector,
    kind: Kind,
    source: RefCell<Source>,
    /// Octets of mail taken by the server.
    octets: Cell<u64>,
}

/// Where mails come from.
enum Source {
    Generated(Box<Writer>),
    Corpus(Corpus),
}

impl Source {
    fn write(&mut self, from: &str, to: &str) -> Vec<u8> {
        match self {
            Self::Generated(writer) => writer.write(from, to),
            Self::Corpus(corpus) => corpus.write(),
        }
    }
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
        let mail = self.source.borrow_mut().write(&session.from, &to);
        session.smtp.deliver(&session.from, &to, &mail).await?;
        self.octets.set(self.octets.get() + mail.len() as u64);
        Ok(())
    }
}

pub async fn run(arguments: &Arguments, kind: Kind) -> Result<()> {
    let options = &arguments.options;
    let connector = Connector::new()?;
    let load = Mailing {
        options,
        connector: &connector,
        kind,
        source: RefCell::new(source(arguments)?),
        octets: Cell::new(0),
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
    let look = |folder: &PathBuf| Disk::look(&options.pid, folder);
    let disk_before = arguments.folder.as_ref().map(look).transpose()?;
    let cpu_before = cpu::millis(&options.pid);
    let start = connector.env.now_micros();
    let mut report = drive(options, &connector, &title(arguments, kind), &load).await?;
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
    let disk_after = arguments.folder.as_ref().map(look).transpose()?;
    if let Some((after, before)) = disk_after.zip(disk_before) {
        let (written, kept) = after.since(before, load.octets.get());
        report.more.insert("octets_written_per_octet", written);
        report.more.insert("octets_kept_per_octet", kept);
        report.more.insert("mail_megabytes", load.octets.get() as f64 / 1e6);
    }
    report.publish(options)
}

fn source(arguments: &Arguments) -> Result<Source> {
    if let Some(folder) = &arguments.corpus {
        return Corpus::read(folder).map(Source::Corpus);
    }
    let sizes = if arguments.mixed {
        Sizes::Mixed
    } else {
        Sizes::Fixed(arguments.octets)
    };
    Ok(Source::Generated(Box::new(Writer::new(arguments.seed, sizes))))
}

fn title(arguments: &Arguments, kind: Kind) -> String {
    let kind = kind.as_str();
    if arguments.corpus.is_some() {
        format!("{kind} corpus")
    } else if arguments.mixed {
        format!("{kind} mixed")
    } else {
        format!("{kind} {}", arguments.octets)
    }
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
