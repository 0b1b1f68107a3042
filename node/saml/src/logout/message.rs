//! Requests to end sessions and the answers to them: LogoutRequest and LogoutResponse (Core §3.7).

use minicbor::{Decode, Encode};

use crate::Fault;
use crate::application::answer::{clean, moment};
use crate::application::ask::{text, text_of};
use crate::response::{name_of, seconds};
use crate::xml::{ASSERTION, Element, PROTOCOL, Tree};

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
/// Core §3.7.1: the member wants it.
const BY_USER: &str = "urn:oasis:names:tc:SAML:2.0:logout:user";
/// Sessions that one request names.
const SESSIONS_MAX: usize = 20;
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// Whom a message is about (Core §2.2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct NameIdentifier {
    /// The name: 1 to 255 characters.
    #[n(0)]
    pub value: String,
    /// Of which kind it is.
    #[n(1)]
    pub format: Option<String>,
    /// Who gave it.
    #[n(2)]
    pub qualifier: Option<String>,
    /// To whom it was given.
    #[n(3)]
    pub sp_qualifier: Option<String>,
}

impl NameIdentifier {
    pub(crate) fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        // Some write what they leave out.
        let named = |name: &'static str| {
            let value = element.attribute(name).filter(|value| !value.is_empty());
            value.map(|value| text_of(value, name)).transpose()
        };
        Ok(Self {
            value: name_of(&element.text()?, "NameID")?,
            format: named("Format")?,
            qualifier: named("NameQualifier")?,
            sp_qualifier: named("SPNameQualifier")?,
        })
    }

    pub(crate) fn write(&self) -> String {
        let attribute = |name: &str, value: Option<&str>| match value {
            Some(value) => format!(" {name}=\"{}\"", clean(value)),
            None => String::new(),
        };
        format!(
            "<saml:NameID{}{}{}>{}</saml:NameID>",
            attribute("Format", self.format.as_deref()),
            attribute("NameQualifier", self.qualifier.as_deref()),
            attribute("SPNameQualifier", self.sp_qualifier.as_deref()),
            clean(&self.value)
        )
    }

    /// Whether this one, as it was told, is meant by `said` (Core §3.3.4): what is left out there stands for what was told.
    pub(crate) fn is_meant_by(&self, said: &Self) -> bool {
        let is_same = |told: &Option<String>, said: Option<&str>| said.is_none() || told.as_deref() == said;
        let format = said.format.as_deref().filter(|format| *format != UNSPECIFIED);
        self.value == said.value
            && is_same(&self.format, format)
            && is_same(&self.qualifier, said.qualifier.as_deref())
            && is_same(&self.sp_qualifier, said.sp_qualifier.as_deref())
    }
}

/// A request to end sessions, as it was sent: nothing of it is checked against anything yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// Its name.
    pub id: String,
    /// Who asks.
    pub issuer: String,
    /// When it was made, in seconds of Unix time.
    pub issued_secs: i64,
    /// Where it is sent to.
    pub destination: Option<String>,
    /// From when on it counts no more, in seconds of Unix time.
    pub end_secs: Option<i64>,
    /// Whose sessions.
    pub name: NameIdentifier,
    /// Which of them; none is all.
    pub sessions: Vec<String>,
}

/// An answer to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutResponse {
    /// Its name.
    pub id: String,
    /// Who answers.
    pub issuer: String,
    /// When it was made, in seconds of Unix time.
    pub issued_secs: i64,
    /// Where it is sent to.
    pub destination: Option<String>,
    /// The request that it answers.
    pub request: String,
    /// Whether all sessions have ended, those too at others that it has told.
    pub is_done: bool,
}

/// Reads a request.
///
/// # Errors
/// `TooLong`, `Unreadable`, `DocumentType`; `Wrong`; `Encrypted`.
pub fn read_logout_request(text: &str, octets_max: usize) -> Result<LogoutRequest, Fault> {
    request_of(Tree::read(text, octets_max)?.root()?)
}

/// Reads an answer.
///
/// # Errors
/// `TooLong`, `Unreadable`, `DocumentType`; `Wrong`.
pub fn read_logout_response(text: &str, octets_max: usize) -> Result<LogoutResponse, Fault> {
    response_of(Tree::read(text, octets_max)?.root()?)
}

fn check_kind(root: Element<'_, '_>, local: &'static str, otherwise: &'static str) -> Result<(), Fault> {
    if !root.is(PROTOCOL, local) {
        return Err(Fault::Unreadable(otherwise));
    }
    match root.attribute("Version") {
        Some("2.0") => Ok(()),
        _ => Err(Fault::Wrong("Version")),
    }
}

fn issuer_of(root: Element<'_, '_>) -> Result<String, Fault> {
    text_of(&root.need(ASSERTION, "Issuer")?.text()?, "Issuer")
}

