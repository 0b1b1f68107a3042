//! A cluster's brain over real stores: what it keeps outlives it, and its fences stop writers of other epochs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_cluster::{MetadataStore, OwnedPlacement, StoreFence};
use hongyan_embedded::{EmbeddedOptions, EmbeddedStore};
use hongyan_env::{BoxFuture, Env};
use hongyan_kv::{Database, Error, fence};
use hongyan_membership::{Fence, FenceError, Host, Membership, MembershipOptions, MembershipParts, NodeId, Partition};
use hongyan_memory::MemoryStore;
use hongyan_metadata::{Founding, LocalStore, Metadata, MetadataOptions, NodeRecord, Protocols};
use hongyan_router::{Located, Placement};
use hongyan_transport::{SimNetwork, Transport};

fn pair(key: &str, value: Option<&str>) -> (Bytes, Option<Bytes>) {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    (bytes(key), value.map(bytes))
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || EmbeddedStore::open(folder.path(), EmbeddedOptions::default()).unwrap();
    let store = open();
    let metadata = MetadataStore::new(Database::new(store.clone()));
    metadata
        .write(vec![
            pair("entry/2", Some("b")),
            pair("entry/1", Some("a")),
            pair("vote", Some("v")),
        ])
        .await
        .unwrap();
    metadata
        .write(vec![pair("entry/1", None), pair("vote", Some("w"))])
        .await
        .unwrap();
    store.close();
    drop((metadata, store));
    let store = open();
    let found = MetadataStore::new(Database::new(store.clone())).load().await.unwrap();
    let found: Vec<(&[u8], &[u8])> = found.iter().map(|(key, value)| (&key[..], &value[..])).collect();
    assert_eq!(found, [(&b"entry/2"[..], &b"b"[..]), (b"vote", b"w")]);
    store.close();
}

#[tokio::test]
async fn a_raised_fence_stops_owners_before_and_is_never_lowered() {
    let database = Database::new(MemoryStore::default());
    let fences = StoreFence::new(database.clone());
    let raised = fences.raise(vec![(Partition(1), 1), (Partition(2), 5)]).await;
    assert_eq!(raised, [Ok(()), Ok(())]);
    let check = async |epoch| {
        let mut transaction = database.begin();
        fence::Fence { partition: 2, epoch }.check(&mut transaction).await
    };
    assert!(check(5).await.is_ok());
    assert!(matches!(check(4).await, Err(Error::Fenced)));
    let raised = fences
        .raise(vec![(Partition(2), 4), (Partition(1), 2), (Partition(2), 5)])
        .await;
    assert_eq!(raised, [Err(FenceError::Later), Ok(()), Ok(())]);
}

/// A node without entities.
struct Nobody;

impl Host for Nobody {
    fn warm(&self, _: Partition) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
    fn release(&self, _: Partition) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

async fn start(env: &Env, network: &SimNetwork, store: &Database, data: &Database) -> (Metadata, Membership) {
    let transport: Arc<dyn Transport> = network.join(NodeId(1));
    let metadata = Metadata::start(
        env.clone(),
        NodeId(1),
        Arc::new(MetadataStore::new(store.clone())),
        Arc::clone(&transport),
        Vec::new(),
        MetadataOptions::default(),
    )
    .await
    .unwrap();
    let membership = Membership::start(MembershipParts {
        env: env.clone(),
        metadata: metadata.clone(),
        transport,
        fence: Arc::new(StoreFence::new(data.clone())),
        host: Arc::new(Nobody),
        able: tokio::sync::watch::channel(true).1,
        partitions: 16,
        address: "node1".to_owned(),
        release: "1".to_owned(),
        protocols: Protocols { oldest: 1, newest: 1 },
        options: MembershipOptions::default(),
    });
    (metadata, membership)
}

/// Waits until the router finds every partition here, and gives the smallest epoch.
async fn served(env: &Env, membership: &Membership) -> u64 {
    let placement = OwnedPlacement::new(membership.ownership());
    loop {
        let epoch = |index| match placement.locate(Partition(index)) {
            Located::Here { epoch } => Some(epoch.0),
            _ => None,
        };
        let epochs: Option<Vec<u64>> = (0..16).map(epoch).collect();
        if let Some(least) = epochs.and_then(|epochs| epochs.into_iter().min()) {
            return least;
        }
        env.sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_restarted_node_owns_its_partitions_in_a_new_epoch() {
    let env = Env::real();
    let network = SimNetwork::new(env.clone(), 1);
    let store = Database::new(MemoryStore::default());
    let data = Database::new(MemoryStore::default());
    let (metadata, membership) = start(&env, &network, &store, &data).await;
    let founding = Founding {
        cluster: 3,
        partitions: 16,
        authority: Vec::new(),
        node: 1,
        record: NodeRecord {
            weight: 100,
            ..NodeRecord::default()
        },
    };
    metadata.found(founding, Duration::from_secs(60)).await.unwrap();
    let first = served(&env, &membership).await;
    membership.stop();
    metadata.stop().await;
    let placement = OwnedPlacement::new(membership.ownership());
    assert_eq!(placement.locate(Partition(0)), Located::Unknown);

    let (metadata, membership) = start(&env, &network, &store, &data).await;
    let second = served(&env, &membership).await;
    assert!(second > first);
    let mut transaction = data.begin();
    let deposed = fence::Fence {
        partition: 0,
        epoch: first,
    };
    assert!(matches!(deposed.check(&mut transaction).await, Err(Error::Fenced)));
    membership.stop();
    metadata.stop().await;
}
