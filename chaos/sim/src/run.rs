//! One run: the world is made, disturbed while clients work, healed, audited, judged.

use std::cell::{Cell, RefCell};
use std::panic;
use std::rc::Rc;
use std::sync::Once;

use hongyan_invariant::{Violation, check_all};
use tokio::task::LocalSet;

use crate::audit::audit;
use crate::log::{Log, Tracing};
use crate::plan::Plan;
use crate::probe::{Probe, Probes};
use crate::recorder::Recorder;
use crate::workload::work;
use crate::world::World;
use crate::{fault, outside};

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// What did not come to life again after all was healed, panics, and errors that the nodes logged.
    pub failures: Vec<String>,
    /// How often rare things were seen.
    pub probes: Probes,
    /// Lines of the log and their hash: equal runs have equal ones.
    pub digest: (u64, u64),
    /// Segments of the network and their hash.
    pub network_digest: (u64, u64),
    /// Events of the history.
    pub events: usize,
    /// Commits of the nodes.
    pub commits: u64,
    /// Virtual time that passed, in microseconds.
    pub micros: u64,
    /// The log, when it was asked for.
    pub lines: Vec<String>,
}

impl Report {
    /// Whether all promises hold.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.violations.is_empty() && self.failures.is_empty()
    }
}

thread_local! {
    static PANICS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Panics of simulated nodes are failures of the run, not noise on the terminal.
fn catch_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_ours = PANICS.with_borrow_mut(|panics| match panics {
                Some(panics) => {
                    panics.push(format!("panic: {info}"));
                    true
                }
                None => false,
            });
            if !is_ours {
                before(info);
            }
        }));
    });
    PANICS.set(Some(Vec::new()));
}

/// Runs `plan` from `seed`; with the log's lines if wanted.
///
/// # Panics
/// When the operating system gives no runtime.
#[must_use]
pub fn run(seed: u64, plan: &Plan, keeps_lines: bool) -> Report {
    catch_panics();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without input and output needs nothing");
    let outer = LocalSet::new();
    let report = runtime.block_on(outer.run_until(async {
        let log = Log::new(keeps_lines);
        let _tracing = tracing::subscriber::set_default(Tracing(log.clone()));
        play(seed, plan.clone(), Recorder::new(log)).await
    }));
    // What still runs goes before the panics are counted.
    drop(outer);
    drop(runtime);
    let panics = PANICS.replace(None).unwrap_or_default();
    Report {
        failures: report.failures.into_iter().chain(panics).collect(),
        ..report
    }
}

async fn play(seed: u64, plan: Plan, recorder: Recorder) -> Report {
    let log = recorder.log().clone();
    log.line(format_args!("seed {seed} {plan:?}"));
    let mut failures = Vec::new();
    let world = match World::new(seed, plan, recorder.clone()).await {
        Ok(world) => world,
        Err(error) => return report(seed, &recorder, None, vec![format!("no world: {error:#}")]),
    };
    tokio::task::spawn_local(outside::serve(world.clone()));
    if let Err(error) = crate::cluster::begin(&world).await {
        return report(seed, &recorder, Some(&world), vec![format!("no cluster: {error:#}")]);
    }
    world.set_faults(&world.plan().faults);
    let is_over = Rc::new(Cell::new(false));
    let disturber = tokio::task::spawn_local(fault::disturb(world.clone(), Rc::clone(&is_over)));
    let budget = Rc::new(Cell::new(world.plan().steps));
    let clients: Vec<_> = (0..u32::try_from(world.plan().clients).unwrap_or(1).max(1))
        .map(|number| tokio::task::spawn_local(work(world.clone(), number, Rc::clone(&budget))))
        .collect();
    for client in clients {
        if client.await.is_err() {
            failures.push("a client crashed".to_owned());
        }
    }
    is_over.set(true);
    if disturber.await.is_err() {
        failures.push("the disturber crashed".to_owned());
    }
    world.heal();
    failures.extend(audit(&world).await);
    report(seed, &recorder, Some(&world), failures)
}

/// What nodes log as errors when an operator's mistake or a full disk is among what goes wrong: a person must look indeed.
fn expected_errors(plan: &Plan) -> &'static [&'static str] {
    let faults = &plan.faults;
    if faults.stale_disk + faults.clone + faults.full_disk > 0 {
        &[
            "takes no part in the cluster",
            // A copy that nobody who could tell had met before it spoke up.
            "the cluster refuses this node",
            "cluster metadata cannot be written",
        ]
    } else {
        &[]
    }
}

fn report(seed: u64, recorder: &Recorder, world: Option<&World>, mut failures: Vec<String>) -> Report {
    let log = recorder.log();
    let mut probes = recorder.probes();
    let mut commits = 0;
    if let Some(world) = world {
        let seen = world.seen().counts();
        commits = seen.commits;
        log.line(format_args!("{seen:?}"));
        for (probe, count) in [
            (Probe::CommitConflict, seen.conflicts),
            (Probe::CommitUnknown, seen.unknown),
            (Probe::CommitOutlivesNode, seen.outlived),
            (Probe::BlobCollected, seen.blobs_removed),
            (Probe::LargeMail, seen.large_pieces),
        ] {
            *probes.entry(probe).or_default() += count;
        }
    }
    let expected = world.map_or(&[][..], |world| expected_errors(world.plan()));
    failures.extend(
        log.take_errors()
            .into_iter()
            .filter(|error| !expected.iter().any(|known| error.contains(known)))
            .map(|error| format!("logged as an error:{error}")),
    );
    let (violations, events) = recorder.with(|history| (check_all(history), history.events.len()));
    let network_digest = world.map_or((0, 0), |world| world.network().digest());
    log.line(format_args!("network {network_digest:?}"));
    Report {
        seed,
        violations,
        failures,
        probes,
        digest: log.digest(),
        network_digest,
        events,
        commits,
        micros: log.now_micros(),
        lines: log.take_lines(),
    }
}
