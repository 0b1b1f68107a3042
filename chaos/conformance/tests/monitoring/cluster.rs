//! Three nodes on FoundationDB under Prometheus: what dashboard and alerts ask for is there, and no alert rings when all is well.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hongyan_conformance::imap::Imap;
use hongyan_conformance::node::{binary, free_base};
use hongyan_conformance::program::{is_there, run};
use hongyan_conformance::smtp::Smtp;
use hongyan_foundationdb::testing::{Engine, TestServer};

use crate::{paper, shipped};

/// Looks of 100 ms until something must be there.
const LOOKS_MAX: u32 = 1800;
const LOOK: Duration = Duration::from_millis(100);
const NODES: u16 = 3;

/// A process that ends when dropped.
struct Program(Child);

impl Program {
    fn start(folder: &Path, name: &str, command: &mut Command) -> Result<Self> {
        let log = std::fs::File::create(folder.join(format!("{name}.log")))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn();
        Ok(Self(child.with_context(|| format!("start {name}"))?))
    }
    /// Asks it to end in order, and waits.
    fn stop(&mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status()?;
        ensure!(asked.success(), "kill failed");
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended; one that did not in order ends so.
        let _ = self.stop();
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The nodes of one `hongyan dev`.
struct Cluster {
    _parent: Program,
    folder: tempfile::TempDir,
    base: u16,
}

impl Cluster {
    fn start(cluster_file: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let base = free_base()?;
        let mut command = Command::new(binary()?);
        command
            .args([
                "dev",
                "--nodes",
                &NODES.to_string(),
                "--base-port",
                &base.to_string(),
                "--fdb",
            ])
            .arg(cluster_file)
            .arg("--data")
            .arg(folder.path().join("data"));
        let parent = Program::start(folder.path(), "dev", &mut command)?;
        let mut cluster = Self {
            _parent: parent,
            folder,
            base,
        };
        cluster.wait()?;
        Ok(cluster)
    }
    fn wait(&mut self) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            let ready = |node| get(self.port(node, 80), "/readyz").is_ok_and(|text| text.starts_with("HTTP/1.1 200"));
            if (1..=NODES).all(ready) {
                return Ok(());
            }
            sleep(LOOK);
        }
        bail!(
            "the cluster is not ready: {}",
            std::fs::read_to_string(self.folder.path().join("dev.log"))?
        )
    }
    fn port(&self, node: u16, usual: u16) -> u16 {
        self.base + 100 * node + usual
    }
    /// Runs a command against node 1.
    fn manage(&self, arguments: &[&str]) -> Result<String> {
        let data = self.folder.path().join("data/node-1").display().to_string();
        let all = [&["--data", &data], arguments].concat();
        let said = run(self.folder.path(), &binary()?.display().to_string(), &all, b"")?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
    /// What all nodes show together.
    fn shown(&self) -> Result<BTreeMap<String, paper::Metric>> {
        let mut shown = BTreeMap::<String, paper::Metric>::new();
        for node in 1..=NODES {
            for (name, metric) in paper::shown(&get(self.port(node, 80), "/metrics")?) {
                let known = shown.entry(name).or_default();
                known.kind = metric.kind;
                known.labels.extend(metric.labels);
            }
        }
        Ok(shown)
    }
}

fn get(port: u16, path: &str) -> Result<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// A Prometheus with the shipped rules.
struct Prometheus {
    _program: Program,
    address: String,
}

impl Prometheus {
    fn start(cluster: &Cluster) -> Result<Self> {
        let folder = cluster.folder.path();
        let shipped = std::fs::read_to_string(super::deploy().join("prometheus.yml"))?;
        let mut text = String::new();
        for line in shipped.lines() {
            let node = (1..=NODES).find(|node| line.contains(&format!("192.0.2.{node}:")));
            match node {
                Some(node) => text.push_str(&format!("          - 127.0.0.1:{}", cluster.port(node, 80))),
                None => text.push_str(&line.replace("15s", "1s")),
            }
            text.push('\n');
        }
        std::fs::write(folder.join("prometheus.yml"), text)?;
        std::fs::copy(super::deploy().join("alerts.yml"), folder.join("alerts.yml"))?;
        let address = format!("127.0.0.1:{}", cluster.port(NODES + 1, 80));
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("prometheus").display()))
            .arg(format!("--web.listen-address={address}"));
        let program = Program::start(folder, "prometheus", &mut command)?;
        Ok(Self {
            _program: program,
            address: format!("http://{address}"),
        })
    }
    /// What it answers; nothing is an empty text.
    fn ask(&self, question: &str) -> Result<String> {
        let output = Command::new("promtool")
            .args(["query", "instant", &self.address, question])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{question}: {said}");
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
    fn until(&self, question: &str) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            if self.ask(question).is_ok_and(|answer| !answer.is_empty()) {
                return Ok(());
            }
            sleep(LOOK);
        }
        bail!("{question} is not so")
    }
}

