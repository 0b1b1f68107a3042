//! MDN (RFC 9007): receipts, sent and read.

use std::collections::BTreeMap;

use hongyan_message::receipt::{self, Kind, is_extension};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Id, IdOrCreation, PatchObject, SetError};

/// What happened to the mail (RFC 9007 §2), in words in small letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MdnDisposition {
    /// `manual-action` or `automatic-action`.
    pub action_mode: String,
    /// `mdn-sent-manually` or `mdn-sent-automatically`.
    pub sending_mode: String,
    /// `deleted`, `dispatched`, `displayed` or `processed`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl MdnDisposition {
    fn of(disposition: receipt::Disposition) -> Self {
        Self {
            action_mode: disposition.action().to_owned(),
            sending_mode: disposition.sending().to_ascii_lowercase(),
            kind: disposition.kind.as_str().to_owned(),
        }
    }
    fn read(&self) -> Option<receipt::Disposition> {
        let one = |word: &str, yes: &str, no: &str| match word {
            word if word == yes => Some(true),
            word if word == no => Some(false),
            _ => None,
        };
        Some(receipt::Disposition {
            is_manual_action: one(&self.action_mode, "manual-action", "automatic-action")?,
            is_sent_manually: one(&self.sending_mode, "mdn-sent-manually", "mdn-sent-automatically")?,
            kind: Kind::read(&self.kind).filter(|kind| kind.as_str() == self.kind)?,
        })
    }
}

/// A receipt as a client describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMdn {
    /// Of which mail.
    pub for_email_id: IdOrCreation,
    /// Its subject.
    #[serde(default)]
    pub subject: Option<String>,
    /// What a person reads.
    #[serde(default)]
    pub text_body: Option<String>,
    /// Whether the mail comes along.
    #[serde(default)]
    pub include_original_message: bool,
    /// Which program the client is.
    #[serde(default, rename = "reportingUA")]
    pub reporting_ua: Option<String>,
    /// What happened.
    pub disposition: MdnDisposition,
    /// Whose receipt it is.
    #[serde(default)]
    pub final_recipient: Option<String>,
    /// Fields of other standards.
    #[serde(default)]
    pub extension_fields: Option<BTreeMap<String, String>>,
}

impl NewMdn {
    /// What is told to programs, as far as the client says it.
    ///
    /// # Errors
    /// `invalidProperties`.
    pub fn receipt(&self) -> Result<receipt::Receipt, SetError> {
        let disposition = self.disposition.read();
        let disposition = disposition.ok_or_else(|| SetError::properties(["disposition"], "a word that is none"))?;
        let extensions = self.extension_fields.iter().flatten();
        let extensions: Vec<(String, String)> = extensions.map(|(name, value)| (name.clone(), value.clone())).collect();
        if extensions.iter().any(|(name, _)| !is_extension(name)) {
            let words = "the names of other fields than those of RFC 8098";
            return Err(SetError::properties(["extensionFields"], words));
        }
        Ok(receipt::Receipt {
            reporting_ua: self.reporting_ua.clone(),
            gateway: None,
            original_recipient: None,
            final_recipient: self.final_recipient.clone(),
            original_message_id: None,
            disposition,
            errors: Vec::new(),
            extensions,
        })
    }
}

/// What of a receipt that was sent the server has set (RFC 9007 §2.1).
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SentMdn {
    /// Its subject, when the client had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whose receipt it is, when the client did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_recipient: Option<String>,
    /// Whom the sender wrote to.
    pub original_recipient: Option<String>,
    /// The mail's id.
    pub original_message_id: Option<String>,
}

/// Arguments of `MDN/send`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MdnSend {
    /// Which account.
    pub account_id: Id,
    /// As whom.
    pub identity_id: IdOrCreation,
    /// The receipts by creation id.
    pub send: BTreeMap<Id, Box<RawValue>>,
    /// What becomes of the mails whose receipts were sent.
    #[serde(default)]
    pub on_success_update_email: Option<BTreeMap<IdOrCreation, PatchObject>>,
}

