//! What an application asks: an AuthnRequest (Core §3.4.1, Profiles §4.1.4.1).

use crate::Fault;
use crate::response::{name_of, seconds};
use crate::xml::{ASSERTION, Element, PROTOCOL, Tree};

/// Ways of having signed in that an application may name.
const CONTEXTS_MAX: usize = 20;
const TEXT_CHARACTERS_MAX: usize = 1_024;

/// How a way of having signed in is held against those that are asked for (Core §3.3.2.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Comparison {
    /// One of them.
    #[default]
    Exact,
    /// As strong as one of them, or stronger.
    Minimum,
    /// As strong as one of them at most.
    Maximum,
    /// Stronger than any of them.
    Better,
}

/// A request, as it was sent: nothing of it is checked against anything yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthnRequest {
    /// Its name.
    pub id: String,
    /// Who asks: the application's entity id.
    pub issuer: String,
    /// When it was made, in seconds of Unix time.
    pub issued_secs: i64,
    /// Where it is sent to.
    pub destination: Option<String>,
    /// Whether members have to prove anew who they are.
    pub force: bool,
    /// Whether members are to be shown nothing.
    pub passive: bool,
    /// Where the answer goes.
    pub consumer: Option<String>,
    /// The same by its number.
    pub consumer_index: Option<u16>,
    /// How the answer goes.
    pub binding: Option<String>,
    /// How the member is to be named.
    pub name_format: Option<String>,
    /// Among whose names.
    pub name_qualifier: Option<String>,
    /// How they have to have signed in; none is anyhow.
    pub contexts: Vec<String>,
    /// How that is held against how they have.
    pub comparison: Comparison,
    /// Whether it asks for what is not done here: a certain member, conditions of its own.
    pub asks_more: bool,
}

pub(crate) fn text_of(text: &str, what: &'static str) -> Result<String, Fault> {
    let is_text = (1..=TEXT_CHARACTERS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    is_text.then(|| text.to_owned()).ok_or(Fault::Wrong(what))
}

/// XML Schema, boolean.
fn flag(element: Element<'_, '_>, name: &'static str) -> Result<bool, Fault> {
    match element.attribute(name) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(Fault::Wrong(name)),
    }
}

pub(crate) fn text(element: Element<'_, '_>, name: &'static str) -> Result<Option<String>, Fault> {
    let value = element.attribute(name);
    value.map(|value| text_of(value, name)).transpose()
}

fn contexts(root: Element<'_, '_>) -> Result<(Vec<String>, Comparison), Fault> {
    let Some(asked) = root.child(PROTOCOL, "RequestedAuthnContext")? else {
        return Ok((Vec::new(), Comparison::Exact));
    };
    let comparison = match asked.attribute("Comparison") {
        None | Some("exact") => Comparison::Exact,
        Some("minimum") => Comparison::Minimum,
        Some("maximum") => Comparison::Maximum,
        Some("better") => Comparison::Better,
        Some(_) => return Err(Fault::Wrong("Comparison")),
    };
    let mut contexts = Vec::new();
    for element in asked.elements() {
        if contexts.len() == CONTEXTS_MAX {
            return Err(Fault::Wrong("RequestedAuthnContext"));
        }
        // A declaration is a way that nobody here knows: it is none of ours.
        contexts.push(text_of(&element.text()?, "RequestedAuthnContext")?);
    }
    match contexts.is_empty() {
        true => Err(Fault::Wrong("RequestedAuthnContext")),
        false => Ok((contexts, comparison)),
    }
}

/// Reads a request.
///
/// # Errors
/// `TooLong`, `Unreadable`, `DocumentType`; `Wrong`.
pub fn read_request(text_: &str, octets_max: usize) -> Result<AuthnRequest, Fault> {
    of(Tree::read(text_, octets_max)?.root()?)
}

