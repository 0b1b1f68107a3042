//! The member's side: a door of its own, since who comes has no certificate yet.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hongyan_env::{BoxFuture, Env, Listener, Stream};
use hongyan_telemetry as telemetry;
use parking_lot::RwLock;
use rustls::ServerConfig;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::message::{self, Reply, Request};
use crate::{Identity, KeyRequest, TokenHash};

/// Accepting anew at once after a failure would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bounds of the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinOptions {
    /// Nodes that may be joining at the same time; others wait.
    pub joining_max: usize,
    /// How long one may take.
    pub within: Duration,
}

impl Default for JoinOptions {
    fn default() -> Self {
        Self {
            joining_max: 16,
            within: Duration::from_secs(30),
        }
    }
}

/// What a new member gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Its certificate.
    pub certificate_pem: String,
    /// What it needs to know.
    pub welcome: Vec<u8>,
}

/// Decides who joins: knows the tokens, gives ids, signs.
pub trait Admitting: Send + Sync + 'static {
    /// Admits the node that shows `token`, wants `key` signed and says `about` of itself. A token is good once.
    ///
    /// # Errors
    /// Why not, for the operator of the new node.
    fn admit(&self, token: TokenHash, key: KeyRequest, about: Vec<u8>) -> BoxFuture<'_, Result<Granted, String>>;
}

/// Takes joining nodes in at `listener`, for ever. The identity that is shown may be replaced while it runs.
pub async fn serve_joins(
    env: Env,
    listener: Listener,
    identity: Arc<RwLock<Identity>>,
    admitting: Arc<dyn Admitting>,
    options: JoinOptions,
) {
    let places = Arc::new(Semaphore::new(options.joining_max));
    let counted = telemetry::counter_vec("hongyan_identity_joins_total", "Nodes that asked to join.", &["result"]);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a joining node");
                env.sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (env, identity, admitting) = (env.clone(), Arc::clone(&identity), Arc::clone(&admitting));
        let (counted, within) = (counted.clone(), options.within);
        tokio::spawn(async move {
            let shown = identity.read().clone();
            let result = env.timeout(within, take_in(socket, &shown, &*admitting)).await;
            let label = match result {
                Some(Ok(true)) => "granted",
                Some(Ok(false)) => "refused",
                Some(Err(_)) | None => "failed",
            };
            tracing::info!(%peer, result = label, "a node asked to join");
            counted.with_label_values(&[label]).inc();
            drop(place);
        });
    }
}

/// Whether the node was admitted.
async fn take_in(socket: Stream, identity: &Identity, admitting: &dyn Admitting) -> io::Result<bool> {
    let credentials = identity.credentials().map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(credentials.chain, credentials.key)
        .map_err(io::Error::other)?;
    let mut socket = TlsAcceptor::from(Arc::new(config)).accept(socket).await?;
    let Request::V1 {
        secret,
        key_request,
        about,
    } = message::read(&mut socket).await?;
    let admitted = admitting
        .admit(TokenHash::of(&secret), KeyRequest(key_request), about)
        .await;
    let granted = admitted.is_ok();
    let reply = match admitted {
        Ok(granted) => Reply::Granted {
            certificate_pem: granted.certificate_pem,
            welcome: granted.welcome,
        },
        Err(text) => Reply::Refused { text },
    };
    message::write(&mut socket, &reply).await?;
    tokio::io::AsyncWriteExt::shutdown(&mut socket).await?;
    Ok(granted)
}
