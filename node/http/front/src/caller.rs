//! Who makes a request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use hongyan_access::{Identity, SessionPermit, SessionWatch};

use crate::problem::Problem;
use crate::visitor::Visitor;
use crate::web;

/// Someone who signed in, and their session. A handler has it as an argument.
#[derive(Clone)]
pub struct Caller(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) identity: Identity,
    pub(crate) permit: SessionPermit,
    pub(crate) is_tls: bool,
}

impl Caller {
    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }
    /// Whether they came over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.is_tls
    }
    /// Tells when the session must end.
    #[must_use]
    pub fn watch(&self) -> &SessionWatch {
        self.0.permit.watch()
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let missing = || Problem::unauthorized("the request did not come through the entry");
        let visitor = parts.extensions.get::<Arc<Visitor>>().ok_or_else(missing)?;
        let protocol = web::protocol_of(parts.uri.path());
        let caller = Arc::clone(visitor).caller(&parts.headers, protocol).await?;
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}
