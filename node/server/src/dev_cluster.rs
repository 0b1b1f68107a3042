//! `hongyan dev --nodes N`: a cluster of processes on this machine, to try what happens when one of them dies.
//!
//! The parent makes them members of one cluster, starts them, says where they are, and ends them with Ctrl-C. What each
//! node does is `dev`'s.

use std::fs;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hongyan_env::Env;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Dev;
use crate::cluster::{self, Storage};
use crate::dev::{self, Ports};

/// How far the ports of two nodes are apart.
const PORTS_APART: u16 = 100;
/// Longer than anybody needs to start the other nodes.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
/// How long a node may take until it is ready; a busy machine is slow.
const READY_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);
/// How long the nodes may take to end in good order.
const END_WITHIN: Duration = Duration::from_secs(30);

pub(crate) fn run(arguments: &Dev, data: &Path) -> Result<()> {
    if data.join("store").exists() {
        bail!(
            "{} is the data folder of one node: give several nodes another one with --data",
            data.display()
        );
    }
    let mut nodes = Vec::new();
    for number in 1..=arguments.nodes {
        nodes.push(DevNode::new(arguments, data, number)?);
    }
    hongyan_actor::run(0, keep(nodes, arguments, data))
}

async fn keep(mut nodes: Vec<DevNode>, arguments: &Dev, data: &Path) -> Result<()> {
    let env = Env::real();
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let outcome = tokio::select! {
        biased;
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        outcome = start_and_watch(&env, &mut nodes, arguments, data) => outcome,
    };
    end_all(&env, &mut nodes).await;
    outcome
}

async fn start_and_watch(env: &Env, nodes: &mut [DevNode], arguments: &Dev, data: &Path) -> Result<()> {
    start_all(env, nodes).await?;
    print_welcome(nodes, arguments, data);
    loop {
        for node in nodes.iter_mut() {
            if let Some(status) = node.ended() {
                say(&format!(
                    "node {} has ended ({}); start it again with:\n  {}",
                    node.number,
                    described(status),
                    node.command_line()
                ));
            }
        }
        env.sleep(POLL).await;
    }
}

/// Makes members of those that are none yet, and starts all. The first one makes the accounts before the others start.
async fn start_all(env: &Env, nodes: &mut [DevNode]) -> Result<()> {
    let strangers = nodes.iter().filter(|node| !node.is_member()).count();
    let (first, others) = nodes.split_first_mut().context("a cluster has a node")?;
    let mut tokens = Vec::new();
    if !first.is_member() {
        if strangers <= others.len() {
            bail!(
                "{} is no member of the others' cluster: remove the folders of all nodes to begin anew",
                first.data.display()
            );
        }
        let config = dev::config(&first.arguments, &first.data);
        tokens = cluster::found(&config, Storage::Configured, others.len(), TOKEN_LIFETIME).await?;
    }
    first.start()?;
    // A restarted cluster needs a majority before anyone is ready.
    for node in others.iter_mut().filter(|node| node.is_member()) {
        node.start()?;
    }
    first.ready(env).await?;
    for node in others.iter_mut().filter(|node| !node.is_member()) {
        let Some(token) = tokens.pop() else {
            bail!(
                "{} is no member: run `hongyan --data {} cluster invite` and `hongyan cluster join`, or begin anew with another --data",
                node.data.display(),
                first.data.display()
            );
        };
        let config = dev::config(&node.arguments, &node.data);
        cluster::join(&config, &token).await?;
        node.start()?;
    }
    for node in others {
        node.ready(env).await?;
    }
    Ok(())
}

async fn end_all(env: &Env, nodes: &mut [DevNode]) {
    for node in nodes.iter_mut() {
        node.terminate();
    }
    let gone = async {
        while nodes.iter_mut().any(DevNode::runs) {
            env.sleep(POLL).await;
        }
    };
    if env.timeout(END_WITHIN, gone).await.is_none() {
        for node in nodes.iter_mut() {
            node.kill();
        }
    }
}

/// One node, which may or may not run.
struct DevNode {
    number: u16,
    data: PathBuf,
    /// Where its process id is written.
    id_file: PathBuf,
    arguments: Dev,
    child: Option<Child>,
}

