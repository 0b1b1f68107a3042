//! A node: its folder, its configuration, its process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hongyan_env::Env;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::machine::Host;
use crate::process::Process;
use crate::programs::find;

/// Nodes are called so, with their number, in this domain; the accounts are in it too.
pub const DOMAIN: &str = "chaos.test";
/// Where nodes tell of their health.
const HEALTH_PORT: u16 = 8_080;
/// What stands before the number of mailboxes in memory among the metrics.
const MAILBOXES_METRIC: &str = "hongyan_entity_active_entities{kind=\"mailbox\"}";
/// Ports of nodes among each other, less what ports of a run are above.
const CLUSTER_PORT: u16 = 5_700;
const JOIN_PORT: u16 = 5_701;
/// How long a node may take to be ready, in looks.
const READY_LOOKS_MAX: u32 = 600;
const LOOK: Duration = Duration::from_millis(100);
/// How long a node may take to end when asked.
const STOP: Duration = Duration::from_secs(60);
/// Size of a disk that is to get full.
const DISK: &str = "size=96m";
/// Octets written at a time to fill it.
const PIECE: usize = 64 * 1024;

/// What the release before refuses among `[listen]`.
const NEWEST_SETTINGS: &str = "https = []\n";

/// What a node is made of.
pub(crate) struct NodeParts {
    /// Counted from 0.
    pub(crate) number: usize,
    pub(crate) host: Host,
    /// Its folder.
    pub(crate) folder: PathBuf,
    pub(crate) binary: PathBuf,
    /// The program is of the release before, which does not know [`NEWEST_SETTINGS`].
    pub(crate) is_earlier: bool,
    /// FoundationDB's cluster file; none: the embedded store.
    pub(crate) cluster_file: Option<PathBuf>,
    /// The load balancer.
    pub(crate) proxy: Option<Host>,
    /// It is one of many.
    pub(crate) is_member: bool,
    /// Its disk is small and will get full.
    pub(crate) has_small_disk: bool,
}

/// A node, running or not.
pub(crate) struct Node {
    parts: NodeParts,
    process: Option<Process>,
    has_mount: bool,
}

