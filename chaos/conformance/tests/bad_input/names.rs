//! Names of folders, addresses and accounts that are none: NUL, bad UTF-7, bad UTF-8, too long.

use anyhow::{Result, ensure};
use hongyan_conformance::imap::Imap;
use hongyan_conformance::pop3::Pop3;
use hongyan_conformance::smtp::Smtp;

use crate::{FROM, USER, is_refusal, under};

#[test]
fn folder_names_that_are_none_are_refused() -> Result<()> {
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
            ensure!(is_refusal(&status), "{text:?}: {status}");
        }
        imap.wire.write(b"x CREATE {3+}\r\na\x00b\r\n")?;
        let (status, _) = imap.finish("x")?;
        ensure!(is_refusal(&status), "NUL in a literal: {status}");
        imap.ok("ENABLE UTF8=ACCEPT")?;
        for command in [b"CREATE \"a\xff\xfeb\"".as_slice(), b"CREATE \"\xed\xa0\x80\""] {
            let (status, _) = imap.command(command)?;
            ensure!(is_refusal(&status), "{status}");
        }
        imap.ok("CREATE \"鸿雁\"")?;
        Ok(())
    })
}

#[test]
fn addresses_that_are_none_are_refused() -> Result<()> {
    under(|node| {
        let mut smtp = Smtp::hello(node.port(25))?;
        let long = "x".repeat(300);
        let bad: [&[u8]; 11] = [
            b"a\x00b@example.test",
            b"a\xff\xfe@example.test",
            b"\xed\xa0\x80@example.test",
            b"a b@example.test",
            b"a@b@example.test",
            b"@example.test",
            b"a@",
            b"a@-.test",
            b"a@exa\x00mple.test",
            long.as_bytes(),
            &[b"a@", long.as_bytes()].concat(),
        ];
        for address in bad {
            for (before, after) in [
                (b"MAIL FROM:<".as_slice(), b">\r\n".as_slice()),
                (b"MAIL FROM:<", b"> SMTPUTF8\r\n"),
            ] {
                smtp.wire.write(&[before, address, after].concat())?;
                let reply = smtp.reply()?;
                let text = String::from_utf8_lossy(address);
                ensure!((500..=555).contains(&reply.code), "MAIL {text:?}: {reply:?}");
            }
            smtp = Smtp::hello(node.port(25))?;
            smtp.expect(&format!("MAIL FROM:<{FROM}> SMTPUTF8"), 250)?;
            smtp.wire.write(&[b"RCPT TO:<", address, b">\r\n"].concat())?;
            let reply = smtp.reply()?;
            ensure!((500..=555).contains(&reply.code), "RCPT {address:?}: {reply:?}");
            smtp.expect("RSET", 250)?;
        }
        Ok(())
    })
}

#[test]
fn login_names_that_are_none_are_refused() -> Result<()> {
    under(|node| {
        let bad: [&[u8]; 4] = [b"a\x00b", b"a\xff\xfe", b"\xed\xa0\x80@example.test", &[b'x'; 900]];
        for name in bad {
            let mut imap = Imap::connect(node.port(143))?;
            let (status, _) = imap.command(&[b"LOGIN \"", name, b"\" pass"].concat())?;
            ensure!(is_refusal(&status), "{name:?}: {status}");
            let mut pop3 = Pop3::connect(node.port(110))?;
            pop3.wire.write(&[b"USER ", name, b"\r\nPASS pass\r\n"].concat())?;
            pop3.wire.line()?;
            ensure!(pop3.wire.line()?.starts_with(b"-ERR"), "{name:?} signed in");
        }
        Ok(())
    })
}
