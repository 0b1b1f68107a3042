//! STATUS (RFC 9051 §6.3.11).

use hongyan_imap::Status;
use hongyan_imap::command::status::{self, StatusItems};
use hongyan_imap::response::StatusData;
use hongyan_mailbox::{FolderInfo, MailboxError, OpenFolder};
use hongyan_types::{FolderRight, SystemFlag};

use crate::folder;
use crate::number::{count, count64};
use crate::place::Place;
use crate::session::Session;
use crate::stop::{Answer, Stop};

impl Session {
    pub(crate) async fn status(&mut self, command: &status::Status) -> Answer {
        let located = self.locate(&command.mailbox).await?;
        let folders = self.folders_in(&located.place).await?;
        let info = folder::find(&folders.folders, &located.existing_path()?)?;
        if !located.place.folder_rights(info.id).has(FolderRight::Read) {
            return Err(MailboxError::NoPermission.into());
        }
        if command.items.highest_mod_seq {
            self.enable_cond_store();
        }
        self.tell_status(&located.place, info, command.items).await?;
        Ok(Status::ok("Status completed"))
    }

    /// A STATUS response.
    pub(crate) async fn tell_status(
        &mut self,
        place: &Place,
        info: &FolderInfo,
        items: StatusItems,
    ) -> Result<(), Stop> {
        let mut counts = Counts::of(info);
        if place.is_own() && self.account()?.range.days().is_some() {
            let (opened, _) = self.open(place, OpenFolder { folder: info.id.into() }).await?;
            counts = Counts::visible(&opened.view);
        }
        let data = StatusData {
            messages: items.messages.then_some(counts.messages),
            recent: items.recent.then_some(0),
            uid_next: items.uid_next.then_some(info.uid_next),
            uid_validity: items.uid_validity.then_some(info.uid_validity.get()),
            unseen: items.unseen.then_some(counts.unseen),
            deleted: items.deleted.then_some(counts.deleted),
            size: items.size.then_some(counts.octets),
            highest_mod_seq: items.highest_mod_seq.then_some(info.highest_modseq.0.max(1)),
            mailbox_id: items.mailbox_id.then(|| info.id.to_string()),
            append_limit: items.append_limit.then_some(self.settings.limits.append_octets_max),
        };
        self.imap.output().status(&place.name(&info.path), &data);
        Ok(())
    }
}

struct Counts {
    messages: u32,
    unseen: u32,
    deleted: u32,
    octets: u64,
}

impl Counts {
    fn of(info: &FolderInfo) -> Self {
        Self {
            messages: count64(info.messages),
            unseen: count64(info.unseen),
            deleted: count64(info.deleted),
            octets: info.octets,
        }
    }

    /// Counted over what the account's range shows (ACC-10).
    fn visible(view: &hongyan_mailbox::FolderView) -> Self {
        Self {
            messages: count(view.len()),
            unseen: count(
                view.iter()
                    .filter(|entry| !entry.flags.contains(SystemFlag::Seen))
                    .count(),
            ),
            deleted: count(
                view.iter()
                    .filter(|entry| entry.flags.contains(SystemFlag::Deleted))
                    .count(),
            ),
            octets: view.iter().map(|entry| entry.octets.0).sum(),
        }
    }
}
