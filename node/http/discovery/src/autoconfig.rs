//! Thunderbird's autoconfig (config-v1.1), read by several other clients too.

use hongyan_types::Domain;

use crate::offer::{Door, Offer, Service};
use crate::xml::XmlWriter;

/// The document for the addresses of `domain`. It is the same for all of them: clients fill the address in.
pub(crate) fn document(domain: &Domain, offer: &Offer) -> String {
    let mut xml = XmlWriter::new();
    xml.open("clientConfig", &[("version", "1.1")]);
    xml.open("emailProvider", &[("id", domain.as_str())]);
    xml.leaf("domain", domain.as_str());
    xml.leaf("displayName", &domain.to_unicode());
    xml.leaf("displayShortName", &domain.to_unicode());
    // In the order that clients shall prefer.
    for service in [Service::Imaps, Service::Imap, Service::Pop3s, Service::Pop3] {
        server(&mut xml, "incomingServer", offer.door(service));
    }
    for service in [Service::Submissions, Service::Submission] {
        server(&mut xml, "outgoingServer", offer.door(service));
    }
    xml.finish()
}

fn server(xml: &mut XmlWriter, element: &'static str, door: Option<&Door>) {
    let Some(door) = door else { return };
    let kind = match door.service {
        Service::Imap | Service::Imaps => "imap",
        Service::Pop3 | Service::Pop3s => "pop3",
        Service::Submission | Service::Submissions => "smtp",
        Service::Https => return,
    };
    xml.open(element, &[("type", kind)]);
    xml.leaf("hostname", door.host.as_str());
    xml.leaf("port", &door.port.to_string());
    xml.leaf(
        "socketType",
        if door.service.begins_in_clear() {
            "STARTTLS"
        } else {
            "SSL"
        },
    );
    // The password as it is, within TLS.
    xml.leaf("authentication", "password-cleartext");
    xml.leaf("username", "%EMAILADDRESS%");
    xml.close();
}
