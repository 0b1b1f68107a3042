//! TLS between nodes: version 1.3, both ends with a certificate of the cluster, no session resumption.
//!
//! Resumption is off because a resumed session is not checked against certificates that expired or were withdrawn since.

use std::sync::Arc;
use std::time::Duration;

use hongyan_env::Env;
use rustls::client::{Resumption, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, RootCertStore, ServerConfig};

use super::credentials::{Credentials, CredentialsError, Own};

/// Both ends' settings, made of one set of credentials.
#[derive(Clone)]
pub(super) struct Tls {
    pub server: Arc<ServerConfig>,
    pub client: Arc<ClientConfig>,
}

struct Clock(Env);

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let millis = u64::try_from(self.0.wall_millis()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(millis)))
    }
}

impl Tls {
    pub(super) fn new(env: &Env, own: &Own, credentials: Credentials) -> Result<Self, CredentialsError> {
        let name = own.cluster.node_name(own.node);
        let leaf = credentials.chain.first();
        if !leaf.is_some_and(|leaf| is_named(leaf, &name)) {
            return Err(CredentialsError::WrongName(name));
        }
        let mut roots = RootCertStore::empty();
        for authority in credentials.authorities {
            roots.add(authority).map_err(CredentialsError::Tls)?;
        }
        let roots = Arc::new(roots);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clock: Arc<dyn TimeProvider> = Arc::new(Clock(env.clone()));
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
        let verifier = verifier
            .build()
            .map_err(|error| CredentialsError::Tls(rustls::Error::General(error.to_string())))?;
        let mut server = ServerConfig::builder_with_details(Arc::clone(&provider), Arc::clone(&clock))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(CredentialsError::Tls)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(credentials.chain.clone(), credentials.key.clone_key())
            .map_err(CredentialsError::Tls)?;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        let mut client = ClientConfig::builder_with_details(provider, clock)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(CredentialsError::Tls)?
            .with_root_certificates(roots)
            .with_client_auth_cert(credentials.chain, credentials.key)
            .map_err(CredentialsError::Tls)?;
        client.resumption = Resumption::disabled();
        Ok(Self {
            server: Arc::new(server),
            client: Arc::new(client),
        })
    }
}

/// Whether `certificate` carries the host name `name`.
pub(super) fn is_named(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let Ok(name) = ServerName::try_from(name) else {
        return false;
    };
    ParsedCertificate::try_from(certificate).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
}

/// Whether one end's certificate is of another authority than the other end's.
pub(super) fn is_foreign(error: &std::io::Error) -> bool {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(
        tls,
        Some(
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)
                | rustls::Error::AlertReceived(
                    rustls::AlertDescription::UnknownCA | rustls::AlertDescription::DecryptError
                )
        )
    )
}

/// What went wrong, in words an operator can act on.
pub(super) fn explain(error: &std::io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(tls) = tls else {
        return error.to_string();
    };
    match tls {
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the other node's certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the other node's certificate is not valid yet: compare the clocks".to_owned()
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "the other node's certificate is of another cluster".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the address belongs to another node than expected".to_owned()
            }
            other => format!("the other node's certificate is refused: {other}"),
        },
        rustls::Error::NoCertificatesPresented => "the other end shows no certificate".to_owned(),
        rustls::Error::AlertReceived(alert) => match alert {
            rustls::AlertDescription::CertificateExpired => {
                "the other node refuses our certificate: it has expired".to_owned()
            }
            rustls::AlertDescription::UnknownCA | rustls::AlertDescription::DecryptError => {
                "the other node is of another cluster".to_owned()
            }
            other => format!("the other node refuses our certificate: {other:?}"),
        },
        other => other.to_string(),
    }
}
