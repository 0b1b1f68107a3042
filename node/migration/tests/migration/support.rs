//! A mailbox here, and sources to fetch from.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::time::Duration;

use hongyan_actor::EntityOptions;
use hongyan_audit::Author;
use hongyan_listener::{Listener, TlsMode};
use hongyan_mailbox::{FolderRef, ListFolders, OpenFolder};
use hongyan_migration::{
    Credentials, Dialer, Migration, MigrationEntity, MigrationOptions, MigrationServices, MigrationState, Migrations,
    Moving, NewMigration, Protocol, Source, Tls,
};
use hongyan_miniature::{Miniature, Options, PASSWORD, USER, WITHIN};
use hongyan_sasl::Secret;
use hongyan_session_imap::{ImapService, ImapServices, ImapSettings, LoginWithoutTls};
use hongyan_session_pop3::{Parts, Pop3Service, Pop3Settings};
use hongyan_types::AddressRanges;
use tokio::sync::Semaphore;

/// Sources that may be asked in tests, and short pauses.
pub fn options() -> MigrationOptions {
    MigrationOptions {
        networks: AddressRanges::read(&["127.0.0.0/8".to_owned()]).unwrap().0,
        clear_allowed: true,
        retry_min: Duration::from_millis(20),
        retry_max: Duration::from_millis(50),
        full_pause: Duration::from_millis(50),
        look_period: Duration::from_millis(10),
        ..MigrationOptions::default()
    }
}

/// The node that mail comes to.
pub struct Here {
    pub node: Miniature,
    pub migrations: Migrations,
    services: MigrationServices,
}

impl Here {
    pub async fn start(options: MigrationOptions, node: &Options) -> Self {
        let node = Miniature::start(node).await;
        let dialer = Dialer::new(node.env.clone(), options).unwrap();
        let services = MigrationServices {
            env: node.env.clone(),
            directory: node.directory.clone(),
            router: node.router.clone(),
            blobs: node.blobs.clone(),
            dialer: dialer.clone(),
            sealer: node.directory.sealer().clone(),
            permits: Arc::new(Semaphore::new(4)),
        };
        let migrations = Migrations::new(node.env.clone(), node.directory.clone(), node.router.clone(), dialer);
        let here = Self {
            node,
            migrations,
            services,
        };
        here.serve();
        let (env, router, looked) = (here.node.env.clone(), here.node.router.clone(), here.migrations.clone());
        here.node
            .arbiters
            .spawn(0, move || hongyan_migration::run(env, router, looked));
        here
    }

    /// From now on another node has the migrations: what was under way ends.
    pub fn serve(&self) {
        self.node
            .router
            .serve_everywhere::<MigrationEntity>(self.services.clone(), EntityOptions::default());
    }

    pub async fn create(&self, source: Source) -> Migration {
        let new = NewMigration {
            source,
            source_domain: "example.test".to_owned(),
            target_domain: "example.test".to_owned(),
            delegated: None,
            takes_new: true,
            tells: true,
        };
        let tenant = self.node.mailbox.tenant;
        self.migrations.create(tenant, Author::system(), new).await.unwrap()
    }

    pub async fn moving(&self, migration: &Migration) -> Option<Moving> {
        let mailbox = self.node.mailbox;
        let found = self.migrations.account(mailbox.tenant, migration.id, mailbox.account);
        found.await.ok()
    }

    /// The account once `is` holds of it.
    pub async fn until(&self, migration: &Migration, is: impl Fn(&Moving) -> bool) -> Moving {
        let look = async {
            loop {
                if let Some(moving) = self.moving(migration).await
                    && is(&moving)
                {
                    return moving;
                }
                self.node.env.sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), look).await {
            Ok(moving) => moving,
            Err(_) => panic!("it stays {:?}", self.moving(migration).await),
        }
    }

    pub async fn give(&self, migration: &Migration, login: &str, password: &str) {
        self.until(migration, |_| true).await;
        let credentials = [Credentials {
            account: self.node.mailbox.account,
            login: Some(login.to_owned()),
            password: Secret::new(password),
        }];
        let tenant = self.node.mailbox.tenant;
        let given = self.migrations.set_passwords(tenant, migration.id, &credentials);
        given.await.unwrap();
    }

    pub async fn over(&self, migration: &Migration) -> Moving {
        self.until(migration, |moving| moving.state.is_over()).await
    }

    /// Folders with their messages' subjects and flags, without what is empty.
    pub async fn content(&self) -> Vec<(String, Vec<String>)> {
        content(&self.node).await
    }

    /// Ends all migrations.
    pub async fn end_all(&self) {
        let tenant = self.node.mailbox.tenant;
        for (migration, _) in self.migrations.list(tenant, None, 100).await.unwrap() {
            if migration.state != MigrationState::Ended {
                let ended = self.migrations.set_state(tenant, migration.id, MigrationState::Ended);
                ended.await.unwrap();
            }
        }
    }

