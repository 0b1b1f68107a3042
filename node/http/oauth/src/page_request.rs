//! What every page reads of a request before anything else: who asks, for what, and with which fields.

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::extract::rejection::ExtensionRejection;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use hongyan_access::{Guest, WebSession};
use hongyan_sasl::Secret;

use crate::Oauth;
use crate::form::Fields;
use crate::look::Pages;
use crate::visit::Visitor;

/// A request for a page, without its body.
pub(crate) struct PageRequest {
    pub(crate) oauth: Oauth,
    pub(crate) guest: Guest,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
}

impl FromRequestParts<Oauth> for PageRequest {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, oauth: &Oauth) -> Result<Self, ExtensionRejection> {
        let Extension(guest) = Extension::from_request_parts(parts, oauth).await?;
        Ok(Self {
            oauth: oauth.clone(),
            guest,
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
        })
    }
}

impl PageRequest {
    /// The query as it was sent.
    pub(crate) fn raw_query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// The fields of the query; one that cannot be read has none.
    pub(crate) fn query(&self) -> Fields {
        Fields::read(self.raw_query()).unwrap_or_default()
    }

    /// The token of the browser's session; empty without one.
    pub(crate) fn token(&self) -> &str {
        self.guest.token.as_ref().map_or("", Secret::reveal)
    }

    /// The pages for whoever asks, with the fields of the query or of the form.
    pub(crate) async fn pages(&self, fields: &Fields) -> Pages {
        Pages::of(&self.oauth, (&self.uri, &self.headers), fields).await
    }

    /// Who looks at a page, if somebody is signed in, and how it looks to them.
    pub(crate) async fn visited(&self, fields: &Fields) -> (Pages, Option<WebSession>) {
        let pages = self.pages(fields).await;
        match self.oauth.access.web_session(self.token(), self.guest.peer).await {
            Ok(session) => (pages.of_member(&self.oauth, &session.account).await, Some(session)),
            Err(_) => (pages, None),
        }
    }

    /// Whoever looks at the page at `path`, whose forms carry such fields along.
    pub(crate) fn visitor(&self, pages: Pages, path: &'static str, carried: Fields) -> Visitor<'_> {
        Visitor {
            oauth: &self.oauth,
            guest: &self.guest,
            language: pages.language,
            look: pages.look,
            path,
            carried,
        }
    }
}