/// Arguments of `MDN/parse`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MdnParse {
    /// Which account.
    pub account_id: Id,
    /// Mails that may be receipts.
    pub blob_ids: Vec<Id>,
}

/// A receipt that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mdn {
    /// Of which mail, if the account has it.
    pub for_email_id: Option<Id>,
    /// Its subject.
    pub subject: Option<String>,
    /// What a person reads.
    pub text_body: Option<String>,
    /// Whether the mail came along.
    pub include_original_message: bool,
    /// Which program wrote it.
    #[serde(rename = "reportingUA")]
    pub reporting_ua: Option<String>,
    /// What happened.
    pub disposition: MdnDisposition,
    /// Which gateway passed it on.
    pub mdn_gateway: Option<String>,
    /// Whom the sender wrote to.
    pub original_recipient: Option<String>,
    /// Whose receipt it is.
    pub final_recipient: Option<String>,
    /// The mail's id.
    pub original_message_id: Option<String>,
    /// What went wrong.
    pub error: Option<Vec<String>>,
    /// Fields of other standards.
    pub extension_fields: Option<BTreeMap<String, String>>,
}

impl Mdn {
    /// As the receipt says; the rest is around it.
    #[must_use]
    pub fn of(receipt: receipt::Receipt) -> Self {
        Self {
            for_email_id: None,
            subject: None,
            text_body: None,
            include_original_message: false,
            reporting_ua: receipt.reporting_ua,
            disposition: MdnDisposition::of(receipt.disposition),
            mdn_gateway: receipt.gateway,
            original_recipient: receipt.original_recipient,
            final_recipient: receipt.final_recipient,
            original_message_id: receipt.original_message_id.map(|id| format!("<{id}>")),
            error: Some(receipt.errors).filter(|errors| !errors.is_empty()),
            extension_fields: Some(receipt.extensions.into_iter().collect())
                .filter(|fields: &BTreeMap<_, _>| !fields.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str) -> Result<receipt::Receipt, SetError> {
        serde_json::from_str::<NewMdn>(text).unwrap().receipt()
    }

    #[test]
    fn the_example_of_rfc_9007_section_3_1_is_read() {
        let receipt = new(
            r#"{"forEmailId": "Md45b47b4877521042cec0938", "subject": "Read receipt for: World domination",
            "textBody": "This receipt shows", "reportingUA": "joes-pc.cs.example.com; Foomail 97.1",
            "disposition": {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"},
            "extensionFields": {"EXTENSION-EXAMPLE": "example.com"}}"#,
        )
        .unwrap();
        assert_eq!(
            receipt.write(),
            "Reporting-UA: joes-pc.cs.example.com; Foomail 97.1\r\n\
             Disposition: manual-action/MDN-sent-manually; displayed\r\nEXTENSION-EXAMPLE: example.com\r\n"
        );
    }

    #[test]
    fn wrong_words_are_refused() {
        let one = |action: &str, sending: &str, kind: &str, name: &str| {
            new(&format!(
                r#"{{"forEmailId": "M1", "disposition": {{"actionMode": "{action}", "sendingMode": "{sending}", "type": "{kind}"}},
                "extensionFields": {{"{name}": "x"}}}}"#
            ))
            .map_err(|error| error.properties[0].to_string())
        };
        let (manual, sent) = ("manual-action", "mdn-sent-manually");
        assert!(one(manual, sent, "deleted", "X-A").is_ok());
        assert_eq!(one("manual", sent, "deleted", "X-A").unwrap_err(), "disposition");
        assert_eq!(
            one(manual, "MDN-sent-manually", "deleted", "X-A").unwrap_err(),
            "disposition"
        );
        assert_eq!(one(manual, sent, "Deleted", "X-A").unwrap_err(), "disposition");
        assert_eq!(one(manual, sent, "deleted", "Error").unwrap_err(), "extensionFields");
        assert_eq!(one(manual, sent, "deleted", "a b").unwrap_err(), "extensionFields");
    }
}
