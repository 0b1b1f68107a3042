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
        servers(&mut xml, "incomingServer", offer, service);
    }
    for service in [Service::Submissions, Service::Submission] {
        servers(&mut xml, "outgoingServer", offer, service);
    }
    xml.finish()
}

/// The one that clients shall prefer, then those for members abroad (ACC-16).
fn servers(xml: &mut XmlWriter, element: &'static str, offer: &Offer, service: Service) {
    for door in offer
        .door(service)
        .cloned()
        .into_iter()
        .chain(offer.regional_doors(service))
    {
        server(xml, element, &door);
    }
}

fn server(xml: &mut XmlWriter, element: &'static str, door: &Door) {
    let kind = match door.service {
        Service::Imap | Service::Imaps => "imap",
        Service::Pop3 | Service::Pop3s => "pop3",
        Service::Submission | Service::Submissions => "smtp",
        Service::Https | Service::Ldap | Service::Ldaps => return,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offer::{RegionalHost, StsMode, StsPolicy};

    #[test]
    fn acc_16_names_for_members_abroad_come_after_the_usual_ones() {
        let name = |text: &str| Domain::try_from(text).unwrap();
        let door = |service, port| Door {
            service,
            host: name("mx.host.test"),
            port,
        };
        let offer = Offer {
            doors: vec![
                door(Service::Imaps, 993),
                door(Service::Submissions, 465),
                door(Service::Ldaps, 636),
            ],
            regional_hosts: vec![RegionalHost {
                host: name("eu.host.test"),
                place: "Europe".to_owned(),
            }],
            mail_hosts: vec![name("mx.host.test")],
            spf_include: None,
            sts: StsPolicy {
                mode: StsMode::None,
                age_secs_max: 86_400,
            },
        };
        let document = document(&name("example.test"), &offer);
        let hosts = document.split("<hostname>").skip(1);
        let hosts: Vec<_> = hosts.filter_map(|rest| rest.split('<').next()).collect();
        assert_eq!(hosts, ["mx.host.test", "eu.host.test", "mx.host.test", "eu.host.test"]);
        assert_eq!(document.matches("<port>993</port>").count(), 2);
        assert_eq!(document.matches("<port>465</port>").count(), 2);
    }
}
