//! A client that remembers a folder and asks what changed since (RFC 7162 §3.2.5).

use std::collections::{BTreeMap, BTreeSet};

use hongyan_conformance::imap::Value;
use hongyan_invariant::{Look, MessageSeen, Place, Resync};
use hongyan_workload::{ITEMS, Status, numbers, row};

use super::imap::Imap;
use super::wire::Lost;

/// A folder as a client remembers it: all that it was told up to a MODSEQ.
#[derive(Clone)]
pub(crate) struct Memory {
    pub(crate) validity: u32,
    pub(crate) modseq: u64,
    pub(crate) known: BTreeMap<u32, (u64, BTreeSet<String>)>,
}

impl Memory {
    /// What a look leaves behind; none when it does not say up to where it tells.
    pub(crate) fn of(look: &Look) -> Option<Self> {
        let state = |message: &MessageSeen| (message.uid, (message.modseq, message.flags.clone()));
        Some(Self {
            validity: look.validity,
            modseq: look.highest_modseq?,
            known: look.messages.iter().map(state).collect(),
        })
    }
    fn parameters(&self, names_known: bool) -> String {
        let mut uids: Vec<String> = self.known.keys().map(u32::to_string).collect();
        // RFC 7162 §3.2.5.2: nothing is told of what is not named, so new messages are.
        let after_last = self.known.keys().next_back().map_or(1, |uid| uid + 1);
        uids.push(format!("{after_last}:{}", u32::MAX));
        if names_known {
            format!("{} {} {}", self.validity, self.modseq, uids.join(","))
        } else {
            format!("{} {}", self.validity, self.modseq)
        }
    }
}

impl Imap {
    /// Opens a folder as one that is remembered, and reads all of it. None when the server refuses, or it is another folder by
    /// now. The session is good for nothing else after.
    pub(crate) async fn resync(
        &mut self,
        place: &Place,
        memory: Memory,
        names_known: bool,
    ) -> Result<Option<Resync>, Lost> {
        if self.run("ENABLE QRESYNC").await?.status != Status::Ok {
            return Ok(None);
        }
        let parameters = memory.parameters(names_known);
        let opened = self
            .run(&format!("SELECT {} (QRESYNC ({parameters}))", place.folder.0))
            .await?;
        if opened.status != Status::Ok {
            return Ok(None);
        }
        let number = |name: &str| opened.number::<u32>(name).ok_or(Lost);
        let (validity, uid_next) = (number("UIDVALIDITY")?, number("UIDNEXT")?);
        if validity != memory.validity {
            return Ok(None);
        }
        let mut known = memory.known;
        for values in &opened.data {
            for uid in vanished(values) {
                known.remove(&uid);
            }
            if let Some(message) = row(values) {
                known.insert(message.uid, (message.modseq, message.flags));
            }
        }
        let read = self.run(&format!("UID FETCH 1:* {ITEMS}")).await?;
        if read.status != Status::Ok {
            return Ok(None);
        }
        let mut messages: BTreeMap<u32, MessageSeen> = BTreeMap::new();
        let mut gone = BTreeSet::new();
        for values in &read.data {
            for uid in vanished(values) {
                messages.remove(&uid);
                gone.insert(uid);
            }
            let Some(new) = row(values) else { continue };
            match messages.get_mut(&new.uid) {
                // News of flags on the way.
                Some(message) if new.octets == 0 => (message.modseq, message.flags) = (new.modseq, new.flags),
                None if new.octets == 0 => {}
                _ => drop(messages.insert(new.uid, new)),
            }
        }
        let after_last = messages.keys().next_back().map_or(0, |uid| uid + 1);
        Ok(Some(Resync {
            since: memory.modseq,
            known,
            truth: Look {
                validity,
                uid_next: Some(uid_next.max(after_last)),
                highest_modseq: opened.number("HIGHESTMODSEQ"),
                messages: messages.into_values().collect(),
            },
            vanished: gone,
        }))
    }
}

/// The UIDs of `* VANISHED (EARLIER) 1:3,5`.
fn vanished(values: &[Value]) -> Vec<u32> {
    match values {
        [Value::Atom(word), .., Value::Atom(set)] if word == "VANISHED" => numbers(set),
        _ => Vec::new(),
    }
}
