//! One target per parser and round trip, as plain functions.
//!
//! A target takes any bytes and never panics; what it finds broken it asserts. `tests/smoke.rs` runs each of them on
//! mutations of ordinary input in every test run; `libfuzzer/` runs them guided by coverage.

mod activesync;
mod discovery;
mod frame;
mod jmap;
mod ldap;
mod message;
mod oauth;
mod proxy;
mod saml;
mod scim;
mod session;

pub use activesync::{activesync, activesync_query};
pub use discovery::autodiscover;
pub use frame::frames;
pub use jmap::{jmap, json_pointer};
pub use ldap::{ldap, ldap_client, ldap_text};
pub use message::{addresses, mbox, message, receipts, words};
pub use oauth::{form, sasl};
pub use proxy::proxy;
pub use saml::{saml_logout, saml_request, saml_response};
pub use scim::{scim_body, scim_filter};
pub use session::{imap, imap_client, pop3, smtp};

/// Every target with its name.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("imap", imap),
    ("imap_client", imap_client),
    ("mbox", mbox),
    ("smtp", smtp),
    ("pop3", pop3),
    ("ldap", ldap),
    ("ldap_client", ldap_client),
    ("ldap_text", ldap_text),
    ("message", message),
    ("addresses", addresses),
    ("words", words),
    ("receipts", receipts),
    ("frames", frames),
    ("proxy", proxy),
    ("sasl", sasl),
    ("form", form),
    ("autodiscover", autodiscover),
    ("activesync", activesync),
    ("activesync_query", activesync_query),
    ("jmap", jmap),
    ("json_pointer", json_pointer),
    ("scim_filter", scim_filter),
    ("scim_body", scim_body),
    ("saml_response", saml_response),
    ("saml_request", saml_request),
    ("saml_logout", saml_logout),
];
