//! Header fields in the parsed forms of RFC 8621 §4.1.2, and properties that ask for them (§4.1.3).

use hongyan_message::header::Field;
use hongyan_message::{AddressItem, address, date, header, message_id, words};
use serde::{Deserialize, Serialize, Serializer};

use crate::Date;

/// A form of a header field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderForm {
    /// As it stands there.
    Raw,
    /// Unfolded, encoded words decoded.
    Text,
    /// Addresses without groups.
    Addresses,
    /// Addresses with groups.
    GroupedAddresses,
    /// Message ids.
    MessageIds,
    /// A date.
    Date,
    /// URLs in angle brackets (RFC 2369).
    Urls,
}

impl HeaderForm {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "asRaw" => Self::Raw,
            "asText" => Self::Text,
            "asAddresses" => Self::Addresses,
            "asGroupedAddresses" => Self::GroupedAddresses,
            "asMessageIds" => Self::MessageIds,
            "asDate" => Self::Date,
            "asURLs" => Self::Urls,
            _ => return None,
        })
    }
    /// Whether a field of that name may be asked for in this form: those of RFC 5322 and RFC 2369 have their own, and
    /// any form goes for others (RFC 8621 §4.1.2).
    fn is_for(self, name: &str) -> bool {
        const ADDRESSES: &[&str] = &[
            "from",
            "sender",
            "reply-to",
            "to",
            "cc",
            "bcc",
            "resent-from",
            "resent-sender",
            "resent-reply-to",
            "resent-to",
            "resent-cc",
            "resent-bcc",
        ];
        const IDS: &[&str] = &["message-id", "in-reply-to", "references", "resent-message-id"];
        const DATES: &[&str] = &["date", "resent-date"];
        const TEXTS: &[&str] = &["subject", "comments", "keywords", "list-id"];
        const URLS: &[&str] = &[
            "list-help",
            "list-unsubscribe",
            "list-subscribe",
            "list-post",
            "list-owner",
            "list-archive",
        ];
        const OTHERS: &[&str] = &["received", "return-path"];
        let name = name.to_ascii_lowercase();
        let has = |names: &[&str]| names.contains(&name.as_str());
        let kinds = [ADDRESSES, IDS, DATES, TEXTS, URLS, OTHERS];
        let is_known = kinds.iter().any(|names| has(names));
        match self {
            Self::Raw => true,
            _ if !is_known => true,
            Self::Text => has(TEXTS),
            Self::Addresses | Self::GroupedAddresses => has(ADDRESSES),
            Self::MessageIds => has(IDS),
            Self::Date => has(DATES),
            Self::Urls => has(URLS),
        }
    }
}

/// `header:{name}[:as{form}][:all]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderProperty {
    /// As the client wrote it: the answer has the same name.
    pub property: String,
    /// The field.
    pub name: String,
    /// The form.
    pub form: HeaderForm,
    /// All fields of that name, not only the last.
    pub all: bool,
}

impl HeaderProperty {
    /// Reads a property's name.
    #[must_use]
    pub fn parse(property: &str) -> Option<Self> {
        let mut parts = property.strip_prefix("header:")?.split(':');
        let name = parts.next().filter(|name| is_field_name(name))?;
        let (mut form, mut all) = (None, false);
        for part in parts {
            match part {
                _ if all => return None,
                "all" => all = true,
                _ if form.is_some() => return None,
                part => form = Some(HeaderForm::parse(part)?),
            }
        }
        let form = form.unwrap_or(HeaderForm::Raw);
        form.is_for(name).then(|| Self {
            property: property.to_owned(),
            name: name.to_owned(),
            form,
            all,
        })
    }
    /// Its value in a header section.
    #[must_use]
    pub fn of<'a>(&self, section: &'a [u8]) -> HeaderValue<'a> {
        let fields = header::fields(section).filter(|field| field.is(&self.name));
        HeaderValue {
            form: self.form,
            all: self.all,
            fields: fields.collect(),
        }
    }
}

fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The value of a header property.
#[derive(Debug)]
pub struct HeaderValue<'a> {
    form: HeaderForm,
    all: bool,
    fields: Vec<Field<'a>>,
}

impl Serialize for HeaderValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = self.form;
        let mut forms = self.fields.iter().map(|field| Formed { field, form });
        if self.all {
            return serializer.collect_seq(forms);
        }
        forms.next_back().serialize(serializer)
    }
}

/// One field's value in a form.
struct Formed<'a> {
    field: &'a Field<'a>,
    form: HeaderForm,
}

impl Serialize for Formed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.field.value;
        match self.form {
            HeaderForm::Raw => raw(value).serialize(serializer),
            HeaderForm::Text => self.field.text().serialize(serializer),
            HeaderForm::Addresses => addresses(&address::parse_list(&header::unfold(value))).serialize(serializer),
            HeaderForm::GroupedAddresses => groups(&address::parse_list(&header::unfold(value))).serialize(serializer),
            HeaderForm::MessageIds => some(message_id::list(&header::unfold(value))).serialize(serializer),
            HeaderForm::Date => date::parse(&header::unfold(value)).map(Date).serialize(serializer),
            HeaderForm::Urls => some(urls(&header::unfold(value))).serialize(serializer),
        }
    }
}

/// RFC 8621 §4.1.2.1: what follows the colon, without the last line end.
fn raw(value: &[u8]) -> String {
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    String::from_utf8_lossy(value).replace('\0', "")
}

