//! FETCH (RFC 9051 §6.4.5). What the folder's index holds is written straight from the view; envelopes and structures
//! come from stored records, bodies from the blob store, read ahead a few at a time (`read_ahead.rs`, `section.rs`).

use std::sync::Arc;

use hongyan_imap::command::fetch::{Fetch, FetchItems};
use hongyan_imap::{Code, Output, Status};
use hongyan_mailbox::{FlagAction, FolderView, MessageEntry, StoreFlags};
use hongyan_message::Structure;
use hongyan_types::{Flag, FolderRight, ModSeq, SystemFlag, UidSet};

use crate::command::read_ahead::{Message, Needs, ReadAhead, Reading};
use crate::command::section::check_decodable;
use crate::notices::keywords;
use crate::number::{ranges, uid_set};
use crate::select_state::Run;
use crate::session::Session;
use crate::stop::{Answer, Stop};

/// What one FETCH works on.
struct Work {
    items: FetchItems,
    runs: Vec<Run>,
    changed_since: Option<ModSeq>,
    /// What the client's sequence numbers count in.
    view: FolderView,
    /// A newer view, when the client may not be told of all of it yet: it has the flags.
    newer: Option<FolderView>,
    /// Messages that this command marked as seen: their flags are told.
    seen: UidSet,
}

impl Work {
    /// The latest state of `entry`; the view it belongs to has its keywords.
    fn current<'a>(&'a self, entry: &'a MessageEntry) -> (&'a FolderView, &'a MessageEntry) {
        match &self.newer {
            None => (&self.view, entry),
            Some(newer) => newer.get(entry.uid).map_or((&self.view, entry), |entry| (newer, entry)),
        }
    }

    /// Entries to tell, with their sequence numbers.
    fn entries(&self) -> impl Iterator<Item = (u32, &MessageEntry)> {
        let entries = self.runs.iter().flat_map(|run| {
            let entries = self.view.range(run.first, run.last);
            (run.sequence..).zip(entries)
        });
        entries.filter(|(_, entry)| {
            let since = self.changed_since;
            since.is_none_or(|since| self.current(entry).1.modseq > since)
        })
    }
}

impl Session {
    pub(crate) async fn fetch(&mut self, fetch: Fetch) -> Answer {
        if fetch.items.mod_seq {
            self.enable_cond_store();
        }
        let selected = self.selected()?;
        let runs = selected.runs(&fetch.set, fetch.uid)?;
        if let (true, Some(since)) = (fetch.vanished, fetch.changed_since) {
            let largest = selected.view.uid_next().saturating_sub(1).max(1);
            let asked = uid_set(&fetch.set.resolve(largest, &selected.saved));
            let vanished = self.vanished_since(ModSeq(since), &asked).await?;
            if !vanished.is_empty() {
                self.imap.output().vanished_earlier(&ranges(&vanished));
            }
        }
        let seen = if fetch.items.sets_seen() {
            self.mark_seen(&runs).await?
        } else {
            UidSet::new()
        };
        let selected = self.selected()?;
        let work = Work {
            items: fetch.items,
            runs,
            changed_since: fetch.changed_since.map(ModSeq),
            view: selected.view.clone(),
            newer: selected.newer.clone(),
            seen,
        };
        if work.newer.is_some() && (work.items.flags || !work.seen.is_empty()) {
            self.remember_told(&work)?;
        }
        if work.items.index_only() {
            self.fetch_from_index(&work).await?;
            return Ok(Status::ok("Fetch completed"));
        }
        let refused = self.fetch_from_records(&work).await?;
        Ok(refused.unwrap_or_else(|| Status::ok("Fetch completed")))
    }

    /// Marks messages as seen whose body is read (RFC 9051 §6.4.5); those that were not.
    async fn mark_seen(&mut self, runs: &[Run]) -> Result<UidSet, Stop> {
        let selected = self.selected()?;
        let mut uids = UidSet::new();
        // RFC 4314 §4: without the right to it nothing is marked.
        let marks = selected.place.folder_rights(selected.folder).has(FolderRight::Seen);
        if selected.read_only || !marks {
            return Ok(uids);
        }
        for run in runs {
            for entry in selected.view.range(run.first, run.last) {
                let flags = selected.current(entry.uid).unwrap_or(entry).flags;
                if !flags.contains(SystemFlag::Seen) {
                    uids.insert(entry.uid);
                }
            }
        }
        if uids.is_empty() {
            return Ok(uids);
        }
        let request = StoreFlags {
            folder: selected.folder,
            uids: uids.clone(),
            action: FlagAction::Add,
            flags: vec![Flag::System(SystemFlag::Seen)],
            unchanged_since: None,
        };
        let request = request.knowing(selected.latest());
        let stored = self.ask(request).await?;
        self.selected_mut()?.absorb(stored.view);
        Ok(uids)
    }

