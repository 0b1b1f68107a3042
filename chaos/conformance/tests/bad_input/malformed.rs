//! Malformed MIME of every kind: kept octet for octet, described somehow, and nobody stumbles over it.

use anyhow::{Context, Result, ensure};
use hongyan_conformance::corpus::{is_delivered_form, with_crlf};
use hongyan_conformance::imap::Imap;
use hongyan_conformance::pop3::Pop3;
use hongyan_conformance::smtp::Smtp;

use crate::{FROM, under};

const BY_SMTP: &str = "user3@example.test";
const BY_APPEND: &str = "user4@example.test";

/// A header field that is wrong in itself; the rest of its message is a line of text.
const FIELDS: [&str; 37] = [
    "Content-Type: ",
    "Content-Type: text",
    "Content-Type: /",
    "Content-Type: text/",
    "Content-Type: ;;;;",
    "Content-Type: text/plain; =; =; charset; charset=; =x",
    "Content-Type: text/plain; charset=\"never closed",
    "Content-Type: text/plain; charset=no-such-charset",
    "Content-Type: text/plain; charset=utf-7",
    "Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=x\r\nContent-Type: image/png",
    "Content-Type: text/plain; name*1*=b; name*3=d; name*99999999999999999999=z; name*0*=utf-8'",
    "Content-Type: text/plain; name*=utf-8''%zz%e9%ff; name*=''",
    "Content-Type: message/rfc822",
    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64",
    "Content-Type: message/partial; number=-1; total=0",
    "Content-Type: multipart/mixed",
    "Content-Type: multipart/mixed; boundary=",
    "Content-Type: multipart/mixed; boundary=\"\"",
    "Content-Transfer-Encoding: no-such-encoding",
    "Content-Transfer-Encoding: base64 base64; x",
    "Content-Disposition: ; filename=\"..\\..\\x\" filename",
    "Content-Length: -1\r\nLines: 99999999999999999999",
    "MIME-Version: 99.x (never closed",
    "Subject: =?utf-8?B?####?= =?utf-8?Q?=ZZ?= =?no?X?x?= =?utf-8?b?",
    "Subject: \u{fffd}\u{202e} \u{1b}[31m raw \u{7f}",
    "Date: Foo, 99 Bar 99999 99:99:99 +9999",
    "Date: ",
    "From: <<<>>>>, \"never closed <a@b>, (((, a b c @ d",
    "From: group: a@b, c@d, never closed",
    "To: ,,,,,;;;;::::@@@@<>",
    "To: undisclosed:;:;:;",
    "Message-ID: no brackets at all\r\nIn-Reply-To: <\r\nReferences: >< <@> <a@b",
    "no colon in this line",
    ": no name",
    " the first line is a continuation",
    "X\u{e9}: name that is not ASCII",
    "X-Space : before the colon",
];

/// A body that does not fit `multipart/mixed; boundary=b`.
const BODIES: [&str; 10] = [
    "",
    "no boundary at all\r\n",
    "--b--\r\n--b\r\n\r\nafter the end\r\n",
    "--b\r\n--b\r\n--b\r\n--b--\r\n",
    "--b",
    "--b\r\nContent-Type: text/plain\r\n--b--\r\n",
    "--b \t\r\n\r\nx\r\n--bb\r\n\r\ny\r\n--b-\r\n\r\nz\r\n--b--trailing\r\n",
    "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsame boundary inside\r\n--b--\r\n--b--\r\n",
    "--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\nprefix\r\n--b\r\n\r\nouter\r\n--bb--\r\n",
    "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nA\r\n====\r\n#!&\r\nQQ\r\n--b\r\n\
     Content-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ=\r\n=4=\r\n= \r\n==\r\n--b--\r\n",
];

