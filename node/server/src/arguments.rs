//! The command line.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use hongyan_types::Domain;

/// Name of the admin socket in the data folder.
pub(crate) const ADMIN_SOCKET: &str = "admin.sock";
/// Where `serve` keeps its data unless told otherwise.
const SYSTEM_DATA: &str = "/var/lib/hongyan";

/// A complete mail system for one machine or many.
#[derive(Debug, Parser)]
#[command(name = "hongyan", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Data folder of the server to manage [default: where one runs: /var/lib/hongyan, or that of `hongyan dev`].
    #[arg(long, global = true, env = "HONGYAN_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a complete node on 127.0.0.1 with test accounts: nothing to configure.
    Dev(Dev),
    /// Start a node as its configuration says.
    Serve(Serve),
    /// Write a configuration, keys and an administrator, and print the DNS records to publish.
    Init(Init),
    /// Many nodes as one system: who is in, who owns what, and changing that.
    #[command(subcommand)]
    Cluster(Cluster),
    #[command(flatten)]
    Manage(hongyan_cli::Command),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Cluster {
    /// Make a new cluster with this machine as its first node, and print a token with which a second one may join.
    Init(ClusterInit),
    /// Make this machine a node of the cluster that printed the token.
    Join(ClusterJoin),
    #[command(flatten)]
    Manage(hongyan_cli::Cluster),
}

#[derive(Debug, Args)]
pub(crate) struct ClusterInit {
    #[command(flatten)]
    pub(crate) machine: Machine,
    /// Look after a FoundationDB of the cluster's own: each node runs a server of it, from the installed package.
    #[arg(long)]
    pub(crate) with_foundationdb: bool,
    /// For a new configuration: the cluster file of a FoundationDB that others look after.
    #[arg(long, value_name = "FILE", conflicts_with = "with_foundationdb")]
    pub(crate) cluster_file: Option<PathBuf>,
    /// Go on as `hongyan serve`.
    #[arg(long)]
    pub(crate) serve: bool,
    #[command(flatten)]
    _unused: NotForServers,
}

#[derive(Debug, Args)]
pub(crate) struct ClusterJoin {
    /// The line that `hongyan cluster init` or `hongyan cluster invite` printed.
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) machine: Machine,
    /// Go on as `hongyan serve`.
    #[arg(long)]
    pub(crate) serve: bool,
    #[command(flatten)]
    _unused: NotForServers,
}

/// The machine's own configuration; where there is none yet, it is written.
#[derive(Debug, Args)]
pub(crate) struct Machine {
    /// The configuration. Where it is not there, one is written for `--host-name` and `--data`.
    #[arg(long, value_name = "FILE", default_value = "/etc/hongyan/hongyan.toml")]
    pub(crate) config: PathBuf,
    /// For a new configuration: this machine's name in the DNS, such as mx1.example.org.
    #[arg(long)]
    pub(crate) host_name: Option<Domain>,
    /// For a new configuration: the data folder.
    #[arg(long, value_name = "DIR", default_value = SYSTEM_DATA)]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Dev {
    /// Data folder [default: hongyan-dev in the user's data folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Ports are this plus the usual ones: 10025 is SMTP, 10143 IMAP ...
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u16).range(..=61_000))]
    pub(crate) base_port: u16,
    /// Domain of the accounts.
    #[arg(long, default_value = "example.test")]
    pub(crate) domain: Domain,
    /// How many accounts: user1, user2 ...
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) users: u32,
    /// Password of all of them.
    #[arg(long, default_value = "pass", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) password: String,
    /// Keep everything in the FoundationDB cluster of this cluster file instead of the data folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) fdb: Option<PathBuf>,
    /// So many nodes of one cluster, each a process: node i adds 100*i to the ports. Needs --fdb.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=9), requires = "fdb")]
    pub(crate) nodes: u16,
    /// For a node of such a cluster: end when standard input does, as it does when the one who started it is gone.
    #[arg(long, hide = true)]
    pub(crate) until_input_ends: bool,
    /// What to log.
    #[arg(long, default_value = "warn", env = "HONGYAN_LOG")]
    pub(crate) log: String,
    #[command(flatten)]
    _unused: NotForServers,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "/etc/hongyan/hongyan.toml")]
    pub(crate) config: PathBuf,
    /// It stands in the configuration; taken only to be refused.
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    _unused: NotForServers,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where to write the configuration.
    #[arg(long, value_name = "FILE", default_value = "/etc/hongyan/hongyan.toml")]
    pub(crate) config: PathBuf,
    /// Data folder.
    #[arg(long, value_name = "DIR", default_value = SYSTEM_DATA)]
    pub(crate) data: PathBuf,
    /// The node's name in the DNS, such as mx.example.org.
    #[arg(long)]
    pub(crate) host_name: Domain,
    /// The first mail domain.
    #[arg(long)]
    pub(crate) domain: Domain,
    /// Name of the organisation [default: the domain].
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Local part of the administrator's address.
    #[arg(long, default_value = "admin")]
    pub(crate) administrator: String,
    /// PEM file of the certificate; without it a self-signed one is made.
    #[arg(long, requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// PEM file of its key.
    #[arg(long, requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    _unused: NotForServers,
}

/// What commands that manage a server share and those that start one have no use for: their help is silent about it.
#[derive(Debug, Clone, Args)]
struct NotForServers {
    #[arg(long = "json", hide = true)]
    json: bool,
}

impl Arguments {
    /// The admin socket of the server to manage: the one named, else the first that is there.
    pub(crate) fn socket(&self) -> PathBuf {
        if let Some(data) = &self.data {
            return data.join(ADMIN_SOCKET);
        }
        let system = Path::new(SYSTEM_DATA).join(ADMIN_SOCKET);
        let dev = dev_data().join(ADMIN_SOCKET);
        if !system.exists() && dev.exists() { dev } else { system }
    }
}

/// Where `dev` keeps its data unless told otherwise.
pub(crate) fn dev_data() -> PathBuf {
    let home = || std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    let data = std::env::var_os("XDG_DATA_HOME").map_or_else(|| home().join(".local/share"), PathBuf::from);
    data.join("hongyan-dev")
}
