//! What can be made to go wrong: by chance from a seed, or scripted for the next operation.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A commit answers `Conflict`; nothing is written.
    Conflict,
    /// A read or a commit answers `TooOld`; nothing is written.
    TooOld,
    /// A commit happens and answers `CommitUnknown`.
    UnknownApplied,
    /// A commit does not happen and answers `CommitUnknown`.
    UnknownNotApplied,
    /// A commit answers `Unavailable`; nothing is written.
    Unavailable,
}

/// How often what goes wrong, in cases of a thousand; all from one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// The seed of all chance.
    pub seed: u64,
    /// Commits that conflict.
    pub conflict_per_mille: u16,
    /// Commits that are too old.
    pub commit_too_old_per_mille: u16,
    /// Reads that are too old.
    pub read_too_old_per_mille: u16,
    /// Commits that happen with an unknown result.
    pub unknown_applied_per_mille: u16,
    /// Commits that do not happen, with an unknown result.
    pub unknown_not_applied_per_mille: u16,
    /// Commits that the store cannot do now.
    pub unavailable_per_mille: u16,
    /// Longest delay of a read or a commit; it needs a runtime with time.
    pub delay_micros_max: u64,
}

/// What happens to one operation.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) fault: Option<Fault>,
    pub(crate) delay_micros: u64,
}

/// Decides the fate of each operation.
#[derive(Debug, Default)]
pub(crate) struct Injector {
    chance: Option<(Faults, StdRng)>,
    scripted: VecDeque<Fault>,
    scripted_reads: usize,
}

impl Injector {
    pub(crate) fn set(&mut self, faults: Faults) {
        self.chance = (faults != Faults::default()).then(|| (faults, StdRng::seed_from_u64(faults.seed)));
    }
    pub(crate) fn script(&mut self, fault: Fault) {
        self.scripted.push_back(fault);
    }
    pub(crate) fn script_reads(&mut self, count: usize) {
        self.scripted_reads += count;
    }
    pub(crate) fn commit(&mut self) -> Plan {
        let fault = self.scripted.pop_front();
        let Some((faults, random)) = &mut self.chance else {
            return Plan { fault, delay_micros: 0 };
        };
        let kinds = [
            (faults.conflict_per_mille, Fault::Conflict),
            (faults.commit_too_old_per_mille, Fault::TooOld),
            (faults.unknown_applied_per_mille, Fault::UnknownApplied),
            (faults.unknown_not_applied_per_mille, Fault::UnknownNotApplied),
            (faults.unavailable_per_mille, Fault::Unavailable),
        ];
        let mut draw = random.random_range(0..1000u32);
        let by_chance = kinds
            .into_iter()
            .find_map(|(per_mille, fault)| match draw.checked_sub(per_mille.into()) {
                None => Some(fault),
                Some(rest) => {
                    draw = rest;
                    None
                }
            });
        Plan {
            fault: fault.or(by_chance),
            delay_micros: random.random_range(0..=faults.delay_micros_max),
        }
    }
    /// The fate of a read; none when reads go through at once.
    pub(crate) fn read(&mut self) -> Option<Plan> {
        if let Some(rest) = self.scripted_reads.checked_sub(1) {
            self.scripted_reads = rest;
            return Some(Plan {
                fault: Some(Fault::TooOld),
                delay_micros: 0,
            });
        }
        let (faults, random) = self.chance.as_mut()?;
        let too_old = random.random_range(0..1000) < faults.read_too_old_per_mille;
        Some(Plan {
            fault: too_old.then_some(Fault::TooOld),
            delay_micros: random.random_range(0..=faults.delay_micros_max),
        })
    }
}

pub(crate) async fn delay(micros: u64) {
    if micros > 0 {
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
}
