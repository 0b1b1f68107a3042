//! Synchronisations with an LDAP server of the test's own that hangs, has no end or goes away, and nodes that are lost meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_audit::Author;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_fetch::{FetchOptions, Fetcher};
use hongyan_ldap::{AttributeRule, Departments, Ldap, LdapChange, LdapOptions, LdapSettings, Master, PersonField};
use hongyan_miniature::Organisation;
use hongyan_router::Router;
use hongyan_types::{AddressRanges, TenantId};
use hongyan_upkeep::{SyncDirectory, TaskEntity, TaskRecord, TaskServices, TaskState, Tasks, UpkeepOptions, Work};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What the server does when it is asked for its people.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    /// It has so many, and says so.
    Has(usize),
    /// It sends so many, and no word more.
    Hangs(usize),
    /// It sends so many, and is gone.
    GoesAway(usize),
    /// It hangs the first time, and has so many the next.
    HangsOnce(usize),
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut whole = vec![tag, 0x82];
    whole.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    whole.extend(body);
    whole
}

fn message(id: u8, body: &[u8]) -> Vec<u8> {
    element(0x30, &[&[2, 1, id], body])
}

fn person(id: u8, number: usize) -> Vec<u8> {
    let attribute = |name: &str, value: String| {
        let value = element(4, &[value.as_bytes()]);
        element(0x30, &[&element(4, &[name.as_bytes()]), &element(0x31, &[&value])])
    };
    let attributes = [
        attribute("entryUUID", format!("u-{number}")),
        attribute("mail", format!("p{number}@d.test")),
        attribute(
            "nick",
            if number == 3 {
                "Аdmin".to_owned()
            } else {
                format!("P {number}")
            },
        ),
    ];
    let name = format!("cn=p{number},dc=d,dc=test");
    let body = [
        &element(4, &[name.as_bytes()])[..],
        &element(0x30, &[&attributes.concat()]),
    ];
    message(id, &element(0x64, &body))
}

impl Server {
    /// Serves on a port, with a certificate that it gives.
    async fn serve(self, env: &Env, asked: Arc<AtomicUsize>) -> (u16, CertificateDer<'static>) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key.into())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = env.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = listener.local_address().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, asked) = (acceptor.clone(), Arc::clone(&asked));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        self.answer(stream, &asked).await;
                    }
                });
            }
        });
        (port, certificate)
    }

    async fn answer<S: AsyncReadExt + AsyncWriteExt + Unpin>(self, mut stream: S, asked: &AtomicUsize) {
        let mut request = vec![0; 16_384];
        let Ok(1..) = stream.read(&mut request).await else {
            return;
        };
        // The only request is a search, without a bind: RFC 4511 §4.1.1 has the number behind the length.
        let head = if request[1] < 0x80 {
            2
        } else {
            2 + usize::from(request[1] & 0x7f)
        };
        let id = request[head + 2];
        let again = asked.fetch_add(1, Ordering::Relaxed) > 0;
        let (people, ends) = match self {
            Self::Has(people) => (people, true),
            Self::HangsOnce(people) if again => (people, true),
            Self::HangsOnce(_) => (0, false),
            Self::Hangs(people) | Self::GoesAway(people) => (people, false),
        };
        for number in 0..people {
            if stream.write_all(&person(id, number)).await.is_err() {
                return;
            }
        }
        if ends {
            let outcome = element(0x65, &[&[0x0a, 1, 0, 4, 0, 4, 0]]);
            let _ = stream.write_all(&message(id, &outcome)).await;
        }
        let _ = stream.flush().await;
        if !matches!(self, Self::GoesAway(_)) {
            // Until the other side is gone.
            let _ = stream.read(&mut request).await;
        }
    }
}

struct Ground {
    env: Env,
    arbiters: Arbiters,
    router: Router,
    directory: Directory,
    ldap: Ldap,
    tasks: Tasks,
    tenant: TenantId,
    /// How often the server was asked for its people.
    asked: Arc<AtomicUsize>,
}

