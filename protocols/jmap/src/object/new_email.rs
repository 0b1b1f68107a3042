//! A new email as a client describes it (RFC 8621 §4.6), and the mail that this makes.

use std::collections::BTreeMap;

use hongyan_message::{Body, Builder, SentDate};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::header::{EmailAddress, HeaderForm, HeaderProperty};
use crate::arguments::Members;
use crate::{Date, SetError, SetErrorType, UtcDate};

/// Multiparts inside each other that a new email may have.
const DEPTH_MAX: usize = 16;

/// A new email.
#[derive(Debug)]
pub struct NewEmail {
    /// Mailboxes by id or creation id.
    pub mailbox_ids: Vec<String>,
    /// Keywords.
    pub keywords: Vec<String>,
    /// When it shall have come; now when absent.
    pub received_at: Option<UtcDate>,
    fields: Vec<NewField>,
    body: NewPart,
    values: BTreeMap<String, NewValue>,
}

#[derive(Debug)]
struct NewField {
    name: String,
    value: FieldValue,
}

#[derive(Debug)]
enum FieldValue {
    Raw(String),
    Text(String),
    Addresses(Vec<EmailAddress>),
    MessageIds(Vec<String>),
    Date(Date),
    Urls(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewValue {
    value: String,
    #[serde(default)]
    is_encoding_problem: bool,
    #[serde(default)]
    is_truncated: bool,
}

#[derive(Debug, Default)]
struct NewPart {
    part_id: Option<String>,
    blob_id: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    disposition: Option<String>,
    cid: Option<String>,
    language: Vec<String>,
    location: Option<String>,
    fields: Vec<NewField>,
    sub_parts: Vec<NewPart>,
}

/// What the client left to the server.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// `Date`.
    pub date: SentDate,
    /// `Message-ID`, without angle brackets.
    pub message_id: String,
}

fn wrong(property: &str, words: impl Into<String>) -> SetError {
    SetError::properties([property], words.into())
}

fn read<T: DeserializeOwned>(property: &str, value: &RawValue) -> Result<T, SetError> {
    serde_json::from_str(value.get()).map_err(|error| wrong(property, error.to_string()))
}

fn read_set(property: &str, value: &RawValue) -> Result<Vec<String>, SetError> {
    let members: BTreeMap<String, bool> = read(property, value)?;
    if members.values().any(|is_in| !is_in) {
        return Err(wrong(property, "every value of the object is true"));
    }
    Ok(members.into_keys().collect())
}

/// Convenience properties (RFC 8621 §4.1.3) and the fields they stand for.
const CONVENIENT: [(&str, &str, HeaderForm); 11] = [
    ("messageId", "Message-ID", HeaderForm::MessageIds),
    ("inReplyTo", "In-Reply-To", HeaderForm::MessageIds),
    ("references", "References", HeaderForm::MessageIds),
    ("sender", "Sender", HeaderForm::Addresses),
    ("from", "From", HeaderForm::Addresses),
    ("to", "To", HeaderForm::Addresses),
    ("cc", "Cc", HeaderForm::Addresses),
    ("bcc", "Bcc", HeaderForm::Addresses),
    ("replyTo", "Reply-To", HeaderForm::Addresses),
    ("subject", "Subject", HeaderForm::Text),
    ("sentAt", "Date", HeaderForm::Date),
];

/// Parts as lists, as against one structure.
#[derive(Default)]
struct Lists {
    structure: Option<NewPart>,
    text: Option<Vec<NewPart>>,
    html: Option<Vec<NewPart>>,
    attachments: Vec<NewPart>,
}

impl NewEmail {
    /// Reads what a client wrote.
    ///
    /// # Errors
    /// `invalidProperties` with the property that is wrong.
    pub fn read(text: &RawValue) -> Result<Self, SetError> {
        let members: Result<Members<'_>, _> = serde_json::from_str(text.get());
        let Members(members) =
            members.map_err(|error| SetError::with(SetErrorType::InvalidProperties, error.to_string()))?;
        let mut email = Self {
            mailbox_ids: Vec::new(),
            keywords: Vec::new(),
            received_at: None,
            fields: Vec::new(),
            body: NewPart::default(),
            values: BTreeMap::new(),
        };
        let mut lists = Lists::default();
        for (name, value) in members {
            let name = &*name;
            match name {
                "mailboxIds" => email.mailbox_ids = read_set(name, value)?,
                "keywords" => email.keywords = read_set(name, value)?,
                "receivedAt" => email.received_at = read(name, value)?,
                "bodyValues" => email.values = read(name, value)?,
                "bodyStructure" => lists.structure = Some(NewPart::read(name, value, DEPTH_MAX)?),
                "textBody" => lists.text = Some(NewPart::read_list(name, value)?),
                "htmlBody" => lists.html = Some(NewPart::read_list(name, value)?),
                "attachments" => lists.attachments = NewPart::read_list(name, value)?,
                name => email.add_field(name, value)?,
            }
        }
        if email.mailbox_ids.is_empty() {
            return Err(wrong("mailboxIds", "an email is in a mailbox"));
        }
        if email
            .values
            .values()
            .any(|value| value.is_truncated || value.is_encoding_problem)
        {
            return Err(wrong("bodyValues", "a new text is whole"));
        }
        email.body = lists.join()?;
        email.body.check(&email.values)?;
        Ok(email)
    }
    fn add_field(&mut self, property: &str, value: &RawValue) -> Result<(), SetError> {
        if let Some((_, field, form)) = CONVENIENT.iter().find(|(name, ..)| *name == property) {
            return add(&mut self.fields, property, field, *form, value);
        }
        let Some(header) = HeaderProperty::parse(property) else {
            return Err(wrong(property, "this property is not set by clients"));
        };
        if header.name.to_ascii_lowercase().starts_with("content-") {
            return Err(wrong(property, "the content is described by its parts"));
        }
        add_header(&mut self.fields, &header, value)
    }
    /// Blobs that the mail is made of.
    #[must_use]
    pub fn blob_ids(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        self.body.walk(&mut |part| ids.extend(part.blob_id.as_deref()));
        ids
    }
    /// Whether the field is set, in whatever form.
    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name))
    }
    /// The bytes of the mail; `blobs` has the content of [`Self::blob_ids`].
    #[must_use]
    pub fn build(&self, blobs: &BTreeMap<String, Vec<u8>>, defaults: &Defaults) -> Vec<u8> {
        let mut builder = Builder::new(self.body.build(&self.values, blobs));
        if !self.has("Message-ID") {
            builder = builder.message_id(&defaults.message_id);
        }
        if !self.has("Date") {
            builder = builder.date(defaults.date);
        }
        for field in &self.fields {
            builder = match &field.value {
                FieldValue::Text(text) => builder.text_field(&field.name, text),
                value => builder.raw_field(&field.name, &value.ascii()),
            };
        }
        builder.build()
    }
}

