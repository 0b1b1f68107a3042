//! HAProxy in front of the nodes, with the shipped configuration: only addresses and ports are the run's.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::machine::{Host, port};
use crate::process::Process;
use crate::programs::find;

/// Where nodes tell of their health.
const HEALTH_PORT: u16 = 8_080;

/// Starts it on `host` in front of `nodes`.
pub(crate) fn start(host: &Host, nodes: &[IpAddr], shipped: &Path, folder: &Path) -> Result<Process> {
    let text = std::fs::read_to_string(shipped).with_context(|| format!("read {}", shipped.display()))?;
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, substitute(&text, host.address, nodes)?).context("write HAProxy's configuration")?;
    let mut command = host.command(&find("haproxy").context("haproxy not found")?);
    command.arg("-db").arg("-f").arg(file);
    Process::start("haproxy", command, &folder.join("haproxy.log"))
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
        assert!(made.contains("bind 127.9.9.9:2993\n    server node1 127.9.9.1:2993\n"), "{made}");
        assert!(made.contains("server node4 127.9.9.4:2025\n"), "{made}");
        assert!(!made.contains("192.0.2."), "{made}");
        assert!(made.contains("check port 10080 ") && made.contains(" source 127.9.9.9\n"), "{made}");
    }
}