fn settings(port: u16) -> LdapSettings {
    LdapSettings {
        url: format!("ldaps://127.0.0.1:{port}"),
        bind_name: String::new(),
        password: None,
        base: "dc=d,dc=test".to_owned(),
        filter: "(mail=*)".to_owned(),
        identifier: "entryUUID".to_owned(),
        rules: vec![AttributeRule {
            field: PersonField::Address,
            attribute: "mail".to_owned(),
            master: Master::Directory,
        }],
        departments: Departments::None,
        department_master: Master::Hongyan,
        adopt: false,
        every_minutes: 0,
        disable_percent_max: 10,
        bind_sign_in: false,
    }
}

impl Ground {
    async fn new(server: Server, options: LdapOptions) -> Self {
        let env = Env::real();
        let asked = Arc::new(AtomicUsize::new(0));
        let (port, root) = server.serve(&env, Arc::clone(&asked)).await;
        let Organisation {
            database,
            directory,
            access,
            tenant,
        } = Organisation::new(&env, "d.test").await;
        let fetching = FetchOptions {
            networks: AddressRanges::read(&["127.0.0.1"]).unwrap().0,
            roots: vec![root],
            ..FetchOptions::default()
        };
        let fetcher = Fetcher::new(env.clone(), fetching).unwrap();
        let ldap = Ldap::new(env.clone(), database, directory.clone(), access, fetcher, options);
        let change = LdapChange {
            settings: settings(port),
            keep_password: false,
        };
        ldap.set_settings(&directory, tenant, &change).await.unwrap();
        let arbiters = Arbiters::start(1);
        let router = Router::new(env.clone(), arbiters.clone());
        let this = Self {
            tasks: Tasks::new(env.clone(), directory.clone(), router.clone(), UpkeepOptions::default()),
            env,
            arbiters,
            router,
            directory,
            ldap,
            tenant,
            asked,
        };
        this.serve();
        this
    }

    /// From now on another node has the tasks: what the one before held in memory alone is gone.
    fn serve(&self) {
        let services = TaskServices {
            env: self.env.clone(),
            directory: self.directory.clone(),
            ldap: Some(self.ldap.clone()),
            lists: hongyan_upkeep::Lists::default(),
            mail: None,
        };
        self.router
            .serve_everywhere::<TaskEntity>(services, EntityOptions::default());
    }

    async fn begin(&self) -> TaskRecord {
        let sync = SyncDirectory { dry_run: false };
        let begun = self.tasks.sync_directory(self.tenant, Author::system(), sync);
        begun.await.unwrap()
    }

    /// The task at its end; `meanwhile` sees it before that, again and again.
    async fn end(&self, begun: &TaskRecord, mut meanwhile: impl FnMut(&TaskRecord)) -> TaskRecord {
        loop {
            let task = self.tasks.show(self.tenant, begun.id).await.unwrap();
            if task.state != TaskState::Running {
                return task;
            }
            meanwhile(&task);
            let _ = self.router.ask(&begun.id, Work, Duration::from_secs(5)).await;
            self.env.sleep(Duration::from_millis(2)).await;
        }
    }

    async fn count(&self) -> u64 {
        self.directory.tenant(self.tenant).await.unwrap().counts.accounts
    }
}

fn on_ground<F: Future<Output = Ground>>(server: Server, options: LdapOptions, test: impl FnOnce(Ground) -> F) {
    hongyan_actor::run(1, async {
        let ground = test(Ground::new(server, options).await).await;
        ground.arbiters.stop(&ground.env, Duration::from_secs(1)).await;
    });
}

/// The synchronisation fails with these words, and has changed nothing.
fn check_failure(server: Server, options: LdapOptions, expect: &str) {
    on_ground(server, options, async |ground: Ground| {
        let begun = ground.begin().await;
        let task = ground.end(&begun, |_| ()).await;
        assert_eq!((task.state, task.note.as_str()), (TaskState::Failed, expect));
        assert_eq!((task.total, task.position, task.good), (0, 0, 0));
        assert_eq!(ground.count().await, 0);
        ground
    });
}