impl DevNode {
    fn new(arguments: &Dev, data: &Path, number: u16) -> Result<Self> {
        let fdb = match &arguments.fdb {
            Some(file) => Some(std::path::absolute(file).context("find the cluster file")?),
            None => None,
        };
        let own = data.join(format!("node-{number}"));
        let mut arguments = arguments.clone();
        arguments.data = Some(own.clone());
        arguments.base_port += PORTS_APART * number;
        arguments.nodes = 1;
        arguments.fdb = fdb;
        Ok(Self {
            number,
            id_file: data.join(format!("node-{number}.pid")),
            arguments,
            data: own,
            child: None,
        })
    }
    fn is_member(&self) -> bool {
        self.data.join("cluster/member.toml").exists()
    }
    fn words(&self) -> Vec<String> {
        let arguments = &self.arguments;
        let mut words = vec![
            "dev".to_owned(),
            format!("--data={}", self.data.display()),
            format!("--base-port={}", arguments.base_port),
            format!("--domain={}", arguments.domain),
            format!("--users={}", arguments.users),
            format!("--password={}", arguments.password),
        ];
        words.extend(arguments.fdb.iter().map(|file| format!("--fdb={}", file.display())));
        words
    }
    /// For people who start it again.
    fn command_line(&self) -> String {
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("hongyan"));
        format!("{} {}", program.display(), self.words().join(" "))
    }
    fn start(&mut self) -> Result<()> {
        let program = std::env::current_exe().context("find this program")?;
        let child = Command::new(program)
            .args(self.words())
            .arg(format!("--log={}", self.arguments.log))
            .arg("--until-input-ends")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // The terminal's Ctrl-C is the parent's, which ends all in good order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("start node {}", self.number))?;
        let id = child.id().to_string();
        self.child = Some(child);
        fs::write(&self.id_file, id + "\n").with_context(|| format!("write {}", self.id_file.display()))
    }
    fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
    /// Waits until traffic may come.
    async fn ready(&mut self, env: &Env) -> Result<()> {
        let port = Ports(self.arguments.base_port).at(80);
        let ready = async {
            loop {
                if let Some(status) = self.ended() {
                    bail!("node {} has ended: {}", self.number, described(status));
                }
                if is_ready(env, port).await {
                    return Ok(());
                }
                env.sleep(POLL).await;
            }
        };
        match env.timeout(READY_WITHIN, ready).await {
            Some(outcome) => outcome,
            None => bail!("a node is not ready; http://127.0.0.1:{port}/readyz says why"),
        }
    }
    fn runs(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }
    /// How it ended, once.
    fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        let _ = fs::remove_file(&self.id_file);
        Some(status)
    }
    fn terminate(&mut self) {
        if self.runs()
            && let Some(id) = self.id().and_then(|id| i32::try_from(id).ok())
            && let Some(id) = rustix::process::Pid::from_raw(id)
        {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
    }
    fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
        }
    }
}

impl Drop for DevNode {
    fn drop(&mut self) {
        self.kill();
        if let Some(child) = &mut self.child {
            let _ = child.wait();
            let _ = fs::remove_file(&self.id_file);
        }
    }
}

/// Whether the node whose HTTP port this is says so.
async fn is_ready(env: &Env, port: u16) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ask = async {
        let mut socket = env.connect(([127, 0, 0, 1], port).into()).await.ok()?;
        let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        socket.write_all(request).await.ok()?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.ok()?;
        Some(answer.starts_with(b"HTTP/1.1 200"))
    };
    env.timeout(Duration::from_secs(2), ask).await.flatten() == Some(true)
}

fn described(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => "for no known reason".to_owned(),
    }
}

fn print_welcome(nodes: &[DevNode], arguments: &Dev, data: &Path) {
    let mut table = String::new();
    for node in nodes {
        let at = |usual| Ports(node.arguments.base_port).at(usual);
        let id = node.id().map_or_else(|| "-".to_owned(), |id| id.to_string());
        table.push_str(&format!(
            "  node {}  pid {id:<8} SMTP {}  LMTP {}  submission {}  IMAP {}  POP3 {}  HTTPS {}  http://127.0.0.1:{}/readyz\n",
            node.number,
            at(25),
            at(24),
            at(587),
            at(143),
            at(110),
            at(crate::dev::HTTPS),
            at(80),
        ));
    }
    let (domain, users, password) = (&arguments.domain, arguments.users, &arguments.password);
    say(&format!(
        "\
Hongyan is ready: {count} nodes as one; data in {data}

Accounts: user1@{domain} ... user{users}@{domain}, password: {password}. All of them on every node:

{table}
Each process id is in {data}/node-N.pid. Kill one and see:
  kill -9 $(cat {data}/node-2.pid)
Who is in, who owns what:
  hongyan --data {data}/node-1 cluster status
Ctrl-C ends all; the next start finds everything again.
",
        count = nodes.len(),
        data = data.display(),
    ));
}

fn say(text: &str) {
    // Nobody may be reading; the nodes run all the same.
    let _ = writeln!(std::io::stdout(), "{text}");
}
