//! Microsoft's Autodiscover, as Outlook sets IMAP and SMTP up, and phones ActiveSync: version 1 (POX) and version 2 (JSON).
//!
//! [MS-OXDSCLI] has the documents of version 1, [MS-ASCMD] §2.2.1.1 those for phones. Phones hear of ActiveSync where the
//! organisation has opened it (ACC-4); Exchange's other protocols are not spoken here, and not promised.

use hongyan_types::{Address, Domain};
use serde::Serialize;

use crate::offer::{Door, Offer, Service};
use crate::xml::{XmlError, XmlWriter, leaves};

/// Of the document as a whole.
const NAMESPACE: &str = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006";
/// Of an answer that sets a mail client up.
const OUTLOOK: &str = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";
/// Of an answer that sets a phone up.
const MOBILE_SYNC: &str = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";
/// The same, as some phones write it.
const MOBILE_SYNC_BY_TLS: &str = "https://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";
/// What version 2 leads to here: version 1.
const VERSION_1: &str = "AutodiscoverV1";
/// And ActiveSync, where it is open.
const ACTIVE_SYNC: &str = "ActiveSync";
/// Where ActiveSync is served ([MS-ASHTTP] §2.2.1.1.1).
const ACTIVE_SYNC_PATH: &str = "/Microsoft-Server-ActiveSync";

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutodiscoverRequest {
    /// As the client has it.
    pub address: String,
    /// Which kind of answer it understands.
    pub schema: String,
}

impl AutodiscoverRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn parse(document: &str) -> Result<Self, XmlError> {
        let (mut address, mut schema) = (String::new(), String::new());
        // Some clients begin with a byte order mark.
        leaves(document.trim_start_matches('\u{feff}'), |name, text| match name {
            "EMailAddress" => text.clone_into(&mut address),
            "AcceptableResponseSchema" => text.clone_into(&mut schema),
            _ => {}
        })?;
        Ok(Self { address, schema })
    }
    /// Whether a mail client is to be set up.
    pub(crate) fn is_for_mail(&self) -> bool {
        self.schema == OUTLOOK
    }
    /// Whether a phone is.
    pub(crate) fn is_for_phones(&self) -> bool {
        self.schema == MOBILE_SYNC || self.schema == MOBILE_SYNC_BY_TLS
    }
}

/// What a client is told instead of settings ([MS-OXDSCLI] §2.2.4.1.1.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The domain is none of ours.
    NoAddress,
    /// The request is not understood.
    BadRequest,
    /// Another kind of answer is wanted.
    OtherSchema,
}

impl Trouble {
    fn code(self) -> &'static str {
        match self {
            Self::NoAddress => "500",
            Self::BadRequest => "600",
            Self::OtherSchema => "601",
        }
    }
    fn message(self) -> &'static str {
        match self {
            Self::NoAddress => "The email address can't be found.",
            Self::BadRequest => "Invalid Request",
            Self::OtherSchema => "Requested schema version not supported",
        }
    }
}

/// Version 1: what `address` is set up with.
pub(crate) fn settings(address: &Address, offer: &Offer) -> String {
    let mut xml = XmlWriter::new();
    xml.open("Autodiscover", &[("xmlns", NAMESPACE)]);
    xml.open("Response", &[("xmlns", OUTLOOK)]);
    xml.open("Account", &[]);
    xml.leaf("AccountType", "email");
    xml.leaf("Action", "settings");
    // One of each kind: Outlook takes the first.
    for (kind, services) in [
        ("IMAP", [Service::Imaps, Service::Imap]),
        ("POP3", [Service::Pop3s, Service::Pop3]),
        ("SMTP", [Service::Submissions, Service::Submission]),
    ] {
        if let Some(door) = services.into_iter().find_map(|service| offer.door(service)) {
            protocol(&mut xml, kind, door, address);
        }
    }
    xml.finish()
}

