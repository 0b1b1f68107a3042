//! Lines and literals over a connection, plain or under TLS. Any certificate is taken: clients of a run know where they are.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_env::Stream;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Identity, Way};
use crate::record::Failure;

/// How long a client waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct Wire {
    me: Identity,
    stream: Either,
    buffer: Vec<u8>,
    read: usize,
}

enum Either {
    Plain(Stream),
    Tls(Box<TlsStream<Stream>>),
}

impl Wire {
    pub(crate) async fn plain(me: &Identity, way: Way) -> Result<Self, Failure> {
        let connected = me.env.timeout(PATIENCE, me.env.connect(way.address)).await;
        let stream = connected.ok_or(Failure::Silent)?.map_err(|_| Failure::Closed)?;
        Ok(Self {
            me: me.clone(),
            stream: Either::Plain(stream),
            buffer: Vec::new(),
            read: 0,
        })
    }
    /// With TLS from the start; and which node it is that answers.
    pub(crate) async fn tls(me: &Identity, way: Way) -> Result<(Self, Option<usize>), Failure> {
        let connected = me.env.timeout(PATIENCE, me.env.connect(way.address)).await;
        let stream = connected.ok_or(Failure::Silent)?.map_err(|_| Failure::Closed)?;
        let name = ServerName::try_from("mail.chaos.test").map_err(|_| Failure::Closed)?;
        let shaken = me.env.timeout(PATIENCE, me.tls.connect(name, stream)).await;
        let stream = shaken.ok_or(Failure::Silent)?.map_err(|_| Failure::Closed)?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let seen = certificates.first().and_then(|certificate| me.faces.node(certificate));
        let wire = Self {
            me: me.clone(),
            stream: Either::Tls(Box::new(stream)),
            buffer: Vec::new(),
            read: 0,
        };
        Ok((wire, way.node.or(seen)))
    }
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let write = async {
            match &mut self.stream {
                Either::Plain(stream) => stream.write_all(bytes).await,
                Either::Tls(stream) => {
                    stream.write_all(bytes).await?;
                    stream.flush().await
                }
            }
        };
        let sent = self.me.env.timeout(PATIENCE, write).await;
        sent.ok_or(Failure::Silent)?.map_err(|_| Failure::Closed)
    }
    /// One line with its end.
    pub(crate) async fn line(&mut self) -> Result<Vec<u8>, Failure> {
        self.line_within(PATIENCE).await
    }
    /// As [`Self::line`], waiting at most so long; what came of the line so far stays.
    pub(crate) async fn line_within(&mut self, patience: Duration) -> Result<Vec<u8>, Failure> {
        let mut seen = self.read;
        loop {
            let rest = self.buffer.get(seen..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|octet| *octet == b'\n') {
                return Ok(self.take(seen + end + 1 - self.read));
            }
            seen = self.buffer.len();
            self.more(patience).await?;
        }
    }
    pub(crate) async fn exactly(&mut self, octets: usize) -> Result<Vec<u8>, Failure> {
        while self.buffer.len() - self.read < octets {
            self.more(PATIENCE).await?;
        }
        Ok(self.take(octets))
    }
    fn take(&mut self, octets: usize) -> Vec<u8> {
        let end = self.read + octets;
        let taken = self.buffer.get(self.read..end).unwrap_or_default().to_vec();
        self.read = end;
        if self.read == self.buffer.len() {
            self.buffer.clear();
            self.read = 0;
        }
        taken
    }
    async fn more(&mut self, patience: Duration) -> Result<(), Failure> {
        let buffer = &mut self.buffer;
        let stream = &mut self.stream;
        let read = async {
            match stream {
                Either::Plain(stream) => stream.read_buf(buffer).await,
                Either::Tls(stream) => stream.read_buf(buffer).await,
            }
        };
        match self.me.env.timeout(patience, read).await {
            None => Err(Failure::Silent),
            Some(Ok(count)) if count > 0 => Ok(()),
            Some(_) => Err(Failure::Closed),
        }
    }
}

/// TLS that takes any certificate: for clients that measure and do not trust.
///
/// # Errors
/// When TLS cannot be set up at all.
pub fn take_any_certificate() -> Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .context("configure TLS")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TakeAny(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[derive(Debug)]
struct TakeAny(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for TakeAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
