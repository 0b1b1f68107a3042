//! Writes a report: a text for people, a part for programs, and the message or its header.

use std::fmt::Write as _;

use hongyan_directory::Language;
use hongyan_message::{Body, Builder, header as fields, words};

use super::text::{Texts, moment};
use super::{Action, Report, ReportRecipient, Returned, explain};
use crate::trace::date;

/// Longest line of ours: below the 998 of RFC 5322 §2.1.1.
const VALUE_OCTETS_MAX: usize = 900;
/// Where lines of our own text end.
const LINE_CHARACTERS_MAX: usize = 74;
/// More of a message than this does not come back.
const RETURNED_OCTETS_MAX: usize = 1 << 20;

/// The report as a complete message, in that language. ASCII on the wire but for what of the message comes back.
#[must_use]
pub fn build(report: &Report, language: Language) -> Vec<u8> {
    let texts = Texts::of(language);
    let subject = subject(report).unwrap_or_default();
    let kind = texts.subject_of(kind(report));
    let subject = match subject.as_str() {
        "" => kind.to_owned(),
        subject => format!("{kind}{}{}", texts.colon, clean(subject)),
    };
    let host = &report.host_name;
    let parts = vec![
        Body::text("text/plain", &people(report, language)),
        Body::plain("message/delivery-status", programs(report).as_bytes()),
        returned(report),
    ];
    let body = Body::multipart("multipart/report", parts).param("report-type", "delivery-status");
    let mut mail = Builder::new(body)
        .raw_field("From", &format!("{} <postmaster@{host}>", words::encode(texts.sender)))
        .address_field("To", &[(None, &report.to)])
        .text_field("Subject", &subject)
        .date(date(report.now))
        .message_id(&format!("{:016x}.report@{host}", report.unique))
        .raw_field("Auto-Submitted", "auto-replied")
        .raw_field("Content-Language", language.tag());
    if let Some(id) = field(report, "Message-ID") {
        let id = clean(&id);
        if id.starts_with('<') && id.ends_with('>') && id.len() < 250 && id.is_ascii() {
            mail = mail.raw_field("In-Reply-To", &id).raw_field("References", &id);
        }
    }
    mail.build()
}

/// RS-13: time, subject, each address, reason, what to do, help link.
fn people(report: &Report, language: Language) -> String {
    let texts = Texts::of(language);
    let mut out = String::with_capacity(1024);
    put(&mut out, "", texts.opening(kind(report)));
    out.push('\n');
    put(&mut out, texts.sent, &moment(report.arrived, language));
    let subject = subject(report).unwrap_or_else(|| texts.no_subject.to_owned());
    put(&mut out, texts.subject, &clean(&subject));
    for recipient in &report.recipients {
        out.push('\n');
        put(&mut out, texts.to, &clean(&recipient.address));
        person(recipient, language, &mut out);
    }
    if let Some(link) = &report.help_link {
        out.push('\n');
        put(&mut out, texts.more, &clean(link));
    }
    out
}

fn person(recipient: &ReportRecipient, language: Language, out: &mut String) {
    let texts = Texts::of(language);
    match recipient.action {
        Action::Failed | Action::Delayed { .. } => {
            let explanation = explain(recipient.status, language);
            put(out, texts.reason, explanation.reason);
            put(out, texts.advice, explanation.advice);
            if let Action::Delayed { retry_until: Some(end) } = recipient.action {
                put(out, texts.until, &moment(end, language));
            }
            if let Some(diagnostic) = &recipient.diagnostic {
                let host = recipient.remote_host.as_deref().unwrap_or(texts.unnamed_host);
                let (before, behind) = texts.answer;
                put(out, &format!("{before}{}{behind}", clean(host)), &clean(diagnostic));
            }
        }
        Action::Delivered => put(out, "", texts.in_mailbox),
        Action::Relayed => put(out, "", texts.relayed),
        Action::Expanded => put(out, "", texts.expanded),
    }
}

