//! Nodes come, go and change.

use super::{Arrival, Refusal};
use crate::{ClusterMap, NodeRecord, NodeState, Token};

/// Certificates that a record remembers: the present one and some before it.
const CERTIFICATES_MAX: usize = 4;

impl ClusterMap {
    pub(super) fn invite(&mut self, token: [u8; 32], expires_millis: i64) -> u64 {
        self.tokens.insert(token, Token { expires_millis });
        0
    }

    pub(super) fn admit(&mut self, token: [u8; 32], now_millis: i64, record: NodeRecord) -> Result<u64, Refusal> {
        // A repeat of a request whose answer was lost has used its token already.
        let again = self
            .nodes
            .iter()
            .find(|(_, known)| known.key == record.key && known.state == NodeState::Joining);
        if let Some((id, _)) = again {
            return Ok(*id);
        }
        match self.tokens.get(&token) {
            Some(known) if known.expires_millis > now_millis => {}
            _ => return Err(Refusal::Token),
        }
        self.tokens.remove(&token);
        let id = self.next_node;
        self.next_node += 1;
        let record = NodeRecord {
            state: NodeState::Joining,
            ..record
        };
        self.nodes.insert(id, record);
        Ok(id)
    }

    pub(super) fn arrive(&mut self, arrival: Arrival, version: u64) -> Result<u64, Refusal> {
        let known = self.known(arrival.node)?;
        if known.incarnation == arrival.incarnation && known.state.is_alive() {
            // The answer to the first one was lost.
            return Ok(arrival.node);
        }
        let same_process = known.incarnation == arrival.incarnation;
        if !same_process && known.incarnation.number >= arrival.incarnation.number {
            return Err(Refusal::StaleDisk {
                node: arrival.node,
                known: known.incarnation.number,
                shown: arrival.incarnation.number,
            });
        }
        if !same_process && known.state.is_alive() {
            return Err(Refusal::Running(arrival.node));
        }
        let stranger = self.nodes.iter().find(|(id, other)| {
            **id != arrival.node && other.state.is_alive() && !other.protocols.meet(arrival.protocols)
        });
        if let Some((other, record)) = stranger {
            return Err(Refusal::Incompatible {
                release: arrival.release,
                shown: arrival.protocols,
                other: *other,
                known: record.protocols,
            });
        }
        // What nobody could take over after the process before this one is owned anew, by this one.
        let mut taken = false;
        for slot in self.partitions.iter_mut().filter(|slot| slot.owner == arrival.node) {
            slot.epoch += 1;
            slot.next = None;
            taken = true;
        }
        let record = self.nodes.entry(arrival.node).or_default();
        if taken {
            record.revoked = version;
        }
        record.state = match record.state {
            NodeState::Draining => NodeState::Draining,
            _ => NodeState::Up,
        };
        record.incarnation = arrival.incarnation;
        record.address = arrival.address;
        record.release = arrival.release;
        record.protocols = arrival.protocols;
        Ok(arrival.node)
    }

    pub(super) fn set_state(&mut self, node: u64, state: NodeState, version: u64) -> Result<u64, Refusal> {
        let present = self.known(node)?.state;
        let possible = matches!(
            (present, state),
            (NodeState::Up | NodeState::Draining, NodeState::Up | NodeState::Draining) | (_, NodeState::Left)
        );
        if !possible {
            return Err(Refusal::Invalid(format!(
                "node {node} is {present:?} and cannot become {state:?}"
            )));
        }
        if state == NodeState::Left && self.partitions.iter().any(|slot| slot.owner == node) {
            return Err(Refusal::Invalid(format!("node {node} owns partitions: drain it first")));
        }
        self.abandon_towards(node, state);
        let record = self.nodes.entry(node).or_default();
        record.state = state;
        if state == NodeState::Left {
            record.revoked = version;
        }
        Ok(0)
    }

    /// A node that is to have no partitions any more is no target either.
    fn abandon_towards(&mut self, node: u64, state: NodeState) {
        if state == NodeState::Up {
            return;
        }
        for slot in &mut self.partitions {
            if slot.next.is_some_and(|next| next.to == node) {
                slot.next = None;
            }
        }
    }

    pub(super) fn set_node(
        &mut self,
        node: u64,
        weight: u32,
        data_center: String,
        rack: String,
    ) -> Result<u64, Refusal> {
        self.known(node)?;
        let record = self.nodes.entry(node).or_default();
        record.weight = weight;
        record.data_center = data_center;
        record.rack = rack;
        Ok(0)
    }

    pub(super) fn certify(&mut self, node: u64, serial: String) -> Result<u64, Refusal> {
        self.known(node)?;
        let record = self.nodes.entry(node).or_default();
        if !record.certificates.contains(&serial) {
            record.certificates.push(serial);
        }
        if record.certificates.len() > CERTIFICATES_MAX {
            record.certificates.remove(0);
        }
        Ok(0)
    }

    /// The record of a node that has not left.
    pub(super) fn known(&self, node: u64) -> Result<&NodeRecord, Refusal> {
        match self.nodes.get(&node) {
            None => Err(Refusal::UnknownNode(node)),
            Some(record) if record.state == NodeState::Left => Err(Refusal::Left(node)),
            Some(record) => Ok(record),
        }
    }
}
