//! One process at a time has a store's folder; who has it is written in the lock file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "lock";

/// Why the folder is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("storage folder {} is in use by {holder}", folder.display())]
    Held {
        /// The folder.
        folder: PathBuf,
        /// Who has it, as it wrote itself.
        holder: String,
    },
    /// The folder or its lock file cannot be made or opened.
    #[error("lock storage folder {}", folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Makes the folder if need be and locks it until the returned file is dropped, or the process ends in any way.
pub(crate) fn lock(folder: &Path) -> Result<File, LockError> {
    let failed = |source| LockError::Io {
        folder: folder.to_owned(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let path = folder.join(LOCK_FILE);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(failed(error)),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.is_empty() {
                "another process"
            } else {
                holder.trim()
            };
            return Err(LockError::Held {
                folder: folder.to_owned(),
                holder: holder.to_owned(),
            });
        }
    }
    // On a full disk the name is missing, which is no reason not to start.
    let _ = file.set_len(0);
    let _ = file.rewind();
    let _ = writeln!(file, "process {}", std::process::id());
    Ok(file)
}
