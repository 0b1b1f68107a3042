//! When leaders of the past could last count on this member.
//!
//! A leader that confirms its leadership needs the answers of a majority. So when a majority of members says that they
//! last heard a leader before the present one some time ago, no leader of the past has been confirmed since, whatever it
//! believes; and what it promised by such a confirmation is at least as old.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parking_lot::Mutex;

/// Leaders told from each other; those before it are forgotten into one time.
const LEADERS_MAX: usize = 8;

/// Term and node: in this order leaders follow each other.
pub(crate) type LeaderId = (u64, u64);

/// Times by this node's clock, in microseconds.
pub(crate) struct Heard(Mutex<Book>);

struct Book {
    /// When the last question of a leader came.
    leaders: BTreeMap<LeaderId, u64>,
    /// Of leaders that are not told from each other any more, and of earlier lives of this node.
    older: u64,
    is_any: bool,
    voters: BTreeSet<u64>,
    voters_since: u64,
}

impl Heard {
    /// Of a member that starts at `now`: what it said in its life before, it does not know.
    pub(crate) fn new(now: u64) -> Self {
        Self(Mutex::new(Book {
            leaders: BTreeMap::new(),
            older: now,
            is_any: false,
            voters: BTreeSet::new(),
            voters_since: now,
        }))
    }
    /// `leader` asks for an answer that it can count.
    pub(crate) fn hear(&self, leader: LeaderId, now: u64) {
        let mut book = self.0.lock();
        book.is_any = true;
        let last = book.leaders.entry(leader).or_insert(now);
        *last = now.max(*last);
        while book.leaders.len() > LEADERS_MAX
            && let Some((_, last)) = book.leaders.pop_first()
        {
            book.older = book.older.max(last);
        }
    }
    /// Whether any was heard in this life.
    pub(crate) fn is_any(&self) -> bool {
        self.0.lock().is_any
    }
    /// When a leader before `leader` was last heard.
    pub(crate) fn before(&self, leader: LeaderId) -> u64 {
        let book = self.0.lock();
        let last = book.leaders.range(..leader).map(|(_, last)| *last).max();
        last.unwrap_or(0).max(book.older)
    }
    /// These vote, as far as this node knows.
    pub(crate) fn see_voters(&self, voters: impl Iterator<Item = u64>, now: u64) {
        let voters: BTreeSet<u64> = voters.collect();
        let mut book = self.0.lock();
        if book.voters != voters {
            book.voters = voters;
            book.voters_since = now;
        }
    }
    /// Who votes, if that has not changed for `settled`: leaders that count other members may not be gone for long.
    pub(crate) fn settled_voters(&self, now: u64, settled: Duration) -> Option<BTreeSet<u64>> {
        let book = self.0.lock();
        let since = Duration::from_micros(now.saturating_sub(book.voters_since));
        (since >= settled).then(|| book.voters.clone())
    }
}

/// The time after which no leader of the past was confirmed, by what members say; none when they are no majority.
pub(crate) fn confirmed_last(mut times: Vec<u64>, voters: usize) -> Option<u64> {
    times.sort_unstable();
    // Any majority is proof: the one whose members were all left alone for longest.
    times.get(voters / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaders_of_the_past_are_told_from_later_ones() {
        let heard = Heard::new(5);
        assert_eq!(heard.before((9, 1)), 5, "an earlier life is unknown");
        assert!(!heard.is_any());
        heard.hear((1, 2), 10);
        heard.hear((2, 1), 20);
        heard.hear((2, 3), 30);
        heard.hear((2, 1), 15);
        assert_eq!(heard.before((1, 2)), 5);
        assert_eq!(heard.before((2, 1)), 10);
        assert_eq!(heard.before((2, 3)), 20);
        assert_eq!(heard.before((3, 1)), 30);
        for term in 3..20 {
            heard.hear((term, 1), term * 100);
        }
        assert_eq!(heard.before((3, 1)), 1100, "forgotten ones count for all");
        assert_eq!(heard.before((20, 1)), 1900);
    }

    #[test]
    fn a_majority_is_proof() {
        assert_eq!(confirmed_last(vec![7], 1), Some(7));
        assert_eq!(confirmed_last(vec![7, 3], 3), Some(7));
        assert_eq!(confirmed_last(vec![9, 7, 3], 3), Some(7));
        assert_eq!(confirmed_last(vec![3], 3), None);
        assert_eq!(confirmed_last(vec![3, 4], 4), None);
        assert_eq!(confirmed_last(vec![3, 4, 5], 4), Some(5));
    }

    #[test]
    fn voters_settle() {
        let heard = Heard::new(0);
        heard.see_voters([1, 2].into_iter(), 100);
        heard.see_voters([1, 2].into_iter(), 200);
        let span = Duration::from_micros(150);
        assert_eq!(heard.settled_voters(200, span), None);
        assert_eq!(heard.settled_voters(250, span), Some(BTreeSet::from([1, 2])));
    }
}
