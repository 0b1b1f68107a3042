//! A node in miniature: mailboxes on the memory store behind a real port, and a client that reads lines.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::time::Duration;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use hongyan_access::{Access, AccessOptions};
use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_directory::{AccountSettings, Directory, DirectoryOptions, NewAccount, NewTenant};
use hongyan_env::{Env, Stream};
use hongyan_kv::Database;
use hongyan_listener::{ConnectionLimits, Listener, ListenerParts, ListenerSettings, TlsMode};
use hongyan_mailbox::{
    Append, AppendMessage, FolderRef, MailboxEntity, MailboxId, MailboxOptions, MailboxServices, MessageWriter,
};
use hongyan_memory::MemoryStore;
use hongyan_router::Router;
use hongyan_sasl::Secret;
use hongyan_session_imap::{ImapService, ImapServices, ImapSettings, LoginWithoutTls};
use hongyan_types::{Address, Domain, Timestamp};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub const USER: &str = "anna@example.test";
pub const WITHIN: Duration = Duration::from_secs(10);
const DAY_MILLIS: i64 = 86_400_000;

pub struct Node {
    pub env: Env,
    pub arbiters: Arbiters,
    pub router: Router,
    pub blobs: BlobStore,
    pub directory: Directory,
    pub access: Access,
    pub mailbox: MailboxId,
    pub listener: Listener,
    delivered: std::cell::Cell<u32>,
}

/// What differs from one test to the next.
#[derive(Default)]
pub struct Options {
    pub tls: Option<hongyan_listener::TlsConfig>,
    pub account: AccountSettings,
    pub sessions_max: Option<u32>,
    pub quota_octets: Option<u64>,
    pub append_octets_max: Option<u64>,
    pub batches_ahead_max: Option<usize>,
}

impl Node {
    pub async fn start(options: Options) -> Self {
        let env = Env::real();
        let arbiters = Arbiters::start(1);
        let database = Database::new(MemoryStore::default());
        let (clock, random) = (env.clone(), env.clone());
        let sources = Sources {
            wall_millis: Arc::new(move || clock.wall_millis()),
            random: Arc::new(move |bytes: &mut [u8]| random.fill_random(bytes)),
        };
        let blobs = BlobStore::open(database.clone(), BlobOptions::default(), sources)
            .await
            .unwrap();
        let router = Router::new(env.clone(), arbiters.clone());
        let mut mailbox_options = MailboxOptions::default();
        mailbox_options.quota.octets_max = options.quota_octets.unwrap_or(0);
        let services = MailboxServices {
            database: database.clone(),
            blobs: blobs.clone(),
            env: env.clone(),
            hints: router.hints(),
            options: mailbox_options,
        };
        router.serve::<MailboxEntity>(services, EntityOptions::default());
        let (directory, access, mailbox) = account(&env, &database, &options).await;
        let services = ImapServices {
            env: env.clone(),
            database,
            blobs: blobs.clone(),
            router: router.clone(),
            access: access.clone(),
        };
        let mut settings = ImapSettings {
            login_without_tls: LoginWithoutTls::Loopback,
            ..ImapSettings::default()
        };
        if let Some(octets) = options.append_octets_max {
            settings.limits.append_octets_max = octets;
        }
        if let Some(batches) = options.batches_ahead_max {
            settings.batches_ahead_max = batches;
        }
        let listener = Listener::start(ListenerParts {
            env: env.clone(),
            arbiters: arbiters.clone(),
            address: ([127, 0, 0, 1], 0).into(),
            tls: options.tls.map_or(TlsMode::Never, TlsMode::Upgrade),
            service: Arc::new(ImapService::new(services, settings)),
            limits: ConnectionLimits::new(100, 100),
            settings: ListenerSettings::default(),
        })
        .await
        .unwrap();
        Self {
            env,
            arbiters,
            router,
            blobs,
            directory,
            access,
            mailbox,
            listener,
            delivered: std::cell::Cell::new(0),
        }
    }

    /// Puts `mail` into INBOX as a delivery would.
    pub async fn put(&self, mail: &[u8], days_old: i64) {
        let mut writer = MessageWriter::new(&self.blobs, self.mailbox.tenant);
        writer.push(mail).await.unwrap();
        let message = AppendMessage {
            message: writer.finish().await.unwrap(),
            flags: Vec::new(),
            internal_date: Some(Timestamp {
                millis: self.env.wall_millis() - days_old * DAY_MILLIS,
            }),
        };
        let request = Append {
            folder: FolderRef::INBOX,
            messages: vec![message],
        };
        self.router.ask(&self.mailbox, request, WITHIN).await.unwrap().unwrap();
    }

    /// Puts a small mail with that subject into INBOX.
    pub async fn deliver(&self, subject: &str) {
        let number = self.delivered.get() + 1;
        self.delivered.set(number);
        let mail = format!(
            "From: Ben <ben@example.test>\r\nTo: {USER}\r\nSubject: {subject}\r\nMessage-ID: <{number}@example.test>\r\n\
             Date: Thu, {number} Jan 2026 10:00:00 +0000\r\n\r\nText of {subject}.\r\n"
        );
        self.put(mail.as_bytes(), 0).await;
    }

    pub async fn connect(&self) -> Client<Stream> {
        Client::new(self.env.connect(self.listener.local_address()).await.unwrap())
    }

