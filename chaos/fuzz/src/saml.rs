//! What identity providers answer, and what applications ask.

use hongyan_saml::{
    Certificate, Expected, Incoming, read_application, read_logout_request, read_logout_response, read_request,
    read_response,
};

const CERTIFICATE: &str = include_str!("../../../node/saml/tests/single_sign_on/other/certificate.pem");
const GENUINE: &str = include_str!("../../../node/saml/tests/single_sign_on/other/response.xml");

/// A response: nothing but the genuine one, with comments and spaces elsewhere at most, says who somebody is.
pub fn saml_response(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(certificate) = Certificate::read(CERTIFICATE) else {
        return;
    };
    let expected = Expected {
        provider: "https://idp.example.test",
        certificates: &[certificate],
        audience: "https://localhost/sso/saml/1/metadata",
        recipient: "https://localhost/sso/saml/1/acs",
        mail_attribute: Some("mail"),
        name_attribute: None,
        now_secs: 1_800_000_000,
        tolerance_secs: 0,
        octets_max: 65_536,
    };
    if let Ok(said) = read_response(text, &expected) {
        assert_eq!(read_response(GENUINE, &expected), Ok(said));
    }
}

/// A request of an application, or its metadata, in each way that it may come.
pub fn saml_request(bytes: &[u8]) {
    const OCTETS_MAX: usize = 65_536;
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(asked) = read_request(text, OCTETS_MAX) {
        assert!(!asked.id.is_empty() && !asked.issuer.is_empty());
    }
    if let Ok(described) = read_application(text, OCTETS_MAX) {
        assert!(!described.consumers.is_empty());
    }
    let (message, relay_state) = text.split_once('\n').unwrap_or((text, ""));
    let posted = Incoming::Post {
        message,
        relay_state: Some(relay_state),
    };
    for incoming in [Incoming::Redirect(text), posted] {
        if let Ok(asked) = incoming.read_request(OCTETS_MAX) {
            assert!(!asked.issuer.is_empty());
        }
    }
}

/// A request to sign out, or the answer to one.
pub fn saml_logout(bytes: &[u8]) {
    const OCTETS_MAX: usize = 65_536;
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(request) = read_logout_request(text, OCTETS_MAX) {
        assert!(!request.id.is_empty() && !request.issuer.is_empty() && !request.name.value.is_empty());
        assert!(request.sessions.iter().all(|session| !session.is_empty()));
        // Nothing is both.
        assert!(read_logout_response(text, OCTETS_MAX).is_err());
    }
    if let Ok(response) = read_logout_response(text, OCTETS_MAX) {
        assert!(!response.id.is_empty() && !response.issuer.is_empty() && !response.request.is_empty());
    }
}
