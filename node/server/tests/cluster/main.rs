//! Nodes as processes over a real FoundationDB: what a person does with a cluster, and what it bears and refuses.

mod disks;
mod machines;
mod minority;
mod store_away;

use std::process::Command;
use std::time::Duration;

use hongyan_foundationdb::testing::{Engine, TestServer};

use machines::{Dev, Machine, copy, deliver, hongyan, is_ready, ports, subjects, text, token_in, until};

#[test]
fn what_one_node_took_another_gives_also_when_its_owner_is_killed() {
    let Some(server) = TestServer::start("three nodes", Engine::Memory) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ports = ports();
    let mut dev = Dev::start(&server, &folder.path().join("three"), &ports);
    let data = dev.data.clone();
    let at = |node: u16| ports.base() + 100 * node;
    dev.wait_ready();
    let expected = |count: usize| (0..count).map(|number| format!("mail {number}")).collect::<Vec<_>>();
    for user in 1..=6 {
        assert!(deliver(at(1), user, "mail 0"));
        assert_eq!(subjects(at(3), user), expected(1), "in at node 1, read at node 3");
    }
    let status = || {
        text(&hongyan(&[
            "--data",
            data.join("node-3").to_str().unwrap(),
            "cluster",
            "status",
        ]))
    };
    until("all own their share", || status().contains("0 moving, 0 not where"));
    let killed = dev.pid(2);
    assert!(
        Command::new("kill")
            .args(["-KILL", &killed])
            .status()
            .unwrap()
            .success()
    );
    for user in 1..=6 {
        assert!(deliver(at(3), user, "mail 1"), "nobody is refused meanwhile");
        assert_eq!(subjects(at(1), user), expected(2), "everything is still there");
    }
    until("node 2 is missed", || status().contains("down"));

    dev.parent.signal("-INT");
    assert_eq!(dev.parent.end(), Some(0), "Ctrl-C ends all in good order");
    assert!(!is_ready(at(1)) && !is_ready(at(3)));
    let dev = Dev::start(&server, &data, &ports);
    dev.wait_ready();
    for user in 1..=6 {
        assert_eq!(subjects(at(2), user), expected(2), "and after a restart of all");
    }
    let third = dev.pid(3);
    assert!(Command::new("kill").args(["-TERM", &third]).status().unwrap().success());
    for user in 1..=6 {
        assert!(deliver(at(1), user, "mail 2"));
    }
    until("node 3 is gone", || !data.join("node-3.pid").exists());
    for user in 1..=6 {
        assert_eq!(subjects(at(2), user), expected(3), "a drain fails nothing");
    }
}

#[test]
fn machines_join_by_token_and_strangers_and_copies_are_refused() {
    let Some(server) = TestServer::start("machines join", Engine::Memory) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ports = ports();
    let machine = |number| Machine::new(folder.path(), &server, number, ports.base());
    let (one, two, three, stranger) = (machine(1), machine(2), machine(3), machine(4));
    let made = one.cluster(&["init"]);
    assert!(made.status.success(), "{}", text(&made));
    let first = one.serve();
    until("node 1 is ready", || is_ready(one.base));

    let token = token_in(&made);
    let joined = two.cluster(&["join", &token]);
    assert!(text(&joined).contains("This machine is node 2"), "{}", text(&joined));
    let again = three.cluster(&["join", &token]);
    assert!(!again.status.success());
    assert!(text(&again).contains("unknown, used or expired"), "{}", text(&again));
    let short = hongyan(&[
        "--data",
        one.data.to_str().unwrap(),
        "cluster",
        "invite",
        "--lifetime",
        "1s",
    ]);
    std::thread::sleep(Duration::from_millis(1200));
    let late = three.cluster(&["join", &token_in(&short)]);
    assert!(text(&late).contains("unknown, used or expired"), "{}", text(&late));
    let mistyped = three.cluster(&["join", "hongyan-join-1.abc"]);
    assert!(text(&mistyped).contains("not a join token"), "{}", text(&mistyped));

    let backup = folder.path().join("backup");
    let mut second = two.serve();
    until("node 2 is ready", || is_ready(two.base));
    // What the attempts to join have left is no member's.
    std::fs::remove_dir_all(&three.data).unwrap();
    copy(&two.data, &three.data);
    let (code, said) = three.refused();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("two processes use it"), "{said}");
    assert!(is_ready(two.base), "the node itself goes on");
    second.signal("-TERM");
    assert_eq!(second.end(), Some(0));

    copy(&two.data, &backup);
    for _ in 0..2 {
        let mut second = two.serve();
        until("node 2 is ready", || is_ready(two.base));
        second.signal("-TERM");
        assert_eq!(second.end(), Some(0));
    }
    std::fs::remove_dir_all(&two.data).unwrap();
    copy(&backup, &two.data);
    let (code, said) = two.refused();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("a copy or an old backup"), "{said}");

    let (code, said) = stranger.refused();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("the store belongs to a cluster"), "{said}");
    let other = stranger.cluster(&["init"]);
    assert!(other.status.success(), "{}", text(&other));
    let identity = |machine: &Machine| machine.data.join("cluster/identity.pem");
    std::fs::copy(identity(&stranger), identity(&two)).unwrap();
    let (code, said) = two.refused();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("and this folder belongs to node 2"), "{said}");
    assert!(is_ready(one.base));
    drop(first);
}
