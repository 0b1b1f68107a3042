//! Clusters that grow, shrink and lose machines.

use std::net::SocketAddr;

use super::{Machine, Redundancy, Step};
use crate::status::ClusterStatus;

fn address(number: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number as u8], 4500))
}

fn addresses(numbers: &[u16]) -> Vec<SocketAddr> {
    numbers.iter().copied().map(address).collect()
}

fn machines(numbers: &[u16]) -> Vec<Machine> {
    let machine = |&number: &u16| Machine {
        name: format!("m{number}"),
        address: address(number),
        data_center: None,
    };
    numbers.iter().map(machine).collect()
}

fn status(redundancy: Redundancy, coordinators: &[u16], servers: &[u16]) -> ClusterStatus {
    ClusterStatus {
        available: true,
        healthy: true,
        redundancy: Some(redundancy),
        coordinators: addresses(coordinators),
        servers: addresses(servers),
        ..ClusterStatus::default()
    }
}

/// The plan when all machines that take no part are lost.
fn plan(status: &ClusterStatus, machines: &[Machine]) -> Vec<Step> {
    let lost = machines.iter().map(|machine| machine.address);
    let lost: Vec<_> = lost.filter(|address| !status.servers.contains(address)).collect();
    super::plan(status, machines, &lost)
}

use Redundancy::{Double, Single, Triple};

#[test]
fn a_cluster_grows_with_its_machines() {
    let check = |(mode, coordinators, servers): (Redundancy, &[u16], &[u16]), members: &[u16], expect: &[Step]| {
        assert_eq!(
            plan(&status(mode, coordinators, servers), &machines(members)),
            expect,
            "{servers:?} of {members:?}"
        );
    };
    let coordinators = |numbers: &[u16]| Step::Coordinators(addresses(numbers));
    check((Single, &[1], &[1]), &[1], &[]);
    check((Single, &[1], &[1, 2]), &[1, 2], &[]);
    check(
        (Single, &[1], &[1, 2, 3]),
        &[1, 2, 3],
        &[coordinators(&[1, 2, 3]), Step::Redundancy(Double)],
    );
    // The third is a member and does not serve yet: two copies are possible, three coordinators are not.
    check((Single, &[1], &[1, 2]), &[1, 2, 3], &[Step::Redundancy(Double)]);
    check((Double, &[1, 2, 3], &[1, 2, 3, 4]), &[1, 2, 3, 4], &[]);
    check(
        (Double, &[1, 2, 3], &[1, 2, 3, 4, 5]),
        &[1, 2, 3, 4, 5],
        &[coordinators(&[1, 2, 3, 4, 5]), Step::Redundancy(Triple)],
    );
    check(
        (Triple, &[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5, 6]),
        &[1, 2, 3, 4, 5, 6],
        &[],
    );
}

#[test]
fn what_is_down_is_waited_for_and_what_left_is_replaced() {
    let three = machines(&[1, 2, 3]);
    // One of three is down: nothing can be better than it was.
    assert_eq!(plan(&status(Double, &[1, 2, 3], &[1, 2]), &three), []);
    // One of four is down, and coordinated: the fourth takes its place.
    let four = machines(&[1, 2, 3, 4]);
    assert_eq!(
        plan(&status(Double, &[1, 2, 3], &[1, 2, 4]), &four),
        [Step::Coordinators(addresses(&[1, 2, 4]))]
    );
    let restarting = super::plan(&status(Double, &[1, 2, 3], &[1, 2, 4]), &four, &[]);
    assert_eq!(restarting, [], "a restart changes nothing");
    // Two of five are lost: three coordinate with those that are awaited, since no other can.
    let five = machines(&[1, 2, 3, 4, 5]);
    assert_eq!(plan(&status(Triple, &[1, 2, 3, 4, 5], &[1, 2, 3]), &five), []);
    // One of three has left for good.
    let two = machines(&[1, 2]);
    assert_eq!(
        plan(&status(Double, &[1, 2, 3], &[1, 2, 3]), &two),
        [Step::Coordinators(addresses(&[1])), Step::Redundancy(Single)]
    );
    let moving = ClusterStatus {
        healthy: false,
        ..status(Double, &[1], &[1, 2])
    };
    assert_eq!(plan(&moving, &two), [], "copies are not given up while data moves");
    let away = ClusterStatus {
        available: false,
        ..status(Single, &[1], &[1, 2, 3])
    };
    assert_eq!(plan(&away, &three), [], "what does not serve is left alone");
}

#[test]
fn coordinators_are_spread_over_data_centres() {
    let mut members = machines(&[1, 2, 3, 4, 5, 6]);
    for (machine, center) in members.iter_mut().zip(["a", "a", "a", "a", "b", "c"]) {
        machine.data_center = Some(center.to_owned());
    }
    let steps = plan(&status(Triple, &[1, 2, 3], &[1, 2, 3, 4, 5, 6]), &members);
    assert_eq!(steps, [Step::Coordinators(addresses(&[1, 2, 3, 5, 6]))]);
}

#[test]
fn modes_that_a_person_chose_are_left() {
    let chosen = ClusterStatus {
        redundancy: None,
        ..status(Single, &[1, 2, 3], &[1, 2, 3])
    };
    assert_eq!(plan(&chosen, &machines(&[1, 2, 3])), []);
    assert_eq!(Redundancy::named("three_data_hall"), None);
    assert_eq!(Redundancy::named("double"), Some(Double));
}

#[test]
fn copies_are_given_up_when_the_server_that_leaves_is_empty() {
    let mut leaving = status(Double, &[1, 2, 3], &[1, 2]);
    leaving.excluded = addresses(&[3]);
    leaving.stored = [(address(3), 1)].into();
    let coordinator = Step::Coordinators(addresses(&[1]));
    let mut steps = vec![coordinator];
    assert_eq!(plan(&leaving, &machines(&[1, 2])), steps);
    leaving.stored = [(address(1), 1)].into();
    steps.push(Step::Redundancy(Single));
    assert_eq!(plan(&leaving, &machines(&[1, 2])), steps);
}