impl FieldValue {
    fn ascii(&self) -> String {
        let bracketed = |items: &[String], separator: &str| {
            let items: Vec<String> = items.iter().map(|item| format!("<{item}>")).collect();
            items.join(separator)
        };
        match self {
            Self::Raw(text) | Self::Text(text) => text.clone(),
            Self::MessageIds(ids) => bracketed(ids, " "),
            Self::Urls(urls) => bracketed(urls, ", "),
            Self::Date(date) => date.0.to_string(),
            Self::Addresses(addresses) => {
                let shown: Vec<String> = addresses.iter().map(EmailAddress::to_field).collect();
                shown.join(", ")
            }
        }
    }
}

/// Adds a field once; a second one of the same name is the client's mistake.
fn add(
    fields: &mut Vec<NewField>,
    property: &str,
    name: &str,
    form: HeaderForm,
    value: &RawValue,
) -> Result<(), SetError> {
    if value.get() == "null" {
        return Ok(());
    }
    if fields.iter().any(|field| field.name.eq_ignore_ascii_case(name)) {
        return Err(wrong(property, format!("{name} is set twice")));
    }
    let value = field_value(property, form, value)?;
    fields.push(NewField {
        name: name.to_owned(),
        value,
    });
    Ok(())
}

fn add_header(fields: &mut Vec<NewField>, header: &HeaderProperty, value: &RawValue) -> Result<(), SetError> {
    let property = header.property.as_str();
    if header.name.contains(':') {
        return Err(wrong(property, "no name of a field"));
    }
    if !header.all {
        return add(fields, property, &header.name, header.form, value);
    }
    let values: Vec<Box<RawValue>> = read(property, value)?;
    if fields.iter().any(|field| field.name.eq_ignore_ascii_case(&header.name)) {
        return Err(wrong(property, format!("{} is set twice", header.name)));
    }
    for value in values {
        let value = field_value(property, header.form, &value)?;
        fields.push(NewField {
            name: header.name.clone(),
            value,
        });
    }
    Ok(())
}

