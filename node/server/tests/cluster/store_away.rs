//! FoundationDB does not answer anybody for a while.

use std::time::Duration;

use hongyan_env::Env;
use hongyan_foundationdb::testing::{Engine, TestServer};

use crate::machines::{Delivered, Dev, Imap, deliver, ports, readiness, subjects, try_deliver, until};

/// How long it is away: longer than what waits for it waits.
const AWAY: Duration = Duration::from_secs(30);
/// Lines that three nodes may log: each part that waits says so, and not at each of its tries.
const LINES_MAX: usize = 500;
/// What a node may take in memory for what waits.
const GROWTH_OCTETS_MAX: u64 = 64 << 20;

#[test]
fn mail_waits_for_a_store_that_is_away_and_all_goes_on_by_itself() {
    let Some(server) = TestServer::start("the store away", Engine::Memory) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ports = ports();
    let dev = Dev::start(&server, &folder.path().join("three"), &ports);
    dev.wait_ready();
    let mut acknowledged = vec![Vec::new(); 6];
    for user in 1..=6 {
        assert!(deliver(dev.at(1), user, "mail 000"));
        acknowledged[user - 1].push("mail 000".to_owned());
    }
    let mut sessions: Vec<Imap> = (1..=6)
        .map(|user| Imap::open(dev.at(1 + user as u16 % 3), user))
        .collect();
    for session in &mut sessions {
        let selected = session.ask("SELECT INBOX");
        assert!(selected.contains("* 1 EXISTS"), "{selected}");
    }
    let before: Vec<u64> = (1..=3).map(|node| dev.memory(node)).collect();
    let lines_before = dev.log().lines().count();

    server.pause();
    let env = Env::real();
    let until_micros = env.now_micros() + u64::try_from(AWAY.as_micros()).unwrap();
    let mut unknown = Vec::new();
    let mut number = 1;
    while env.now_micros() < until_micros {
        let (user, subject) = (1 + number % 6, format!("mail {number:03}"));
        match try_deliver(dev.at(1 + number as u16 % 3), user, &subject) {
            Delivered::Yes => acknowledged[user - 1].push(subject),
            Delivered::Later => {}
            Delivered::Unknown => unknown.push((user, subject)),
        }
        // What needs the store is put off; the session stays.
        let stored = sessions[number % 6].ask("STORE 1 +FLAGS (\\Flagged)");
        assert!(!stored.contains(" BAD "), "{stored}");
        number += 1;
    }
    for node in 1..=3 {
        let said = readiness(dev.at(node));
        assert!(said.starts_with("HTTP/1.1 503") && said.contains("storage: "), "{said}");
    }
    server.resume();

    dev.wait_ready();
    until("mail is taken again", || {
        (1..=6).all(|user| deliver(dev.at(1), user, "mail 999"))
    });
    for session in &mut sessions {
        let said = session.ask("NOOP");
        assert!(said.contains(" OK "), "{said}");
    }
    for user in 1..=6 {
        let found = subjects(dev.at(2), user);
        for subject in &acknowledged[user - 1] {
            assert_eq!(
                found.iter().filter(|found| *found == subject).count(),
                1,
                "{subject} in {found:?}"
            );
        }
        for subject in found.iter().filter(|found| *found != "mail 999") {
            let count = found.iter().filter(|other| *other == subject).count();
            assert_eq!(count, 1, "{subject} is doubled in {found:?}");
        }
    }
    for (node, before) in (1..=3).zip(before) {
        let grown = dev.memory(node).saturating_sub(before);
        assert!(grown < GROWTH_OCTETS_MAX, "node {node} has grown by {grown} octets");
    }
    let log = dev.log();
    let lines: Vec<&str> = log.lines().skip(lines_before).collect();
    let told = lines
        .iter()
        .filter(|line| line.contains("the data store does not answer this node"))
        .count();
    assert_eq!(told, 3, "each node says so once: {lines:#?}");
    assert!(lines.len() < LINES_MAX, "{} lines: {lines:#?}", lines.len());
    drop(dev);
}
