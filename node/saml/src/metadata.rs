//! Metadata: what a provider says of itself, as an administrator pastes it, and what we say of ourselves (SAML Metadata).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::xml::{Element, METADATA, SIGNATURE, Tree, escape};
use crate::{Certificate, Fault, Registration, ShownKey, SignOutPlace};

pub(crate) const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
pub(crate) const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

/// A provider, as its metadata describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Who it is.
    pub entity_id: String,
    /// Where browsers are sent to, by HTTP-Redirect.
    pub sign_in_address: String,
    /// With which it signs.
    pub certificates: Vec<Certificate>,
    /// Where it takes messages of single logout, if it does.
    pub sign_out: Option<SignOutPlace>,
}

/// The certificates that a role signs with (Metadata §2.4.1.1).
pub(crate) fn certificates(role: Element<'_, '_>) -> Result<Vec<Certificate>, Fault> {
    let mut certificates = Vec::new();
    for descriptor in role.children(METADATA, "KeyDescriptor") {
        if !matches!(descriptor.attribute("use"), None | Some("signing")) {
            continue;
        }
        let info = descriptor.need(SIGNATURE, "KeyInfo")?;
        for data in info.children(SIGNATURE, "X509Data") {
            for certificate in data.children(SIGNATURE, "X509Certificate") {
                certificates.push(Certificate::read(&certificate.text()?)?);
            }
        }
    }
    Ok(certificates)
}

/// Reads the metadata of one provider (Metadata §2.4.3).
pub(crate) fn read(text: &str, octets_max: usize) -> Result<Described, Fault> {
    let tree = Tree::read(text.trim_start_matches('\u{feff}').trim(), octets_max)?;
    let root = tree.root()?;
    if !root.is(METADATA, "EntityDescriptor") {
        return Err(Fault::Unreadable(
            "metadata of one provider begins with EntityDescriptor",
        ));
    }
    let role = root.need(METADATA, "IDPSSODescriptor")?;
    let mut services = role.children(METADATA, "SingleSignOnService");
    let service = services.find(|service| service.attribute("Binding") == Some(REDIRECT));
    let place = service.and_then(|service| service.attribute("Location"));
    Ok(Described {
        entity_id: root.attribute("entityID").unwrap_or_default().to_owned(),
        sign_in_address: place
            .ok_or(Fault::Wrong("SingleSignOnService by HTTP-Redirect"))?
            .to_owned(),
        certificates: certificates(role)?,
        sign_out: SignOutPlace::read(role)?,
    })
}

/// The certificates that we sign with, the one that signs first.
pub(crate) fn key_descriptors(keys: &[ShownKey]) -> String {
    let descriptors = keys.iter().map(|key| {
        let packed = STANDARD.encode(key.certificate.der());
        format!(
            "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"{SIGNATURE}\"><ds:X509Data><ds:X509Certificate>{packed}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    });
    descriptors.collect()
}

/// Where we take messages of single logout.
pub(crate) fn sign_out_services(place: &str) -> String {
    let place = escape(place);
    let by = |binding: &str| format!("<md:SingleLogoutService Binding=\"{binding}\" Location=\"{place}\"/>");
    format!("{}{}", by(REDIRECT), by(POST))
}

/// What we say of ourselves to the provider of an organisation (Metadata §2.4.4).
pub(crate) fn write(registration: &Registration, keys: &[ShownKey]) -> String {
    let (name, place) = (escape(&registration.entity_id), escape(&registration.consumer_address));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{name}\">\
         <md:SPSSODescriptor AuthnRequestsSigned=\"false\" WantAssertionsSigned=\"true\" \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}{}\
         <md:NameIDFormat>{EMAIL}</md:NameIDFormat>\
         <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\
         <md:AssertionConsumerService Binding=\"{POST}\" Location=\"{place}\" index=\"0\" isDefault=\"true\"/>\
         </md:SPSSODescriptor></md:EntityDescriptor>\n",
        key_descriptors(keys),
        sign_out_services(&registration.sign_out_address),
    )
}
