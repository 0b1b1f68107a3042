//! A blocking socket that reads lines.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a port of the node.
pub struct Wire {
    reader: BufReader<TcpStream>,
}

impl Wire {
    /// Connects to `port` of 127.0.0.1.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).with_context(|| format!("connect to port {port}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            reader: BufReader::new(stream),
        })
    }
    /// Another patience than a minute.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn set_patience(&self, span: Duration) -> Result<()> {
        self.reader.get_ref().set_read_timeout(Some(span))?;
        self.reader.get_ref().set_write_timeout(Some(span))?;
        Ok(())
    }
    /// The port at this end.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn local_port(&self) -> Result<u16> {
        Ok(self.reader.get_ref().local_addr()?.port())
    }
    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// When the node does not take them.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.reader.get_mut().write_all(bytes).context("write")
    }
    /// Says that nothing more comes, and goes on reading.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn half_close(&self) -> Result<()> {
        self.reader.get_ref().shutdown(Shutdown::Write).context("half-close")
    }
    /// The next line with its end.
    ///
    /// # Errors
    /// When the connection ends or nothing comes.
    pub fn line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line).context("read a line")?;
        if line.is_empty() {
            bail!("the connection was closed");
        }
        Ok(line)
    }
    /// Exactly so many octets.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn exactly(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).context("read octets")?;
        Ok(bytes)
    }
    /// All that still comes until the connection is closed.
    ///
    /// # Errors
    /// When it is not closed in time.
    pub fn rest(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self.reader.read_to_end(&mut bytes) {
            // A reset is an end too.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(bytes),
            Err(error) => Err(error).context("read to the end"),
            Ok(_) => Ok(bytes),
        }
    }
}
