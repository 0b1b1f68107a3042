//! Notices: what changed in the selected folder since the client was last told (RFC 9051 §5.2, §7.5.1).
//!
//! A hint says that there may be news; what changed is the difference of two views. A view with expunged messages is
//! not told before the client may hear of it, because its sequence numbers would shift.

use hongyan_mailbox::{FolderView, MessageEntry, OpenFolder};
use hongyan_types::UidSet;

use crate::ask::without;
use crate::number::{count, ranges};
use crate::session::Session;
use crate::stop::Stop;

/// What may be told now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Nothing: the folder is being left, or the command is not finished.
    Nothing,
    /// All but expunged messages: the client counts in sequence numbers (RFC 9051 §7.5.1).
    NoExpunge,
    /// All.
    All,
}

impl Session {
    /// Tells the client what changed.
    pub(crate) async fn notices(&mut self, allowed: Allowed) -> Result<(), Stop> {
        if allowed == Allowed::Nothing {
            return Ok(());
        }
        self.read_news().await?;
        let Some(selected) = self.selected.as_mut() else {
            return Ok(());
        };
        let Some(newer) = selected.newer.take() else {
            return Ok(());
        };
        let difference = selected.view.difference(&newer);
        if !difference.vanished.is_empty() && allowed == Allowed::NoExpunge {
            selected.newer = Some(newer);
            return Ok(());
        }
        let old = std::mem::replace(&mut selected.view, newer.clone());
        selected.forget(&difference.vanished);
        let told = std::mem::take(&mut selected.told);
        let new_keywords = newer.keywords().len() != selected.keywords;
        selected.keywords = newer.keywords().len();

        self.tell_vanished(&old, &difference.vanished).await?;
        if !difference.added.is_empty() {
            self.imap.output().exists(count(newer.len()));
            if !self.imap.enabled().imap4_rev2 {
                self.imap.output().recent_none();
            }
        }
        if new_keywords {
            self.tell_flags(&newer);
        }
        for entry in &difference.changed {
            if told.get(&entry.uid) != Some(&entry.modseq) {
                self.tell_changed(&newer, entry, false);
                self.flush_if_full().await?;
            }
        }
        Ok(())
    }

    /// Reads the newest view when a hint says that there is one.
    async fn read_news(&mut self) -> Result<(), Stop> {
        let Some(selected) = &self.selected else {
            return Ok(());
        };
        // RFC 7162 §3.1: a mailbox that was never written shows 1, and so does its first commit.
        let (heard, known) = (selected.hints.latest(), selected.latest().modseq().0);
        if heard < known || (heard == known && known > 1) {
            return Ok(());
        }
        let request = OpenFolder {
            folder: selected.folder.into(),
        };
        match self.ask(request.knowing(selected.latest())).await {
            Ok(opened) => {
                if let Some(selected) = self.selected.as_mut() {
                    selected.newer = Some(without(opened.view, &selected.hidden));
                }
                Ok(())
            }
            // Notices are not what the client asked for: they come with a later command.
            Err(Stop::Refused(status)) => {
                if status.code == Some(hongyan_imap::Code::NonExistent) {
                    self.imap.bye("The selected folder was deleted");
                    return Err(Stop::Gone);
                }
                Ok(())
            }
            Err(stop) => Err(stop),
        }
    }

    async fn tell_vanished(&mut self, old: &FolderView, vanished: &UidSet) -> Result<(), Stop> {
        if vanished.is_empty() {
            return Ok(());
        }
        if self.imap.enabled().q_resync {
            // RFC 7162 §3.2.10: VANISHED instead of EXPUNGE.
            self.imap.output().vanished(&ranges(vanished));
            return Ok(());
        }
        // From the last to the first, so that no number shifts before it is told.
        for uid in vanished.iter().rev() {
            if let Some(sequence) = old.seq_of(uid) {
                self.imap.output().expunge(sequence.get());
                self.flush_if_full().await?;
            }
        }
        Ok(())
    }

    /// `* FLAGS` with the mailbox's keywords.
    pub(crate) fn tell_flags(&mut self, view: &FolderView) {
        let keywords = view.keywords();
        self.imap
            .output()
            .flags(keywords.iter().map(|(_, keyword)| keyword.as_str()));
    }

    /// An unsolicited FETCH of a message's flags.
    pub(crate) fn tell_changed(&mut self, view: &FolderView, entry: &MessageEntry, uid: bool) {
        let Some(sequence) = view.seq_of(entry.uid) else {
            return;
        };
        let enabled = self.imap.enabled();
        let output = self.imap.output();
        output.fetch_begin(sequence.get());
        // RFC 7162 §3.2.4: with QRESYNC the UID is always told.
        if uid || enabled.q_resync {
            output.fetch_uid(entry.uid.get());
        }
        output.fetch_flags(entry.flags, keywords(view, entry));
        if enabled.cond_store {
            output.fetch_mod_seq(entry.modseq.0);
        }
        output.fetch_end();
    }
}

/// Names of a message's keywords.
pub(crate) fn keywords<'a>(view: &'a FolderView, entry: &'a MessageEntry) -> impl Iterator<Item = &'a str> {
    let ids = entry.keywords.ids().iter();
    ids.filter_map(|id| view.keywords().name(*id).map(|keyword| keyword.as_str()))
}
