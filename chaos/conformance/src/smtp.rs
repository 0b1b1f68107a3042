//! An SMTP client that says what it is told to say.

use anyhow::{Result, ensure};

use crate::wire::Wire;

/// A reply: its code and all its lines.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// The lines, without codes.
    pub text: String,
}

/// A connection.
pub struct Smtp {
    /// The socket.
    pub wire: Wire,
}

impl Smtp {
    /// Connects and reads the greeting.
    ///
    /// # Errors
    /// When there is none.
    pub fn connect(port: u16) -> Result<Self> {
        let mut smtp = Self {
            wire: Wire::connect(port)?,
        };
        let greeting = smtp.reply()?;
        ensure!(greeting.code == 220, "greeting: {greeting:?}");
        Ok(smtp)
    }
    /// Connects and says EHLO.
    ///
    /// # Errors
    /// When it is not accepted.
    pub fn hello(port: u16) -> Result<Self> {
        let mut smtp = Self::connect(port)?;
        smtp.expect("EHLO client.test", 250)?;
        Ok(smtp)
    }
    /// Reads one reply.
    ///
    /// # Errors
    /// When none comes.
    pub fn reply(&mut self) -> Result<Reply> {
        let mut text = String::new();
        loop {
            let line = String::from_utf8_lossy(&self.wire.line()?).into_owned();
            let code = line.get(..3).and_then(|code| code.parse().ok());
            let Some(code) = code else {
                anyhow::bail!("not a reply: {line:?}")
            };
            text.push_str(line.get(4..).unwrap_or_default());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, text });
            }
        }
    }
    /// Sends a line and reads its reply.
    ///
    /// # Errors
    /// When none comes.
    pub fn command(&mut self, line: &str) -> Result<Reply> {
        self.wire.write(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }
    /// As [`Self::command`], and the reply must have this code.
    ///
    /// # Errors
    /// When it has another.
    pub fn expect(&mut self, line: &str, code: u16) -> Result<Reply> {
        let reply = self.command(line)?;
        ensure!(reply.code == code, "{line:?}: {reply:?}");
        Ok(reply)
    }
    /// One mail in one round trip of envelope and one of data; the reply to the data, or the first refusal. `mail` must end its
    /// lines with CRLF.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn send(&mut self, from: &str, to: &[&str], mail: &[u8]) -> Result<Reply> {
        let mut envelope = format!("MAIL FROM:<{from}> BODY=8BITMIME\r\n");
        for to in to {
            envelope.push_str(&format!("RCPT TO:<{to}>\r\n"));
        }
        envelope.push_str("DATA\r\n");
        self.wire.write(envelope.as_bytes())?;
        let mut refusal = None;
        for _ in 0..=to.len() {
            let reply = self.reply()?;
            if reply.code >= 400 {
                refusal.get_or_insert(reply);
            }
        }
        let data = self.reply()?;
        if data.code != 354 {
            self.expect("RSET", 250)?;
            return Ok(refusal.unwrap_or(data));
        }
        let mut body = Vec::with_capacity(mail.len() + 100);
        for line in mail.split_inclusive(|octet| *octet == b'\n') {
            if line.starts_with(b".") {
                body.push(b'.');
            }
            body.extend_from_slice(line);
        }
        if !body.ends_with(b"\r\n") {
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b".\r\n");
        self.wire.write(&body)?;
        self.reply()
    }
}
