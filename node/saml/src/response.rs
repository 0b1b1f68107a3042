//! What a provider answers (SAML Core §3.3.3, Profiles §4.1.4), and what has to hold of it.

use crate::signature::signed;
use crate::xml::{ASSERTION, Element, PROTOCOL, Tree};
use crate::{Certificate, Fault, NameIdentifier};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// Longest names: of somebody at a provider, of a session, of an assertion.
const NAME_CHARACTERS_MAX: usize = 255;
/// Conditions that we keep by what we do anyway (Core §2.5.1.5, §2.5.1.6).
const KEPT_CONDITIONS: [&str; 2] = ["OneTimeUse", "ProxyRestriction"];

/// What a response is held against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'e> {
    /// Who the provider is.
    pub provider: &'e str,
    /// With which of these it signs.
    pub certificates: &'e [Certificate],
    /// Who we are.
    pub audience: &'e str,
    /// Where responses are sent to.
    pub recipient: &'e str,
    /// The attribute that is the mail address; without it, the name identifier is.
    pub mail_attribute: Option<&'e str>,
    /// The attribute that says what people are called.
    pub name_attribute: Option<&'e str>,
    /// Unix time in seconds.
    pub now_secs: i64,
    /// How far clocks may differ, in seconds.
    pub tolerance_secs: u32,
    /// What a response may have, in octets.
    pub octets_max: usize,
}

/// What a provider has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The name of the assertion.
    pub id: String,
    /// The request that it answers.
    pub request: String,
    /// Who it is there.
    pub subject: String,
    /// The mail address, if it says one.
    pub mail: Option<String>,
    /// What they are called.
    pub name: Option<String>,
    /// The provider's session.
    pub session: Option<String>,
    /// How the provider names them, in full.
    pub name_id: NameIdentifier,
    /// When they proved who they are, in seconds of Unix time.
    pub proved_secs: i64,
}

/// A moment, in seconds of Unix time (XML Schema, dateTime; UTC by Core §1.3.3).
pub(crate) fn seconds(text: &str, what: &'static str) -> Result<i64, Fault> {
    let moment: Result<jiff::Timestamp, _> = text.parse();
    moment.map(jiff::Timestamp::as_second).map_err(|_| Fault::Wrong(what))
}

pub(crate) fn name_of(text: &str, what: &'static str) -> Result<String, Fault> {
    let is_name =
        !text.is_empty() && text.chars().count() <= NAME_CHARACTERS_MAX && !text.chars().any(char::is_control);
    is_name.then(|| text.to_owned()).ok_or(Fault::Wrong(what))
}

