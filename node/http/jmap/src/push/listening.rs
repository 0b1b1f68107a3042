//! Someone who listens (RFC 8620 §7): told of new states of the accounts that are open to them, for as long as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_mailbox::MailboxId;
use hongyan_types::{AccountId, ModSeq};

use super::watching::{DELIVERY, SHARES, States, Told, Watching, states};
use crate::error::Outcome;
use crate::jmap::Jmap;

/// Kinds of records whose states are those of the mailbox; and what others share.
pub(super) const TYPES: [&str; 5] = ["Email", DELIVERY, "Mailbox", "Thread", SHARES];

/// Stands for what was said of shares, where accounts have numbers.
const SHARES_KEY: &str = "s";

/// Someone who waits for new states.
pub(super) struct Listening {
    watching: Watching,
    types: Vec<&'static str>,
}

impl Listening {
    /// Waits from now on for new states of those types that are `wished`.
    pub(super) async fn begin(jmap: &Arc<Jmap>, person: MailboxId, wished: impl Fn(&str) -> bool) -> Outcome<Self> {
        Ok(Self {
            watching: Watching::begin(jmap, person).await?,
            types: TYPES.into_iter().filter(|name| wished(name)).collect(),
        })
    }
    /// The client knows everything up to `state`; one that was never given is older than all others.
    pub(super) fn goes_on_from(&mut self, state: &str) {
        let told = read(state).unwrap_or_default();
        self.watching.goes_on_from(&told, Some(ModSeq(0)));
    }
    /// Waits until something is new; `None` when nobody can say: the client comes back with what it has.
    pub(super) async fn changed(&mut self) -> Option<States> {
        loop {
            let news = self.watching.changed(self.types.contains(&DELIVERY)).await.ok()?;
            let states = states(&news, &self.types);
            if !states.is_empty() {
                return Some(states);
            }
        }
    }
    /// How far the client has been told.
    pub(super) fn state(&self) -> String {
        write(&self.watching.told())
    }
}

/// The own mailbox's number, then each other account with its own, then, if there was any, what was said of shares: `12,3=7,s=4`.
fn write(told: &Told) -> String {
    let others = told.others.iter();
    let others: String = others
        .map(|(account, modseq)| format!(",{}={}", account.0, modseq.0))
        .collect();
    let shares = match told.shares {
        0 => String::new(),
        state => format!(",{SHARES_KEY}={state}"),
    };
    format!("{}{others}{shares}", told.own.0)
}

fn read(state: &str) -> Option<Told> {
    let mut parts = state.split(',');
    let own = ModSeq(parts.next()?.parse().ok()?);
    let (mut others, mut shares) = (BTreeMap::new(), 0);
    for part in parts {
        let (account, modseq) = part.split_once('=')?;
        if account == SHARES_KEY {
            shares = modseq.parse().ok()?;
            continue;
        }
        others.insert(AccountId(account.parse().ok()?), ModSeq(modseq.parse().ok()?));
    }
    Some(Told { own, others, shares })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_they_are_written() {
        for text in ["0", "12", "12,3=7,4=0", "12,s=3", "12,3=7,s=1"] {
            assert_eq!(write(&read(text).unwrap()), text);
        }
        for wrong in ["", "x", "1,", "1,2", "1,2=", "1,2=x", "1,s="] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
