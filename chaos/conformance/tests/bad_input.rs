//! What hostile and broken clients do to a node: an error reply or a clean close, bounded memory, and nobody else notices.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hongyan_conformance::imap::Imap;
use hongyan_conformance::mail::mail;
use hongyan_conformance::node::Node;
use hongyan_conformance::pop3::Pop3;
use hongyan_conformance::smtp::Smtp;
use hongyan_conformance::wire::Wire;
use hongyan_conformance::{note, skip};

const USER: &str = "user1@example.test";
const FROM: &str = "sender@elsewhere.test";
/// What a node may hold after all of this, beyond what it held before, in kilobytes.
const GROWTH_KILOBYTES_MAX: u64 = 200_000;
const SILENT_CONNECTIONS: usize = 10_000;
/// The goal for an idle connection is 25 KB with TLS; these have none.
const SILENT_KILOBYTES_MAX: u64 = 25;

/// Runs `attack` on a node and checks that it still serves others afterwards, has not grown, and logs no error.
fn under(attack: impl FnOnce(&Node) -> Result<()>) -> Result<()> {
    let mut node = Node::start()?;
    well(&node)?;
    let before = node.memory_kilobytes()?;
    attack(&node)?;
    well(&node)?;
    let after = node.memory_kilobytes()?;
    ensure!(node.is_running(), "the node died: {}", node.log());
    ensure!(
        after < before + GROWTH_KILOBYTES_MAX,
        "memory grew from {before} to {after} KB"
    );
    ensure!(node.errors().is_empty(), "{:#?}", node.errors());
    Ok(())
}

/// Another client delivers, reads and deletes.
fn well(node: &Node) -> Result<()> {
    const OTHER: &str = "user9@example.test";
    let mut smtp = Smtp::hello(node.port(25))?;
    let reply = smtp.send(FROM, &[OTHER], &mail(1, FROM, OTHER))?;
    ensure!(reply.code == 250, "{reply:?}");
    let mut imap = Imap::login(node.port(143), OTHER)?;
    ensure!(imap.select("INBOX")? == 1);
    ensure!(imap.bodies("1")?.len() == 1);
    imap.ok("STORE 1 +FLAGS (\\Deleted)")?;
    imap.ok("EXPUNGE")?;
    Pop3::login(node.port(110), OTHER)?.command("QUIT")?;
    Ok(())
}

#[test]
fn unknown_commands_are_refused_and_many_end_the_session() -> Result<()> {
    under(|node| {
        let mut smtp = Smtp::hello(node.port(25))?;
        smtp.expect("XYZZY", 500)?;
        smtp.expect("MAIL FROM:nonsense", 501)?;
        smtp.expect("RCPT TO:<user1@example.test>", 503)?;
        let mut imap = Imap::connect(node.port(143))?;
        ensure!(imap.command(b"XYZZY")?.0.starts_with("BAD"));
        ensure!(imap.command(b"FETCH 1 FLAGS")?.0.starts_with("BAD"));
        let mut pop3 = Wire::connect(node.port(110))?;
        pop3.line()?;
        pop3.write(b"XYZZY\r\nRETR 1\r\n")?;
        ensure!(pop3.line()?.starts_with(b"-ERR"));
        ensure!(pop3.line()?.starts_with(b"-ERR"));
        for port in [24, 25, 587, 110, 143] {
            let mut wire = Wire::connect(node.port(port))?;
            // The node may close while we still write.
            let _ = wire.write(&b"a XYZZY\r\n".repeat(20_000));
            let _ = wire.half_close();
            let _ = wire.rest();
        }
        Ok(())
    })
}

#[test]
fn lines_without_end_are_refused() -> Result<()> {
    under(|node| {
        for port in [24, 25, 587, 110, 143] {
            let mut wire = Wire::connect(node.port(port))?;
            wire.line()?;
            let mut taken = true;
            for _ in 0..200 {
                taken = taken && wire.write(&[b'x'; 100_000]).is_ok();
            }
            if taken {
                let _ = wire.write(b"\r\n");
                let _ = wire.half_close();
            }
            let said = wire.rest().unwrap_or_default();
            // Either a word about it, or the connection was closed over it.
            let word = String::from_utf8_lossy(&said).to_uppercase();
            let refused = ["500", "BAD", "BYE", "-ERR", "421"]
                .iter()
                .any(|code| word.contains(code));
            ensure!(refused || !taken, "port {port}: {word:?}");
        }
        Ok(())
    })
}

#[test]
fn literals_beyond_limits_are_refused() -> Result<()> {
    under(|node| {
        let mut imap = Imap::login(node.port(143), USER)?;
        for command in [
            "APPEND INBOX {4294967295}",
            "APPEND INBOX {99999999999999999999}",
            "LOGIN {1000000000}",
            "SELECT {500000000}",
            "APPEND INBOX {-1}",
            "APPEND INBOX {x}",
        ] {
            let (status, _) = imap.command(command.as_bytes())?;
            ensure!(
                status.starts_with("NO") || status.starts_with("BAD"),
                "{command}: {status}"
            );
        }
        // A non-synchronising one is already on its way: the node may only close, or read past it.
        let mut imap = Imap::login(node.port(143), USER)?;
        imap.wire.write(b"a APPEND INBOX {4294967295+}\r\n")?;
        let _ = imap.wire.write(&vec![b'x'; 20_000_000]);
        let mut imap = Imap::connect(node.port(143))?;
        imap.wire.write(b"a LOGIN {900000000+}\r\n")?;
        let _ = imap.wire.write(&vec![b'x'; 20_000_000]);
        Ok(())
    })
}