impl Expected<'_> {
    fn tolerance(&self) -> i64 {
        i64::from(self.tolerance_secs)
    }

    fn check_begun(&self, element: Element<'_, '_>, what: &'static str) -> Result<(), Fault> {
        match element.attribute("NotBefore") {
            Some(moment) if seconds(moment, what)? > self.now_secs + self.tolerance() => {
                Err(Fault::Time("it has not come"))
            }
            _ => Ok(()),
        }
    }

    fn check_end(&self, moment: &str, what: &'static str) -> Result<(), Fault> {
        match seconds(moment, what)? <= self.now_secs - self.tolerance() {
            true => Err(Fault::Time("it is over")),
            false => Ok(()),
        }
    }

    fn check_issuer(&self, issuer: Element<'_, '_>) -> Result<(), Fault> {
        match issuer.text()? == self.provider {
            true => Ok(()),
            false => Err(Fault::Wrong("Issuer")),
        }
    }

    /// What is said around the assertion. It may not be signed: nothing of it is believed, but a lie in it is one.
    fn check_envelope(&self, response: Element<'_, '_>, is_signed: bool) -> Result<(), Fault> {
        if response.attribute("Version") != Some("2.0") {
            return Err(Fault::Wrong("Version"));
        }
        // Bindings §3.5.5.2: what is signed says where it is sent to.
        match response.attribute("Destination") {
            Some(place) if place == self.recipient => {}
            None if !is_signed => {}
            _ => return Err(Fault::Wrong("Destination")),
        }
        if let Some(issuer) = response.child(ASSERTION, "Issuer")? {
            self.check_issuer(issuer)?;
        }
        let code = response.need(PROTOCOL, "Status")?.need(PROTOCOL, "StatusCode")?;
        if code.attribute("Value") == Some(SUCCESS) {
            return Ok(());
        }
        // Core §3.2.2.2: the second code says more.
        let code = code.child(PROTOCOL, "StatusCode")?.unwrap_or(code);
        let value = code.attribute("Value").unwrap_or_default();
        let own = value.rsplit(':').next().unwrap_or_default();
        Err(Fault::Status(
            own.chars().filter(|c| c.is_ascii_graphic()).take(64).collect(),
        ))
    }

    /// Profiles §4.1.4.3: one of the confirmations is ours. Gives the request that it answers.
    fn check_subject(&self, subject: Element<'_, '_>) -> Result<String, Fault> {
        let mut fault = Fault::Wrong("SubjectConfirmation");
        for confirmation in subject.children(ASSERTION, "SubjectConfirmation") {
            if confirmation.attribute("Method") != Some(BEARER) {
                continue;
            }
            match self.check_confirmation(confirmation) {
                Ok(request) => return Ok(request),
                Err(found) => fault = found,
            }
        }
        Err(fault)
    }

    fn check_confirmation(&self, confirmation: Element<'_, '_>) -> Result<String, Fault> {
        let data = confirmation.need(ASSERTION, "SubjectConfirmationData")?;
        if data.attribute("Recipient") != Some(self.recipient) {
            return Err(Fault::Wrong("Recipient"));
        }
        self.check_begun(data, "NotBefore")?;
        let end = data.attribute("NotOnOrAfter").ok_or(Fault::Wrong("NotOnOrAfter"))?;
        self.check_end(end, "NotOnOrAfter")?;
        name_of(data.attribute("InResponseTo").unwrap_or_default(), "InResponseTo")
    }

    fn check_conditions(&self, conditions: Element<'_, '_>) -> Result<(), Fault> {
        self.check_begun(conditions, "NotBefore")?;
        if let Some(end) = conditions.attribute("NotOnOrAfter") {
            self.check_end(end, "NotOnOrAfter")?;
        }
        let mut is_for_us = false;
        for condition in conditions.elements() {
            if condition.is(ASSERTION, "AudienceRestriction") {
                let mut audiences = condition.children(ASSERTION, "Audience");
                if !audiences.any(|audience| audience.text().is_ok_and(|name| name == self.audience)) {
                    return Err(Fault::Wrong("Audience"));
                }
                is_for_us = true;
            } else if !KEPT_CONDITIONS.iter().any(|known| condition.is(ASSERTION, known)) {
                // Core §2.5.1: with a condition that is not understood nobody knows whether it holds.
                return Err(Fault::Wrong("Conditions"));
            }
        }
        is_for_us.then_some(()).ok_or(Fault::Wrong("Audience"))
    }

    /// When they proved who they are, and the session that they have there.
    fn statement(&self, assertion: Element<'_, '_>) -> Result<(i64, Option<String>), Fault> {
        let mut statements = assertion.children(ASSERTION, "AuthnStatement");
        let statement = statements.next().ok_or(Fault::Wrong("AuthnStatement"))?;
        if let Some(end) = statement.attribute("SessionNotOnOrAfter") {
            self.check_end(end, "SessionNotOnOrAfter")?;
        }
        let moment = statement.attribute("AuthnInstant").unwrap_or_default();
        let session = statement.attribute("SessionIndex");
        let session = session.map(|name| name_of(name, "SessionIndex")).transpose()?;
        Ok((seconds(moment, "AuthnInstant")?, session))
    }

    fn said(&self, assertion: Element<'_, '_>) -> Result<Said, Fault> {
        if assertion.attribute("Version") != Some("2.0") {
            return Err(Fault::Wrong("Version"));
        }
        self.check_issuer(assertion.need(ASSERTION, "Issuer")?)?;
        let subject = assertion.need(ASSERTION, "Subject")?;
        if subject.child(ASSERTION, "EncryptedID")?.is_some() {
            return Err(Fault::Encrypted);
        }
        let request = self.check_subject(subject)?;
        self.check_conditions(assertion.need(ASSERTION, "Conditions")?)?;
        let (proved_secs, session) = self.statement(assertion)?;
        let name_id = subject.need(ASSERTION, "NameID")?;
        let named = NameIdentifier::read(name_id)?;
        let id = named.value.clone();
        let mail = match self.mail_attribute {
            Some(wanted) => attribute(assertion, wanted)?,
            None => Some(id.clone()).filter(|id| id.contains('@')),
        };
        let subject = match name_id.attribute("Format") {
            // Core §8.3.8: another one each time. Who it is, is said by the address alone.
            Some(TRANSIENT) => mail.clone().ok_or(Fault::Wrong("NameID"))?,
            _ => id,
        };
        let name = match self.name_attribute {
            Some(wanted) => attribute(assertion, wanted)?,
            None => None,
        };
        Ok(Said {
            id: name_of(assertion.attribute("ID").unwrap_or_default(), "ID")?,
            request,
            subject,
            mail,
            name,
            session,
            name_id: named,
            proved_secs,
        })
    }
}

