//! Waiting for what the cluster does, with a line of progress on standard error whenever there is some.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::client::Client;

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks in a row that may fail: the node that is asked may be between two leaders.
const FAILURES_MAX: u32 = 60;

/// The node in a status.
fn node(status: &Value, node: u64) -> Option<&Value> {
    let nodes = status["nodes"].as_array()?;
    nodes.iter().find(|known| known["id"].as_u64() == Some(node))
}

/// How many partitions the node owns.
pub(super) async fn owned(client: &Client, id: u64) -> Result<u64> {
    let status = client.get("/api/cluster").await?;
    let known = node(&status, id).with_context(|| format!("the cluster has no node {id}"))?;
    Ok(known["partitions"].as_u64().unwrap_or_default())
}

/// Waits until the node owns nothing.
pub(super) async fn until_drained(client: &Client, id: u64) -> Result<()> {
    follow(client, |status| {
        let Some(known) = node(status, id) else {
            return Ok(Step::Done);
        };
        let owned = known["partitions"].as_u64().unwrap_or_default();
        let state = known["state"].as_str().unwrap_or_default();
        if owned == 0 {
            return Ok(Step::Done);
        }
        if state == "up" {
            bail!("somebody told node {id} to resume");
        }
        Ok(Step::Wait(format!("node {id} is {state} and owns {owned} partitions")))
    })
    .await
}

/// Waits until the node's server of the store holds nothing.
pub(super) async fn until_emptied(client: &Client, id: u64) -> Result<()> {
    follow(client, |status| {
        let Some(known) = node(status, id) else {
            return Ok(Step::Done);
        };
        match known["store_server"].as_str() {
            Some("emptying") => {}
            Some("serving" | "returning") => bail!("somebody told node {id} to resume"),
            _ => return Ok(Step::Done),
        }
        let text = format!("node {id}'s server is being emptied");
        let messages = status["store"]["messages"].as_array().into_iter().flatten();
        let known = messages
            .filter_map(Value::as_str)
            .find(|message| message.starts_with(&text));
        Ok(Step::Wait(known.unwrap_or(&text).to_owned()))
    })
    .await
}

/// Waits until every partition is where it belongs.
pub(super) async fn until_balanced(client: &Client) -> Result<()> {
    follow(client, |status| {
        let partitions = &status["partitions"];
        let number = |name: &str| partitions[name].as_u64().unwrap_or_default();
        if number("misplaced") == 0 && number("moving") == 0 {
            return Ok(Step::Done);
        }
        if partitions["rebalance"] == "manual" {
            bail!(
                "somebody paused it: {} partitions are not where they belong",
                number("misplaced")
            );
        }
        Ok(Step::Wait(format!(
            "{} partitions are not where they belong, {} are moving",
            number("misplaced"),
            number("moving")
        )))
    })
    .await
}

enum Step {
    Done,
    Wait(String),
}

async fn follow(client: &Client, judge: impl Fn(&Value) -> Result<Step>) -> Result<()> {
    let mut said = String::new();
    let mut failures = 0;
    loop {
        match client.get("/api/cluster").await {
            Ok(status) => {
                failures = 0;
                match judge(&status)? {
                    Step::Done => return Ok(()),
                    Step::Wait(text) if text != said => {
                        eprintln!("{text}");
                        said = text;
                    }
                    Step::Wait(_) => {}
                }
            }
            Err(error) => {
                failures += 1;
                if failures >= FAILURES_MAX {
                    return Err(error);
                }
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
