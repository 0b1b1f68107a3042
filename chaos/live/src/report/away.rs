//! How long somebody got no answer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::is_touched;
use crate::record::Away;
use crate::world::Touch;

/// Spans of time in milliseconds, of those that were away at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spans {
    /// How many there are.
    pub count: usize,
    /// The one in the middle.
    pub p50: u64,
    /// Ninety-nine of a hundred are not above it.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

impl Spans {
    /// Of these milliseconds.
    pub(crate) fn of(mut millis: Vec<u64>) -> Self {
        millis.sort_unstable();
        let at = |per_mille: usize| {
            let rank = (millis.len() * per_mille).div_ceil(1_000);
            millis.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Self {
            count: millis.len(),
            p50: at(500),
            p99: at(990),
            max: at(1_000),
        }
    }
}

/// What was seen, and by whom it counts.
pub(crate) struct Witness<'a> {
    pub(crate) touches: &'a [Touch],
    pub(crate) away: &'a [Away],
}

impl Witness<'_> {
    /// Whether something happened to that node meanwhile; of an unknown one, to any.
    pub(crate) fn is_touched(&self, node: Option<usize>, from: u64, to: u64) -> bool {
        match node {
            Some(node) => is_touched(self.touches, node, from, to),
            None => self
                .touches
                .iter()
                .any(|touch| is_touched(self.touches, touch.node, from, to)),
        }
    }
    /// The longest time of each mailbox that was away in a span: to clients of untouched nodes, or to all.
    pub(crate) fn per_mailbox(&self, from: u64, to: u64, only_untouched: bool) -> Spans {
        let mut longest: BTreeMap<usize, u64> = BTreeMap::new();
        for away in self.away {
            let Some(mailbox) = away.observer.mailbox else { continue };
            let is_outside = away.to < from || away.from > to;
            if is_outside || (only_untouched && self.is_touched(away.node, away.from, away.to)) {
                continue;
            }
            let longest = longest.entry(mailbox).or_default();
            *longest = (*longest).max(millis(away));
        }
        Spans::of(longest.into_values().collect())
    }
    /// The longest time of each client that does not ask one mailbox all the time.
    pub(crate) fn per_client(&self) -> Spans {
        let mut longest: BTreeMap<u32, u64> = BTreeMap::new();
        for away in self.away.iter().filter(|away| away.observer.mailbox.is_none()) {
            let longest = longest.entry(away.observer.client.0).or_default();
            *longest = (*longest).max(millis(away));
        }
        Spans::of(longest.into_values().collect())
    }
}

fn millis(away: &Away) -> u64 {
    away.to.saturating_sub(away.from) / 1_000
}

/// Microseconds as seconds.
pub(crate) fn in_seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}

/// Milliseconds for people.
pub(crate) fn seconds(millis: u64) -> String {
    format!("{:.2} s", std::time::Duration::from_millis(millis).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use hongyan_invariant::ClientId;

    use super::*;
    use crate::record::Observer;

    fn away(node: usize, mailbox: usize, from: u64, to: u64) -> Away {
        Away {
            observer: Observer {
                client: ClientId(1),
                mailbox: Some(mailbox),
            },
            node: Some(node),
            from: from * 1_000,
            to: to * 1_000,
        }
    }

    #[test]
    fn a_mailbox_is_away_as_clients_of_other_nodes_see_it() {
        let touches = [Touch {
            node: 0,
            from: 1_000_000,
            to: Some(5_000_000),
        }];
        let seen = [
            away(0, 7, 1_000, 4_900),
            away(1, 7, 1_010, 2_310),
            away(1, 8, 8_000, 8_200),
        ];
        let witness = Witness {
            touches: &touches,
            away: &seen,
        };
        let spans = witness.per_mailbox(0, u64::MAX, true);
        assert_eq!((spans.count, spans.p50, spans.max), (2, 200, 1_300));
        assert_eq!(witness.per_mailbox(1_000_000, 5_000_000, true).count, 1);
        assert_eq!(witness.per_mailbox(0, u64::MAX, false).max, 3_900);
    }
}
