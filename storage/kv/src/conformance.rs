//! What every backend must do, as one suite that each backend's tests run with [`crate::conformance_suite`].
//!
//! A case gets a fresh, empty store and panics where the store differs from FoundationDB's semantics. How a backend
//! fails (faults, full disks, crashes) is tested by the backend itself; what its users may rely on then is
//! `faults::repeats_are_recognised`, which is also run under injected faults.

pub mod conflicts;
pub mod contention;
pub mod faults;
pub mod fences;
pub mod history;
pub mod isolation;
pub mod limits;
pub mod model;
pub mod ranges;
pub mod watches;

use std::time::Duration;

use crate::{Database, Error, KeyRange, KeyValue, RangeQuery, Transaction};

/// A store under test.
pub struct Fixture {
    /// The store, empty.
    pub db: Database,
    /// Moves the clock that transactions age by; none where only waiting does.
    pub advance: Option<Box<dyn Fn(Duration) + Send + Sync>>,
    /// What has to live as long as the store.
    pub keep: Box<dyn std::any::Any + Send>,
}

/// Names all cases, as `module::case`, to the macro `then` after what is given to it.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($($then:ident)::+ ! ($($given:tt)*)) => {
        $($then)::+! { $($given)*
            isolation::reads_see_own_writes,
            isolation::others_see_nothing_before_the_commit,
            isolation::a_snapshot_stays,
            isolation::a_begin_sees_every_acknowledged_commit,
            isolation::a_dropped_transaction_writes_nothing,
            isolation::versions_grow,
            isolation::looking_ahead_changes_nothing,
            isolation::what_was_heard_of_is_seen,
            isolation::additions,
            conflicts::reads_conflict_with_writes,
            conflicts::what_is_not_read_does_not_conflict,
            conflicts::cut_range_reads_conflict_only_as_far_as_they_looked,
            conflicts::explicit_ranges,
            conflicts::write_skew_is_refused,
            conflicts::what_was_looked_at_ahead_conflicts_when_read,
            conflicts::additions_do_not_conflict,
            ranges::both_ways_with_limits,
            ranges::long_ranges_are_cut_and_continued,
            ranges::own_writes_are_merged,
            ranges::cleared_ranges_reach_others,
            watches::fire_on_change_only,
            watches::miss_nothing_between_read_and_commit,
            watches::end_with_their_transaction,
            limits::keys_values_and_transactions,
            limits::time,
            contention::counters_are_exact,
            contention::sums_hold_for_every_reader,
            contention::queues_hand_out_each_item_once,
            history::committed_transactions_have_an_order,
            faults::repeats_are_recognised,
            fences::a_deposed_owner_cannot_write,
            fences::fences_only_rise,
            model::agrees_with_the_model,
        }
    };
}

/// Generates one test a case. The argument is a function without arguments that returns a [`conformance::Fixture`];
/// the calling crate needs `tokio` with `macros` and `rt-multi-thread`.
///
/// [`conformance::Fixture`]: crate::conformance::Fixture
#[macro_export]
macro_rules! conformance_suite {
    ($fixture:path) => {
        $crate::conformance_cases! { $crate::conformance_suite!($fixture;) }
    };
    ($fixture:path; $($module:ident::$case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            $crate::conformance::$module::$case($fixture()).await;
        }
    )*};
}

/// Runs all cases one after another, for a store whose start is too long to have one for each: `fixture` gets the
/// name of a case and makes it a store that is empty for it. `report` hears of each before it runs.
pub async fn run_all(mut fixture: impl AsyncFnMut(&'static str) -> Fixture, report: impl Fn(&'static str)) {
    macro_rules! one_after_another {
        ($($module:ident::$case:ident),* $(,)?) => {$({
            let name = concat!(stringify!($module), "_", stringify!($case));
            report(name);
            $module::$case(fixture(name).await).await;
        })*};
    }
    conformance_cases! { one_after_another!() }
}

async fn put(db: &Database, pairs: &[(&str, &str)]) {
    let mut tx = db.begin();
    for (key, value) in pairs {
        tx.set(key.as_bytes().to_vec(), value.as_bytes().to_vec());
    }
    tx.commit().await.expect("a blind write commits");
}

async fn value(tx: &mut Transaction, key: &str) -> Option<String> {
    let value = tx.get(key.as_bytes()).await.expect("a read succeeds");
    value.map(|value| String::from_utf8_lossy(&value).into_owned())
}

async fn committed(db: &Database, key: &str) -> Option<String> {
    value(&mut db.begin(), key).await
}

fn range(begin: &str, end: &str) -> KeyRange {
    KeyRange {
        begin: begin.as_bytes().to_vec().into(),
        end: end.as_bytes().to_vec().into(),
    }
}

fn query(begin: &str, end: &str) -> RangeQuery {
    RangeQuery::all(range(begin, end))
}

fn show(pairs: &[KeyValue]) -> String {
    let show = |pair: &KeyValue| {
        format!(
            "{}={}",
            String::from_utf8_lossy(&pair.key),
            String::from_utf8_lossy(&pair.value)
        )
    };
    pairs.iter().map(show).collect::<Vec<_>>().join(" ")
}

async fn listed(tx: &mut Transaction, begin: &str, end: &str) -> String {
    show(
        &tx.get_range_all(query(begin, end))
            .await
            .expect("a range read succeeds"),
    )
}

fn integer(value: Option<&[u8]>) -> i64 {
    value.map_or(0, |value| {
        i64::from_le_bytes(value.try_into().expect("an integer has 8 octets"))
    })
}

/// Runs `body` until it does not conflict.
async fn retried<T>(db: &Database, body: impl AsyncFnMut(&mut Transaction) -> Result<T, Error>) -> T {
    db.run(body).await.expect("a transaction succeeds after retries")
}