    /// A client that has logged in; its greeting is read.
    pub async fn login(&self) -> Client<Stream> {
        let mut client = self.connect().await;
        client.line().await;
        let answer = client.ask("LOGIN anna@example.test pass").await;
        assert!(answer.last().unwrap().contains(" OK "), "{answer:?}");
        client
    }

    pub async fn stop(self) {
        drop(self.listener);
        self.arbiters.stop(&self.env, Duration::from_secs(1)).await;
    }
}

async fn account(env: &Env, database: &Database, options: &Options) -> (Directory, Access, MailboxId) {
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("example.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    let access_options = AccessOptions {
        argon2_memory_kib: 64,
        argon2_passes: 1,
        scram_iterations: 4096,
        sessions_per_account_max: options.sessions_max.unwrap_or(30),
        ..AccessOptions::default()
    };
    let access = Access::open(directory.clone(), database, env.clone(), access_options)
        .await
        .unwrap();
    let new = NewAccount {
        credential: Some(access.hash_password(&Secret::new("pass")).await.unwrap()),
        settings: Some(options.account),
        ..NewAccount::at(Address::try_from(USER).unwrap())
    };
    let account = directory.create_account(&new).await.unwrap().id;
    (directory, access, MailboxId { tenant, account })
}

/// A client that speaks lines.
pub struct Client<S> {
    pub stream: S,
    input: Vec<u8>,
    tag: u32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            input: Vec::new(),
            tag: 0,
        }
    }

    pub async fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
    }

    /// The next line without its end; empty at the end of the stream.
    pub async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                return String::from_utf8_lossy(&line).trim_end().to_owned();
            }
            let mut buffer = [0; 16 * 1024];
            let read = tokio::time::timeout(WITHIN, self.stream.read(&mut buffer));
            match read.await.expect("an answer in time") {
                Ok(0) | Err(_) => return String::new(),
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
            }
        }
    }

    /// Exactly `count` octets.
    pub async fn octets(&mut self, count: usize) -> Vec<u8> {
        while self.input.len() < count {
            let mut buffer = [0; 16 * 1024];
            let read = tokio::time::timeout(WITHIN, self.stream.read(&mut buffer));
            match read.await.expect("an answer in time").unwrap() {
                0 => panic!("stream ended"),
                read => self.input.extend_from_slice(&buffer[..read]),
            }
        }
        self.input.drain(..count).collect()
    }

    /// Sends a command and reads up to its tagged answer.
    pub async fn ask(&mut self, command: &str) -> Vec<String> {
        self.tag += 1;
        let tag = format!("t{} ", self.tag);
        self.send(format!("{tag}{command}\r\n").as_bytes()).await;
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            assert!(
                !line.is_empty() || !lines.is_empty(),
                "connection closed after {command}"
            );
            let last = line.starts_with(&tag) || line.starts_with("* BYE");
            lines.push(line);
            if last {
                return lines;
            }
        }
    }

    /// Sends a command that must be answered OK.
    pub async fn ok(&mut self, command: &str) -> Vec<String> {
        let lines = self.ask(command).await;
        assert!(lines.last().unwrap().contains(" OK "), "{command}: {lines:?}");
        lines
    }

    pub async fn append(&mut self, folder: &str, mail: &[u8]) -> String {
        self.tag += 1;
        let head = format!("t{} APPEND {folder} {{{}+}}\r\n", self.tag, mail.len());
        self.send(head.as_bytes()).await;
        self.send(mail).await;
        self.send(b"\r\n").await;
        self.line().await
    }
}

impl Client<Stream> {
    /// TLS from here on; what was read before is forgotten.
    pub async fn start_tls(self, certificate_pem: &str) -> Client<tokio_rustls::client::TlsStream<Stream>> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        Client::new(connector.connect(name, self.stream).await.unwrap())
    }
}

/// Both directions of COMPRESS=DEFLATE over a client's stream.
pub struct Deflated<S> {
    stream: S,
    deflate: Compress,
    inflate: Decompress,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Deflated<S> {
    pub fn new(client: Client<S>) -> Self {
        Self {
            stream: client.stream,
            deflate: Compress::new(Compression::fast(), false),
            inflate: Decompress::new(false),
        }
    }

    /// Sends `command` and reads until its tagged answer has come.
    pub async fn ask(&mut self, tag: &str, command: &str) -> String {
        let line = format!("{tag} {command}\r\n");
        let mut compressed = Vec::with_capacity(1_024);
        self.deflate
            .compress_vec(line.as_bytes(), &mut compressed, FlushCompress::Sync)
            .unwrap();
        self.stream.write_all(&compressed).await.unwrap();
        let mut text = Vec::with_capacity(64 * 1_024);
        loop {
            let mut buffer = [0; 4_096];
            let read = tokio::time::timeout(WITHIN, self.stream.read(&mut buffer));
            let count = read.await.expect("an answer in time").unwrap();
            self.inflate
                .decompress_vec(&buffer[..count], &mut text, FlushDecompress::Sync)
                .unwrap();
            let text = String::from_utf8_lossy(&text);
            if text.lines().any(|line| line.starts_with(&format!("{tag} "))) {
                return text.into_owned();
            }
        }
    }
}
