//! Power cuts and full disks: what was acknowledged is there, once.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::thread::{scope, sleep};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hongyan_conformance::imap::{Imap, Value};
use hongyan_conformance::mail::{Sequence, mail};
use hongyan_conformance::node::Node;
use hongyan_conformance::smtp::Smtp;
use hongyan_conformance::{note, skip};

const FROM: &str = "sender@elsewhere.test";
const ROUNDS: u64 = 6;
const WRITERS: u32 = 4;
/// The store of `dev` refuses mail while less than this is free, so that what is under way can end.
const RESERVE_MEGABYTES: u64 = 64;
const DISK_MEGABYTES: u32 = 400;

fn user(number: u32) -> String {
    format!("user{}@example.test", number % 5 + 1)
}

/// Delivers numbered mail until the node goes; the numbers acknowledged.
fn deliver_until_it_dies(port: u16, first: u32) -> Vec<u32> {
    let mut acknowledged = Vec::new();
    let Ok(mut smtp) = Smtp::hello(port) else {
        return acknowledged;
    };
    for number in (first..).step_by(usize::try_from(WRITERS).unwrap_or(1)) {
        let to = user(number);
        match smtp.send(FROM, &[&to], &mail(number, FROM, &to)) {
            Ok(reply) if reply.code == 250 => acknowledged.push(number),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    acknowledged
}

/// How often each Message-ID is in the INBOX of each of the five accounts, and whether each mail is as it was sent.
fn stored(node: &Node) -> Result<BTreeMap<u32, u32>> {
    let mut counts = BTreeMap::new();
    for number in 0..5 {
        let to = user(number);
        let mut imap = Imap::login(node.port(143), &to)?;
        if imap.select("INBOX")? == 0 {
            continue;
        }
        for items in imap.fetch("1:*", "(BODY.PEEK[])")? {
            let body = items.item("BODY[]").and_then(Value::octets).context("find BODY[]")?;
            let number = number_of(body).context("find the mail's number")?;
            ensure!(body.ends_with(&mail(number, FROM, &to)), "mail {number} is damaged");
            *counts.entry(number).or_insert(0) += 1;
        }
    }
    Ok(counts)
}

fn number_of(body: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(body);
    let (_, rest) = text.split_once("Message-ID: <")?;
    rest.split_once('@')?.0.parse().ok()
}

#[test]
fn killed_while_delivering_it_loses_and_doubles_nothing() -> Result<()> {
    let mut node = Node::start()?;
    let mut sequence = Sequence::new(7);
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let port = node.port(25);
        let wait = Duration::from_millis(100 + sequence.below(900));
        let first = u32::try_from(round)? * 1_000_000;
        let fresh = scope(|scope| -> Result<Vec<u32>> {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| scope.spawn(move || deliver_until_it_dies(port, first + writer)))
                .collect();
            sleep(wait);
            node.kill()?;
            Ok(writers
                .into_iter()
                .flat_map(|writer| writer.join().unwrap_or_default())
                .collect())
        })?;
        acknowledged.extend(fresh);
        node.restart()?;
        let stored = stored(&node)?;
        for number in &acknowledged {
            ensure!(
                stored.contains_key(number),
                "mail {number} was acknowledged and is lost"
            );
        }
        for (number, count) in &stored {
            ensure!(*count == 1, "mail {number} is there {count} times");
        }
    }
    note(&format!(
        "{ROUNDS} kills, {} mails acknowledged, none lost, none doubled",
        acknowledged.len()
    ));
    ensure!(!acknowledged.is_empty(), "nothing was delivered");
    node.stop()?;
    node.restart()?;
    ensure!(stored(&node)?.len() >= acknowledged.len());
    ensure!(node.errors().is_empty(), "{:#?}", node.errors());
    Ok(())
}

