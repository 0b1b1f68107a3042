//! Lines and literals over a simulated connection.

use std::net::SocketAddr;
use std::time::Duration;

use hongyan_env::{Env, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::log::Log;

/// How long a client waits for anything.
const PATIENCE: Duration = Duration::from_secs(40);

/// The connection is gone, or silent for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

pub(crate) struct Wire {
    env: Env,
    log: Log,
    stream: Stream,
    buffer: Vec<u8>,
    read: usize,
}

impl Wire {
    pub(crate) async fn connect(env: &Env, log: &Log, to: SocketAddr) -> Result<Self, Lost> {
        let connected = env.timeout(PATIENCE, env.connect(to)).await;
        let stream = connected.ok_or(Lost)?.map_err(|_| Lost)?;
        Ok(Self::over(env, log, stream))
    }
    pub(crate) fn over(env: &Env, log: &Log, stream: Stream) -> Self {
        Self {
            env: env.clone(),
            log: log.clone(),
            stream,
            buffer: Vec::new(),
            read: 0,
        }
    }
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        let sent = self.env.timeout(PATIENCE, self.stream.write_all(bytes)).await;
        sent.ok_or(Lost)?.map_err(|_| Lost)
    }
    /// One line with its end.
    pub(crate) async fn line(&mut self) -> Result<Vec<u8>, Lost> {
        self.line_within(PATIENCE).await
    }
    /// As [`Self::line`], waiting at most so long; what came of the line so far stays.
    pub(crate) async fn line_within(&mut self, patience: Duration) -> Result<Vec<u8>, Lost> {
        loop {
            let rest = self.buffer.get(self.read..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|octet| *octet == b'\n') {
                return Ok(self.take(end + 1));
            }
            self.more(patience).await?;
        }
    }
    pub(crate) async fn exactly(&mut self, octets: usize) -> Result<Vec<u8>, Lost> {
        while self.buffer.len() - self.read < octets {
            self.more(PATIENCE).await?;
        }
        Ok(self.take(octets))
    }
    fn take(&mut self, octets: usize) -> Vec<u8> {
        let taken = self
            .buffer
            .get(self.read..self.read + octets)
            .unwrap_or_default()
            .to_vec();
        self.read += octets;
        if self.read == self.buffer.len() {
            self.buffer.clear();
            self.read = 0;
        }
        taken
    }
    async fn more(&mut self, patience: Duration) -> Result<(), Lost> {
        let read = self.env.timeout(patience, self.stream.read_buf(&mut self.buffer)).await;
        match read {
            Some(Ok(count)) if count > 0 => {
                let came = self.buffer.len().saturating_sub(count);
                let text = String::from_utf8_lossy(self.buffer.get(came..).unwrap_or_default());
                self.log.line(format_args!("{:?} read {text:?}", self.stream));
                Ok(())
            }
            _ => Err(Lost),
        }
    }
}
