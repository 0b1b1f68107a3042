//! Network namespaces: one for each host, and one for the router that stands between them. Packets are lost in the
//! router, one way or both, and links are made narrow where they leave a host. All of it has the run's name and goes with it.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::machine::Host;
use crate::programs::find;

/// What names of namespaces begin with; the id of the run's process follows.
const PREFIX: &str = "hongyan-";
/// Rules that lose packets count from here.
const FIRST_RULE: u32 = 1_000;
/// The host number of the clients, which live outside of all namespaces.
const OUTSIDE: u8 = 254;

/// The namespaces of a run.
pub(crate) struct Namespaces {
    /// Second octet of all addresses.
    octet: u8,
    made: Vec<String>,
    rules: Cell<u32>,
}

/// A direction that is cut.
#[derive(Debug)]
pub(crate) struct Cut(u32);

impl Namespaces {
    /// A router, and a way to it from here.
    pub(crate) fn new(octet: u8) -> Result<Self> {
        sweep();
        let mut namespaces = Self {
            octet,
            made: Vec::new(),
            rules: Cell::new(FIRST_RULE),
        };
        let router = namespaces.name("router");
        namespaces.make(&router)?;
        ip(&["netns", "exec", &router, "sysctl", "-qw", "net.ipv4.ip_forward=1"])?;
        let here = format!("hy{}", std::process::id());
        ip(&[
            "link", "add", &here, "type", "veth", "peer", "name", "outside", "netns", &router,
        ])?;
        namespaces.address(None, &here, OUTSIDE, 2)?;
        namespaces.address(Some(&router), "outside", OUTSIDE, 1)?;
        let all = format!("10.{octet}.0.0/16");
        let way = namespaces.text(OUTSIDE, 1);
        ip(&["route", "add", &all, "via", &way, "dev", &here])?;
        Ok(namespaces)
    }
    /// A host behind the router.
    pub(crate) fn host(&mut self, name: &str, number: u8) -> Result<Host> {
        let (namespace, router) = (self.name(name), self.name("router"));
        self.make(&namespace)?;
        ip(&[
            "-n", &router, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", &namespace,
        ])?;
        self.address(Some(&router), name, number, 1)?;
        self.address(Some(&namespace), "eth0", number, 2)?;
        ip(&["-n", &namespace, "link", "set", "lo", "up"])?;
        let way = self.text(number, 1);
        ip(&["-n", &namespace, "route", "add", "default", "via", &way])?;
        Ok(Host {
            name: name.to_owned(),
            address: IpAddr::V4(Ipv4Addr::new(10, self.octet, number, 2)),
            namespace: Some(namespace),
        })
    }
    /// From now on nothing gets from one to the other.
    pub(crate) fn cut(&self, from: IpAddr, to: IpAddr) -> Result<Cut> {
        let rule = self.rules.get();
        self.rules.set(rule + 1);
        let (number, from, to) = (rule.to_string(), from.to_string(), to.to_string());
        ip(&[
            "-n",
            &self.name("router"),
            "rule",
            "add",
            "from",
            &from,
            "to",
            &to,
            "pref",
            &number,
            "blackhole",
        ])?;
        Ok(Cut(rule))
    }
    pub(crate) fn mend(&self, cut: &Cut) -> Result<()> {
        ip(&["-n", &self.name("router"), "rule", "del", "pref", &cut.0.to_string()])
    }
    /// From now on what `host` sends goes through a narrow link.
    pub(crate) fn narrow(host: &Host, kbit: u64) -> Result<()> {
        let rate = format!("{kbit}kbit");
        let delayed = ["netem", "delay", "20ms", "10ms", "rate", &rate];
        if tc(host, "replace", &delayed).is_ok() {
            return Ok(());
        }
        // Not every kernel has netem.
        tc(
            host,
            "replace",
            &["tbf", "rate", &rate, "burst", "32kbit", "latency", "400ms"],
        )
    }
    pub(crate) fn widen(host: &Host) -> Result<()> {
        tc(host, "del", &[])
    }

    fn name(&self, of: &str) -> String {
        format!("{PREFIX}{}-{of}", std::process::id())
    }
    fn make(&mut self, namespace: &str) -> Result<()> {
        ip(&["netns", "add", namespace])?;
        self.made.push(namespace.to_owned());
        Ok(())
    }
    fn text(&self, host: u8, side: u8) -> String {
        Ipv4Addr::new(10, self.octet, host, side).to_string()
    }
    fn address(&self, namespace: Option<&str>, device: &str, host: u8, side: u8) -> Result<()> {
        let address = format!("{}/24", self.text(host, side));
        let inside: &[&str] = match &namespace {
            Some(namespace) => &["-n", namespace],
            None => &[],
        };
        ip(&[inside, &["addr", "add", &address, "dev", device]].concat())?;
        ip(&[inside, &["link", "set", device, "up"]].concat())
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // The links in them go with them.
        for namespace in &self.made {
            let _ = ip(&["netns", "del", namespace]);
        }
    }
}

/// Removes what a run left behind that could not clean up.
fn sweep() {
    let Ok(names) = std::fs::read_dir("/run/netns") else {
        return;
    };
    for name in names.flatten() {
        let name = name.file_name().to_string_lossy().into_owned();
        let Some((id, _)) = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')) else {
            continue;
        };
        if id.parse::<u32>().is_ok() && !Path::new("/proc").join(id).exists() {
            let _ = ip(&["netns", "del", &name]);
        }
    }
}

fn tc(host: &Host, verb: &str, what: &[&str]) -> Result<()> {
    let mut command = host.command(&find("tc").context("tc not found")?);
    command.args(["qdisc", verb, "dev", "eth0", "root"]).args(what);
    run(command)
}

fn ip(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(find("ip").context("ip not found")?);
    command.args(arguments);
    run(command)
}

fn run(mut command: Command) -> Result<()> {
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
