//! Connections that are half closed, that never read, that say nothing.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, ensure};
use hongyan_conformance::imap::Imap;
use hongyan_conformance::pop3::Pop3;
use hongyan_conformance::smtp::Smtp;
use hongyan_conformance::wire::Wire;
use hongyan_conformance::{note, skip};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{FROM, USER, under, well};

const SILENT_CONNECTIONS: usize = 10_000;
/// The goal for an idle connection is 25 KB with TLS; these have none.
const SILENT_KILOBYTES_MAX: u64 = 25;
/// Connections of each kind that ask and never read the answers.
const DEAF_CONNECTIONS: usize = 30;

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
        // Waiting for news is no reason to stay.
        let mut imap = Imap::login(node.port(143), USER)?;
        imap.select("INBOX")?;
        imap.send(b"IDLE")?;
        ensure!(imap.wire.line()?.starts_with(b"+"));
        imap.wire.half_close()?;
        imap.wire.rest()?;
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
        for _ in 0..DEAF_CONNECTIONS {
            let mut imap = Imap::login(node.port(143), USER)?;
            imap.select("INBOX")?;
            deaf.push(ask_and_never_read(imap.wire, b"a FETCH 1:* BODY.PEEK[]\r\n")?);
            let pop3 = Pop3::login(node.port(110), &format!("user{}@example.test", 2 + deaf.len() % 5));
            // A maildrop is exclusive: the next one of the same account is refused.
            if let Ok(pop3) = pop3 {
                deaf.push(ask_and_never_read(pop3.wire, b"CAPA\r\n")?);
            }
        }
        for _ in 0..2 {
            deaf.push(ask_and_never_read(Wire::connect(node.port(25))?, b"NOOP\r\n")?);
        }
        well(node)
    })
}

#[test]
fn silent_connections_cost_little_and_hinder_nobody() -> Result<()> {
    under(|node| {
        raise_file_limit()?;
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

/// Sends `line` until the node stops reading, because its answers are not read, or 20 MB are sent.
fn ask_and_never_read(mut wire: Wire, line: &[u8]) -> Result<Wire> {
    wire.set_patience(Duration::from_millis(200))?;
    let lines = line.repeat(100_000 / line.len());
    for _ in 0..200 {
        if wire.write(&lines).is_err() {
            break;
        }
    }
    Ok(wire)
}

/// As many open files as this process may have; what the node may have is the node's affair.
fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised)?;
    Ok(())
}
