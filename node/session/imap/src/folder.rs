//! Folder names between the wire and the mailbox.

use hongyan_imap::{Code, Status};
use hongyan_mailbox::{FolderInfo, FolderPath, FolderRef};

use crate::stop::Stop;

/// The path a name stands for.
pub(crate) fn path(name: &str) -> Result<FolderPath, Stop> {
    FolderPath::try_from(name)
        .map_err(|error| Stop::Refused(Status::no_with(Code::Cannot, format!("Not a valid name: {error}"))))
}

/// A reference to the folder of that name; names that cannot be do not exist.
pub(crate) fn reference(name: &str) -> Result<FolderRef, Stop> {
    Ok(FolderRef::Path(existing_path(name)?))
}

/// The path of a folder that should exist.
pub(crate) fn existing_path(name: &str) -> Result<FolderPath, Stop> {
    FolderPath::try_from(name).map_err(|_| missing())
}

/// The folder of that path.
pub(crate) fn find<'a>(folders: &'a [FolderInfo], path: &FolderPath) -> Result<&'a FolderInfo, Stop> {
    folders.iter().find(|folder| *folder.path == *path).ok_or_else(missing)
}

fn missing() -> Stop {
    Stop::Refused(Status::no_with(Code::NonExistent, "Folder does not exist"))
}
