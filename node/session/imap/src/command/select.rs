//! SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3), with CONDSTORE and QRESYNC (RFC 7162 §3.1.8, §3.2.5).

use std::collections::HashMap;

use hongyan_imap::command::select::{QResync, Select};
use hongyan_imap::response::ListEntry;
use hongyan_imap::{Code, Ranges, State, Status};
use hongyan_mailbox::{FolderInfo, OpenFolder, Vanished, right_to};
use hongyan_types::{Flag, FolderRight, ModSeq, SystemFlag, UidSet};

use crate::command::list::attributes;
use crate::notices::keywords;
use crate::number::{count, ranges, uid_set};
use crate::select_state::Selected;
use crate::session::Session;
use crate::stop::{Answer, Stop};

impl Session {
    pub(crate) async fn select(&mut self, select: Select) -> Answer {
        let had_one = self.selected.is_some();
        self.leave_folder();
        // Listening begins before the folder is read, so that no hint is missed.
        let located = self.locate(&select.mailbox).await?;
        let hints = self.services.router.subscribe(&located.place.mailbox);
        let request = OpenFolder {
            folder: located.reference()?,
        };
        let place = located.place;
        let (opened, hidden) = self.open(&place, request).await?;
        let changes = place.folder_rights(opened.info.id).can_change_messages();
        let read_only = select.read_only || self.account()?.read_only || !changes;
        if had_one {
            // RFC 7162 §3.2.11
            self.imap
                .output()
                .untagged(&Status::ok_with(Code::Closed, "Previous folder closed"));
        }
        if select.cond_store || select.q_resync.is_some() {
            self.imap.enable(hongyan_imap::Extension::CondStore);
        }
        let selected = Selected {
            folder: opened.info.id,
            read_only,
            place,
            keywords: opened.view.keywords().len(),
            view: opened.view,
            newer: None,
            told: HashMap::new(),
            hidden,
            saved: Ranges::new(),
            hints,
        };
        self.describe(&selected, &opened.info);
        self.selected = Some(Box::new(selected));
        self.imap.enter(State::Selected);
        if let Some(known) = &select.q_resync {
            self.resynchronise(known).await?;
        }
        Ok(if read_only {
            let command = if select.read_only { "Examine" } else { "Select" };
            Status::ok_with(Code::ReadOnly, format!("{command} completed"))
        } else {
            Status::ok_with(Code::ReadWrite, "Select completed")
        })
    }

    fn describe(&mut self, selected: &Selected, info: &FolderInfo) {
        let view = &selected.view;
        let rev2 = self.imap.enabled().imap4_rev2;
        self.tell_flags(view);
        // RFC 4314 §5.1.1: those that the client may change.
        let rights = selected.place.folder_rights(selected.folder);
        let may = |flag: &SystemFlag| !selected.read_only && rights.has(right_to(&Flag::System(*flag)));
        let new_keywords = !selected.read_only && rights.has(FolderRight::Write);
        let system = SystemFlag::ALL.iter().filter(|flag| may(flag));
        let mut permanent: Vec<String> = system.map(|flag| flag.as_str().to_owned()).collect();
        if new_keywords {
            let names = view.keywords().iter().map(|(_, keyword)| keyword.as_str().to_owned());
            permanent.extend(names);
        }
        let output = self.imap.output();
        output.exists(count(view.len()));
        if rev2 {
            // RFC 9051 §6.3.2: LIST tells the name of the mailbox selected.
            output.list(&ListEntry {
                attributes: attributes(info),
                name: &selected.place.name(&info.path),
                ..ListEntry::default()
            });
        } else {
            output.recent_none();
            let unseen = (info.unseen > 0).then(|| view.first_unseen()).flatten();
            if let Some(sequence) = unseen.and_then(|entry| view.seq_of(entry.uid)) {
                output.untagged(&Status::ok_with(Code::Unseen(sequence.get()), "First unseen"));
            }
        }
        let codes = [
            Code::PermanentFlags(permanent, new_keywords),
            Code::UidValidity(view.uid_validity().get()),
            Code::UidNext(view.uid_next()),
            Code::HighestModSeq(view.highest_modseq().0.max(1)),
            Code::MailboxId(info.id.to_string()),
        ];
        for code in codes {
            output.untagged(&Status::ok_with(code, "As selected"));
        }
    }

    /// Tells what vanished and what changed since the client was here last.
    async fn resynchronise(&mut self, known: &QResync) -> Result<(), Stop> {
        let view = self.selected()?.view.clone();
        if known.uid_validity != view.uid_validity().get() {
            return Ok(());
        }
        let uids = match &known.known_uids {
            Some(set) => set.resolve(u32::MAX, &Ranges::new()),
            None => Ranges::one(1, view.uid_next().saturating_sub(1)),
        };
        let uids = uid_set(&uids);
        let vanished = self.vanished_since(ModSeq(known.mod_seq), &uids).await?;
        if !vanished.is_empty() {
            self.imap.output().vanished_earlier(&ranges(&vanished));
        }
        let mut sequence = 0;
        for entry in view.iter() {
            sequence += 1;
            if entry.modseq.0 <= known.mod_seq || !uids.contains(entry.uid) {
                continue;
            }
            let output = self.imap.output();
            output.fetch_begin(sequence);
            output.fetch_uid(entry.uid.get());
            output.fetch_flags(entry.flags, keywords(&view, entry));
            output.fetch_mod_seq(entry.modseq.0);
            output.fetch_end();
            self.flush_if_full().await?;
        }
        Ok(())
    }

    /// Which of `uids` were expunged after `since`.
    pub(crate) async fn vanished_since(&self, since: ModSeq, uids: &UidSet) -> Result<UidSet, Stop> {
        let selected = self.selected()?;
        let request = Vanished {
            folder: selected.folder,
            since,
        };
        let reply = self.ask(request).await?;
        let view_uids = || selected.view.uids();
        Ok(match reply.uids {
            Some(gone) => gone.intersection(uids).difference(&view_uids()),
            // RFC 7162 §3.2.5.2: the log does not reach so far: all that is not here counts as gone.
            None => {
                let given = Ranges::one(1, selected.view.uid_next().saturating_sub(1));
                uids.intersection(&uid_set(&given)).difference(&view_uids())
            }
        })
    }
}
