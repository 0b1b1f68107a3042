//! TLS for listeners: certificates, which of them a client gets, and what a session may know of its channel.

mod adopted;
mod end_point;
mod files;
mod seal;
mod self_signed;

use std::sync::Arc;

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ProducesTickets};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

pub use adopted::NamedCertificate;
pub use files::{CertificateFiles, CertificatePem};
pub use seal::Seal;
pub use self_signed::self_signed;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or is not PEM.
    #[error("read {0}")]
    File(std::path::PathBuf, #[source] rustls::pki_types::pem::Error),
    /// The PEM text is not what it should be.
    #[error("read certificate or key")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// There is no certificate.
    #[error("no certificate in the file")]
    Empty,
    /// Certificate and key do not fit, or the key's kind is unknown.
    #[error("use certificate and key")]
    Unusable(#[source] rustls::Error),
    /// A self-signed certificate could not be made.
    #[error("make a certificate")]
    Generate(#[source] rcgen::Error),
}

/// TLS 1.2 or 1.3: there is no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// What a session may know of its TLS channel.
#[derive(Debug, Clone)]
pub struct TlsInfo {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite, as rustls names it.
    pub cipher: &'static str,
    /// The name the client asked for.
    pub server_name: Option<String>,
    /// `tls-exporter` (RFC 9266): only with TLS 1.3, since TLS 1.2 is unique only with extended master secret.
    pub exporter: Option<[u8; 32]>,
    /// `tls-server-end-point` (RFC 5929 §4): absent when the certificate's signature has no hash of its own.
    pub server_end_point: Option<Arc<[u8]>>,
}

/// One certificate, ready to serve.
pub(crate) struct Site {
    certified: Arc<CertifiedKey>,
    mail: Arc<ServerConfig>,
    http: Arc<ServerConfig>,
    pub(crate) server_end_point: Option<Arc<[u8]>>,
}

/// The certificates of the node. Clones share them, and see what [`TlsConfig::reload`] brings.
#[derive(Clone)]
pub struct TlsConfig(Arc<Inner>, Offer);

/// What is offered by ALPN (RFC 7301). Mail protocols have ports of their own and offer nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    Nothing,
    Http,
}

struct Inner {
    files: Vec<CertificateFiles>,
    tickets: Option<Arc<dyn ProducesTickets>>,
    current: RwLock<Arc<Vec<Arc<Site>>>>,
    adopted: RwLock<Arc<adopted::Adopted>>,
    stamp: parking_lot::Mutex<files::Stamp>,
}

impl TlsConfig {
    /// Certificates from files. The first one serves clients that name no host or an unknown one.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn from_files(files: Vec<CertificateFiles>) -> Result<Self, TlsError> {
        let stamp = files::stamp(&files);
        let pem = files
            .iter()
            .map(CertificateFiles::read)
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(files, stamp, &pem)
    }
    /// Certificates from text.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn from_pem(pem: &[CertificatePem]) -> Result<Self, TlsError> {
        Self::new(Vec::new(), files::Stamp::default(), pem)
    }
    fn new(files: Vec<CertificateFiles>, stamp: files::Stamp, pem: &[CertificatePem]) -> Result<Self, TlsError> {
        // Without a ticket key there is no resumption, which only costs returning clients a full handshake.
        let tickets = rustls::crypto::ring::Ticketer::new().ok();
        let sites = sites(pem, tickets.as_ref())?;
        let inner = Inner {
            files,
            tickets,
            current: RwLock::new(Arc::new(sites)),
            adopted: RwLock::default(),
            stamp: parking_lot::Mutex::new(stamp),
        };
        Ok(Self(Arc::new(inner), Offer::Nothing))
    }
    /// The same certificates for a port that speaks HTTP/2 and HTTP/1.1, which clients choose from by ALPN.
    #[must_use]
    pub fn for_http(&self) -> Self {
        Self(Arc::clone(&self.0), Offer::Http)
    }
    /// Reads the files again; on an error the old certificates stay. Connections that exist keep theirs.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn reload(&self) -> Result<(), TlsError> {
        if self.0.files.is_empty() {
            return Ok(());
        }
        let stamp = files::stamp(&self.0.files);
        let pem = self
            .0
            .files
            .iter()
            .map(CertificateFiles::read)
            .collect::<Result<Vec<_>, _>>();
        // What could not be used is not tried again until it changes.
        *self.0.stamp.lock() = stamp;
        let sites = sites(&pem?, self.0.tickets.as_ref())?;
        *self.0.current.write() = Arc::new(sites);
        Ok(())
    }
    /// As [`Self::reload`], if a file has changed since; whether it had.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        if files::stamp(&self.0.files) == *self.0.stamp.lock() {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }
    /// Reloads changed files every `period`, for ever, and logs what it cannot use.
    pub async fn keep_fresh(&self, env: &hongyan_env::Env, period: std::time::Duration) {
        loop {
            env.sleep(period).await;
            match self.reload_if_changed() {
                Ok(false) => {}
                Ok(true) => tracing::info!("certificates reloaded"),
                Err(error) => {
                    tracing::error!(%error, cause = ?std::error::Error::source(&error), "certificates not reloaded");
                }
            }
        }
    }
    /// Picks the certificate for a client.
    pub(crate) fn choose(&self, hello: &ClientHello<'_>) -> Chosen {
        match self.challenge(hello) {
            Some(site) => Chosen { site, offer: self.1 },
            None => self.chosen(hello.server_name()),
        }
    }
    fn chosen(&self, name: Option<&str>) -> Chosen {
        let adopted = Arc::clone(&self.0.adopted.read());
        let site = adopted.named(name).unwrap_or_else(|| {
            let sites = Arc::clone(&self.0.current.read());
            let name = name.and_then(|name| ServerName::try_from(name).ok());
            let serving = name.and_then(|name| sites.iter().find(|site| site.serves(&name)).cloned());
            // What serves a client that names nobody known: there is always one.
            serving
                .or_else(|| adopted.unnamed())
                .unwrap_or_else(|| Arc::clone(&sites[0]))
        });
        Chosen { site, offer: self.1 }
    }
    /// The certificate that clients get who ask for the host `name`, to sign a document with; none when its key signs none.
    #[must_use]
    pub fn seal(&self, name: &str) -> Option<Seal> {
        Seal::new(Arc::clone(&self.chosen(Some(name)).site().certified))
    }
}

