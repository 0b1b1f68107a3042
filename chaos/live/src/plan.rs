//! What a run is made of, as a TOML file says it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Most nodes of a run: one machine carries them all.
const NODES_MAX: usize = 9;

/// One run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// What it shows, in a sentence.
    pub about: String,
    /// Nodes.
    pub nodes: usize,
    /// FoundationDB processes; none: one node on the embedded store.
    pub foundation: usize,
    /// How long clients work.
    pub seconds: u64,
    /// Mailboxes.
    pub accounts: usize,
    /// The node that owns all mailboxes when clients begin; nothing then moves back by itself. None: they are spread.
    pub gather: Option<usize>,
    /// How processes reach each other.
    pub network: Network,
    /// How clients come in.
    pub door: Door,
    /// Of what is drawn: who delivers to whom, which node is struck.
    pub seed: u64,
    /// Who works.
    pub clients: Clients,
    /// What must come out, besides that nothing is lost or doubled.
    pub expect: Expect,
    /// What goes wrong, and when.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
}

/// How processes reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Each has an address of the loopback interface.
    Loopback,
    /// Each has a network namespace, and a router stands between all of them. Needs root.
    Namespaces,
}

/// How clients come in. Those that watch and measure always come to a node itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    /// To each node in turn.
    Direct,
    /// Through HAProxy with the configuration shipped in `ops/deploy`.
    Haproxy,
}

/// Who works.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clients {
    /// Clients that deliver by SMTP and LMTP.
    pub deliver: usize,
    /// Clients that open mailboxes and change what is in them.
    pub read: usize,
    /// Clients that stay connected and wait in IDLE.
    pub watch: usize,
    /// Mailboxes that are asked all the time, through each node: they tell how long one was away.
    pub probe: usize,
    /// Before anybody works, each mailbox gets a mail, so that all are in use.
    pub wake_all: bool,
    /// Most mailboxes that are read to the last octet at the end; the first ones.
    pub audit: usize,
    /// Pause of a client between two things it does.
    pub pause_millis: u64,
    /// Pause between two questions to a probed mailbox.
    pub probe_millis: u64,
}

/// What must come out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// Longest time that a mailbox may be away for clients of nodes that nothing happened to.
    pub unavailable_millis_max: Option<u64>,
    /// Commands that may fail on connections to nodes that nothing happened to.
    pub failed_max: Option<usize>,
    /// Commands that may fail anywhere.
    pub failed_anywhere_max: Option<usize>,
    /// Nodes are cut off from their store, so clients of all of them feel it.
    pub everybody_suffers: bool,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When, in seconds since clients began.
    pub at: f64,
    /// How often.
    #[serde(default = "once")]
    pub times: usize,
    /// Seconds from one time to the next.
    #[serde(default)]
    pub every: f64,
    /// What.
    pub kind: Kind,
    /// To whom; one drawn at random unless said.
    #[serde(default)]
    pub node: Select,
    /// How long it stays so, in seconds.
    #[serde(default = "a_while")]
    pub seconds: f64,
    /// Partitions: from whom.
    #[serde(default)]
    pub from: Select,
    /// Partitions: which ways are cut.
    #[serde(default)]
    pub ways: Ways,
    /// Slow links: thousands of bits a second.
    #[serde(default = "thousand")]
    pub kbit: u64,
    /// Upgrades: the binary to go on with; unless said, the run's own, which is another one than before when the run was
    /// given one to begin with.
    #[serde(default)]
    pub binary: Option<PathBuf>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A node is killed (-9) and started again after a while.
    Kill,
    /// A node stands still for a while (SIGSTOP).
    Pause,
    /// A node does not reach others for a while.
    Partition,
    /// All that a node sends goes through a narrow link for a while.
    Slow,
    /// The disk of a node is full for a while.
    FullDisk,
    /// A node is asked to end, and started again.
    Restart,
    /// A node gives away all its mailboxes, and may have some again after a while.
    Drain,
    /// All nodes, one after the other: drained, ended, started with the binary given, resumed.
    Upgrade,
    /// A FoundationDB process is killed (-9) and started again after a while.
    FoundationKill,
    /// All FoundationDB processes stand still for a while.
    FoundationPause,
}

/// Whom a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Select {
    /// One drawn at random; as the other side of a partition: all other nodes.
    #[default]
    Any,
    /// All: as the other side of a partition, nodes and FoundationDB.
    All,
    /// As the other side of a partition: FoundationDB.
    Foundation,
    /// This one, counted from 1.
    #[serde(untagged)]
    Number(usize),
}

/// Which ways a partition cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ways {
    /// Both.
    #[default]
    Both,
    /// What the node sends is lost; what it is sent arrives.
    Out,
    /// What the node is sent is lost.
    In,
}

