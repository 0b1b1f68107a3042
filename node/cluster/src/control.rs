//! The operator's view of the cluster and hand upon it, from any node: reads this node's map, proposes changes to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hongyan_env::{BoxFuture, Env};
use hongyan_http_admin::{
    BackupView, ClusterControl, ClusterView, ControlError, ControlResult, Invitation, NodeChange, NodeView,
    PartitionsView, SettingView, StoreView, VotersView,
};
use hongyan_identity::{Fingerprint, JoinToken};
use hongyan_membership::settings::{self, Rebalance, Setting, SettingError};
use hongyan_metadata::{Applied, Change, ClusterMap, Members, Metadata, NodeRecord, NodeState, ProposeError, Refusal};
use hongyan_transport::ClusterId;

use crate::store_server::{BackupWish, StoreMachine, StoreServer};

/// How long the leader may take.
const PROPOSE_WITHIN: Duration = Duration::from_secs(10);
/// How long a majority may take to say that this node leads.
const LEADS_WITHIN: Duration = Duration::from_secs(1);
/// How long this node's own map may take to show what was agreed.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);
/// Heaviest weight: a node a thousand times as strong as another is a slip of the pen.
const WEIGHT_MAX: u32 = 100_000;
const NAME_OCTETS_MAX: usize = 64;

/// Where nodes join.
#[derive(Clone)]
pub struct Door {
    /// By which a joining node recognises the cluster.
    pub authority: Fingerprint,
    /// Where it asks, at the moment.
    pub addresses: Arc<dyn Fn() -> Vec<SocketAddr> + Send + Sync>,
}

/// Whoever knows how the data store is.
pub trait StoreWatch: Send + Sync + 'static {
    /// How it is now; `None` when that cannot be found out.
    fn look(&self) -> BoxFuture<'_, Option<StoreView>>;
    /// Who backs it up; nobody where the nodes do not look after it.
    fn backups(&self) -> Option<Arc<dyn StoreBackups>> {
        None
    }
}

/// Whoever backs the data store up. Errors are for people.
pub trait StoreBackups: Send + Sync + 'static {
    /// How the backup is.
    fn status(&self) -> BoxFuture<'_, Result<BackupView, String>>;
    /// Whether one can go to this place, and the place as the store writes it.
    ///
    /// # Errors
    /// Why not.
    fn check(&self, to: &str) -> Result<String, String>;
    /// Begins one to a place that was checked.
    fn start(&self, to: String) -> BoxFuture<'_, Result<(), String>>;
    /// Lets it end. Those who do its work go on until it has.
    fn stop(&self) -> BoxFuture<'_, Result<(), String>>;
}

/// [`ClusterControl`] of a member.
pub struct MemberControl {
    env: Env,
    metadata: Metadata,
    door: Option<Door>,
    store: Option<Arc<dyn StoreWatch>>,
}