/// One of the certificates, kept alive.
pub(crate) struct Chosen {
    site: Arc<Site>,
    offer: Offer,
}

impl Chosen {
    pub(crate) fn site(&self) -> &Site {
        &self.site
    }
    pub(crate) fn config(&self) -> &Arc<ServerConfig> {
        match self.offer {
            Offer::Nothing => &self.site().mail,
            Offer::Http => &self.site().http,
        }
    }
}

impl Site {
    fn serves(&self, name: &ServerName<'_>) -> bool {
        let own = self.certified.end_entity_cert();
        own.and_then(ParsedCertificate::try_from)
            .is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
    }
}

fn sites(pem: &[CertificatePem], tickets: Option<&Arc<dyn ProducesTickets>>) -> Result<Vec<Arc<Site>>, TlsError> {
    let sites = pem
        .iter()
        .map(|pem| site(pem, tickets).map(Arc::new))
        .collect::<Result<Vec<_>, _>>()?;
    if sites.is_empty() {
        Err(TlsError::Empty)
    } else {
        Ok(sites)
    }
}

fn site(pem: &CertificatePem, tickets: Option<&Arc<dyn ProducesTickets>>) -> Result<Site, TlsError> {
    let (chain, key) = pem.parse()?;
    let provider = rustls::crypto::ring::default_provider();
    let certified = CertifiedKey::from_der(chain, key, &provider).map_err(TlsError::Unusable)?;
    site_of(certified, tickets)
}

fn site_of(certified: CertifiedKey, tickets: Option<&Arc<dyn ProducesTickets>>) -> Result<Site, TlsError> {
    let first = certified.cert.first().cloned().ok_or(TlsError::Empty)?;
    let certified = Arc::new(certified);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Unusable)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&certified))));
    if let Some(tickets) = tickets {
        config.ticketer = Arc::clone(tickets);
    }
    // Sessions are resumed by tickets, which cost the server no memory.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    // One ticket is enough for clients that open one connection after another.
    config.send_tls13_tickets = 1;
    let mut http = config.clone();
    http.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Site {
        server_end_point: end_point::hash(&first).map(Into::into),
        certified,
        mail: Arc::new(config),
        http: Arc::new(http),
    })
}
