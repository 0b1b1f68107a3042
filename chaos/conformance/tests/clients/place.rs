//! One program's account, home folder and messages, and the check that they came back unchanged.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context, Result, ensure};
use hongyan_conformance::corpus::{is_delivered_form, with_crlf};
use hongyan_conformance::imap::Imap;
use hongyan_conformance::mail::mail;
use hongyan_conformance::node::{Node, PASSWORD};
use hongyan_conformance::program;
use hongyan_conformance::smtp::Smtp;

use crate::MESSAGES;

/// Who sends; no program has this account.
pub const FROM: &str = "user40@example.test";
const ACCOUNTS: u32 = 40;

/// What is known about a program.
pub struct Client {
    /// The commands it needs; the first gives it its name.
    pub commands: &'static [&'static str],
    /// Header fields that it adds to what it sends or stores, in the spelling it uses.
    pub adds: &'static [&'static str],
}

/// One program's account and folder.
pub struct Place {
    node: Arc<Node>,
    client: Client,
    account: String,
    home: tempfile::TempDir,
}

impl Client {
    /// Runs a test in a new place; says that it is skipped where the program is not installed.
    pub fn test(self, test: impl FnOnce(&Place) -> Result<()>) -> Result<()> {
        let (commands, name) = (self.commands, self.commands[0]);
        if !commands.iter().all(|command| program::is_there(command, name)) {
            return Ok(());
        }
        let place = Place {
            node: node()?,
            client: self,
            account: next_account(),
            home: tempfile::tempdir()?,
        };
        test(&place).with_context(|| format!("{name}, account {}", place.account))?;
        let errors = place.node.errors();
        ensure!(errors.is_empty(), "{errors:#?}");
        Ok(())
    }
}

/// The node of all tests; it goes with the last of them.
fn node() -> Result<Arc<Node>> {
    static NODE: Mutex<Weak<Node>> = Mutex::new(Weak::new());
    let mut shared = NODE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(node) = shared.upgrade() {
        return Ok(node);
    }
    let node = Arc::new(Node::start_with_users(ACCOUNTS)?);
    *shared = Arc::downgrade(&node);
    Ok(node)
}

/// An account that nobody has had; the last one sends.
fn next_account() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(number < ACCOUNTS, "no account is left");
    format!("user{number}@example.test")
}

impl Place {
    /// The account's address, which is its login name too.
    pub fn account(&self) -> &str {
        &self.account
    }
    /// Another account of this place, for what its program sends on.
    pub fn another(&self) -> Result<Self> {
        Ok(Self {
            node: Arc::clone(&self.node),
            client: Client { ..self.client },
            account: next_account(),
            home: tempfile::tempdir()?,
        })
    }
    /// The node's port for a service, by its usual number.
    pub fn port(&self, service: u16) -> u16 {
        self.node.port(service)
    }
    /// The program's home folder, which is its working folder too.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
    /// A file in the home folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }
    /// Writes a file only its owner may read: some programs refuse passwords in others. It may be a script.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.path(name), text)?;
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o700))?;
        Ok(())
    }
    /// Writes a configuration with HOME, USER, PASSWORD and PORTn (n a usual port number) filled in.
    pub fn configure(&self, name: &str, text: &str) -> Result<()> {
        let mut text = text
            .replace("HOME", &self.home().display().to_string())
            .replace("USER", &self.account)
            .replace("PASSWORD", PASSWORD);
        for service in [993, 995, 465, 587, 143, 110, 25, 24] {
            text = text.replace(&format!("PORT{service}"), &self.port(service).to_string());
        }
        self.write(name, &text)
    }
    /// Runs a command to its end; what it printed.
    pub fn run(&self, command: &str, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        program::run(self.home(), command, arguments, input)
    }
    /// Message `number` of this account.
    pub fn mail(&self, number: u32) -> Vec<u8> {
        mail(number, FROM, &self.account)
    }
    /// Puts all messages into INBOX.
    pub fn fill_inbox(&self) -> Result<()> {
        let mut smtp = Smtp::hello(self.port(25))?;
        for number in 0..MESSAGES {
            let reply = smtp.send(FROM, &[&self.account], &self.mail(number))?;
            ensure!(reply.code == 250, "{reply:?}");
        }
        Ok(())
    }
    /// Checks that a folder of the account, as our own reader sees it, holds all messages.
    pub fn check_folder(&self, folder: &str) -> Result<()> {
        self.check(&self.stored(folder)?)
            .with_context(|| format!("folder {folder}"))
    }
    /// All messages of a folder of the account.
    pub fn stored(&self, folder: &str) -> Result<Vec<Vec<u8>>> {
        let mut imap = Imap::login(self.port(143), &self.account)?;
        if imap.select(folder)? == 0 {
            return Ok(Vec::new());
        }
        imap.bodies("1:*")
    }
    /// Checks that `got` is every message of this account, each once and unchanged.
    pub fn check(&self, got: &[Vec<u8>]) -> Result<()> {
        let mut seen = BTreeMap::new();
        for bytes in got {
            let bytes = self.without_additions(&with_crlf(bytes));
            let text = String::from_utf8_lossy(&bytes);
            let number = text
                .split_once("\nMessage-ID: <")
                .and_then(|(_, rest)| rest.split_once('@')?.0.parse::<u32>().ok())
                .with_context(|| format!("find the mail's number in {text}"))?;
            ensure!(
                is_delivered_form(&bytes, &self.without_additions(&self.mail(number))),
                "mail {number} came back changed: {}",
                text.chars().take(1000).collect::<String>()
            );
            *seen.entry(number).or_insert(0_u32) += 1;
        }
        ensure!(
            seen.len() == usize::try_from(MESSAGES)?,
            "{} of {MESSAGES} came back",
            seen.len()
        );
        ensure!(seen.values().all(|times| *times == 1), "some came back twice");
        Ok(())
    }
    /// The message without the program's header fields, and without empty lines at its end (swaks adds one).
    fn without_additions(&self, bytes: &[u8]) -> Vec<u8> {
        let mut kept: Vec<&[u8]> = Vec::new();
        let mut in_header = true;
        for line in bytes.split_inclusive(|octet| *octet == b'\n') {
            in_header = in_header && line != b"\r\n";
            let added = |name: &&str| line.starts_with(name.as_bytes()) && line.get(name.len()) == Some(&b':');
            if !(in_header && self.client.adds.iter().any(added)) {
                kept.push(line);
            }
        }
        while kept.last() == Some(&b"\r\n".as_slice()) {
            kept.pop();
        }
        kept.concat()
    }
}
