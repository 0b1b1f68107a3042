//! What rendezvous promises, for any cluster.

use std::collections::BTreeMap;

use hongyan_placement::{Availability, Node, NodeId, Preference, Rendezvous};
use proptest::prelude::*;

const PARTITIONS: usize = 2048;

fn cluster() -> impl Strategy<Value = Vec<Node>> {
    let node = (any::<u64>(), 0_u8..3, 0_u8..4, prop_oneof![Just(100_u32), 1..1000_u32]);
    prop::collection::vec(node, 2..24).prop_map(|parts| {
        let by_id: BTreeMap<u64, Node> = parts
            .into_iter()
            .map(|(id, data_center, rack, weight)| {
                let node = Node {
                    id: NodeId(id),
                    data_center: format!("dc{data_center}"),
                    rack: format!("rack{rack}"),
                    weight,
                    availability: Availability::Serving,
                };
                (id, node)
            })
            .collect();
        by_id.into_values().collect()
    })
}

fn owners(nodes: &[Node]) -> Vec<Option<NodeId>> {
    Rendezvous::new(nodes, &Preference::default()).owners(PARTITIONS)
}

/// How far a count of `share` of the partitions may stray: six standard deviations.
fn tolerance(share: f64) -> f64 {
    6.0 * (PARTITIONS as f64 * share * (1.0 - share)).sqrt() + 1.0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: proptest::test_runner::RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn losing_a_node_moves_its_partitions_and_no_others(nodes in cluster(), pick in any::<prop::sample::Index>()) {
        let lost = pick.index(nodes.len());
        let before = owners(&nodes);
        let mut fewer = nodes.clone();
        let gone = fewer.remove(lost).id;
        for (was, is) in before.iter().zip(owners(&fewer)) {
            if *was == Some(gone) {
                prop_assert_ne!(is, Some(gone));
            } else {
                prop_assert_eq!(*was, is);
            }
        }
    }

    #[test]
    fn weights_are_shares(nodes in cluster()) {
        let total: f64 = nodes.iter().map(|node| f64::from(node.weight)).sum();
        let owners = owners(&nodes);
        for node in &nodes {
            let share = f64::from(node.weight) / total;
            let count = owners.iter().filter(|owner| **owner == Some(node.id)).count();
            let expected = PARTITIONS as f64 * share;
            prop_assert!((count as f64 - expected).abs() <= tolerance(share), "{count} instead of {expected}");
        }
    }

    #[test]
    fn racks_and_data_centers_share_by_their_nodes_weights(nodes in cluster()) {
        let total: f64 = nodes.iter().map(|node| f64::from(node.weight)).sum();
        let owners = owners(&nodes);
        let mut shares: BTreeMap<(&str, &str), (f64, usize)> = BTreeMap::new();
        for node in &nodes {
            let entry = shares.entry((&node.data_center, &node.rack)).or_default();
            entry.0 += f64::from(node.weight) / total;
            entry.1 += owners.iter().filter(|owner| **owner == Some(node.id)).count();
        }
        for (share, count) in shares.into_values() {
            prop_assert!((count as f64 - PARTITIONS as f64 * share).abs() <= tolerance(share));
        }
    }

    #[test]
    fn a_heavier_node_only_gains(nodes in cluster(), pick in any::<prop::sample::Index>()) {
        let before = owners(&nodes);
        let mut heavier = nodes.clone();
        let node = &mut heavier[pick.index(nodes.len())];
        node.weight *= 2;
        let id = node.id;
        for (was, is) in before.iter().zip(owners(&heavier)) {
            prop_assert!(*was == is || is == Some(id));
        }
    }
}
