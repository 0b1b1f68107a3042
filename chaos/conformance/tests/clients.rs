//! Mail programs that people use: 500 messages there and back (50 where a program is slow), and every one of them equal.
//!
//! Each program has an account of its own. What comes back may carry trace headers before the message, nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context, Result, ensure};
use hongyan_conformance::corpus::{is_delivered_form, with_crlf};
use hongyan_conformance::imap::Imap;
use hongyan_conformance::mail::mail;
use hongyan_conformance::node::{Node, PASSWORD};
use hongyan_conformance::program;
use hongyan_conformance::smtp::Smtp;

const FROM: &str = "user20@example.test";
const COUNT: u32 = 500;
/// For programs that are started anew for each message, and for getmail, which takes 30 ms of its own for one.
const COUNT_ONE_BY_ONE: u32 = 50;

/// An account that owns nothing.
const NOBODY: &str = "65534";
/// Header fields that the programs themselves add to what they store: mbsync's mark of an upload, mutt's sizes.
const ADDED_BY_PROGRAMS: [&str; 5] = [
    "X-TUID:",
    "X-getmail-retrieved-from-mailbox:",
    "Content-Length:",
    "Lines:",
    "Status:",
];

/// The node of all tests of this file; it goes with the last of them.
fn node() -> Result<Arc<Node>> {
    static NODE: Mutex<Weak<Node>> = Mutex::new(Weak::new());
    let mut shared = NODE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(node) = shared.upgrade() {
        return Ok(node);
    }
    let node = Arc::new(Node::start()?);
    *shared = Arc::downgrade(&node);
    Ok(node)
}

/// One program's account and folder.
struct Place {
    node: Arc<Node>,
    user: String,
    home: tempfile::TempDir,
}

impl Place {
    fn new(number: u32) -> Result<Self> {
        Ok(Self {
            node: node()?,
            user: format!("user{number}@example.test"),
            home: tempfile::tempdir()?,
        })
    }
    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
    fn write(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.path(name), text)?;
        // Some programs refuse files with passwords that others could read.
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o700))?;
        Ok(())
    }
    fn run(&self, program: &str, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        program::run(self.home.path(), program, arguments, input)
    }
    fn mail(&self, number: u32) -> Vec<u8> {
        mail(number, FROM, &self.user)
    }
    /// Puts `count` messages into INBOX.
    fn seed(&self, count: u32) -> Result<()> {
        let mut smtp = Smtp::hello(self.node.port(25))?;
        for number in 0..count {
            if number % 100 == 99 {
                smtp = Smtp::hello(self.node.port(25))?;
            }
            let reply = smtp.send(FROM, &[&self.user], &self.mail(number))?;
            ensure!(reply.code == 250, "{reply:?}");
        }
        Ok(())
    }
    /// All messages of a folder, as our own reader sees them.
    fn stored(&self, folder: &str) -> Result<Vec<Vec<u8>>> {
        let mut imap = Imap::login(self.node.port(143), &self.user)?;
        if imap.select(folder)? == 0 {
            return Ok(Vec::new());
        }
        imap.bodies("1:*")
    }
    /// Checks that `got` is mail `0..count`, each once and unchanged.
    fn check(&self, got: &[Vec<u8>], count: u32) -> Result<()> {
        let mut seen = BTreeMap::new();
        for bytes in got {
            let bytes = without_additions(&with_crlf(bytes));
            let text = String::from_utf8_lossy(&bytes);
            let number = text
                .split_once("Message-ID: <")
                .and_then(|(_, rest)| rest.split_once('@')?.0.parse::<u32>().ok())
                .with_context(|| format!("find the mail's number in {text}"))?;
            ensure!(
                is_delivered_form(&bytes, &without_additions(&self.mail(number))),
                "mail {number} came back changed: {}",
                text.chars().take(1000).collect::<String>()
            );
            *seen.entry(number).or_insert(0_u32) += 1;
        }
        ensure!(
            seen.len() == usize::try_from(count)?,
            "{} of {count} came back",
            seen.len()
        );
        ensure!(seen.values().all(|times| *times == 1), "some came back twice");
        Ok(())
    }
}

/// The message without what programs add to it: header fields of theirs, and (swaks) an empty line at its end.
fn without_additions(bytes: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut in_header = true;
    for line in bytes.split_inclusive(|octet| *octet == b'\n') {
        in_header = in_header && line != b"\r\n";
        if !(in_header && ADDED_BY_PROGRAMS.iter().any(|name| line.starts_with(name.as_bytes()))) {
            kept.push(line);
        }
    }
    while kept.last() == Some(&b"\r\n".as_slice()) {
        kept.pop();
    }
    kept.concat()
}

