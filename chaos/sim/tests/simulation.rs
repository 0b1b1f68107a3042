//! Seeds: the same twice is the same to the bit, another differs, and none breaks a promise.

use std::collections::BTreeMap;

use hongyan_sim::{Plan, Probe, Report, run};

/// What the clients of a short run do together.
const STEPS: usize = 40;

/// Seeds of the fixed batch, in parts that run at the same time.
const FIXED_PART: u64 = 120;
/// Seeds drawn anew in each run of the tests.
const FRESH: u64 = 40;

/// Seeds of the fixed batch of clusters, in parts that run at the same time.
const CLUSTER_PART: u64 = 75;
/// Seeds of clusters drawn anew in each run of the tests.
const CLUSTER_FRESH: u64 = 20;

/// Nodes of the cluster that a seed is for.
fn nodes(seed: u64) -> usize {
    3 + usize::try_from(seed % 5).unwrap()
}

fn assert_good_cluster(report: &Report, how: &str) {
    assert!(
        report.is_good(),
        "{:#?}\n{:#?}\nrepeat: chaos sim --seed {} {how} --log",
        report.violations,
        report.failures,
        report.seed
    );
}

fn cluster_batch(seeds: std::ops::Range<u64>) -> BTreeMap<Probe, u64> {
    let mut probes = BTreeMap::new();
    for seed in seeds {
        let count = nodes(seed);
        let report = run(seed, &Plan::draw_cluster(seed, STEPS, count), false);
        assert_good_cluster(&report, &format!("--steps {STEPS} --nodes {count}"));
        for (probe, count) in report.probes {
            *probes.entry(probe).or_default() += count;
        }
    }
    probes
}

fn fixed_cluster(part: u64) {
    let first = 100_001 + part * CLUSTER_PART;
    let probes = cluster_batch(first..first + CLUSTER_PART);
    for probe in [
        Probe::Parted,
        Probe::Slow,
        Probe::Rolled,
        Probe::Paused,
        Probe::CommitUnknown,
        Probe::SlowStore,
        Probe::CopyRefused,
        Probe::DiskFull,
        Probe::MaildropRead,
        Probe::Resynced,
    ] {
        assert!(
            probes.get(&probe).is_some_and(|count| *count > 0),
            "no run of this batch came to {probe:?}: {probes:?}"
        );
    }
}

fn assert_good(report: &Report) {
    assert!(
        report.is_good(),
        "{:#?}\n{:#?}\nrepeat: chaos sim --seed {} --steps {STEPS} --log",
        report.violations,
        report.failures,
        report.seed
    );
}

fn batch(seeds: std::ops::Range<u64>) -> BTreeMap<Probe, u64> {
    let mut probes = BTreeMap::new();
    for seed in seeds {
        let report = run(seed, &Plan::draw(seed, STEPS), false);
        assert_good(&report);
        for (probe, count) in report.probes {
            *probes.entry(probe).or_default() += count;
        }
    }
    probes
}

fn fixed(part: u64) {
    let first = 1 + part * FIXED_PART;
    let probes = batch(first..first + FIXED_PART);
    for probe in Probe::ALL {
        assert!(
            probes.get(&probe).is_some_and(|count| *count > 0),
            "no run of this batch came to {probe:?}: {probes:?}"
        );
    }
}

#[test]
fn fixed_seeds_keep_all_promises_1() {
    fixed(0);
}

#[test]
fn fixed_seeds_keep_all_promises_2() {
    fixed(1);
}

#[test]
fn fixed_seeds_keep_all_promises_3() {
    fixed(2);
}

#[test]
fn fixed_seeds_keep_all_promises_4() {
    fixed(3);
}

#[test]
fn fresh_seeds_keep_all_promises() {
    let first = hongyan_env::Env::real().random_u64() >> 24;
    eprintln!("fresh seeds from {first}");
    batch(first..first + FRESH);
}

#[test]
fn fixed_seeds_of_clusters_keep_all_promises_1() {
    fixed_cluster(0);
}