impl MemberControl {
    /// Looks through `metadata`. Without a door nobody can be invited.
    #[must_use]
    pub fn new(env: Env, metadata: Metadata, door: Option<Door>) -> Self {
        Self {
            env,
            metadata,
            door,
            store: None,
        }
    }
    /// Shows what `store` knows, too.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn StoreWatch>) -> Self {
        Self {
            store: Some(store),
            ..self
        }
    }

    /// Makes `change`, and waits until this node's map shows it.
    async fn propose(&self, change: Change) -> ControlResult<Applied> {
        let applied = self.metadata.propose(change, PROPOSE_WITHIN).await.map_err(refused)?;
        let mut map = self.metadata.watch();
        let shown = map.wait_for(|map| map.version >= applied.version);
        let _ = self.env.timeout(SHOWN_WITHIN, shown).await;
        Ok(applied)
    }

    /// Who leads. A leader that others do not hear any more learns so by asking them.
    async fn present_leader(&self) -> Option<u64> {
        let leadership = *self.metadata.leadership().borrow();
        if leadership.here {
            let leads = self.metadata.confirm_leadership();
            if self.env.timeout(LEADS_WITHIN, leads).await != Some(true) {
                return None;
            }
        }
        leadership.leader.map(|leader| leader.0)
    }

    async fn set_state(&self, node: u64, state: NodeState) -> ControlResult<NodeView> {
        self.propose(Change::SetState { node, state }).await?;
        self.node(node)
    }

    fn record(&self, node: u64) -> ControlResult<NodeRecord> {
        let map = self.metadata.map();
        let record = map.nodes.get(&node).cloned();
        record.ok_or_else(|| refused(ProposeError::Refused(Refusal::UnknownNode(node))))
    }

    fn node(&self, id: u64) -> ControlResult<NodeView> {
        let record = self.record(id)?;
        let shares = Shares::of(&self.metadata.map());
        Ok(node_view(
            id,
            &record,
            &shares,
            self.metadata.leader().map(|leader| leader.0),
            (&self.metadata.members(), StoreServer::of(&self.metadata.map(), id)),
        ))
    }

    /// Whether anybody but `node` serves and may be given partitions.
    fn expect_others(&self, node: u64) -> ControlResult<()> {
        let map = self.metadata.map();
        let mut others = map.nodes.iter().filter(|(id, _)| **id != node);
        if others.any(|(_, record)| record.state == NodeState::Up && record.weight > 0) {
            return Ok(());
        }
        Err(ControlError::Refused(format!(
            "no other node is up to take over what node {node} owns"
        )))
    }

    /// Where `node` has a server of the store, if it has one.
    fn machine(&self, node: u64) -> Option<StoreMachine> {
        let machines = StoreMachine::all(&self.metadata.map());
        machines.into_iter().find(|machine| machine.node == node)
    }

    /// Lets what the server of `node` holds move to the others.
    async fn begin_to_empty(&self, node: u64, machine: &StoreMachine) -> ControlResult<NodeView> {
        let map = self.metadata.map();
        if map.partitions.iter().any(|slot| slot.owner == node) {
            return Err(ControlError::Refused(format!(
                "node {node} owns partitions: drain it first"
            )));
        }
        let keeps = |other: &StoreMachine| {
            other.node != node && StoreServer::of(&map, other.node).is_some_and(StoreServer::keeps)
        };
        if !StoreMachine::all(&map).iter().any(keeps) {
            return Err(ControlError::Refused(format!(
                "no other node has a server of the store that could take what node {node}'s holds"
            )));
        }
        if self.record(node)?.state == NodeState::Up {
            self.set_state(node, NodeState::Draining).await?;
        }
        let emptying = StoreServer::Emptying.change(node, machine.address);
        self.propose(emptying).await?;
        self.node(node)
    }

    fn backups(&self) -> ControlResult<Arc<dyn StoreBackups>> {
        self.store.as_ref().and_then(|store| store.backups()).ok_or_else(|| {
            ControlError::Refused(
                "the nodes do not look after the data store: back it up where it is looked after, with its own programs"
                    .to_owned(),
            )
        })
    }

    async fn backup_view(&self, backups: &dyn StoreBackups) -> ControlResult<BackupView> {
        let mut view = backups.status().await.map_err(ControlError::Refused)?;
        if BackupWish::of(&self.metadata.map()) == Some(BackupWish::Stopping) && view.state != "ended" {
            "stopping".clone_into(&mut view.state);
        }
        Ok(view)
    }

    fn setting(&self, setting: &Setting) -> SettingView {
        let map = self.metadata.map();
        let set = map.settings.get(setting.key);
        SettingView {
            key: setting.key.to_owned(),
            value: set.map_or(setting.default, String::as_str).to_owned(),
            default: setting.default.to_owned(),
            set: set.is_some(),
            about: setting.about.to_owned(),
        }
    }
}

