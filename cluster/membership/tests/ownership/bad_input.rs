//! Nodes that must not be let in.

use std::time::Duration;

use hongyan_metadata::{NodeState, Protocols, Refusal};

use crate::harness::{Cluster, simulate};

#[test]
fn an_incompatible_release_is_refused_with_a_reason() {
    simulate(async {
        let mut cluster = Cluster::of(81, 3).await;
        cluster.protocols = Protocols { oldest: 5, newest: 6 };
        let new = cluster.join().await;
        cluster
            .until("it is refused", |cluster| {
                cluster.node(new).membership.refusal().borrow().is_some()
            })
            .await;
        let refusal = cluster.node(new).membership.refusal().borrow().clone().unwrap();
        assert_eq!(
            refusal.to_string(),
            "release 1 speaks protocols 5 to 6, node 1 1 to 1: upgrade one version at a time"
        );
        assert_eq!(cluster.map().nodes[&new].state, NodeState::Joining);
        assert_eq!(cluster.shares()[&new], 0);
    });
}

#[test]
fn a_copy_of_a_node_never_serves() {
    simulate(async {
        let mut cluster = Cluster::of(82, 3).await;
        let copied = cluster.disks[&3].copy();
        // Both run; the network knows the copy under the same name, as if the address had been taken over.
        cluster.crash(3).await;
        cluster.start(3).await;
        cluster.settle().await;
        let original = cluster.node(3);
        cluster.disks.insert(3, copied);
        cluster.start(3).await;
        let copy = cluster.node(3);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(copy.membership.ownership().serving(), 0);
        let refusal = copy.metadata.refusal().borrow().clone();
        assert!(
            matches!(refusal, Some(Refusal::StaleDisk { node: 3, .. })),
            "{refusal:?}"
        );
        assert!(
            !original.membership.ownership().has_lease(),
            "its name was taken from it"
        );
        cluster.until("the others serve all", Cluster::is_all_served).await;
    });
}

#[test]
fn a_node_that_restarts_at_once_waits_until_the_one_before_is_buried() {
    simulate(async {
        let mut cluster = Cluster::of(83, 3).await;
        cluster.crash(2).await;
        cluster.start(2).await;
        let took = cluster.settle().await;
        assert!(
            took > Duration::from_millis(500) && took < Duration::from_secs(4),
            "{took:?}"
        );
        assert_eq!(cluster.map().nodes[&2].incarnation.number, 2);
    });
}
