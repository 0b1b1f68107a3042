//! Email (RFC 8621 §4): its properties, written from the stored structure.

use std::collections::BTreeMap;

use hongyan_message::{Structure, message_id, words};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};

use super::body_part::{BodyPart, BodyPartProperty, BodyPartView, Sources, bodies, headers};
use super::header::{HeaderProperty, addresses, some};
use super::{Properties, Property};
use crate::{Date, Id, UtcDate};

macro_rules! email_properties {
    ($($(#[doc = $text:literal])* $variant:ident = $word:literal,)*) => {
        /// A property of an email.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum EmailProperty {
            $($(#[doc = $text])* $variant,)*
            /// A header field.
            Header(HeaderProperty),
        }
        impl EmailProperty {
            /// Its name in JSON.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Header(header) => &header.property,
                }
            }
        }
        impl Property for EmailProperty {
            fn always() -> &'static [Self] {
                &[Self::Id]
            }
            fn usual() -> &'static [Self] {
                USUAL
            }
            fn parse(name: &str) -> Option<Self> {
                match name {
                    $($word => Some(Self::$variant),)*
                    name => HeaderProperty::parse(name).map(Self::Header),
                }
            }
        }
    };
}

email_properties! {
    /// Its id.
    Id = "id",
    /// Its bytes.
    BlobId = "blobId",
    /// Its thread.
    ThreadId = "threadId",
    /// The mailboxes it is in.
    MailboxIds = "mailboxIds",
    /// Its keywords.
    Keywords = "keywords",
    /// Its octets.
    Size = "size",
    /// When it came.
    ReceivedAt = "receivedAt",
    /// Message-ID.
    MessageId = "messageId",
    /// In-Reply-To.
    InReplyTo = "inReplyTo",
    /// References.
    References = "references",
    /// Sender.
    Sender = "sender",
    /// From.
    From = "from",
    /// To.
    To = "to",
    /// Cc.
    Cc = "cc",
    /// Bcc.
    Bcc = "bcc",
    /// Reply-To.
    ReplyTo = "replyTo",
    /// Subject.
    Subject = "subject",
    /// Date.
    SentAt = "sentAt",
    /// Its header fields.
    Headers = "headers",
    /// Its parts.
    BodyStructure = "bodyStructure",
    /// Text of parts.
    BodyValues = "bodyValues",
    /// Parts that are the text, for a client that shows plain text.
    TextBody = "textBody",
    /// Parts that are the text, for a client that shows HTML.
    HtmlBody = "htmlBody",
    /// The other parts.
    Attachments = "attachments",
    /// Whether something is attached.
    HasAttachment = "hasAttachment",
    /// The beginning of its text.
    Preview = "preview",
}

/// RFC 8621 §4.2.
const USUAL: &[EmailProperty] = &[
    EmailProperty::Id,
    EmailProperty::BlobId,
    EmailProperty::ThreadId,
    EmailProperty::MailboxIds,
    EmailProperty::Keywords,
    EmailProperty::Size,
    EmailProperty::ReceivedAt,
    EmailProperty::MessageId,
    EmailProperty::InReplyTo,
    EmailProperty::References,
    EmailProperty::Sender,
    EmailProperty::From,
    EmailProperty::To,
    EmailProperty::Cc,
    EmailProperty::Bcc,
    EmailProperty::ReplyTo,
    EmailProperty::Subject,
    EmailProperty::SentAt,
    EmailProperty::HasAttachment,
    EmailProperty::Preview,
    EmailProperty::BodyValues,
    EmailProperty::TextBody,
    EmailProperty::HtmlBody,
    EmailProperty::Attachments,
];

impl EmailProperty {
    /// Whether it needs more than the place of the email in its mailboxes.
    #[must_use]
    pub fn needs_record(&self) -> bool {
        !matches!(
            self,
            Self::Id
                | Self::BlobId
                | Self::ThreadId
                | Self::MailboxIds
                | Self::Keywords
                | Self::Size
                | Self::ReceivedAt
        )
    }
}

