//! Sign-in and sessions of three nodes over one store, on a simulated network in virtual time.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hongyan_access::{
    Access, AccessError, AccessOptions, Elsewhere, Identity, Protocol, Revocation, SessionFilter, SessionPermit,
};
use hongyan_directory::{
    AccountChange, AccountSettings, AccountState, Directory, DirectoryOptions, Field, NewAccount, NewTenant,
    TenantChange, TenantState,
};
use hongyan_env::{Env, SimulatedHost, SimulatedNetwork, ZoneDns};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_sasl::Secret;
use hongyan_transport::{NodeId, SimNetwork};
use hongyan_types::{AccountId, Address, Domain, TenantId};

const ANNA: &str = "anna@example.test";
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// The bound on every change's way to every node.
const SOON: Duration = Duration::from_secs(1);

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work);
}

struct Node {
    env: Env,
    directory: Directory,
    access: Access,
}

struct World {
    sockets: SimulatedNetwork,
    network: SimNetwork,
    store: MemoryStore,
    nodes: Vec<Node>,
    tenant: TenantId,
    account: AccountId,
}

fn env(sockets: &SimulatedNetwork, number: u64) -> Env {
    Env::simulated(SimulatedHost {
        network: sockets.clone(),
        address: IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap())),
        seed: number,
        clock_rate_ppm: 0,
        wall_ahead_millis: 0,
        dns: Arc::new(ZoneDns::default()),
    })
}

impl World {
    async fn new() -> Self {
        let sockets = SimulatedNetwork::new(1);
        let mut world = Self {
            network: SimNetwork::new(env(&sockets, 0), 1),
            sockets,
            store: MemoryStore::default(),
            nodes: Vec::new(),
            tenant: TenantId(0),
            account: AccountId(0),
        };
        for number in 1..=3 {
            let node = world.start(number).await;
            world.nodes.push(node);
        }
        let directory = &world.nodes[0].directory;
        world.tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("example.test").unwrap();
        directory.create_domain(world.tenant, &domain).await.unwrap();
        let credential = world.nodes[0].access.hash_password(&Secret::new("pass")).await.unwrap();
        let new = NewAccount {
            credential: Some(credential),
            ..NewAccount::at(Address::try_from(ANNA).unwrap())
        };
        world.account = directory.create_account(&new).await.unwrap().id;
        world
    }
    async fn start(&self, number: u64) -> Node {
        let env = env(&self.sockets, number);
        let database = Database::new(self.store.clone());
        let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
        let options = AccessOptions {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            scram_iterations: 4096,
            account_failures_max: 6,
            ..AccessOptions::default()
        };
        let access = Access::open(directory.clone(), &database, env.clone(), options)
            .await
            .unwrap();
        let transport = self.network.join_local(NodeId(number));
        access.join(Elsewhere::new(transport, || (1..=3).map(NodeId).collect()));
        tokio::task::spawn_local(access.clone().follow());
        Node { env, directory, access }
    }
    async fn soon(&self) {
        self.nodes[0].env.sleep(SOON).await;
    }
    async fn change(&self, change: AccountChange) {
        let node = &self.nodes[0];
        node.directory.change_account(self.account, &change).await.unwrap();
        node.access.account_changed(self.account).await.unwrap();
    }
    async fn set_password(&self, password: &str) {
        let node = &self.nodes[0];
        let credential = node.access.hash_password(&Secret::new(password)).await.unwrap();
        node.directory.set_credential(self.account, &credential).await.unwrap();
        node.access.account_changed(self.account).await.unwrap();
    }
    /// Each node signs anna in, three ways.
    async fn sessions(&self) -> Vec<SessionPermit> {
        let mut sessions = Vec::new();
        for node in &self.nodes {
            for protocol in [Protocol::Imap, Protocol::Pop3, Protocol::Submission] {
                sessions.push(node.open(protocol).await);
            }
        }
        sessions
    }
}

impl Node {
    async fn sign_in(&self, password: &str) -> Result<Identity, AccessError> {
        let password = Secret::new(password);
        self.access.verify_password(Protocol::Imap, ANNA, &password, PEER).await
    }
    async fn open(&self, protocol: Protocol) -> SessionPermit {
        let password = Secret::new("pass");
        let identity = self.access.verify_password(protocol, ANNA, &password, PEER).await;
        let peer = SocketAddr::new(PEER, 4711);
        self.access.open_session(&identity.unwrap(), peer).await.unwrap()
    }
}

