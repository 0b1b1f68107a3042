//! What identity providers answer.

use hongyan_saml::{Certificate, Expected, read_response};

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
