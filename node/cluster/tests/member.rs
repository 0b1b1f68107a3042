//! Three members over a simulated network and one store: all is served, and goes on being when one dies.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use hongyan_cluster::{Member, MemberParts};
use hongyan_env::{Env, SimulatedHost, SimulatedNetwork, ZoneDns};
use hongyan_kv::{Database, Error, fence};
use hongyan_membership::{MembershipOptions, Owned, Partition};
use hongyan_memory::{Faults, MemoryStore};
use hongyan_metadata::{Change, Founding, MemoryDisk, MetadataOptions, NodeRecord, Protocols};
use hongyan_transport::{NodeId, SimNetwork};

const PARTITIONS: u16 = 48;
const WITHIN: Duration = Duration::from_secs(10);

fn env(seed: u64) -> Env {
    Env::simulated(SimulatedHost {
        network: SimulatedNetwork::new(seed),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        seed,
        clock_rate_ppm: 0,
        wall_ahead_millis: 0,
        dns: Arc::new(ZoneDns::default()),
    })
}

fn record(id: u64) -> NodeRecord {
    NodeRecord {
        name: format!("node{id}"),
        rack: format!("r{id}"),
        weight: 100,
        key: [u8::try_from(id).unwrap(); 32],
        ..NodeRecord::default()
    }
}

async fn start(network: &SimNetwork, data: &Database, id: u64) -> Member {
    let env = env(id);
    Member::start(MemberParts {
        env: env.clone(),
        node: NodeId(id),
        transport: network.join(NodeId(id)),
        store: Arc::new(MemoryDisk::new(env)),
        data: data.clone(),
        address: format!("node{id}"),
        release: "1".to_owned(),
        protocols: Protocols { oldest: 1, newest: 1 },
        contacts: vec![NodeId(1)],
        partitions: usize::from(PARTITIONS),
        metadata: MetadataOptions::default(),
        membership: MembershipOptions::default(),
    })
    .await
    .unwrap()
}

async fn found(member: &Member) {
    let founding = Founding {
        cluster: 7,
        partitions: u32::from(PARTITIONS),
        authority: Vec::new(),
        node: 1,
        record: record(1),
    };
    member.metadata().found(founding, WITHIN).await.unwrap();
}

async fn admit(member: &Member, id: u64) {
    let token = [u8::try_from(id).unwrap(); 32];
    let invite = Change::Invite {
        token,
        expires_millis: i64::MAX,
    };
    member.metadata().propose(invite, WITHIN).await.unwrap();
    let admit = Change::Admit {
        token,
        now_millis: 0,
        record: record(id),
    };
    assert_eq!(member.metadata().propose(admit, WITHIN).await.unwrap().number, id);
}

/// Who serves each partition in which epoch, once every partition is served by one of `members` and all have their share.
async fn served(members: &[&Member]) -> BTreeMap<u16, (NodeId, u64)> {
    for _ in 0..60_000 {
        let mut owners = BTreeMap::new();
        for member in members {
            for index in 0..PARTITIONS {
                if let Owned::Here { epoch } = member.ownership().check(Partition(index)) {
                    let before = owners.insert(index, (member.node(), epoch));
                    assert_eq!(before, None, "two nodes answer for partition {index}");
                }
            }
        }
        let share = |member: &&Member| owners.values().filter(|(node, _)| *node == member.node()).count();
        let least = members.iter().map(share).min().unwrap_or(0);
        if owners.len() == usize::from(PARTITIONS) && least > usize::from(PARTITIONS) / 8 {
            return owners;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("partitions without an owner");
}

#[tokio::test(start_paused = true)]
async fn survivors_own_all_in_later_epochs_behind_higher_fences() {
    let network = SimNetwork::new(env(99), 1);
    let data = Database::new(MemoryStore::default());
    let first = start(&network, &data, 1).await;
    found(&first).await;
    admit(&first, 2).await;
    let second = start(&network, &data, 2).await;
    admit(&first, 3).await;
    let third = start(&network, &data, 3).await;
    let before = served(&[&first, &second, &third]).await;

    network.crash(NodeId(2));
    second.stop().await;
    assert_eq!(second.ownership().check(Partition(0)), Owned::Unknown);
    let after = served(&[&first, &third]).await;
    let mut taken = 0;
    for (partition, (owner, epoch)) in &before {
        let (now, later) = after[partition];
        if *owner == NodeId(2) {
            taken += 1;
            assert!(later > *epoch);
            let mut transaction = data.begin();
            let deposed = fence::Fence {
                partition: *partition,
                epoch: *epoch,
            };
            assert!(matches!(deposed.check(&mut transaction).await, Err(Error::Fenced)));
        } else {
            assert_eq!((now, later), (*owner, *epoch), "what others own stays with them");
        }
    }
    assert!(taken > 0);
    first.stop().await;
    third.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_reaches_the_others_but_not_the_store_is_followed_until_it_does() {
    let network = SimNetwork::new(env(98), 1);
    // Each has a way of its own to its data, so that one of them can be cut.
    let stores: Vec<MemoryStore> = (0..3).map(|_| MemoryStore::default()).collect();
    let data: Vec<Database> = stores.iter().map(|store| Database::new(store.clone())).collect();
    let first = start(&network, &data[0], 1).await;
    found(&first).await;
    admit(&first, 2).await;
    let second = start(&network, &data[1], 2).await;
    admit(&first, 3).await;
    let third = start(&network, &data[2], 3).await;
    served(&[&first, &second, &third]).await;

    stores[1].set_faults(Faults {
        delay_micros_max: 1 << 50,
        ..Faults::default()
    });
    let clock = env(97);
    let before = clock.now_micros();
    let after = served(&[&first, &third]).await;
    let took = Duration::from_micros(clock.now_micros() - before);
    assert!(took < Duration::from_millis(2200), "{took:?}");
    assert!(after.values().all(|(node, _)| *node != NodeId(2)));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(second.ownership().check(Partition(0)), Owned::Elsewhere(after[&0].0));

    stores[1].set_faults(Faults::default());
    served(&[&first, &second, &third]).await;
}