/// The files of a folder and of the folders in it.
fn files(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path
            .file_name()
            .is_some_and(|name| !name.to_string_lossy().starts_with('.'))
        {
            found.push(fs::read(path)?);
        }
    }
    Ok(found)
}

/// The messages of a Maildir.
fn maildir(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let mut found = files(&folder.join("cur"))?;
    found.extend(files(&folder.join("new"))?);
    Ok(found)
}

#[test]
fn curl_submits_and_fetches() -> Result<()> {
    if !program::is_there("curl", "curl") {
        return Ok(());
    }
    let place = Place::new(1)?;
    fs::create_dir(place.path("out"))?;
    for number in 0..COUNT {
        fs::write(place.path(&format!("out/{number}.eml")), place.mail(number))?;
    }
    let from = format!("{FROM}:{PASSWORD}");
    let user = format!("{}:{PASSWORD}", place.user);
    let last = COUNT - 1;
    let url = |scheme: &str, port: u16, rest: &str| format!("{scheme}://127.0.0.1:{}/{rest}", place.node.port(port));
    let files = format!("out/[0-{last}].eml");
    let submission = [
        "--silent",
        "--show-error",
        "--insecure",
        "--ssl-reqd",
        "--user",
        &from,
        "--mail-from",
        FROM,
        "--mail-rcpt",
        &place.user,
        "--upload-file",
        &files,
        &url("smtp", 587, ""),
    ];
    place.run("curl", &submission, b"")?;
    place.check(&place.stored("INBOX")?, COUNT)?;
    for (folder, url) in [
        ("imap", url("imaps", 993, &format!("INBOX;MAILINDEX=[1-{COUNT}]"))),
        ("pop3", url("pop3s", 995, &format!("[1-{COUNT}]"))),
        ("stls", url("pop3", 110, &format!("[1-{COUNT}]"))),
    ] {
        let mut fetch = vec![
            "--silent",
            "--show-error",
            "--insecure",
            "--user",
            &user,
            "--create-dirs",
        ];
        if folder == "stls" {
            fetch.push("--ssl-reqd");
        }
        let output = format!("{folder}/#1.eml");
        fetch.extend(["--output", &output, &url]);
        place.run("curl", &fetch, b"")?;
        place.check(&self::files(&place.path(folder))?, COUNT)?;
    }
    Ok(())
}

#[test]
fn mbsync_pushes_and_pulls() -> Result<()> {
    if !program::is_there("mbsync", "mbsync") {
        return Ok(());
    }
    let place = Place::new(2)?;
    for part in ["here/Pushed/cur", "here/Pushed/new", "here/Pushed/tmp", "there"] {
        fs::create_dir_all(place.path(part))?;
    }
    for number in 0..COUNT {
        let text = place.mail(number);
        let text: Vec<u8> = text.into_iter().filter(|octet| *octet != b'\r').collect();
        fs::write(place.path(&format!("here/Pushed/new/{number}.1.host")), text)?;
    }
    let (port, user, home) = (place.node.port(143), &place.user, place.home.path().display());
    let config = format!(
        "IMAPStore node\nHost 127.0.0.1\nPort {port}\nUser {user}\nPass {PASSWORD}\nSSLType None\nAuthMechs LOGIN\n\n\
         MaildirStore here\nPath {home}/here/\n\nMaildirStore there\nPath {home}/there/\n\n\
         Channel push\nFar :node:\nNear :here:\nPatterns Pushed\nCreate Far\nSync Push\nSyncState *\n\n\
         Channel pull\nFar :node:\nNear :there:\nPatterns Pushed\nCreate Near\nSync Pull\nSyncState *\n"
    );
    place.write("mbsyncrc", &config)?;
    place.run("mbsync", &["--config", "mbsyncrc", "push"], b"")?;
    place.check(&place.stored("Pushed")?, COUNT)?;
    place.run("mbsync", &["--config", "mbsyncrc", "pull"], b"")?;
    place.check(&maildir(&place.path("there/Pushed"))?, COUNT)?;
    // A second run finds nothing to do.
    place.run("mbsync", &["--config", "mbsyncrc", "push", "pull"], b"")?;
    place.check(&place.stored("Pushed")?, COUNT)?;
    place.check(&maildir(&place.path("there/Pushed"))?, COUNT)
}

