//! EmailSubmission (RFC 8621 §7): a mail on its way out.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Record, plain_properties};
use crate::{Id, IdOrCreation, PatchObject, UtcDate};

plain_properties! {
    /// A property of a submission.
    EmailSubmissionProperty {
        /// Its id.
        Id = "id",
        /// As whom it is sent.
        IdentityId = "identityId",
        /// The mail.
        EmailId = "emailId",
        /// The mail's thread.
        ThreadId = "threadId",
        /// Sender and recipients.
        Envelope = "envelope",
        /// When it leaves.
        SendAt = "sendAt",
        /// Whether it can be taken back.
        UndoStatus = "undoStatus",
        /// What became of it, by recipient.
        DeliveryStatus = "deliveryStatus",
        /// Reports about its delivery.
        DsnBlobIds = "dsnBlobIds",
        /// Receipts of its readers.
        MdnBlobIds = "mdnBlobIds",
    }
}

/// An address of an envelope, with its SMTP parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeAddress {
    /// The address; empty is the null sender.
    pub email: String,
    /// Parameters of MAIL or RCPT.
    #[serde(default)]
    pub parameters: Option<BTreeMap<String, Option<String>>>,
}

/// Sender and recipients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// Where reports go.
    pub mail_from: EnvelopeAddress,
    /// To whom it goes.
    pub rcpt_to: Vec<EnvelopeAddress>,
}

/// Whether a submission can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UndoStatus {
    /// It can.
    Pending,
    /// It cannot.
    Final,
    /// It was.
    Canceled,
}

/// What became of a mail for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryStatus {
    /// The last reply of a host.
    pub smtp_reply: String,
    /// `queued`, `yes`, `no`, `unknown`.
    pub delivered: &'static str,
    /// `yes`, `unknown`.
    pub displayed: &'static str,
}

/// A submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailSubmission {
    /// Its id.
    pub id: Id,
    /// As whom it is sent.
    pub identity_id: Id,
    /// The mail.
    pub email_id: Id,
    /// The mail's thread.
    pub thread_id: Id,
    /// Sender and recipients.
    pub envelope: Envelope,
    /// When it leaves.
    pub send_at: UtcDate,
    /// Whether it can be taken back.
    pub undo_status: UndoStatus,
    /// By recipient; none where it is not told.
    pub delivery_status: Option<BTreeMap<String, DeliveryStatus>>,
    /// Reports about its delivery.
    pub dsn_blob_ids: Vec<Id>,
    /// Receipts of its readers.
    pub mdn_blob_ids: Vec<Id>,
}

impl Record for EmailSubmission {
    type Property = EmailSubmissionProperty;
    fn write<M: SerializeMap>(&self, property: &EmailSubmissionProperty, map: &mut M) -> Result<(), M::Error> {
        let name = property.as_str();
        match property {
            EmailSubmissionProperty::Id => map.serialize_entry(name, &self.id),
            EmailSubmissionProperty::IdentityId => map.serialize_entry(name, &self.identity_id),
            EmailSubmissionProperty::EmailId => map.serialize_entry(name, &self.email_id),
            EmailSubmissionProperty::ThreadId => map.serialize_entry(name, &self.thread_id),
            EmailSubmissionProperty::Envelope => map.serialize_entry(name, &self.envelope),
            EmailSubmissionProperty::SendAt => map.serialize_entry(name, &self.send_at),
            EmailSubmissionProperty::UndoStatus => map.serialize_entry(name, &self.undo_status),
            EmailSubmissionProperty::DeliveryStatus => map.serialize_entry(name, &self.delivery_status),
            EmailSubmissionProperty::DsnBlobIds => map.serialize_entry(name, &self.dsn_blob_ids),
            EmailSubmissionProperty::MdnBlobIds => map.serialize_entry(name, &self.mdn_blob_ids),
        }
    }
}

/// A new submission as a client describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewEmailSubmission {
    /// As whom.
    pub identity_id: IdOrCreation,
    /// Which mail.
    pub email_id: IdOrCreation,
    /// Sender and recipients; those that the mail itself names when absent.
    #[serde(default)]
    pub envelope: Option<Envelope>,
    /// Whether each recipient gets a copy that names nobody else; an extension of ours (`ops/docs/jmap.md`).
    #[serde(default)]
    pub separately: bool,
}

/// Arguments of `EmailSubmission/recall`, an extension of ours.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailSubmissionRecall {
    /// Which account.
    pub account_id: Id,
    /// The submissions whose mails are to be taken back.
    pub ids: Vec<IdOrCreation>,
}

/// Arguments of `EmailSubmission/set` (RFC 8621 §7.5).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailSubmissionSet {
    /// Which account.
    pub account_id: Id,
    /// Only if this is the state.
    #[serde(default)]
    pub if_in_state: Option<String>,
    /// New submissions by creation id.
    #[serde(default)]
    pub create: Option<BTreeMap<Id, Box<RawValue>>>,
    /// Changes by id.
    #[serde(default)]
    pub update: Option<BTreeMap<IdOrCreation, PatchObject>>,
    /// What shall go.
    #[serde(default)]
    pub destroy: Option<Vec<IdOrCreation>>,
    /// Changes of the mails of those submissions that succeed.
    #[serde(default)]
    pub on_success_update_email: Option<BTreeMap<IdOrCreation, PatchObject>>,
    /// Submissions whose mails go when they succeed.
    #[serde(default)]
    pub on_success_destroy_email: Option<Vec<IdOrCreation>>,
}

/// A condition of `EmailSubmission/query` (RFC 8621 §7.3).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EmailSubmissionCondition {
    /// Sent as one of these.
    pub identity_ids: Option<Vec<Id>>,
    /// One of these mails.
    pub email_ids: Option<Vec<Id>>,
    /// A mail of one of these threads.
    pub thread_ids: Option<Vec<Id>>,
    /// That far.
    pub undo_status: Option<UndoStatus>,
    /// Leaves before.
    pub before: Option<UtcDate>,
    /// Leaves at or after.
    pub after: Option<UtcDate>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::read;

    #[test]
    fn reads_the_set_of_rfc_8621_section_7_5_1() {
        let text = r##"{
            "accountId": "ue411d190",
            "create": { "k1490": { "identityId": "I64588216", "emailId": "M7f6ed5bcfd7e2604d1753f6c",
                "envelope": { "mailFrom": { "email": "john@example.com", "parameters": null },
                              "rcptTo": [{ "email": "jane@example.com", "parameters": {"NOTIFY": "NEVER", "X": null} }] } } },
            "onSuccessUpdateEmail": { "#k1490": { "mailboxIds/7cb4e8ee": null, "keywords/$draft": null } },
            "onSuccessDestroyEmail": []
        }"##;
        let set: EmailSubmissionSet = read(text).unwrap();
        let text = set.create.unwrap().into_values().next().unwrap();
        let new: NewEmailSubmission = serde_json::from_str(text.get()).unwrap();
        assert_eq!(new.envelope.unwrap().rcpt_to[0].email, "jane@example.com");
        assert_eq!(set.on_success_update_email.unwrap().len(), 1);
    }
}
