//! `hongyan cluster`, for a node that runs. `init` and `join`, which make one, belong to the server.

mod follow;
mod show;

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::changes;
use crate::client::{Client, encode};
use crate::output::{self, Style};

/// What to do with the cluster that a running server is part of.
#[derive(Debug, Subcommand)]
pub enum Cluster {
    /// Show the nodes, who leads, and how the partitions stand.
    Status,
    /// Print a token with which one further node may join.
    Invite {
        /// How long it lasts: seconds, or a number with s, m, h or d.
        #[arg(long, default_value = "1h")]
        lifetime: Lifetime,
    },
    /// Move everything away from a node, in order; it keeps running. Waits until it owns nothing.
    Drain {
        /// The node's number [default: the node that is asked].
        node: Option<u64>,
        /// Begin, and do not wait.
        #[arg(long)]
        no_wait: bool,
    },
    /// End a drain: the node is given partitions again.
    Resume {
        /// The node's number [default: the node that is asked].
        node: Option<u64>,
    },
    /// Take a node out of the cluster for good, also one that is dead: drain it, move away what its FoundationDB holds, wait,
    /// and forget it.
    Leave {
        /// The node's number.
        node: u64,
        /// Begin, and do not wait; leave again when it owns nothing and its FoundationDB is emptied.
        #[arg(long)]
        no_wait: bool,
    },
    /// Change where a node stands and how much it bears.
    SetNode {
        /// The node's number.
        node: u64,
        /// Its share of the partitions in comparison with others'; 100 is usual, 0 owns none.
        #[arg(long)]
        weight: Option<u32>,
        /// Its data centre.
        #[arg(long)]
        data_center: Option<String>,
        /// Its rack.
        #[arg(long)]
        rack: Option<String>,
    },
    /// Move partitions to where they belong, now. Waits until all are there.
    Rebalance {
        /// Stop: what moves arrives, nothing else begins, until told otherwise.
        #[arg(long, conflicts_with_all = ["automatic", "no_wait"])]
        pause: bool,
        /// From now on by itself, whenever a node has joined or changed. This is how a cluster begins.
        #[arg(long, conflicts_with = "no_wait")]
        automatic: bool,
        /// Begin, and do not wait.
        #[arg(long)]
        no_wait: bool,
    },
    /// Settings of the whole cluster.
    #[command(subcommand)]
    Settings(Settings),
    /// The continuous backup of the FoundationDB that the nodes look after.
    #[command(subcommand)]
    Backup(Backup),
}

#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Begin one. It goes on until it is stopped, and can be restored from soon.
    Start {
        /// Where to: a folder that all machines see under this path, or a file:// or blobstore:// address.
        #[arg(long, value_name = "DIR|URL")]
        to: String,
    },
    /// Show how it is.
    Status,
    /// Let it end with what is committed by now.
    Stop,
}

#[derive(Debug, Subcommand)]
pub enum Settings {
    /// List them, with what holds and what they do.
    List,
    /// Show one.
    Show {
        /// Its name.
        key: String,
    },
    /// Set one.
    Set {
        /// Its name.
        key: String,
        /// Its value.
        value: String,
    },
    /// Go back to the default.
    Unset {
        /// Its name.
        key: String,
    },
}

/// A span of time in an argument, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(u64);

impl std::str::FromStr for Lifetime {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 24 * 3600)];
        let unit = units
            .iter()
            .find_map(|(letter, secs)| Some((text.strip_suffix(*letter)?, *secs)));
        let (number, secs) = unit.unwrap_or((text, 1));
        let number: Option<u64> = number.parse().ok();
        number
            .and_then(|number| number.checked_mul(secs))
            .filter(|secs| *secs > 0)
            .map(Self)
            .ok_or("a number of seconds, or one with s, m, h or d")
    }
}

/// Runs a cluster command against the server whose admin socket is `socket`.
///
/// # Errors
/// When the server cannot be reached or refuses; the text says why.
pub async fn run(command: &Cluster, socket: &Path, json: bool) -> Result<()> {
    let style = if json { Style::Json } else { Style::Text };
    dispatch(command, &Client::new(socket), style).await
}

async fn dispatch(command: &Cluster, client: &Client, style: Style) -> Result<()> {
    match command {
        Cluster::Status => show::status(style, &client.get("/api/cluster").await?),
        Cluster::Invite { lifetime } => {
            let asked = json!({ "lifetime_secs": lifetime.0 });
            let invitation = client.post("/api/cluster/invitations", asked).await?;
            show::invitation(style, &invitation);
        }
        Cluster::Drain { node, no_wait } => drain(client, style, *node, *no_wait).await?,
        Cluster::Resume { node } => {
            let node = this_unless(client, *node).await?;
            output::item(style, &act(client, node, "resume").await?);
        }
        Cluster::Leave { node, no_wait } => leave(client, style, *node, *no_wait).await?,
        Cluster::SetNode {
            node,
            weight,
            data_center,
            rack,
        } => {
            let mut change = Map::new();
            change.extend(weight.map(|weight| ("weight".to_owned(), json!(weight))));
            let names = [("data_center", data_center), ("rack", rack)];
            let given = names
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_ref()?)));
            change.extend(given.map(|(name, value)| (name.to_owned(), json!(value))));
            let path = format!("/api/cluster/nodes/{node}");
            output::item(style, &client.patch(&path, changes(change)?).await?);
        }
        Cluster::Rebalance {
            pause,
            automatic,
            no_wait,
        } => rebalance(client, style, *pause, *automatic, *no_wait).await?,
        Cluster::Settings(command) => settings(command, client, style).await?,
        Cluster::Backup(command) => backup(command, client, style).await?,
    }
    Ok(())
}

