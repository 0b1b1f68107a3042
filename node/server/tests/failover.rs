//! Three whole nodes in one thread of virtual time: what clients of two of them see while the third, which has their
//! mailbox, dies and its mailbox moves. A pause, and nothing else.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::http::Request;
use hongyan_access::permission::Actor;
use hongyan_access::{Access, AccessOptions, Revocation};
use hongyan_actor::{Arbiters, EntityKey};
use hongyan_blob::BlobOptions;
use hongyan_cluster::{Member, MemberParts};
use hongyan_config::Config;
use hongyan_directory::{AccountChange, AccountState, Directory, DirectoryOptions, Field, NewAccount, NewTenant};
use hongyan_env::{Env, SimulatedHost, SimulatedNetwork, Stream, ZoneDns};
use hongyan_kv::Database;
use hongyan_listener::{TlsConfig, self_signed};
use hongyan_mailbox::{MailboxId, MailboxOptions};
use hongyan_membership::{MembershipOptions, Owned};
use hongyan_memory::MemoryStore;
use hongyan_metadata::{Change, Founding, MemoryDisk, MetadataOptions, NodeRecord, Protocols};
use hongyan_placement::Partitions;
use hongyan_sasl::Secret;
use hongyan_server::{Assembly, AssemblyParts, Ground};
use hongyan_transport::{NodeId, SimNetwork};
use hongyan_types::{Address, Domain};
use hongyan_upkeep::{TaskId, TaskRecord, TaskState};
use http_body_util::BodyExt;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tower::ServiceExt;

const PARTITIONS: u16 = 48;
const WITHIN: Duration = Duration::from_secs(10);
/// The longest that a mailbox may be away when its node dies.
const FAILOVER_MAX: Duration = Duration::from_secs(2);
const ANNA: &str = "anna@example.test";

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work);
}

fn address(node: u64, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, u8::try_from(node).unwrap()], port))
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

fn config(node: u64) -> Config {
    let at = |port| vec![address(node, port).to_string()];
    let mut config = Config::default();
    config.node.host_name = format!("node{node}.example.test");
    config.listen.smtp = at(25);
    config.listen.lmtp = Vec::new();
    config.listen.submission = Vec::new();
    config.listen.submissions = Vec::new();
    config.listen.imap = at(143);
    config.listen.imaps = Vec::new();
    config.listen.pop3 = at(110);
    config.listen.pop3s = Vec::new();
    config.listen.https = Vec::new();
    config.listen.http = Vec::new();
    config.tls.allow_plaintext_passwords = true;
    config
}

struct World {
    sockets: SimulatedNetwork,
    network: SimNetwork,
    database: Database,
    client: Env,
    nodes: Vec<(Member, Assembly)>,
    mailbox: MailboxId,
}

fn env(sockets: &SimulatedNetwork, number: u64) -> Env {
    Env::simulated(SimulatedHost {
        network: sockets.clone(),
        address: address(number, 0).ip(),
        seed: number,
        clock_rate_ppm: 0,
        wall_ahead_millis: 0,
        dns: Arc::new(ZoneDns::default()),
    })
}