fn field_value(property: &str, form: HeaderForm, value: &RawValue) -> Result<FieldValue, SetError> {
    let no_brackets = |items: Vec<String>| {
        let is_plain = |item: &String| {
            !item.is_empty() && !item.contains(['<', '>']) && !item.chars().any(|c| c.is_control() || c == ' ')
        };
        if items.iter().all(is_plain) {
            Ok(items)
        } else {
            Err(wrong(property, "without angle brackets and white space"))
        }
    };
    Ok(match form {
        HeaderForm::Raw => {
            let text: String = read(property, value)?;
            if !text.is_ascii() {
                return Err(wrong(property, "a raw value is ASCII"));
            }
            FieldValue::Raw(text)
        }
        HeaderForm::Text => FieldValue::Text(read(property, value)?),
        HeaderForm::Addresses => FieldValue::Addresses(read(property, value)?),
        HeaderForm::GroupedAddresses => {
            return Err(wrong(property, "groups of addresses are not written"));
        }
        HeaderForm::MessageIds => FieldValue::MessageIds(no_brackets(read(property, value)?)?),
        HeaderForm::Date => FieldValue::Date(read(property, value)?),
        HeaderForm::Urls => FieldValue::Urls(no_brackets(read(property, value)?)?),
    })
}

impl Lists {
    /// One part that has everything.
    fn join(mut self) -> Result<NewPart, SetError> {
        let is_listed = self.text.is_some() || self.html.is_some() || !self.attachments.is_empty();
        if let Some(structure) = self.structure.take() {
            if is_listed {
                return Err(wrong("bodyStructure", "the parts are given twice"));
            }
            return Ok(structure);
        }
        let text = only(self.text, "textBody", "text/plain")?;
        let html = only(self.html, "htmlBody", "text/html")?;
        let (shown, attached): (Vec<NewPart>, Vec<NewPart>) = self.attachments.into_iter().partition(|part| {
            html.is_some() && part.cid.is_some() && part.disposition.as_deref() != Some("attachment")
        });
        let html = html.map(|html| match shown.is_empty() {
            true => html,
            false => NewPart::multipart("related", std::iter::once(html).chain(shown).collect()),
        });
        let body = match (text, html) {
            (Some(text), Some(html)) => NewPart::multipart("alternative", vec![text, html]),
            (Some(part), None) | (None, Some(part)) => part,
            (None, None) => NewPart {
                kind: Some("text/plain".to_owned()),
                ..NewPart::default()
            },
        };
        if attached.is_empty() {
            return Ok(body);
        }
        Ok(NewPart::multipart(
            "mixed",
            std::iter::once(body).chain(attached).collect(),
        ))
    }
}

/// RFC 8621 §4.6: there is exactly one part, of that type.
fn only(parts: Option<Vec<NewPart>>, property: &str, kind: &str) -> Result<Option<NewPart>, SetError> {
    let Some(mut parts) = parts else { return Ok(None) };
    let Some(mut part) = parts.pop().filter(|_| parts.is_empty()) else {
        return Err(wrong(property, "there is exactly one part"));
    };
    if part.kind.get_or_insert_with(|| kind.to_owned()) != kind {
        return Err(wrong(property, format!("the part is {kind}")));
    }
    Ok(Some(part))
}

