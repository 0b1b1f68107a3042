//! FoundationDB: some processes, each a host of its own and a zone of its own, so that one may die.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hongyan_env::Env;

use crate::machine::{Host, Machine, port};
use crate::process::Process;
use crate::programs::find;

/// The usual port, less what ports of a run are above theirs.
const PORT: u16 = 2_500;
/// How often `fdbcli` asks, a second apart, before the cluster counts as broken.
const ATTEMPTS_MAX: usize = 90;

/// The processes.
pub(crate) struct Foundation {
    env: Env,
    folder: PathBuf,
    members: Vec<Member>,
}

struct Member {
    host: Host,
    process: Option<Process>,
}

impl Foundation {
    /// Starts `count` processes with an empty database.
    pub(crate) async fn start(env: &Env, machine: &mut Machine, folder: &Path, count: usize) -> Result<Self> {
        std::fs::create_dir_all(folder).context("make FoundationDB's folder")?;
        let mut members = Vec::new();
        for number in 1..=count {
            let host = machine.host(&format!("fdb{number}"))?;
            members.push(Member { host, process: None });
        }
        let places: Vec<String> = members.iter().map(|member| member.host.at(PORT).to_string()).collect();
        let mut foundation = Self {
            env: env.clone(),
            folder: folder.to_owned(),
            members,
        };
        std::fs::write(foundation.cluster_file(), format!("chaos:chaos@{}\n", places.join(",")))
            .context("write the cluster file")?;
        for number in 0..count {
            foundation.start_member(number)?;
        }
        foundation
            .configure(if count >= 3 { "double" } else { "single" })
            .await?;
        Ok(foundation)
    }
    pub(crate) fn cluster_file(&self) -> PathBuf {
        self.folder.join("fdb.cluster")
    }
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.members.iter().map(|member| &member.host)
    }

    pub(crate) fn start_member(&mut self, number: usize) -> Result<()> {
        let member = self.members.get(number).context("name a FoundationDB process")?;
        let name = member.host.name.clone();
        let (data, logs) = (self.folder.join(&name), self.folder.join(format!("{name}-logs")));
        for folder in [&data, &logs] {
            std::fs::create_dir_all(folder).context("make FoundationDB's folder")?;
        }
        // Each has a file of its own: a server writes it.
        let cluster_file = self.folder.join(format!("{name}.cluster"));
        std::fs::copy(self.cluster_file(), &cluster_file).context("copy the cluster file")?;
        let mut command = member.host.command(&find("fdbserver").context("fdbserver not found")?);
        let place = member.host.at(PORT).to_string();
        command
            .args(["--public-address", &place, "--listen-address", "public"])
            .arg("--cluster-file")
            .arg(cluster_file)
            .arg("--datadir")
            .arg(data)
            .arg("--logdir")
            .arg(logs)
            .args(["--locality-zoneid", &name, "--locality-machineid", &name])
            .args(["--memory", "2GiB", "--cache-memory", "128MiB"]);
        let process = Process::start(&name, command, &self.folder.join(format!("{name}.log")))?;
        if let Some(member) = self.members.get_mut(number) {
            member.process = Some(process);
        }
        Ok(())
    }
    pub(crate) fn kill_member(&mut self, number: usize) {
        if let Some(mut process) = self.members.get_mut(number).and_then(|member| member.process.take()) {
            process.kill();
        }
    }
    /// Lets all processes stand still, or go on.
    pub(crate) fn pause(&self, is_paused: bool) -> Result<()> {
        let signal = if is_paused {
            rustix::process::Signal::STOP
        } else {
            rustix::process::Signal::CONT
        };
        for process in self.members.iter().filter_map(|member| member.process.as_ref()) {
            process.signal(signal)?;
        }
        Ok(())
    }

    async fn configure(&mut self, redundancy: &str) -> Result<()> {
        let mut said = String::new();
        for _ in 0..ATTEMPTS_MAX {
            for process in self.members.iter_mut().filter_map(|member| member.process.as_mut()) {
                process.check()?;
            }
            said = self.cli(&format!("configure new {redundancy} ssd")).await?;
            if said.contains("Database created") || said.contains("already exists") {
                return Ok(());
            }
            self.env.sleep(Duration::from_secs(1)).await;
        }
        bail!("fdbcli does not configure port {}: {said}", port(PORT))
    }
    /// What `fdbcli` prints for a command.
    async fn cli(&self, command: &str) -> Result<String> {
        let host = &self.members.first().context("name a FoundationDB process")?.host;
        let mut program = host.command(&find("fdbcli").context("fdbcli not found")?);
        program
            .arg("-C")
            .arg(self.cluster_file())
            .args(["--timeout", "20", "--exec", command]);
        said_by(program).await
    }
}

/// What a command prints, on both ways.
pub(crate) async fn said_by(command: Command) -> Result<String> {
    let mut command = tokio::process::Command::from(command);
    let output = command.kill_on_drop(true).output().await.context("run a command")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}
