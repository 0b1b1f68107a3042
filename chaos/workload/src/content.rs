//! The mails that clients send: each a function of its number, so that what comes back can be compared whole.

use hongyan_invariant::MailId;

/// The header field that carries the number.
const FIELD: &str = "X-Mail";

/// The mail `mail` from `from` to `to`, with CRLF lines, none of which begins with a dot.
#[must_use]
pub fn text(mail: MailId, from: &str, to: &str) -> String {
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: mail {number}\r\nMessage-ID: <{number}@sim.test>\r\n\
         Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n{FIELD}: {number}\r\n\r\n{body}",
        number = mail.0,
        body = body(mail),
    )
}

/// Mostly short, sometimes long.
fn body(mail: MailId) -> String {
    let mixed = mail.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let lines = match mixed % 16 {
        0 => 150 + mixed % 100,
        1..4 => 20 + mixed % 20,
        _ => 1 + mixed % 5,
    };
    let line = |line: u64| {
        // No line repeats, so that pieces in a wrong order are seen.
        let word = (mail.0 + 1).wrapping_mul(line + 1).wrapping_mul(0x2545_F491_4F6C_DD1D);
        format!(
            "{line} of mail {}: {word:016x} {:016x}\r\n",
            mail.0,
            word.rotate_left(17)
        )
    };
    (0..lines).map(line).collect()
}

/// The number in a header.
#[must_use]
pub fn number(header: &[u8]) -> Option<MailId> {
    let text = String::from_utf8_lossy(header);
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(FIELD)?.strip_prefix(':'))?;
    value.trim().parse().ok().map(MailId)
}

/// The number of a fetched mail, if it is that mail to its last octet.
#[must_use]
pub fn whole(message: &[u8]) -> Option<MailId> {
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
