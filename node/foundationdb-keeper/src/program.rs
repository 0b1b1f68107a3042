//! Finds the programs of the installed FoundationDB package.

use std::path::PathBuf;

/// Where packages put them, beside the search path.
const FOLDERS: [&str; 6] = [
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/lib/foundationdb/backup_agent",
    "/usr/local/libexec",
];

/// A program of FoundationDB's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The server.
    Server,
    /// The command line.
    Cli,
    /// Starts and describes backups.
    Backup,
    /// Does the work of backups.
    BackupAgent,
}

/// A program is not installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} is not installed on this machine: install FoundationDB's package {package}, or set cluster.foundationdb_programs"
)]
pub struct ProgramError {
    /// Which program.
    pub name: &'static str,
    /// What brings it.
    pub package: &'static str,
}

impl Program {
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Server => ("fdbserver", "foundationdb-server"),
            Self::Cli => ("fdbcli", "foundationdb-clients"),
            Self::Backup => ("fdbbackup", "foundationdb-clients"),
            Self::BackupAgent => ("backup_agent", "foundationdb-clients"),
        }
    }
    /// Where it is, when no folder is named.
    ///
    /// # Errors
    /// When it is nowhere, with the package to install.
    pub fn find(self) -> Result<PathBuf, ProgramError> {
        Programs::default().find(self)
    }
}

/// Where programs are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Programs {
    /// A folder that counts before the search path and the packages' own folders.
    pub folder: Option<PathBuf>,
}

impl Programs {
    /// Where a program is.
    ///
    /// # Errors
    /// When it is nowhere, with the package to install.
    pub fn find(&self, program: Program) -> Result<PathBuf, ProgramError> {
        let (name, package) = program.name();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let named = self.folder.iter().cloned();
        let folders = named
            .chain(std::env::split_paths(&path))
            .chain(FOLDERS.iter().map(PathBuf::from));
        let mut files = folders.map(|folder| folder.join(name));
        files.find(|file| file.is_file()).ok_or(ProgramError { name, package })
    }
}
