//! What is known of the ways to other nodes, and what to do about it. Pure: time comes in, things to do come out.
//!
//! A way is *direct* until its node stays silent though asked for a sign of life; then others are asked, and one that
//! reaches the node makes it a *detour*. While nobody else reaches the node nothing changes: it is down or stands still, and
//! calls to it wait as ever.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::options::RelayOptions;
use crate::NodeId;

/// All ways from this node.
pub(super) struct Ways {
    options: RelayOptions,
    ways: BTreeMap<NodeId, Way>,
    looked_micros: u64,
    was_late: bool,
}

#[derive(Default)]
struct Way {
    used_micros: u64,
    /// Direct calls that wait for replies.
    waiting: usize,
    /// The last sign of life that came on the direct way, and since when one that was asked for is missing.
    heard_micros: u64,
    asked_micros: u64,
    silent_since: Option<u64>,
    /// Signs of life in a row, since there is a detour.
    answers: u32,
    /// Whether it knows of relaying; none while it has not been asked.
    knows: Option<bool>,
    via: Option<NodeId>,
    renewed_micros: u64,
    /// Whether those who wait on the direct way have been told that it is cut.
    is_given_up: bool,
    direct_since: u64,
    search: Search,
    broken: Arc<Notify>,
    rerouted: Arc<Notify>,
}

#[derive(Default)]
struct Search {
    is_running: bool,
    not_before: u64,
    pause_micros: u64,
    /// How many candidates have been asked in vain.
    skipped: usize,
}

/// How a call goes.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// Whom it is sent to: the node itself, or the one in between.
    pub first: NodeId,
    /// Notified when the way to `first` is given up.
    pub broken: Arc<Notify>,
    /// Notified when a detour is given up for another, or for none.
    pub rerouted: Arc<Notify>,
}

/// Something to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Ask this node for a sign of life.
    Ask(NodeId),
    /// Ask the candidates whether they reach the node, and say so with [`Ways::found`].
    Search { target: NodeId, candidates: Vec<NodeId> },
    /// End what waits on the direct way to this node: streams, for calls have been told.
    GiveUp(NodeId),
    /// Break the streams to this node that take a detour.
    BreakDetours(NodeId),
}

/// A change that is worth a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The node is now reached through that one.
    Detour(NodeId),
    /// It is reached directly again.
    Direct {
        /// Whether anybody had been told that it is not.
        was_given_up: bool,
    },
    /// Nobody reaches it any more.
    Lost,
}

