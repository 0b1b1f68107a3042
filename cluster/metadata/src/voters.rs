//! Which nodes vote. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ClusterMap, NodeState};

/// The voters there should be: an odd number, at most `most`, spread over data centres and racks.
///
/// Nodes that live come first, then those that vote already, so that a vote moves only for a reason; a dead voter keeps
/// its vote until a living node can take its place.
#[must_use]
pub fn choose(map: &ClusterMap, present: &BTreeSet<u64>, most: usize) -> BTreeSet<u64> {
    let candidates: Vec<u64> = map
        .nodes
        .iter()
        .filter(|(_, record)| !matches!(record.state, NodeState::Joining | NodeState::Left))
        .map(|(id, _)| *id)
        .collect();
    let mut size = candidates.len().min(most.max(1));
    if size.is_multiple_of(2) {
        // One more voter of an even number adds no failure that can be borne, only one that can happen.
        size = size.saturating_sub(1);
    }
    let mut chosen = BTreeSet::new();
    let mut centers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut racks: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    while chosen.len() < size {
        let best = candidates.iter().filter(|id| !chosen.contains(*id)).filter_map(|id| {
            let record = map.nodes.get(id)?;
            let rack = (record.data_center.as_str(), record.rack.as_str());
            let crowd = (
                centers.get(rack.0).copied().unwrap_or(0),
                racks.get(&rack).copied().unwrap_or(0),
            );
            let rank = match record.state {
                NodeState::Up => 0,
                NodeState::Draining => 1,
                _ => 2,
            };
            Some(((rank, crowd, !present.contains(id), *id), rack, *id))
        });
        let Some((_, rack, id)) = best.min() else { break };
        chosen.insert(id);
        *centers.entry(rack.0).or_default() += 1;
        *racks.entry(rack).or_default() += 1;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeRecord;

    /// Nodes as `id:data centre/rack:state`.
    fn map(nodes: &[(u64, &str, &str, NodeState)]) -> ClusterMap {
        let mut map = ClusterMap::default();
        for (id, data_center, rack, state) in nodes {
            let record = NodeRecord {
                data_center: (*data_center).to_owned(),
                rack: (*rack).to_owned(),
                state: *state,
                ..NodeRecord::default()
            };
            map.nodes.insert(*id, record);
        }
        map
    }
    fn check(nodes: &[(u64, &str, &str, NodeState)], present: &[u64], expect: &[u64]) {
        let chosen = choose(&map(nodes), &present.iter().copied().collect(), 7);
        assert_eq!(chosen.into_iter().collect::<Vec<_>>(), expect);
    }
    use NodeState::{Down, Draining, Joining, Left, Up};

    #[test]
    fn an_odd_number_votes() {
        check(&[(1, "a", "r", Up)], &[], &[1]);
        check(&[(1, "a", "r", Up), (2, "a", "r", Up)], &[1], &[1]);
        check(
            &[(1, "a", "r", Up), (2, "a", "r", Up), (3, "a", "r", Up)],
            &[1],
            &[1, 2, 3],
        );
        let many: Vec<_> = (1..=20).map(|id| (id, "a", "r", Up)).collect();
        check(&many, &[], &[1, 2, 3, 4, 5, 6, 7]);
        check(&many, &[11, 12, 13, 14, 15, 16, 17], &[11, 12, 13, 14, 15, 16, 17]);
    }

    #[test]
    fn a_dead_voter_is_replaced_when_there_is_another() {
        let three = [(1, "a", "r", Up), (2, "a", "r", Down), (3, "a", "r", Up)];
        check(&three, &[1, 2, 3], &[1, 2, 3]);
        let four = [
            (1, "a", "r", Up),
            (2, "a", "r", Down),
            (3, "a", "r", Up),
            (4, "a", "r", Up),
        ];
        check(&four, &[1, 2, 3], &[1, 3, 4]);
        let draining = [
            (1, "a", "r", Draining),
            (2, "a", "r", Up),
            (3, "a", "r", Up),
            (4, "a", "r", Up),
        ];
        check(&draining, &[1, 2, 3], &[2, 3, 4]);
    }

    #[test]
    fn those_who_have_not_come_or_have_left_do_not_vote() {
        check(
            &[(1, "a", "r", Up), (2, "a", "r", Joining), (3, "a", "r", Left)],
            &[1, 3],
            &[1],
        );
    }

    #[test]
    fn voters_spread_over_data_centers_and_racks() {
        let nodes = [
            (1, "a", "r1", Up),
            (2, "a", "r1", Up),
            (3, "a", "r2", Up),
            (4, "b", "r1", Up),
            (5, "c", "r1", Up),
            (6, "c", "r1", Up),
        ];
        let chosen = choose(&map(&nodes), &BTreeSet::new(), 3);
        assert_eq!(chosen.into_iter().collect::<Vec<_>>(), [1, 4, 5]);
        let chosen = choose(&map(&nodes), &BTreeSet::new(), 4);
        assert_eq!(chosen.len(), 3);
        let chosen = choose(&map(&nodes), &BTreeSet::new(), 5);
        assert_eq!(chosen.into_iter().collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
    }
}
