//! What all loads share: where the server is, who signs in, how much and how long, whose processor time counts.

use clap::{Args, ValueEnum};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tls {
    /// Not at all.
    None,
    /// STARTTLS or STLS first.
    Start,
    /// From the first octet.
    Implicit,
}

impl Tls {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Start => "starttls",
            Self::Implicit => "tls",
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Address of the server.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Its port.
    #[arg(long)]
    pub port: u16,
    /// Further nodes of the same server, as address:port; connections go to all in turn. May be given several times.
    #[arg(long)]
    pub also: Vec<SocketAddr>,
    /// Protection of the connections; any certificate is taken.
    #[arg(long, value_enum, default_value = "none")]
    pub tls: Tls,
    /// Connections at a time.
    #[arg(long, default_value_t = 16)]
    pub connections: usize,
    /// Longest run.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Most operations; no bound but time without it.
    #[arg(long)]
    pub count: Option<u64>,
    /// Login names and addresses; {n} counts from 1.
    #[arg(long, default_value = "user{n}@example.test")]
    pub user: String,
    /// How many of them there are.
    #[arg(long, default_value_t = 20)]
    pub users: usize,
    /// Their password.
    #[arg(long, default_value = "pass")]
    pub password: String,
    /// A process of the server; it and its descendants are measured. May be given several times.
    #[arg(long)]
    pub pid: Vec<u32>,
    /// Longest wait for one operation.
    #[arg(long, default_value_t = 60)]
    pub operation_seconds: u64,
    /// Name of the server in reports.
    #[arg(long, default_value = "server")]
    pub label: String,
    /// A file to which the report is appended as one line of JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
}

impl Options {
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Where the connection `turn`, counted from 0, goes.
    pub fn address_in_turn(&self, turn: usize) -> SocketAddr {
        let addresses = 1 + self.also.len();
        (turn % addresses)
            .checked_sub(1)
            .map_or_else(|| self.address(), |at| self.also[at])
    }

    /// The user of the connection or mail `number`, counted from 0.
    pub fn user(&self, number: usize) -> String {
        let n = number % self.users.max(1) + 1;
        self.user.replace("{n}", &n.to_string())
    }

    pub fn operation_limit(&self) -> Duration {
        Duration::from_secs(self.operation_seconds)
    }
}