/// A small file system that goes when dropped.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mount(folder: &'a Path, megabytes: u32) -> Option<Self> {
        let size = format!("size={megabytes}m");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "none"])
            .arg(folder)
            .output();
        mount
            .is_ok_and(|output| output.status.success())
            .then_some(Self(folder))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // Should it be busy, it goes with the machine's next start.
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_is_refused_and_passes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(_disk) = Disk::mount(folder.path(), DISK_MEGABYTES) else {
        skip("a full disk", "mounting a small file system needs root");
        return Ok(());
    };
    let mut node = Node::start_in(folder.path(), 20)?;
    let filler = folder.path().join("filler");
    fill(&filler, folder.path(), RESERVE_MEGABYTES + 40)?;
    let mut acknowledged = Vec::new();
    let mut refusals = 0;
    let mut number = 0;
    while refusals < 3 && number < 20_000 {
        number += 1;
        let to = user(number);
        let sent = Smtp::hello(node.port(25)).and_then(|mut smtp| smtp.send(FROM, &[&to], &large(number, &to)));
        match sent {
            Ok(reply) if reply.code == 250 => acknowledged.push(number),
            Ok(reply) => {
                ensure!((400..500).contains(&reply.code), "a full disk is temporary: {reply:?}");
                refusals += 1;
            }
            Err(error) => {
                ensure!(node.is_running(), "the node died: {}", node.log());
                note(&format!("on the full disk: {error:#}"));
                refusals += 1;
            }
        }
    }
    ensure!(refusals == 3, "the disk never filled up");
    std::fs::remove_file(&filler)?;
    let mut accepted_again = false;
    for _ in 0..300 {
        number += 1;
        let to = user(number);
        let sent = Smtp::hello(node.port(25)).and_then(|mut smtp| smtp.send(FROM, &[&to], &large(number, &to)));
        if sent.is_ok_and(|reply| reply.code == 250) {
            acknowledged.push(number);
            accepted_again = true;
            break;
        }
        sleep(Duration::from_millis(100));
    }
    ensure!(
        accepted_again,
        "space came back, but mail is still refused: {}",
        node.log()
    );
    for restarted in [false, true] {
        if restarted {
            node.kill()?;
            node.restart()?;
        }
        let there = numbers(&node)?;
        for number in &acknowledged {
            ensure!(
                there.contains(number),
                "mail {number} was acknowledged and is lost (restarted: {restarted})"
            );
        }
    }
    note(&format!(
        "full disk: {} mails acknowledged, none lost",
        acknowledged.len()
    ));
    Ok(())
}

/// A mail of some 200 KB that does not compress.
fn large(number: u32, to: &str) -> Vec<u8> {
    let mut sequence = Sequence::new(u64::from(number));
    let mut mail = format!("Subject: large\r\nTo: {to}\r\nMessage-ID: <{number}@generated.test>\r\n\r\n").into_bytes();
    for _ in 0..2600 {
        for _ in 0..5 {
            mail.extend(format!("{:016x}", sequence.next_u64()).bytes());
        }
        mail.extend_from_slice(b"\r\n");
    }
    mail
}

fn numbers(node: &Node) -> Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for number in 0..5 {
        let mut imap = Imap::login(node.port(143), &user(number))?;
        if imap.select("INBOX")? > 0 {
            for items in imap.fetch("1:*", "(BODY.PEEK[HEADER])")? {
                let header = items
                    .item("BODY[HEADER]")
                    .and_then(Value::octets)
                    .context("find the header")?;
                numbers.extend(number_of(header));
            }
        }
    }
    Ok(numbers)
}

/// Fills the file system until only `left_megabytes` are free.
fn fill(filler: &Path, folder: &Path, left_megabytes: u64) -> Result<()> {
    let output = Command::new("df")
        .args(["--output=avail", "-B1M"])
        .arg(folder)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let free: u64 = text.lines().nth(1).context("read df")?.trim().parse()?;
    let octets = free.saturating_sub(left_megabytes) << 20;
    let status = Command::new("fallocate")
        .args(["-l", &octets.to_string()])
        .arg(filler)
        .status()?;
    ensure!(status.success(), "fallocate failed");
    Ok(())
}