impl Ways {
    pub(super) fn new(options: RelayOptions, now: u64) -> Self {
        Self {
            options,
            ways: BTreeMap::new(),
            looked_micros: now,
            was_late: false,
        }
    }
    fn way(&mut self, node: NodeId, now: u64) -> &mut Way {
        self.ways.entry(node).or_insert_with(|| Way {
            heard_micros: now,
            ..Way::default()
        })
    }
    /// Which way something to `to` takes.
    pub(super) fn route(&mut self, to: NodeId, now: u64) -> Route {
        let way = self.way(to, now);
        way.used_micros = now;
        let first = way.via.unwrap_or(to);
        let rerouted = Arc::clone(&way.rerouted);
        let broken = Arc::clone(&self.way(first, now).broken);
        Route {
            first,
            broken,
            rerouted,
        }
    }
    /// A call was sent to `first` and waits.
    pub(super) fn wait(&mut self, first: NodeId, now: u64) {
        let way = self.way(first, now);
        way.used_micros = now;
        way.waiting += 1;
    }
    /// It waits no more.
    pub(super) fn unwait(&mut self, first: NodeId) {
        if let Some(way) = self.ways.get_mut(&first) {
            way.waiting = way.waiting.saturating_sub(1);
        }
    }
    /// Something is open to `node`, so that the way to it matters.
    pub(super) fn touch(&mut self, node: NodeId, now: u64) {
        self.way(node, now).used_micros = now;
    }
    /// A sign of life came on the direct way; `knows` when it also tells whether the node knows of relaying.
    pub(super) fn heard(&mut self, node: NodeId, knows: Option<bool>, now: u64) -> Option<Turn> {
        let return_after = self.options.return_after;
        let way = self.ways.get_mut(&node)?;
        way.heard_micros = now;
        way.silent_since = None;
        way.knows = knows.or(way.knows);
        way.search = Search {
            is_running: way.search.is_running,
            ..Search::default()
        };
        way.via?;
        way.answers += 1;
        // A hiccup that nobody has been told of needs no proof that it is over.
        if way.is_given_up && way.answers < return_after {
            return None;
        }
        way.via = None;
        way.direct_since = now;
        let was_given_up = std::mem::take(&mut way.is_given_up);
        Some(Turn::Direct { was_given_up })
    }
    /// A search for a way to `target` has ended: `via` says that it reaches it.
    pub(super) fn found(&mut self, target: NodeId, via: Option<NodeId>, now: u64) -> Option<Turn> {
        let options = &self.options;
        let way = self.ways.get_mut(&target)?;
        way.search.is_running = false;
        if via.is_some() {
            way.search.skipped = 0;
            way.search.pause_micros = 0;
        } else {
            way.search.skipped = way.search.skipped.wrapping_add(options.searched_max);
            let longest = micros(options.search_pause_max);
            way.search.pause_micros = (way.search.pause_micros * 2).clamp(micros(options.suspect_after), longest);
            way.search.not_before = now + way.search.pause_micros;
        }
        way.renewed_micros = now;
        if way.via == via || (way.via.is_none() && way.silent_since.is_none()) {
            return None;
        }
        let before = std::mem::replace(&mut way.via, via);
        match (before, via) {
            (None, Some(via)) => {
                way.answers = 0;
                Some(Turn::Detour(via))
            }
            (_, Some(via)) => {
                way.rerouted.notify_waiters();
                Some(Turn::Detour(via))
            }
            (_, None) => {
                way.rerouted.notify_waiters();
                way.is_given_up = false;
                way.search.not_before = now;
                Some(Turn::Lost)
            }
        }
    }
    /// The one in between says that it does not reach `target`.
    pub(super) fn unreached(&mut self, target: NodeId, via: NodeId, now: u64) -> Option<Turn> {
        let is_present = self.ways.get(&target).is_some_and(|way| way.via == Some(via));
        if is_present {
            self.found(target, None, now)
        } else {
            None
        }
    }
    /// Whether `node` is known to be reached directly, without asking it.
    pub(super) fn is_reached(&self, node: NodeId, now: u64) -> bool {
        self.ways.get(&node).is_some_and(|way| {
            let fresh = now.saturating_sub(way.heard_micros) < micros(self.options.ask_busy);
            fresh && way.via.is_none() && way.silent_since.is_none() && way.knows == Some(true)
        })
    }
    /// Whether this node goes round to reach `node`, so that it cannot carry for others to there.
    pub(super) fn is_cut(&self, node: NodeId) -> bool {
        self.ways.get(&node).is_some_and(|way| way.via.is_some())
    }
    /// How many nodes are reached by a detour.
    pub(super) fn detours(&self) -> usize {
        self.ways.values().filter(|way| way.via.is_some()).count()
    }
    /// What is to be done now.
    pub(super) fn tick(&mut self, now: u64) -> Vec<Task> {
        let is_late = now.saturating_sub(self.looked_micros) > micros(self.options.suspect_after);
        self.looked_micros = now;
        // This node itself stood still: answers wait to be read, so nobody is judged. But not for ever.
        self.was_late = is_late && !self.was_late;
        if self.was_late {
            return Vec::new();
        }
        let mut tasks = Vec::new();
        self.forget(now);
        let nodes: Vec<NodeId> = self.ways.keys().copied().collect();
        for node in nodes {
            self.look(node, now, &mut tasks);
        }
        tasks
    }
    /// When to look again.
    pub(super) fn next_tick(&self) -> Duration {
        let is_busy = |way: &Way| way.waiting > 0 || way.silent_since.is_some();
        let busy = self.was_late || self.ways.values().any(is_busy);
        if busy {
            self.options.ask_busy / 4
        } else {
            self.options.ask_busy
        }
    }
    fn forget(&mut self, now: u64) {
        let in_use = micros(self.options.in_use);
        self.ways
            .retain(|_, way| way.waiting > 0 || way.search.is_running || now.saturating_sub(way.used_micros) < in_use);
    }
    fn look(&mut self, node: NodeId, now: u64, tasks: &mut Vec<Task>) {
        let options = self.options.clone();
        let Some(way) = self.ways.get_mut(&node) else { return };
        let owes = way.waiting > 0 || way.silent_since.is_some();
        let is_returning = way.via.is_some() && way.answers > 0;
        let every = match way.via {
            None if owes => options.ask_busy,
            Some(_) if is_returning || !way.is_given_up => options.ask_busy,
            _ => options.ask_idle,
        };
        let last = way.heard_micros.max(way.asked_micros);
        if now.saturating_sub(last) >= micros(every) || (way.knows.is_none() && way.asked_micros == 0) {
            way.asked_micros = now;
            way.silent_since.get_or_insert(now);
            tasks.push(Task::Ask(node));
        }
        let silent = way.silent_since.map_or(0, |since| now.saturating_sub(since));
        if way.via.is_some() && silent >= micros(options.suspect_after) {
            way.answers = 0;
        }
        if way.via.is_some() && !way.is_given_up && silent >= micros(options.give_up_after) {
            way.is_given_up = true;
            way.broken.notify_waiters();
            tasks.push(Task::GiveUp(node));
        }
        let is_settled = way.direct_since > 0
            && way.via.is_none()
            && now.saturating_sub(way.direct_since) >= micros(options.streams_return_after);
        if is_settled {
            way.direct_since = 0;
            tasks.push(Task::BreakDetours(node));
        }
        self.look_for_detour(node, silent, now, tasks);
    }
    fn look_for_detour(&mut self, node: NodeId, silent: u64, now: u64, tasks: &mut Vec<Task>) {
        let Some(way) = self.ways.get(&node) else { return };
        let patience = micros(self.options.suspect_after);
        let is_silent = |node: NodeId| {
            let since = self.ways.get(&node).and_then(|way| way.silent_since);
            since.is_some_and(|since| now.saturating_sub(since) >= patience)
        };
        // One in between that has fallen silent itself is of no use.
        let via = way.via.filter(|via| !is_silent(*via));
        let is_due = match via {
            None => way.via.is_some() || silent >= patience,
            Some(_) => now.saturating_sub(way.renewed_micros) >= micros(self.options.renew),
        };
        if !is_due || way.search.is_running || now < way.search.not_before {
            return;
        }
        let candidates = match via {
            Some(via) => vec![via],
            None => self.candidates(node, way.search.skipped, now),
        };
        if candidates.is_empty() {
            return;
        }
        if let Some(way) = self.ways.get_mut(&node) {
            way.search.is_running = true;
        }
        tasks.push(Task::Search {
            target: node,
            candidates,
        });
    }

    /// Those who might reach `target`: nodes that know of relaying and have lately shown that they live, the latest first.
    fn candidates(&self, target: NodeId, skipped: usize, now: u64) -> Vec<NodeId> {
        let recent = micros(self.options.ask_idle) * 2;
        let patience = micros(self.options.suspect_after);
        let is_good = |(node, way): &(&NodeId, &Way)| {
            **node != target
                && way.knows == Some(true)
                && way.via.is_none()
                && way
                    .silent_since
                    .is_none_or(|since| now.saturating_sub(since) < patience)
                && now.saturating_sub(way.heard_micros) < recent
        };
        let mut good: Vec<(u64, NodeId)> = self
            .ways
            .iter()
            .filter(is_good)
            .map(|(node, way)| (now.saturating_sub(way.heard_micros), *node))
            .collect();
        good.sort_unstable();
        let count = good.len().max(1);
        good.rotate_left(skipped % count);
        good.truncate(self.options.searched_max);
        good.into_iter().map(|(_, node)| node).collect()
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "ways_test.rs"]
mod tests;
