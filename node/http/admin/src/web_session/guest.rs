//! Who has not signed in, or not yet wholly: what the entry knows of them.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use hongyan_access::WebSession;
use hongyan_sasl::Secret;

use crate::AdminState;
use crate::problem::{Problem, Result};

/// Someone at the door.
pub(crate) struct Guest {
    pub(crate) state: AdminState,
    pub(crate) peer: IpAddr,
    pub(crate) client: String,
    pub(crate) device: Option<Secret>,
    token: Option<Secret>,
}

impl FromRequestParts<AdminState> for Guest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AdminState) -> Result<Self, Problem> {
        let guest = parts.extensions.get::<hongyan_access::Guest>();
        let guest = guest.cloned().ok_or_else(Problem::not_over_https)?;
        Ok(Self {
            state: state.clone(),
            peer: guest.peer,
            client: guest.client,
            device: guest.device,
            token: guest.token,
        })
    }
}

impl Guest {
    pub(crate) fn token(&self) -> Result<&str> {
        let token = self.token.as_ref().ok_or(hongyan_access::AccessError::NotSignedIn)?;
        Ok(token.reveal())
    }
    pub(crate) async fn session(&self) -> Result<WebSession> {
        Ok(self.state.access.web_session(self.token()?, self.peer).await?)
    }
}