impl World {
    async fn start() -> Self {
        let sockets = SimulatedNetwork::new(1);
        let mut world = Self {
            network: SimNetwork::new(env(&sockets, 99), 1),
            database: Database::new(MemoryStore::default()),
            client: env(&sockets, 100),
            sockets,
            nodes: Vec::new(),
            mailbox: MailboxId {
                tenant: hongyan_types::TenantId(0),
                account: hongyan_types::AccountId(0),
            },
        };
        for id in 1..=3 {
            if let Some((first, _)) = world.nodes.first() {
                admit(first, id).await;
            }
            let node = world.start_node(id).await;
            world.nodes.push(node);
        }
        world.make_account().await;
        world.all_served().await;
        world
    }
    async fn start_node(&self, id: u64) -> (Member, Assembly) {
        let env = env(&self.sockets, id);
        let member = Member::start(MemberParts {
            env: env.clone(),
            node: NodeId(id),
            transport: self.network.join_local(NodeId(id)),
            store: Arc::new(MemoryDisk::new(env.clone())),
            data: self.database.clone(),
            address: format!("node{id}"),
            release: "1".to_owned(),
            protocols: Protocols { oldest: 1, newest: 1 },
            contacts: vec![NodeId(1)],
            partitions: usize::from(PARTITIONS),
            metadata: MetadataOptions::default(),
            membership: MembershipOptions::default(),
        })
        .await
        .unwrap();
        if id == 1 {
            let founding = Founding {
                cluster: 7,
                partitions: u32::from(PARTITIONS),
                authority: Vec::new(),
                node: 1,
                record: record(1),
            };
            member.metadata().found(founding, WITHIN).await.unwrap();
        }
        let directory = Directory::new(self.database.clone(), env.clone(), DirectoryOptions::default());
        let options = AccessOptions {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            scram_iterations: 4096,
            ..AccessOptions::default()
        };
        let access = Access::open(directory.clone(), &self.database, env.clone(), options);
        let access = access.await.unwrap();
        let mut assembly = Assembly::start(AssemblyParts {
            config: config(id),
            ground: Ground {
                env,
                database: self.database.clone(),
                directory,
                access,
            },
            arbiters: Arbiters::local(),
            cluster: Some(member.clone()),
            tls: TlsConfig::from_pem(&[self_signed(&["example.test".to_owned()]).unwrap()]).unwrap(),
            mailboxes: MailboxOptions::default(),
            blobs: BlobOptions::default(),
            clear_passwords_on_loopback: true,
        })
        .await
        .unwrap();
        assembly.open_ports().await.unwrap();
        (member, assembly)
    }
    async fn make_account(&mut self) {
        let ground = self.nodes[0].1.ground();
        let directory = &ground.directory;
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("example.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let credential = ground.access.hash_password(&Secret::new("pass")).await.unwrap();
        let new = NewAccount {
            credential: Some(credential),
            ..NewAccount::at(Address::try_from(ANNA).unwrap())
        };
        let account = directory.create_account(&new).await.unwrap().id;
        self.mailbox = MailboxId { tenant, account };
    }
    /// Until every node has its share.
    async fn all_served(&self) {
        loop {
            let owned = |member: &Member| {
                let owned = |index: &u16| {
                    matches!(
                        member.ownership().check(hongyan_placement::Partition(*index)),
                        Owned::Here { .. }
                    )
                };
                (0..PARTITIONS).filter(owned).count()
            };
            let shares: Vec<usize> = self.nodes.iter().map(|(member, _)| owned(member)).collect();
            if shares.iter().sum::<usize>() == usize::from(PARTITIONS) && shares.iter().all(|share| *share > 6) {
                return;
            }
            self.client.sleep(Duration::from_millis(10)).await;
        }
    }
    /// Which node has the mailbox, and the two others.
    fn owner_and_others(&self) -> (usize, [usize; 2]) {
        self.owner_of(&self.mailbox)
    }
    fn owner_of(&self, key: &impl EntityKey) -> (usize, [usize; 2]) {
        let partitions = Partitions::new(usize::from(PARTITIONS)).unwrap();
        let partition = partitions.of_hash(key.entity_id().stable_hash());
        let has = |(member, _): &(Member, Assembly)| matches!(member.ownership().check(partition), Owned::Here { .. });
        let owner = self.nodes.iter().position(has).expect("it has an owner");
        (owner, [(owner + 1) % 3, (owner + 2) % 3])
    }
    async fn kill(&self, node: usize) {
        self.network.crash(NodeId(node as u64 + 1));
        self.nodes[node].0.stop().await;
    }
    async fn connect(&self, node: usize, port: u16) -> Wire {
        let stream = self.client.connect(address(node as u64 + 1, port)).await.unwrap();
        Wire {
            stream: BufReader::new(stream),
        }
    }
    async fn imap(&self, node: usize) -> Wire {
        let mut wire = self.connect(node, 143).await;
        wire.line().await;
        wire.ok(&format!("LOGIN {ANNA} pass")).await;
        wire.ok("SELECT INBOX").await;
        wire
    }
    /// Sends anna a mail; what the server said last.
    async fn mail(&self, node: usize, text: &str) -> String {
        let mut wire = self.connect(node, 25).await;
        wire.line().await;
        for (line, expect) in [
            ("HELO client.test", "250"),
            ("MAIL FROM:<x@client.test>", "250"),
            ("RCPT TO:<anna@example.test>", "250"),
            ("DATA", "354"),
        ] {
            wire.send(line).await;
            let reply = wire.line().await;
            assert!(reply.starts_with(expect), "{line}: {reply}");
        }
        wire.send(&format!("Subject: {text}\r\n\r\n{text}\r\n.")).await;
        wire.line().await
    }
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
    member.metadata().propose(admit, WITHIN).await.unwrap();
}

/// A client, line by line.
struct Wire {
    stream: BufReader<Stream>,
}

impl Wire {
    async fn send(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.stream.get_mut().write_all(line.as_bytes()).await.unwrap();
        self.stream.get_mut().flush().await.unwrap();
    }
    /// The next line; nobody is ever told BYE.
    async fn line(&mut self) -> String {
        let line = self.any_line().await;
        assert!(!line.is_empty() && !line.starts_with("* BYE"), "{line:?}");
        line
    }
    async fn any_line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
    /// An IMAP command that ends with OK; what came before that.
    async fn ok(&mut self, command: &str) -> Vec<String> {
        self.send(&format!("t {command}")).await;
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            if line.starts_with("t ") {
                assert!(line.starts_with("t OK"), "{command}: {line}");
                return lines;
            }
            lines.push(line);
        }
    }
    async fn until(&mut self, expect: &str) {
        let mut heard = Vec::new();
        while !heard.last().is_some_and(|line: &String| line.starts_with(expect)) {
            // Virtual time: whatever comes, comes by then.
            let line = tokio::time::timeout(Duration::from_secs(60), self.line()).await;
            heard.push(line.unwrap_or_else(|_| panic!("{expect} does not come after {heard:?}")));
        }
    }
}