/// A line of the text; words go on in the next one, under the first, before it becomes too long to be read.
pub(crate) fn put(out: &mut String, label: &str, text: &str) {
    out.push_str(label);
    let indent = label.chars().count().min(12);
    let mut column = label.chars().count();
    for (at, word) in text.split(' ').enumerate() {
        let width = word.chars().count();
        if at > 0 && column + 1 + width > LINE_CHARACTERS_MAX {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if at > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.push('\n');
}

/// RFC 3464 §2.
fn programs(report: &Report) -> String {
    let mut out = String::with_capacity(512);
    let _ = write!(out, "Reporting-MTA: dns; {}\r\n", report.host_name);
    if let Some(id) = &report.envelope_id {
        let _ = write!(out, "Original-Envelope-Id: {}\r\n", clean(id));
    }
    let _ = write!(out, "Arrival-Date: {}\r\n", date(report.arrived));
    for recipient in &report.recipients {
        out.push_str("\r\n");
        if let Some((kind, address)) = &recipient.original {
            let _ = write!(out, "Original-Recipient: {};{}\r\n", clean(kind), clean(address));
        }
        let kind = if recipient.address.is_ascii() {
            "rfc822"
        } else {
            "utf-8"
        };
        let action = match recipient.action {
            Action::Failed => "failed",
            Action::Delayed { .. } => "delayed",
            Action::Delivered => "delivered",
            Action::Relayed => "relayed",
            Action::Expanded => "expanded",
        };
        let _ = write!(
            out,
            "Final-Recipient: {kind};{}\r\nAction: {action}\r\nStatus: {}\r\n",
            clean(&recipient.address),
            recipient.status
        );
        if let Some(host) = &recipient.remote_host {
            let _ = write!(out, "Remote-MTA: dns; {}\r\n", clean(host));
        }
        if let Some(diagnostic) = &recipient.diagnostic {
            let _ = write!(out, "Diagnostic-Code: smtp; {}\r\n", clean(diagnostic));
        }
        if let Some(time) = recipient.last_attempt {
            let _ = write!(out, "Last-Attempt-Date: {}\r\n", date(time));
        }
        if let Action::Delayed { retry_until: Some(end) } = recipient.action {
            let _ = write!(out, "Will-Retry-Until: {}\r\n", date(end));
        }
    }
    out
}

/// What of the message comes back. It may hold bare CR or LF (APPEND takes any octets); what leaves us has lines.
fn returned(report: &Report) -> Body {
    let (kind, bytes) = match &report.returned {
        Returned::Full(bytes) if bytes.len() <= RETURNED_OCTETS_MAX => ("message/rfc822", bytes.as_ref()),
        Returned::Full(bytes) => ("text/rfc822-headers", header_of(bytes)),
        Returned::Header(bytes) => ("text/rfc822-headers", bytes.as_ref()),
    };
    Body::plain(kind, bytes.get(..RETURNED_OCTETS_MAX).unwrap_or(bytes))
}

/// The report as a whole is as bad as its worst recipient.
fn kind(report: &Report) -> Action {
    let rank = |action: &Action| match action {
        Action::Failed => 0,
        Action::Delayed { .. } => 1,
        Action::Delivered => 2,
        Action::Relayed => 3,
        Action::Expanded => 4,
    };
    let actions = report.recipients.iter().map(|recipient| recipient.action);
    actions.min_by_key(rank).unwrap_or(Action::Failed)
}

fn header_of(message: &[u8]) -> &[u8] {
    message.get(..fields::octets(message)).unwrap_or(message)
}

/// A field of the original, unfolded and decoded.
fn field(report: &Report, name: &str) -> Option<String> {
    let (Returned::Header(bytes) | Returned::Full(bytes)) = &report.returned;
    fields::find(bytes, name).map(|field| field.text())
}

fn subject(report: &Report) -> Option<String> {
    field(report, "Subject").filter(|subject| !subject.is_empty())
}

/// One line without control characters, cut where it would be too long.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if out.len() >= VALUE_OCTETS_MAX {
            break;
        }
        out.push(if character.is_control() { ' ' } else { character });
    }
    out
}

#[cfg(test)]
#[path = "build_test.rs"]
mod tests;