/// The first value of an attribute.
fn attribute(assertion: Element<'_, '_>, wanted: &str) -> Result<Option<String>, Fault> {
    let statements = assertion.children(ASSERTION, "AttributeStatement");
    let mut attributes = statements.flat_map(|statement| statement.children(ASSERTION, "Attribute"));
    let found = attributes.find(|attribute| attribute.attribute("Name") == Some(wanted));
    let value = found.and_then(|found| found.children(ASSERTION, "AttributeValue").next());
    let text = value.map(Element::text).transpose()?;
    text.filter(|text| !text.is_empty())
        .map(|text| name_of(&text, "Attribute"))
        .transpose()
}

/// The one assertion of a response.
fn assertion<'d, 't>(response: Element<'d, 't>) -> Result<Element<'d, 't>, Fault> {
    if response.children(ASSERTION, "EncryptedAssertion").next().is_some() {
        return Err(Fault::Encrypted);
    }
    response.need(ASSERTION, "Assertion")
}

fn response<'d, 't>(tree: &'d Tree<'t>) -> Result<Element<'d, 't>, Fault> {
    let root = tree.root()?;
    match root.is(PROTOCOL, "Response") {
        true => Ok(root),
        false => Err(Fault::Unreadable("it is no response")),
    }
}

/// Reads a response: only what was signed, by one of the certificates, for us, now.
///
/// # Errors
/// Each lie by its name.
pub fn read(text: &str, expected: &Expected<'_>) -> Result<Said, Fault> {
    let tree = Tree::read(text, expected.octets_max)?;
    let whole = response(&tree)?;
    // Canonical forms write out what was short: they may be longer than what was sent.
    let longest = expected.octets_max.saturating_mul(4);
    let signed_whole = signed(whole, expected.certificates, longest)?;
    let tree = match &signed_whole {
        Some(canonical) => Tree::read(canonical, longest)?,
        None => Tree::read(text, expected.octets_max)?,
    };
    let envelope = response(&tree)?;
    expected.check_envelope(envelope, signed_whole.is_some())?;
    let within = assertion(envelope)?;
    let said = match (signed(within, expected.certificates, longest)?, &signed_whole) {
        (Some(canonical), _) => expected.said(Tree::read(&canonical, longest)?.root()?)?,
        (None, Some(_)) => expected.said(within)?,
        (None, None) => return Err(Fault::Unsigned),
    };
    match envelope.attribute("InResponseTo") {
        Some(request) if request != said.request => Err(Fault::Wrong("InResponseTo")),
        _ => Ok(said),
    }
}
