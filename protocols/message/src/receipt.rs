//! Receipts: what became of a mail with its recipient (RFC 8098 §3.1), the part `message/disposition-notification`.
//!
//! Reading takes what is there and passes over the rest; there is no receipt without a disposition.

use std::fmt::Write as _;

use crate::header::{fields, unfold};
use crate::message_id;

/// Fields of one receipt that are looked at, and characters of one value.
const FIELDS_MAX: usize = 100;
const VALUE_CHARACTERS_MAX: usize = 900;
/// Octets of an id: below what a value may have.
const ID_OCTETS_MAX: usize = 800;

/// The standard's own fields; all others are extensions.
const KNOWN: [&str; 7] = [
    "Reporting-UA",
    "MDN-Gateway",
    "Original-Recipient",
    "Final-Recipient",
    "Original-Message-ID",
    "Disposition",
    "Error",
];

/// What happened to the mail (RFC 8098 §3.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was shown to somebody.
    Displayed,
    /// It was sent on.
    Dispatched,
    /// It was worked on by a program.
    Processed,
    /// It was deleted, maybe unseen.
    Deleted,
}

/// What happened, and whether a person did it and wanted it told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disposition {
    /// Whether a person did it, and not a program.
    pub is_manual_action: bool,
    /// Whether a person agreed to the receipt.
    pub is_sent_manually: bool,
    /// What happened.
    pub kind: Kind,
}

/// A receipt, without what stands around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which program wrote it.
    pub reporting_ua: Option<String>,
    /// Which gateway passed it on, as `type;name`.
    pub gateway: Option<String>,
    /// Whom the sender wrote to, as `type;address`.
    pub original_recipient: Option<String>,
    /// Whose receipt it is, as `type;address`.
    pub final_recipient: Option<String>,
    /// The mail's id, without angle brackets.
    pub original_message_id: Option<String>,
    /// What happened.
    pub disposition: Disposition,
    /// What went wrong.
    pub errors: Vec<String>,
    /// Fields of other standards, in order.
    pub extensions: Vec<(String, String)>,
}

impl Kind {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Displayed => "displayed",
            Self::Dispatched => "dispatched",
            Self::Processed => "processed",
            Self::Deleted => "deleted",
        }
    }
    /// Reads a word; of another case it is the same.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        let all = [Self::Displayed, Self::Dispatched, Self::Processed, Self::Deleted];
        all.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word))
    }
}

impl Disposition {
    /// `manual-action` or not.
    #[must_use]
    pub fn action(self) -> &'static str {
        if self.is_manual_action {
            "manual-action"
        } else {
            "automatic-action"
        }
    }
    /// `MDN-sent-manually` or not.
    #[must_use]
    pub fn sending(self) -> &'static str {
        if self.is_sent_manually {
            "MDN-sent-manually"
        } else {
            "MDN-sent-automatically"
        }
    }
    /// `manual-action/MDN-sent-manually; displayed`, maybe with modifiers after it, which are not kept.
    fn read(text: &str) -> Option<Self> {
        let (mode, kind) = text.split_once(';')?;
        let (action, sending) = mode.split_once('/')?;
        let is = |word: &str, known: &str| word.trim().eq_ignore_ascii_case(known);
        let is_manual_action = is(action, "manual-action");
        let is_sent_manually = is(sending, "MDN-sent-manually");
        if !is_manual_action && !is(action, "automatic-action") {
            return None;
        }
        if !is_sent_manually && !is(sending, "MDN-sent-automatically") {
            return None;
        }
        let kind = kind.split('/').next().unwrap_or_default().trim();
        Some(Self {
            is_manual_action,
            is_sent_manually,
            kind: Kind::read(kind)?,
        })
    }
}

impl Receipt {
    /// Reads the octets of the part.
    #[must_use]
    pub fn read(part: &[u8]) -> Option<Self> {
        // A blank line before the first field does no harm.
        let start = part.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
        let part = part.get(start..)?;
        let mut disposition = None;
        let mut receipt = Self {
            reporting_ua: None,
            gateway: None,
            original_recipient: None,
            final_recipient: None,
            original_message_id: None,
            disposition: Disposition {
                is_manual_action: false,
                is_sent_manually: false,
                kind: Kind::Displayed,
            },
            errors: Vec::new(),
            extensions: Vec::new(),
        };
        for field in fields(part).take(FIELDS_MAX) {
            let value = clean(&unfold(field.value));
            if value.is_empty() {
                continue;
            }
            match KNOWN.into_iter().find(|name| field.is(name)) {
                Some("Reporting-UA") => keep(&mut receipt.reporting_ua, value),
                Some("MDN-Gateway") => keep(&mut receipt.gateway, value),
                Some("Original-Recipient") => keep(&mut receipt.original_recipient, value),
                Some("Final-Recipient") => keep(&mut receipt.final_recipient, value),
                Some("Original-Message-ID") => {
                    let id = message_id::first(&value).filter(|id| id.len() <= ID_OCTETS_MAX);
                    receipt.original_message_id = receipt.original_message_id.or(id);
                }
                Some("Disposition") => disposition = disposition.or_else(|| Disposition::read(&value)),
                Some(_) => receipt.errors.push(value),
                None => {
                    let name = String::from_utf8_lossy(field.name).into_owned();
                    if is_extension(&name) {
                        receipt.extensions.push((name, value));
                    }
                }
            }
        }
        receipt.disposition = disposition?;
        Some(receipt)
    }

