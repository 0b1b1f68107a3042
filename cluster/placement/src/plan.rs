//! The moves to make now: from where partitions are towards where they belong.

use std::collections::BTreeMap;

use crate::{Availability, Node, NodeId, Partition, Preference, Rendezvous};

/// Where a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slot {
    /// Who owns it; `None` before the first owner.
    pub owner: Option<NodeId>,
    /// Who prepares to take it over.
    pub next: Option<NodeId>,
}

/// Why a partition moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Nobody serves it.
    Unserved,
    /// Its owner leaves in order.
    Drain,
    /// It belongs elsewhere.
    Rebalance,
}

/// One change of owner to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// What moves.
    pub partition: Partition,
    /// Who owns it now.
    pub from: Option<NodeId>,
    /// Who is to own it.
    pub to: NodeId,
    /// Why.
    pub cause: Cause,
}

/// How much may move at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Planned moves under way in the whole cluster, the present ones included. Bounds no move of a dead node's.
    pub moves_at_once: usize,
    /// Whether partitions move from nodes that serve them well to where they belong.
    pub rebalance: bool,
}

/// The moves to make now. Unserved partitions all at once; then, as `limits` allow, those of draining nodes, then those
/// that belong elsewhere. Partitions with a move under way are left alone unless its source or target is gone.
#[must_use]
pub fn plan(current: &[Slot], nodes: &[Node], preference: &Preference, limits: Limits) -> Vec<Move> {
    let rendezvous = Rendezvous::new(nodes, preference);
    let availability: BTreeMap<NodeId, Availability> = nodes.iter().map(|node| (node.id, node.availability)).collect();
    let state = |node: NodeId| availability.get(&node).copied().unwrap_or(Availability::Gone);
    let mut unserved = Vec::new();
    let mut draining = Vec::new();
    let mut serving = Vec::new();
    let mut under_way = 0;
    for (index, slot) in current.iter().enumerate() {
        let Some(partition) = Partition::at(index) else { break };
        match slot.owner {
            None => unserved.push(partition),
            Some(owner) if state(owner) == Availability::Gone => unserved.push(partition),
            Some(_) if slot.next.is_some_and(|next| state(next) == Availability::Serving) => under_way += 1,
            Some(owner) if state(owner) == Availability::Draining => draining.push(partition),
            Some(_) => serving.push(partition),
        }
    }
    let mut moves = moves_of(&unserved, current, &rendezvous, Cause::Unserved);
    let mut free = limits.moves_at_once.saturating_sub(under_way);
    let drains = moves_of(&draining, current, &rendezvous, Cause::Drain);
    moves.extend(drains.into_iter().take(free));
    free = free.saturating_sub(draining.len());
    // Nothing is shuffled between healthy nodes while others wait for a place, nor is it worth looking without room.
    if limits.rebalance && free > 0 && unserved.is_empty() && draining.is_empty() {
        moves.extend(rebalance(&serving, current, &rendezvous, free));
    }
    moves
}

/// How many partitions are not where they belong. One that has no place to go is where it belongs.
#[must_use]
pub fn misplaced(current: &[Slot], nodes: &[Node], preference: &Preference) -> usize {
    let rendezvous = Rendezvous::new(nodes, preference);
    let all: Vec<Partition> = (0..current.len()).map_while(Partition::at).collect();
    moves_of(&all, current, &rendezvous, Cause::Rebalance).len()
}

fn moves_of(partitions: &[Partition], current: &[Slot], rendezvous: &Rendezvous, cause: Cause) -> Vec<Move> {
    let of = |partition: Partition| {
        let from = current.get(partition.index())?.owner;
        let to = rendezvous.owner(partition)?;
        (from != Some(to)).then_some(Move {
            partition,
            from,
            to,
            cause,
        })
    };
    partitions.iter().filter_map(|partition| of(*partition)).collect()
}

