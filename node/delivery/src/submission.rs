//! What a submission server mends before a message goes out (RFC 6409 §6, §8), and what it refuses: an account sends as
//! its own addresses and as those that are open to it, and no others.

use hongyan_directory::Sending;
use hongyan_message::{AddressItem, address, header, message_id};
use hongyan_types::Address;

/// What the node adds where the client left it out.
#[derive(Debug, Clone)]
pub struct Additions<'a> {
    /// `Date` in header form.
    pub date: String,
    /// `Message-ID` with its brackets.
    pub message_id: String,
    /// The envelope sender: becomes `From`.
    pub sender: &'a Address,
    /// The account's own address: becomes `Sender` of what it sends on behalf of others.
    pub account: &'a Address,
}

/// Why a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmissionError {
    /// `From` names an address that is not the account's.
    #[error("You may send only as your own addresses")]
    ForeignFrom,
    /// Two fields where one is allowed (RFC 5322 §3.6): servers and readers would pick different ones.
    #[error("The message has two From fields")]
    TwoFroms,
}

/// The header as it goes out: every field with its CRLF. `sending` tells with which addresses the account may send, and how.
///
/// # Errors
/// When it speaks for somebody else, or for two at once.
pub fn mend(
    original: &[u8],
    additions: &Additions<'_>,
    sending: impl Fn(&Address) -> Sending,
) -> Result<Vec<u8>, SubmissionError> {
    let fields: Vec<_> = header::fields(original).collect();
    let first = |name: &str| fields.iter().find(|field| field.is(name));
    if fields.iter().filter(|field| field.is("From")).count() > 1 {
        return Err(SubmissionError::TwoFroms);
    }
    let authors = match first("From") {
        Some(from) => mailboxes(from),
        None => Vec::new(),
    };
    // RFC 6409 §6.1: the account must be allowed to speak for every author it names.
    let named = authors
        .iter()
        .map(|author| author.as_ref().map_or(Sending::No, &sending));
    let weakest = named.min().unwrap_or_else(|| sending(additions.sender));
    if weakest == Sending::No {
        return Err(SubmissionError::ForeignFrom);
    }
    // DLG-1: recipients see who wrote on whose behalf (RFC 5322 §3.6.2).
    let on_behalf = weakest == Sending::OnBehalf;
    let mut header = Vec::with_capacity(original.len() + 256);
    let mut add = |name: &str, value: &str| header.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    if authors.is_empty() {
        add("From", &format!("<{}>", additions.sender));
    }
    if on_behalf {
        add("Sender", &format!("<{}>", additions.account));
    }
    let date = first("Date").is_some_and(|field| !field.text().is_empty());
    if !date {
        add("Date", &additions.date);
    }
    let id = first("Message-ID").and_then(|field| message_id::first(&field.text()));
    if id.is_none() {
        add("Message-ID", &additions.message_id);
    }
    for field in &fields {
        let sender_is_own = || {
            mailboxes(field)
                .iter()
                .all(|sender| sender.as_ref().is_some_and(|sender| sending(sender) == Sending::As))
        };
        let dropped = field.is("Bcc")
            || field.is("Resent-Bcc")
            || field.is("Return-Path")
            || (field.is("From") && authors.is_empty())
            || (field.is("Sender") && (on_behalf || !sender_is_own()))
            || (field.is("Date") && !date)
            || (field.is("Message-ID") && id.is_none());
        if !dropped {
            push_field(&mut header, field.raw);
        }
    }
    Ok(header)
}

/// The header of the copy that `recipient` gets of a message that is sent separately (MODE-4): it names nobody else.
#[must_use]
pub fn addressed_to(header: &[u8], recipient: &Address) -> Vec<u8> {
    let fields: Vec<_> = header::fields(header).collect();
    let named = fields.iter().filter(|field| field.is("To") || field.is("Cc"));
    let named = named.flat_map(|field| address::parse_list(&header::unfold(field.value)));
    let own = named.into_iter().find_map(|item| {
        let is_own = item.to_address().is_some_and(|address| address == *recipient);
        match item {
            AddressItem::Mailbox(mailbox) if is_own => mailbox.name,
            _ => None,
        }
    });
    let mut copy = Vec::with_capacity(header.len());
    for field in &fields {
        if !(field.is("To") || field.is("Cc")) {
            push_field(&mut copy, field.raw);
        }
    }
    // A name in encoded words stays one; any other is quoted.
    let to = match own.as_deref() {
        Some(name)
            if name
                .split(' ')
                .all(|word| word.starts_with("=?") && word.ends_with("?=")) =>
        {
            format!("To: {name} <{recipient}>\r\n")
        }
        Some(name) if !name.is_empty() => {
            let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
            format!("To: \"{quoted}\" <{recipient}>\r\n")
        }
        _ => format!("To: <{recipient}>\r\n"),
    };
    copy.extend_from_slice(to.as_bytes());
    copy
}

