//! curl: submission after STARTTLS; IMAP and POP3 over TLS, POP3 after STLS. One run carries all messages of a way.

use std::fs;

use anyhow::{Context, Result};
use hongyan_conformance::node::PASSWORD;

use crate::MESSAGES;
use crate::maildir::files;
use crate::place::{Client, FROM, Place};

const CURL: Client = Client {
    commands: &["curl"],
    adds: &[],
};

#[test]
fn curl_submits_and_fetches() -> Result<()> {
    CURL.test(|place| {
        submit(place)?;
        place.check_folder("INBOX")?;
        let imap = format!("imaps://127.0.0.1:{}/INBOX;MAILINDEX=[1-{MESSAGES}]", place.port(993));
        fetch(place, "imap", &imap)?;
        fetch(
            place,
            "pop3",
            &format!("pop3s://127.0.0.1:{}/[1-{MESSAGES}]", place.port(995)),
        )?;
        fetch(
            place,
            "stls",
            &format!("pop3://127.0.0.1:{}/[1-{MESSAGES}]", place.port(110)),
        )
    })
}

fn submit(place: &Place) -> Result<()> {
    fs::create_dir(place.path("out"))?;
    for number in 0..MESSAGES {
        fs::write(place.path(&format!("out/{number}.eml")), place.mail(number))?;
    }
    let (user, files) = (format!("{FROM}:{PASSWORD}"), format!("out/[0-{}].eml", MESSAGES - 1));
    let (url, to) = (format!("smtp://127.0.0.1:{}", place.port(587)), place.account());
    let to_whom = ["--mail-from", FROM, "--mail-rcpt", to, "--upload-file", &files];
    curl(place, &user, &[to_whom.as_slice(), &[&url]].concat())
}

fn fetch(place: &Place, folder: &str, url: &str) -> Result<()> {
    let (user, output) = (format!("{}:{PASSWORD}", place.account()), format!("{folder}/#1.eml"));
    curl(place, &user, &["--create-dirs", "--output", &output, url])?;
    place.check(&files(&place.path(folder))?).context(url.to_owned())
}

fn curl(place: &Place, user: &str, arguments: &[&str]) -> Result<()> {
    let always = ["--silent", "--show-error", "--insecure", "--ssl-reqd", "--user", user];
    place.run("curl", &[always.as_slice(), arguments].concat(), b"")?;
    Ok(())
}
