//! The latest version of the cluster that this process knows of: from its commits, from what it read, from other nodes.
//!
//! A transaction that may see a state of a moment ago reads at it, and saves the question for the present version.

use hongyan_kv::CommitVersion;
use parking_lot::Mutex;

/// How long a version is read at, in microseconds; the cluster keeps states for 5 s, and a transaction lasts a while.
const KEPT_MICROS: u64 = 500_000;

/// The latest version known, and when it was learnt.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Option<(CommitVersion, u64)>>);

impl Recent {
    /// The cluster has come to `version`.
    pub(crate) fn learn(&self, version: CommitVersion, now_micros: u64) {
        let mut known = self.0.lock();
        if known.is_none_or(|(known, _)| version > known) {
            *known = Some((version, now_micros));
        }
    }
    /// What may be read at; nothing when it is too old.
    pub(crate) fn version(&self, now_micros: u64) -> Option<CommitVersion> {
        let (version, learnt) = (*self.0.lock())?;
        (now_micros.saturating_sub(learnt) < KEPT_MICROS).then_some(version)
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
}
