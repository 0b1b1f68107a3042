//! What applications are answered (Core §3.3.3, Profiles §4.1.4.2): who the member is, signed twice, for applications look at the
//! assertion or at the response; or why nobody is named.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hongyan_access::Present;
use hongyan_types::TenantId;

use super::errand::Errand;
use super::{Application, Fact, NameId, Told};
use crate::logout::entity;
use crate::xml::{ASSERTION, PROTOCOL, escape};
use crate::{NameIdentifier, Party, Saml, SamlError};

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const NAME_OCTETS: usize = 20;

/// Why an application is told of nobody (Core §3.2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// They would have to be asked something.
    NoPassive,
    /// They have not signed in in a way that it takes.
    NoAuthnContext,
    /// It wants them named in a way that it is not registered for.
    InvalidNameIdPolicy,
    /// It asks for what is not done here.
    RequestUnsupported,
    /// It wants the answer by another binding.
    UnsupportedBinding,
    /// The member is another organisation's.
    RequestDenied,
}

impl Refusal {
    fn codes(self) -> (&'static str, &'static str) {
        match self {
            Self::NoPassive => ("Responder", "NoPassive"),
            Self::NoAuthnContext => ("Responder", "NoAuthnContext"),
            Self::InvalidNameIdPolicy => ("Requester", "InvalidNameIDPolicy"),
            Self::RequestUnsupported => ("Requester", "RequestUnsupported"),
            Self::UnsupportedBinding => ("Requester", "UnsupportedBinding"),
            Self::RequestDenied => ("Responder", "RequestDenied"),
        }
    }
}

/// What a browser posts to an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Where to: it is registered.
    pub location: String,
    /// `SAMLResponse`.
    pub response: String,
    /// `RelayState`.
    pub relay_state: Option<String>,
}

pub(crate) fn moment(millis: i64) -> String {
    jiff::Timestamp::from_second(millis.div_euclid(1_000))
        .unwrap_or_default()
        .to_string()
}