/// Arguments of `Email/get`, and without ids those of `Email/parse`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailGet {
    /// Which account.
    pub account_id: Id,
    /// Which emails.
    #[serde(default)]
    pub ids: Option<Vec<Id>>,
    /// Which properties.
    #[serde(default)]
    pub properties: Option<Vec<String>>,
    /// Which properties of parts.
    #[serde(default)]
    pub body_properties: Option<Vec<String>>,
    /// The text of `textBody`.
    #[serde(default)]
    pub fetch_text_body_values: bool,
    /// The text of `htmlBody`.
    #[serde(default, rename = "fetchHTMLBodyValues")]
    pub fetch_html_body_values: bool,
    /// The text of all parts that are text.
    #[serde(default)]
    pub fetch_all_body_values: bool,
    /// Octets of each text at most; 0 is all.
    #[serde(default)]
    pub max_body_value_bytes: u64,
}

/// Arguments of `Email/parse` (RFC 8621 §4.9).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailParse {
    /// Which account.
    pub account_id: Id,
    /// Which blobs.
    pub blob_ids: Vec<Id>,
    /// Which properties.
    #[serde(default)]
    pub properties: Option<Vec<String>>,
    /// Which properties of parts.
    #[serde(default)]
    pub body_properties: Option<Vec<String>>,
    /// The text of `textBody`.
    #[serde(default)]
    pub fetch_text_body_values: bool,
    /// The text of `htmlBody`.
    #[serde(default, rename = "fetchHTMLBodyValues")]
    pub fetch_html_body_values: bool,
    /// The text of all parts that are text.
    #[serde(default)]
    pub fetch_all_body_values: bool,
    /// Octets of each text at most; 0 is all.
    #[serde(default)]
    pub max_body_value_bytes: u64,
}

impl EmailParse {
    /// What it asks for, as `Email/get` asks for it.
    #[must_use]
    pub fn get(&self) -> EmailGet {
        EmailGet {
            account_id: self.account_id.clone(),
            ids: None,
            properties: self.properties.clone(),
            body_properties: self.body_properties.clone(),
            fetch_text_body_values: self.fetch_text_body_values,
            fetch_html_body_values: self.fetch_html_body_values,
            fetch_all_body_values: self.fetch_all_body_values,
            max_body_value_bytes: self.max_body_value_bytes,
        }
    }
}

/// What of emails a client asked for.
#[derive(Debug, Clone)]
pub struct EmailProperties {
    /// Of the email.
    pub email: Properties<EmailProperty>,
    /// Of its parts.
    pub part: Properties<BodyPartProperty>,
}

impl EmailProperties {
    /// Those that `get` names.
    ///
    /// # Errors
    /// `invalidArguments`.
    pub fn read(get: &EmailGet) -> Result<Self, crate::MethodError> {
        Ok(Self {
            email: Properties::read(get.properties.as_deref())?,
            part: Properties::read(get.body_properties.as_deref())?,
        })
    }
    /// Those of a blob that is read as an email: what a mailbox adds to it only comes when it is asked for by name.
    ///
    /// # Errors
    /// `invalidArguments`.
    pub fn of_blob(get: &EmailGet) -> Result<Self, crate::MethodError> {
        let mut properties = Self::read(get)?;
        let names = get.properties.as_deref();
        properties.email.0.retain(|property| match names {
            Some(names) => names.iter().any(|name| name == property.as_str()),
            None => !matches!(
                property,
                EmailProperty::Id
                    | EmailProperty::BlobId
                    | EmailProperty::ThreadId
                    | EmailProperty::MailboxIds
                    | EmailProperty::Keywords
                    | EmailProperty::Size
                    | EmailProperty::ReceivedAt
            ),
        });
        Ok(properties)
    }
    /// Whether the email's own header section is needed.
    #[must_use]
    pub fn needs_header(&self) -> bool {
        let mut all = self.email.iter();
        all.any(|property| matches!(property, EmailProperty::Headers | EmailProperty::Header(_)))
    }
    /// Whether header sections of parts are needed.
    #[must_use]
    pub fn needs_part_headers(&self) -> bool {
        let shows_parts = self.email.iter().any(|property| {
            matches!(
                property,
                EmailProperty::BodyStructure
                    | EmailProperty::TextBody
                    | EmailProperty::HtmlBody
                    | EmailProperty::Attachments
            )
        });
        shows_parts && self.part.iter().any(BodyPartProperty::needs_header)
    }
}

/// The text of a part (RFC 8621 §4.1.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BodyValue {
    /// The text, line ends as LF.
    pub value: String,
    /// Whether something could not be decoded.
    pub is_encoding_problem: bool,
    /// Whether it is cut off.
    pub is_truncated: bool,
}