/// At most `room` moves, from as many different nodes as there are, so that no node bears the work of all.
fn rebalance(partitions: &[Partition], current: &[Slot], rendezvous: &Rendezvous, room: usize) -> Vec<Move> {
    let mut by_source: BTreeMap<Option<NodeId>, Vec<Move>> = BTreeMap::new();
    for step in moves_of(partitions, current, rendezvous, Cause::Rebalance) {
        by_source.entry(step.from).or_default().push(step);
    }
    let mut moves = Vec::new();
    let mut round = 0;
    while moves.len() < room {
        let before = moves.len();
        let free = room - before;
        moves.extend(by_source.values().filter_map(|of| of.get(round)).copied().take(free));
        if moves.len() == before {
            break;
        }
        round += 1;
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        moves_at_once: 4,
        rebalance: true,
    };

    fn cluster(count: u64) -> Vec<Node> {
        let node = |id| Node {
            id: NodeId(id),
            data_center: "dc".to_owned(),
            rack: format!("r{}", id % 2),
            weight: 100,
            availability: Availability::Serving,
        };
        (1..=count).map(node).collect()
    }
    fn placed(nodes: &[Node], partitions: usize) -> Vec<Slot> {
        let owners = Rendezvous::new(nodes, &Preference::default()).owners(partitions);
        let slot = |owner| Slot { owner, next: None };
        owners.into_iter().map(slot).collect()
    }
    fn moves(current: &[Slot], nodes: &[Node]) -> Vec<Move> {
        plan(current, nodes, &Preference::default(), LIMITS)
    }

    #[test]
    fn a_cluster_in_order_moves_nothing() {
        let nodes = cluster(5);
        assert_eq!(moves(&placed(&nodes, 100), &nodes), []);
    }

    #[test]
    fn a_new_cluster_is_placed_at_once() {
        let nodes = cluster(3);
        let moves = moves(&[Slot::default(); 64], &nodes);
        assert_eq!(moves.len(), 64);
        assert!(
            moves
                .iter()
                .all(|step| step.cause == Cause::Unserved && step.from.is_none())
        );
    }

    #[test]
    fn a_dead_nodes_partitions_move_at_once_and_no_others() {
        let mut nodes = cluster(5);
        let current = placed(&nodes, 100);
        nodes[2].availability = Availability::Gone;
        let moves = moves(&current, &nodes);
        let lost = current.iter().filter(|slot| slot.owner == Some(NodeId(3))).count();
        assert!(lost > LIMITS.moves_at_once);
        assert_eq!(moves.len(), lost);
        assert!(
            moves
                .iter()
                .all(|step| step.from == Some(NodeId(3)) && step.cause == Cause::Unserved)
        );
    }

    #[test]
    fn a_drain_moves_a_few_at_a_time() {
        let mut nodes = cluster(3);
        let mut current = placed(&nodes, 100);
        nodes[0].availability = Availability::Draining;
        let mut rounds = 0;
        while current.iter().any(|slot| slot.owner == Some(NodeId(1))) {
            let moves = moves(&current, &nodes);
            assert!((1..=4).contains(&moves.len()));
            for step in &moves {
                current[step.partition.index()].next = Some(step.to);
            }
            assert_eq!(self::moves(&current, &nodes), [], "no more while these are under way");
            for step in moves {
                current[step.partition.index()] = Slot {
                    owner: Some(step.to),
                    next: None,
                };
            }
            rounds += 1;
        }
        assert!(rounds > 3);
    }

    #[test]
    fn a_joined_node_takes_from_different_nodes_in_turn() {
        let nodes = cluster(6);
        let current = placed(&nodes[..5], 600);
        let moves = moves(&current, &nodes);
        assert_eq!(moves.len(), 4);
        let mut sources: Vec<_> = moves.iter().map(|step| step.from).collect();
        sources.dedup();
        assert_eq!(sources.len(), 4);
        assert!(moves.iter().all(|step| step.to == NodeId(6)));
    }

    #[test]
    fn what_is_misplaced_is_what_moves_sooner_or_later() {
        let nodes = cluster(6);
        let mut current = placed(&nodes[..5], 600);
        let belongs = placed(&nodes, 600);
        let elsewhere = |current: &[Slot]| {
            current
                .iter()
                .zip(&belongs)
                .filter(|(is, to)| is.owner != to.owner)
                .count()
        };
        let preference = Preference::default();
        while elsewhere(&current) > 0 {
            assert_eq!(misplaced(&current, &nodes, &preference), elsewhere(&current));
            for step in moves(&current, &nodes) {
                current[step.partition.index()].owner = Some(step.to);
            }
        }
        assert_eq!(misplaced(&current, &nodes, &preference), 0);
        assert_eq!(
            misplaced(&[Slot::default(); 8], &[], &preference),
            0,
            "there is no place to go"
        );
    }

    #[test]
    fn rebalance_waits_for_unserved_and_draining() {
        let mut nodes = cluster(6);
        let current = placed(&nodes[..5], 600);
        nodes[0].availability = Availability::Gone;
        let moves = moves(&current, &nodes);
        assert!(moves.iter().all(|step| step.cause == Cause::Unserved));
    }

    #[test]
    fn a_move_whose_target_died_is_planned_anew() {
        let mut nodes = cluster(4);
        nodes[0].availability = Availability::Draining;
        nodes[1].availability = Availability::Gone;
        let slot = Slot {
            owner: Some(NodeId(1)),
            next: Some(NodeId(2)),
        };
        let moves = moves(&[slot], &nodes);
        assert_eq!(moves.len(), 1);
        assert!([NodeId(3), NodeId(4)].contains(&moves[0].to));
    }

    #[test]
    fn without_any_node_nothing_moves() {
        assert_eq!(moves(&[Slot::default(); 8], &[]), []);
    }
}
