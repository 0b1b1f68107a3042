//! Single logout (SAML Profiles §4.4): whoever signs out here, at an application or at their organisation's provider is signed out at all
//! of them. Messages are carried by the browser, which goes round from one to the next and comes back here each time.
//!
//! What ends sessions is signed, both ways and in both bindings, and an answer counts only for the request that this browser was sent with.
//! Sessions here end first: whoever is left on the way is signed out here in any case.

mod message;
mod party;
mod record;
mod round;
mod take;

pub use message::{LogoutRequest, LogoutResponse, NameIdentifier, read_logout_request, read_logout_response};
pub use party::Party;
pub(crate) use party::entity;
pub use round::{Move, Sent, Step};
pub use take::{Counterpart, Left};

/// Where a browser comes by between one that is told and the next.
pub const LEAVE_PATH: &str = "/sso/saml/leave";
/// How a browser names what it keeps meanwhile.
pub const LEAVE_COOKIE: &str = "__Host-hongyan-leave";

use minicbor::{Decode, Encode};

use crate::Fault;
use crate::metadata::{POST, REDIRECT};
use crate::xml::{Element, METADATA};

/// Where somebody takes messages of single logout (Metadata §2.4.2): a single logout service.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignOutPlace {
    /// Where requests go to.
    #[n(0)]
    pub location: String,
    /// Where answers go to, if that is elsewhere (Metadata §2.2.2).
    #[n(1)]
    pub response_location: Option<String>,
    /// Whether they go by HTTP-POST; by HTTP-Redirect otherwise.
    #[n(2)]
    pub by_post: bool,
}

/// Longest place.
const PLACE_OCTETS_MAX: usize = 2_048;

impl SignOutPlace {
    /// The one that a role says of itself, if it has one that browsers can go to: HTTP-Redirect comes before HTTP-POST.
    pub(crate) fn read(role: Element<'_, '_>) -> Result<Option<Self>, Fault> {
        let by = |binding: &str| {
            let mut services = role.children(METADATA, "SingleLogoutService");
            services.find(|service| service.attribute("Binding") == Some(binding))
        };
        let Some((service, by_post)) = by(REDIRECT).map(|it| (it, false)).or(by(POST).map(|it| (it, true))) else {
            return Ok(None);
        };
        let location = service.attribute("Location").filter(|place| !place.is_empty());
        Ok(Some(Self {
            location: location.ok_or(Fault::Wrong("SingleLogoutService"))?.to_owned(),
            response_location: service.attribute("ResponseLocation").map(str::to_owned),
            by_post,
        }))
    }

    /// Whether browsers may be sent there.
    pub(crate) fn is_good(&self, may_send_to: impl Fn(&str) -> bool) -> bool {
        let places = [Some(&self.location), self.response_location.as_ref()];
        let mut places = places.into_iter().flatten();
        places.all(|place| place.len() <= PLACE_OCTETS_MAX && !place.contains('#') && may_send_to(place))
    }

    pub(crate) fn answers(&self) -> &str {
        self.response_location.as_deref().unwrap_or(&self.location)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Tree;

    fn place(services: &str) -> Result<Option<SignOutPlace>, Fault> {
        let text = format!("<r xmlns='{METADATA}'>{services}</r>");
        SignOutPlace::read(Tree::read(&text, 10_000)?.root()?)
    }

    #[test]
    fn api_2_a_place_that_browsers_can_go_to_is_read() {
        let soap =
            "<SingleLogoutService Binding='urn:oasis:names:tc:SAML:2.0:bindings:SOAP' Location='https://x.test/'/>";
        let post = format!(
            "<SingleLogoutService Binding='{POST}' Location='https://x.test/p' ResponseLocation='https://x.test/r'/>"
        );
        let redirect = format!("<SingleLogoutService Binding='{REDIRECT}' Location='https://x.test/g'/>");
        assert_eq!((place(""), place(soap)), (Ok(None), Ok(None)));
        let found = place(&format!("{soap}{post}")).unwrap().unwrap();
        assert_eq!(
            (found.location.as_str(), found.answers(), found.by_post),
            ("https://x.test/p", "https://x.test/r", true)
        );
        let found = place(&format!("{post}{redirect}")).unwrap().unwrap();
        assert_eq!(
            (found.location.as_str(), found.answers(), found.by_post),
            ("https://x.test/g", "https://x.test/g", false)
        );
        let empty = format!("<SingleLogoutService Binding='{REDIRECT}'/>");
        assert_eq!(place(&empty), Err(Fault::Wrong("SingleLogoutService")));
        let is_https = |place: &str| place.starts_with("https://");
        assert!(found.is_good(is_https));
        for wrong in [
            "http://x.test/",
            "https://x.test/#a",
            &format!("https://x.test/{}", "x".repeat(2_048)),
        ] {
            let location = SignOutPlace {
                location: wrong.to_owned(),
                ..found.clone()
            };
            let response = SignOutPlace {
                response_location: Some(wrong.to_owned()),
                ..found.clone()
            };
            assert!(!location.is_good(is_https) && !response.is_good(is_https), "{wrong}");
        }
    }
}