#[test]
fn org_14_a_directory_that_hangs_changes_nothing() {
    let options = LdapOptions {
        read_within: Duration::from_secs(1),
        ..LdapOptions::default()
    };
    check_failure(
        Server::Hangs(20),
        options,
        "the LDAP directory has not answered all within 1 s; nothing was done",
    );
}

#[test]
fn org_14_a_directory_of_a_million_entries_changes_nothing() {
    let options = LdapOptions {
        entries_max: 2_000,
        ..LdapOptions::default()
    };
    check_failure(
        Server::Has(1_000_000),
        options,
        "the LDAP directory has more than ldap.entries_max entries (2000); nothing was done",
    );
}

#[test]
fn org_14_a_directory_that_goes_away_changes_nothing() {
    on_ground(Server::GoesAway(50), LdapOptions::default(), async |ground: Ground| {
        let begun = ground.begin().await;
        let task = ground.end(&begun, |_| ()).await;
        assert_eq!(task.state, TaskState::Failed);
        assert!(task.note.starts_with("the LDAP directory has hung up"), "{}", task.note);
        assert_eq!(ground.count().await, 0);
        ground
    });
}

#[test]
fn set_5_whose_nickname_is_refused_is_told_of_and_the_others_come() {
    on_ground(Server::Has(5), LdapOptions::default(), async |ground: Ground| {
        let mut settings = ground.ldap.settings(ground.tenant).await.unwrap().unwrap();
        settings.rules.push(AttributeRule {
            field: PersonField::Nickname,
            attribute: "nick".to_owned(),
            master: Master::Directory,
        });
        let change = LdapChange {
            settings,
            keep_password: false,
        };
        let set = ground
            .ldap
            .set_settings(&ground.directory, ground.tenant, &change)
            .await;
        set.unwrap();
        let begun = ground.begin().await;
        let task = ground.end(&begun, |_| ()).await;
        assert_eq!(
            (task.state, task.good, task.bad),
            (TaskState::Done, 4, 1),
            "{}",
            task.note
        );
        let problems = ground.tasks.problems(ground.tenant, task.id, 0, 10).await.unwrap();
        let reasons: Vec<_> = problems.iter().flat_map(|row| &row.problems).collect();
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert!(reasons[0].reason.starts_with("nickname: "), "{reasons:?}");
        ground
    });
}

#[test]
fn org_14_a_synchronisation_survives_its_node() {
    const PEOPLE: usize = 600;
    on_ground(Server::Has(PEOPLE), LdapOptions::default(), async |ground: Ground| {
        let begun = ground.begin().await;
        let mut moved = 0;
        let lose = |task: &TaskRecord| {
            // Three times while members change.
            if task.position > 0 && moved < 3 {
                ground.serve();
                moved += 1;
            }
        };
        let task = ground.end(&begun, lose).await;
        assert_eq!((task.state, task.bad), (TaskState::Done, 0), "{}", task.note);
        assert_eq!(ground.count().await, PEOPLE as u64);
        ground
    });
}

#[test]
fn org_14_a_node_lost_while_it_reads_leaves_the_reading_to_another() {
    on_ground(Server::HangsOnce(30), LdapOptions::default(), async |ground: Ground| {
        let begun = ground.begin().await;
        let mut lost = false;
        let lose = |_: &TaskRecord| {
            if !lost && ground.asked.load(Ordering::Relaxed) > 0 {
                ground.serve();
                lost = true;
            }
        };
        let task = ground.end(&begun, lose).await;
        assert_eq!((task.state, task.good), (TaskState::Done, 30), "{}", task.note);
        assert_eq!(ground.count().await, 30);
        ground
    });
}