#[test]
fn offlineimap_mirrors() -> Result<()> {
    if !program::is_there("offlineimap", "offlineimap") {
        return Ok(());
    }
    let place = Place::new(3)?;
    place.seed(COUNT)?;
    let (port, user, home) = (place.node.port(143), &place.user, place.home.path().display());
    let config = format!(
        "[general]\naccounts = test\nmetadata = {home}/meta\nui = quiet\n\n[Account test]\nlocalrepository = here\n\
         remoterepository = node\n\n[Repository here]\ntype = Maildir\nlocalfolders = {home}/here\n\n\
         [Repository node]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {port}\nremoteuser = {user}\n\
         remotepass = {PASSWORD}\nssl = no\nstarttls = no\nauth_mechanisms = LOGIN\n\
         folderfilter = lambda name: name == 'INBOX'\n"
    );
    place.write("offlineimaprc", &config)?;
    for _ in 0..2 {
        place.run("offlineimap", &["-o", "-c", "offlineimaprc"], b"")?;
        place.check(&maildir(&place.path("here/INBOX"))?, COUNT)?;
    }
    place.check(&place.stored("INBOX")?, COUNT)
}

#[test]
fn getmail_fetches_by_pop3_and_imap() -> Result<()> {
    if !program::is_there("getmail", "getmail") {
        return Ok(());
    }
    let place = Place::new(4)?;
    place.seed(COUNT_ONE_BY_ONE)?;
    let (user, home) = (&place.user, place.home.path().display());
    for (name, retriever, port) in [
        ("pop3", "SimplePOP3Retriever", 110),
        ("imap", "SimpleIMAPRetriever", 143),
    ] {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(place.path(name).join(part))?;
        }
        let port = place.node.port(port);
        let config = format!(
            "[retriever]\ntype = {retriever}\nserver = 127.0.0.1\nport = {port}\nusername = {user}\n\
             password = {PASSWORD}\n\n[destination]\ntype = Maildir\npath = {home}/{name}/\n\n[options]\ndelivered_to = false\nreceived = false\nread_all = true\nverbose = 0\n"
        );
        place.write(&format!("{name}rc"), &config)?;
        let folder = home.to_string();
        let rc = format!("{name}rc");
        // It refuses to deliver as root.
        let is_root = fs::metadata("/proc/self")?.uid() == 0;
        if is_root {
            place.run("chown", &["-R", NOBODY, &folder], b"")?;
        }
        let (program, mut arguments) = if is_root {
            (
                "setpriv",
                vec!["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "getmail"],
            )
        } else {
            ("getmail", Vec::new())
        };
        arguments.extend(["--getmaildir", &folder, "--rcfile", &rc]);
        place.run(program, &arguments, b"")?;
        place.check(&maildir(&place.path(name))?, COUNT_ONE_BY_ONE)?;
    }
    Ok(())
}

#[test]
fn fetchmail_fetches_by_pop3() -> Result<()> {
    if !program::is_there("fetchmail", "fetchmail") {
        return Ok(());
    }
    let place = Place::new(5)?;
    place.seed(COUNT)?;
    fs::create_dir(place.path("got"))?;
    let (port, user, home) = (place.node.port(110), &place.user, place.home.path().display());
    place.write("deliver", &format!("#!/bin/sh\nexec cat > {home}/got/$$.eml\n"))?;
    let config = format!(
        "set invisible\nset no bouncemail\npoll 127.0.0.1 protocol pop3 port {port} username \"{user}\" \
         password \"{PASSWORD}\" keep fetchall no rewrite sslproto \"\" mda \"{home}/deliver\"\n"
    );
    place.write("fetchmailrc", &config)?;
    let pid = format!("{home}/pid");
    place.run(
        "fetchmail",
        &["-f", "fetchmailrc", "--nosyslog", "--pidfile", &pid, "--silent"],
        b"",
    )?;
    place.check(&files(&place.path("got"))?, COUNT)?;
    // The same again, deleting: then nothing is left.
    let config = config.replace(" keep ", " nokeep ");
    place.write("fetchmailrc", &config)?;
    fs::remove_dir_all(place.path("got"))?;
    fs::create_dir(place.path("got"))?;
    place.run(
        "fetchmail",
        &["-f", "fetchmailrc", "--nosyslog", "--pidfile", &pid, "--silent"],
        b"",
    )?;
    place.check(&files(&place.path("got"))?, COUNT)?;
    place.check(&place.stored("INBOX")?, 0)
}