    /// The flags this command tells need not be told again as news.
    fn remember_told(&mut self, work: &Work) -> Result<(), Stop> {
        let selected = self.selected_mut()?;
        for (_, entry) in work.entries() {
            if work.items.flags || work.seen.contains(entry.uid) {
                selected.tell(entry.uid, work.current(entry).1.modseq);
            }
        }
        Ok(())
    }

    async fn fetch_from_index(&mut self, work: &Work) -> Result<(), Stop> {
        for (sequence, entry) in work.entries() {
            let output = self.imap.output();
            output.fetch_begin(sequence);
            write_index_items(output, work, entry);
            output.fetch_end();
            if output.is_full() {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Tells what records and bodies hold; why some messages were left out, if any were.
    async fn fetch_from_records(&mut self, work: &Work) -> Result<Option<Status>, Stop> {
        let reading = Reading {
            services: Arc::clone(&self.services),
            mailbox: self.selected()?.place.mailbox,
            needs: Needs::of(&work.items),
        };
        let mut refused = None;
        let mut ahead = ReadAhead::new(reading, work.entries(), Arc::clone(&self.read_ahead));
        while let Some((entries, messages)) = ahead.next().await? {
            for ((sequence, entry), message) in entries.into_iter().zip(messages) {
                let told = match message {
                    Ok(Some(message)) => self.fetch_one(work, sequence, entry, message).await,
                    // RFC 2180 §4.1.3, RFC 5530: others expunged it meanwhile.
                    Ok(None) => Err(Status::no_with(Code::ExpungeIssued, "Some messages are gone").into()),
                    Err(stop) => Err(stop),
                };
                match told {
                    Err(Stop::Refused(status)) => refused = Some(status),
                    told => told?,
                }
            }
            // Reads complete at once: others on this arbiter get their turn here.
            tokio::task::yield_now().await;
        }
        Ok(refused)
    }

    async fn fetch_one(
        &mut self,
        work: &Work,
        sequence: u32,
        entry: &MessageEntry,
        message: Message,
    ) -> Result<(), Stop> {
        let items = &work.items;
        let Message { structure, mut body } = message;
        if let Some(structure) = &structure {
            for section in &items.sections {
                check_decodable(structure, section)?;
            }
        }
        let output = self.imap.output();
        output.fetch_begin(sequence);
        write_index_items(output, work, entry);
        match &structure {
            Some(structure) => {
                write_record_items(output, items, structure);
                for section in &items.sections {
                    self.tell_section(structure, &mut body, section).await?;
                }
            }
            None => {
                for section in &items.sections {
                    self.tell_whole(&mut body, section).await?;
                }
            }
        }
        self.imap.output().fetch_end();
        self.flush_if_full().await
    }
}

fn write_record_items(output: &mut Output, items: &FetchItems, structure: &Structure) {
    if items.envelope {
        output.fetch_envelope(&structure.envelope);
    }
    if items.body {
        output.fetch_body(&structure.root);
    }
    if items.body_structure {
        output.fetch_body_structure(&structure.root);
    }
    if items.preview {
        output.fetch_preview(Some(&structure.preview));
    }
}

fn write_index_items(output: &mut Output, work: &Work, entry: &MessageEntry) {
    let items = &work.items;
    let (view, entry) = work.current(entry);
    if items.uid {
        output.fetch_uid(entry.uid.get());
    }
    if items.flags || (!work.seen.is_empty() && work.seen.contains(entry.uid)) {
        output.fetch_flags(entry.flags, keywords(view, entry));
    }
    if items.internal_date {
        output.fetch_internal_date(entry.internal_date);
    }
    if items.size {
        output.fetch_size(entry.octets.0);
    }
    if items.mod_seq {
        output.fetch_mod_seq(entry.modseq.0);
    }
    if items.email_id {
        output.fetch_email_id(&entry.email);
    }
    if items.thread_id {
        output.fetch_thread_id(&entry.thread);
    }
    if items.save_date {
        output.fetch_save_date(Some(entry.save_date));
    }
}
