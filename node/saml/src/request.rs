//! The request that a browser carries to the provider (SAML Core §3.4.1, Bindings §3.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, FlushCompress};
use hongyan_openid::{Departure, OpenIdError, Wish, form};
use hongyan_types::TenantId;

use crate::metadata::POST;
use crate::xml::{ASSERTION, PROTOCOL, escape};
use crate::{Registration, Saml, SamlError};

/// Names of requests begin with a letter or this (XML Schema, ID), and go on with the state.
const NAME_BEGIN: char = '_';

/// The name of the request of a way to the provider and back.
pub(crate) fn name_of(state: &str) -> String {
    format!("{NAME_BEGIN}{state}")
}

/// The way that a request belongs to.
pub(crate) fn state_of(name: &str) -> Option<&str> {
    let state = name.strip_prefix(NAME_BEGIN)?;
    let is_clean = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
    (!state.is_empty() && state.bytes().all(is_clean)).then_some(state)
}

struct Asking<'a> {
    name: &'a str,
    /// Unix time in milliseconds.
    at_millis: i64,
    destination: &'a str,
    /// Whether they have to prove anew who they are.
    prove: bool,
}

fn write(asking: &Asking<'_>, own: &Registration) -> String {
    let moment = jiff::Timestamp::from_second(asking.at_millis.div_euclid(1_000)).unwrap_or_default();
    let force = if asking.prove { " ForceAuthn=\"true\"" } else { "" };
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{}\" Version=\"2.0\" IssueInstant=\"{moment}\" \
         Destination=\"{}\"{force} ProtocolBinding=\"{POST}\" AssertionConsumerServiceURL=\"{}\">\
         <saml:Issuer>{}</saml:Issuer><samlp:NameIDPolicy AllowCreate=\"true\"/></samlp:AuthnRequest>",
        escape(asking.name),
        escape(asking.destination),
        escape(&own.consumer_address),
        escape(&own.entity_id),
    )
}

/// RFC 1951, without a head (Bindings §3.4.4.1).
pub(crate) fn deflate(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut compress = Compress::new(Compression::default(), false);
    let done = compress
        .compress_vec(text.as_bytes(), &mut out, FlushCompress::Finish)
        .ok()?;
    (done == flate2::Status::StreamEnd).then_some(out)
}

impl Saml {
    /// Sends somebody to the provider of an organisation.
    ///
    /// # Errors
    /// `SignIn`: `NoProvider`, `Attempt`; the store's.
    pub async fn depart(&self, tenant: TenantId, wish: Wish<'_>) -> Result<Departure, SamlError> {
        let settings = self.need_provider(tenant).await?;
        let provider = &settings.provider;
        let underway = self.0.openid.begin(tenant, &provider.entity_id, &wish)?;
        let asking = Asking {
            name: &name_of(&underway.state),
            at_millis: self.0.env.wall_millis(),
            destination: &provider.sign_in_address,
            prove: wish.prove,
        };
        let text = write(&asking, &self.registration(tenant));
        let packed = deflate(&text).ok_or(OpenIdError::Attempt)?;
        let place = &provider.sign_in_address;
        let sign = if place.contains('?') { '&' } else { '?' };
        Ok(Departure {
            location: format!("{place}{sign}{}", form(&[("SAMLRequest", &STANDARD.encode(packed))])),
            label: settings.label.clone(),
            cookie: underway.cookie,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_2_requests_are_named_after_the_state() {
        assert_eq!(state_of(&name_of("aB-_9")), Some("aB-_9"));
        for name in ["", "_", "aB", "_a b", "_a;b", "_a=", "__\u{e9}"] {
            assert_eq!(state_of(name), None, "{name}");
        }
    }
}