#[test]
fn fixed_seeds_of_clusters_keep_all_promises_2() {
    fixed_cluster(1);
}

#[test]
fn fixed_seeds_of_clusters_keep_all_promises_3() {
    fixed_cluster(2);
}

#[test]
fn fixed_seeds_of_clusters_keep_all_promises_4() {
    fixed_cluster(3);
}

#[test]
fn a_copy_of_the_leaders_disk_does_not_lead() {
    let report = run(10_039, &Plan::draw_cluster(10_039, 60, 3), false);
    assert_good_cluster(&report, "--steps 60 --nodes 3");
}

#[test]
fn fresh_seeds_of_clusters_keep_all_promises() {
    let first = hongyan_env::Env::real().random_u64() >> 24;
    eprintln!("fresh seeds of clusters from {first}");
    cluster_batch(first..first + CLUSTER_FRESH);
}

#[test]
fn mailboxes_answer_soon_after_a_kill_and_nobody_else_notices() {
    let mut taken_over = 0;
    for seed in 1..=8 {
        let report = run(seed, &Plan::vigil(60, nodes(seed)), false);
        assert_good_cluster(&report, &format!("--steps 60 --nodes {} --vigil", nodes(seed)));
        taken_over += report.probes.get(&Probe::TakenOver).copied().unwrap_or(0);
    }
    assert!(taken_over > 3);
}

#[test]
fn every_mailbox_answers_within_two_seconds_of_a_cut_between_two_nodes() {
    let mut parted = 0;
    for seed in 1..=6 {
        let report = run(seed, &Plan::severing(60, nodes(seed)), false);
        assert_good_cluster(&report, &format!("--steps 60 --nodes {} --severing", nodes(seed)));
        parted += report.probes.get(&Probe::Parted).copied().unwrap_or(0);
    }
    assert!(parted > 3);
}

#[test]
fn no_command_fails_while_nodes_are_drained_and_upgraded() {
    let mut rolled = 0;
    for seed in 1..=8 {
        let report = run(seed, &Plan::rolling(120, nodes(seed)), false);
        assert_good_cluster(&report, &format!("--steps 120 --nodes {} --rolling", nodes(seed)));
        rolled += report.probes.get(&Probe::Rolled).copied().unwrap_or(0);
    }
    assert!(rolled > 3);
}

#[test]
fn hundreds_of_mailboxes_keep_all_promises() {
    let plan = Plan {
        mailboxes: 300,
        clients: 12,
        ..Plan::draw_cluster(7, 250, 5)
    };
    assert_good_cluster(&run(7, &plan, false), "with 300 mailboxes");
}

#[test]
fn a_seed_of_a_cluster_repeats_to_the_bit() {
    for seed in [3, 4, 5, 6] {
        let plan = Plan::draw_cluster(seed, STEPS, nodes(seed));
        let (first, second) = (run(seed, &plan, true), run(seed, &plan, true));
        for (a, b) in first.lines.iter().zip(&second.lines) {
            assert_eq!(a, b);
        }
        assert_eq!(first.digest, second.digest);
        assert_eq!(first.network_digest, second.network_digest);
    }
}

#[test]
fn a_quiet_run_refuses_nothing() {
    let report = run(1, &Plan::default(), true);
    assert_good(&report);
    let log = report.lines.join("\n");
    assert!(report.commits > 50, "{log}");
    assert_eq!(report.probes.get(&Probe::RefusedForNow), None, "{log}");
}

#[test]
fn a_seed_repeats_to_the_bit() {
    for seed in [3, 4, 5] {
        let plan = Plan::draw(seed, STEPS);
        let (first, second) = (run(seed, &plan, true), run(seed, &plan, true));
        for (a, b) in first.lines.iter().zip(&second.lines) {
            assert_eq!(a, b);
        }
        assert_eq!(first.digest, second.digest);
        assert_eq!(first.network_digest, second.network_digest);
    }
}

#[test]
fn another_seed_is_another_run() {
    let plan = Plan::default();
    assert_ne!(run(6, &plan, false).digest, run(7, &plan, false).digest);
}
