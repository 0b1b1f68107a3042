//! The way to a source: a name looked up, an address that may be asked, a connection, TLS. Nobody has this server look around
//! in its own network: internal addresses are refused unless the operator named their network.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use hongyan_env::Env;
use hongyan_fetch::is_public;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use crate::failure::Failure;
use crate::{MigrationOptions, Source, Tls};

const READ_OCTETS: usize = 16 * 1_024;

trait Transport: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Transport for T {}

/// Opens connections to sources; clones share it.
#[derive(Clone)]
pub struct Dialer {
    pub(crate) env: Env,
    tls: Arc<ClientConfig>,
    pub(crate) options: Arc<MigrationOptions>,
}

/// A connection to a source.
pub(crate) struct Line {
    dialer: Dialer,
    host: String,
    transport: Pin<Box<dyn Transport>>,
    buffer: Box<[u8; READ_OCTETS]>,
}

impl Dialer {
    /// Over `env`'s network, within the limits of `options`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(env: Env, options: MigrationOptions) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for root in &options.roots {
            roots.add(root.clone())?;
        }
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            env,
            tls: Arc::new(config),
            options: Arc::new(options),
        })
    }

    fn may_ask(&self, address: IpAddr) -> bool {
        self.options.networks.contains(address) || is_public(address)
    }

    /// An address of the source that may be asked. The connection goes to this one, whatever the name says later.
    pub(crate) async fn address(&self, source: &Source) -> Result<SocketAddr, Failure> {
        let addresses = match source.host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self.resolve(&source.host).await?,
        };
        let allowed = addresses.into_iter().find(|address| self.may_ask(*address));
        Ok((allowed.ok_or(Failure::NotAllowed)?, source.port).into())
    }

    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Failure> {
        let dns = self.env.dns();
        let unresolved = |error: hongyan_env::DnsError| Failure::Slow(format!("{host} cannot be looked up: {error}"));
        let four = dns.a(host).await;
        let mut addresses: Vec<IpAddr> = match &four {
            Ok(answer) => answer.records.iter().copied().map(IpAddr::V4).collect(),
            Err(_) => Vec::new(),
        };
        if addresses.is_empty() {
            let six = dns
                .aaaa(host)
                .await
                .or_else(|error| four.and(Err(error)))
                .map_err(unresolved)?;
            addresses.extend(six.records.into_iter().map(IpAddr::V6));
        }
        if addresses.is_empty() {
            return Err(Failure::Slow(format!("{host} has no address")));
        }
        Ok(addresses)
    }

    /// Connects; in TLS already where that is how the source begins.
    pub(crate) async fn connect(&self, source: &Source) -> Result<Line, Failure> {
        let address = self.address(source).await?;
        let connecting = self
            .env
            .timeout(self.options.connect_timeout, self.env.connect(address));
        let slow = |reason: String| Failure::Slow(format!("{} cannot be reached: {reason}", source.host));
        let stream = match connecting.await {
            Some(Ok(stream)) => stream,
            Some(Err(error)) => return Err(slow(error.to_string())),
            None => return Err(slow("it took too long".to_owned())),
        };
        let line = Line {
            dialer: self.clone(),
            host: source.host.clone(),
            transport: Box::pin(stream),
            buffer: Box::new([0; READ_OCTETS]),
        };
        match source.tls {
            Tls::Implicit => line.secured().await,
            Tls::Upgrade | Tls::None => Ok(line),
        }
    }
}

impl Line {
    /// The same connection in TLS from now on.
    pub(crate) async fn secured(self) -> Result<Self, Failure> {
        let failed = |reason: String| Failure::Slow(format!("TLS with {} fails: {reason}", self.host));
        let name = ServerName::try_from(self.host.clone()).map_err(|error| failed(error.to_string()))?;
        let connector = TlsConnector::from(Arc::clone(&self.dialer.tls));
        let shaking = connector.connect(name, self.transport);
        let (env, within) = (&self.dialer.env, self.dialer.options.connect_timeout);
        let stream = match env.timeout(within, shaking).await {
            Some(Ok(stream)) => stream,
            Some(Err(error)) => return Err(failed(error.to_string())),
            None => return Err(failed("it took too long".to_owned())),
        };
        Ok(Self {
            transport: Box::pin(stream),
            ..self
        })
    }

    /// The next octets; an error at the end.
    pub(crate) async fn read(&mut self) -> Result<&[u8], Failure> {
        let within = self.dialer.options.answer_timeout;
        let reading = self.transport.read(&mut self.buffer[..]);
        match self.dialer.env.timeout(within, reading).await {
            Some(Ok(0)) => Err(Failure::Slow(format!("{} ended the connection", self.host))),
            Some(Ok(octets)) => Ok(&self.buffer[..octets]),
            Some(Err(error)) => Err(Failure::Slow(format!("the connection to {} broke: {error}", self.host))),
            None => Err(Failure::Slow(format!(
                "{} said nothing for {} s",
                self.host,
                within.as_secs()
            ))),
        }
    }

    /// Sends all of it.
    pub(crate) async fn write(&mut self, octets: &[u8]) -> Result<(), Failure> {
        if octets.is_empty() {
            return Ok(());
        }
        let within = self.dialer.options.answer_timeout;
        let writing = async {
            self.transport.write_all(octets).await?;
            self.transport.flush().await
        };
        match self.dialer.env.timeout(within, writing).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(Failure::Slow(format!("the connection to {} broke: {error}", self.host))),
            None => Err(Failure::Slow(format!("{} takes nothing", self.host))),
        }
    }
}
