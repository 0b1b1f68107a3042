//! Brings folders to a number of messages by APPEND, so that a load finds what it needs.

use crate::connect::Connector;
use crate::imap::Imap;
use crate::mail::{Sizes, Writer};
use crate::options::Options;
use anyhow::Result;
use clap::Args;

/// APPENDs that are under way at a time.
const WINDOW: usize = 50;

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// Messages that each INBOX shall have at least.
    #[arg(long, default_value_t = 200)]
    pub messages: u64,
    /// Octets of each.
    #[arg(long, default_value_t = 8_192)]
    pub octets: usize,
}

pub async fn run(arguments: &Arguments) -> Result<()> {
    let connector = Connector::new()?;
    for number in 0..arguments.options.users {
        let user = arguments.options.user(number);
        let mut imap = Imap::open(&connector, &arguments.options, &user).await?;
        fill(&mut imap, "INBOX", arguments.messages, arguments.octets, number as u64).await?;
        imap.logout().await?;
    }
    Ok(())
}

/// Appends to `folder` until it has `messages`.
pub async fn fill(imap: &mut Imap, folder: &str, messages: u64, octets: usize, seed: u64) -> Result<()> {
    let mut have = imap.status_messages(folder).await?;
    if have >= messages {
        return Ok(());
    }
    let capability = imap.send("CAPABILITY").await?;
    let line = imap
        .finish(&capability, "* CAPABILITY")
        .await?
        .found
        .unwrap_or_default();
    let has_literals = line.contains("LITERAL+") || (line.contains("LITERAL-") && octets <= 4_096);
    let mut writer = Writer::new(seed.wrapping_mul(77) + have, Sizes::Fixed(octets));
    while have < messages {
        if !has_literals {
            let mail = writer.write("sender@load.example.test", "reader@example.test");
            imap.append(folder, &mail).await?;
            have += 1;
            continue;
        }
        let count = WINDOW.min((messages - have) as usize);
        let mut tags = Vec::with_capacity(count);
        for _ in 0..count {
            let mail = writer.write("sender@load.example.test", "reader@example.test");
            tags.push(imap.send_append(folder, &mail).await?);
        }
        for tag in tags {
            imap.finish(&tag, "\0").await?;
        }
        have += count as u64;
    }
    Ok(())
}

impl Imap {
    /// Sends an APPEND with a literal that waits for nothing (RFC 7888); its tag.
    async fn send_append(&mut self, folder: &str, mail: &[u8]) -> Result<String> {
        let tag = self
            .send_head(&format!("APPEND {folder} {{{}+}}\r\n", mail.len()), mail)
            .await?;
        Ok(tag)
    }
}
