//! Continuous backups by FoundationDB's own programs, where they are installed: `fdbbackup` begins, describes and ends one,
//! `backup_agent` beside each node does the work.

use std::path::{Path, PathBuf};
use std::process::Command;

use hongyan_env::Env;
use serde_json::Value;

use crate::keeper::KeeperError;
use crate::process::Process;
use crate::program::{Program, ProgramError, Programs};
use crate::server::cluster_file;
use crate::tool::Tool;

/// The tag of our backup, so that others of the same cluster are left alone.
const TAG: &str = "hongyan";

/// Why no backup can go to a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It is neither a folder nor one of FoundationDB's addresses.
    #[error(
        "{0}: a backup goes to a folder with its full path, the same on all machines, or to a file:// or blobstore:// address"
    )]
    Unknown(String),
    /// It holds a secret, which would be seen in status and process lists.
    #[error(
        "leave the secret out of the address: FoundationDB reads it from the file that the environment's FDB_BLOB_CREDENTIALS names"
    )]
    Secret,
}

/// Where a backup goes, as FoundationDB writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Place {
    type Err = PlaceError;
    fn from_str(text: &str) -> Result<Self, PlaceError> {
        if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            return Err(PlaceError::Unknown(text.to_owned()));
        }
        if text.starts_with('/') {
            return Ok(Self(format!("file://{text}")));
        }
        if let Some(rest) = text.strip_prefix("blobstore://") {
            let host = rest.split('/').next().unwrap_or_default();
            let key = host.rsplit_once('@').map_or("", |(key, _)| key);
            let has_secret = key.split_once(':').is_some_and(|(_, secret)| !secret.is_empty());
            return match (has_secret, host.is_empty()) {
                (true, _) => Err(PlaceError::Secret),
                (false, true) => Err(PlaceError::Unknown(text.to_owned())),
                (false, false) => Ok(Self(text.to_owned())),
            };
        }
        match text.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => Ok(Self(text.to_owned())),
            _ => Err(PlaceError::Unknown(text.to_owned())),
        }
    }
}

/// How the backup is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackupStatus {
    /// Whether it goes on.
    pub running: bool,
    /// Whether it can be restored from.
    pub restorable: bool,
    /// FoundationDB's word for its state; nothing where there has never been one.
    pub phase: Option<String>,
    /// Where it goes.
    pub to: Option<String>,
    /// How far it is behind, in seconds.
    pub behind_secs: Option<u64>,
    /// What went wrong lately, in FoundationDB's words.
    pub errors: Vec<String>,
}

impl BackupStatus {
    fn parse(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text.get(text.find('{')?..)?).ok()?;
        let at = |pointer: &str| document.pointer(pointer);
        let is = |pointer: &str| at(pointer).and_then(Value::as_bool).unwrap_or_default();
        let word = |pointer: &str| at(pointer).and_then(Value::as_str).map(str::to_owned);
        let behind = at("/LatestRestorablePoint/LagSeconds").and_then(Value::as_f64);
        let errors = at("/Errors").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            running: is("/Status/Running"),
            restorable: is("/Restorable"),
            phase: word("/Status/Name"),
            to: word("/DestinationURL"),
            behind_secs: behind.map(|secs| secs.max(0.0) as u64),
            errors: errors
                .filter_map(|error| error.get("Message").and_then(Value::as_str).map(str::to_owned))
                .collect(),
        })
    }
}

/// The hand upon the cluster's backup.
#[derive(Debug, Clone)]
pub struct Backups {
    tool: Tool,
    programs: Programs,
}