pub(super) fn of(root: Element<'_, '_>) -> Result<AuthnRequest, Fault> {
    if !root.is(PROTOCOL, "AuthnRequest") {
        return Err(Fault::Unreadable("it is no AuthnRequest"));
    }
    if root.attribute("Version") != Some("2.0") {
        return Err(Fault::Wrong("Version"));
    }
    let index = root.attribute("AssertionConsumerServiceIndex");
    let index = index.map(|index| index.parse().map_err(|_| Fault::Wrong("AssertionConsumerServiceIndex")));
    let policy = root.child(PROTOCOL, "NameIDPolicy")?;
    let of_policy = |name| match policy {
        Some(policy) => text(policy, name),
        None => Ok(None),
    };
    let (contexts, comparison) = contexts(root)?;
    let subject = root.child(ASSERTION, "Subject")?;
    Ok(AuthnRequest {
        id: name_of(root.attribute("ID").unwrap_or_default(), "ID")?,
        issuer: text_of(&root.need(ASSERTION, "Issuer")?.text()?, "Issuer")?,
        issued_secs: seconds(root.attribute("IssueInstant").unwrap_or_default(), "IssueInstant")?,
        destination: text(root, "Destination")?,
        force: flag(root, "ForceAuthn")?,
        passive: flag(root, "IsPassive")?,
        consumer: text(root, "AssertionConsumerServiceURL")?,
        consumer_index: index.transpose()?,
        binding: text(root, "ProtocolBinding")?,
        name_format: of_policy("Format")?,
        name_qualifier: of_policy("SPNameQualifier")?,
        contexts,
        comparison,
        asks_more: subject.is_some() || root.child(ASSERTION, "Conditions")?.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(attributes: &str, within: &str) -> Result<AuthnRequest, Fault> {
        let text = format!(
            "<p:AuthnRequest xmlns:p='{PROTOCOL}' xmlns:a='{ASSERTION}' ID='_1' Version='2.0' IssueInstant='2026-01-01T00:00:00Z' {attributes}>\
             <a:Issuer>https://app.test</a:Issuer>{within}</p:AuthnRequest>"
        );
        read_request(&text, 10_000)
    }

    #[test]
    fn api_2_requests_are_read() {
        let plain = request("", "").unwrap();
        assert_eq!(
            (plain.id.as_str(), plain.issuer.as_str(), plain.issued_secs),
            ("_1", "https://app.test", 1_767_225_600)
        );
        assert!(!plain.force && !plain.passive && plain.contexts.is_empty() && !plain.asks_more);
        let asked = request(
            "ForceAuthn='1' IsPassive='true' AssertionConsumerServiceIndex='3' Destination='d'",
            "<p:NameIDPolicy Format='f' SPNameQualifier='q'/><p:RequestedAuthnContext Comparison='minimum'>\
             <a:AuthnContextClassRef>c</a:AuthnContextClassRef></p:RequestedAuthnContext>",
        );
        let asked = asked.unwrap();
        assert!(asked.force && asked.passive);
        assert_eq!((asked.consumer_index, asked.comparison), (Some(3), Comparison::Minimum));
        assert_eq!(asked.contexts, ["c"]);
        assert_eq!(
            (asked.name_format.as_deref(), asked.name_qualifier.as_deref()),
            (Some("f"), Some("q"))
        );
        assert!(request("", "<a:Subject/>").unwrap().asks_more);
        for (attributes, within, wrong) in [
            ("ForceAuthn='yes'", "", "ForceAuthn"),
            ("IsPassive=''", "", "IsPassive"),
            ("AssertionConsumerServiceIndex='x'", "", "AssertionConsumerServiceIndex"),
            ("AssertionConsumerServiceURL=''", "", "AssertionConsumerServiceURL"),
            ("", "<a:Issuer>other</a:Issuer>", "Issuer"),
            ("", "<p:NameIDPolicy/><p:NameIDPolicy/>", "NameIDPolicy"),
            ("", "<p:RequestedAuthnContext/>", "RequestedAuthnContext"),
            ("", "<p:RequestedAuthnContext Comparison='x'/>", "Comparison"),
        ] {
            assert_eq!(
                request(attributes, within),
                Err(Fault::Wrong(wrong)),
                "{attributes}{within}"
            );
        }
        assert!(read_request("<AuthnRequest/>", 100).is_err());
    }
}
