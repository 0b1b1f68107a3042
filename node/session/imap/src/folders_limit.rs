//! How many folders a mailbox may have, and how deep (FLD-6): what CREATE and RENAME ask before the mailbox does.

use hongyan_imap::{Code, Status};
use hongyan_mailbox::{FolderInfo, FolderPath, SEPARATOR, SpecialUse};

use crate::place::{Place, directory_failed};
use crate::session::Session;
use crate::stop::Stop;

impl Session {
    /// Refuses what is beyond the limits of whose mailbox it is: a folder at `to`, which is new or was at `from`.
    pub(crate) async fn check_folders(
        &self,
        place: &Place,
        from: Option<&FolderPath>,
        to: &FolderPath,
    ) -> Result<(), Stop> {
        let directory = &self.services.directory;
        let directory_failed = |error| directory_failed(&error);
        let Some(owner) = directory
            .account(place.mailbox.account)
            .await
            .map_err(directory_failed)?
        else {
            return Ok(());
        };
        let limits = directory.limits_of(&owner).await.map_err(directory_failed)?;
        // All count, seen or not.
        let folders = self.folders_in(&place.whole()).await?.folders;
        let excess = limits.folders_excess(depth(&folders, from, to), own(&folders) + usize::from(from.is_none()));
        match excess {
            Some(text) => Err(Status::no_with(Code::Limit, text).into()),
            None => Ok(()),
        }
    }
}

/// Folders beside those that every mailbox has.
fn own(folders: &[FolderInfo]) -> usize {
    folders.len().saturating_sub(SpecialUse::ALL.len() + 1)
}

/// The deepest level once `from` and all inside it are at `to`.
fn depth(folders: &[FolderInfo], from: Option<&FolderPath>, to: &FolderPath) -> usize {
    let levels = |path: &FolderPath| path.as_str().split(SEPARATOR).count();
    let Some(from) = from else { return levels(to) };
    let inside = folders.iter().filter(|folder| folder.path.is_inside(from));
    let deepest = inside.map(|folder| levels(&folder.path)).max();
    let below = deepest.map_or(0, |deepest| deepest.saturating_sub(levels(from)));
    levels(to) + below
}