/// An email, as far as it is needed.
pub struct EmailFacts<'a> {
    /// Its id; a parsed blob has none.
    pub id: Option<Id>,
    /// Its bytes.
    pub blob_id: Id,
    /// Its thread.
    pub thread_id: Option<Id>,
    /// The mailboxes it is in.
    pub mailbox_ids: Vec<Id>,
    /// Its keywords.
    pub keywords: Vec<String>,
    /// Its octets.
    pub size: u64,
    /// When it came.
    pub received_at: Option<UtcDate>,
    /// What was found in it.
    pub structure: &'a Structure,
    /// Text of parts, by part id.
    pub body_values: BTreeMap<String, BodyValue>,
    /// Where header sections and blob ids come from.
    pub sources: &'a dyn Sources,
}

/// An email as a client asked for it.
pub struct EmailView<'a> {
    /// The email.
    pub email: EmailFacts<'a>,
    /// What was asked for.
    pub properties: &'a EmailProperties,
}

impl Serialize for EmailView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for property in self.properties.email.iter() {
            self.write_property(&mut map, property)?;
        }
        map.end()
    }
}

/// A set, as JMAP writes it: each member `true`.
struct SetOf<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for SetOf<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for item in self.0 {
            map.serialize_entry(item, &true)?;
        }
        map.end()
    }
}

impl EmailView<'_> {
    fn write_property<M: SerializeMap>(&self, map: &mut M, property: &EmailProperty) -> Result<(), M::Error> {
        let email = &self.email;
        let name = property.as_str();
        match property {
            EmailProperty::Id => map.serialize_entry(name, &email.id),
            EmailProperty::BlobId => map.serialize_entry(name, &email.blob_id),
            EmailProperty::ThreadId => map.serialize_entry(name, &email.thread_id),
            // RFC 8621 §4.9: a blob is in no mailbox.
            EmailProperty::MailboxIds | EmailProperty::Keywords if email.id.is_none() => map.serialize_entry(name, &()),
            EmailProperty::MailboxIds => map.serialize_entry(name, &SetOf(&email.mailbox_ids)),
            EmailProperty::Keywords => map.serialize_entry(name, &SetOf(&email.keywords)),
            EmailProperty::Size => map.serialize_entry(name, &email.size),
            EmailProperty::ReceivedAt => map.serialize_entry(name, &email.received_at),
            EmailProperty::Header(header) => {
                map.serialize_entry(name, &header.of(email.sources.header(&email.structure.root)))
            }
            property => self.write_found(map, property),
        }
    }
    /// What was found in the mail when it came.
    fn write_found<M: SerializeMap>(&self, map: &mut M, property: &EmailProperty) -> Result<(), M::Error> {
        let (structure, name) = (self.email.structure, property.as_str());
        let envelope = &structure.envelope;
        let ids = |text: &Option<String>| text.as_deref().map(message_id::list).and_then(some);
        let list = |items: &[_]| some(addresses(items));
        match property {
            EmailProperty::MessageId => map.serialize_entry(name, &ids(&envelope.message_id)),
            EmailProperty::InReplyTo => map.serialize_entry(name, &ids(&envelope.in_reply_to)),
            EmailProperty::References => map.serialize_entry(name, &some(structure.references.clone())),
            EmailProperty::Sender => map.serialize_entry(name, &list(&envelope.sender)),
            EmailProperty::From => map.serialize_entry(name, &list(&envelope.from)),
            EmailProperty::To => map.serialize_entry(name, &list(&envelope.to)),
            EmailProperty::Cc => map.serialize_entry(name, &list(&envelope.cc)),
            EmailProperty::Bcc => map.serialize_entry(name, &list(&envelope.bcc)),
            EmailProperty::ReplyTo => map.serialize_entry(name, &list(&envelope.reply_to)),
            EmailProperty::Subject => map.serialize_entry(name, &envelope.subject.as_deref().map(words::decode)),
            EmailProperty::SentAt => map.serialize_entry(name, &structure.sent.map(Date)),
            EmailProperty::Preview => map.serialize_entry(name, &structure.preview),
            EmailProperty::HasAttachment => map.serialize_entry(name, &bodies(structure).has_attachment()),
            property => self.write_body(map, property),
        }
    }
    fn write_body<M: SerializeMap>(&self, map: &mut M, property: &EmailProperty) -> Result<(), M::Error> {
        let (structure, name) = (self.email.structure, property.as_str());
        match property {
            EmailProperty::Headers => map.serialize_entry(name, &headers(self.email.sources.header(&structure.root))),
            EmailProperty::BodyStructure => {
                let whole = self.part(BodyPart::root(structure), true);
                map.serialize_entry(name, &whole)
            }
            EmailProperty::BodyValues => map.serialize_entry(name, &self.email.body_values),
            EmailProperty::TextBody => map.serialize_entry(name, &Parts(self, bodies(structure).text)),
            EmailProperty::HtmlBody => map.serialize_entry(name, &Parts(self, bodies(structure).html)),
            EmailProperty::Attachments => map.serialize_entry(name, &Parts(self, bodies(structure).attachments)),
            _ => Ok(()),
        }
    }
    fn part<'v>(&'v self, found: BodyPart<'v>, is_whole: bool) -> BodyPartView<'v> {
        BodyPartView {
            found,
            properties: &self.properties.part,
            sources: self.email.sources,
            is_whole,
        }
    }
}

