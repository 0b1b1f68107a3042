//! What a cluster of some machines should look like, and the next steps towards it. Pure.
//!
//! Redundancy follows the number of machines: one copy below 3, two from 3, three from 5. Coordinators are 1, 3 or 5,
//! spread over data centres, and those that serve stay. A machine that is merely down changes neither: only removing it
//! from the list does, but a coordinator that is lost, which takes more than a restart, is replaced when another machine
//! can serve.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::status::ClusterStatus;

/// A machine that runs a server of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// Its name, unique in the cluster.
    pub name: String,
    /// Where its server listens.
    pub address: SocketAddr,
    /// The data centre it is in.
    pub data_center: Option<String>,
}

/// How many copies are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Redundancy {
    /// One.
    Single,
    /// Two: one machine may be lost.
    Double,
    /// Three: two machines may be lost.
    Triple,
}

impl Redundancy {
    /// FoundationDB's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Double => "double",
            Self::Triple => "triple",
        }
    }
    /// Reads FoundationDB's word; `None` for modes that only a person chooses.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Single, Self::Double, Self::Triple]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
    fn copies(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Double => 2,
            Self::Triple => 3,
        }
    }
}

/// A change of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Keep so many copies.
    Redundancy(Redundancy),
    /// Let these be the coordinators.
    Coordinators(Vec<SocketAddr>),
}

/// The redundancy for so many machines.
#[must_use]
pub fn redundancy_wanted(machines: usize) -> Redundancy {
    match machines {
        0..3 => Redundancy::Single,
        3..5 => Redundancy::Double,
        _ => Redundancy::Triple,
    }
}

/// The number of coordinators for so many machines.
#[must_use]
pub fn coordinators_wanted(machines: usize) -> usize {
    match machines {
        0..3 => 1,
        3..5 => 3,
        _ => 5,
    }
}

/// The next steps from what `status` shows to what `machines` want, of which those at `lost` have been away for long; none
/// when all is well, and none while the database does not serve, when a change could only do harm.
#[must_use]
pub fn plan(status: &ClusterStatus, machines: &[Machine], lost: &[SocketAddr]) -> Vec<Step> {
    if !status.available || machines.is_empty() {
        return Vec::new();
    }
    let mut steps = Vec::new();
    let coordinators = coordinators(status, machines, lost);
    if coordinators != sorted(status.coordinators.clone()) {
        steps.push(Step::Coordinators(coordinators));
    }
    if let Some(current) = status.redundancy
        && let Some(wanted) = redundancy(current, status, machines)
    {
        steps.push(Step::Redundancy(wanted));
    }
    steps
}

/// The redundancy to change to, if any.
fn redundancy(current: Redundancy, status: &ClusterStatus, machines: &[Machine]) -> Option<Redundancy> {
    let wanted = redundancy_wanted(machines.len());
    let serving = machines.iter().filter(|machine| serves(status, machine)).count();
    match wanted.cmp(&current) {
        std::cmp::Ordering::Equal => None,
        // More copies need machines to lie on; they are waited for.
        std::cmp::Ordering::Greater => (serving >= wanted.copies()).then_some(wanted),
        // Copies are given up only when no data is on its way.
        std::cmp::Ordering::Less => (status.healthy && !is_emptying(status)).then_some(wanted),
    }
}

/// Whether a server that is to hold nothing still does.
fn is_emptying(status: &ClusterStatus) -> bool {
    let holds = |address: &SocketAddr| status.stored.contains_key(address);
    status.excluded.iter().any(holds)
}

/// The coordinators there should be, sorted.
fn coordinators(status: &ClusterStatus, machines: &[Machine], lost: &[SocketAddr]) -> Vec<SocketAddr> {
    let wanted = coordinators_wanted(machines.len());
    let mut chosen: Vec<&Machine> = Vec::new();
    // A coordinator that restarts is waited for: changing them stops the database for a moment.
    let restarts =
        |machine: &Machine| status.coordinators.contains(&machine.address) && !lost.contains(&machine.address);
    let can_serve = |machine: &&Machine| serves(status, machine) || restarts(machine);
    let mut candidates: Vec<&Machine> = machines.iter().filter(can_serve).collect();
    candidates.sort();
    // Those that coordinate now come first, so that as few as possible change.
    candidates.sort_by_key(|machine| !status.coordinators.contains(&machine.address));
    while chosen.len() < wanted {
        let mut crowds: BTreeMap<&Option<String>, usize> = BTreeMap::new();
        for machine in &chosen {
            *crowds.entry(&machine.data_center).or_default() += 1;
        }
        let crowd = |machine: &Machine| crowds.get(&machine.data_center).copied().unwrap_or_default();
        let Some(next) = candidates
            .iter()
            .enumerate()
            .min_by_key(|(index, machine)| (crowd(machine), *index))
            .map(|(index, _)| index)
        else {
            break;
        };
        chosen.push(candidates.remove(next));
    }
    // An even number tolerates no more failures than the odd one below it; too few now are better than a change twice.
    let members = |address: &SocketAddr| machines.iter().any(|machine| machine.address == *address);
    if chosen.len() < wanted && status.coordinators.iter().all(members) {
        return sorted(status.coordinators.clone());
    }
    if chosen.is_empty() {
        return sorted(status.coordinators.clone());
    }
    if chosen.len().is_multiple_of(2) {
        chosen.pop();
    }
    sorted(chosen.into_iter().map(|machine| machine.address).collect())
}

fn serves(status: &ClusterStatus, machine: &Machine) -> bool {
    status.servers.contains(&machine.address)
}

fn sorted(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    addresses.sort();
    addresses
}

#[cfg(test)]
#[path = "plan_test.rs"]
mod tests;
