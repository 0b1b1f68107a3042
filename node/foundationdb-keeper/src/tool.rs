//! Runs FoundationDB's programs and returns what they print.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hongyan_env::Env;

use crate::keeper::KeeperError;
use crate::program::{Program, Programs};

/// How long a command may wait for the cluster, in seconds.
const TIMEOUT_SECS: u32 = 60;

/// The command line of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    env: EnvHandle,
    programs: Programs,
    cluster_file: PathBuf,
}

/// `Env` without its contents in debug output.
#[derive(Clone)]
struct EnvHandle(Env);

impl std::fmt::Debug for EnvHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Env")
    }
}

impl Tool {
    pub(crate) fn new(env: Env, programs: Programs, cluster_file: &Path) -> Self {
        Self {
            env: EnvHandle(env),
            programs,
            cluster_file: cluster_file.to_owned(),
        }
    }
    /// What `fdbcli` prints for a command.
    pub(crate) async fn cli(&self, command: &str) -> Result<String, KeeperError> {
        self.cli_within(TIMEOUT_SECS, command).await
    }
    /// The same, waiting for the cluster no longer than so many seconds.
    pub(crate) async fn cli_within(&self, seconds: u32, command: &str) -> Result<String, KeeperError> {
        let timeout = seconds.to_string();
        self.run(Program::Cli, &["--timeout", &timeout, "--exec", command])
            .await
    }
    /// What a program prints; it is told the cluster file and runs to its end.
    pub(crate) async fn run(&self, program: Program, arguments: &[&str]) -> Result<String, KeeperError> {
        let path = self.programs.find(program)?;
        let mut command = Command::new(&path);
        // fdbbackup wants its command first; fdbcli takes the file anywhere.
        command
            .args(arguments)
            .arg("-C")
            .arg(&self.cluster_file)
            .stdin(Stdio::null());
        let ran = self.env.0.run_blocking(move || command.output()).await;
        let output = ran
            .map_err(|_| std::io::Error::other("its thread ended"))
            .flatten()
            .map_err(|source| KeeperError::Run {
                program: path.clone(),
                source,
            })?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let complaint = said + &String::from_utf8_lossy(&output.stderr);
        Err(KeeperError::Refused {
            program: path,
            said: complaint.trim().to_owned(),
        })
    }
}
