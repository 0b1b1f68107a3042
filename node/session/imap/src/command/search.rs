//! SEARCH (RFC 9051 §6.4.4): conditions on the folder's index first, then on stored records, then on text, each read
//! only for messages that the cheaper ones leave open.

mod evaluate;

use hongyan_imap::command::search::{Search, SearchKey, SearchReturn};
use hongyan_imap::response::Esearch;
use hongyan_imap::{Ranges, Status};
use hongyan_mailbox::search::look;
use hongyan_mailbox::{Email, EmailId, MessageEntry, read_emails};
use hongyan_types::{ModSeq, Timestamp, Uid};

use crate::command::search::evaluate::Conditions;
use crate::command::section::Body;
use crate::number::count64;
use crate::session::Session;
use crate::stop::{Answer, Stop};

/// After how many messages others on the arbiter get their turn.
const YIELD_AFTER: usize = 256;
/// Messages whose records are read together.
const RECORDS: usize = 64;

/// A message found.
pub(crate) struct Hit {
    /// Its sequence number.
    pub(crate) sequence: u32,
    /// The message.
    pub(crate) entry: MessageEntry,
}

/// A message that may be found.
struct Candidate<'v> {
    sequence: u32,
    entry: &'v MessageEntry,
    /// What the folder's index says.
    verdict: Option<bool>,
}

impl Hit {
    /// Its sequence number or UID.
    pub(crate) fn number(&self, uid: bool) -> u32 {
        if uid { self.entry.uid.get() } else { self.sequence }
    }
}

impl Session {
    pub(crate) async fn search(&mut self, search: &Search) -> Answer {
        let uses_mod_seq = search.key.uses_mod_seq();
        if uses_mod_seq {
            self.enable_cond_store();
        }
        let saves = search.returns.is_some_and(|returns| returns.save);
        let (mut numbers, mut uids, mut highest) = (Ranges::new(), Ranges::new(), ModSeq(0));
        let (mut first, mut last) = (None, None);
        let found = self
            .find(&search.key, |hit| {
                numbers.push(hit.number(search.uid));
                uids.push(hit.entry.uid.get());
                highest = highest.max(hit.entry.modseq);
                first = first.or(Some((hit.entry.uid, hit.entry.modseq)));
                last = Some((hit.entry.uid, hit.entry.modseq));
            })
            .await;
        if let Err(stop) = found {
            if saves {
                // RFC 5182 §2.1: a failed search leaves an empty result.
                self.selected_mut()?.save(Ranges::new());
            }
            return Err(stop);
        }
        let returns = search.returns.unwrap_or(SearchReturn {
            all: true,
            ..SearchReturn::default()
        });
        if saves {
            let only_ends = (returns.min || returns.max) && !returns.all && !returns.count;
            // RFC 5182 §2.1: with MIN or MAX alone, only these are saved.
            let ends = || {
                let min = first.filter(|_| returns.min).map(|(uid, _)| uid.get());
                let max = last.filter(|_| returns.max).map(|(uid, _)| uid.get());
                min.into_iter().chain(max).collect::<Ranges>()
            };
            let saved = if only_ends { ends() } else { uids };
            self.selected_mut()?.save(saved);
        }
        if !(returns.min || returns.max || returns.all || returns.count) {
            return Ok(Status::ok("Search completed"));
        }
        let mod_seq = (uses_mod_seq && !numbers.is_empty()).then_some(match (returns.min, returns.max) {
            // RFC 7162 §3.1.10: with MIN or MAX alone, the modseq is theirs.
            (min, max) if (min || max) && !returns.all && !returns.count => {
                let of = |end: Option<(Uid, ModSeq)>, wanted| end.filter(|_| wanted).map_or(0, |(_, modseq)| modseq.0);
                of(first, min).max(of(last, max))
            }
            _ => highest.0,
        });
        self.tell_search(search, returns, numbers, mod_seq);
        Ok(Status::ok("Search completed"))
    }

    fn tell_search(&mut self, search: &Search, returns: SearchReturn, numbers: Ranges, mod_seq: Option<u64>) {
        if search.returns.is_none() && !self.imap.enabled().imap4_rev2 {
            self.imap.output().search(&numbers, mod_seq);
            return;
        }
        let result = Esearch {
            uid: search.uid,
            min: numbers.first().filter(|_| returns.min),
            max: numbers.last().filter(|_| returns.max),
            count: returns.count.then(|| count64(numbers.count())),
            mod_seq,
            all: returns.all.then_some(numbers),
        };
        let tag = self.imap.tag().to_vec();
        self.imap.output().esearch(&tag, &result);
    }

    /// Calls `visit` for every message that fulfils `key`, in the order of the folder.
    pub(crate) async fn find(&mut self, key: &SearchKey, mut visit: impl FnMut(&Hit)) -> Result<(), Stop> {
        let selected = self.selected()?;
        let view = selected.view.clone();
        let newer = selected.newer.clone();
        let conditions = Conditions::new(key, selected, self.now_wall())?;
        let mut some = Vec::new();
        let (mut sequence, mut open) = (0, 0);
        for entry in view.iter() {
            sequence += 1;
            let entry = newer.as_ref().and_then(|newer| newer.get(entry.uid)).unwrap_or(entry);
            let verdict = conditions.by_index(sequence, entry);
            open += usize::from(verdict.is_none());
            some.push(Candidate {
                sequence,
                entry,
                verdict,
            });
            if open == RECORDS || some.len() == YIELD_AFTER {
                self.decide(&conditions, &mut some, &mut visit).await?;
                open = 0;
            }
        }
        self.decide(&conditions, &mut some, &mut visit).await
    }
    /// Calls `visit` for those of `some` that are found; then there are none left.
    async fn decide(
        &self,
        conditions: &Conditions,
        some: &mut Vec<Candidate<'_>>,
        visit: &mut impl FnMut(&Hit),
    ) -> Result<(), Stop> {
        let mailbox = self.selected()?.place.mailbox;
        let open = some.iter().filter(|candidate| candidate.verdict.is_none());
        let open: Vec<EmailId> = open.map(|candidate| candidate.entry.email).collect();
        let mut records = match open.is_empty() {
            true => Vec::new(),
            false => read_emails(&self.services.database, mailbox, &open).await?,
        }
        .into_iter();
        for candidate in some.drain(..) {
            let is_found = match candidate.verdict {
                Some(verdict) => verdict,
                None => match records.next().flatten() {
                    None => false,
                    Some(email) => self.look_into(conditions, &candidate, &email).await?,
                },
            };
            if is_found {
                visit(&Hit {
                    sequence: candidate.sequence,
                    entry: candidate.entry.clone(),
                });
            }
        }
        tokio::task::yield_now().await;
        Ok(())
    }
    /// Whether a message is found of which the index says too little.
    async fn look_into(&self, conditions: &Conditions, candidate: &Candidate<'_>, email: &Email) -> Result<bool, Stop> {
        let Candidate { sequence, entry, .. } = candidate;
        if let Some(verdict) = conditions.by_record(*sequence, entry, email) {
            return Ok(verdict);
        }
        let mut body = Body::of(self, self.selected()?.place.mailbox.tenant.0, email).await?;
        let found = look(&mut body, email, conditions.needles()).await?;
        tokio::task::yield_now().await;
        Ok(conditions.by_text(*sequence, entry, email, &found))
    }

    fn now_wall(&self) -> Timestamp {
        Timestamp {
            millis: self.services.env.wall_millis(),
        }
    }
}