fn messages() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for field in FIELDS {
        all.push(format!("{field}\r\nSubject: field\r\n\r\ntext\r\n").into_bytes());
    }
    for body in BODIES {
        all.push(format!("Subject: body\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{body}").into_bytes());
    }
    let long = "x".repeat(900);
    let many = |text: &str, times: usize| text.repeat(times);
    all.extend(
        [
            // RFC 3502 §6.3.11: one without any octet is a cancelled APPEND.
            "\r\n".to_owned(),
            "\r\n\r\n\r\n".to_owned(),
            "no header, no line end".to_owned(),
            format!("{long}: a name that long\r\n\r\nx\r\n"),
            format!("Content-Type: multipart/mixed; boundary={long}\r\n\r\n--{long}\r\n\r\nx\r\n--{long}--\r\n"),
            format!("Subject: {}\r\n\r\nx\r\n", many("Re: ", 200)),
            format!("Subject:{}\r\n\r\nx\r\n", many("\r\n folded", 20_000)),
            format!("From:{} a@b\r\n\r\nx\r\n", many("\r\n (((((((((((", 1000)),
            format!(
                "To: a@b.test{}\r\n\r\nx\r\n",
                many(",\r\n someone@elsewhere.test", 50_000)
            ),
            format!("References: <a@b>{}\r\n\r\nx\r\n", many("\r\n <a@b>", 20_000)),
            format!(
                "Content-Type: text/plain{}\r\n\r\nx\r\n",
                many(";\r\n name*1*=%41", 10_000)
            ),
            format!("Subject: {}\r\n\r\nx\r\n", many("=?utf-8?q?a?=\r\n ", 10_000)),
        ]
        .map(String::into_bytes),
    );
    all.push(
        b"Subject: raw \xff\xfe\xed\xa0\x80\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xc0\x80\xf8\r\n"
            .to_vec(),
    );
    all.push(b"Subject: nul \x00 here\r\n\r\nand \x00 here\r\n".to_vec());
    all
}

#[test]
fn malformed_mime_is_kept_as_it_is() -> Result<()> {
    under(|node| {
        let mut appended = Imap::login(node.port(143), BY_APPEND)?;
        let mut delivered = Vec::new();
        for (number, message) in messages().iter().enumerate() {
            let what = || format!("message {number}: {}", start(message));
            appended.append("INBOX", message).with_context(what)?;
            let sent = with_crlf(message);
            let reply = Smtp::hello(node.port(25))?.send(FROM, &[BY_SMTP], &sent)?;
            ensure!(reply.code == 250 || reply.code >= 500, "{}: {reply:?}", what());
            if reply.code == 250 {
                delivered.push(sent);
            }
        }
        let mut imap = Imap::login(node.port(143), BY_SMTP)?;
        ensure!(imap.select("INBOX")? == u32::try_from(delivered.len())?);
        for (stored, sent) in imap.bodies("1:*")?.iter().zip(&delivered) {
            ensure!(is_delivered_form(stored, sent), "changed: {}", start(sent));
        }
        appended.select("INBOX")?;
        ensure!(appended.bodies("1:*")? == messages(), "changed after APPEND");
        describe(&mut appended)?;
        let mut pop3 = Pop3::login(node.port(110), BY_APPEND)?;
        for number in 1..=messages().len() {
            pop3.body(&format!("TOP {number} 2"))?;
            pop3.body(&format!("RETR {number}"))?;
        }
        pop3.command("QUIT")?;
        Ok(())
    })
}

/// Everything that reads the structure, over all messages.
fn describe(imap: &mut Imap) -> Result<()> {
    let count = imap.fetch("1:*", "(ENVELOPE BODY BODYSTRUCTURE PREVIEW RFC822.SIZE INTERNALDATE)")?;
    ensure!(count.len() == messages().len(), "{} were described", count.len());
    for number in 1..=count.len() {
        for section in [
            "BODY.PEEK[1]",
            "BODY.PEEK[1.MIME]",
            "BODY.PEEK[2.1.TEXT]",
            "BODY.PEEK[HEADER.FIELDS (TO SUBJECT)]",
        ] {
            imap.ok(&format!("FETCH {number} {section}"))?;
        }
        // What cannot be decoded is refused with UNKNOWN-CTE (RFC 3516 §4.3), nothing else.
        for item in ["BINARY.PEEK[1]", "BINARY.SIZE[1]"] {
            let (status, _) = imap.command(format!("FETCH {number} {item}").as_bytes())?;
            ensure!(
                status.starts_with("OK") || status.contains("UNKNOWN-CTE"),
                "{number}: {status}"
            );
        }
    }
    for command in [
        "SORT (SUBJECT DATE FROM TO CC SIZE ARRIVAL) UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL",
        "THREAD ORDEREDSUBJECT UTF-8 ALL",
        "SEARCH TEXT nowhere",
        "SEARCH BODY text SUBJECT field",
        "SEARCH SENTSINCE 1-Jan-2000 HEADER TO \"\"",
    ] {
        imap.ok(command)?;
    }
    Ok(())
}

/// The beginning of a message, to name it.
fn start(message: &[u8]) -> String {
    String::from_utf8_lossy(message).chars().take(120).collect()
}
