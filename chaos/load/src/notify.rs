//! From the `250` of a delivery to the `EXISTS` of a connection in IDLE.

use crate::connect::Connector;
use crate::imap::{Imap, exists};
use crate::mail::{Sizes, Writer};
use crate::options::{Options, Tls};
use crate::report::{Report, Samples};
use crate::smtp::{Kind, Smtp};
use anyhow::{Context, Result};
use clap::Args;
use std::net::IpAddr;
use std::time::Duration;

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// `--port` and `--tls` are those of IMAP.
    #[command(flatten)]
    pub options: Options,
    /// Where SMTP is, when not on the same host; that of another node measures the way from node to node.
    #[arg(long)]
    pub smtp_host: Option<IpAddr>,
    /// The port of plain SMTP.
    #[arg(long)]
    pub smtp_port: u16,
    /// Pause between deliveries.
    #[arg(long, default_value_t = 20)]
    pub pause_millis: u64,
    /// Mailboxes that are watched, each by a connection of its own, and get mail in turn.
    #[arg(long, default_value_t = 1)]
    pub mailboxes: usize,
    /// Octets of each mail.
    #[arg(long, default_value_t = 8_192)]
    pub octets: usize,
}

pub async fn run(arguments: &Arguments) -> Result<()> {
    let options = &arguments.options;
    let connector = Connector::new()?;
    let env = &connector.env;
    let mut watchers = Vec::with_capacity(arguments.mailboxes);
    for number in 0..arguments.mailboxes.max(1) {
        let user = options.user(number);
        let mut imap = Imap::open(&connector, options, &user).await?;
        imap.select("INBOX").await?;
        let tag = imap.send("IDLE").await?;
        imap.await_continuation(&tag).await?;
        watchers.push((user, imap));
    }
    let smtp_options = Options {
        host: arguments.smtp_host.unwrap_or(options.host),
        port: arguments.smtp_port,
        also: Vec::new(),
        tls: Tls::None,
        ..options.clone()
    };
    let mut smtp = Smtp::open(&connector, &smtp_options, Kind::Smtp, None).await?;
    let mut writer = Writer::new(3, Sizes::Fixed(arguments.octets));
    let mut samples = Samples::default();
    let start = env.now_micros();
    let end = start + options.seconds * 1_000_000;
    let count = options.count.unwrap_or(u64::MAX);
    while env.now_micros() < end && (samples.0.len() as u64) < count {
        let from = "sender@load.example.test";
        let turn = samples.0.len() % watchers.len();
        let (user, imap) = &mut watchers[turn];
        let mail = writer.write(from, user);
        let delivery = async {
            smtp.deliver(from, user, &mail).await?;
            anyhow::Ok(env.now_micros())
        };
        let notice = async {
            while exists(imap.link.line().await?).is_none() {}
            anyhow::Ok(env.now_micros())
        };
        let both = env.timeout(options.operation_limit(), async { tokio::try_join!(delivery, notice) });
        let (delivered, noticed) = both.await.context("see the mail in time")??;
        samples.0.push(noticed.saturating_sub(delivered));
        env.sleep(Duration::from_millis(arguments.pause_millis)).await;
    }
    let micros = env.now_micros() - start;
    Report::new(options, "notify", samples, micros).publish(options)
}
