//! A real FoundationDB for tests: one `fdbserver` on the loopback interface with its files in a temporary folder,
//! gone with the value. Where FoundationDB is not installed the caller skips by name.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{FoundationOptions, check_library, network};

/// Where packages put `fdbserver`, beside the search path.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];
/// A port may be taken between its choice and its use.
const STARTS_MAX: usize = 5;
/// How often `fdbcli` asks, a second apart, before the server counts as broken.
const CONFIGURE_ATTEMPTS_MAX: usize = 120;

/// Where the server keeps what it stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// In memory, with a log on disk: quick to make.
    Memory,
    /// On disk.
    Ssd,
}

/// Whether the client library can be loaded; says on standard error that the tests of `what` are skipped if not.
#[must_use]
pub fn has_library(what: &str) -> bool {
    let found = check_library(None);
    if let Err(error) = &found {
        skip(what, error);
    }
    if found.is_ok() {
        // The client starts once a process, and several tests may share one.
        std::mem::forget(network::start(&FoundationOptions::default()));
    }
    found.is_ok()
}

/// Past the test harness, which swallows what is printed and not what is written; `ops/test.sh` repeats such lines.
fn skip(what: &str, why: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "SKIPPED foundationdb, {what}: {why}");
}

/// A running server.
pub struct TestServer {
    process: Child,
    folder: tempfile::TempDir,
}

impl TestServer {
    /// Starts one, or says on standard error why the tests of `what` are skipped.
    ///
    /// # Panics
    /// When FoundationDB is installed and does not work.
    #[must_use]
    pub fn start(what: &str, engine: Engine) -> Option<Self> {
        for program in ["fdbserver", "fdbcli"] {
            if find(program).is_none() {
                skip(what, format_args!("{program} not found"));
                return None;
            }
        }
        has_library(what).then(|| Self::start_installed(engine))
    }

    fn start_installed(engine: Engine) -> Self {
        for _ in 0..STARTS_MAX {
            let folder = tempfile::tempdir().expect("make a folder");
            let place = format!("127.0.0.1:{}", free_port());
            let cluster = folder.path().join("fdb.cluster");
            std::fs::write(&cluster, format!("test:test@{place}\n")).expect("write the cluster file");
            let mut server = Self {
                process: spawn(folder.path(), &place),
                folder,
            };
            if server.configure(engine) {
                return server;
            }
        }
        panic!("fdbserver does not start");
    }
    /// Makes the empty database; `false` when the process has ended, as it does when its port is taken.
    fn configure(&mut self, engine: Engine) -> bool {
        let engine = match engine {
            Engine::Memory => "memory",
            Engine::Ssd => "ssd",
        };
        let mut said = String::new();
        for _ in 0..CONFIGURE_ATTEMPTS_MAX {
            if self.process.try_wait().expect("ask for the process").is_some() {
                return false;
            }
            said = self.cli(&format!("configure new single {engine}"));
            if said.contains("Database created") || said.contains("already exists") {
                return true;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        panic!("fdbcli does not configure: {said}");
    }
    fn kill(&mut self) {
        // It has ended already when this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
    /// What `fdbcli` prints for a command.
    ///
    /// # Panics
    /// When it cannot be run.
    #[must_use]
    pub fn cli(&self, command: &str) -> String {
        let program = find("fdbcli").expect("it was found at the start");
        let output = Command::new(program)
            .arg("-C")
            .arg(self.cluster_file())
            .args(["--timeout", "20", "--exec", command])
            .output()
            .expect("run fdbcli");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }
    /// Where the server is.
    #[must_use]
    pub fn cluster_file(&self) -> PathBuf {
        self.folder.path().join("fdb.cluster")
    }
    /// Settings for a store on it, with patience for a busy machine.
    #[must_use]
    pub fn options(&self, key_space: &str) -> FoundationOptions {
        FoundationOptions {
            cluster_file: self.cluster_file(),
            key_space: key_space.to_owned(),
            open_within: Duration::from_secs(60),
            transaction_timeout: Duration::from_secs(60),
            ..FoundationOptions::default()
        }
    }
    /// Stops the server's process where it is; it neither answers nor ends.
    pub fn pause(&self) {
        self.signal("-STOP");
    }
    /// Lets a paused server go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }
    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "signal {signal} reaches fdbserver"
        );
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &Path, place: &str) -> Child {
    let data = folder.join("data");
    let logs = folder.join("logs");
    for folder in [&data, &logs] {
        std::fs::create_dir_all(folder).expect("make a folder");
    }
    Command::new(find("fdbserver").expect("it was found at the start"))
        .args(["--public-address", place, "--listen-address", "public"])
        .arg("--cluster-file")
        .arg(folder.join("fdb.cluster"))
        .arg("--datadir")
        .arg(data)
        .arg("--logdir")
        .arg(logs)
        .args(["--memory", "2GiB", "--cache-memory", "128MiB"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start fdbserver")
}

#[allow(
    clippy::disallowed_methods,
    reason = "asks the system for a port; nothing listens on it"
)]
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind to the loopback interface");
    listener.local_addr().expect("a listener has an address").port()
}

/// A program of FoundationDB's.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}