pub(crate) fn request_of(root: Element<'_, '_>) -> Result<LogoutRequest, Fault> {
    check_kind(root, "LogoutRequest", "it is no LogoutRequest")?;
    if root.child(ASSERTION, "EncryptedID")?.is_some() {
        return Err(Fault::Encrypted);
    }
    let mut sessions = Vec::new();
    for session in root.children(PROTOCOL, "SessionIndex") {
        if sessions.len() == SESSIONS_MAX {
            return Err(Fault::Wrong("SessionIndex"));
        }
        sessions.push(name_of(&session.text()?, "SessionIndex")?);
    }
    let end = root.attribute("NotOnOrAfter");
    Ok(LogoutRequest {
        id: name_of(root.attribute("ID").unwrap_or_default(), "ID")?,
        issuer: issuer_of(root)?,
        issued_secs: seconds(root.attribute("IssueInstant").unwrap_or_default(), "IssueInstant")?,
        destination: text(root, "Destination")?,
        end_secs: end.map(|end| seconds(end, "NotOnOrAfter")).transpose()?,
        name: NameIdentifier::read(root.need(ASSERTION, "NameID")?)?,
        sessions,
    })
}

pub(crate) fn response_of(root: Element<'_, '_>) -> Result<LogoutResponse, Fault> {
    check_kind(root, "LogoutResponse", "it is no LogoutResponse")?;
    let code = root.need(PROTOCOL, "Status")?.need(PROTOCOL, "StatusCode")?;
    let is_whole = code.child(PROTOCOL, "StatusCode")?.is_none();
    let is_success = code.attribute("Value").and_then(|value| value.strip_prefix(STATUS)) == Some("Success");
    Ok(LogoutResponse {
        id: name_of(root.attribute("ID").unwrap_or_default(), "ID")?,
        issuer: issuer_of(root)?,
        issued_secs: seconds(root.attribute("IssueInstant").unwrap_or_default(), "IssueInstant")?,
        destination: text(root, "Destination")?,
        request: name_of(root.attribute("InResponseTo").unwrap_or_default(), "InResponseTo")?,
        // Core §3.7.3.2: a second code says that others were not told.
        is_done: is_success && is_whole,
    })
}

/// What came of a request (Core §3.2.2.2, §3.7.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum Outcome {
    /// All sessions have ended.
    #[n(0)]
    Done,
    /// Those here have, and some at others perhaps not.
    #[n(1)]
    Partial,
    /// Nobody is known by that name, or the session is another's.
    #[n(2)]
    Unknown,
}

impl Outcome {
    fn code(self) -> String {
        let (outer, inner) = match self {
            Self::Done => return format!("<samlp:StatusCode Value=\"{STATUS}Success\"/>"),
            Self::Partial => ("Success", "PartialLogout"),
            Self::Unknown => ("Requester", "UnknownPrincipal"),
        };
        format!(
            "<samlp:StatusCode Value=\"{STATUS}{outer}\"><samlp:StatusCode Value=\"{STATUS}{inner}\"/></samlp:StatusCode>"
        )
    }
}

/// What both messages say of themselves.
pub(crate) struct Head<'h> {
    pub(crate) id: &'h str,
    /// Unix time in milliseconds.
    pub(crate) at_millis: i64,
    pub(crate) issuer: &'h str,
    pub(crate) destination: &'h str,
}

