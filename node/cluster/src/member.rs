//! A node's whole part in its cluster over any transport: the agreement, the leases, the fences, where entities are.
//!
//! In production it lives on a thread of its own, in simulation among everything else; both build it here. Serves no
//! mail: whoever has entities gives them with [`Member::set_host`].

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hongyan_env::{BoxFuture, Env};
use hongyan_kv::Database;
use hongyan_membership::{Host, Membership, MembershipOptions, MembershipParts, Ownership, Partition};
use hongyan_metadata::{LocalStore, Metadata, MetadataOptions, Protocols, Refusal, StartError};
use hongyan_router::{Cluster, RouterOptions};
use hongyan_transport::{NodeId, RelayOptions, RelayTransport, Transport};

use crate::store_probe::StoreProbe;
use crate::{OwnedPlacement, StoreFence};

/// What a member is made of.
pub struct MemberParts {
    /// Clock and chance.
    pub env: Env,
    /// Who it is.
    pub node: NodeId,
    /// The direct way to the others; the member goes round cuts in it.
    pub transport: Arc<dyn Transport>,
    /// Where its part of the agreement lies, on the disk of this node alone.
    pub store: Arc<dyn LocalStore>,
    /// The store of the mail, which holds the fences.
    pub data: Database,
    /// Where other nodes reach it.
    pub address: String,
    /// What it runs.
    pub release: String,
    /// What it speaks.
    pub protocols: Protocols,
    /// Whom it asks while it has no map.
    pub contacts: Vec<NodeId>,
    /// How many partitions the cluster has.
    pub partitions: usize,
    /// Times of the agreement.
    pub metadata: MetadataOptions,
    /// Times of leases and deaths.
    pub membership: MembershipOptions,
}

/// A node's part in its cluster. Clones are handles to the same.
#[derive(Clone)]
pub struct Member(Arc<Inner>);

struct Inner {
    transport: Arc<dyn Transport>,
    metadata: Metadata,
    membership: Membership,
    host: Arc<LateHost>,
    probe: StoreProbe,
    partitions: usize,
}

impl Member {
    /// Takes part, on the present runtime, where all its tasks stay.
    ///
    /// # Errors
    /// When its disk is unreadable, damaged or another node's.
    pub async fn start(parts: MemberParts) -> Result<Self, StartError> {
        let transport = RelayTransport::start(parts.env.clone(), parts.transport, RelayOptions::default());
        let transport: Arc<dyn Transport> = transport;
        let metadata = Metadata::start(
            parts.env.clone(),
            parts.node,
            parts.store,
            Arc::clone(&transport),
            parts.contacts,
            parts.metadata,
        )
        .await?;
        let host = Arc::new(LateHost::default());
        let probe = StoreProbe::start(parts.env.clone(), parts.data.clone(), metadata.writable());
        let membership = Membership::start(MembershipParts {
            env: parts.env,
            metadata: metadata.clone(),
            transport: Arc::clone(&transport),
            fence: Arc::new(StoreFence::new(parts.data)),
            host: Arc::clone(&host) as Arc<dyn Host>,
            able: probe.able(),
            partitions: parts.partitions,
            address: parts.address,
            release: parts.release,
            protocols: parts.protocols,
            options: parts.membership,
        });
        Ok(Self(Arc::new(Inner {
            transport,
            metadata,
            membership,
            host,
            probe,
            partitions: parts.partitions,
        })))
    }
    /// Who it is.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.0.metadata.node()
    }
    /// The agreement.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }
    /// Leases, deaths and moves.
    #[must_use]
    pub fn membership(&self) -> &Membership {
        &self.0.membership
    }
    /// Which partitions this node answers for.
    #[must_use]
    pub fn ownership(&self) -> Ownership {
        self.0.membership.ownership()
    }
    /// How many partitions there are.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.0.partitions
    }
    /// The way to other nodes, round cuts if need be.
    #[must_use]
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.0.transport
    }
    /// What a router needs to be one of many.
    #[must_use]
    pub fn cluster(&self, options: RouterOptions) -> Cluster {
        Cluster {
            placement: Arc::new(OwnedPlacement::new(self.ownership())),
            transport: Arc::clone(&self.0.transport),
            options,
        }
    }
    /// Whose entities come and go with the partitions. Before, partitions come and go without.
    ///
    /// # Panics
    /// When there is a host already.
    pub fn set_host(&self, host: Arc<dyn Host>) {
        assert!(self.0.host.0.set(host).is_ok(), "a member has one host");
    }
    /// Why this node answers for nothing at the moment; `None` while it may answer.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        if self.ownership().has_lease() {
            return None;
        }
        let leadership = *self.0.metadata.leadership().borrow();
        let text = if !*self.0.metadata.writable().borrow() {
            "the cluster's metadata cannot be written to this node's disk, which may be full"
        } else if !*self.0.probe.able().borrow() {
            "the data store does not answer this node"
        } else if let Some(refusal) = self.0.membership.waits_for() {
            return Some(refusal.to_string());
        } else if leadership.here || leadership.leader.is_none() {
            "this node reaches no majority of the cluster's voting nodes"
        } else {
            "no leader of the cluster confirms that this node lives"
        };
        Some(text.to_owned())
    }
    /// Waits until the cluster refuses this node for good: its disk is old or a copy, it left, its release does not fit.
    pub async fn refused(&self) -> Refusal {
        let (mut disk, mut place) = (self.0.metadata.refusal(), self.0.membership.refusal());
        let refusal = tokio::select! {
            biased;
            Ok(refusal) = disk.wait_for(Option::is_some) => refusal.clone(),
            Ok(refusal) = place.wait_for(Option::is_some) => refusal.clone(),
        };
        match refusal {
            Some(refusal) => refusal,
            // It waited for one.
            None => std::future::pending().await,
        }
    }
    /// Takes no part any more, and says so before, so that nobody has to miss it: to be called when it serves nothing.
    pub async fn leave_in_order(&self, within: Duration) {
        self.0.probe.stop();
        self.0.membership.say_goodbye(within).await;
        self.stop().await;
    }
    /// Takes no part any more, at once: answers for nothing, votes for nothing. The others take it for dead when they miss it.
    pub async fn stop(&self) {
        self.0.probe.stop();
        self.0.membership.stop();
        self.0.metadata.stop().await;
    }
}

/// A host that comes after its member.
#[derive(Default)]
struct LateHost(OnceLock<Arc<dyn Host>>);

impl Host for LateHost {
    fn warm(&self, partition: Partition) -> BoxFuture<'_, ()> {
        match self.0.get() {
            Some(host) => host.warm(partition),
            None => Box::pin(std::future::ready(())),
        }
    }
    fn release(&self, partition: Partition) -> BoxFuture<'_, ()> {
        match self.0.get() {
            Some(host) => host.release(partition),
            None => Box::pin(std::future::ready(())),
        }
    }
}
