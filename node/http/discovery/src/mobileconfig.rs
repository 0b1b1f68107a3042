//! Configuration profiles of Apple's devices (Configuration Profile Reference, payload `com.apple.mail.managed`).

use hongyan_types::Address;

use crate::offer::{Door, Offer, Service};
use crate::xml::XmlWriter;

const DOCTYPE: &str =
    "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">";

/// Of what the identifiers are derived: two profiles of an address are one, and a newer replaces the older.
const IDENTIFIERS: &str = "hongyan 2026 profile identifiers";

/// The profile for `address`, not signed; none when there is no service to read mail from or none to send with.
pub(crate) fn profile(address: &Address, offer: &Offer) -> Option<String> {
    let first = |services: &[Service]| services.iter().find_map(|service| offer.door(*service));
    let imap = first(&[Service::Imaps, Service::Imap]);
    let pop3 = first(&[Service::Pop3s, Service::Pop3]);
    let (kind, incoming) = match (imap, pop3) {
        (Some(door), _) => ("EmailTypeIMAP", door),
        (None, Some(door)) => ("EmailTypePOP", door),
        (None, None) => return None,
    };
    let outgoing = first(&[Service::Submissions, Service::Submission])?;
    let mut list = List(XmlWriter::new());
    list.0.raw(DOCTYPE);
    list.0.open("plist", &[("version", "1.0")]);
    list.0.open("dict", &[]);
    list.0.leaf("key", "PayloadContent");
    list.0.open("array", &[]);
    list.0.open("dict", &[]);
    list.text("EmailAccountType", kind);
    list.text("EmailAccountDescription", &address.domain.to_unicode());
    list.text("EmailAddress", &address.to_string());
    list.server("Incoming", incoming, address);
    list.server("Outgoing", outgoing, address);
    list.truth("OutgoingPasswordSameAsIncomingPassword");
    list.payload("com.apple.mail.managed", "mail", address);
    list.0.close();
    list.0.close();
    list.text("PayloadOrganization", &address.domain.to_unicode());
    list.payload("Configuration", "profile", address);
    Some(list.0.finish())
}

/// A dictionary being written.
struct List(XmlWriter);

impl List {
    fn text(&mut self, key: &str, value: &str) {
        self.0.leaf("key", key);
        self.0.leaf("string", value);
    }
    fn number(&mut self, key: &str, value: u16) {
        self.0.leaf("key", key);
        self.0.leaf("integer", &value.to_string());
    }
    fn truth(&mut self, key: &str) {
        self.0.leaf("key", key);
        self.0.raw("<true/>");
    }
    fn server(&mut self, side: &str, door: &Door, address: &Address) {
        self.text(&format!("{side}MailServerAuthentication"), "EmailAuthPassword");
        self.text(&format!("{side}MailServerHostName"), door.host.as_str());
        self.number(&format!("{side}MailServerPortNumber"), door.port);
        // With a port that begins in clear text, it means STARTTLS.
        self.truth(&format!("{side}MailServerUseSSL"));
        self.text(&format!("{side}MailServerUsername"), &address.to_string());
    }
    fn payload(&mut self, kind: &str, part: &str, address: &Address) {
        self.text("PayloadType", kind);
        self.number("PayloadVersion", 1);
        self.text("PayloadDisplayName", &format!("{address}"));
        let labels: Vec<_> = address.domain.as_str().rsplit('.').collect();
        let identity = identity(part, address);
        self.text("PayloadIdentifier", &format!("{}.{part}.{identity}", labels.join(".")));
        self.text("PayloadUUID", &identity);
    }
}

/// A UUID of version 8 (RFC 9562 §5.8), always the same one for a part of an address's profile.
fn identity(part: &str, address: &Address) -> String {
    let mut hash = blake3::Hasher::new_derive_key(IDENTIFIERS);
    hash.update(format!("{part} {}", address.key()).as_bytes());
    let mut octets = [0; 16];
    hash.finalize_xof().fill(&mut octets);
    let number = u128::from_be_bytes(octets);
    // Version and variant have fixed places.
    let number = number & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
    let digits = format!("{number:032X}");
    [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ]
    .join("-")
}
