//! A node as `hongyan serve` runs it behind a load balancer.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hongyan_conformance::node::binary;
use hongyan_conformance::program::run;

pub const USER: &str = "anna@example.test";
pub const PASSWORD: &str = "Correct-horse7";

/// Looks of 20 ms until a node must answer.
const LOOKS_MAX: u32 = 3000;
const LOOK: Duration = Duration::from_millis(20);

pub struct Served {
    folder: PathBuf,
    name: &'static str,
    address: IpAddr,
    base: u16,
    child: Option<Child>,
}

impl Served {
    /// Makes it, with one account besides the administrator.
    pub fn new(folder: &Path, name: &'static str, address: [u8; 4], base: u16) -> Result<Self> {
        let folder = folder.join(name);
        std::fs::create_dir(&folder)?;
        let mut node = Self {
            folder,
            name,
            address: address.into(),
            base,
            child: None,
        };
        let (config, data) = (node.config().display().to_string(), node.data().display().to_string());
        let host = format!("{name}.test");
        let init = [
            "init",
            "--config",
            &config,
            "--data",
            &data,
            "--host-name",
            &host,
            "--domain",
            "example.test",
        ];
        run(&node.folder, &binary()?.display().to_string(), &init, b"")?;
        node.start(0)?;
        node.wait_ready(true)?;
        node.manage(&["account", "add", USER], &format!("{PASSWORD}\n"))?;
        node.stop()?;
        Ok(node)
    }
    fn config(&self) -> PathBuf {
        self.folder.join("hongyan.toml")
    }
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
    /// Starts it with so much of the disk to keep free, and waits until it says whether it is ready.
    pub fn start(&mut self, free_octets_min: u64) -> Result<()> {
        let at = |usual: u16| format!("{}:{}", self.address, self.base + usual);
        let text = format!(
            "[node]\nhost_name = \"{name}.test\"\ndata = \"{data}\"\nshutdown_grace_secs = 1\n\
             [listen]\nsmtp = [\"{smtp}\"]\nimap = [\"{imap}\"]\nhttp = [\"{http}\"]\nproxy_networks = [\"127.0.0.0/8\"]\n\
             lmtp = []\nimaps = []\nsubmission = []\nsubmissions = []\npop3 = []\npop3s = []\nhttps = []\n\
             [tls]\nallow_plaintext_passwords = true\n\
             [access]\nargon2_memory_kib = 1024\nargon2_passes = 1\nscram_iterations = 4096\n\
             [storage]\nfree_octets_min = {free_octets_min}\n",
            name = self.name,
            data = self.data().display(),
            smtp = at(25),
            imap = at(143),
            http = at(80),
        );
        std::fs::write(self.config(), text)?;
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.folder.join("log"))?;
        let child = Command::new(binary()?)
            .arg("serve")
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("start the node")?;
        self.child = Some(child);
        for _ in 0..LOOKS_MAX {
            self.check()?;
            if self.readiness().is_ok() {
                return Ok(());
            }
            sleep(LOOK);
        }
        bail!("the node does not answer: {}", self.log())
    }
    fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().transpose()) {
            bail!("the node ended ({status:?}): {}", self.log());
        }
        Ok(())
    }
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
    /// What /readyz says.
    fn readiness(&self) -> Result<bool> {
        let mut stream = TcpStream::connect((self.address, self.base + 80))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text.starts_with("HTTP/1.1 200"))
    }
    pub fn wait_ready(&mut self, expected: bool) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            self.check()?;
            if self.readiness()? == expected {
                return Ok(());
            }
            sleep(LOOK);
        }
        bail!("the node never says that ready is {expected}: {}", self.log())
    }
    /// Runs a command against it; what it says.
    pub fn manage(&self, arguments: &[&str], input: &str) -> Result<String> {
        let data = self.data().display().to_string();
        let all = [&["--data", &data], arguments].concat();
        let said = run(&self.folder, &binary()?.display().to_string(), &all, input.as_bytes())?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
    /// Ends it in order.
    pub fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the node runs")?;
        let asked = Command::new("kill").arg(child.id().to_string()).status()?;
        ensure!(asked.success(), "kill failed");
        child.wait()?;
        Ok(())
    }
    /// Ends it at once.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the node runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
