//! A connection of lines, plain or under TLS. Any certificate is taken: this measures, it does not trust.

use crate::options::{Options, Tls};
use anyhow::{Context, Result, bail};
use hongyan_env::{Env, Stream};
use rustls_pki_types::ServerName;
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const READ_OCTETS: usize = 256 * 1024;

/// Makes connections; TLS sessions are resumed as a returning client does.
#[derive(Clone)]
pub struct Connector {
    pub env: Env,
    tls: TlsConnector,
    /// Connections made, so that each goes to the next node.
    made: Rc<Cell<usize>>,
}

enum Wire {
    Plain(Stream),
    Tls(Box<TlsStream<Stream>>),
    /// Between plain and TLS.
    None,
}

/// One connection.
pub struct Link {
    wire: Wire,
    input: Vec<u8>,
    /// Octets of `input` already taken.
    taken: usize,
    /// All octets read.
    pub octets_read: u64,
}

impl Connector {
    pub fn new() -> Result<Self> {
        Ok(Self {
            env: Env::real(),
            tls: hongyan_live::take_any_certificate()?,
            made: Rc::default(),
        })
    }

    /// Connects; with implicit TLS the handshake is done.
    pub async fn connect(&self, options: &Options) -> Result<Link> {
        let turn = self.made.get();
        self.made.set(turn + 1);
        self.dial(options.address_in_turn(turn), options.tls).await
    }

    pub async fn connect_to(&self, options: &Options, port: u16, tls: Tls) -> Result<Link> {
        self.dial(SocketAddr::new(options.host, port), tls).await
    }

    async fn dial(&self, address: SocketAddr, tls: Tls) -> Result<Link> {
        let stream = self.env.connect(address).await.context("connect")?;
        let mut link = Link {
            wire: Wire::Plain(stream),
            input: Vec::new(),
            taken: 0,
            octets_read: 0,
        };
        if tls == Tls::Implicit {
            self.start_tls(&mut link).await?;
        }
        Ok(link)
    }

    pub async fn start_tls(&self, link: &mut Link) -> Result<()> {
        let Wire::Plain(stream) = std::mem::replace(&mut link.wire, Wire::None) else {
            bail!("TLS is on already");
        };
        let name = ServerName::try_from("mail.example.test").context("name the server")?;
        let stream = self.tls.connect(name, stream).await.context("TLS")?;
        link.wire = Wire::Tls(Box::new(stream));
        Ok(())
    }
}

impl Link {
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.wire {
            Wire::Plain(stream) => stream.write_all(bytes).await?,
            Wire::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
            }
            Wire::None => bail!("not connected"),
        }
        Ok(())
    }

    async fn fill(&mut self) -> Result<()> {
        if self.taken == self.input.len() {
            self.input.clear();
            self.taken = 0;
        }
        // A connection that waits keeps no large buffer.
        let room = if self.input.capacity() == 0 {
            4 * 1024
        } else {
            READ_OCTETS
        };
        if self.input.capacity() - self.input.len() < 1024 {
            self.input.drain(..self.taken);
            self.taken = 0;
            self.input.reserve(room);
        }
        let count = match &mut self.wire {
            Wire::Plain(stream) => stream.read_buf(&mut self.input).await?,
            Wire::Tls(stream) => stream.read_buf(&mut self.input).await?,
            Wire::None => 0,
        };
        if count == 0 {
            bail!("connection closed by the server");
        }
        self.octets_read += count as u64;
        Ok(())
    }

    /// The next line, without its line end.
    pub async fn line(&mut self) -> Result<&[u8]> {
        let mut seen = 0;
        loop {
            let rest = &self.input[self.taken..];
            if let Some(at) = memchr::memchr(b'\n', &rest[seen..]) {
                let start = self.taken;
                let end = start + seen + at;
                self.taken = end + 1;
                let line = &self.input[start..end];
                return Ok(line.strip_suffix(b"\r").unwrap_or(line));
            }
            seen = rest.len();
            self.fill().await?;
        }
    }

    /// The next line as text.
    pub async fn text(&mut self) -> Result<String> {
        Ok(String::from_utf8_lossy(self.line().await?).into_owned())
    }

    /// The next octets.
    pub async fn take(&mut self, octets: usize) -> Result<Vec<u8>> {
        let mut taken = Vec::with_capacity(octets);
        loop {
            let here = (octets - taken.len()).min(self.input.len() - self.taken);
            taken.extend_from_slice(&self.input[self.taken..self.taken + here]);
            self.taken += here;
            if taken.len() == octets {
                return Ok(taken);
            }
            self.fill().await?;
        }
    }

    /// Passes over octets.
    pub async fn skip(&mut self, octets: usize) -> Result<()> {
        let mut left = octets;
        loop {
            let here = left.min(self.input.len() - self.taken);
            self.taken += here;
            left -= here;
            if left == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }
}
