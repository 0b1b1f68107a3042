//! fetchmail: fetches by POP3 and IMAP and leaves the messages there; the last time it deletes them.

use std::fs;

use anyhow::{Result, ensure};

use crate::maildir::files;
use crate::place::{Client, Place};

const FETCHMAIL: Client = Client {
    commands: &["fetchmail"],
    adds: &[],
};

const CONFIG: &str = "set invisible\nset no bouncemail\npoll 127.0.0.1 protocol PROTOCOL user \"USER\" \
    password \"PASSWORD\" KEEP fetchall no rewrite sslproto \"\" mda \"HOME/deliver\"\n";

#[test]
fn fetchmail_fetches_by_pop3_and_imap() -> Result<()> {
    FETCHMAIL.test(|place| {
        place.fill_inbox()?;
        place.configure("deliver", "#!/bin/sh\nexec cat > HOME/got/$$.eml\n")?;
        fetch(place, "imap port PORT143", "keep")?;
        fetch(place, "pop3 port PORT110", "keep")?;
        fetch(place, "pop3 port PORT110", "nokeep")?;
        ensure!(place.stored("INBOX")?.is_empty(), "it did not delete");
        Ok(())
    })
}

fn fetch(place: &Place, protocol: &str, keep: &str) -> Result<()> {
    let got = place.path("got");
    fs::create_dir(&got)?;
    let config = CONFIG.replace("PROTOCOL", protocol).replace("KEEP", keep);
    place.configure("fetchmailrc", &config)?;
    let pid = place.path("pid").to_string_lossy().into_owned();
    let arguments = ["-f", "fetchmailrc", "--nosyslog", "--pidfile", &pid, "--silent"];
    place.run("fetchmail", &arguments, b"")?;
    place.check(&files(&got)?)?;
    fs::remove_dir_all(&got)?;
    Ok(())
}
