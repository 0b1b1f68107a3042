//! How many folders a mailbox may have, how deep (FLD-6), and where: what CREATE and RENAME ask before the mailbox does.

use hongyan_imap::{Code, Status};
use hongyan_mailbox::{FolderInfo, FolderPath, SEPARATOR, SpecialUse};

use crate::place::{OTHERS, Place, SHARED, directory_failed};
use crate::session::Session;
use crate::stop::Stop;

impl Session {
    /// Refuses what is beyond the limits of whose mailbox it is: a folder at `to`, which is new or was at `from`. In the own
    /// mailbox nothing begins where others' mailboxes are.
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
        if place.is_own() && is_where_others_are(&folders, to) {
            return Err(Status::no_with(
                Code::Cannot,
                "Mailboxes of others are there, and none of that name is open to you",
            )
            .into());
        }
        let excess = limits.folders_excess(depth(&folders, from, to), own(&folders) + usize::from(from.is_none()));
        match excess {
            Some(text) => Err(Status::no_with(Code::Limit, text).into()),
            None => Ok(()),
        }
    }
}

/// Whether a path in the own mailbox is below a root of others' mailboxes (RFC 2342 §5). An own folder of that name,
/// which other clients may have made, is a root of its own.
fn is_where_others_are(folders: &[FolderInfo], path: &FolderPath) -> bool {
    [SHARED, OTHERS].iter().any(|root| {
        let name = root.trim_end_matches(SEPARATOR);
        path.as_str().starts_with(root) && !folders.iter().any(|folder| folder.path.as_str() == name)
    })
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