impl Node {
    pub(crate) fn new(parts: NodeParts) -> Result<Self> {
        std::fs::create_dir_all(parts.folder.join("data")).context("make the node's folder")?;
        let mut node = Self {
            parts,
            process: None,
            has_mount: false,
        };
        if node.parts.has_small_disk {
            let mut mount = Command::new(find("mount").context("mount not found")?);
            mount
                .args(["-t", "tmpfs", "-o", DISK, "hongyan-chaos"])
                .arg(node.data());
            ensure!(mount.status().context("run mount")?.success(), "mount a small disk");
            node.has_mount = true;
        }
        node.write_config()?;
        Ok(node)
    }
    pub(crate) fn host(&self) -> &Host {
        &self.parts.host
    }
    pub(crate) fn data(&self) -> PathBuf {
        self.parts.folder.join("data")
    }
    fn config_file(&self) -> PathBuf {
        self.parts.folder.join("hongyan.toml")
    }
    pub(crate) fn log_file(&self) -> PathBuf {
        self.parts.folder.join("node.log")
    }
    pub(crate) fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }
    /// From its next start on it is this program, of the newest release.
    pub(crate) fn upgrade(&mut self, binary: &Path) -> Result<()> {
        binary.clone_into(&mut self.parts.binary);
        self.parts.is_earlier = false;
        self.write_config()
    }
    fn write_config(&self) -> Result<()> {
        std::fs::write(self.config_file(), self.config()).context("write the node's configuration")
    }

    fn config(&self) -> String {
        let parts = &self.parts;
        let at = |usual| parts.host.at(usual).to_string();
        let networks = match &parts.proxy {
            Some(proxy) => format!("\"{}/32\"", proxy.address),
            None => String::new(),
        };
        let storage = match &parts.cluster_file {
            Some(file) => format!("backend = \"foundationdb\"\ncluster_file = \"{}\"\n", file.display()),
            None => String::new(),
        };
        let cluster = if parts.is_member {
            let (inside, door) = (at(CLUSTER_PORT), at(JOIN_PORT));
            let own = parts.host.address;
            format!("[cluster]\nlisten = [\"{inside}\"]\njoin_listen = [\"{door}\"]\nadvertise = \"{own}\"\n")
        } else {
            String::new()
        };
        format!(
            "[node]\nhost_name = \"node{number}.{DOMAIN}\"\ndata = \"{data}\"\nshutdown_grace_secs = 5\n\
             [listen]\nsmtp = [\"{smtp}\"]\nlmtp = [\"{lmtp}\"]\nimaps = [\"{imaps}\"]\nhttp = [\"{http}\"]\n\
             imap = []\nsubmission = []\nsubmissions = []\npop3 = []\npop3s = []\n{newest}proxy_networks = [{networks}]\n\
             [limits]\nconnections_per_address_max = 100000\n\
             [access]\nargon2_memory_kib = 1024\nargon2_passes = 1\nscram_iterations = 4096\nsessions_per_account_max = 100000\n\
             [storage]\nfree_octets_min = 4194304\n{storage}{cluster}",
            newest = if parts.is_earlier { "" } else { NEWEST_SETTINGS },
            number = parts.number + 1,
            data = self.data().display(),
            smtp = at(25),
            lmtp = at(24),
            imaps = at(993),
            http = at(HEALTH_PORT),
        )
    }

    /// Makes it the first of a cluster; the token by which others join.
    pub(crate) async fn init(&self) -> Result<String> {
        let said = self.offline(&["cluster", "init"]).await?;
        token(&said).with_context(|| format!("find the token in: {said}"))
    }
    /// A further token, from the running node.
    pub(crate) async fn invite(&self) -> Result<String> {
        let said = self.manage(&["cluster", "invite"]).await?;
        token(&said).with_context(|| format!("find the token in: {said}"))
    }
    /// Makes it one more of a cluster.
    pub(crate) async fn join(&self, token: &str) -> Result<()> {
        self.offline(&["cluster", "join", token]).await.map(drop)
    }
    async fn offline(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.parts.host.command(&self.parts.binary);
        command.args(arguments).arg("--config").arg(self.config_file());
        finished(command, arguments).await
    }
    /// A command that asks the running node for something.
    pub(crate) fn manager(&self, arguments: &[&str]) -> Command {
        let mut command = self.parts.host.command(&self.parts.binary);
        command.arg("--data").arg(self.data()).args(arguments);
        command
    }
    /// Asks the running node for something, and waits until it is done.
    pub(crate) async fn manage(&self, arguments: &[&str]) -> Result<String> {
        finished(self.manager(arguments), arguments).await
    }

    /// Starts its process.
    pub(crate) fn start(&mut self) -> Result<()> {
        let mut command = self.parts.host.command(&self.parts.binary);
        command.arg("serve").arg("--config").arg(self.config_file());
        let process = Process::start(&self.parts.host.name, command, &self.log_file())?;
        self.process = Some(process);
        Ok(())
    }
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }
    /// Takes its process out, to end it.
    pub(crate) fn take(&mut self) -> Option<Process> {
        self.process.take()
    }
    pub(crate) fn pause(&self, is_paused: bool) -> Result<()> {
        let signal = if is_paused { Signal::STOP } else { Signal::CONT };
        self.process.as_ref().context("find the node's process")?.signal(signal)
    }
    /// Whether its process runs; else why not.
    pub(crate) fn check(&mut self) -> Result<()> {
        match &mut self.process {
            Some(process) => process.check(),
            None => bail!("{} does not run", self.parts.host.name),
        }
    }
    /// The certificate that it shows to clients.
    pub(crate) fn certificate(&self) -> Option<Vec<u8>> {
        use rustls_pki_types::CertificateDer;
        use rustls_pki_types::pem::PemObject;
        let file = self.data().join("tls/certificate.pem");
        CertificateDer::from_pem_file(file).ok().map(|der| der.to_vec())
    }

    /// Lines of its log that say that it crashed.
    pub(crate) fn logged_errors(&self) -> Vec<String> {
        let text = std::fs::read(self.log_file()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let panics = text.lines().filter(|line| line.contains("panicked at"));
        panics.map(|line| format!("{}: {line}", self.parts.host.name)).collect()
    }

    /// Fills its small disk to the last octet.
    pub(crate) fn fill_disk(&self) -> Result<()> {
        use std::io::Write;
        let file = self.filler();
        let mut file = std::fs::File::create(&file).with_context(|| format!("create {}", file.display()))?;
        let piece = vec![1_u8; PIECE];
        while file.write_all(&piece).is_ok() {}
        Ok(())
    }
    pub(crate) fn free_disk(&self) {
        // A disk that was never filled has no filler.
        let _ = std::fs::remove_file(self.filler());
    }
    fn filler(&self) -> PathBuf {
        self.data().join("filler")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        if self.has_mount
            && let Some(program) = find("umount")
        {
            // Nothing is left to do when it fails.
            let _ = Command::new(program).arg(self.data()).status();
        }
    }
}

/// Asks a process to end, with the patience that a node deserves. Whether it ended by itself.
pub(crate) async fn stop(env: &Env, mut process: Process) -> bool {
    process.stop(env, STOP).await
}

/// Waits until the node at `host` says that it is ready.
pub(crate) async fn ready(env: &Env, host: &Host, mut check: impl FnMut() -> Result<()>) -> Result<()> {
    for _ in 0..READY_LOOKS_MAX {
        check()?;
        let asked = env.timeout(Duration::from_secs(2), is_ready(env, host)).await;
        if asked.is_some_and(|answer| answer.unwrap_or(false)) {
            return Ok(());
        }
        env.sleep(LOOK).await;
    }
    bail!("{} is not ready in {} s", host.name, READY_LOOKS_MAX / 10)
}

async fn is_ready(env: &Env, host: &Host) -> Result<bool> {
    Ok(page(env, host, "/readyz").await?.starts_with("HTTP/1.1 200"))
}

/// Mailboxes that the node at `host` has in memory.
pub(crate) async fn mailboxes_in_memory(env: &Env, host: &Host) -> Result<usize> {
    let answer = page(env, host, "/metrics").await?;
    let number = answer.lines().find_map(|line| line.strip_prefix(MAILBOXES_METRIC));
    number
        .and_then(|number| number.trim().parse().ok())
        .context("find the number of mailboxes")
}

async fn page(env: &Env, host: &Host, path: &str) -> Result<String> {
    let mut stream = env.connect(host.at(HEALTH_PORT)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Runs a command to its end; what it printed.
pub(crate) async fn finished(command: Command, arguments: &[&str]) -> Result<String> {
    let mut command = tokio::process::Command::from(command);
    let output = command.kill_on_drop(true).output().await.context("run hongyan")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "hongyan {}: {said}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said)
}

/// The token in what `cluster init` prints: the longest word.
fn token(said: &str) -> Option<String> {
    let longest = said.split_whitespace().max_by_key(|word| word.len())?;
    (longest.len() >= 32).then(|| longest.to_owned())
}
