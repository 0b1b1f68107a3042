//! getmail: fetches by POP3 and by IMAP and hands each message to a program.

use std::fs;

use anyhow::Result;

use crate::maildir::files;
use crate::place::{Client, Place};

const GETMAIL: Client = Client {
    commands: &["getmail"],
    adds: &["X-getmail-retrieved-from-mailbox"],
};

const CONFIG: &str = "[retriever]\ntype = RETRIEVER\nserver = 127.0.0.1\nport = RETRIEVER_PORT\nusername = USER\n\
    password = PASSWORD\n\n[destination]\ntype = MDA_external\npath = HOME/deliver\nallow_root_commands = true\n\n\
    [options]\ndelivered_to = false\nreceived = false\nread_all = true\nverbose = 0\n";

/// getmail listens for the end of its child only after it has started it, and waits for minutes for one that ended sooner. So
/// the child does not end before its parent catches SIGCHLD, which is signal 17. (Its Maildir destination forks as well.)
const DELIVER: &str = "#!/bin/sh\nuntil grep -q '^SigCgt:.*[13579bdf]....$' /proc/$PPID/status; do :; done\n\
    exec cat > HOME/got/$$.eml\n";

#[test]
fn getmail_fetches_by_pop3_and_imap() -> Result<()> {
    GETMAIL.test(|place| {
        place.fill_inbox()?;
        place.configure("deliver", DELIVER)?;
        fetch(place, "SimplePOP3Retriever", "PORT110")?;
        fetch(place, "SimpleIMAPRetriever", "PORT143")
    })
}

fn fetch(place: &Place, retriever: &str, port: &str) -> Result<()> {
    let got = place.path("got");
    fs::create_dir(&got)?;
    let config = CONFIG.replace("RETRIEVER_PORT", port).replace("RETRIEVER", retriever);
    place.configure("getmailrc", &config)?;
    let home = place.home().to_string_lossy().into_owned();
    place.run("getmail", &["--getmaildir", &home, "--rcfile", "getmailrc"], b"")?;
    place.check(&files(&got)?)?;
    fs::remove_dir_all(&got)?;
    Ok(())
}
