//! SCRAM-SHA-256-PLUS over real TLS, as a client with rustls sees it: IMAP, POP3 and submission, TLS 1.3 and 1.2.
//!
//! Whoever sits between client and server has another channel with each, and can hide that the server offers -PLUS: both
//! must be refused. TLS 1.2 has no exporter binding (RFC 9266 §3) and tls-unique is nowhere on offer.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hongyan_conformance::node::{Node, PASSWORD};
use hongyan_sasl::{BindingKind, ChannelBinding, Client, Credentials, Mechanism, Secret};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use sha2::Digest as _;

const USER: &str = "user1@example.test";
const PATIENCE: Duration = Duration::from_secs(60);

/// How a protocol frames an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Imap,
    Pop3,
    Submission,
}

impl Dialect {
    fn port(self) -> u16 {
        match self {
            Self::Imap => 993,
            Self::Pop3 => 995,
            Self::Submission => 465,
        }
    }
    /// What asks for the mechanisms, and how its last line begins.
    fn ask(self) -> (&'static str, &'static str) {
        match self {
            Self::Imap => ("c CAPABILITY", "c OK"),
            Self::Pop3 => ("CAPA", "."),
            Self::Submission => ("EHLO client.test", "250 "),
        }
    }
    fn auth(self) -> &'static str {
        match self {
            Self::Imap => "a AUTHENTICATE",
            Self::Pop3 | Self::Submission => "AUTH",
        }
    }
    fn challenge(self) -> &'static str {
        match self {
            Self::Imap | Self::Pop3 => "+ ",
            Self::Submission => "334 ",
        }
    }
    /// How success and refusal begin.
    fn verdicts(self) -> (&'static str, &'static str) {
        match self {
            Self::Imap => ("a OK", "a NO [AUTHENTICATIONFAILED]"),
            Self::Pop3 => ("+OK", "-ERR [AUTH]"),
            Self::Submission => ("235 ", "535 5.7.8"),
        }
    }
}

struct Session {
    dialect: Dialect,
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
}

impl Session {
    fn connect(node: &Node, dialect: Dialect, version: &'static SupportedProtocolVersion) -> Result<Self> {
        let certificate = node.folder().join("node/tls/certificate.pem");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).context("read the certificate")?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[version])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut socket = TcpStream::connect(("127.0.0.1", node.port(dialect.port())))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut tls = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        let mut session = Self {
            dialect,
            stream: BufReader::new(StreamOwned::new(tls, socket)),
        };
        session.line()?;
        let (ask, last) = dialect.ask();
        session.say(ask)?;
        let mut offered = String::new();
        loop {
            let line = session.line()?;
            offered.push_str(&line);
            if line.starts_with(last) {
                break;
            }
        }
        ensure!(offered.contains("SCRAM-SHA-256-PLUS"), "{dialect:?}: {offered}");
        Ok(session)
    }
    fn say(&mut self, line: &str) -> Result<()> {
        Ok(self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes())?)
    }
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line)? > 0, "closed");
        Ok(line)
    }
    /// The channel's own binding.
    fn binding(&self, kind: BindingKind) -> Result<ChannelBinding> {
        let tls = &self.stream.get_ref().conn;
        let data = match kind {
            BindingKind::TlsExporter => tls
                .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[]))?
                .to_vec(),
            BindingKind::TlsServerEndPoint => {
                let chain = tls.peer_certificates().context("a certificate")?;
                sha2::Sha256::digest(chain.first().context("a certificate")?).to_vec()
            }
        };
        Ok(ChannelBinding { kind, data })
    }
    /// Runs an exchange in which `answer` answers challenges; the verdict.
    fn exchange(&mut self, mechanism: Mechanism, mut answer: impl FnMut(&[u8]) -> Result<Vec<u8>>) -> Result<bool> {
        self.say(&format!("{} {mechanism}", self.dialect.auth()))?;
        loop {
            let line = self.line()?;
            if line.starts_with("* ") {
                continue;
            }
            if let Some(challenge) = line.strip_prefix(self.dialect.challenge()) {
                let response = answer(&STANDARD.decode(challenge.trim_end())?)?;
                self.say(&STANDARD.encode(response))?;
                continue;
            }
            let (accepted, refused) = self.dialect.verdicts();
            if line.starts_with(accepted) {
                return Ok(true);
            }
            if line.starts_with(refused) {
                return Ok(false);
            }
            bail!("{:?}: {line}", self.dialect);
        }
    }
    fn bound(&mut self, binding: ChannelBinding) -> Result<bool> {
        let credentials = Credentials {
            authzid: None,
            authcid: USER.to_owned(),
            password: Secret::new(PASSWORD),
        };
        let mechanism = Mechanism::ScramSha256Plus;
        let mut client = Client::start(mechanism, credentials, Some(binding), [5; 18])?;
        let signed_in = self.exchange(mechanism, |challenge| Ok(client.respond(challenge)?))?;
        if signed_in {
            client.succeeded()?;
        }
        Ok(signed_in)
    }
    /// An exchange that gets no further than the client's first message.
    fn begin(&mut self, mechanism: Mechanism, first: &str) -> Result<bool> {
        self.exchange(mechanism, |challenge| {
            ensure!(challenge.is_empty(), "the server went on after {first}");
            Ok(first.as_bytes().to_vec())
        })
    }
}

