//! Two nodes that do not reach each other while a third reaches both: nobody is taken for dead, nobody stops to answer.

use std::time::Duration;

use hongyan_membership::NodeId;

use crate::harness::{Cluster, simulate};

const SECOND: Duration = Duration::from_secs(1);

/// Cuts each pair of three nodes from each other for a while.
async fn cut_each_pair(seed: u64, ways: &[bool]) {
    let cluster = Cluster::of(seed, 3).await;
    for (one, other) in [(1, 2), (1, 3), (2, 3)] {
        // Ways through others are known some seconds after the start.
        tokio::time::sleep(3 * SECOND).await;
        let before = cluster.map();
        cluster.forget_gaps();
        for is_forth in ways {
            let (from, to) = if *is_forth { (one, other) } else { (other, one) };
            cluster.network.cut(NodeId(from), NodeId(to));
        }
        tokio::time::sleep(5 * SECOND).await;
        cluster.network.heal_all();
        tokio::time::sleep(3 * SECOND).await;
        let after = cluster.map();
        assert_eq!(before.partitions, after.partitions, "seed {seed}: {one} and {other}");
        assert!(
            cluster.gap() < SECOND,
            "seed {seed}: {one} and {other}: {:?}",
            cluster.gap()
        );
        assert!(cluster.is_all_served());
    }
}

#[test]
fn a_cut_between_two_moves_nothing() {
    simulate(async {
        for seed in 91..=92 {
            cut_each_pair(seed, &[true, false]).await;
        }
    });
}

#[test]
fn a_cut_one_way_moves_nothing() {
    simulate(async {
        cut_each_pair(97, &[true]).await;
        cut_each_pair(98, &[false]).await;
    });
}
