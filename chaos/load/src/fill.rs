//! Brings folders to a number of messages by APPEND, so that a load finds what it needs.

use crate::connect::Connector;
use crate::imap::Imap;
use crate::mail::{Sizes, Writer};
use crate::options::Options;
use anyhow::Result;
use clap::Args;

/// Messages of one APPEND (RFC 3502), or APPENDs under way at a time.
const WINDOW: usize = 200;
/// Octets of them.
const WINDOW_OCTETS: usize = 1024 * 1024;

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
        let window = (WINDOW_OCTETS / octets.max(1)).clamp(1, WINDOW);
        let count = window.min((messages - have) as usize);
        let mails: Vec<Vec<u8>> = (0..count)
            .map(|_| writer.write("sender@load.example.test", "reader@example.test"))
            .collect();
        let at_once = if line.contains("MULTIAPPEND") { count } else { 1 };
        let mut tags = Vec::new();
        for mails in mails.chunks(at_once) {
            tags.push(imap.send_append(folder, mails).await?);
        }
        for tag in tags {
            imap.finish(&tag, "\0").await?;
        }
        have += count as u64;
    }
    Ok(())
}

impl Imap {
    /// Sends an APPEND of mails with literals that wait for nothing (RFC 7888, RFC 3502); its tag.
    async fn send_append(&mut self, folder: &str, mails: &[Vec<u8>]) -> Result<String> {
        let mut command = format!("APPEND {folder}").into_bytes();
        for mail in mails {
            command.extend_from_slice(format!(" {{{}+}}\r\n", mail.len()).as_bytes());
            command.extend_from_slice(mail);
        }
        self.send_bytes(&command).await
    }
}
