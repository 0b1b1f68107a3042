//! The mails that clients send: each a function of its number, so that what comes back can be compared whole.

use hongyan_invariant::MailId;

/// The header field that carries the number.
pub(crate) const FIELD: &str = "X-Mail";

/// The mail `mail` from `from` to `to`, with CRLF lines, none of which begins with a dot.
pub(crate) fn text(mail: MailId, from: &str, to: &str) -> String {
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: letter {number}\r\nMessage-ID: <{number}@clients.chaos.test>\r\n\
         Date: Sat, 21 Nov 2026 10:00:00 +0000\r\n{FIELD}: {number}\r\n\r\n{body}",
        number = mail.0,
        body = body(mail),
    )
}

/// Mostly a few lines, sometimes a few hundred; no line comes twice, so that pieces in a wrong order are seen.
fn body(mail: MailId) -> String {
    let lines = match mail.0 % 20 {
        0 => 400,
        1..5 => 30,
        _ => 4,
    };
    let line = |number: u64| {
        let mixed = (mail.0 + 7)
            .wrapping_mul(number + 3)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "line {number} of letter {}: {mixed:016x} {:016x}\r\n",
            mail.0,
            mixed.rotate_left(23)
        )
    };
    (0..lines).map(line).collect()
}

/// The number in a header.
pub(crate) fn number(header: &[u8]) -> Option<MailId> {
    let text = String::from_utf8_lossy(header);
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(FIELD)?.strip_prefix(':'))?;
    value.trim().parse().ok().map(MailId)
}

/// The number of a fetched mail, if it is that mail to its last octet.
pub(crate) fn whole(message: &[u8]) -> Option<MailId> {
    let text = String::from_utf8_lossy(message);
    let (header, found) = text.split_once("\r\n\r\n")?;
    number(header.as_bytes()).filter(|mail| found == body(*mail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_known_again_only_whole() {
        for number in [1, 5, 20] {
            let mail = MailId(number);
            let sent = format!("Received: x\r\n{}", text(mail, "a@b", "c@d"));
            assert_eq!(whole(sent.as_bytes()), Some(mail));
            assert_eq!(whole(&sent.as_bytes()[..sent.len() - 2]), None);
        }
    }
}
