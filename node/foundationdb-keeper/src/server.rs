//! The server's process: started, looked at, started again when it ends.
//!
//! It outlives its node, so that a node's restart is not the database's; the next start finds it by the process id that
//! it left in a file. Killing it loses nothing: FoundationDB acknowledges what is synced only.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::keeper::{KeeperError, KeeperOptions};
use crate::plan::Machine;
use crate::program::Program;

/// A server's process.
#[derive(Debug)]
enum Process {
    /// Started by us.
    Own(Child),
    /// Found running.
    Found(u32),
}

/// The server of this machine.
#[derive(Debug)]
pub(crate) struct Server {
    folder: PathBuf,
    machine: Machine,
    memory_octets_max: u64,
    process: Option<Process>,
}

impl Server {
    pub(crate) fn new(options: &KeeperOptions) -> Self {
        let folder = options.folder.clone();
        let found = found(&folder);
        if let Some(id) = found {
            tracing::info!(id, "fdbserver found running");
        }
        Self {
            folder,
            machine: options.machine.clone(),
            memory_octets_max: options.memory_octets_max,
            process: found.map(Process::Found),
        }
    }
    /// Starts it if it does not run; says whether it had to.
    pub(crate) fn ensure(&mut self) -> Result<bool, KeeperError> {
        if self.is_running() {
            return Ok(false);
        }
        let program = Program::Server.find()?;
        let refused = |source| KeeperError::Run {
            program: program.clone(),
            source,
        };
        let (data, logs) = (self.folder.join("data"), self.folder.join("logs"));
        for folder in [&data, &logs] {
            std::fs::create_dir_all(folder).map_err(refused)?;
        }
        let said = std::fs::File::create(said_file(&self.folder)).map_err(refused)?;
        let address = self.machine.address.to_string();
        // The server wants its cache to be smaller than all it may take.
        let memory = format!("{}MiB", self.memory_octets_max >> 20);
        let cache = format!("{}MiB", self.memory_octets_max >> 22);
        let mut command = Command::new(&program);
        command
            .args(["--public-address", &address, "--listen-address", "public"])
            .arg("--cluster-file")
            .arg(cluster_file(&self.folder))
            .arg("--datadir")
            .arg(data)
            .arg("--logdir")
            .arg(logs)
            .args(["--memory", &memory, "--cache-memory", &cache])
            .arg(format!("--locality-machineid={}", self.machine.name))
            .arg(format!("--locality-zoneid={}", self.machine.name))
            .stdin(Stdio::null())
            .stdout(said.try_clone().map_err(refused)?)
            .stderr(said);
        if let Some(name) = &self.machine.data_center {
            command.arg(format!("--locality-dcid={name}"));
        }
        let child = command.spawn().map_err(refused)?;
        std::fs::write(id_file(&self.folder), child.id().to_string()).map_err(refused)?;
        self.process = Some(Process::Own(child));
        Ok(true)
    }
    /// What it said since it was started: why it ended, if it did.
    pub(crate) fn said(&self) -> String {
        let said = std::fs::read_to_string(said_file(&self.folder)).unwrap_or_default();
        said.trim().to_owned()
    }
    /// Whether it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        match &mut self.process {
            Some(Process::Own(child)) => matches!(child.try_wait(), Ok(None)),
            Some(Process::Found(id)) => found(&self.folder) == Some(*id),
            None => false,
        }
    }
    /// Ends it.
    pub(crate) fn stop(&mut self) {
        match self.process.take() {
            Some(Process::Own(mut child)) => {
                // It has ended already when this fails.
                let _ = child.kill();
                let _ = child.wait();
            }
            Some(Process::Found(id)) if found(&self.folder) == Some(id) => {
                let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
            }
            _ => {}
        }
        let _ = std::fs::remove_file(id_file(&self.folder));
    }
    /// Its process id.
    pub(crate) fn id(&self) -> Option<u32> {
        match &self.process {
            Some(Process::Own(child)) => Some(child.id()),
            Some(Process::Found(id)) => Some(*id),
            None => None,
        }
    }
}

/// The cluster file of the server in `folder`.
pub(crate) fn cluster_file(folder: &Path) -> PathBuf {
    folder.join("fdb.cluster")
}

fn said_file(folder: &Path) -> PathBuf {
    folder.join("logs/fdbserver.out")
}

fn id_file(folder: &Path) -> PathBuf {
    folder.join("fdbserver.pid")
}

/// The server that runs on `folder`: the process of the file, when it is one that was given this folder.
fn found(folder: &Path) -> Option<u32> {
    let id: u32 = std::fs::read_to_string(id_file(folder)).ok()?.trim().parse().ok()?;
    let arguments = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
    let file = cluster_file(folder);
    let is_ours = |argument: &[u8]| argument == file.as_os_str().as_encoded_bytes();
    arguments.split(|&octet| octet == 0).any(is_ours).then_some(id)
}