/// RFC 8621 §4.1.2.5: what cannot be read is null.
pub(crate) fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    Some(items).filter(|items| !items.is_empty())
}

fn urls(text: &str) -> Vec<String> {
    let mut urls = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((url, tail)) = after.split_once('>') else {
            break;
        };
        urls.push(url.split_whitespace().collect());
        rest = tail;
    }
    urls
}

/// An address (RFC 8621 §4.1.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailAddress {
    /// The name, if there is one.
    #[serde(default)]
    pub name: Option<String>,
    /// The address.
    pub email: String,
}

impl EmailAddress {
    /// As it stands in a field. What is no address stands there all the same: drafts are not finished.
    pub(crate) fn to_field(&self) -> String {
        let bare = |c: char| !matches!(c, '<' | '>' | ',' | ';') && !c.is_control();
        let email: String = self.email.chars().filter(|c| bare(*c)).collect();
        match self.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            None => format!("<{email}>"),
            Some(name) if name.is_ascii() => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" -'".contains(&byte);
                if name.bytes().all(plain) {
                    return format!("{name} <{email}>");
                }
                let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{escaped}\" <{email}>")
            }
            Some(name) => format!("{} <{email}>", words::encode(name)),
        }
    }
}

/// A group of addresses (RFC 8621 §4.1.2.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct EmailAddressGroup {
    name: Option<String>,
    addresses: Vec<EmailAddress>,
}

fn email_address(item: &AddressItem) -> Option<EmailAddress> {
    let AddressItem::Mailbox(mailbox) = item else {
        return None;
    };
    let email = match &mailbox.domain {
        Some(domain) => format!("{}@{domain}", mailbox.local),
        None => mailbox.local.clone(),
    };
    let name = mailbox
        .name
        .as_deref()
        .map(|name| words::decode(name).trim().to_owned());
    let name = name.filter(|name| !name.is_empty());
    (name.is_some() || !email.is_empty()).then_some(EmailAddress { name, email })
}

/// The addresses of a list, groups opened.
pub(crate) fn addresses(items: &[AddressItem]) -> Vec<EmailAddress> {
    items.iter().filter_map(email_address).collect()
}

fn groups(items: &[AddressItem]) -> Vec<EmailAddressGroup> {
    let mut groups: Vec<EmailAddressGroup> = Vec::new();
    let mut is_inside = false;
    for item in items {
        match item {
            AddressItem::GroupStart(name) => {
                is_inside = true;
                groups.push(EmailAddressGroup {
                    name: Some(words::decode(name).into_owned()),
                    addresses: Vec::new(),
                });
            }
            AddressItem::GroupEnd => is_inside = false,
            AddressItem::Mailbox(_) => {
                if !is_inside && groups.last().is_none_or(|group| group.name.is_some()) {
                    groups.push(EmailAddressGroup {
                        name: None,
                        addresses: Vec::new(),
                    });
                }
                if let (Some(group), Some(address)) = (groups.last_mut(), email_address(item)) {
                    group.addresses.push(address);
                }
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"From: \"  James Smythe\" <james@example.com>, Friends:\r\n  jane@example.com, =?UTF-8?Q?John_Sm=C3=AEth?=\r\n   <john@example.com>;\r\nSubject: a\r\nSubject: =?utf-8?q?b=C3=A9?=\r\nDate: Thu, 30 Oct 2014 14:12:00 +0800\r\nReferences: <a@b> <c@d>\r\nList-Unsubscribe: <mailto:x@y>, <https://example.com/\r\n  u>\r\nX-Empty:\r\n\r\n";

    fn check(property: &str, expect: &str) {
        let property = HeaderProperty::parse(property).unwrap();
        assert_eq!(
            serde_json::to_string(&property.of(HEADER)).unwrap(),
            expect,
            "{property:?}"
        );
    }

    #[test]
    fn forms_of_rfc_8621_section_4_1_2() {
        check(
            "header:From:asAddresses",
            r#"[{"name":"James Smythe","email":"james@example.com"},{"name":null,"email":"jane@example.com"},{"name":"John Smîth","email":"john@example.com"}]"#,
        );
        check(
            "header:from:asGroupedAddresses",
            r#"[{"name":null,"addresses":[{"name":"James Smythe","email":"james@example.com"}]},{"name":"Friends","addresses":[{"name":null,"email":"jane@example.com"},{"name":"John Smîth","email":"john@example.com"}]}]"#,
        );
        check("header:Subject", "\" =?utf-8?q?b=C3=A9?=\"");
        check("header:Subject:asText", "\"bé\"");
        check("header:Subject:asText:all", r#"["a","bé"]"#);
        check("header:Date:asDate", "\"2014-10-30T14:12:00+08:00\"");
        check("header:References:asMessageIds", r#"["a@b","c@d"]"#);
        check(
            "header:List-Unsubscribe:asURLs",
            r#"["mailto:x@y","https://example.com/u"]"#,
        );
        check("header:X-Empty", "\"\"");
        check("header:X-None:asText", "null");
        check("header:X-None:all", "[]");
    }

    #[test]
    fn only_forms_that_a_field_has() {
        for wrong in [
            "header:",
            "header:a b",
            "header:From:asDate",
            "header:From:asText",
            "header:Subject:asAddresses",
            "header:X:asOther",
            "header:X:all:asText",
            "header:X:asText:asText",
            "headers",
        ] {
            assert_eq!(HeaderProperty::parse(wrong), None, "{wrong}");
        }
        assert!(HeaderProperty::parse("header:X-Any:asDate:all").is_some());
    }
}