#[test]
fn half_closed_connections_are_answered_and_closed() -> Result<()> {
    under(|node| {
        for (port, line, expect) in [
            (25, "EHLO a.test\r\nNOOP\r\n", "250 "),
            (24, "LHLO a.test\r\nNOOP\r\n", "250 "),
            (110, "CAPA\r\n", "+OK capa"),
            (143, "a NOOP\r\n", "a OK"),
        ] {
            let mut wire = Wire::connect(node.port(port))?;
            wire.write(line.as_bytes())?;
            wire.half_close()?;
            let said = wire.rest()?;
            let said = String::from_utf8_lossy(&said);
            ensure!(said.contains(expect), "port {port}: {said}");
        }
        // Half a command, half a message: gone without effect.
        let mut smtp = Smtp::hello(node.port(25))?;
        smtp.expect(&format!("MAIL FROM:<{FROM}>"), 250)?;
        smtp.expect(&format!("RCPT TO:<{USER}>"), 250)?;
        smtp.expect("DATA", 354)?;
        smtp.wire.write(b"Subject: half\r\n\r\nnever ended")?;
        smtp.wire.half_close()?;
        smtp.wire.rest()?;
        let mut imap = Imap::login(node.port(143), USER)?;
        ensure!(imap.select("INBOX")? == 0, "half a message was delivered");
        Ok(())
    })
}

#[test]
fn clients_that_never_read_are_bounded() -> Result<()> {
    under(|node| {
        let mut imap = Imap::login(node.port(143), USER)?;
        let body = [
            b"Subject: large\r\n\r\n".as_slice(),
            &b"0123456789abcdef\r\n".repeat(100_000),
        ]
        .concat();
        for _ in 0..5 {
            imap.append("INBOX", &body)?;
        }
        let mut deaf = Vec::new();
        for _ in 0..30 {
            let mut imap = Imap::login(node.port(143), USER)?;
            imap.select("INBOX")?;
            imap.wire.set_patience(Duration::from_millis(200))?;
            for _ in 0..200 {
                if imap.send(b"FETCH 1:* BODY.PEEK[]").is_err() {
                    break;
                }
            }
            deaf.push(imap);
        }
        for user in ["user2@example.test", "user3@example.test"] {
            let mut smtp = Wire::connect(node.port(25))?;
            smtp.set_patience(Duration::from_millis(200))?;
            // Replies pile up unread; at some point the node stops reading, and our write fails.
            let _ = smtp.write(&b"NOOP\r\n".repeat(2_000_000));
            let _ = user;
        }
        well(node)
    })
}

#[test]
fn silent_connections_cost_little_and_hinder_nobody() -> Result<()> {
    under(|node| {
        let before = node.memory_kilobytes()?;
        let ports = [25, 143, 110, 993];
        let mut silent = Vec::new();
        for index in 0..SILENT_CONNECTIONS {
            match TcpStream::connect(("127.0.0.1", node.port(ports[index % ports.len()]))) {
                Ok(stream) => silent.push(stream),
                Err(error) => {
                    skip(
                        &format!("silent connections beyond {index}"),
                        &format!("this machine gives no more: {error}"),
                    );
                    break;
                }
            }
        }
        well(node)?;
        let after = node.memory_kilobytes()?;
        let each = after.saturating_sub(before) / u64::try_from(silent.len().max(1))?;
        note(&format!(
            "{} silent connections: {before} -> {after} KB, {each} KB each",
            silent.len()
        ));
        ensure!(each <= SILENT_KILOBYTES_MAX, "{each} KB each");
        drop(silent);
        Ok(())
    })
}

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
fn names_that_are_no_names_are_refused() -> Result<()> {
    under(|node| {
        let mut imap = Imap::login(node.port(143), USER)?;
        let bad: [&[u8]; 8] = [
            b"CREATE \"&Jjo\"",
            b"CREATE \"&\"",
            b"CREATE \"&AGE-\"",
            b"CREATE \"&2AA-\"",
            b"CREATE \"a\xff\xfeb\"",
            b"CREATE \"\"",
            b"CREATE \"a\x00b\"",
            b"CREATE \"a\x01b\"",
        ];
        for command in bad {
            let (status, _) = imap.command(command)?;
            let text = String::from_utf8_lossy(command);
            ensure!(
                status.starts_with("NO") || status.starts_with("BAD"),
                "{text:?}: {status}"
            );
        }
        imap.wire.write(b"x CREATE {3+}\r\na\x00b\r\n")?;
        let (status, _) = imap.finish("x")?;
        ensure!(
            status.starts_with("NO") || status.starts_with("BAD"),
            "NUL in a literal: {status}"
        );
        imap.ok("ENABLE UTF8=ACCEPT")?;
        for command in [b"CREATE \"a\xff\xfeb\"".as_slice(), b"CREATE \"\xed\xa0\x80\""] {
            let (status, _) = imap.command(command)?;
            ensure!(status.starts_with("NO") || status.starts_with("BAD"), "{status}");
        }
        imap.ok("CREATE \"鸿雁\"")?;
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
fn nothing_sent_before_tls_is_executed_after_it() -> Result<()> {
    under(|node| {
        for (port, hello, line) in [
            (587, "EHLO a.test\r\n", "STARTTLS\r\nNOOP\r\n"),
            (143, "", "a STARTTLS\r\nb NOOP\r\n"),
            (110, "", "STLS\r\nNOOP\r\n"),
        ] {
            let mut wire = Wire::connect(node.port(port))?;
            wire.write(hello.as_bytes())?;
            wire.write(line.as_bytes())?;
            wire.half_close()?;
            let said = wire.rest()?;
            let said = String::from_utf8_lossy(&said);
            ensure!(!said.contains("b OK"), "port {port}: {said}");
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
