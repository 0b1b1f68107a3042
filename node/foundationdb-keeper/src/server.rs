//! The `fdbserver` of this machine: its command line, and why it ended.
//!
//! It outlives its node. Killing it loses nothing: FoundationDB acknowledges what is synced only.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::keeper::{KeeperError, KeeperOptions};
use crate::plan::Machine;
use crate::process::Process;
use crate::program::{Program, Programs};

/// The server of this machine.
#[derive(Debug)]
pub(crate) struct Server {
    programs: Programs,
    folder: PathBuf,
    machine: Machine,
    memory_octets_max: u64,
    process: Process,
}

impl Server {
    pub(crate) fn new(options: &KeeperOptions) -> Self {
        let folder = options.folder.clone();
        let process = Process::find("fdbserver", cluster_file(&folder), folder.join("fdbserver.pid"));
        Self {
            programs: options.programs.clone(),
            folder,
            machine: options.machine.clone(),
            memory_octets_max: options.memory_octets_max,
            process,
        }
    }
    /// Starts it if it does not run; says whether it had to.
    pub(crate) fn ensure(&mut self) -> Result<bool, KeeperError> {
        if self.is_running() {
            return Ok(false);
        }
        let program = self.programs.find(Program::Server)?;
        let refused = |source| KeeperError::Run {
            program: program.clone(),
            source,
        };
        let (data, logs) = (self.folder.join("data"), self.logs());
        for folder in [&data, &logs] {
            std::fs::create_dir_all(folder).map_err(refused)?;
        }
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
            .arg(format!("--locality-zoneid={}", self.machine.name));
        if let Some(name) = &self.machine.data_center {
            command.arg(format!("--locality-dcid={name}"));
        }
        self.process.start(command, &self.said_file()).map_err(refused)?;
        Ok(true)
    }
    /// Why it ended, for people.
    pub(crate) fn why(&mut self) -> String {
        let said = std::fs::read_to_string(self.said_file()).unwrap_or_default();
        let reason = reason(&said, self.process.exit(), self.machine.address);
        format!("{reason}; its own logs are in {}", self.logs().display())
    }
    /// Whether it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.process.is_running()
    }
    /// Ends it.
    pub(crate) fn stop(&mut self) {
        self.process.stop();
    }
    /// Its process id.
    pub(crate) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }
    fn said_file(&self) -> PathBuf {
        self.logs().join("fdbserver.out")
    }
}

/// The cluster file of the server in `folder`.
pub(crate) fn cluster_file(folder: &Path) -> PathBuf {
    folder.join("fdb.cluster")
}

/// What a person can do something about, in the words of our settings; else the server's own words.
fn reason(said: &str, exit: Option<ExitStatus>, address: SocketAddr) -> String {
    if said.contains("Local address in use") {
        return format!("another program listens on {address}: stop it, or set cluster.foundationdb_port");
    }
    if said.contains("Invalid local address") {
        return format!("this machine has no address {}: set cluster.advertise", address.ip());
    }
    // Hints at its own options follow the reason.
    let own = said
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with("FDBD joined"));
    let end = exit.map(|exit| match exit.signal() {
        Some(signal) => format!("it was ended by signal {signal}"),
        None => exit.to_string(),
    });
    match (own, end) {
        (Some(own), Some(end)) => format!("{own} ({end})"),
        (Some(own), None) => own.to_owned(),
        (None, Some(end)) => end,
        (None, None) => "it has not said why".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::reason;

    fn check(said: &str, exit: Option<i32>, expect: &str) {
        let exit = exit.map(ExitStatus::from_raw);
        assert_eq!(reason(said, exit, "192.0.2.1:4500".parse().unwrap()), expect);
    }

    #[test]
    fn why_a_server_ended_is_told_in_words_that_help() {
        let networking =
            "Error initializing networking with public address 192.0.2.1:4500 and listen address 192.0.2.1:4500";
        check(
            &format!("{networking} (Local address in use)\nTry `fdbserver --help' for more information.\n"),
            Some(256),
            "another program listens on 192.0.2.1:4500: stop it, or set cluster.foundationdb_port",
        );
        check(
            &format!("{networking} (Invalid local address)\n"),
            Some(256),
            "this machine has no address 192.0.2.1: set cluster.advertise",
        );
        check(
            "\nFatal Error: Platform error\n",
            Some(256),
            "Fatal Error: Platform error (exit status: 1)",
        );
        check("", Some(9), "it was ended by signal 9");
        check("FDBD joined cluster.\n", None, "it has not said why");
    }
}