impl ClusterControl for MemberControl {
    fn status(&self) -> BoxFuture<'_, ControlResult<ClusterView>> {
        Box::pin(async move {
            let store = match &self.store {
                Some(store) => store.look().await,
                None => None,
            };
            let map = self.metadata.map();
            let leadership = *self.metadata.leadership().borrow();
            let leader = self.present_leader().await;
            let (shares, members) = (Shares::of(&map), self.metadata.members());
            let present = map.nodes.iter().filter(|(_, record)| record.state != NodeState::Left);
            Ok(ClusterView {
                cluster: ClusterId::from_random(map.cluster).to_string(),
                version: map.version,
                this_node: self.metadata.node().0,
                leader,
                term: leadership.term,
                voters: voters_view(&map, &members.voters),
                partitions: partitions_view(&map),
                store,
                nodes: present
                    .map(|(id, record)| node_view(*id, record, &shares, leader, (&members, StoreServer::of(&map, *id))))
                    .collect(),
            })
        })
    }

    fn invite(&self, lifetime: Duration) -> BoxFuture<'_, ControlResult<Invitation>> {
        Box::pin(async move {
            let no_door = || ControlError::Refused("this node takes no joining nodes in".to_owned());
            let door = self.door.as_ref().ok_or_else(no_door)?;
            let addresses = (door.addresses)();
            if addresses.is_empty() {
                return Err(no_door());
            }
            let token = JoinToken::create(&self.env, door.authority, addresses);
            let lifetime = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
            let expires_millis = self.env.wall_millis().saturating_add(lifetime);
            let invite = Change::Invite {
                token: token.hash().0,
                expires_millis,
            };
            self.propose(invite).await?;
            Ok(Invitation {
                token: token.to_string(),
                expires_millis,
            })
        })
    }

    fn drain(&self, node: u64) -> BoxFuture<'_, ControlResult<NodeView>> {
        Box::pin(async move {
            self.record(node)?;
            self.expect_others(node)?;
            self.set_state(node, NodeState::Draining).await
        })
    }

    fn resume(&self, node: u64) -> BoxFuture<'_, ControlResult<NodeView>> {
        Box::pin(async move {
            if let Some(machine) = self.machine(node)
                && StoreServer::of(&self.metadata.map(), node).is_some_and(|server| !server.keeps())
            {
                let returning = StoreServer::Returning.change(node, machine.address);
                self.propose(returning).await?;
            }
            self.set_state(node, NodeState::Up).await
        })
    }

    fn leave(&self, node: u64) -> BoxFuture<'_, ControlResult<NodeView>> {
        Box::pin(async move {
            self.record(node)?;
            self.expect_others(node)?;
            let server = StoreServer::of(&self.metadata.map(), node);
            match (server, self.machine(node)) {
                (Some(StoreServer::Serving | StoreServer::Returning), Some(machine)) => {
                    self.begin_to_empty(node, &machine).await
                }
                (Some(StoreServer::Emptying), Some(_)) => self.node(node),
                _ => self.set_state(node, NodeState::Left).await,
            }
        })
    }

    fn change_node(&self, node: u64, change: NodeChange) -> BoxFuture<'_, ControlResult<NodeView>> {
        Box::pin(async move {
            let record = self.record(node)?;
            let weight = change.weight.unwrap_or(record.weight);
            if weight > WEIGHT_MAX {
                return Err(ControlError::Invalid(format!(
                    "a weight is 0 to {WEIGHT_MAX}; 100 is usual"
                )));
            }
            let data_center = change.data_center.map_or(Ok(record.data_center), name)?;
            let rack = change.rack.map_or(Ok(record.rack), name)?;
            self.propose(Change::SetNode {
                node,
                weight,
                data_center,
                rack,
            })
            .await?;
            self.node(node)
        })
    }

    fn rebalance(&self) -> BoxFuture<'_, ControlResult<PartitionsView>> {
        Box::pin(async move {
            // Where it is automatic, nothing has to be begun; unless the operator says otherwise in between.
            let once = Change::Replace {
                key: settings::REBALANCE.to_owned(),
                present: Rebalance::Manual.name().to_owned(),
                value: Rebalance::Once.name().to_owned(),
            };
            if Rebalance::of(&self.metadata.map()) == Rebalance::Manual {
                self.propose(once).await?;
            }
            Ok(partitions_view(&self.metadata.map()))
        })
    }

    fn settings(&self) -> BoxFuture<'_, ControlResult<Vec<SettingView>>> {
        let all = settings::ALL.iter().map(|setting| self.setting(setting)).collect();
        Box::pin(std::future::ready(Ok(all)))
    }

    fn set(&self, key: String, value: Option<String>) -> BoxFuture<'_, ControlResult<SettingView>> {
        Box::pin(async move {
            let setting = settings::find(&key).map_err(not_set)?;
            let value = value.map(|value| settings::check(&key, &value)).transpose();
            let value = value.map_err(not_set)?;
            self.propose(Change::Set { key, value }).await?;
            Ok(self.setting(setting))
        })
    }

    fn backup(&self) -> BoxFuture<'_, ControlResult<BackupView>> {
        Box::pin(async move { self.backup_view(&*self.backups()?).await })
    }

    fn start_backup(&self, to: String) -> BoxFuture<'_, ControlResult<BackupView>> {
        Box::pin(async move {
            let backups = self.backups()?;
            let to = backups.check(&to).map_err(ControlError::Invalid)?;
            backups.start(to).await.map_err(ControlError::Refused)?;
            // From now on each node runs an agent.
            self.propose(BackupWish::Running.change()).await?;
            self.backup_view(&*backups).await
        })
    }

    fn stop_backup(&self) -> BoxFuture<'_, ControlResult<BackupView>> {
        Box::pin(async move {
            let backups = self.backups()?;
            backups.stop().await.map_err(ControlError::Refused)?;
            self.propose(BackupWish::Stopping.change()).await?;
            self.backup_view(&*backups).await
        })
    }
}

