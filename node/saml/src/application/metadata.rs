//! Metadata: what we say of ourselves as the identity provider of an organisation (Metadata §2.4.3), and what applications say of
//! themselves (§2.4.4), as an administrator pastes it.

use super::{Consumer, NameId, ShownKey};
use crate::metadata::{POST, REDIRECT, certificates, key_descriptors, sign_out_services};
use crate::xml::{METADATA, PROTOCOL, Tree, escape};
use crate::{Certificate, Fault, SignOutPlace};

/// An application, as its metadata describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedApplication {
    /// Who it is.
    pub entity_id: String,
    /// Where it takes answers, the one for those who name none first.
    pub consumers: Vec<Consumer>,
    /// How it wants members named, if that is among ours.
    pub name_id: Option<NameId>,
    /// Whether it signs its requests.
    pub needs_signature: bool,
    /// With which it signs.
    pub certificates: Vec<Certificate>,
    /// Where it takes messages of single logout, if it does.
    pub sign_out: Option<SignOutPlace>,
}

/// Reads the metadata of one application.
///
/// # Errors
/// `TooLong`, `Unreadable`, `DocumentType`, `Wrong`.
pub fn read_application(text: &str, octets_max: usize) -> Result<DescribedApplication, Fault> {
    let tree = Tree::read(text.trim_start_matches('\u{feff}').trim(), octets_max)?;
    let root = tree.root()?;
    if !root.is(METADATA, "EntityDescriptor") {
        return Err(Fault::Unreadable(
            "metadata of one application begins with EntityDescriptor",
        ));
    }
    let role = root.need(METADATA, "SPSSODescriptor")?;
    let mut consumers = Vec::new();
    for service in role.children(METADATA, "AssertionConsumerService") {
        if service.attribute("Binding") != Some(POST) {
            continue;
        }
        let index = service.attribute("index").unwrap_or("0").parse();
        let consumer = Consumer {
            location: service.attribute("Location").unwrap_or_default().to_owned(),
            index: index.map_err(|_| Fault::Wrong("AssertionConsumerService"))?,
        };
        // Metadata §2.2.3: the one that says so, else the first.
        match service.attribute("isDefault") {
            Some("true" | "1") => consumers.insert(0, consumer),
            _ => consumers.push(consumer),
        }
    }
    if consumers.is_empty() {
        return Err(Fault::Wrong("AssertionConsumerService by HTTP-POST"));
    }
    let mut formats = role.children(METADATA, "NameIDFormat");
    let name_id = formats.find_map(|format| NameId::of_format(&format.text().ok()?));
    Ok(DescribedApplication {
        entity_id: root.attribute("entityID").unwrap_or_default().to_owned(),
        consumers,
        name_id,
        needs_signature: matches!(role.attribute("AuthnRequestsSigned"), Some("true" | "1")),
        certificates: certificates(role)?,
        sign_out: SignOutPlace::read(role)?,
    })
}

/// Our own places for the applications of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) entity_id: String,
    pub(super) sign_in: String,
    pub(crate) sign_out: String,
}

/// What we say of ourselves; the key that signs comes first.
pub(super) fn write(places: &Places, keys: &[ShownKey]) -> String {
    let (name, sign_in) = (escape(&places.entity_id), escape(&places.sign_in));
    let (descriptors, sign_out) = (key_descriptors(keys), sign_out_services(&places.sign_out));
    let formats = NameId::ALL.map(|kind| format!("<md:NameIDFormat>{}</md:NameIDFormat>", kind.format()));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{name}\">\
         <md:IDPSSODescriptor WantAuthnRequestsSigned=\"false\" protocolSupportEnumeration=\"{PROTOCOL}\">{descriptors}{sign_out}{}\
         <md:SingleSignOnService Binding=\"{REDIRECT}\" Location=\"{sign_in}\"/>\
         <md:SingleSignOnService Binding=\"{POST}\" Location=\"{sign_in}\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>\n",
        formats.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<EntityDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata' entityID='https://app.test'>";

    fn described(role: &str) -> Result<DescribedApplication, Fault> {
        read_application(&format!("{HEAD}{role}</EntityDescriptor>"), 10_000)
    }

    #[test]
    fn api_2_applications_are_read_from_their_metadata() {
        let consumer = |index: &str, place: &str| {
            format!("<AssertionConsumerService Binding='{POST}' Location='{place}' {index}/>")
        };
        let role = format!(
            "<SPSSODescriptor AuthnRequestsSigned='true'><NameIDFormat>x</NameIDFormat><NameIDFormat>{}</NameIDFormat>\
             <AssertionConsumerService Binding='{REDIRECT}' Location='no'/>{}{}</SPSSODescriptor>",
            NameId::Email.format(),
            consumer("index='1'", "https://app.test/one"),
            consumer("index='2' isDefault='true'", "https://app.test/two"),
        );
        let application = described(&role).unwrap();
        let places: Vec<_> = application
            .consumers
            .iter()
            .map(|one| (one.index, one.location.as_str()))
            .collect();
        assert_eq!(places, [(2, "https://app.test/two"), (1, "https://app.test/one")]);
        assert_eq!(application.name_id, Some(NameId::Email));
        assert!(application.needs_signature && application.certificates.is_empty());
        for wrong in [
            "",
            "<SPSSODescriptor/>",
            "<SPSSODescriptor/><SPSSODescriptor/>",
            "<IDPSSODescriptor/>",
            &format!(
                "<SPSSODescriptor>{}</SPSSODescriptor>",
                consumer("index='x'", "https://app.test/")
            ),
        ] {
            assert!(described(wrong).is_err(), "{wrong}");
        }
    }
}