/// The mailboxes of an address field; `None` stands for one without a proper address. Encoded words stay encoded: what a
/// display name decodes to is not an address.
fn mailboxes(field: &header::Field<'_>) -> Vec<Option<Address>> {
    let items = address::parse_list(&header::unfold(field.value));
    let of = |item: &AddressItem| matches!(item, AddressItem::Mailbox(_)).then(|| item.to_address());
    items.iter().filter_map(of).collect()
}

fn push_field(header: &mut Vec<u8>, raw: &[u8]) {
    header.extend_from_slice(raw);
    if !raw.ends_with(b"\n") {
        header.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(original: &str, expect: Result<&str, SubmissionError>) {
        let sender = Address::try_from("me@a.test").unwrap();
        let additions = Additions {
            date: "DATE".to_owned(),
            message_id: "<new@a.test>".to_owned(),
            sender: &sender,
            account: &sender,
        };
        let sending = |address: &Address| match address.key().as_str() {
            "me@a.test" | "alias@a.test" | "team@a.test" => Sending::As,
            "principal@a.test" => Sending::OnBehalf,
            _ => Sending::No,
        };
        let mended = mend(original.as_bytes(), &additions, sending).map(|header| String::from_utf8(header).unwrap());
        assert_eq!(mended.as_deref(), expect.as_ref().map(|text| *text), "{original:?}");
    }

    #[test]
    fn mode_4_a_copy_names_nobody_else() {
        let header = b"Subject: a\r\nTo: =?utf-8?q?Z=C3=B6e?= <zoe@b.test>,\r\n \"Q \\\"x\" <q@b.test>, plain@b.test\r\nCc: c@b.test\r\n";
        let check = |recipient: &str, to: &str| {
            let copy = addressed_to(header, &Address::try_from(recipient).unwrap());
            assert_eq!(String::from_utf8(copy).unwrap(), format!("Subject: a\r\nTo: {to}\r\n"));
        };
        check("zoe@b.test", "=?utf-8?q?Z=C3=B6e?= <zoe@b.test>");
        check("q@b.test", r#""Q \"x" <q@b.test>"#);
        check("plain@b.test", "<plain@b.test>");
        check("c@b.test", "<c@b.test>");
        check("hidden@b.test", "<hidden@b.test>");
    }

    #[test]
    fn complete_headers_stay() {
        let complete =
            "Received: x\r\nFrom: Me <Me@A.test>\r\nDate: yesterday\r\nMessage-ID: <1@a.test>\r\nSubject: a\r\n b\r\n";
        check(complete, Ok(complete));
    }

    #[test]
    fn what_is_missing_is_added() {
        check(
            "Subject: x\r\n",
            Ok("From: <me@a.test>\r\nDate: DATE\r\nMessage-ID: <new@a.test>\r\nSubject: x\r\n"),
        );
        check(
            "",
            Ok("From: <me@a.test>\r\nDate: DATE\r\nMessage-ID: <new@a.test>\r\n"),
        );
    }

    #[test]
    fn what_must_not_travel_is_removed() {
        check(
            "From: alias@a.test\r\nBcc: secret@b.test,\r\n other@b.test\r\nDate: d\r\nMessage-ID: <1@a>\r\nSender: x@b.test\r\nReturn-Path: <x>\r\n",
            Ok("From: alias@a.test\r\nDate: d\r\nMessage-ID: <1@a>\r\n"),
        );
    }

    #[test]
    fn dlg_1_what_is_sent_on_behalf_says_so() {
        let rest = "Date: d\r\nMessage-ID: <1@a>\r\n";
        check(
            &format!("From: principal@a.test\r\nSender: team@a.test\r\n{rest}"),
            Ok(&format!("Sender: <me@a.test>\r\nFrom: principal@a.test\r\n{rest}")),
        );
        let as_team = format!("From: team@a.test\r\n{rest}");
        check(&as_team, Ok(&as_team));
    }

    #[test]
    fn only_own_addresses() {
        check("From: boss@a.test\r\n", Err(SubmissionError::ForeignFrom));
        check("From: me@a.test.evil.test\r\n", Err(SubmissionError::ForeignFrom));
        check(
            "From: me@a.test\r\nFrom: boss@a.test\r\n",
            Err(SubmissionError::TwoFroms),
        );
        check("From: me@a.test, boss@a.test\r\n", Err(SubmissionError::ForeignFrom));
        check(
            "From: =?utf-8?q?me=40a.test=2C?= <boss@a.test>\r\n",
            Err(SubmissionError::ForeignFrom),
        );
    }
}
