//! Waiting for new states of an account (RFC 8620 §7): the mailbox's hints wake; what is told is the state that a request
//! would find.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_jmap::object::StateChange;
use hongyan_mailbox::ListFolders;
use hongyan_router::Subscription;
use hongyan_types::ModSeq;

use crate::account::Account;
use crate::error::Outcome;
use crate::jmap::Jmap;
use crate::state;

/// Kinds of records whose states are those of the mailbox.
pub(super) const TYPES: [&str; 3] = ["Email", "Mailbox", "Thread"];

/// Someone who waits for new states of an account.
pub(super) struct Listening {
    jmap: Arc<Jmap>,
    account: Account,
    hints: Subscription,
    types: Vec<&'static str>,
    told: ModSeq,
}

impl Listening {
    /// Waits from now on for new states of those types that are `wished`.
    pub(super) async fn begin(jmap: &Arc<Jmap>, account: &Account, wished: impl Fn(&str) -> bool) -> Outcome<Self> {
        let mut listening = Self {
            hints: jmap.services.router.subscribe(&account.mailbox),
            types: TYPES.into_iter().filter(|name| wished(name)).collect(),
            told: ModSeq(0),
            jmap: Arc::clone(jmap),
            account: account.clone(),
        };
        listening.told = listening.now().await?;
        Ok(listening)
    }
    /// The client knows everything up to `state`; one that was never given is older than all others.
    pub(super) fn goes_on_from(&mut self, state: &str) {
        self.told = ModSeq(state.parse().unwrap_or(0));
    }
    async fn now(&self) -> Outcome<ModSeq> {
        let within = self.jmap.settings.ask_timeout;
        let router = &self.jmap.services.router;
        Ok(router.ask(&self.account.mailbox, ListFolders, within).await??.modseq)
    }
    /// Waits until something is new; `None` when nobody can say: the client comes back with what it has.
    pub(super) async fn changed(&mut self) -> Option<()> {
        loop {
            let now = self.now().await.ok()?;
            if now > self.told {
                self.told = now;
                if !self.types.is_empty() {
                    return Some(());
                }
            }
            self.hints.changed().await;
        }
    }
    /// What is told.
    pub(super) fn change(&self) -> StateChange {
        let state = self.state();
        let states: BTreeMap<&'static str, String> = self.types.iter().map(|name| (*name, state.clone())).collect();
        StateChange {
            changed: BTreeMap::from([(self.account.id.clone(), states)]),
            push_state: None,
        }
    }
    /// How far the client has been told.
    pub(super) fn state(&self) -> String {
        state::write(self.told)
    }
}
