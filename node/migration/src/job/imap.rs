//! An account over IMAP.

use hongyan_imap::Fetched;
use hongyan_mailbox::{FolderId, MailboxId};
use hongyan_types::{Flag, Timestamp};

use super::{Arrived, Job};
use crate::failure::Failure;
use crate::imap::{Body, Examined, ImapSource};
use crate::ledger::Entry;
use crate::mapping::{self, Mapped};
use crate::record::position::Position;
use crate::target::{Likeness, Search, Target};
use crate::{Moving, Trouble};

/// Messages that are looked at together.
const WINDOW: u32 = 200;
/// So many times in a row may a source tell of messages and then show none.
const EMPTY_WINDOWS_MAX: usize = 20;

/// A folder under way.
struct Open<'a> {
    mapped: &'a Mapped,
    folder: FolderId,
    examined: Examined,
    position: Position,
    is_careful: bool,
}

impl Job {
    pub(super) async fn run_imap(&self, moving: &Moving, mailbox: MailboxId, since: Timestamp) -> Result<(), Failure> {
        let mut source = ImapSource::open(&self.dialer, &self.migration.source, &self.sign_in(moving)).await?;
        let (listed, namespaces) = source.folders().await?;
        let mut target = Target::open(&self.router, self.directory.database(), mailbox, since).await?;
        let (mapped, left) = mapping::map(&listed, &namespaces, target.room());
        let mut total = 0_u64;
        for folder in &mapped {
            total = total.saturating_add(source.count(&folder.name).await?.unwrap_or(0));
        }
        let told = mapped
            .iter()
            .filter_map(|folder| Some((folder.shown.clone(), folder.note.clone()?)));
        let notes: Vec<Trouble> = told.chain(left).map(|(folder, reason)| note(folder, reason)).collect();
        self.ledger.note_folders(total, &notes).await?;
        for folder in &mapped {
            self.move_folder(&mut source, &mut target, folder, moving.is_careful)
                .await?;
        }
        source.close().await;
        Ok(())
    }

    async fn move_folder(
        &self,
        source: &mut ImapSource,
        target: &mut Target,
        mapped: &Mapped,
        is_careful: bool,
    ) -> Result<(), Failure> {
        let folder = target.folder(&mapped.to).await?;
        let before = self.ledger.position(&mapped.name).await?;
        let examined = match source.examine(&mapped.name).await? {
            Ok(examined) => examined,
            Err(reason) if before.uid == u32::MAX => {
                tracing::debug!(event = "migration_folder_closed", reason);
                return Ok(());
            }
            Err(reason) => {
                // Told once: where there is nothing to read, everything is behind.
                let position = Position {
                    uid_validity: 0,
                    uid: u32::MAX,
                };
                let entry = Entry {
                    failed: vec![note(mapped.shown.clone(), format!("it cannot be opened: {reason}"))],
                    position: Some((mapped.name.clone(), position)),
                    ..Entry::default()
                };
                self.ledger.note(&entry).await?;
                return Ok(());
            }
        };
        let is_known = before.uid_validity == examined.uid_validity && examined.uid_validity != 0;
        let mut open = Open {
            mapped,
            folder,
            examined,
            position: Position {
                uid_validity: examined.uid_validity,
                uid: if is_known { before.uid } else { 0 },
            },
            is_careful,
        };
        self.move_messages(source, target, &mut open).await
    }