/// Shown once there was one: what a cluster without trouble does not have.
const TROUBLE: &[&str] = &[
    "hongyan_router_ask_errors_total",
    "hongyan_transport_refused_total",
    "hongyan_queue_outcomes_total",
];

#[test]
fn a_cluster_shows_what_dashboard_and_alerts_ask_for() -> Result<()> {
    let what = "the metrics of a cluster";
    let Some(store) = TestServer::start(what, Engine::Memory) else {
        return Ok(());
    };
    let cluster = Cluster::start(&store.cluster_file())?;
    let prometheus = match is_there("prometheus", "Prometheus over a cluster") {
        true => Some(Prometheus::start(&cluster)?),
        false => None,
    };
    for user in 1..=9 {
        let to = format!("user{user}@example.test");
        let node = 1 + user % NODES;
        let mut imap = Imap::login(cluster.port(1 + (user + 1) % NODES, 143), &to)?;
        imap.select("INBOX")?;
        let mut smtp = Smtp::hello(cluster.port(node, 25))?;
        let reply = smtp.send("sender@elsewhere.test", &[&to], b"Subject: one\r\n\r\n1\r\n")?;
        ensure!(reply.code == 250, "{reply:?}");
        ensure!(imap.select("INBOX")? == 1);
    }
    let drained = cluster.manage(&["cluster", "drain", "2"])?;
    ensure!(drained.contains("owns nothing"), "{drained}");
    ensure!(get(cluster.port(2, 80), "/readyz")?.contains("draining"));
    cluster.manage(&["cluster", "resume", "2"])?;
    let balanced = cluster.manage(&["cluster", "rebalance"])?;
    ensure!(balanced.contains("where it belongs"), "{balanced}");

    let (shown, written) = (cluster.shown()?, paper::written()?);
    for (name, metric) in shown.iter().filter(|(name, _)| name.starts_with("hongyan_")) {
        let known = written.get(name).with_context(|| format!("the paper lacks {name}"))?;
        ensure!(known == metric, "{name} is {metric:?}, in the paper {known:?}");
    }
    for name in shipped::asked_for()? {
        // These nodes look after no FoundationDB.
        let kept = name.starts_with("hongyan_foundationdb_") || TROUBLE.contains(&name.as_str());
        ensure!(kept || shown.contains_key(&name), "{name} is asked for and not shown");
    }
    let Some(prometheus) = prometheus else { return Ok(()) };
    prometheus.until(&format!("sum(up{{job=\"hongyan\"}}) == {NODES}"))?;
    prometheus.until("sum(hongyan_metadata_leader) == 1")?;
    prometheus.until("min(hongyan_membership_lease) == 1")?;
    for question in shipped::dashboard_questions()? {
        prometheus.ask(&question)?;
    }
    prometheus.until("absent(ALERTS{alertstate=\"firing\",severity=\"page\"})")
}
