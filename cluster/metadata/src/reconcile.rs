//! Upkeep on the leader: the members of Raft follow from the map.

use std::collections::BTreeSet;
use std::sync::Arc;

use hongyan_telemetry as telemetry;
use openraft::{ChangeMembers, RaftMetrics};

use crate::types::Raft;
use crate::{ClusterMap, Members, Metadata, MetadataOptions, NodeState, voters};

/// Looks after each change of the map, each change of leader, and from time to time.
pub(crate) async fn run(metadata: Metadata, options: MetadataOptions) {
    let mut map = metadata.watch();
    let mut leadership = metadata.leadership();
    loop {
        let leads = leadership.borrow_and_update().here;
        let present = Arc::clone(&map.borrow_and_update());
        if leads && present.is_founded() {
            step(&metadata, &present, &options).await;
        }
        tokio::select! {
            biased;
            changed = map.changed() => if changed.is_err() { return },
            changed = leadership.changed() => if changed.is_err() { return },
            () = metadata.env().sleep(options.reconcile) => {}
        }
    }
}

/// One change at most at a time, each of which Raft agrees upon before the next. Failures are tried again later.
async fn step(metadata: &Metadata, map: &ClusterMap, options: &MetadataOptions) {
    let Members {
        voters,
        learners,
        changing,
    } = metadata.members();
    let raft = metadata.raft();
    for (id, record) in &map.nodes {
        let member = voters.contains(id) || learners.contains(id);
        if record.state != NodeState::Left && !member {
            tracing::info!(node = id, "learns the cluster's map");
            let _ = raft.add_learner(*id, (), false).await;
        }
    }
    let wanted = voters::choose(map, &voters, options.voters_max);
    // A leader that died in the middle of a change left it for the next one to end.
    if !wanted.is_empty() && (changing || wanted != voters) && caught_up(raft, &wanted, &voters) {
        tracing::info!(?wanted, ?voters, "the cluster's voters change");
        let _ = raft.change_membership(wanted.clone(), true).await;
    }
    let left: BTreeSet<u64> = learners
        .iter()
        .filter(|id| map.nodes.get(id).is_none_or(|record| record.state == NodeState::Left))
        .copied()
        .collect();
    if !left.is_empty() {
        let _ = raft.change_membership(ChangeMembers::RemoveNodes(left), true).await;
    }
}

/// Whether new voters have the log: a vote for one that has not would leave the cluster waiting for it.
fn caught_up(raft: &Raft, wanted: &BTreeSet<u64>, voters: &BTreeSet<u64>) -> bool {
    const LAG_MAX: u64 = 100;
    let metrics = raft.metrics();
    let metrics = metrics.borrow();
    let Some(replication) = &metrics.replication else {
        return false;
    };
    let last = metrics.last_log_index.unwrap_or(0);
    wanted.difference(voters).all(|id| {
        let matched = replication.get(id).copied().flatten().map_or(0, |log| log.index + 1);
        matched > 0 && matched + LAG_MAX > last
    })
}

/// What Raft shows of itself.
pub(crate) struct Gauges {
    term: telemetry::Gauge,
    leads: telemetry::Gauge,
    leader_known: telemetry::Gauge,
    voters: telemetry::Gauge,
    last: telemetry::Gauge,
    kept: telemetry::Gauge,
    behind: telemetry::Gauge,
    applied: telemetry::Gauge,
    lag: telemetry::Gauge,
}

impl Default for Gauges {
    fn default() -> Self {
        let gauge = telemetry::gauge;
        Self {
            term: gauge("hongyan_metadata_term", "Raft's term as this node knows it."),
            leads: gauge("hongyan_metadata_leader", "1 while this node leads the cluster."),
            leader_known: gauge(
                "hongyan_metadata_leader_known",
                "1 while this node knows who leads the cluster.",
            ),
            voters: gauge("hongyan_metadata_voters", "Nodes whose agreement counts."),
            last: gauge("hongyan_metadata_log_index", "The last change in this node's log."),
            kept: gauge(
                "hongyan_metadata_log_entries",
                "Changes that this node's log keeps besides its snapshot.",
            ),
            behind: gauge(
                "hongyan_metadata_replication_lag_entries",
                "Changes that the slowest other node has not got yet; 0 where this node does not lead.",
            ),
            applied: gauge(
                "hongyan_metadata_applied_index",
                "The last agreed change that this node's map contains.",
            ),
            lag: gauge(
                "hongyan_metadata_lag_entries",
                "Changes in this node's log that its map does not contain yet.",
            ),
        }
    }
}

impl Gauges {
    pub(crate) fn show(&self, metrics: &RaftMetrics<u64, ()>) {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let applied = metrics.last_applied.map_or(0, |log| log.index);
        self.term.set(number(metrics.current_term));
        self.leads.set(i64::from(metrics.state.is_leader()));
        self.applied.set(number(applied));
        let last = metrics.last_log_index.unwrap_or(0);
        self.lag.set(number(last.saturating_sub(applied)));
        self.leader_known.set(i64::from(metrics.current_leader.is_some()));
        let voters = metrics.membership_config.membership().voter_ids().count();
        self.voters.set(i64::try_from(voters).unwrap_or(i64::MAX));
        self.last.set(number(last));
        let purged = metrics.purged.map_or(0, |log| log.index);
        self.kept.set(number(last.saturating_sub(purged)));
        let slowest = metrics.replication.iter().flat_map(|replication| replication.values());
        let slowest = slowest.map(|log| log.map_or(0, |log| log.index)).min();
        self.behind
            .set(number(slowest.map_or(0, |index| last.saturating_sub(index))));
    }
}
