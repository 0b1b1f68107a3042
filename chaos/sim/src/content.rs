//! The mails that clients send: each a function of its number, so that what comes back can be compared whole.

use hongyan_invariant::MailId;

/// The header field that carries the number.
pub(crate) const FIELD: &str = "X-Mail";

/// The mail `mail` from `from` to `to`, with CRLF lines.
pub(crate) fn text(mail: MailId, from: &str, to: &str) -> String {
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: mail {number}\r\nMessage-ID: <{number}@sim.test>\r\n\
         Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n{FIELD}: {number}\r\n\r\n{body}",
        number = mail.0,
        body = body(mail),
    )
}

/// Its body: mostly short, sometimes long.
pub(crate) fn body(mail: MailId) -> String {
    let mixed = mail.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let lines = match mixed % 16 {
        0 => 150 + mixed % 100,
        1..4 => 20 + mixed % 20,
        _ => 1 + mixed % 5,
    };
    let mut body = String::new();
    for line in 0..lines {
        // No line repeats, so that pieces in a wrong order are seen.
        let word = (mail.0 + 1).wrapping_mul(line + 1).wrapping_mul(0x2545_F491_4F6C_DD1D);
        body.push_str(&format!(
            "{line} of mail {}: {word:016x} {:016x}\r\n",
            mail.0,
            word.rotate_left(17)
        ));
    }
    body
}

/// The number in a fetched header.
pub(crate) fn number(header: &[u8]) -> Option<MailId> {
    let text = String::from_utf8_lossy(header);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(FIELD)?.strip_prefix(':'))?;
    line.trim().parse().ok().map(MailId)
}

/// Whether a fetched message is the whole mail that it says it is.
pub(crate) fn is_whole(message: &[u8]) -> bool {
    let text = String::from_utf8_lossy(message);
    match text.split_once("\r\n\r\n") {
        Some((header, found)) => number(header.as_bytes()).is_some_and(|mail| found == body(mail)),
        None => false,
    }
}