#[test]
fn clients_of_other_nodes_see_a_pause_when_the_mailbox_s_node_dies() {
    run(async {
        let world = World::start().await;
        let (owner, [a, b]) = world.owner_and_others();
        let (mut reader, mut idler) = (world.imap(a).await, world.imap(b).await);
        let mut pop3 = world.connect(b, 110).await;
        idler.send("i IDLE").await;
        idler.until("+ idling").await;
        assert!(world.mail(a, "one").await.starts_with("250 2.0.0 Delivered"));
        idler.until("* 1 EXISTS").await;
        assert!(reader.ok("NOOP").await.contains(&"* 1 EXISTS".to_owned()));
        pop3.line().await;
        for line in [format!("USER {ANNA}"), "PASS pass".to_owned()] {
            pop3.send(&line).await;
            assert!(pop3.line().await.starts_with("+OK"));
        }

        world.kill(owner).await;
        let killed = world.client.now_micros();
        let (fetched, second, third) = tokio::join!(
            reader.ok("STORE 1 +FLAGS (\\Flagged)"),
            world.mail(a, "two"),
            world.mail(b, "three")
        );
        let away = Duration::from_micros(world.client.now_micros() - killed);
        assert!(away < FAILOVER_MAX, "{away:?}");
        assert!(away > Duration::from_millis(800), "it was no failover: {away:?}");
        assert!(fetched.iter().any(|line| line.contains("\\Flagged")), "{fetched:?}");
        assert!(second.starts_with("250 2.0.0 Delivered"), "{second}");
        assert!(third.starts_with("250 2.0.0 Delivered"), "{third}");
        idler.until("* 3 EXISTS").await;
        idler.send("DONE").await;
        idler.until("i OK Idle completed").await;
        reader.ok("NOOP").await;
        let uids = reader.ok("FETCH 1:* (UID)").await;
        assert_eq!(uids, ["* 1 FETCH (UID 1)", "* 2 FETCH (UID 2)", "* 3 FETCH (UID 3)"]);
        assert_eq!(reader.ok("UID SEARCH FLAGGED").await.len(), 1);
        // The maildrop of the POP3 session is as it was.
        pop3.send("STAT").await;
        assert!(pop3.line().await.starts_with("+OK 1 "));
        pop3.send("QUIT").await;
        assert!(pop3.line().await.starts_with("+OK"));
    });
}