    /// All passwords, as they are kept.
    pub async fn secrets(&self) -> Vec<Vec<u8>> {
        let range = hongyan_kv::Tuple::new().string("migration").string("secret").range();
        let query = hongyan_kv::RangeQuery::all(range);
        let pairs = self.node.database.begin().get_range_all(query).await.unwrap();
        pairs.into_iter().map(|pair| pair.value.to_vec()).collect()
    }

    /// The kinds of what is to be told.
    pub async fn notices(&self) -> Vec<String> {
        let mut transaction = self.node.database.begin();
        let due = hongyan_notice::due(&mut transaction, self.node.directory.now(), 100)
            .await
            .unwrap();
        due.into_iter().map(|due| due.notice.kind).collect()
    }

    pub async fn stop(self) {
        self.node.stop().await;
    }
}

pub async fn content(node: &Miniature) -> Vec<(String, Vec<String>)> {
    let listed = node.router.ask(&node.mailbox, ListFolders, WITHIN).await.unwrap();
    let mut content = Vec::new();
    for folder in listed.unwrap().folders.iter() {
        let open = OpenFolder {
            folder: FolderRef::Id(folder.id),
        };
        let view = node
            .router
            .ask(&node.mailbox, open, WITHIN)
            .await
            .unwrap()
            .unwrap()
            .view;
        let mut messages = Vec::new();
        for entry in view.iter() {
            let email = hongyan_mailbox::read_email(&node.database, node.mailbox, entry.email).await;
            let email = email.unwrap().unwrap();
            let subject = email.structure.envelope.subject.unwrap_or_default();
            let keywords: Vec<String> = entry
                .keywords
                .ids()
                .iter()
                .filter_map(|id| view.keywords().name(*id).map(|keyword| keyword.to_string()))
                .collect();
            messages.push(
                format!("{subject} {} {}", flags(entry), keywords.join(" "))
                    .trim_end()
                    .to_owned(),
            );
        }
        if !messages.is_empty() {
            content.push((folder.path.as_str().to_owned(), messages));
        }
    }
    content
}

fn flags(entry: &hongyan_mailbox::MessageEntry) -> String {
    let set = entry.flags.iter();
    set.map(|flag| flag.as_str().trim_start_matches('\\').to_lowercase())
        .collect::<Vec<_>>()
        .join("+")
}

/// A node of ours that mail comes from.
pub struct There {
    pub node: Miniature,
    pub imap: Listener,
    pub pop3: Listener,
}

impl There {
    pub async fn start() -> Self {
        let node = Miniature::start(&Options::default()).await;
        let services = ImapServices {
            env: node.env.clone(),
            database: node.database.clone(),
            blobs: node.blobs.clone(),
            router: node.router.clone(),
            access: node.access.clone(),
            directory: node.directory.clone(),
        };
        let settings = ImapSettings {
            login_without_tls: LoginWithoutTls::Loopback,
            ..ImapSettings::default()
        };
        let imap = node.listen(ImapService::new(services, settings), TlsMode::Never).await;
        let parts = Parts {
            env: node.env.clone(),
            database: node.database.clone(),
            blobs: node.blobs.clone(),
            router: node.router.clone(),
            access: node.access.clone(),
            host: "old.example.test".to_owned(),
            settings: Pop3Settings {
                clear_passwords_on_loopback: true,
                ..Pop3Settings::default()
            },
        };
        let pop3 = node.listen(Pop3Service::new(parts), TlsMode::Never).await;
        Self { node, imap, pop3 }
    }

    pub fn source(&self, protocol: Protocol) -> Source {
        let listener = match protocol {
            Protocol::Imap => &self.imap,
            Protocol::Pop3 => &self.pop3,
        };
        source(protocol, listener.local_address().port())
    }

    pub async fn put(&self, folder: FolderRef, number: usize, octets: usize) {
        self.node.append(folder, &mail(number, octets), 3).await;
    }

    pub async fn stop(self) {
        drop(self.imap);
        drop(self.pop3);
        self.node.stop().await;
    }
}

pub fn source(protocol: Protocol, port: u16) -> Source {
    Source {
        protocol,
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
    }
}

pub fn mail(number: usize, octets: usize) -> Vec<u8> {
    let mut mail = format!(
        "From: Ben <ben@example.test>\r\nTo: {USER}\r\nSubject: m{number}\r\nMessage-ID: <{number}@example.test>\r\n\
         Date: Thu, 1 Jan 2026 10:00:00 +0000\r\n\r\n.Text\r\n"
    )
    .into_bytes();
    while mail.len() < octets {
        mail.extend_from_slice(b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n");
    }
    mail
}

pub const LOGIN: &str = USER;
pub const OLD_PASSWORD: &str = PASSWORD;
