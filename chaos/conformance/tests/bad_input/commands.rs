//! Commands that are none, lines and literals beyond every limit.

use anyhow::{Context, Result, ensure};
use hongyan_conformance::imap::Imap;
use hongyan_conformance::smtp::Smtp;
use hongyan_conformance::wire::Wire;

use crate::{USER, is_refusal, under};

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
            // The node may close while we still write; it has to, for we never say that nothing more comes.
            let _ = wire.write(&b"a XYZZY\r\n".repeat(20_000));
            wire.rest().with_context(|| format!("port {port} listens for ever"))?;
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
            ensure!(is_refusal(&status), "{command}: {status}");
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
