//! Messages from one mailbox into another: their bytes are the organisation's already, the other mailbox gets entries of its own.

use hongyan_imap::{Code, Ranges, Status};
use hongyan_mailbox::{
    Append, AppendMessage, Expunge, MailboxError, MailboxId, MessageEntry, MessageWriter, read_email,
};
use hongyan_types::{Flag, FolderRight, SystemFlag, UidSet};

use crate::place::{Located, Place};
use crate::session::Session;
use crate::stop::{Answer, Stop, or_try_create};

/// Messages carried over at a time; their records are in memory together.
const MESSAGES_AT_ONCE: usize = 50;

/// Pairs of what was copied with what it became (RFC 4315 §3).
#[derive(Default)]
struct Carried {
    uid_validity: u32,
    from: Ranges,
    to: Ranges,
}

impl Session {
    /// COPY and MOVE into another mailbox than the selected one. MOVE removes what was copied, once all of it was.
    pub(crate) async fn transfer(&mut self, uids: UidSet, to: &Located, removes: bool) -> Answer {
        let selected = self.selected()?;
        let (folder, source) = (selected.folder, selected.place.clone());
        let entries: Vec<MessageEntry> = selected.view.select(&uids).cloned().collect();
        if entries.len() > self.settings.append_messages_max {
            return Err(Status::no_with(Code::Limit, "Too many messages at once for another mailbox").into());
        }
        to.place.writable()?;
        let leaving = [FolderRight::Delete, FolderRight::Expunge];
        if removes && !leaving.iter().all(|right| source.folder_rights(folder).has(*right)) {
            return Err(MailboxError::NoPermission.into());
        }
        let mut carried = Carried::default();
        let mut arrived = UidSet::new();
        for some in entries.chunks(MESSAGES_AT_ONCE) {
            if let Err(stop) = self.carry(source.mailbox, some, to, &mut carried, &mut arrived).await {
                self.take_back(to, arrived).await;
                return Err(stop);
            }
        }
        if carried.from.is_empty() {
            return Ok(Status::ok("Nothing to copy"));
        }
        let code = Code::CopyUid(carried.uid_validity, carried.from, carried.to);
        if !removes {
            return Ok(Status::ok_with(code, "Copy completed"));
        }
        // RFC 9051 §6.4.8: COPYUID comes untagged, before the EXPUNGE responses.
        self.imap.output().untagged(&Status::ok_with(code, "Moved"));
        let request = Expunge {
            folder,
            uids: Some(uids),
            deleted_only: false,
        };
        let request = request.knowing(self.selected()?.latest());
        let expunged = self.ask_in(&source, request).await?;
        self.selected_mut()?.absorb(expunged.view);
        Ok(Status::ok("Move completed"))
    }

    /// Carries some messages over, in one commit.
    async fn carry(
        &self,
        source: MailboxId,
        entries: &[MessageEntry],
        to: &Located,
        carried: &mut Carried,
        arrived: &mut UidSet,
    ) -> Result<(), Stop> {
        let view = &self.selected()?.view;
        let mut messages = Vec::with_capacity(entries.len());
        let mut from = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(email) = read_email(&self.services.database, source, entry.email).await? else {
                continue;
            };
            let mut reader = self.services.blobs.open_blob(source.tenant.0, &email.blob).await?;
            let mut writer = MessageWriter::new(&self.services.blobs, to.place.mailbox.tenant);
            while let Some(chunk) = reader.next_chunk().await? {
                writer.push(&chunk).await?;
            }
            let system = SystemFlag::ALL.into_iter().filter(|flag| entry.flags.contains(*flag));
            let keywords = entry.keywords.ids().iter().filter_map(|id| view.keywords().name(*id));
            messages.push(AppendMessage {
                message: writer.finish().await?,
                flags: system
                    .map(Flag::System)
                    .chain(keywords.cloned().map(Flag::Keyword))
                    .collect(),
                internal_date: Some(entry.internal_date),
            });
            from.push(entry.uid.get());
        }
        if messages.is_empty() {
            return Ok(());
        }
        let request = Append {
            folder: to.reference().map_err(or_try_create)?,
            messages,
        };
        let appended = self.ask_in(&to.place, request).await.map_err(or_try_create)?;
        carried.uid_validity = appended.uid_validity.get();
        carried.from = carried.from.numbers().chain(from).collect();
        carried.to = carried
            .to
            .numbers()
            .chain(appended.uids.iter().map(|uid| uid.get()))
            .collect();
        for uid in appended.uids {
            arrived.insert(uid);
        }
        Ok(())
    }

    /// Takes messages out that the session itself has put in a moment ago: that needs no right.
    async fn take_out(&self, place: &Place, request: Expunge) -> Result<(), Stop> {
        self.ask_in(&place.whole(), request).await.map(|_| ())
    }

    /// RFC 9051 §6.4.7: a COPY that fails leaves nothing behind.
    async fn take_back(&self, to: &Located, arrived: UidSet) {
        let Ok(folder) = to.reference() else { return };
        if arrived.is_empty() {
            return;
        }
        let folders = self.folders_in(&to.place).await;
        let found = folders.ok().and_then(|folders| {
            let path = to.existing_path().ok()?;
            folders
                .folders
                .iter()
                .find(|folder| *folder.path == path)
                .map(|folder| folder.id)
        });
        let Some(id) = found else { return };
        let request = Expunge {
            folder: id,
            uids: Some(arrived),
            deleted_only: false,
        };
        if self.take_out(&to.place, request).await.is_err() {
            tracing::warn!(event = "imap_copy_not_taken_back", ?folder);
        }
    }
}
