//! One caller that listens.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use axum::body::Bytes;
use hongyan_access::permission::{Action, Object, Standing};
use hongyan_directory::{FeedEntry, FeedPage};
use hongyan_kv::Watch;
use hongyan_types::TenantId;
use serde_json::json;
use tokio::sync::watch::Receiver;

use super::is_seen;
use super::places::Place;
use crate::caller::Caller;
use crate::changes;
use crate::problem::Result;

/// Time between comments when it is quiet: the caller is looked at anew, and whatever lies between sees that both are there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Changes read at a time.
const ENTRIES_AT_ONCE: usize = 100;

pub(super) struct Stream {
    caller: Caller,
    standing: Option<Standing>,
    tenant: TenantId,
    kinds: Option<BTreeSet<String>>,
    /// The last change that was told, or that is not for the caller.
    after: u64,
    pending: VecDeque<FeedEntry>,
    /// Ends when there is more than was read.
    more: Option<Watch>,
    /// Any change of the directory: the caller's own rights may be among it.
    heard: Receiver<u64>,
    is_begun: bool,
    is_done: bool,
    _place: Place,
}

impl Stream {
    pub(super) async fn begin(
        caller: Caller,
        standing: Option<Standing>,
        tenant: TenantId,
        after: Option<u64>,
        kinds: Option<BTreeSet<String>>,
        place: Place,
    ) -> Result<Self> {
        let heard = caller.directory.heard();
        let after = match after {
            Some(after) => after,
            None => caller.directory.feed(tenant, 0, 1).await?.latest,
        };
        Ok(Self {
            caller,
            standing,
            tenant,
            kinds,
            after,
            pending: VecDeque::new(),
            more: None,
            heard,
            is_begun: false,
            is_done: false,
            _place: place,
        })
    }

    /// What to send next; nothing when the stream is at its end.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.is_done {
                return None;
            }
            if self.heard.has_changed().unwrap_or(true) && !self.may_listen().await {
                return Some(self.end());
            }
            if !self.is_begun {
                self.is_begun = true;
                return Some(event("ready", self.after, &json!({ "latest": self.after })));
            }
            if let Some(entry) = self.pending.pop_front() {
                self.after = entry.number;
                match self.tell(entry).await {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            match self.wait().await {
                Waited::More => {}
                Waited::Heard => continue,
                Waited::Quiet => {
                    if !self.may_listen().await {
                        return Some(self.end());
                    }
                    return Some(Bytes::from_static(b": here\n\n"));
                }
            }
            if let Some(event) = self.read().await {
                return Some(event);
            }
        }
    }

    /// Reads on; answers a gap, or the end when the feed cannot be read.
    async fn read(&mut self) -> Option<Bytes> {
        let read = self
            .caller
            .directory
            .follow_feed(self.tenant, self.after, ENTRIES_AT_ONCE)
            .await;
        let (FeedPage { entries, latest, gap }, watch) = match read {
            Ok(read) => read,
            Err(error) => {
                // The client comes back, maybe to another node.
                tracing::debug!(event = "feed_not_read", %error);
                self.is_done = true;
                return None;
            }
        };
        if gap || self.after > latest {
            let told = json!({ "after": self.after, "latest": latest });
            self.after = latest;
            return Some(event("gap", latest, &told));
        }
        // A full page may have more behind it: it is read before anything is waited for.
        self.more = (entries.len() < ENTRIES_AT_ONCE).then_some(watch);
        self.pending.extend(entries);
        None
    }

    async fn wait(&mut self) -> Waited {
        let Some(more) = &mut self.more else {
            return Waited::More;
        };
        let env = self.caller.directory.env().clone();
        let waited = env
            .timeout(KEEP_ALIVE, async {
                tokio::select! {
                    biased;
                    _ = more => Waited::More,
                    changed = self.heard.changed() => match changed {
                        Ok(()) => {
                            // Looked at as changed by whoever asks next.
                            self.heard.mark_changed();
                            Waited::Heard
                        }
                        Err(_) => Waited::More,
                    },
                }
            })
            .await
            .unwrap_or(Waited::Quiet);
        if matches!(waited, Waited::More) {
            self.more = None;
        }
        waited
    }

    /// Whether the caller is still let in and sees something; takes over what they may do now.
    async fn may_listen(&mut self) -> bool {
        self.heard.mark_unchanged();
        if let Some(standing) = &self.standing {
            match standing.actor().await {
                Some(actor) => self.caller.actor = actor,
                None => return false,
            }
        }
        let organisation = Object::organisation(self.tenant);
        // Whoever lost all rights hears nothing any more.
        super::check_sees_something(&self.caller, &organisation).is_ok()
            || self.caller.permit(Action::ReadChanges, &organisation).is_ok()
    }

    fn end(&mut self) -> Bytes {
        self.is_done = true;
        event("end", self.after, &json!({}))
    }

    /// The change as far as the caller may hear of it.
    async fn tell(&mut self, entry: FeedEntry) -> Option<Bytes> {
        let number = entry.number;
        let mut seen = Vec::with_capacity(entry.subjects.len());
        for subject in entry.subjects {
            let kind = subject.kind();
            let is_wanted = self.kinds.as_ref().is_none_or(|kinds| kinds.contains(kind));
            if is_wanted && is_seen(&self.caller, self.tenant, &subject).await {
                seen.push(subject);
            }
        }
        if seen.is_empty() {
            return None;
        }
        let entry = changes::view(FeedEntry {
            subjects: seen,
            ..entry
        });
        Some(event(
            "change",
            number,
            &serde_json::to_value(entry).unwrap_or_default(),
        ))
    }
}

enum Waited {
    More,
    Heard,
    Quiet,
}

fn event(name: &str, id: u64, data: &serde_json::Value) -> Bytes {
    format!("event: {name}\nid: {id}\ndata: {data}\n\n").into()
}