impl NewPart {
    fn multipart(subtype: &str, sub_parts: Vec<Self>) -> Self {
        Self {
            kind: Some(format!("multipart/{subtype}")),
            sub_parts,
            ..Self::default()
        }
    }
    fn read_list(property: &str, value: &RawValue) -> Result<Vec<Self>, SetError> {
        let values: Option<Vec<Box<RawValue>>> = read(property, value)?;
        let values = values.unwrap_or_default();
        values
            .iter()
            .map(|value| Self::read(property, value, DEPTH_MAX))
            .collect()
    }
    fn read(property: &str, value: &RawValue, depth: usize) -> Result<Self, SetError> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| wrong(property, "too many parts inside each other"))?;
        let members: Result<Members<'_>, _> = serde_json::from_str(value.get());
        let Members(members) = members.map_err(|error| wrong(property, error.to_string()))?;
        let mut part = Self::default();
        for (name, value) in members {
            let shown = format!("{property}/{name}");
            match &*name {
                "partId" => part.part_id = read(&shown, value)?,
                "blobId" => part.blob_id = read(&shown, value)?,
                "type" => part.kind = read::<Option<String>>(&shown, value)?.map(|kind| kind.to_ascii_lowercase()),
                "name" => part.name = read(&shown, value)?,
                "disposition" => part.disposition = read(&shown, value)?,
                "cid" => part.cid = read(&shown, value)?,
                "location" => part.location = read(&shown, value)?,
                "language" => part.language = read::<Option<Vec<String>>>(&shown, value)?.unwrap_or_default(),
                // Texts are written in UTF-8; of a blob the charset is what its bytes are in, which clients know.
                "charset" | "size" => {}
                "subParts" => {
                    let parts: Option<Vec<Box<RawValue>>> = read(&shown, value)?;
                    let parts = parts.unwrap_or_default();
                    let parts: Result<Vec<Self>, SetError> =
                        parts.iter().map(|value| Self::read(property, value, depth)).collect();
                    part.sub_parts = parts?;
                }
                name => {
                    let header = HeaderProperty::parse(name)
                        .filter(|header| !header.name.eq_ignore_ascii_case("Content-Transfer-Encoding"))
                        .ok_or_else(|| wrong(&shown, "no such property of a part"))?;
                    add_header(&mut part.fields, &header, value)?;
                }
            }
        }
        Ok(part)
    }
    fn walk<'p>(&'p self, visit: &mut dyn FnMut(&'p Self)) {
        visit(self);
        self.sub_parts.iter().for_each(|part| part.walk(visit));
    }
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("text/plain")
    }
    /// Whether it can be written.
    fn check(&self, values: &BTreeMap<String, NewValue>) -> Result<(), SetError> {
        let is_token = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
        };
        let kind = self.kind();
        if !kind
            .split_once('/')
            .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
        {
            return Err(wrong("type", format!("no media type: {kind}")));
        }
        if kind.starts_with("multipart/") {
            if self.part_id.is_some() || self.blob_id.is_some() || self.sub_parts.is_empty() {
                return Err(wrong("subParts", "a multipart has parts and no content of its own"));
            }
            return self.sub_parts.iter().try_for_each(|part| part.check(values));
        }
        if !self.sub_parts.is_empty() {
            return Err(wrong("subParts", "only a multipart has parts"));
        }
        match (&self.part_id, &self.blob_id) {
            (Some(_), Some(_)) => Err(wrong("partId", "a part has partId or blobId")),
            (Some(id), None) if !values.contains_key(id) => Err(wrong("bodyValues", format!("no value {id}"))),
            (Some(_), None) if !kind.starts_with("text/") => Err(wrong("type", "a value is text")),
            _ => Ok(()),
        }
    }
    fn build(&self, values: &BTreeMap<String, NewValue>, blobs: &BTreeMap<String, Vec<u8>>) -> Body {
        let kind = self.kind();
        let mut body = match (&self.part_id, &self.blob_id) {
            _ if kind.starts_with("multipart/") => Body::multipart(
                kind,
                self.sub_parts.iter().map(|part| part.build(values, blobs)).collect(),
            ),
            (Some(id), _) => Body::text(kind, values.get(id).map_or("", |value| &value.value)),
            (None, Some(id)) => {
                let bytes = blobs.get(id).map_or(&[][..], Vec::as_slice);
                // RFC 2046 §5.2.1: a message inside is not encoded.
                if kind == "message/rfc822" {
                    Body::plain(kind, bytes)
                } else {
                    Body::bytes(kind, bytes)
                }
            }
            (None, None) => Body::text(kind, ""),
        };
        match (self.disposition.as_deref(), &self.name) {
            (Some("inline"), name) => {
                body = body.field("Content-Disposition", "inline");
                if let Some(name) = name {
                    body = body.param("name", name);
                }
            }
            (_, Some(name)) => body = body.attachment(name),
            (Some("attachment"), None) => body = body.field("Content-Disposition", "attachment"),
            _ => {}
        }
        if let Some(cid) = &self.cid {
            body = body.field("Content-ID", &format!("<{cid}>"));
        }
        if !self.language.is_empty() {
            body = body.field("Content-Language", &self.language.join(", "));
        }
        if let Some(location) = &self.location {
            body = body.field("Content-Location", location);
        }
        for field in &self.fields {
            body = body.field(&field.name, &field.value.ascii());
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hongyan_types::Timestamp;

    fn build(text: &str) -> Result<String, SetError> {
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        let email = NewEmail::read(raw)?;
        let blobs = email
            .blob_ids()
            .into_iter()
            .map(|id| (id.to_owned(), b"hello".to_vec()))
            .collect();
        let defaults = Defaults {
            date: SentDate {
                timestamp: Timestamp::from_secs(1_278_723_908),
                zone_minutes: 0,
            },
            message_id: "1@example.com".to_owned(),
        };
        Ok(String::from_utf8(email.build(&blobs, &defaults)).unwrap())
    }

    #[test]
    fn writes_a_draft_like_that_of_rfc_8621_section_4_6() {
        let text = build(
            r#"{
                "mailboxIds": { "kayo1": true }, "keywords": { "$seen": true, "$draft": true },
                "from": [{ "name": "Joe Bloggs", "email": "joe@example.com" }],
                "subject": "World domination",
                "receivedAt": "2018-07-10T01:03:11Z",
                "sentAt": "2018-07-10T11:03:11+10:00",
                "bodyStructure": {
                    "type": "multipart/alternative",
                    "subParts": [
                        { "partId": "bd48", "type": "text/plain" },
                        { "partId": "bd49", "type": "text/html" }
                    ]
                },
                "bodyValues": {
                    "bd48": { "value": "I have the most brilliant plan." },
                    "bd49": { "value": "<p>plan</p>" }
                }
            }"#,
        )
        .unwrap();
        let structure = hongyan_message::parse(text.as_bytes());
        assert!(text.contains("Message-ID: <1@example.com>\r\n"), "{text}");
        assert!(
            text.contains("From: Joe Bloggs <joe@example.com>\r\nSubject: World domination\r\n"),
            "{text}"
        );
        assert!(text.contains("Date: Tue, 10 Jul 2018 11:03:11 +1000\r\n"), "{text}");
        assert_eq!(structure.root.media.subtype, "alternative");
        assert_eq!(structure.root.children().len(), 2);
        assert_eq!(structure.preview, "I have the most brilliant plan.");
    }

    #[test]
    fn lists_of_parts_become_a_structure() {
        let text = build(
            r#"{"mailboxIds": {"a": true}, "textBody": [{"partId": "t"}], "htmlBody": [{"partId": "h"}],
                "attachments": [{"blobId": "B1", "type": "image/png", "cid": "x", "disposition": "inline"},
                                {"blobId": "B2", "type": "application/pdf", "name": "图.pdf", "disposition": "attachment"}],
                "bodyValues": {"t": {"value": "text"}, "h": {"value": "<b>"}}, "header:X-A:asText": "ü"}"#,
        )
        .unwrap();
        let structure = hongyan_message::parse(text.as_bytes());
        let root = &structure.root;
        assert_eq!(root.media.subtype, "mixed");
        assert_eq!(root.children()[0].media.subtype, "alternative");
        assert_eq!(root.children()[0].children()[1].media.subtype, "related");
        assert_eq!(root.children()[1].file_name(), Some("图.pdf"));
        assert_eq!(root.children()[1].decoded_octets, 5);
    }

    #[test]
    fn says_which_property_is_wrong() {
        let check = |text: &str, property: &str| {
            assert_eq!(build(text).unwrap_err().properties, [property], "{text}");
        };
        check("{}", "mailboxIds");
        check(r#"{"mailboxIds": {"a": false}}"#, "mailboxIds");
        check(r#"{"mailboxIds": {"a": true}, "size": 1}"#, "size");
        check(r#"{"mailboxIds": {"a": true}, "subject": 1}"#, "subject");
        check(
            r#"{"mailboxIds": {"a": true}, "subject": "a", "header:Subject": "b"}"#,
            "header:Subject",
        );
        check(
            r#"{"mailboxIds": {"a": true}, "header:Content-Type": "b"}"#,
            "header:Content-Type",
        );
        check(r#"{"mailboxIds": {"a": true}, "messageId": ["<a@b>"]}"#, "messageId");
        check(
            r#"{"mailboxIds": {"a": true}, "textBody": [], "bodyValues": {}}"#,
            "textBody",
        );
        check(
            r#"{"mailboxIds": {"a": true}, "textBody": [{"partId": "1"}]}"#,
            "bodyValues",
        );
        check(
            r#"{"mailboxIds": {"a": true}, "textBody": [{"partId": "1", "type": "text/html"}]}"#,
            "textBody",
        );
        check(
            r#"{"mailboxIds": {"a": true}, "bodyStructure": {"type": "a b"}}"#,
            "type",
        );
        check(
            r#"{"mailboxIds": {"a": true}, "bodyStructure": {"x": 1}}"#,
            "bodyStructure/x",
        );
        check(
            r#"{"mailboxIds": {"a": true}, "bodyStructure": {}, "attachments": [{"blobId": "a"}]}"#,
            "bodyStructure",
        );
    }
}