    async fn move_messages(
        &self,
        source: &mut ImapSource,
        target: &mut Target,
        open: &mut Open<'_>,
    ) -> Result<(), Failure> {
        let mut next = first_after(source, open.examined.messages, open.position.uid).await?;
        let mut empty = 0;
        while next <= source.messages() {
            source.expunged.clear();
            let last = next.saturating_add(WINDOW - 1).min(source.messages());
            let mut found = source.look(next, last).await?;
            let behind = open.position.uid;
            found.retain(|fetched| fetched.uid.is_some_and(|uid| uid > behind));
            empty = if found.is_empty() { empty + 1 } else { 0 };
            if empty > EMPTY_WINDOWS_MAX {
                let shown = &open.mapped.shown;
                return Err(Failure::Broken(format!(
                    "the source tells of messages in {shown} and shows none"
                )));
            }
            self.move_window(source, target, open, found).await?;
            let gone = source.expunged.iter().filter(|number| **number <= last).count();
            next = last
                .saturating_add(1)
                .saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX))
                .max(1);
        }
        Ok(())
    }

    /// Gets some messages, in groups that are small enough.
    async fn move_window(
        &self,
        source: &mut ImapSource,
        target: &mut Target,
        open: &mut Open<'_>,
        found: Vec<Fetched>,
    ) -> Result<(), Failure> {
        let options = &self.dialer.options;
        let most = if open.is_careful {
            1
        } else {
            options.batch_messages_max.max(1)
        };
        let (mut group, mut octets) = (Vec::new(), 0_u64);
        for fetched in found {
            let size = fetched.octets.unwrap_or(0);
            if !group.is_empty() && (group.len() >= most || octets.saturating_add(size) > options.batch_octets_max) {
                self.move_group(source, target, open, std::mem::take(&mut group))
                    .await?;
                octets = 0;
            }
            octets = octets.saturating_add(size);
            group.push(fetched);
        }
        if !group.is_empty() {
            self.move_group(source, target, open, group).await?;
        }
        Ok(())
    }

    async fn move_group(
        &self,
        source: &mut ImapSource,
        target: &mut Target,
        open: &mut Open<'_>,
        group: Vec<Fetched>,
    ) -> Result<(), Failure> {
        let mut entry = Entry::default();
        let (mut wanted, mut present) = (Vec::new(), Vec::new());
        let last = group
            .last()
            .and_then(|fetched| fetched.uid)
            .unwrap_or(open.position.uid);
        for fetched in group {
            let max = self.dialer.options.message_octets_max;
            if fetched.octets.is_some_and(|octets| octets > max) {
                entry.failed.push(too_long(open, &fetched, max));
            } else if target.has(&likeness(&fetched), search(open, &fetched)).await? {
                present.push(fetched.uid.unwrap_or(0));
            } else {
                wanted.push(fetched);
            }
        }
        let uids: Vec<u32> = wanted.iter().filter_map(|fetched| fetched.uid).collect();
        let mut full = None;
        let mut done = last;
        if !uids.is_empty() {
            let octets = wanted.iter().filter_map(|fetched| fetched.octets).sum();
            let place = (&self.blobs, self.migration.tenant);
            let read = source.bodies(place, &uids, octets).await;
            let (mut bodies, words) = match read {
                Ok(read) => read,
                Err(Failure::Broken(reason)) => return self.broken_off(open, &wanted, reason).await,
                Err(failure) => return Err(failure),
            };
            for fetched in &wanted {
                let uid = fetched.uid.unwrap_or(0);
                let place = bodies.iter().position(|(given, _)| *given == uid);
                match place.map(|place| bodies.swap_remove(place).1) {
                    Some(Body::Whole(message)) => {
                        let name = [
                            open.mapped.name.as_slice(),
                            &open.position.uid_validity.to_be_bytes(),
                            &uid.to_be_bytes(),
                        ]
                        .concat();
                        let arrived = Arrived {
                            message,
                            flags: flags(fetched),
                            date: fetched.internal_date,
                            name: &name,
                            folder: open.folder,
                            everywhere: open.mapped.is_of_all,
                        };
                        if let Err(failure) = self.take(target, arrived, &mut entry).await {
                            full = Some(failure);
                            done = uid.saturating_sub(1).max(open.position.uid);
                            break;
                        }
                    }
                    Some(Body::TooLong(octets)) => {
                        let fetched = Fetched {
                            octets: Some(octets),
                            ..fetched.clone()
                        };
                        entry
                            .failed
                            .push(too_long(open, &fetched, self.dialer.options.message_octets_max));
                    }
                    None => entry.failed.push(trouble(open, fetched, words.clone())),
                }
            }
        }
        if full.is_some() {
            // What is behind the message that found no room is looked at again.
            entry
                .failed
                .retain(|trouble| trouble.message.parse().is_ok_and(|uid: u32| uid <= done));
        }
        entry.present += present.iter().filter(|uid| **uid <= done).count() as u64;
        open.position.uid = done;
        entry.position = Some((open.mapped.name.clone(), open.position));
        self.ledger.note(&entry).await?;
        full.map_or(Ok(()), Err)
    }

    /// The source broke its protocol over some messages: they are tried one by one next time, and one that does it alone is
    /// skipped.
    async fn broken_off(&self, open: &mut Open<'_>, wanted: &[Fetched], reason: String) -> Result<(), Failure> {
        if let [only] = wanted {
            open.position.uid = only.uid.unwrap_or(open.position.uid);
            let entry = Entry {
                failed: vec![trouble(open, only, reason.clone())],
                position: Some((open.mapped.name.clone(), open.position)),
                ..Entry::default()
            };
            self.ledger.note(&entry).await?;
        } else {
            self.ledger.change(|moving| moving.is_careful = true).await?;
        }
        Err(Failure::Slow(reason))
    }
}

/// The number of the first message behind `uid`, by halves.
async fn first_after(source: &mut ImapSource, messages: u32, uid: u32) -> Result<u32, Failure> {
    let (mut low, mut high) = (1, messages.saturating_add(1));
    if uid == 0 {
        return Ok(low);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        match source.uid_of(middle).await? {
            Some(found) if found <= uid => low = middle + 1,
            Some(_) => high = middle,
            // It does not say: from the beginning, then, and nothing comes twice.
            None => return Ok(1),
        }
    }
    Ok(low)
}

fn note(folder: String, reason: String) -> Trouble {
    Trouble {
        folder,
        message: String::new(),
        octets: None,
        reason,
    }
}

fn trouble(open: &Open<'_>, fetched: &Fetched, reason: String) -> Trouble {
    Trouble {
        folder: open.mapped.shown.clone(),
        message: fetched.uid.unwrap_or(0).to_string(),
        octets: fetched.octets,
        reason,
    }
}

fn too_long(open: &Open<'_>, fetched: &Fetched, max: u64) -> Trouble {
    trouble(open, fetched, format!("it is larger than message_octets_max ({max})"))
}

fn likeness(fetched: &Fetched) -> Likeness {
    let header = hongyan_message::parse(fetched.body.as_deref().unwrap_or_default());
    Likeness::new(fetched.octets.unwrap_or(0), &header.envelope)
}

fn search(open: &Open<'_>, fetched: &Fetched) -> Search {
    Search {
        folder: open.folder,
        everywhere: open.mapped.is_of_all,
        internal_secs: fetched.internal_date.map(Timestamp::secs),
    }
}

fn flags(fetched: &Fetched) -> Vec<Flag> {
    let flags = fetched.flags.iter().flatten();
    let mut kept: Vec<Flag> = Vec::new();
    for flag in flags.filter_map(|flag| Flag::try_from(flag.as_str()).ok()) {
        if !kept.contains(&flag) {
            kept.push(flag);
        }
    }
    kept
}
