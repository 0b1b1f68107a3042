//! STORE (RFC 9051 §6.4.6) with UNCHANGEDSINCE (RFC 7162 §3.1.3).

use hongyan_imap::command::store::{Store, StoreMode};
use hongyan_imap::{Code, Ranges, Status};
use hongyan_mailbox::{FlagAction, FolderView, StoreFlags};
use hongyan_types::{Flag, ModSeq, UidSet};

use crate::number::ranges;
use crate::session::Session;
use crate::stop::{Answer, Stop};

impl Session {
    pub(crate) async fn store(&mut self, store: &Store) -> Answer {
        if store.unchanged_since.is_some() {
            self.enable_cond_store();
        }
        let selected = self.selected()?;
        selected.writable()?;
        let uids = selected.set_uids(&store.set, store.uid)?;
        if uids.is_empty() {
            return Ok(Status::ok("Store completed"));
        }
        let system = store.flags.system.iter().map(Flag::System);
        let flags = system
            .chain(store.flags.keywords.iter().cloned().map(Flag::Keyword))
            .collect();
        let request = StoreFlags {
            folder: selected.folder,
            uids: uids.clone(),
            action: match store.mode {
                StoreMode::Replace => FlagAction::Set,
                StoreMode::Add => FlagAction::Add,
                StoreMode::Remove => FlagAction::Remove,
            },
            flags,
            unchanged_since: store.unchanged_since.map(ModSeq),
        };
        let request = request.knowing(selected.latest());
        let stored = self.ask(request).await?;
        let done = uids.difference(&stored.modified);
        let selected = self.selected_mut()?;
        let before = selected.latest().clone();
        selected.absorb(stored.view);
        let after = selected.latest().clone();
        self.tell_stored(store, &done, &before, &after).await?;
        if stored.modified.is_empty() {
            return Ok(Status::ok("Store completed"));
        }
        let modified = if store.uid {
            ranges(&stored.modified)
        } else {
            let view = &self.selected()?.view;
            let sequences = stored.modified.iter().filter_map(|uid| view.seq_of(uid));
            sequences.map(|sequence| sequence.get()).collect::<Ranges>()
        };
        // RFC 7162 §3.1.3: the others were stored, so the command is OK.
        Ok(Status::ok_with(Code::Modified(modified), "Some messages had changed"))
    }

    /// The FETCH responses that STORE itself leads to. With .SILENT the client knows the flags; with CONDSTORE it still
    /// needs the modseq (RFC 7162 §3.1.3).
    async fn tell_stored(
        &mut self,
        store: &Store,
        done: &UidSet,
        before: &FolderView,
        after: &FolderView,
    ) -> Result<(), Stop> {
        let cond_store = self.imap.enabled().cond_store;
        let known = self.selected()?.view.clone();
        if after.keywords().len() != self.selected()?.keywords {
            self.selected_mut()?.keywords = after.keywords().len();
            self.tell_flags(after);
        }
        for entry in after.select(done) {
            let unchanged = before.get(entry.uid).is_some_and(|old| old.modseq == entry.modseq);
            if !unchanged {
                self.selected_mut()?.tell(entry.uid, entry.modseq);
            }
            let Some(sequence) = known.seq_of(entry.uid) else {
                continue;
            };
            if store.silent && (!cond_store || unchanged) {
                continue;
            }
            let uid = store.uid || self.imap.enabled().q_resync;
            let output = self.imap.output();
            output.fetch_begin(sequence.get());
            if uid {
                output.fetch_uid(entry.uid.get());
            }
            if !store.silent {
                output.fetch_flags(entry.flags, crate::notices::keywords(after, entry));
            }
            if cond_store {
                output.fetch_mod_seq(entry.modseq.0);
            }
            output.fetch_end();
            self.flush_if_full().await?;
        }
        Ok(())
    }
}