async fn act(client: &Client, node: u64, action: &str) -> Result<Value> {
    client
        .post(&format!("/api/cluster/nodes/{node}/{action}"), json!({}))
        .await
}

async fn this_unless(client: &Client, node: Option<u64>) -> Result<u64> {
    match node {
        Some(node) => Ok(node),
        None => Ok(client.get("/api/cluster").await?["this_node"]
            .as_u64()
            .unwrap_or_default()),
    }
}

async fn drain(client: &Client, style: Style, node: Option<u64>, no_wait: bool) -> Result<()> {
    let node = this_unless(client, node).await?;
    act(client, node, "drain").await?;
    if no_wait {
        output::done(style, &format!("node {node} is draining; see `hongyan cluster status`"));
        return Ok(());
    }
    follow::until_drained(client, node).await?;
    output::done(style, &format!("node {node} owns nothing and may be stopped"));
    Ok(())
}

async fn leave(client: &Client, style: Style, node: u64, no_wait: bool) -> Result<()> {
    let owned = follow::owned(client, node).await?;
    if owned > 0 {
        act(client, node, "drain").await?;
        if no_wait {
            let text = format!(
                "node {node} is draining; leave again when `hongyan cluster status` shows that it owns nothing"
            );
            output::done(style, &text);
            return Ok(());
        }
        follow::until_drained(client, node).await?;
    }
    let told = act(client, node, "leave").await?;
    if told["state"] == "left" {
        output::done(style, &format!("node {node} has left the cluster"));
        return Ok(());
    }
    // It has a server of the store, whose data moves to the others first.
    if no_wait {
        let text = format!(
            "node {node}'s server of the store is being emptied; leave again when `hongyan cluster status` shows it emptied"
        );
        output::done(style, &text);
        return Ok(());
    }
    follow::until_emptied(client, node).await?;
    act(client, node, "leave").await?;
    let text = format!("node {node} has left the cluster; its server of the store holds nothing any more");
    output::done(style, &text);
    Ok(())
}

async fn rebalance(client: &Client, style: Style, pause: bool, automatic: bool, no_wait: bool) -> Result<()> {
    let path = "/api/cluster/settings/placement.rebalance";
    if pause || automatic {
        let value = if pause { "manual" } else { "automatic" };
        output::item(style, &client.put(path, json!({ "value": value })).await?);
        return Ok(());
    }
    let begun = client.post("/api/cluster/rebalance", json!({})).await?;
    if no_wait {
        output::item(style, &begun);
        return Ok(());
    }
    follow::until_balanced(client).await?;
    output::done(style, "every partition is where it belongs");
    Ok(())
}

async fn settings(command: &Settings, client: &Client, style: Style) -> Result<()> {
    let path = |key: &str| format!("/api/cluster/settings/{}", encode(key));
    let value = match command {
        Settings::List => {
            let items = client.get("/api/cluster/settings").await?;
            output::list(style, &items, &["key", "value", "default", "about"]);
            return Ok(());
        }
        Settings::Show { key } => client.get(&path(key)).await?,
        Settings::Set { key, value } => client.put(&path(key), json!({ "value": value })).await?,
        Settings::Unset { key } => client.delete(&path(key)).await?,
    };
    output::item(style, &value);
    Ok(())
}

async fn backup(command: &Backup, client: &Client, style: Style) -> Result<()> {
    let path = "/api/cluster/backup";
    let view = match command {
        Backup::Start { to } => client.post(path, json!({ "to": to })).await?,
        Backup::Status => client.get(path).await?,
        Backup::Stop => client.delete(path).await?,
    };
    show::backup(style, &view);
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Cluster, Lifetime};

    #[derive(Parser)]
    struct All {
        #[command(subcommand)]
        _command: Cluster,
    }

    #[test]
    fn spans_are_read() {
        assert_eq!("90".parse(), Ok(Lifetime(90)));
        assert_eq!("2h".parse(), Ok(Lifetime(7200)));
        assert_eq!("1d".parse(), Ok(Lifetime(86_400)));
        for bad in [
            "",
            "0",
            "h",
            "-1m",
            "1w",
            "99999999999999999999d",
            "9223372036854775807d",
        ] {
            assert!(bad.parse::<Lifetime>().is_err(), "{bad}");
        }
    }

    #[test]
    fn arguments_are_read() {
        for line in [
            "x status",
            "x invite --lifetime 10m",
            "x drain",
            "x drain 2 --no-wait",
            "x leave 3",
            "x resume",
            "x set-node 2 --weight 50 --rack b",
            "x rebalance",
            "x rebalance --pause",
            "x settings set placement.moves_at_once 32",
            "x backup start --to /srv/backup",
            "x backup status",
            "x backup stop",
        ] {
            let read = All::try_parse_from(line.split(' '));
            assert!(read.is_ok(), "{line}");
        }
        for line in [
            "x leave",
            "x rebalance --pause --automatic",
            "x invite --lifetime soon",
            "x backup start",
        ] {
            assert!(All::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
