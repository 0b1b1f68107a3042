//! The new node's side.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hongyan_env::Env;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::message::{self, Reply, Request};
use crate::{Fingerprint, Identity, IdentityError, JoinToken, NodeKey};

/// How long one member may take to pick up: a machine that is gone must not use up the operator's patience.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one member may take.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Why a node did not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// No member of the cluster answered; what the last one did.
    #[error("no member of the cluster answers: {0}")]
    Unreachable(String),
    /// Whoever answers there is not of the token's cluster.
    #[error("who answers there is not the cluster of this token")]
    Stranger,
    /// A member refuses.
    #[error("{0}")]
    Refused(String),
    /// What came back is of no use.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// What a new member has.
pub struct Joined {
    /// Its identity, to be stored at once: the token is used up.
    pub identity: Identity,
    /// What the cluster tells a new member, as it was given to [`crate::Granted`].
    pub welcome: Vec<u8>,
}

/// Joins the cluster of `token`; `about` is what the node says of itself to whoever admits it.
///
/// # Errors
/// As [`JoinError`] says.
pub async fn join(env: &Env, token: &JoinToken, about: Vec<u8>) -> Result<Joined, JoinError> {
    let key = NodeKey::generate()?;
    let request = Request::V1 {
        secret: token.secret().to_vec(),
        key_request: key.request()?.0,
        about,
    };
    let mut last = JoinError::Unreachable("the token names no member".to_owned());
    for address in &token.addresses {
        let asked = env.timeout(ATTEMPT, ask(env, token, *address, &request)).await;
        let asked = asked.unwrap_or_else(|| Err(JoinError::Unreachable(format!("{address} takes too long"))));
        match asked {
            Ok((reply, authority_pem)) => match reply {
                Reply::Granted {
                    certificate_pem,
                    welcome,
                } => {
                    let identity = Identity {
                        certificate_pem,
                        key_pem: key.to_pem(),
                        authority_pem,
                    };
                    identity.node()?;
                    return Ok(Joined { identity, welcome });
                }
                Reply::Refused { text } => return Err(JoinError::Refused(text)),
            },
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn ask(
    env: &Env,
    token: &JoinToken,
    address: std::net::SocketAddr,
    request: &Request,
) -> Result<(Reply, String), JoinError> {
    let failed = |error: io::Error| {
        let stranger = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match stranger {
            Some(rustls::Error::InvalidCertificate(_)) => JoinError::Stranger,
            Some(error) => JoinError::Unreachable(format!("{address} is no door of a cluster: {error}")),
            None => JoinError::Unreachable(format!("{address}: {error}")),
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| JoinError::Unreachable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned {
            authority: token.authority,
            provider,
        }))
        .with_no_client_auth();
    let socket = env.timeout(CONNECT, env.connect(address)).await;
    let socket = socket.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()));
    let socket = socket.map_err(failed)?;
    let name = ServerName::from(address.ip());
    let mut socket = TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
        .map_err(failed)?;
    let chain = socket.get_ref().1.peer_certificates().unwrap_or_default();
    let authority = pinned(chain, token.authority).ok_or(JoinError::Stranger)?;
    let authority_pem = pem(authority);
    message::write(&mut socket, request).await.map_err(failed)?;
    let reply = message::read(&mut socket).await.map_err(failed)?;
    Ok((reply, authority_pem))
}

fn pinned<'a>(chain: &'a [CertificateDer<'a>], authority: Fingerprint) -> Option<&'a CertificateDer<'a>> {
    chain
        .iter()
        .find(|certificate| Fingerprint::of(certificate) == authority)
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out + "-----END CERTIFICATE-----\n"
}

/// Believes who shows a certificate signed by the authority of a known fingerprint. Which member answers does not matter.
#[derive(Debug)]
struct Pinned {
    authority: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let authority = pinned(intermediates, self.authority).ok_or(unknown)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &roots, &[], now, algorithms)?;
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
