//! HAProxy in front of the nodes, with the shipped configuration: only addresses and ports are the run's.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hongyan_env::Env;
use tokio::io::AsyncReadExt;

use crate::machine::{Host, port};
use crate::process::Process;
use crate::programs::find;

/// Where nodes tell of their health.
const HEALTH_PORT: u16 = 8_080;

/// How long it may take until nodes stand behind it, in looks.
const LOOKS_MAX: u32 = 100;
const LOOK: Duration = Duration::from_millis(100);

/// Starts it on `host` in front of `nodes`, and waits until it lets clients through.
pub(crate) async fn start(env: &Env, host: &Host, nodes: &[IpAddr], shipped: &Path, folder: &Path) -> Result<Process> {
    let text = std::fs::read_to_string(shipped).with_context(|| format!("read {}", shipped.display()))?;
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, substitute(&text, host.address, nodes)?).context("write HAProxy's configuration")?;
    let mut command = host.command(&find("haproxy").context("haproxy not found")?);
    command.arg("-db").arg("-f").arg(file);
    let mut process = Process::start("haproxy", command, &folder.join("haproxy.log"))?;
    for _ in 0..LOOKS_MAX {
        process.check()?;
        if env.timeout(LOOK, is_open(env, host)).await == Some(true) {
            return Ok(process);
        }
        env.sleep(LOOK).await;
    }
    bail!("HAProxy lets nobody through")
}

/// Whether a server greets behind it.
async fn is_open(env: &Env, host: &Host) -> bool {
    let Ok(mut stream) = env.connect(host.at(25)).await else {
        return false;
    };
    let mut greeting = [0; 3];
    stream.read_exact(&mut greeting).await.is_ok() && greeting == *b"220"
}

/// The shipped text with the run's addresses and ports, and as many nodes as there are.
fn substitute(text: &str, own: IpAddr, nodes: &[IpAddr]) -> Result<String> {
    let mut made = String::new();
    let mut servers = 0;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["bind", place] => {
                let usual = usual_port(place)?;
                let _ = writeln!(made, "    bind {own}:{}", port(usual));
            }
            ["server", name, place] => {
                if *name != "node1" {
                    continue;
                }
                let usual = usual_port(place)?;
                for (number, node) in (1..).zip(nodes) {
                    let _ = writeln!(made, "    server node{number} {node}:{}", port(usual));
                }
                servers += 1;
            }
            // As many as fit into what files an ordinary user may open.
            ["maxconn", _] => made.push_str("    maxconn 400\n"),
            ["default-server", ..] => {
                let health = format!("port {HEALTH_PORT}");
                let own_health = format!("port {}", port(HEALTH_PORT));
                let _ = writeln!(made, "{} source {own}", line.replace(&health, &own_health));
            }
            _ => {
                let _ = writeln!(made, "{line}");
            }
        }
    }
    ensure!(servers > 0, "the configuration of HAProxy names no server node1");
    Ok(made)
}

fn usual_port(place: &str) -> Result<u16> {
    let (_, port) = place.rsplit_once(':').context("find a port")?;
    port.parse().context("read a port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_configuration_gets_the_addresses_of_the_run() {
        let path = hongyan_conformance::corpus::crate_folder().join("../../ops/deploy/haproxy.cfg");
        let shipped = std::fs::read_to_string(path).unwrap();
        let nodes: Vec<IpAddr> = (1..=4).map(|n| IpAddr::from([127, 9, 9, n])).collect();
        let made = substitute(&shipped, [127, 9, 9, 9].into(), &nodes).unwrap();
        assert!(
            made.contains("bind 127.9.9.9:20993\n    server node1 127.9.9.1:20993\n"),
            "{made}"
        );
        assert!(made.contains("server node4 127.9.9.4:20025\n"), "{made}");
        assert!(!made.contains("192.0.2."), "{made}");
        assert!(
            made.contains("check port 28080 ") && made.contains(" source 127.9.9.9\n"),
            "{made}"
        );
    }
}