fn once() -> usize {
    1
}
fn a_while() -> f64 {
    5.0
}
fn thousand() -> u64 {
    1_000
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            about: String::new(),
            nodes: 1,
            foundation: 3,
            seconds: 30,
            accounts: 8,
            gather: None,
            network: Network::Loopback,
            door: Door::Direct,
            seed: 1,
            clients: Clients::default(),
            expect: Expect::default(),
            faults: Vec::new(),
        }
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            deliver: 3,
            read: 3,
            watch: 3,
            probe: 4,
            wake_all: false,
            audit: usize::MAX,
            pause_millis: 200,
            probe_millis: 250,
        }
    }
}

impl Plan {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read, or not be run.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("read {shown}"))?;
        let plan: Self = toml::from_str(&text).with_context(|| format!("read {shown}"))?;
        plan.check().with_context(|| format!("plan {shown}"))?;
        Ok(plan)
    }

    /// Whether it can be run at all.
    ///
    /// # Errors
    /// What cannot.
    pub fn check(&self) -> Result<()> {
        ensure!(
            (1..=NODES_MAX).contains(&self.nodes),
            "nodes is not in 1 to {NODES_MAX}"
        );
        ensure!(self.foundation <= NODES_MAX, "foundation is above {NODES_MAX}");
        ensure!(self.foundation > 0 || self.nodes == 1, "several nodes need foundation");
        ensure!(self.accounts > 0, "accounts is 0");
        ensure!(self.clients.probe <= self.accounts, "clients.probe is above accounts");
        if let Some(number) = self.gather {
            let may_be = self.nodes > 1 && (1..=self.nodes).contains(&number);
            ensure!(may_be, "gather: there is no node {number} beside others");
        }
        for fault in &self.faults {
            self.check_fault(fault)
                .with_context(|| format!("fault {:?} at {}", fault.kind, fault.at))?;
        }
        Ok(())
    }

    fn check_fault(&self, fault: &Fault) -> Result<()> {
        ensure!(fault.at >= 0.0 && fault.seconds >= 0.0, "a time is negative");
        ensure!(fault.times <= 1 || fault.every > 0.0, "times without every");
        for select in [fault.node, fault.from] {
            if let Select::Number(number) = select {
                ensure!((1..=self.nodes).contains(&number), "there is no node {number}");
            }
        }
        ensure!(!matches!(fault.node, Select::Foundation), "node cannot be foundation");
        let needs_namespaces = matches!(fault.kind, Kind::Partition | Kind::Slow);
        ensure!(
            !needs_namespaces || self.network == Network::Namespaces,
            "needs network = \"namespaces\""
        );
        let needs_foundation = matches!(fault.kind, Kind::FoundationKill | Kind::FoundationPause);
        ensure!(!needs_foundation || self.foundation > 0, "there is no FoundationDB");
        let needs_nodes = matches!(fault.kind, Kind::Drain | Kind::Upgrade);
        ensure!(!needs_nodes || self.nodes > 1, "needs several nodes");
        Ok(())
    }

    /// Whether disks of nodes get full.
    pub(crate) fn fills_disks(&self) -> bool {
        self.faults.iter().any(|fault| fault.kind == Kind::FullDisk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_plans_can_be_run_and_say_what_they_show() {
        let folder = hongyan_conformance::corpus::crate_folder().join("../plans");
        let mut plans = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let plan = Plan::load(&path).unwrap();
            assert!(!plan.about.is_empty(), "{}", path.display());
            plans += 1;
        }
        assert!(plans > 5);
    }

    #[test]
    fn faults_are_read() {
        let plan: Plan = toml::from_str(
            "nodes = 3\nnetwork = \"namespaces\"\n[[fault]]\nat = 1\nkind = \"partition\"\nnode = 2\nfrom = \"foundation\"\nways = \"in\"\n\
             [[fault]]\nat = 2.5\nkind = \"foundation_kill\"\n",
        )
        .unwrap();
        assert_eq!(plan.faults[0].node, Select::Number(2));
        assert_eq!(plan.faults[0].from, Select::Foundation);
        assert_eq!(plan.faults[0].ways, Ways::In);
        assert_eq!(plan.faults[1].node, Select::Any);
        plan.check().unwrap();
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expect) in [
            ("nodes = 0", "nodes"),
            ("nodes = 3\nfoundation = 0", "foundation"),
            ("nodes = 3\ngather = 4", "gather"),
            ("gather = 1", "gather"),
            ("[[fault]]\nat = 1\nkind = \"partition\"", "namespaces"),
            ("[[fault]]\nat = 1\nkind = \"kill\"\nnode = 2", "no node 2"),
            ("[[fault]]\nat = 1\nkind = \"upgrade\"", "several nodes"),
            ("[[fault]]\nat = 1\nkind = \"kill\"\ntimes = 3", "every"),
        ] {
            let plan: Plan = toml::from_str(text).unwrap();
            let error = format!("{:#}", plan.check().unwrap_err());
            assert!(error.contains(expect), "{error}");
        }
        assert!(toml::from_str::<Plan>("nods = 1").is_err());
    }
}
