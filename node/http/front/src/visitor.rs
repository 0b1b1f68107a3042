//! One connection as the entry knows it: where it comes from, and the callers that signed in over it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use hongyan_access::{Access, Identity, Protocol};
use tokio::sync::Mutex;

use crate::caller::{Caller, Inner};
use crate::problem::Problem;
use crate::settings::FrontSettings;
use crate::sign_in::{self, Proof};
use crate::web;

/// How long a web session is trusted without a look at it: what it says of its owner gets old.
const WEB_LOOK_MILLIS: i64 = 60_000;

/// A connection's side of sign-in.
pub(crate) struct Visitor {
    access: Access,
    peer: SocketAddr,
    is_tls: bool,
    settings: Arc<FrontSettings>,
    /// Those who signed in, the latest last, each with the hash of what it proved itself with.
    callers: Mutex<Vec<([u8; 32], Protocol, Caller)>>,
    /// Likewise those with web sessions.
    web_callers: Mutex<Vec<WebCaller>>,
}

/// A web session over this connection.
struct WebCaller {
    hash: [u8; 32],
    caller: Caller,
    looked_millis: i64,
}

impl Visitor {
    pub(crate) fn new(access: Access, peer: SocketAddr, is_tls: bool, settings: Arc<FrontSettings>) -> Self {
        Self {
            access,
            peer,
            is_tls,
            settings,
            callers: Mutex::default(),
            web_callers: Mutex::default(),
        }
    }

    /// Whether the connection is secured by TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Looks at a request before its route is known: pages of other sites may not use what a browser sends by itself, and
    /// whoever is about to sign in is told apart.
    pub(crate) fn receive(&self, request: &mut Request) -> Result<(), Problem> {
        let headers = request.headers();
        let path = request.uri().path();
        let (takes_guests, takes_forms) = (web::takes_guests(path), web::takes_forms(path));
        let is_browser = !headers.contains_key(header::AUTHORIZATION);
        if is_browser && (takes_forms || web::token(headers).is_some()) {
            web::check_site(request.method(), headers)?;
        }
        if takes_guests {
            self.check_proofs_taken()?;
            let guest = web::guest(headers, self.peer.ip());
            request.extensions_mut().insert(guest);
        }
        Ok(())
    }

    /// Whoever uses the token of a web session. Its connections share its name; it is looked at again from time to time.
    async fn web_caller(&self, token: &str, headers: &HeaderMap) -> Result<Caller, Problem> {
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        let now = self.access.now().millis;
        let mut callers = self.web_callers.lock().await;
        callers.retain(|known| known.caller.watch().revocation().is_none());
        let is_fresh =
            |known: &&WebCaller| known.hash == hash && now.saturating_sub(known.looked_millis) < WEB_LOOK_MILLIS;
        if let Some(known) = callers.iter().find(is_fresh) {
            return Ok(known.caller.clone());
        }
        self.check_proofs_taken()?;
        let identity = self.access.web_identity(token, self.peer.ip()).await?;
        callers.retain(|known| known.hash != hash);
        if callers.len() >= self.settings.callers_max && !callers.is_empty() {
            callers.remove(0);
        }
        let caller = self.open(identity, headers).await?;
        callers.push(WebCaller {
            hash,
            caller: caller.clone(),
            looked_millis: now,
        });
        Ok(caller)
    }

    /// Opens a session of whoever has proven to be that.
    async fn open(&self, identity: Identity, headers: &HeaderMap) -> Result<Caller, Problem> {
        let permit = self.access.open_session(&identity, self.peer).await?;
        if let Some(client) = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()) {
            permit.set_client(client);
        }
        Ok(Caller(Arc::new(Inner {
            identity,
            permit,
            is_tls: self.is_tls,
        })))
    }

    /// Whoever makes a request with these headers. Signing in once is enough for a connection.
    pub(crate) async fn caller(self: Arc<Self>, headers: &HeaderMap, protocol: Protocol) -> Result<Caller, Problem> {
        // Phones show a password; what a browser sends by itself opens nothing to them.
        if protocol == Protocol::Http
            && let Some(token) = web::token(headers)
        {
            return self.web_caller(token, headers).await;
        }
        let value = headers
            .get(header::AUTHORIZATION)
            .ok_or_else(|| Problem::unauthorized("sign in with the address and password of an account"))?;
        let hash = *blake3::hash(value.as_bytes()).as_bytes();
        let mut callers = self.callers.lock().await;
        callers.retain(|(_, _, caller)| caller.watch().revocation().is_none());
        let known = callers
            .iter()
            .find(|(known, way, _)| (*known, *way) == (hash, protocol));
        if let Some((_, _, caller)) = known {
            return Ok(caller.clone());
        }
        self.check_proofs_taken()?;
        let identity = self.identity(value, protocol).await?;
        if callers.len() >= self.settings.callers_max && !callers.is_empty() {
            callers.remove(0);
        }
        let caller = self.open(identity, headers).await?;
        callers.push((hash, protocol, caller.clone()));
        Ok(caller)
    }

    /// Whoever shows that.
    async fn identity(&self, value: &HeaderValue, protocol: Protocol) -> Result<Identity, Problem> {
        let peer = self.peer.ip();
        if let Some(token) = sign_in::access_token(value) {
            return Ok(self.access.verify_token(protocol, token, None, peer).await?);
        }
        let Proof { name, password } = sign_in::read(value)?;
        let name = if protocol == Protocol::ActiveSync {
            sign_in::without_domain(&name)
        } else {
            &name
        };
        Ok(self.access.verify_password(protocol, name, &password, peer).await?)
    }

    /// Where they come from.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Passwords and tokens are not for everyone on the way to read.
    pub(crate) fn check_proofs_taken(&self) -> Result<(), Problem> {
        let here = self.peer.ip().is_loopback() && self.settings.clear_passwords_on_loopback;
        if self.is_tls || self.settings.clear_passwords || here {
            return Ok(());
        }
        let words = "passwords are taken over TLS only";
        Err(Problem::new(axum::http::StatusCode::FORBIDDEN, "tls-required", words))
    }
}
