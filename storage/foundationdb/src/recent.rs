//! The latest version of the cluster that this process knows of: from its commits, from what it read, from other nodes.
//!
//! A transaction that may see a state of a moment ago reads at it, and saves the question for the present version. So does
//! one that begins where its caller's knowledge ends; but the question is also where the cluster slows down who asks too
//! much of it, and so these go on only while it was answered a moment ago.

use hongyan_kv::CommitVersion;
use parking_lot::Mutex;

/// How long a version is read at, in microseconds; the cluster keeps states for 5 s, and a transaction lasts a while.
const KEPT_MICROS: u64 = 500_000;
/// How old a version may be at which a transaction begins that will write, in the cluster's versions, of which there are
/// a million in a second; it refuses commits that read more than five seconds ago.
const AT_VERSIONS_MAX: u64 = 2_000_000;
/// How long after an answer to the question for the present version others may do without it, in microseconds.
const GRANTED_MICROS: u64 = 500_000;
/// How long after such an answer nobody waits for another one just to know it.
const QUIET_MICROS: u64 = 100_000;

/// The latest version known.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The version, and when it was learnt.
    latest: Option<(CommitVersion, u64)>,
    /// When the cluster last answered at which version to read.
    granted_micros: Option<u64>,
}

impl Recent {
    /// The cluster has come to `version`.
    pub(crate) fn learn(&self, version: CommitVersion, now_micros: u64) {
        self.0.lock().learn(version, now_micros);
    }
    /// The cluster has answered that it is at `version`.
    pub(crate) fn granted(&self, version: CommitVersion, now_micros: u64) {
        let mut known = self.0.lock();
        known.learn(version, now_micros);
        known.granted_micros = Some(now_micros);
    }
    /// Whether the cluster has not answered for a while at which version to read.
    pub(crate) fn is_quiet(&self, now_micros: u64) -> bool {
        let granted = self.0.lock().granted_micros;
        granted.is_none_or(|granted| now_micros.saturating_sub(granted) >= QUIET_MICROS)
    }
    /// What may be read at; nothing when it is too old.
    pub(crate) fn version(&self, now_micros: u64) -> Option<CommitVersion> {
        let (version, learnt) = self.0.lock().latest?;
        (now_micros.saturating_sub(learnt) < KEPT_MICROS).then_some(version)
    }
    /// Whether a transaction that will write may begin at `version`.
    pub(crate) fn may_begin_at(&self, version: CommitVersion, now_micros: u64) -> bool {
        let known = self.0.lock();
        let (Some((latest, learnt)), Some(granted)) = (known.latest, known.granted_micros) else {
            return false;
        };
        let present = latest.0.saturating_add(now_micros.saturating_sub(learnt));
        now_micros.saturating_sub(granted) < GRANTED_MICROS && present.saturating_sub(version.0) < AT_VERSIONS_MAX
    }
}

impl Known {
    fn learn(&mut self, version: CommitVersion, now_micros: u64) {
        if self.latest.is_none_or(|(latest, _)| version > latest) {
            self.latest = Some((version, now_micros));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_counts_and_grows_old() {
        let recent = Recent::default();
        assert_eq!(recent.version(0), None);
        recent.learn(CommitVersion(7), 10);
        recent.learn(CommitVersion(6), KEPT_MICROS);
        assert_eq!(recent.version(KEPT_MICROS + 9), Some(CommitVersion(7)));
        assert_eq!(recent.version(KEPT_MICROS + 10), None);
        recent.learn(CommitVersion(8), 2 * KEPT_MICROS);
        assert_eq!(recent.version(2 * KEPT_MICROS), Some(CommitVersion(8)));
    }

    #[test]
    fn writers_begin_in_the_past_while_the_cluster_answers() {
        let recent = Recent::default();
        let old = CommitVersion(10_000_000);
        recent.learn(old, 5);
        assert!(!recent.may_begin_at(old, 5), "it was not asked");
        recent.granted(CommitVersion(11_000_000), 5);
        assert!(recent.may_begin_at(old, 5));
        assert!(!recent.may_begin_at(old, 5 + GRANTED_MICROS), "it answers no more");
        recent.granted(CommitVersion(11_999_000), 999_000);
        assert!(recent.may_begin_at(old, 999_900));
        // Where it stands by now counts, not where it was heard of last.
        assert!(!recent.may_begin_at(old, 1_000_000));
    }
}
