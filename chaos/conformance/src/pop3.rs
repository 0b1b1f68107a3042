//! A POP3 client.

use anyhow::{Result, ensure};

use crate::node::PASSWORD;
use crate::wire::Wire;

/// A connection.
pub struct Pop3 {
    /// The socket.
    pub wire: Wire,
}

impl Pop3 {
    /// Connects and reads the greeting.
    ///
    /// # Errors
    /// When there is none.
    pub fn connect(port: u16) -> Result<Self> {
        let mut pop3 = Self {
            wire: Wire::connect(port)?,
        };
        pop3.ok()?;
        Ok(pop3)
    }
    /// Connects and signs in.
    ///
    /// # Errors
    /// When the node refuses.
    pub fn login(port: u16, user: &str) -> Result<Self> {
        let mut pop3 = Self::connect(port)?;
        // Mail is to come as it is, headers in UTF-8 too.
        pop3.command("UTF8")?;
        pop3.command(&format!("USER {user}"))?;
        pop3.command(&format!("PASS {PASSWORD}"))?;
        Ok(pop3)
    }
    /// Reads a line that must be `+OK`; its text.
    ///
    /// # Errors
    /// When it is not.
    pub fn ok(&mut self) -> Result<String> {
        let line = String::from_utf8_lossy(&self.wire.line()?).trim_end().to_owned();
        ensure!(line.starts_with("+OK"), "{line}");
        Ok(line.get(4..).unwrap_or_default().to_owned())
    }
    /// Sends a line, which must be answered with `+OK`; its text.
    ///
    /// # Errors
    /// When it is not.
    pub fn command(&mut self, line: &str) -> Result<String> {
        self.wire.write(format!("{line}\r\n").as_bytes())?;
        self.ok()
    }
    /// Sends a line that is answered with a body; the body, dots made single.
    ///
    /// # Errors
    /// When it is not.
    pub fn body(&mut self, line: &str) -> Result<Vec<u8>> {
        self.command(line)?;
        let mut body = Vec::new();
        loop {
            let line = self.wire.line()?;
            if line == b".\r\n" {
                return Ok(body);
            }
            body.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }
}