fn suspended() -> AccountChange {
    AccountChange {
        state: Field::Set(AccountState::Suspended),
        ..AccountChange::default()
    }
}

fn ended(sessions: &[SessionPermit]) -> Vec<Option<Revocation>> {
    sessions.iter().map(|session| session.watch().revocation()).collect()
}

#[test]
fn an_account_made_changed_and_deleted_on_one_node_is_so_on_all_within_a_second() {
    run(async {
        let world = World::new().await;
        world.soon().await;
        for node in &world.nodes {
            node.sign_in("pass").await.unwrap();
        }
        world.set_password("other pass").await;
        world.soon().await;
        for node in &world.nodes {
            let old = node.sign_in("pass").await;
            assert!(
                matches!(old, Err(AccessError::BadCredentials)),
                "a remembered password is none any more"
            );
            node.sign_in("other pass").await.unwrap();
        }
        world.change(suspended()).await;
        world.soon().await;
        for node in &world.nodes {
            assert!(matches!(node.sign_in("other pass").await, Err(AccessError::Suspended)));
        }
        world.nodes[2].directory.delete_account(world.account).await.unwrap();
        world.soon().await;
        for node in &world.nodes {
            assert!(matches!(
                node.sign_in("other pass").await,
                Err(AccessError::BadCredentials)
            ));
        }
    });
}

#[test]
fn whatever_ends_sessions_ends_them_on_all_nodes_whether_or_not_they_can_be_called() {
    for is_cut in [false, true] {
        run(async move {
            let world = World::new().await;
            let sessions = world.sessions().await;
            if is_cut {
                world.network.isolate(NodeId(2));
                world.network.cut(NodeId(1), NodeId(3));
            }
            let closed = AccountChange {
                settings: Field::Set(AccountSettings {
                    imap: false,
                    ..AccountSettings::default()
                }),
                ..AccountChange::default()
            };
            world.change(closed).await;
            world.soon().await;
            let one = [Some(Revocation::ProtocolClosed), None, None];
            assert_eq!(ended(&sessions), one.repeat(3), "cut off: {is_cut}");
            world.set_password("other pass").await;
            world.soon().await;
            let changed = Some(Revocation::PasswordChanged);
            let one = [Some(Revocation::ProtocolClosed), changed, changed];
            assert_eq!(ended(&sessions), one.repeat(3), "cut off: {is_cut}");
        });
    }
}

#[test]
fn a_suspended_tenant_and_a_deleted_account_end_sessions_everywhere() {
    run(async {
        let world = World::new().await;
        let sessions = world.sessions().await;
        let node = &world.nodes[1];
        let change = TenantChange {
            state: Field::Set(TenantState::Suspended),
            ..TenantChange::default()
        };
        node.directory.change_tenant(world.tenant, &change).await.unwrap();
        node.access.tenant_changed(world.tenant).await.unwrap();
        world.soon().await;
        assert_eq!(ended(&sessions), vec![Some(Revocation::Suspended); 9]);
        drop(sessions);
        let change = TenantChange {
            state: Field::Set(TenantState::Active),
            ..TenantChange::default()
        };
        node.directory.change_tenant(world.tenant, &change).await.unwrap();
        world.soon().await;
        let sessions = world.sessions().await;
        // Nobody is told: the watch is enough.
        node.directory.delete_account(world.account).await.unwrap();
        world.soon().await;
        assert_eq!(ended(&sessions), vec![Some(Revocation::Deleted); 9]);
    });
}

#[test]
fn sessions_of_all_nodes_are_listed_with_their_nodes_in_pages() {
    run(async {
        let world = World::new().await;
        let sessions = world.sessions().await;
        sessions[4].set_client("Reader");
        let access = &world.nodes[0].access;
        let filter = SessionFilter::Account(world.account);
        let all = access.sessions_everywhere(filter, None, 100).await;
        assert!(all.silent.is_empty());
        let mut ids: Vec<_> = sessions.iter().map(SessionPermit::id).collect();
        ids.sort_unstable();
        assert_eq!(all.found.iter().map(|session| session.id).collect::<Vec<_>>(), ids);
        for (at, session) in sessions.iter().enumerate() {
            let shown = all.found.iter().find(|shown| shown.id == session.id()).unwrap();
            assert_eq!(shown.node, Some(NodeId(at as u64 / 3 + 1)));
            assert_eq!(shown.client, if at == 4 { "Reader" } else { "" });
        }
        let first = access.sessions_everywhere(filter, None, 4).await.found;
        let next = access.sessions_everywhere(filter, Some(first[3].id), 100).await.found;
        assert_eq!([first, next].concat(), all.found);
        world.network.isolate(NodeId(3));
        let some = access.sessions_everywhere(filter, None, 100).await;
        assert_eq!((some.found.len(), some.silent), (6, vec![NodeId(3)]));
    });
}