fn check(
    node: &Node,
    dialect: Dialect,
    version: &'static SupportedProtocolVersion,
    kinds: &[BindingKind],
) -> Result<()> {
    let connect = || Session::connect(node, dialect, version);
    for kind in kinds {
        let mut session = connect()?;
        let right = session.binding(*kind)?;
        let mut wrong = right.clone();
        wrong.data[0] ^= 1;
        ensure!(
            !session.bound(wrong)?,
            "{dialect:?} {version:?}: a wrong {}",
            kind.name()
        );
        ensure!(session.bound(right)?, "{dialect:?} {version:?}: {}", kind.name());
        // The binding of one connection is none of another.
        if *kind == BindingKind::TlsExporter {
            let other = connect()?.binding(*kind)?;
            ensure!(!connect()?.bound(other)?, "{dialect:?}: another connection's binding");
        }
    }
    let bare = format!("n={USER},r=fyko+d2lbbFgONRv9qkxdawL");
    let mut session = connect()?;
    // RFC 5802 §6: "y" says that the server was not seen to offer -PLUS, which it did.
    let hidden = session.begin(Mechanism::ScramSha256, &format!("y,,{bare}"))?;
    ensure!(!hidden, "{dialect:?} {version:?}: downgrade");
    let mut absent = vec!["tls-unique"];
    if !kinds.contains(&BindingKind::TlsExporter) {
        absent.push("tls-exporter");
    }
    for name in absent {
        let taken = session.begin(Mechanism::ScramSha256Plus, &format!("p={name},,{bare}"))?;
        ensure!(!taken, "{dialect:?} {version:?}: {name}");
    }
    // -PLUS without a binding is no -PLUS.
    ensure!(!session.begin(Mechanism::ScramSha256Plus, &format!("n,,{bare}"))?);
    Ok(())
}

#[test]
fn sign_in_is_bound_to_the_channel() -> Result<()> {
    let mut node = Node::start()?;
    for dialect in [Dialect::Imap, Dialect::Pop3, Dialect::Submission] {
        let both = [BindingKind::TlsExporter, BindingKind::TlsServerEndPoint];
        check(&node, dialect, &rustls::version::TLS13, &both)?;
        check(
            &node,
            dialect,
            &rustls::version::TLS12,
            &[BindingKind::TlsServerEndPoint],
        )?;
    }
    ensure!(node.errors().is_empty(), "{:#?}", node.errors());
    node.stop()
}
