//! getmail: fetches into a Maildir by POP3 and by IMAP.

use std::fs;
use std::os::unix::fs::MetadataExt;

use anyhow::Result;

use crate::maildir;
use crate::place::{Client, Place};

const GETMAIL: Client = Client {
    commands: &["getmail"],
    adds: &["X-getmail-retrieved-from-mailbox"],
};

const CONFIG: &str = "[retriever]\ntype = RETRIEVER\nserver = 127.0.0.1\nport = RETRIEVER_PORT\nusername = USER\n\
    password = PASSWORD\n\n[destination]\ntype = Maildir\npath = HOME/FOLDER/\n\n\
    [options]\ndelivered_to = false\nreceived = false\nread_all = true\nverbose = 0\n";

/// An account that owns nothing: getmail refuses to deliver as root.
const NOBODY: &str = "65534";

#[test]
fn getmail_fetches_by_pop3_and_imap() -> Result<()> {
    GETMAIL.test(|place| {
        place.fill_inbox()?;
        fetch(place, "pop3", "SimplePOP3Retriever", "PORT110")?;
        fetch(place, "imap", "SimpleIMAPRetriever", "PORT143")
    })
}

fn fetch(place: &Place, folder: &str, retriever: &str, port: &str) -> Result<()> {
    maildir::make(place, folder)?;
    let config = CONFIG
        .replace("RETRIEVER_PORT", port)
        .replace("RETRIEVER", retriever)
        .replace("FOLDER", folder);
    let file = format!("{folder}rc");
    place.configure(&file, &config)?;
    let home = place.home().to_string_lossy().into_owned();
    let mut command = vec!["getmail", "--getmaildir", &home, "--rcfile", &file];
    let is_root = fs::metadata("/proc/self")?.uid() == 0;
    if is_root {
        place.run("chown", &["-R", NOBODY, &home], b"")?;
        command.splice(
            0..0,
            ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"],
        );
    }
    place.run(command[0], &command[1..], b"")?;
    maildir::check(place, folder)
}
