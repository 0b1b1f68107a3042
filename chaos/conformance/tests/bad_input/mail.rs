//! Messages with too many of everything, and ends of lines that end nothing.

use anyhow::{Context, Result, ensure};
use hongyan_conformance::imap::Imap;
use hongyan_conformance::note;
use hongyan_conformance::smtp::Smtp;

use crate::{FROM, USER, under};

#[test]
fn fifty_thousand_recipients_are_limited() -> Result<()> {
    under(|node| {
        let mut smtp = Smtp::hello(node.port(25))?;
        smtp.expect(&format!("MAIL FROM:<{FROM}>"), 250)?;
        let (mut accepted, mut refused) = (0_u32, 0_u32);
        'batches: for batch in 0..500 {
            let lines: String = (0..100)
                .map(|index| format!("RCPT TO:<user1+{}@example.test>\r\n", batch * 100 + index))
                .collect();
            if smtp.wire.write(lines.as_bytes()).is_err() {
                break;
            }
            for _ in 0..100 {
                match smtp.reply() {
                    Ok(reply) if reply.code == 250 => accepted += 1,
                    Ok(reply) => {
                        ensure!(reply.code == 452 || reply.code == 421, "{reply:?}");
                        refused += 1;
                        if reply.code == 421 {
                            break 'batches;
                        }
                    }
                    Err(_) => break 'batches,
                }
            }
        }
        note(&format!("50,000 recipients: {accepted} accepted, {refused} refused"));
        // RFC 5321 §4.5.3.1.8: at least 100.
        ensure!((100..50_000).contains(&accepted), "{accepted} accepted");
        Ok(())
    })
}

#[test]
fn ten_thousand_nested_parts_are_stored_and_bounded() -> Result<()> {
    under(|node| {
        let mut nested = b"Subject: deep\r\nMIME-Version: 1.0\r\n".to_vec();
        for level in 0..10_000 {
            nested.extend(format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n").bytes());
        }
        nested.extend_from_slice(b"\r\nthe core\r\n");
        let mut wide =
            b"Subject: wide\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=w\r\n\r\n".to_vec();
        for part in 0..10_000 {
            wide.extend(format!("--w\r\nContent-Type: text/plain; name=p{part}\r\n\r\npart\r\n").bytes());
        }
        wide.extend_from_slice(b"--w--\r\n");
        let forwarded = [
            b"Subject: matryoshka\r\n".as_slice(),
            &b"Content-Type: message/rfc822\r\n\r\n".repeat(10_000),
            b"Subject: core\r\n\r\ncore\r\n",
        ]
        .concat();
        let header = [
            b"Subject: many headers\r\n".as_slice(),
            &b"X-A: b\r\n".repeat(100_000),
            b"\r\nx\r\n",
        ]
        .concat();
        for bytes in [&nested, &wide, &forwarded, &header] {
            let reply = Smtp::hello(node.port(25))?.send(FROM, &[USER], bytes)?;
            ensure!(reply.code == 250 || reply.code == 552 || reply.code == 554, "{reply:?}");
            let mut imap = Imap::login(node.port(143), "user2@example.test")?;
            imap.append("INBOX", bytes)?;
            let count = imap.select("INBOX")?;
            imap.fetch(&count.to_string(), "(FLAGS ENVELOPE BODYSTRUCTURE RFC822.SIZE)")?;
            ensure!(imap.bodies(&count.to_string())? == std::slice::from_ref(bytes));
            imap.ok(&format!("FETCH {count} (BODY.PEEK[1.1.1.1] BODY.PEEK[1.MIME])"))?;
            imap.ok("SEARCH TEXT core")?;
        }
        Ok(())
    })
}

#[test]
fn a_bare_line_end_never_ends_a_message() -> Result<()> {
    under(|node| {
        for end in ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r"] {
            let mut smtp = Smtp::hello(node.port(25))?;
            smtp.expect(&format!("MAIL FROM:<{FROM}>"), 250)?;
            smtp.expect(&format!("RCPT TO:<{USER}>"), 250)?;
            smtp.expect("DATA", 354)?;
            let smuggled =
                format!("MAIL FROM:<evil@elsewhere.test>\r\nRCPT TO:<{USER}>\r\nDATA\r\nSubject: smuggled\r\n");
            smtp.wire
                .write(format!("Subject: outer\r\n\r\nouter{end}{smuggled}\r\n.\r\n").as_bytes())?;
            let reply = smtp.reply()?;
            // One reply to one message, accepted with the smuggled lines as its text or refused as a whole.
            ensure!(reply.code == 250 || reply.code >= 500, "{end:?}: {reply:?}");
            let quit = smtp.command("QUIT").context("after the message")?;
            ensure!(quit.code == 221 || quit.code == 421, "{end:?}: {quit:?}");
        }
        let mut imap = Imap::login(node.port(143), USER)?;
        let count = imap.select("INBOX")?;
        if count > 0 {
            let answers = imap.ok("SEARCH HEADER SUBJECT smuggled")?;
            let found = answers
                .iter()
                .any(|answer| answer.len() > 1 && answer[0].text().as_deref() == Some("SEARCH"));
            ensure!(!found, "a message was smuggled in");
        }
        Ok(())
    })
}
