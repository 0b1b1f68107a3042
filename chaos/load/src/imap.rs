//! A small IMAP client that reads answers without taking them apart: it counts, and passes over literals.

use crate::connect::{Connector, Link};
use crate::options::{Options, Tls};
use anyhow::{Context, Result, bail};

pub struct Imap {
    pub link: Link,
    tag: u64,
}

/// What came before the tagged answer.
#[derive(Debug, Default)]
pub struct Answer {
    /// Untagged answers.
    pub untagged: u64,
    /// The number of the last `EXISTS`.
    pub exists: Option<u64>,
    /// The first line that begins with the text looked for.
    pub found: Option<String>,
}

impl Imap {
    /// Connects and signs in.
    pub async fn open(connector: &Connector, options: &Options, user: &str) -> Result<Self> {
        let link = connector.connect(options).await?;
        let mut imap = Self::greet(link).await?;
        if options.tls == Tls::Start {
            imap.run("STARTTLS").await?;
            connector.start_tls(&mut imap.link).await?;
        }
        imap.login(user, &options.password).await?;
        Ok(imap)
    }

    /// Reads the greeting.
    pub async fn greet(mut link: Link) -> Result<Self> {
        let greeting = link.text().await?;
        if !greeting.starts_with("* OK") {
            bail!("the server greets with: {greeting}");
        }
        Ok(Self { link, tag: 0 })
    }

    pub async fn login(&mut self, user: &str, password: &str) -> Result<()> {
        self.run(&format!("LOGIN \"{user}\" \"{password}\"")).await?;
        Ok(())
    }

    pub async fn logout(&mut self) -> Result<()> {
        self.run("LOGOUT").await?;
        Ok(())
    }

    /// Selects a folder; its number of messages.
    pub async fn select(&mut self, folder: &str) -> Result<u64> {
        let answer = self.run(&format!("SELECT {folder}")).await?;
        answer.exists.context("SELECT says EXISTS")
    }

    pub async fn status_messages(&mut self, folder: &str) -> Result<u64> {
        let tag = self.send(&format!("STATUS {folder} (MESSAGES)")).await?;
        let answer = self.finish(&tag, "* STATUS").await?;
        let line = answer.found.context("STATUS answers")?;
        let (_, number) = line.rsplit_once("MESSAGES ").context("STATUS says MESSAGES")?;
        let digits = number.trim_end_matches(')');
        digits.trim().parse().context("read the number of messages")
    }

    /// Runs a command to its `OK`.
    pub async fn run(&mut self, command: &str) -> Result<Answer> {
        let tag = self.send(command).await?;
        self.finish(&tag, "\0").await
    }

    /// Sends a command; its tag.
    pub async fn send(&mut self, command: &str) -> Result<String> {
        self.send_bytes(command.as_bytes()).await
    }

    /// Sends a command with literals in it, in one write; its tag.
    pub async fn send_bytes(&mut self, command: &[u8]) -> Result<String> {
        self.tag += 1;
        let tag = format!("a{}", self.tag);
        let bytes = [tag.as_bytes(), b" ", command, b"\r\n"].concat();
        self.link.send(&bytes).await?;
        Ok(tag)
    }

    /// Appends a mail to a folder.
    pub async fn append(&mut self, folder: &str, mail: &[u8]) -> Result<()> {
        let tag = self.send(&format!("APPEND {folder} {{{}}}", mail.len())).await?;
        self.await_continuation(&tag).await?;
        self.link.send(mail).await?;
        self.link.send(b"\r\n").await?;
        self.finish(&tag, "\0").await?;
        Ok(())
    }

    pub async fn await_continuation(&mut self, tag: &str) -> Result<()> {
        loop {
            let line = self.link.text().await?;
            if line.starts_with('+') {
                return Ok(());
            }
            if line.starts_with(tag) {
                bail!("the server says: {line}");
            }
        }
    }

    /// Reads to the tagged answer, which must be `OK`; keeps the first line that begins with `wanted`.
    pub async fn finish(&mut self, tag: &str, wanted: &str) -> Result<Answer> {
        let mut answer = Answer::default();
        let mut is_start = true;
        loop {
            let line = self.link.line().await?;
            let literal = literal_octets(line);
            if is_start {
                if line.starts_with(b"* ") {
                    answer.untagged += 1;
                    if let Some(number) = exists(line) {
                        answer.exists = Some(number);
                    }
                    if answer.found.is_none() && line.starts_with(wanted.as_bytes()) {
                        answer.found = Some(String::from_utf8_lossy(line).into_owned());
                    }
                } else if line.starts_with(tag.as_bytes()) && line.get(tag.len()) == Some(&b' ') {
                    if line.get(tag.len() + 1..tag.len() + 3) != Some(b"OK") {
                        bail!("the server says: {}", String::from_utf8_lossy(line));
                    }
                    return Ok(answer);
                }
            }
            is_start = literal.is_none();
            if let Some(octets) = literal {
                self.link.skip(octets).await?;
            }
        }
    }
}

/// The number in `* 12 EXISTS`.
pub fn exists(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line.strip_suffix(b" EXISTS")?).ok()?;
    text.strip_prefix("* ")?.parse().ok()
}

/// The size in `{12}` at the end of a line.
fn literal_octets(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let start = memchr::memrchr(b'{', inner)?;
    let digits = std::str::from_utf8(&inner[start + 1..]).ok()?;
    digits.trim_end_matches('+').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines() {
        assert_eq!(exists(b"* 12 EXISTS"), Some(12));
        assert_eq!(exists(b"* 12 RECENT"), None);
        assert_eq!(literal_octets(b"* 1 FETCH (BODY[] {42}"), Some(42));
        assert_eq!(literal_octets(b"* OK {x}"), None);
    }
}
