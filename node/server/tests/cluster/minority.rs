//! One node of three hears nothing of the others.

use hongyan_foundationdb::testing::{Engine, TestServer};

use crate::machines::{Delivered, Dev, Imap, deliver, is_ready, ports, readiness, subjects, try_deliver, until};

#[test]
fn a_minority_answers_nothing_says_why_and_comes_back_by_itself() {
    let Some(server) = TestServer::start("a minority", Engine::Memory) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ports = ports();
    let dev = Dev::start(&server, &folder.path().join("three"), &ports);
    dev.wait_ready();
    until("all vote", || dev.status(1).contains("3 of 3 voters up"));
    for user in 1..=6 {
        assert!(deliver(dev.at(1), user, "mail 0"));
    }
    let mut session = Imap::open(dev.at(1), 1);
    assert!(session.ask("SELECT INBOX").contains("* 1 EXISTS"));
    for node in [2, 3] {
        dev.signal(node, "-STOP");
    }
    until("it knows that it is alone", || {
        readiness(dev.at(1)).contains("cluster: this node reaches no majority of the cluster's voting nodes")
    });
    let status = dev.status(1);
    assert!(
        status.contains("no leader: most of the voting nodes must be up"),
        "{status}"
    );
    // Whosever mailbox it is.
    std::thread::scope(|scope| {
        for user in 1..=6 {
            let base = dev.at(1);
            scope.spawn(move || assert_ne!(try_deliver(base, user, "mail 1"), Delivered::Yes, "nobody may answer"));
        }
    });
    let stored = session.ask("STORE 1 +FLAGS (\\Flagged)");
    assert!(stored.contains(" NO [UNAVAILABLE]"), "{stored}");
    for node in [2, 3] {
        dev.signal(node, "-CONT");
    }
    for node in 1..=3 {
        until("it is back by itself", || is_ready(dev.at(node)));
    }
    until("mail is taken again", || {
        (1..=6).all(|user| deliver(dev.at(1), user, "mail 2"))
    });
    let stored = session.ask("STORE 1 +FLAGS (\\Flagged)");
    assert!(stored.contains(" OK "), "{stored}");
    for user in 1..=6 {
        let found = subjects(dev.at(3), user);
        assert_eq!(found.iter().filter(|found| *found == "mail 0").count(), 1, "{found:?}");
    }
}