#[test]
fn a_sign_in_and_a_suspension_reach_across_nodes_while_one_is_dead() {
    run(async {
        let world = World::start().await;
        let (owner, [a, b]) = world.owner_and_others();
        world.kill(owner).await;
        // Signing in and opening the folder waits for the mailbox.
        let (mut here, mut there) = tokio::join!(world.imap(a), world.imap(b));
        let ground = world.nodes[a].1.ground();
        let found = ground
            .access
            .sessions_everywhere(hongyan_access::SessionFilter::All, None, 9)
            .await;
        assert_eq!(found.found.len(), 2);
        assert_eq!(found.silent, [NodeId(owner as u64 + 1)]);
        let change = AccountChange {
            state: Field::Set(AccountState::Suspended),
            ..AccountChange::default()
        };
        let start = world.client.now_micros();
        ground
            .directory
            .change_account(world.mailbox.account, &change)
            .await
            .unwrap();
        ground.access.account_changed(world.mailbox.account).await.unwrap();
        for wire in [&mut here, &mut there] {
            let line = wire.any_line().await;
            assert!(line.contains(Revocation::Suspended.text()), "{line}");
        }
        let took = Duration::from_micros(world.client.now_micros() - start);
        assert!(took < Duration::from_secs(1), "{took:?}");
    });
}

#[test]
fn gen_3_an_import_goes_on_when_its_node_dies() {
    run(async {
        let world = World::start().await;
        let (owner, [a, _]) = world.owner_of(&TaskId(1));
        let mut file = "name,address\n".to_owned();
        for n in 0..1_000 {
            let local = if n % 10 == 3 { "no one" } else { "user" };
            writeln!(file, "User {n},{local}{n}@example.test").unwrap();
        }
        let import = async |node: usize| {
            let api = world.nodes[node].1.admin().layer(Extension(Actor::socket()));
            let request = Request::post("/api/imports/members?take_good=true").header("content-type", "text/csv");
            let request = request.body(Body::from(file.clone())).unwrap();
            let response = api.oneshot(request).await.unwrap();
            let status = response.status();
            let octets = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(status, 202, "{}", String::from_utf8_lossy(&octets));
        };
        let ended = async |task: TaskId| -> TaskRecord {
            loop {
                let shown = world.nodes[a].1.tasks().show(world.mailbox.tenant, task).await.unwrap();
                if shown.state != TaskState::Running {
                    return shown;
                }
                world.client.sleep(Duration::from_millis(50)).await;
            }
        };
        // It is asked for where it does not run, and begins after the failover.
        world.kill(owner).await;
        let killed = world.client.now_micros();
        import(a).await;
        let done = ended(TaskId(1)).await;
        assert_eq!((done.state, done.good, done.bad), (TaskState::Done, 900, 100));
        let away = Duration::from_micros(world.client.now_micros() - killed);
        assert!(away > Duration::from_millis(800), "it was no failover: {away:?}");
        let owner = world.nodes[a].1.ground().directory.tenant(world.mailbox.tenant).await;
        assert_eq!(owner.unwrap().counts.accounts, 901, "each is made once, beside anna");
        // What is there already is not made again.
        import(a).await;
        let again = ended(TaskId(2)).await;
        assert_eq!((again.good, again.bad), (0, 1_000));
    });
}

#[test]
fn every_ask_outlasts_a_failover() {
    let ask = Duration::from_secs(20);
    assert!(hongyan_session_imap::ImapSettings::default().ask_timeout > ask);
    assert!(hongyan_session_pop3::Pop3Settings::default().mailbox_timeout > ask);
    let host = Domain::try_from("a.test").unwrap();
    let delivery = hongyan_delivery::DeliverySettings::new(host.clone());
    assert!(delivery.mailbox_timeout > ask);
    let smtp = hongyan_session_smtp::SmtpSettings::new(hongyan_smtp::server::Mode::Smtp, host);
    assert!(smtp.delivery_timeout > delivery.mailbox_timeout);
}