    /// Writes the part. Values are cut to one line each.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(256);
        let mut put = |name: &str, value: &str| {
            let value = clean(value);
            if !value.is_empty() {
                let _ = write!(out, "{name}: {value}\r\n");
            }
        };
        let id = self.original_message_id.as_ref().map(|id| format!("<{id}>"));
        let known = [
            ("Reporting-UA", &self.reporting_ua),
            ("MDN-Gateway", &self.gateway),
            ("Original-Recipient", &self.original_recipient),
            ("Final-Recipient", &self.final_recipient),
            ("Original-Message-ID", &id),
        ];
        for (name, value) in known {
            put(name, value.as_deref().unwrap_or_default());
        }
        let told = self.disposition;
        let (action, sending, kind) = (told.action(), told.sending(), told.kind.as_str());
        put("Disposition", &format!("{action}/{sending}; {kind}"));
        for error in &self.errors {
            put("Error", error);
        }
        for (name, value) in self.extensions.iter().filter(|(name, _)| is_extension(name)) {
            put(name, value);
        }
        out
    }
}

/// Whether a field of this name can be an extension of a receipt.
#[must_use]
pub fn is_extension(name: &str) -> bool {
    let is_name = !name.is_empty() && name.bytes().all(|byte| matches!(byte, 33..=57 | 59..=126));
    is_name && !KNOWN.into_iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The first counts.
fn keep(kept: &mut Option<String>, value: String) {
    kept.get_or_insert(value);
}

/// One line, without what no line has.
fn clean(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let short: String = plain.take(VALUE_CHARACTERS_MAX).collect();
    short.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8098 §9.
    const EXAMPLE: &str = "Reporting-UA: joes-pc.cs.example.com; Foomail 97.1\r\n\
        Original-Recipient: rfc822;Joe_Recipient@example.com\r\nFinal-Recipient: rfc822;Joe_Recipient@example.com\r\n\
        Original-Message-ID: <199509192301.23456@example.org>\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n";

    #[test]
    fn the_example_is_read_and_written() {
        let receipt = Receipt::read(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(
            receipt.original_message_id.as_deref(),
            Some("199509192301.23456@example.org")
        );
        assert_eq!(receipt.disposition.kind, Kind::Displayed);
        assert_eq!(receipt.write(), EXAMPLE);
    }

    #[test]
    fn dispositions() {
        let check = |text: &str, expect: Option<(bool, bool, Kind)>| {
            let read = Disposition::read(text).map(|read| (read.is_manual_action, read.is_sent_manually, read.kind));
            assert_eq!(read, expect, "{text}");
        };
        check(
            "automatic-action/mdn-sent-automatically;DELETED/error,x",
            Some((false, false, Kind::Deleted)),
        );
        check(
            "Manual-Action / MDN-sent-automatically ; dispatched",
            Some((true, false, Kind::Dispatched)),
        );
        check("manual-action/MDN-sent-manually", None);
        check("manual-action; displayed", None);
        check("x/MDN-sent-manually; displayed", None);
        check("manual-action/x; displayed", None);
        check("manual-action/MDN-sent-manually; denied", None);
    }

    #[test]
    fn what_is_written_stays_in_its_field() {
        let mut receipt = Receipt::read(EXAMPLE.as_bytes()).unwrap();
        receipt.reporting_ua = Some("a\r\nDisposition: x".to_owned());
        receipt.errors = vec!["one".to_owned(), " ".to_owned()];
        receipt.extensions = vec![
            ("X-Y".to_owned(), "z".to_owned()),
            ("Error".to_owned(), "two".to_owned()),
        ];
        let read = Receipt::read(receipt.write().as_bytes()).unwrap();
        assert_eq!(read.reporting_ua.as_deref(), Some("a  Disposition: x"));
        assert_eq!(read.errors, ["one"]);
        assert_eq!(read.extensions, [("X-Y".to_owned(), "z".to_owned())]);
    }

    #[test]
    fn no_receipt_without_a_disposition() {
        for part in ["", "\r\n", "Final-Recipient: rfc822;a@b.test\r\n", "no field"] {
            assert_eq!(Receipt::read(part.as_bytes()), None, "{part}");
        }
    }
}
