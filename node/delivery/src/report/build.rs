//! Writes a report: a text for people, a part for programs, and the message or its header.

use std::fmt::Write as _;

use hongyan_message::{header as fields, words};

use super::{Action, Report, ReportRecipient, Returned, explain};
use crate::trace::date;

/// Longest line of ours: below the 998 of RFC 5322 §2.1.1.
const VALUE_OCTETS_MAX: usize = 900;
/// More of a message than this does not come back.
const RETURNED_OCTETS_MAX: usize = 1 << 20;

/// The report as a complete message.
#[must_use]
pub fn build(report: &Report) -> Vec<u8> {
    let boundary = format!("=_report_{:016x}", report.unique);
    let mut out = header(report, &boundary);
    let _ = write!(
        out,
        "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    );
    people(report, &mut out);
    let _ = write!(out, "\r\n--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\n");
    programs(report, &mut out);
    let mut out = out.into_bytes();
    returned(report, &boundary, &mut out);
    out
}

fn header(report: &Report, boundary: &str) -> String {
    let mut out = String::with_capacity(4096);
    let subject = subject(report).unwrap_or_default();
    let kind = match kind(report) {
        Action::Failed => "Not delivered",
        Action::Delayed { .. } => "Not delivered yet",
        Action::Delivered => "Delivered",
        Action::Relayed => "Sent on",
        Action::Expanded => "Delivered to a list",
    };
    let subject = clean(format!("{kind}: {subject}").trim_end_matches([':', ' ']));
    let subject = words::encode(&subject).replace("?= =?", "?=\r\n =?");
    let host = &report.host_name;
    let _ = write!(
        out,
        "From: Mail delivery <postmaster@{host}>\r\nTo: <{}>\r\nSubject: {subject}\r\nDate: {}\r\n\
         Message-ID: <{:016x}.report@{host}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n",
        report.to,
        date(report.now),
        report.unique,
    );
    if let Some(id) = field(report, "Message-ID") {
        let id = clean(&id);
        if id.starts_with('<') && id.ends_with('>') && id.len() < 250 {
            let _ = write!(out, "In-Reply-To: {id}\r\nReferences: {id}\r\n");
        }
    }
    let _ = write!(
        out,
        "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\r\n"
    );
    out
}

/// RS-13: time, subject, each address, reason, what to do, help link.
fn people(report: &Report, out: &mut String) {
    let opening = match kind(report) {
        Action::Failed => "Your message could not be delivered to everybody it was meant for.",
        Action::Delayed { .. } => {
            "Your message has not been delivered yet. You need not do anything: it is tried again."
        }
        Action::Delivered | Action::Relayed | Action::Expanded => {
            "Your message has been delivered, as you asked to be told."
        }
    };
    let _ = write!(out, "{opening}\r\n\r\n  Sent:    {}\r\n", date(report.arrived));
    let subject = subject(report).unwrap_or_else(|| "(none)".to_owned());
    let _ = write!(out, "  Subject: {}\r\n", clean(&subject));
    for recipient in &report.recipients {
        let _ = write!(out, "\r\n  To:      {}\r\n", clean(&recipient.address));
        person(recipient, out);
    }
    if let Some(link) = &report.help_link {
        let _ = write!(out, "\r\nMore about this: {}\r\n", clean(link));
    }
}

fn person(recipient: &ReportRecipient, out: &mut String) {
    match recipient.action {
        Action::Failed | Action::Delayed { .. } => {
            let explanation = explain(recipient.status);
            let _ = write!(
                out,
                "  Reason:  {}\r\n  To do:   {}\r\n",
                explanation.reason, explanation.advice
            );
            if let Action::Delayed { retry_until: Some(end) } = recipient.action {
                let _ = write!(out, "  Tried until: {}\r\n", date(end));
            }
            if let Some(diagnostic) = &recipient.diagnostic {
                let host = recipient.remote_host.as_deref().unwrap_or("the server");
                let _ = write!(out, "  Answer of {}: {}\r\n", clean(host), clean(diagnostic));
            }
        }
        Action::Delivered => out.push_str("  It is in the mailbox.\r\n"),
        Action::Relayed => {
            out.push_str("  It was handed to the recipient's server, which does not report further.\r\n")
        }
        Action::Expanded => out.push_str("  It was delivered to the members of this list.\r\n"),
    }
}

/// RFC 3464 §2.
fn programs(report: &Report, out: &mut String) {
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
}

fn returned(report: &Report, boundary: &str, out: &mut Vec<u8>) {
    let (kind, bytes) = match &report.returned {
        Returned::Full(bytes) if bytes.len() <= RETURNED_OCTETS_MAX => ("message/rfc822", bytes.as_ref()),
        Returned::Full(bytes) => ("text/rfc822-headers", header_of(bytes)),
        Returned::Header(bytes) => ("text/rfc822-headers", bytes.as_ref()),
    };
    let bytes = bytes.get(..RETURNED_OCTETS_MAX).unwrap_or(bytes);
    let encoding = if bytes.is_ascii() { "7bit" } else { "8bit" };
    let head = format!("\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
    out.extend_from_slice(head.as_bytes());
    // The original may hold bare CR or LF (APPEND takes any octets); what leaves us has lines.
    let mut previous = 0_u8;
    for &byte in bytes {
        if byte == b'\n' && previous != b'\r' {
            out.push(b'\r');
        } else if previous == b'\r' && byte != b'\n' {
            out.push(b'\n');
        }
        out.push(byte);
        previous = byte;
    }
    if previous == b'\r' {
        out.push(b'\n');
    }
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
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
mod tests {
    use bytes::Bytes;
    use hongyan_types::{Address, Timestamp};

    use super::*;
    use crate::report::Status;

    fn recipient(address: &str, action: Action, status: Status) -> ReportRecipient {
        ReportRecipient {
            address: address.to_owned(),
            original: Some(("rfc822".to_owned(), "old@b.test".to_owned())),
            action,
            status,
            diagnostic: Some("550 5.1.1 no\r\nsuch user".to_owned()),
            remote_host: Some("mx.b.test".to_owned()),
            last_attempt: Some(Timestamp { millis: 0 }),
        }
    }

    fn report(recipients: Vec<ReportRecipient>, returned: Returned) -> String {
        let report = Report {
            host_name: "mx.a.test".to_owned(),
            to: Address::try_from("me@a.test").unwrap(),
            arrived: Timestamp { millis: 0 },
            now: Timestamp { millis: 60_000 },
            envelope_id: Some("env".to_owned()),
            recipients,
            returned,
            help_link: Some("https://help.a.test/bounce".to_owned()),
            unique: 7,
        };
        String::from_utf8(build(&report)).unwrap()
    }

    #[test]
    fn rs_13_names_time_subject_addresses_reason_advice_and_link() {
        let original = Bytes::from_static(b"Subject: =?utf-8?B?5L2g5aW9?=\r\nMessage-ID: <1@a.test>\r\n\r\nbody\r\n");
        let failed = recipient("gone@b.test", Action::Failed, Status(5, 1, 1));
        let text = report(vec![failed], Returned::Full(original));
        for expected in [
            "To: <me@a.test>\r\n",
            "Auto-Submitted: auto-replied\r\n",
            "In-Reply-To: <1@a.test>\r\n",
            "Content-Type: multipart/report; report-type=delivery-status;\r\n",
            "  Sent:    Thu, 1 Jan 1970 00:00:00 +0000\r\n",
            "  Subject: 你好\r\n",
            "  To:      gone@b.test\r\n",
            "There is no mailbox with this address.",
            "Check the spelling",
            "Answer of mx.b.test: 550 5.1.1 no  such user\r\n",
            "More about this: https://help.a.test/bounce\r\n",
            "Reporting-MTA: dns; mx.a.test\r\nOriginal-Envelope-Id: env\r\nArrival-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n",
            "Original-Recipient: rfc822;old@b.test\r\nFinal-Recipient: rfc822;gone@b.test\r\nAction: failed\r\nStatus: 5.1.1\r\n",
            "Remote-MTA: dns; mx.b.test\r\nDiagnostic-Code: smtp; 550 5.1.1 no  such user\r\n",
            "Content-Type: message/rfc822\r\n",
            "\r\nbody\r\n",
        ] {
            assert!(text.contains(expected), "{expected:?} in {text}");
        }
    }

    #[test]
    fn structure_is_that_of_rfc_3464() {
        let delayed = Action::Delayed {
            retry_until: Some(Timestamp { millis: 0 }),
        };
        let recipients = vec![
            recipient("slow@b.test", delayed, Status(4, 4, 1)),
            recipient("用户@b.test", Action::Delivered, Status(2, 0, 0)),
        ];
        let text = report(recipients, Returned::Header(Bytes::from_static(b"Subject: x\nTo: y\r")));
        assert!(text.contains("Will-Retry-Until: Thu, 1 Jan 1970"));
        assert!(text.contains("Final-Recipient: utf-8;用户@b.test\r\nAction: delivered\r\n"));
        assert!(
            text.replace("\r\n", "")
                .bytes()
                .all(|byte| byte != b'\r' && byte != b'\n')
        );
        let structure = hongyan_message::parse(text.as_bytes());
        let parts: Vec<_> = structure
            .root
            .children()
            .iter()
            .map(|part| part.media.subtype.clone())
            .collect();
        assert_eq!(parts, ["plain", "delivery-status", "rfc822-headers"]);
    }
}
