//! The suite of all backends, on the store in memory; the last part under faults.

use hongyan_kv::conformance::{Fixture, contention, faults};
use hongyan_kv::{Database, conformance_suite};
use hongyan_memory::{Faults, MemoryStore};

fn fixture() -> Fixture {
    let store = MemoryStore::new();
    let clock = store.clone();
    Fixture {
        db: Database::new(store),
        advance: Some(Box::new(move |by| clock.advance(by))),
        keep: Box::new(()),
    }
}

conformance_suite!(fixture);

fn faulty(faults: Faults) -> Fixture {
    let store = MemoryStore::new();
    store.set_faults(faults);
    Fixture {
        db: Database::new(store),
        advance: None,
        keep: Box::new(()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_are_recognised_under_all_faults() {
    for seed in 0..20 {
        let all = Faults {
            seed,
            conflict_per_mille: 100,
            commit_too_old_per_mille: 50,
            read_too_old_per_mille: 50,
            unknown_applied_per_mille: 150,
            unknown_not_applied_per_mille: 150,
            unavailable_per_mille: 50,
            delay_micros_max: 200,
        };
        faults::repeats_are_recognised(faulty(all)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retried_counters_are_exact_under_retryable_faults() {
    for seed in 0..5 {
        let retryable = Faults {
            seed,
            conflict_per_mille: 200,
            commit_too_old_per_mille: 100,
            ..Faults::default()
        };
        contention::counters_are_exact(faulty(retryable)).await;
    }
}