fn voters_view(map: &ClusterMap, voters: &BTreeSet<u64>) -> VotersView {
    let lives = |id: &&u64| map.nodes.get(*id).is_some_and(|record| record.state != NodeState::Down);
    let (count, up) = (voters.len(), voters.iter().filter(lives).count());
    VotersView {
        count: count as u64,
        up: up as u64,
        losses_borne: up.checked_sub(count / 2 + 1).map(|losses| losses as u64),
    }
}

/// How many partitions each node owns and gets.
struct Shares {
    owned: BTreeMap<u64, usize>,
    arriving: BTreeMap<u64, usize>,
}

impl Shares {
    fn of(map: &ClusterMap) -> Self {
        let (mut owned, mut arriving) = (BTreeMap::new(), BTreeMap::new());
        for slot in &map.partitions {
            *owned.entry(slot.owner).or_default() += 1;
            if let Some(next) = slot.next {
                *arriving.entry(next.to).or_default() += 1;
            }
        }
        Self { owned, arriving }
    }
}

fn node_view(
    id: u64,
    record: &NodeRecord,
    shares: &Shares,
    leader: Option<u64>,
    (members, server): (&Members, Option<StoreServer>),
) -> NodeView {
    let role = if leader == Some(id) {
        Some("leader")
    } else if members.voters.contains(&id) {
        Some("voter")
    } else {
        members.learners.contains(&id).then_some("learner")
    };
    NodeView {
        id,
        name: record.name.clone(),
        state: state_name(record.state).to_owned(),
        role: role.map(str::to_owned),
        partitions: shares.owned.get(&id).copied().unwrap_or_default(),
        arriving: shares.arriving.get(&id).copied().unwrap_or_default(),
        weight: record.weight,
        data_center: record.data_center.clone(),
        rack: record.rack.clone(),
        address: record.address.clone(),
        release: record.release.clone(),
        protocol_oldest: record.protocols.oldest,
        protocol_newest: record.protocols.newest,
        store_server: server.map(|server| server.name().to_owned()),
    }
}

fn partitions_view(map: &ClusterMap) -> PartitionsView {
    let lives = |owner: u64| map.nodes.get(&owner).is_some_and(|record| record.state.is_alive());
    let preference = settings::preference(map);
    PartitionsView {
        count: map.partitions.len(),
        unserved: map.partitions.iter().filter(|slot| !lives(slot.owner)).count(),
        moving: map.partitions.iter().filter(|slot| slot.next.is_some()).count(),
        misplaced: hongyan_placement::misplaced(&map.placement_slots(), &map.placement_nodes(), &preference),
        rebalance: Rebalance::of(map).name().to_owned(),
    }
}

fn state_name(state: NodeState) -> &'static str {
    match state {
        NodeState::Joining => "joining",
        NodeState::Up => "up",
        NodeState::Draining => "draining",
        NodeState::Down => "down",
        NodeState::Left => "left",
    }
}

fn name(text: String) -> ControlResult<String> {
    if text.len() > NAME_OCTETS_MAX || text.chars().any(|c| c.is_control() || c.is_whitespace() || c == ',') {
        return Err(ControlError::Invalid(format!(
            "{text:?}: a data centre or a rack has a name of at most {NAME_OCTETS_MAX} octets, without spaces and commas"
        )));
    }
    Ok(text)
}

fn refused(error: ProposeError) -> ControlError {
    match error {
        ProposeError::NoLeader => ControlError::NoLeader,
        ProposeError::Refused(Refusal::UnknownNode(node)) => {
            ControlError::Unknown(format!("the cluster has no node {node}"))
        }
        ProposeError::Refused(refusal) => ControlError::Refused(refusal.to_string()),
    }
}

fn not_set(error: SettingError) -> ControlError {
    match error {
        SettingError::Unknown(_) => ControlError::Unknown(error.to_string()),
        SettingError::Bad { .. } => ControlError::Invalid(error.to_string()),
    }
}