impl Head<'_> {
    fn write(&self, kind: &str, attributes: &str, within: &str) -> String {
        format!(
            "<samlp:{kind} xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{}\" Version=\"2.0\" IssueInstant=\"{}\" \
             Destination=\"{}\"{attributes}><saml:Issuer>{}</saml:Issuer>{within}</samlp:{kind}>",
            self.id,
            moment(self.at_millis),
            clean(self.destination),
            clean(self.issuer),
        )
    }

    /// A request that counts until `end_millis`.
    pub(crate) fn request(&self, name: &NameIdentifier, session: Option<&str>, end_millis: i64) -> String {
        let session = session.map(|index| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", clean(index)));
        let attributes = format!(" NotOnOrAfter=\"{}\" Reason=\"{BY_USER}\"", moment(end_millis));
        let within = format!("{}{}", name.write(), session.unwrap_or_default());
        self.write("LogoutRequest", &attributes, &within)
    }

    pub(crate) fn response(&self, request: &str, outcome: Outcome) -> String {
        let attributes = format!(" InResponseTo=\"{}\"", clean(request));
        let within = format!("<samlp:Status>{}</samlp:Status>", outcome.code());
        self.write("LogoutResponse", &attributes, &within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head<'_> = Head {
        id: "_1",
        at_millis: 1_800_000_000_000,
        issuer: "https://a.test/?x&y",
        destination: "https://b.test/slo?x&y",
    };

    fn name() -> NameIdentifier {
        NameIdentifier {
            value: "<anna>".to_owned(),
            format: Some("f".to_owned()),
            qualifier: None,
            sp_qualifier: Some("s".to_owned()),
        }
    }

    #[test]
    fn golden_messages() {
        let text = HEAD.request(&name(), Some("_s"), 1_800_000_300_000);
        assert_eq!(
            text,
            "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
             ID=\"_1\" Version=\"2.0\" IssueInstant=\"2027-01-15T08:00:00Z\" Destination=\"https://b.test/slo?x&amp;y\" \
             NotOnOrAfter=\"2027-01-15T08:05:00Z\" Reason=\"urn:oasis:names:tc:SAML:2.0:logout:user\">\
             <saml:Issuer>https://a.test/?x&amp;y</saml:Issuer><saml:NameID Format=\"f\" SPNameQualifier=\"s\">&lt;anna&gt;</saml:NameID>\
             <samlp:SessionIndex>_s</samlp:SessionIndex></samlp:LogoutRequest>"
        );
        let request = read_logout_request(&text, 10_000).unwrap();
        assert_eq!(
            request,
            LogoutRequest {
                id: "_1".to_owned(),
                issuer: "https://a.test/?x&y".to_owned(),
                issued_secs: 1_800_000_000,
                destination: Some("https://b.test/slo?x&y".to_owned()),
                end_secs: Some(1_800_000_300),
                name: name(),
                sessions: vec!["_s".to_owned()],
            }
        );
        let text = HEAD.response("_0", Outcome::Partial);
        assert_eq!(
            text,
            "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
             ID=\"_1\" Version=\"2.0\" IssueInstant=\"2027-01-15T08:00:00Z\" Destination=\"https://b.test/slo?x&amp;y\" InResponseTo=\"_0\">\
             <saml:Issuer>https://a.test/?x&amp;y</saml:Issuer><samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\">\
             <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:PartialLogout\"/></samlp:StatusCode></samlp:Status></samlp:LogoutResponse>"
        );
        for (outcome, is_done) in [
            (Outcome::Done, true),
            (Outcome::Partial, false),
            (Outcome::Unknown, false),
        ] {
            let response = read_logout_response(&HEAD.response("_0", outcome), 10_000).unwrap();
            assert_eq!((response.request.as_str(), response.is_done), ("_0", is_done));
        }
    }

    #[test]
    fn api_2_bad_messages_have_names() {
        let good = HEAD.request(&name(), Some("_s"), 1_800_000_300_000);
        let many = "<samlp:SessionIndex>_s</samlp:SessionIndex>".repeat(21);
        for (from, to, fault) in [
            (
                "LogoutRequest",
                "AuthnRequest",
                Fault::Unreadable("it is no LogoutRequest"),
            ),
            ("\"2.0\"", "\"1.1\"", Fault::Wrong("Version")),
            (" ID=\"_1\"", "", Fault::Wrong("ID")),
            ("IssueInstant=\"2027", "IssueInstant=\"x", Fault::Wrong("IssueInstant")),
            ("NotOnOrAfter=\"2027", "NotOnOrAfter=\"x", Fault::Wrong("NotOnOrAfter")),
            ("&lt;anna&gt;", "", Fault::Wrong("NameID")),
            ("saml:NameID", "saml:EncryptedID", Fault::Encrypted),
            ("saml:NameID", "saml:BaseID", Fault::Wrong("NameID")),
            ("saml:Issuer", "saml:Other", Fault::Wrong("Issuer")),
            (">_s<", "><", Fault::Wrong("SessionIndex")),
            (
                "<samlp:SessionIndex>_s</samlp:SessionIndex>",
                many.as_str(),
                Fault::Wrong("SessionIndex"),
            ),
        ] {
            let text = good.replace(from, to);
            assert_eq!(read_logout_request(&text, 10_000), Err(fault), "{text}");
        }
        assert_eq!(read_logout_request(&good, 100), Err(Fault::TooLong(100)));
        let good = HEAD.response("_0", Outcome::Done);
        for (from, to, fault) in [
            (
                "LogoutResponse",
                "Response",
                Fault::Unreadable("it is no LogoutResponse"),
            ),
            (" InResponseTo=\"_0\"", "", Fault::Wrong("InResponseTo")),
            ("samlp:Status>", "samlp:Other>", Fault::Wrong("Status")),
            ("samlp:StatusCode", "samlp:Other", Fault::Wrong("StatusCode")),
        ] {
            let text = good.replace(from, to);
            assert_eq!(read_logout_response(&text, 10_000), Err(fault), "{text}");
        }
    }

    #[test]
    fn names_are_meant_when_nothing_that_is_said_differs() {
        let told = name();
        let plain = NameIdentifier {
            value: "<anna>".to_owned(),
            ..NameIdentifier::default()
        };
        assert!(told.is_meant_by(&told) && told.is_meant_by(&plain));
        let unspecified = NameIdentifier {
            format: Some(UNSPECIFIED.to_owned()),
            ..plain.clone()
        };
        assert!(told.is_meant_by(&unspecified));
        assert!(!plain.is_meant_by(&told));
        for other in [
            NameIdentifier {
                value: "<Anna>".to_owned(),
                ..told.clone()
            },
            NameIdentifier {
                format: Some("g".to_owned()),
                ..told.clone()
            },
            NameIdentifier {
                qualifier: Some("q".to_owned()),
                ..told.clone()
            },
            NameIdentifier {
                sp_qualifier: Some("t".to_owned()),
                ..told.clone()
            },
        ] {
            assert!(!told.is_meant_by(&other), "{other:?}");
        }
    }
}