impl Backups {
    /// Of the cluster whose server is kept in `folder`.
    #[must_use]
    pub fn new(env: Env, programs: Programs, folder: &Path) -> Self {
        Self {
            tool: Tool::new(env, programs.clone(), &cluster_file(folder)),
            programs,
        }
    }
    /// Begins one that goes on until it is stopped.
    ///
    /// # Errors
    /// When the programs are not installed on this machine or refuse: one is running already, say.
    pub async fn start(&self, to: &Place) -> Result<(), KeeperError> {
        self.programs.find(Program::BackupAgent)?;
        let arguments = ["start", "-t", TAG, "-d", to.as_str(), "-z"];
        self.tool.run(Program::Backup, &arguments).await.map(|_| ())
    }
    /// Lets it end with what is committed by now. The agents are needed until it has.
    ///
    /// # Errors
    /// When `fdbbackup` is not installed on this machine or refuses: none is running, say.
    pub async fn stop(&self) -> Result<(), KeeperError> {
        let arguments = ["discontinue", "-t", TAG];
        self.tool.run(Program::Backup, &arguments).await.map(|_| ())
    }
    /// How it is.
    ///
    /// # Errors
    /// When `fdbbackup` is not installed on this machine or cannot tell.
    pub async fn status(&self) -> Result<BackupStatus, KeeperError> {
        let said = self.tool.run(Program::Backup, &["status", "-t", TAG, "--json"]).await?;
        match BackupStatus::parse(&said) {
            Some(status) => Ok(status),
            None => Err(KeeperError::Refused {
                program: self.programs.find(Program::Backup)?,
                said: said.trim().to_owned(),
            }),
        }
    }
    /// Whether `fdbbackup` is installed on this machine.
    ///
    /// # Errors
    /// When it is not.
    pub fn expect_installed(&self) -> Result<(), ProgramError> {
        self.programs.find(Program::Backup).map(|_| ())
    }
}

/// This machine's agent. It outlives its node, as the server does.
#[derive(Debug)]
pub struct BackupAgent {
    programs: Programs,
    folder: PathBuf,
    process: Process,
}

impl BackupAgent {
    /// The one beside the server that is kept in `folder`, if it runs.
    #[must_use]
    pub fn find(programs: Programs, folder: &Path) -> Self {
        Self {
            programs,
            folder: folder.to_owned(),
            process: Process::find("backup_agent", cluster_file(folder), folder.join("backup_agent.pid")),
        }
    }
    /// Starts it if it does not run; says whether it had to.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn ensure(&mut self) -> Result<bool, KeeperError> {
        if self.process.is_running() {
            return Ok(false);
        }
        let program = self.programs.find(Program::BackupAgent)?;
        let refused = |source| KeeperError::Run {
            program: program.clone(),
            source,
        };
        let logs = self.folder.join("logs");
        std::fs::create_dir_all(&logs).map_err(refused)?;
        let mut command = Command::new(&program);
        command.arg("-C").arg(cluster_file(&self.folder));
        command.arg("--log").arg("--logdir").arg(&logs);
        let said = logs.join("backup_agent.out");
        self.process.start(command, &said).map_err(refused)?;
        Ok(true)
    }
    /// Ends it, if it runs.
    pub fn stop(&mut self) {
        if self.process.id().is_some() {
            self.process.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BackupStatus, Place, PlaceError};

    #[test]
    fn places_are_folders_or_addresses_without_secrets() {
        let read = |text: &str| text.parse::<Place>().map(|place| place.as_str().to_owned());
        for (text, expect) in [
            ("/srv/backup", "file:///srv/backup"),
            ("file:///srv/backup", "file:///srv/backup"),
            (
                "blobstore://key@s3.example:443/name?bucket=b",
                "blobstore://key@s3.example:443/name?bucket=b",
            ),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expect));
        }
        for text in ["", "backup", "file://backup", "s3://b", "blobstore://", "/a b", "-d"] {
            assert_eq!(read(text), Err(PlaceError::Unknown(text.to_owned())));
        }
        assert_eq!(read("blobstore://key:secret@s3.example/b"), Err(PlaceError::Secret));
    }

    #[test]
    fn states_are_read() {
        let none = BackupStatus::parse(r#"{"SchemaVersion":"1.0.0","Tag":"hongyan"}"#);
        assert_eq!(none, Some(BackupStatus::default()));
        let text = r#"{"Status":{"Name":"RunningDifferentially","Running":true},"Restorable":true,
            "DestinationURL":"file:///srv/b/backup-1","LatestRestorablePoint":{"Version":7,"LagSeconds":3.5},
            "Errors":[{"Message":"disk full","RelativeSeconds":-4.0}]}"#;
        let expect = BackupStatus {
            running: true,
            restorable: true,
            phase: Some("RunningDifferentially".to_owned()),
            to: Some("file:///srv/b/backup-1".to_owned()),
            behind_secs: Some(3),
            errors: vec!["disk full".to_owned()],
        };
        assert_eq!(BackupStatus::parse(text), Some(expect));
        assert_eq!(BackupStatus::parse("ERROR: nothing"), None);
    }
}