/// Version 1: where a phone of `address` finds ActiveSync; `None` where there is no HTTPS ([MS-ASCMD] §2.2.1.1.2).
pub(crate) fn phone_settings(address: &Address, offer: &Offer) -> Option<String> {
    let url = offer.door(Service::Https)?.url(ACTIVE_SYNC_PATH);
    let mut xml = XmlWriter::new();
    xml.open("Autodiscover", &[("xmlns", NAMESPACE)]);
    xml.open("Response", &[("xmlns", MOBILE_SYNC)]);
    xml.leaf("Culture", "en:us");
    xml.open("User", &[]);
    // Nobody's name is told to who has not signed in.
    xml.leaf("DisplayName", &address.to_string());
    xml.leaf("EMailAddress", &address.to_string());
    xml.close();
    xml.open("Action", &[]);
    xml.open("Settings", &[]);
    xml.open("Server", &[]);
    xml.leaf("Type", "MobileSync");
    xml.leaf("Url", &url);
    xml.leaf("Name", &url);
    Some(xml.finish())
}

fn protocol(xml: &mut XmlWriter, kind: &str, door: &Door, address: &Address) {
    xml.open("Protocol", &[]);
    xml.leaf("Type", kind);
    xml.leaf("Server", door.host.as_str());
    xml.leaf("Port", &door.port.to_string());
    xml.leaf("DomainRequired", "off");
    xml.leaf("LoginName", &address.to_string());
    xml.leaf("SPA", "off");
    // `Encryption` is for those who know STARTTLS and overrides `SSL`.
    xml.leaf("SSL", if door.service.begins_in_clear() { "off" } else { "on" });
    xml.leaf("Encryption", if door.service.begins_in_clear() { "TLS" } else { "SSL" });
    xml.leaf("AuthRequired", "on");
    if kind == "SMTP" {
        xml.leaf("UsePOPAuth", "on");
        xml.leaf("SMTPLast", "off");
    }
    xml.close();
}

/// Version 1: an error, with the time of day and a number, which the schema asks for.
pub(crate) fn trouble(trouble: Trouble, time: &str) -> String {
    let mut xml = XmlWriter::new();
    xml.open("Autodiscover", &[("xmlns", NAMESPACE)]);
    xml.open("Response", &[]);
    xml.open("Error", &[("Time", time), ("Id", "0")]);
    xml.leaf("ErrorCode", trouble.code());
    xml.leaf("Message", trouble.message());
    xml.leaf("DebugData", "");
    xml.finish()
}

/// Version 2: where a protocol is found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    protocol: &'static str,
    url: String,
}

/// Version 2: why it is not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NotFound {
    error_code: &'static str,
    error_message: String,
}

/// Version 2: where `protocol` of `domain` is found; ActiveSync if it is open there.
pub(crate) fn found(
    protocol: &str,
    domain: Option<&Domain>,
    has_active_sync: bool,
    offer: &Offer,
) -> Result<Found, NotFound> {
    let refuse = |error_code, error_message| {
        Err(NotFound {
            error_code,
            error_message,
        })
    };
    if protocol.is_empty() {
        return refuse(
            "MandatoryParameterMissing",
            "A valid value must be provided for the query parameter 'Protocol'".to_owned(),
        );
    }
    let is_active_sync = protocol.eq_ignore_ascii_case(ACTIVE_SYNC);
    let (protocol, path) = match is_active_sync {
        true if has_active_sync => (ACTIVE_SYNC, ACTIVE_SYNC_PATH),
        false if protocol.eq_ignore_ascii_case(VERSION_1) => (VERSION_1, "/autodiscover/autodiscover.xml"),
        _ => {
            let also = if has_active_sync { ", 'ActiveSync'" } else { "" };
            return refuse(
                "InvalidProtocol",
                format!("The protocol is not supported. Supported is '{VERSION_1}'{also}"),
            );
        }
    };
    match (domain, offer.door(Service::Https)) {
        (Some(_), Some(https)) => Ok(Found {
            protocol,
            url: https.url(path),
        }),
        _ => refuse("DomainNotFound", "The domain is not served here".to_owned()),
    }
}
