//! The Authorization field (RFC 9110 §11.6.2): Basic (RFC 7617), and tokens of programs as Bearer (RFC 6750).

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_sasl::Secret;

use crate::problem::Problem;

/// What a caller shows.
pub(crate) struct Proof {
    pub(crate) name: String,
    pub(crate) password: Secret,
}

pub(crate) fn read(value: &HeaderValue) -> Result<Proof, Problem> {
    let refuse =
        || Problem::unauthorized("the Authorization field cannot be read: Basic with name and password is taken");
    let text = value.to_str().map_err(|_| refuse())?;
    let (scheme, rest) = text.split_once(' ').ok_or_else(refuse)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(refuse());
    }
    let decoded = STANDARD.decode(rest.trim()).map_err(|_| refuse())?;
    // RFC 7617 §2.1: with charset="UTF-8" in the challenge, clients send UTF-8.
    let decoded = String::from_utf8(decoded).map_err(|_| refuse())?;
    let (name, password) = decoded.split_once(':').ok_or_else(refuse)?;
    Ok(Proof {
        name: name.to_owned(),
        password: Secret::new(password),
    })
}

/// The token of a program, if it is one that is shown (RFC 6750 §2.1).
pub(crate) fn token(value: &HeaderValue) -> Option<&str> {
    bearer(value).filter(|text| hongyan_access::is_token(text))
}

/// The access token of a mail client, if it is one that is shown.
pub(crate) fn access_token(value: &HeaderValue) -> Option<&str> {
    bearer(value).filter(|text| hongyan_access::is_access_token(text))
}

/// A name as phones write it: MS-ASHTTP §2.2.1.1.2.2 has `DOMAIN\user`, of which the domain means nothing here.
pub(crate) fn without_domain(name: &str) -> &str {
    name.rsplit_once('\\').map_or(name, |(_, user)| user)
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &'static str, expect: Option<(&str, &str)>) {
        let proof = read(&HeaderValue::from_static(value)).ok();
        let proof = proof
            .as_ref()
            .map(|proof| (proof.name.as_str(), proof.password.reveal()));
        assert_eq!(proof, expect, "{value}");
    }

    #[test]
    fn reads_the_examples_of_rfc_7617() {
        check("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", Some(("Aladdin", "open sesame")));
        check("basic dGVzdDoxMjPCow==", Some(("test", "123£")));
    }

    #[test]
    fn tokens_are_told_from_other_proofs() {
        let check =
            |value: &'static str, expect| assert_eq!(token(&HeaderValue::from_static(value)), expect, "{value}");
        check("Bearer hyt_abc", Some("hyt_abc"));
        check("bearer  hyt_abc ", Some("hyt_abc"));
        check("Bearer abc", None);
        check("Basic hyt_abc", None);
        check("hyt_abc", None);
    }

    #[test]
    fn a_domain_before_a_name_is_left_off() {
        for (name, expect) in [
            ("EXAMPLE\\anna@d.test", "anna@d.test"),
            ("\\anna@d.test", "anna@d.test"),
            ("anna@d.test", "anna@d.test"),
        ] {
            assert_eq!(without_domain(name), expect);
        }
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for wrong in ["", "Basic", "Basic !", "Basic dGVzdA==", "Bearer abc", "Digest x"] {
            check(wrong, None);
        }
    }
}
