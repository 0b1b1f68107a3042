//! A process that the run started: it is signalled by its id, and ends with its value.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hongyan_env::Env;
use rustix::process::{Pid, Signal, kill_process};

/// Time between two looks at a process that is to end.
const LOOK: Duration = Duration::from_millis(20);
/// Lines of its log that tell why a process ended.
const LAST_LINES: usize = 12;

/// A running process.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it says is appended to `log`.
    pub(crate) fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let file = File::options().append(true).create(true).open(log);
        let file = file.with_context(|| format!("open {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().context("share the log")?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        })
    }
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
    /// Whether it runs; else why not.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait().context("ask for a process")? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}): {}", self.name, self.last_words()),
        }
    }
    fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("name a process")?;
        kill_process(id, signal).with_context(|| format!("signal {}", self.name))
    }
    /// Kills it (-9) and waits for its end.
    pub(crate) fn kill(&mut self) {
        // It has ended already when this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
    /// Asks it to end; kills it when it has not within `patience`. Whether it ended by itself.
    pub(crate) async fn stop(&mut self, env: &Env, patience: Duration) -> bool {
        // It has ended already when this fails.
        let _ = self.signal(Signal::TERM);
        let mut left = patience;
        while let Ok(None) = self.child.try_wait() {
            if left.is_zero() {
                self.kill();
                return false;
            }
            env.sleep(LOOK).await;
            left = left.saturating_sub(LOOK);
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