struct Parts<'v>(&'v EmailView<'v>, Vec<BodyPart<'v>>);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.1.len()))?;
        for found in &self.1 {
            seq.serialize_element(&self.0.part(found.clone(), false))?;
        }
        seq.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::PartPath;
    use hongyan_message::Part;
    use hongyan_types::Timestamp;

    const MAIL: &[u8] = b"From: Joe Bloggs <joe@example.com>\r\nTo: =?utf-8?q?J=C3=BCrgen?= <j@example.com>\r\nSubject: World\r\n domination\r\nMessage-ID: <1@example.com>\r\nDate: Sat, 10 Jul 2010 03:05:08 +0200\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nI have the most brilliant plan.\r\n--b\r\nContent-Type: application/pdf; name=plan.pdf\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n";

    struct Whole;
    impl Sources for Whole {
        fn blob_id(&self, path: &PartPath) -> String {
            format!("B1-{path}")
        }
        fn header(&self, part: &Part) -> &[u8] {
            let start = usize::try_from(part.header_offset).unwrap();
            &MAIL[start..start + usize::try_from(part.header_octets).unwrap()]
        }
    }

    fn check(get: &str, expect: &str) {
        let get: EmailGet = serde_json::from_str(get).unwrap();
        let properties = EmailProperties::read(&get).unwrap();
        let structure = hongyan_message::parse(MAIL);
        let id = |text: &str| Id::try_from(text).unwrap();
        let email = EmailFacts {
            id: Some(id("M1")),
            blob_id: id("B1"),
            thread_id: Some(id("T1")),
            mailbox_ids: vec![id("F1")],
            keywords: vec!["$seen".to_owned()],
            size: structure.octets,
            received_at: Some(UtcDate(Timestamp::from_secs(1_278_723_908))),
            structure: &structure,
            body_values: BTreeMap::new(),
            sources: &Whole,
        };
        let view = EmailView {
            email,
            properties: &properties,
        };
        assert_eq!(serde_json::to_string(&view).unwrap(), expect);
    }

    #[test]
    fn a_list_of_mails_needs_the_record_only() {
        check(
            r#"{"accountId":"a","properties":["threadId","mailboxIds","keywords","from","to","subject","receivedAt","sentAt","messageId","cc","hasAttachment","preview"]}"#,
            r#"{"id":"M1","threadId":"T1","mailboxIds":{"F1":true},"keywords":{"$seen":true},"from":[{"name":"Joe Bloggs","email":"joe@example.com"}],"to":[{"name":"Jürgen","email":"j@example.com"}],"subject":"World domination","receivedAt":"2010-07-10T01:05:08Z","sentAt":"2010-07-10T03:05:08+02:00","messageId":["1@example.com"],"cc":null,"hasAttachment":true,"preview":"I have the most brilliant plan."}"#,
        );
    }

    #[test]
    fn parts_and_headers() {
        check(
            r#"{"accountId":"a","properties":["textBody","attachments","header:Subject:asText"],"bodyProperties":["partId","blobId","name","size","header:Content-Disposition"]}"#,
            r#"{"id":"M1","textBody":[{"partId":"1","blobId":"B1-1","name":null,"size":31,"header:Content-Disposition":null}],"attachments":[{"partId":"2","blobId":"B1-2","name":"plan.pdf","size":1,"header:Content-Disposition":" attachment"}],"header:Subject:asText":"World domination"}"#,
        );
    }
}
