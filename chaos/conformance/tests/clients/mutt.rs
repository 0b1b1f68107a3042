//! mutt: copies all messages of INBOX to a Maildir; writes as many of its own, whose texts arrive as they were typed.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use crate::MESSAGES;
use crate::maildir;
use crate::place::{Client, Place};

const MUTT: Client = Client {
    // It wants a terminal, which `script` plays.
    commands: &["mutt", "script"],
    adds: &["Content-Length", "Lines", "Status"],
};

/// Without a folder it would ask whether to make `~/Mail`, and take the first key for the answer.
const CONFIG: &str = "set folder=\"HOME\"\nset imap_user=\"USER\"\nset imap_pass=\"PASSWORD\"\nset ssl_starttls=no\n\
    set ssl_force_tls=no\nset mbox_type=Maildir\nset confirmappend=no\nset confirmcreate=no\nset quit=yes\nset wait_key=no\n\
    set from=\"USER\"\nset use_from=yes\nset copy=no\nset mark_old=no\nset charset=utf-8\nset send_charset=utf-8\n\
    set smtp_url=\"smtp://USER@127.0.0.1:PORT587\"\nset smtp_pass=\"PASSWORD\"\nset smtp_authenticators=\"plain\"\n";

/// Keys: all messages are marked and copied.
const KEYS: &str = "push \"<tag-pattern>.<enter><tag-prefix><copy-message><kill-line>HOME/box<enter><exit>\"\n";

/// Its keyboard is a pipe that is open both ways, so that it never ends. A mutt that waits for a key would wait for ever.
const READ: &str = "mkfifo keys && TERM=xterm exec timeout 1200 \
    script -qec 'mutt -n -F readrc -f imap://127.0.0.1:PORT143/INBOX' /dev/null 0<>keys\n";

#[test]
fn mutt_reads_and_sends() -> Result<()> {
    MUTT.test(|place| {
        place.fill_inbox()?;
        place.configure("readrc", &format!("{CONFIG}{KEYS}"))?;
        place.configure("read", READ)?;
        place.run("sh", &["read"], b"")?;
        maildir::check(place, "box")?;
        send(place)
    })
}

/// Sends the texts of all messages to another account; its headers are mutt's own.
fn send(place: &Place) -> Result<()> {
    let other = place.another()?;
    place.configure("sendrc", CONFIG)?;
    for number in 0..MESSAGES {
        let subject = number.to_string();
        let command = ["-n", "-F", "sendrc", "-s", &subject, "--", other.account()];
        let typed: Vec<u8> = text(&place.mail(number))?
            .iter()
            .copied()
            .filter(|octet| *octet != b'\r')
            .collect();
        place.run("mutt", &command, &typed)?;
    }
    let mut seen = BTreeSet::new();
    for mail in other.stored("INBOX")? {
        let header = String::from_utf8_lossy(&mail);
        let subject = header.lines().find_map(|line| line.strip_prefix("Subject: "));
        let number = subject.context("find the subject")?.parse()?;
        ensure!(text(&mail)? == text(&place.mail(number))?, "mail {number}: {header}");
        ensure!(seen.insert(number), "mail {number} came twice");
    }
    ensure!(seen.len() == usize::try_from(MESSAGES)?, "{} arrived", seen.len());
    Ok(())
}

/// What follows the header.
fn text(mail: &[u8]) -> Result<&[u8]> {
    let at = mail.windows(4).position(|octets| octets == b"\r\n\r\n");
    mail.get(at.context("find the text")? + 4..).context("find the text")
}