#[test]
fn an_operator_ends_sessions_on_all_nodes_also_on_those_that_do_not_answer() {
    run(async {
        let world = World::new().await;
        let sessions = world.sessions().await;
        let access = &world.nodes[0].access;
        let one = SessionFilter::One(sessions[7].id());
        let outcome = access.revoke_everywhere(one).await.unwrap();
        assert_eq!((outcome.found, outcome.silent), (1, vec![]));
        assert_eq!(sessions[7].watch().revocation(), Some(Revocation::Operator));
        world.network.isolate(NodeId(3));
        let filter = SessionFilter::Account(world.account);
        let outcome = access.revoke_everywhere(filter).await.unwrap();
        assert_eq!((outcome.found, outcome.silent), (6, vec![NodeId(3)]));
        world.soon().await;
        assert_eq!(ended(&sessions), vec![Some(Revocation::Operator); 9]);
        // Who signs in again stays.
        let again = world.sessions().await;
        world.soon().await;
        assert_eq!(ended(&again), vec![None; 9]);
    });
}

#[test]
fn guessing_at_one_node_after_the_other_locks_on_all() {
    run(async {
        let mut world = World::new().await;
        for turn in 0..6 {
            let outcome = world.nodes[turn % 3].sign_in("wrong").await;
            assert!(matches!(outcome, Err(AccessError::BadCredentials)), "{outcome:?}");
        }
        world.soon().await;
        world.nodes[2] = world.start(3).await;
        world.soon().await;
        for node in &world.nodes {
            let outcome = node.sign_in("pass").await;
            assert!(matches!(outcome, Err(AccessError::LockedOut { .. })), "{outcome:?}");
        }
        world.nodes[0].env.sleep(Duration::from_secs(300)).await;
        for node in &world.nodes {
            node.sign_in("pass").await.unwrap();
        }
    });
}

#[test]
fn a_success_on_a_node_that_saw_no_failure_forgives_those_of_all() {
    run(async {
        let mut world = World::new().await;
        for round in 0..3 {
            for _ in 0..5 {
                world.nodes[0].sign_in("wrong").await.unwrap_err();
            }
            world.nodes[1 + round % 2].sign_in("pass").await.unwrap();
        }
        // Nor do those count that were before a restart.
        for _ in 0..5 {
            world.nodes[2].sign_in("wrong").await.unwrap_err();
        }
        world.nodes[2] = world.start(3).await;
        world.nodes[2].sign_in("pass").await.unwrap();
        world.nodes[0].sign_in("wrong").await.unwrap_err();
        world.soon().await;
        for node in &world.nodes {
            node.sign_in("pass").await.unwrap();
        }
    });
}

#[test]
fn a_success_forgives_and_failures_far_apart_do_not_count_together() {
    run(async {
        let world = World::new().await;
        for turn in 0..5 {
            world.nodes[turn % 3].sign_in("wrong").await.unwrap_err();
        }
        world.nodes[0].sign_in("pass").await.unwrap();
        for turn in 0..5 {
            world.nodes[turn % 3].sign_in("wrong").await.unwrap_err();
        }
        world.soon().await;
        assert!(matches!(
            world.nodes[1].sign_in("wrong").await,
            Err(AccessError::BadCredentials)
        ));
        world.soon().await;
        assert!(matches!(
            world.nodes[0].sign_in("pass").await,
            Err(AccessError::LockedOut { .. })
        ));
        world.nodes[0].env.sleep(Duration::from_secs(700)).await;
        for turn in 0..12 {
            let outcome = world.nodes[turn % 3].sign_in("wrong").await;
            assert!(matches!(outcome, Err(AccessError::BadCredentials)), "{outcome:?}");
            world.nodes[0].env.sleep(Duration::from_secs(70)).await;
        }
    });
}
