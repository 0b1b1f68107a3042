//! Continuous backups by FoundationDB's own programs, where they are installed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::keeper::KeeperError;
use crate::program::Program;
use crate::tool::Tool;

/// The tag of our backup, so that others of the same cluster are left alone.
const TAG: &str = "hongyan";

/// How the backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupState {
    /// There is none.
    None,
    /// It has begun and cannot be restored from yet.
    Starting,
    /// It can be restored from, up to a moment ago.
    Restorable,
}

/// A backup of the cluster to a folder; its agent runs as long as this value.
#[derive(Debug)]
pub struct Backup {
    tool: Tool,
    agent: Child,
}

impl Backup {
    /// Starts an agent, and the backup into `folder` if there is none yet. Every machine should see the same folder.
    pub(crate) async fn start(tool: Tool, cluster_file: &Path, folder: &Path) -> Result<Self, KeeperError> {
        Program::Backup.find()?;
        let program = Program::BackupAgent.find()?;
        let refused = |program: &PathBuf| {
            let program = program.clone();
            move |source| KeeperError::Run { program, source }
        };
        std::fs::create_dir_all(folder).map_err(refused(&program))?;
        let agent = Command::new(&program)
            .arg("-C")
            .arg(cluster_file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(refused(&program))?;
        let backup = Self { tool, agent };
        if backup.state().await? == BackupState::None {
            let place = format!("file://{}", folder.display());
            backup
                .tool
                .run(Program::Backup, &["start", "-t", TAG, "-d", &place, "-z"])
                .await?;
        }
        Ok(backup)
    }
    /// How it is.
    ///
    /// # Errors
    /// When `fdbbackup` cannot be asked.
    pub async fn state(&self) -> Result<BackupState, KeeperError> {
        let said = self.tool.run(Program::Backup, &["status", "-t", TAG]).await?;
        Ok(state_of(&said))
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        // It has ended already when this fails. The backup itself goes on with the next agent.
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

fn state_of(said: &str) -> BackupState {
    if said.contains("is restorable") || said.contains("can be restored") {
        BackupState::Restorable
    } else if said.contains("in progress") || said.contains("just been submitted") || said.contains("just started") {
        BackupState::Starting
    } else {
        BackupState::None
    }
}

#[cfg(test)]
mod tests {
    use super::{BackupState, state_of};

    #[test]
    fn states_are_read() {
        for (said, expect) in [
            ("No previous backups found.", BackupState::None),
            (
                "The backup on tag `hongyan' is in progress (just started) to file:///x.",
                BackupState::Starting,
            ),
            (
                "The backup on tag `hongyan' is restorable but continuing to file:///x.",
                BackupState::Restorable,
            ),
        ] {
            assert_eq!(state_of(said), expect, "{said}");
        }
    }
}
