//! A node of the real binary, in a folder and on ports of its own.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hongyan_env::HeldPorts;

/// The domain of the accounts `user1` ....
pub const DOMAIN: &str = "example.test";
/// Their password.
pub const PASSWORD: &str = "pass";

const PORTS: [u16; 12] = [24, 25, 80, 110, 143, 389, 444, 465, 587, 636, 993, 995];
/// Tries of 20 ms until a node must be ready.
const READY_TRIES: u32 = 1500;

static NEXT_BASE: AtomicU16 = AtomicU16::new(0);

/// A running node. Dropping it kills the process.
pub struct Node {
    data: PathBuf,
    folder: Option<tempfile::TempDir>,
    ports: HeldPorts,
    users: u32,
    child: Option<Child>,
}

/// The binary: `HONGYAN_BIN`, or built now.
///
/// # Errors
/// When it cannot be built.
pub fn binary() -> Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BINARY
        .get_or_init(|| find_binary().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(anyhow::Error::msg)
}

fn find_binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("HONGYAN_BIN") {
        return Ok(path.into());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", "hongyan-server"])
        .status()
        .context("run cargo")?;
    ensure!(status.success(), "the server does not build");
    // This test is <target>/<profile>/deps/<name>.
    let test = std::env::current_exe()?;
    let target = test.ancestors().nth(3).context("find the target folder")?;
    Ok(target.join("debug/hongyan"))
}

impl Node {
    /// Starts a node with 20 accounts in a new folder.
    ///
    /// # Errors
    /// When the binary cannot be built, started, or is not ready in time.
    pub fn start() -> Result<Self> {
        Self::start_with_users(20)
    }
    /// As [`Self::start`] with `users` accounts.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with_users(users: u32) -> Result<Self> {
        let folder = tempfile::tempdir().context("make a folder")?;
        let mut node = Self::start_in(folder.path(), users)?;
        node.folder = Some(folder);
        Ok(node)
    }
    /// Starts a node whose data is in `data` and stays there.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_in(data: &Path, users: u32) -> Result<Self> {
        let mut node = Self {
            data: data.to_owned(),
            folder: None,
            ports: HeldPorts::above(&PORTS)?,
            users,
            child: None,
        };
        node.spawn()?;
        Ok(node)
    }
    fn spawn(&mut self) -> Result<()> {
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.data.join("test.log"))
            .context("open the log")?;
        let child = Command::new(binary()?)
            .arg("dev")
            .arg("--data")
            .arg(self.data.join("node"))
            .args(["--base-port", &self.ports.base().to_string()])
            .args(["--domain", DOMAIN, "--password", PASSWORD])
            .args(["--users", &self.users.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .spawn()
            .context("start the node")?;
        self.child = Some(child);
        self.wait_ready()
    }
    fn wait_ready(&mut self) -> Result<()> {
        for _ in 0..READY_TRIES {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().transpose()) {
                bail!("the node ended ({status:?}): {}", self.log());
            }
            if self.http("/readyz").is_ok_and(|text| text.starts_with("HTTP/1.1 200")) {
                return Ok(());
            }
            sleep(Duration::from_millis(20));
        }
        bail!("the node is not ready: {}", self.log())
    }
    /// GET `path` from the node's HTTP port: the whole answer.
    ///
    /// # Errors
    /// When there is none.
    pub fn http(&self, path: &str) -> Result<String> {
        use std::io::{Read, Write};
        let mut stream = TcpStream::connect(("127.0.0.1", self.port(80)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }
    /// The port of a service, by its usual number: 25, 143, ...
    #[must_use]
    pub fn port(&self, service: u16) -> u16 {
        self.ports.base() + service
    }
    /// The folder of this test: scratch files may go here, beside the node's own.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.data
    }
    /// Ends the process at once, as a power cut would.
    ///
    /// # Errors
    /// When it was not running.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the node runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }
    /// Asks the process to end in order (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the node runs")?;
        let killed = Command::new("kill").arg(child.id().to_string()).status()?;
        ensure!(killed.success(), "kill failed");
        for _ in 0..READY_TRIES {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            sleep(Duration::from_millis(20));
        }
        child.kill()?;
        child.wait()?;
        bail!("the node did not end: {}", self.log())
    }
    /// Starts it again with the same data and ports.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.spawn()
    }
    /// Whether the process is there.
    pub fn is_running(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }
    /// Memory in use, in kilobytes.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn memory_kilobytes(&self) -> Result<u64> {
        let id = self.child.as_ref().context("the node runs")?.id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.context("find VmRSS")?.parse().context("read VmRSS")
    }
    /// The end of what the node logged.
    #[must_use]
    pub fn log(&self) -> String {
        let text = std::fs::read(self.data.join("test.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
    /// Lines of level ERROR, and panics: there must be none, whatever clients do.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        let text = std::fs::read(self.data.join("test.log")).unwrap_or_default();
        String::from_utf8_lossy(&text)
            .lines()
            .filter(|line| line.contains(" ERROR ") || line.contains("panicked at"))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A base port whose ports are all free, different in all processes and calls.
///
/// # Errors
/// When there is none.
pub fn free_base() -> Result<u16> {
    static LOCK: Mutex<()> = Mutex::new(());
    let _one_at_a_time = LOCK.lock().map_err(|_| anyhow::anyhow!("another test failed"))?;
    let start = u16::try_from(std::process::id() % 19)?;
    for _ in 0..60 {
        // Below the ports that the kernel gives to outgoing connections.
        let step = (start + NEXT_BASE.fetch_add(7, Ordering::Relaxed)) % 20;
        let base = 11_000 + step * 1000;
        let free = |service: &u16| TcpListener::bind(("127.0.0.1", base + service)).is_ok();
        if PORTS.iter().all(free) {
            return Ok(base);
        }
    }
    bail!("no free ports")
}
