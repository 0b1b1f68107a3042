//! What hostile and broken clients do to a node: an error reply or a clean close, bounded memory, and nobody else notices.

mod commands;
mod connections;
mod mail;
mod malformed;
mod names;

use anyhow::{Result, ensure};
use hongyan_conformance::imap::Imap;
use hongyan_conformance::mail::mail;
use hongyan_conformance::node::Node;
use hongyan_conformance::pop3::Pop3;
use hongyan_conformance::smtp::Smtp;

const USER: &str = "user1@example.test";
const FROM: &str = "sender@elsewhere.test";
/// What a node may hold after all of this, beyond what it held before, in kilobytes.
const GROWTH_KILOBYTES_MAX: u64 = 200_000;

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

/// Whether an IMAP command was refused.
fn is_refusal(status: &str) -> bool {
    status.starts_with("NO") || status.starts_with("BAD")
}