fn hashed(key: [u8; 32], parts: &[&str]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(&key);
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn code_of(status: Option<Refusal>) -> String {
    match status.map(Refusal::codes) {
        None => format!("<samlp:StatusCode Value=\"{STATUS}Success\"/>"),
        Some((outer, inner)) => format!(
            "<samlp:StatusCode Value=\"{STATUS}{outer}\"><samlp:StatusCode Value=\"{STATUS}{inner}\"/></samlp:StatusCode>"
        ),
    }
}

/// Texts without what XML has no place for (XML 1.0 §2.2).
pub(crate) fn clean(text: &str) -> String {
    let is_char = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    escape(&text.chars().filter(is_char).collect::<String>())
}

fn attribute(told: &Told, values: &[String]) -> String {
    let format = match told.name.starts_with("urn:") || told.name.contains("://") {
        true => "uri",
        false => "basic",
    };
    let values = values
        .iter()
        .map(|value| format!("<saml:AttributeValue>{}</saml:AttributeValue>", clean(value)));
    format!(
        "<saml:Attribute Name=\"{}\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:{format}\">{}</saml:Attribute>",
        clean(&told.name),
        values.collect::<String>()
    )
}

impl Saml {
    pub(crate) fn name(&self) -> String {
        let mut random = [0; 16];
        self.0.env.fill_random(&mut random);
        let hex: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("_{hex}")
    }

    /// Core §8.3.7: of no meaning, the same for ever, another one for each application.
    fn persistent(&self, tenant: TenantId, application: &Application, subject: &str) -> String {
        let key = self.0.openid.derived_key("saml persistent name");
        let hash = hashed(key, &[&tenant.0.to_string(), &application.entity_id, subject]);
        URL_SAFE_NO_PAD.encode(hash.get(..NAME_OCTETS).unwrap_or_default())
    }

    /// What an application knows a session here by.
    fn session_index(&self, application: &Application, session: u64) -> String {
        let key = self.0.openid.derived_key("saml session index");
        let hash = hashed(key, &[&application.entity_id, &session.to_string()]);
        format!(
            "_{}",
            URL_SAFE_NO_PAD.encode(hash.get(..NAME_OCTETS).unwrap_or_default())
        )
    }

    /// How an application knows a member; who gave that name, and to whom, is not said.
    fn name_id(&self, tenant: TenantId, application: &Application, present: &Present) -> NameIdentifier {
        let account = &present.session.account;
        NameIdentifier {
            value: match application.name_id {
                NameId::Persistent => self.persistent(tenant, application, &account.subject()),
                NameId::Email => account.address.to_string(),
                NameId::Transient => self.name(),
            },
            format: Some(application.name_id.format().to_owned()),
            ..NameIdentifier::default()
        }
    }

    async fn attributes(&self, application: &Application, present: &Present) -> Result<String, SamlError> {
        let account = &present.session.account;
        let mut attributes = String::new();
        for told in &application.told {
            let values = match told.fact {
                Fact::Mail => vec![account.address.to_string()],
                Fact::Name if account.display_name.is_empty() => vec![account.address.to_string()],
                Fact::Name => vec![account.display_name.clone()],
                Fact::Number => vec![account.id.0.to_string()],
                Fact::Aliases => account.aliases.iter().map(ToString::to_string).collect(),
                Fact::Organisation => vec![self.0.directory.tenant(account.tenant).await?.name.clone()],
            };
            if !values.is_empty() {
                attributes.push_str(&attribute(told, &values));
            }
        }
        Ok(match attributes.is_empty() {
            true => attributes,
            false => format!("<saml:AttributeStatement>{attributes}</saml:AttributeStatement>"),
        })
    }

    async fn assertion(
        &self,
        errand: &Errand,
        application: &Application,
        (present, context): (&Present, &str),
    ) -> Result<(String, String), SamlError> {
        let (tenant, now) = (errand.tenant(), self.0.env.wall_millis());
        let options = &self.0.options;
        let lasts = i64::try_from(options.assertion_secs).unwrap_or(i64::MAX / 4_000);
        let tolerance = i64::from(options.clock_tolerance_secs);
        let end = moment(now.saturating_add(lasts.saturating_mul(1_000)));
        let session = present.session.id;
        let party = Party {
            application: Some(application.id.clone()),
            entity: entity(&application.entity_id),
            name: self.name_id(tenant, application, present),
            index: Some(self.session_index(application, session.0)),
        };
        self.note_party(session, &party).await?;
        let id = self.name();
        let request = match &errand.request {
            Some(request) => format!(" InResponseTo=\"{}\"", clean(request)),
            None => String::new(),
        };
        let text = format!(
            "<saml:Assertion xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{}\"><saml:Issuer>{}</saml:Issuer>\
             <saml:Subject>{}<saml:SubjectConfirmation Method=\"{BEARER}\"><saml:SubjectConfirmationData{request} NotOnOrAfter=\"{end}\" Recipient=\"{}\"/>\
             </saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore=\"{}\" NotOnOrAfter=\"{end}\"><saml:AudienceRestriction>\
             <saml:Audience>{}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant=\"{}\" SessionIndex=\"{}\">\
             <saml:AuthnContext><saml:AuthnContextClassRef>{context}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>{}</saml:Assertion>",
            moment(now),
            clean(&self.places(tenant).entity_id),
            self.full_name(tenant, application, &party.name).write(),
            clean(&errand.consumer),
            moment(now.saturating_sub(tolerance.saturating_mul(1_000))),
            clean(&application.entity_id),
            moment(present.sign_in.proved.millis),
            party.index.as_deref().unwrap_or_default(),
            self.attributes(application, present).await?,
        );
        Ok((text, id))
    }

    async fn respond(&self, errand: &Errand, outcome: Result<(String, String), Refusal>) -> Result<Post, SamlError> {
        let signer = self.signer(errand.tenant()).await?;
        let (within, refusal) = match outcome {
            Ok((assertion, id)) => (signer.envelop(&assertion, &id)?, None),
            Err(refusal) => (String::new(), Some(refusal)),
        };
        let id = self.name();
        let request = match &errand.request {
            Some(request) => format!(" InResponseTo=\"{}\"", clean(request)),
            None => String::new(),
        };
        let text = format!(
            "<samlp:Response xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{}\"{request} \
             Destination=\"{}\"><saml:Issuer>{}</saml:Issuer><samlp:Status>{}</samlp:Status>{within}</samlp:Response>",
            moment(self.0.env.wall_millis()),
            clean(&errand.consumer),
            clean(&self.places(errand.tenant()).entity_id),
            code_of(refusal),
        );
        Ok(Post {
            location: errand.consumer.clone(),
            response: STANDARD.encode(signer.envelop(&text, &id)?),
            relay_state: errand.relay_state.clone(),
        })
    }

    /// Tells an application who is signed in; or that they have not signed in in a way that it takes.
    ///
    /// # Errors
    /// `SignIn`: a key that cannot be used; the store's.
    pub async fn answer(
        &self,
        errand: &Errand,
        application: &Application,
        present: &Present,
    ) -> Result<Post, SamlError> {
        if present.session.account.tenant != errand.tenant() {
            return self.refuse(errand, Refusal::RequestDenied).await;
        }
        let Some(context) = errand.context(present) else {
            return self.refuse(errand, Refusal::NoAuthnContext).await;
        };
        let assertion = self.assertion(errand, application, (present, context)).await?;
        self.respond(errand, Ok(assertion)).await
    }

    /// Tells an application why it hears of nobody.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub async fn refuse(&self, errand: &Errand, refusal: Refusal) -> Result<Post, SamlError> {
        self.respond(errand, Err(refusal)).await
    }
}

impl From<hongyan_seal::SealError> for SamlError {
    fn from(error: hongyan_seal::SealError) -> Self {
        Self::SignIn(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_key_differ_by_all_that_they_are_of() {
        let key = [7; 32];
        let one = hashed(key, &["1", "https://app.test", "23"]);
        assert_eq!(one, hashed(key, &["1", "https://app.test", "23"]));
        for other in [
            ["2", "https://app.test", "23"],
            ["1", "https://app.test2", "3"],
            ["1", "https://other.test", "23"],
            ["1", "https://app.test", "24"],
        ] {
            assert_ne!(one, hashed(key, &other), "{other:?}");
        }
        assert_ne!(one, hashed([8; 32], &["1", "https://app.test", "23"]));
    }

    #[test]
    fn texts_stay_texts() {
        let told = Told {
            fact: Fact::Name,
            name: "urn:x:name".to_owned(),
        };
        let text = attribute(&told, &["</a>&\"\u{1}\u{b}Anna".to_owned()]);
        assert!(
            text.contains("attrname-format:uri\"") && text.contains("&lt;/a&gt;&amp;&quot;Anna"),
            "{text}"
        );
    }
}
