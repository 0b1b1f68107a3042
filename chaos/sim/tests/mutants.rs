//! The checkers find each planted bug within few seeds; without the bug the same seeds are good.

use hongyan_sim::{Faults, Mutant, Plan, run};

/// Seeds in which a bug must be found.
const SEEDS: u64 = 40;

/// What brings a bug to light: what it leaves out is needed.
fn plan(mutant: Option<Mutant>, faults: Faults) -> Plan {
    // Commits that take long are the more telling the more clients share a mailbox.
    let is_slow = faults.commit_delay_micros_max > 1_000_000;
    Plan {
        mailboxes: if is_slow { 1 } else { 3 },
        clients: if is_slow { 8 } else { 5 },
        steps: if is_slow { 150 } else { 80 },
        faults,
        mutant,
        ..Plan::default()
    }
}

fn kills() -> Faults {
    Faults {
        event_millis: 500,
        kill: 1,
        ..Faults::default()
    }
}

/// Commits on long ways, which arrive when another life of the node is at work already.
fn late_commits() -> Faults {
    Faults {
        event_millis: 1_500,
        kill: 1,
        store_delay_micros_max: 100,
        commit_delay_micros_max: 3_000_000,
        ..Faults::default()
    }
}

/// A bug that makes an assertion of the product fail, or a mailbox never answer again, is found as well.
const BY_ITSELF: &str = "assertions and liveness";

fn is_found(mutant: Mutant, faults: &Faults, promises: &[&str]) {
    is_found_by(mutant, &|mutant| plan(mutant, faults.clone()), promises);
}

fn is_found_by(mutant: Mutant, plan: &dyn Fn(Option<Mutant>) -> Plan, promises: &[&str]) {
    let mut found = Vec::new();
    for seed in 1..=SEEDS {
        let report = run(seed, &plan(Some(mutant)), false);
        found.extend(report.violations.iter().map(|violation| violation.promise));
        if !report.failures.is_empty() {
            found.push(BY_ITSELF);
        }
        if found.iter().any(|promise| promises.contains(promise)) {
            let sound = run(seed, &plan(None), false);
            assert!(
                sound.is_good(),
                "seed {seed}: {:?} {:?}",
                sound.violations,
                sound.failures
            );
            return;
        }
    }
    panic!("{mutant:?} is not found by {promises:?} in {SEEDS} seeds, only {found:?}");
}

#[test]
fn an_acknowledgement_before_the_commit_is_found() {
    is_found(
        Mutant::AcknowledgedBeforeCommit,
        &kills(),
        &["no acknowledged mail lost", "UID never reused", "no stale read"],
    );
}

#[test]
fn a_uid_taken_from_memory_is_found() {
    is_found(
        Mutant::UidFromMemory,
        &late_commits(),
        &[
            "no acknowledged mail lost",
            "UID never reused",
            "UIDs appear in order",
            "modseq never goes back",
            BY_ITSELF,
        ],
    );
}

#[test]
fn a_blob_removed_without_asking_again_is_found() {
    is_found(
        Mutant::BlobRemovedWithoutRecheck,
        &Faults::default(),
        &["no acknowledged mail lost"],
    );
}

#[test]
fn a_log_that_is_not_read_is_found() {
    is_found(
        Mutant::LogNotRead,
        &kills(),
        &[
            "no acknowledged mail lost",
            "UID never reused",
            "acknowledged flags stay",
            BY_ITSELF,
        ],
    );
}

/// A cluster whose clients share few mailboxes.
fn cluster(mutant: Option<Mutant>, steps: usize, faults: Faults) -> Plan {
    Plan {
        nodes: 3,
        partitions: 16,
        mailboxes: 3,
        clients: 6,
        steps,
        faults,
        mutant,
    }
}

#[test]
fn an_acknowledgement_before_the_commit_is_found_in_a_cluster() {
    is_found_by(
        Mutant::AcknowledgedBeforeCommit,
        &|mutant| cluster(mutant, 80, kills()),
        &["no acknowledged mail lost", "UID never reused", "no stale read"],
    );
}

#[test]
fn a_fence_that_is_not_read_is_found() {
    // Owners that are deposed while their commits are on a long way.
    let faults = Faults {
        event_millis: 1_000,
        pause: 1,
        part: 2,
        store_delay_micros_max: 100,
        commit_delay_micros_max: 3_000_000,
        ..Faults::default()
    };
    is_found_by(
        Mutant::FenceNotRead,
        // All clients in one mailbox: most others are known so well that a late commit is too old to do harm.
        &|mutant| Plan {
            mailboxes: 1,
            clients: 8,
            ..cluster(mutant, 150, faults.clone())
        },
        &[
            "no acknowledged mail lost",
            "UID never reused",
            "no stale read",
            BY_ITSELF,
        ],
    );
}

#[test]
fn a_hint_trusted_without_the_log_is_found() {
    is_found_by(
        Mutant::HintTrustedWithoutLog,
        &|mutant| cluster(mutant, 80, Faults::default()),
        &["no acknowledged mail lost", "no stale read"],
    );
}

#[test]
fn a_node_that_stops_at_once_is_found() {
    is_found_by(
        Mutant::StopsAtOnce,
        &|mutant| Plan {
            mutant,
            ..Plan::rolling(80, 3)
        },
        &["orderly stops cost no command"],
    );
}

#[test]
fn the_list_of_mutants_is_whole() {
    assert_eq!(Mutant::ALL.len(), 7, "each mutant has a test here");
}