#[test]
fn mutt_reads_and_sends() -> Result<()> {
    if !program::is_there("mutt", "mutt") || !program::is_there("script", "mutt") {
        return Ok(());
    }
    let place = Place::new(6)?;
    place.seed(COUNT_ONE_BY_ONE)?;
    let (imap, smtp) = (place.node.port(143), place.node.port(587));
    let (user, home) = (&place.user, place.home.path().display());
    let config = format!(
        "set imap_user=\"{user}\"\nset imap_pass=\"{PASSWORD}\"\nset ssl_starttls=no\nset ssl_force_tls=no\n\
         set mbox_type=Maildir\nset confirmappend=no\nset confirmcreate=no\nset quit=yes\nset wait_key=no\n\
         set from=\"{user}\"\nset use_from=yes\nset copy=no\nset mark_old=no\n\
         set smtp_url=\"smtp://{user}@127.0.0.1:{smtp}\"\nset smtp_pass=\"{PASSWORD}\"\nset smtp_authenticators=\"plain\"\n"
    );
    place.write("muttrc", &config)?;
    let mut keys = String::new();
    for message in 1..=COUNT_ONE_BY_ONE {
        keys.push_str(&format!(
            "<jump>{message}<enter><copy-message><kill-line>{home}/box<enter>"
        ));
    }
    place.write("copyrc", &format!("{config}push \"{keys}<exit>\"\n"))?;
    // It wants a terminal, which `script` plays, and keys that do not end, which a pipe open both ways does not.
    let read = format!(
        "mkfifo keys && TERM=xterm exec timeout 60 script -qec 'mutt -n -F copyrc -f imap://127.0.0.1:{imap}/INBOX' /dev/null 0<>keys"
    );
    place.run("sh", &["-c", &read], b"")?;
    place.check(&maildir(&place.path("box"))?, COUNT_ONE_BY_ONE)?;
    let send = ["-n", "-F", "muttrc", "-s", "from mutt", "--", "user19@example.test"];
    place.run("mutt", &send, "鸿雁\n".as_bytes())?;
    let mut imap = Imap::login(place.node.port(143), "user19@example.test")?;
    imap.select("INBOX")?;
    let found = imap.ok("SEARCH SUBJECT \"from mutt\"")?;
    ensure!(found.iter().any(|answer| answer.len() == 2), "{found:?}");
    Ok(())
}

#[test]
fn msmtp_submits() -> Result<()> {
    if !program::is_there("msmtp", "msmtp") {
        return Ok(());
    }
    let place = Place::new(7)?;
    let config = format!(
        "account default\nhost 127.0.0.1\nport {}\ntls on\ntls_starttls off\ntls_certcheck off\nauth on\nuser {FROM}\n\
         password {PASSWORD}\nfrom {FROM}\n",
        place.node.port(465)
    );
    place.write("msmtprc", &config)?;
    for number in 0..COUNT_ONE_BY_ONE {
        place.run("msmtp", &["--file", "msmtprc", &place.user], &place.mail(number))?;
    }
    place.check(&place.stored("INBOX")?, COUNT_ONE_BY_ONE)
}

#[test]
fn swaks_delivers_by_smtp_and_lmtp() -> Result<()> {
    if !program::is_there("swaks", "swaks") {
        return Ok(());
    }
    let place = Place::new(8)?;
    for number in 0..COUNT_ONE_BY_ONE {
        fs::write(place.path("mail"), place.mail(number))?;
        let (port, protocol) = match number % 3 {
            0 => (place.node.port(24).to_string(), "LMTP"),
            1 => (place.node.port(587).to_string(), "ESMTPA"),
            _ => (place.node.port(25).to_string(), "ESMTP"),
        };
        let mut send = vec![
            "--silent",
            "2",
            "--server",
            "127.0.0.1",
            "--port",
            &port,
            "--protocol",
            protocol,
            "--from",
            FROM,
            "--to",
            &place.user,
            "--data",
            "@mail",
        ];
        if protocol == "ESMTPA" {
            send.extend(["--auth", "PLAIN", "--auth-user", FROM, "--auth-password", PASSWORD]);
        }
        place.run("swaks", &send, b"")?;
    }
    place.check(&place.stored("INBOX")?, COUNT_ONE_BY_ONE)
}
