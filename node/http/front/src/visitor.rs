//! One connection as the entry knows it: where it comes from, and the callers that signed in over it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use hongyan_access::{Access, Protocol};
use tokio::sync::Mutex;

use crate::caller::{Caller, Inner};
use crate::problem::Problem;
use crate::settings::FrontSettings;
use crate::sign_in::{self, Proof};

/// A connection's side of sign-in.
pub(crate) struct Visitor {
    access: Access,
    peer: SocketAddr,
    is_tls: bool,
    settings: Arc<FrontSettings>,
    /// Those who signed in, the latest last, each with the hash of what it proved itself with.
    callers: Mutex<Vec<([u8; 32], Caller)>>,
}

impl Visitor {
    pub(crate) fn new(access: Access, peer: SocketAddr, is_tls: bool, settings: Arc<FrontSettings>) -> Self {
        Self {
            access,
            peer,
            is_tls,
            settings,
            callers: Mutex::default(),
        }
    }

    /// Whoever makes a request with these headers. Signing in once is enough for a connection.
    pub(crate) async fn caller(self: Arc<Self>, headers: &HeaderMap) -> Result<Caller, Problem> {
        let value = headers
            .get(header::AUTHORIZATION)
            .ok_or_else(|| Problem::unauthorized("sign in with the address and password of an account"))?;
        let hash = *blake3::hash(value.as_bytes()).as_bytes();
        let mut callers = self.callers.lock().await;
        callers.retain(|(_, caller)| caller.watch().revocation().is_none());
        if let Some((_, caller)) = callers.iter().find(|(known, _)| *known == hash) {
            return Ok(caller.clone());
        }
        if !self.takes_passwords() {
            let words = "passwords are taken over TLS only";
            return Err(Problem::new(axum::http::StatusCode::FORBIDDEN, "tls-required", words));
        }
        let Proof { name, password } = sign_in::read(value)?;
        let peer = self.peer.ip();
        let identity = self
            .access
            .verify_password(Protocol::Http, &name, &password, peer)
            .await?;
        if callers.len() >= self.settings.callers_max && !callers.is_empty() {
            callers.remove(0);
        }
        let permit = self.access.open_session(&identity, self.peer).await?;
        if let Some(client) = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()) {
            permit.set_client(client);
        }
        let caller = Caller(Arc::new(Inner {
            identity,
            permit,
            is_tls: self.is_tls,
        }));
        callers.push((hash, caller.clone()));
        Ok(caller)
    }

    fn takes_passwords(&self) -> bool {
        let here = self.peer.ip().is_loopback() && self.settings.clear_passwords_on_loopback;
        self.is_tls || self.settings.clear_passwords || here
    }
}
