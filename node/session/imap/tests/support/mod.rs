//! A node in miniature: mailboxes on the memory store behind a real port, and a client that reads lines.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use hongyan_env::Stream;
use hongyan_listener::{Listener, TlsMode};
use hongyan_mailbox::FolderRef;
pub use hongyan_miniature::{Miniature, USER, WITHIN};
use hongyan_session_imap::{ImapService, ImapServices, ImapSettings, LoginWithoutTls};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// IMAP on a node in miniature.
pub struct Node {
    miniature: Miniature,
    pub listener: Listener,
    delivered: std::cell::Cell<u32>,
}

/// What differs from one test to the next.
#[derive(Default)]
pub struct Options {
    pub tls: Option<hongyan_listener::TlsConfig>,
    pub node: hongyan_miniature::Options,
    pub append_octets_max: Option<u64>,
    pub batches_ahead_max: Option<usize>,
}

impl std::ops::Deref for Node {
    type Target = Miniature;
    fn deref(&self) -> &Miniature {
        &self.miniature
    }
}

impl Node {
    pub async fn start(options: Options) -> Self {
        let miniature = Miniature::start(&options.node).await;
        let services = ImapServices {
            env: miniature.env.clone(),
            database: miniature.database.clone(),
            blobs: miniature.blobs.clone(),
            router: miniature.router.clone(),
            access: miniature.access.clone(),
            directory: miniature.directory.clone(),
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
        let tls = options.tls.map_or(TlsMode::Never, TlsMode::Upgrade);
        let listener = miniature.listen(ImapService::new(services, settings), tls).await;
        Self {
            miniature,
            listener,
            delivered: std::cell::Cell::new(0),
        }
    }

    /// Puts `mail` into INBOX as a delivery would.
    pub async fn put(&self, mail: &[u8], days_old: i64) {
        self.append(FolderRef::INBOX, mail, days_old).await;
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
        self.miniature.stop().await;
    }
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
