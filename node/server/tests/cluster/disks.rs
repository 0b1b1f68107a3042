//! The disk under a node's part of the agreement is put back, torn or full.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hongyan_foundationdb::testing::{Engine, TestServer};

use crate::machines::{Machine, Running, copy, is_ready, ports, readiness, text, token_in, until};

/// Three machines that are a cluster.
fn cluster(machines: &[Machine; 3]) -> Vec<Running> {
    let made = machines[0].cluster(&["init"]);
    assert!(made.status.success(), "{}", text(&made));
    let mut running = vec![machines[0].serve()];
    until("node 1 is ready", || is_ready(machines[0].base));
    for machine in &machines[1..] {
        let invited = crate::machines::hongyan(&["--data", machines[0].data.to_str().unwrap(), "cluster", "invite"]);
        let joined = machine.cluster(&["join", &token_in(&invited)]);
        assert!(joined.status.success(), "{}", text(&joined));
        running.push(machine.serve());
        until("the next node is ready", || is_ready(machine.base));
    }
    until("all vote", || {
        machines[0].manage(&["status"]).contains("3 of 3 voters up")
    });
    running
}

const SETTING: &str = "placement.moves_at_once";

/// Has the cluster agree on something.
fn change(machine: &Machine, value: &str) {
    let set = machine.manage(&["settings", "set", SETTING, value]);
    assert!(knows(machine, value), "{set}");
}

/// Whether a node has heard of it.
fn knows(machine: &Machine, value: &str) -> bool {
    let shown = machine.manage(&["settings", "show", SETTING]);
    shown.lines().any(|line| line == format!("value: {value}"))
}

fn leads(machine: &Machine, node: u16) -> bool {
    machine.manage(&["status"]).contains(&format!("node {node} leads"))
}

/// A machine that does not lead, the other one that does not, and the one that does.
fn roles(machines: &[Machine; 3]) -> [usize; 3] {
    until("somebody leads", || (1..=3).any(|node| leads(&machines[0], node)));
    let leader = (1..=3)
        .find(|node| leads(&machines[0], *node))
        .map_or(0, |node| usize::from(node) - 1);
    [(leader + 1) % 3, (leader + 2) % 3, leader]
}

#[test]
fn a_disk_put_back_to_an_hour_ago_is_refused_and_the_others_go_on() {
    let Some(server) = TestServer::start("a disk put back", Engine::Memory) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ports = ports();
    let machines = [1, 2, 3].map(|number| Machine::new(folder.path(), &server, number, ports.base()));
    let mut running = cluster(&machines);
    let [old, other, leader] = roles(&machines);
    let (agreement, backup) = (
        machines[old].data.join("cluster/metadata"),
        folder.path().join("backup"),
    );
    running[old].signal("-STOP");
    copy(&agreement, &backup);
    running[old].signal("-CONT");
    until("it is back", || is_ready(machines[old].base));
    for value in ["5", "6", "7"] {
        change(&machines[leader], value);
    }
    until("it knows", || knows(&machines[old], "7"));
    running[old].signal("-KILL");
    running[old].end();
    fs::remove_dir_all(&agreement).unwrap();
    copy(&backup, &agreement);
    let (code, said) = machines[old].refused();
    assert_eq!(code, Some(3), "{said}");
    let leave = format!("`hongyan cluster leave {}`", old + 1);
    assert!(
        said.contains("has forgotten votes or changes that it acknowledged") && said.contains(&leave),
        "{said}"
    );
    for index in [other, leader] {
        until("the others go on", || is_ready(machines[index].base));
    }
    change(&machines[other], "8");

    // Neither does an emptied one take part.
    fs::remove_dir_all(&agreement).unwrap();
    let (code, said) = machines[old].refused();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("a copy or an old backup"), "{said}");

    // What it is told to do helps.
    let left = machines[leader].manage(&["leave", &(old + 1).to_string()]);
    fs::remove_dir_all(&machines[old].data).unwrap();
    let invited = crate::machines::hongyan(&["--data", machines[leader].data.to_str().unwrap(), "cluster", "invite"]);
    let joined = machines[old].cluster(&["join", &token_in(&invited)]);
    assert!(
        text(&joined).contains("This machine is node 4"),
        "{left}{}",
        text(&joined)
    );
    let _anew = machines[old].serve();
    until("it is a node again", || is_ready(machines[old].base));
    drop(running);
}

/// The newest journal of a store.
fn journal(store: &Path) -> PathBuf {
    let files = fs::read_dir(store.join("engine"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let journals = files.filter(|path| path.extension().is_some_and(|end| end == "jnl"));
    let number = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
    journals.max_by_key(number).unwrap()
}

/// Where what was written to a journal ends.
fn written(octets: &[u8]) -> usize {
    octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1)
}

#[test]
fn a_torn_end_of_the_log_is_repaired_or_refused() {
    let Some(server) = TestServer::start("a torn log", Engine::Memory) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ports = ports();
    let machines = [1, 2, 3].map(|number| Machine::new(folder.path(), &server, number, ports.base()));
    let mut running = cluster(&machines);
    let [torn, _, leader] = roles(&machines);
    let agreement = machines[torn].data.join("cluster/metadata");
    change(&machines[leader], "5");
    until("it knows", || knows(&machines[torn], "5"));
    running[torn].signal("-KILL");
    running[torn].end();
    let backup = folder.path().join("whole");
    copy(&agreement, &backup);
    let restore = || {
        fs::remove_dir_all(&agreement).unwrap();
        copy(&backup, &agreement);
    };

    // A record that was never acknowledged: its beginning, and nothing more.
    let path = journal(&agreement);
    let mut octets = fs::read(&path).unwrap();
    let end = written(&octets);
    octets.truncate(end);
    octets.extend_from_slice(&[1, 1, 0, 0, 0, 9, 0]);
    fs::write(&path, &octets).unwrap();
    running[torn] = machines[torn].serve();
    until("it is repaired", || is_ready(machines[torn].base));
    running[torn].signal("-KILL");
    running[torn].end();

    // Records that it has acknowledged.
    restore();
    let whole = fs::read(&path).unwrap();
    let damages: [fn(&mut Vec<u8>, usize); 2] = [
        |octets, end| octets.truncate(end - 1),
        |octets, end| octets[end / 2..end].fill(0xa5),
    ];
    for damage in damages {
        let mut octets = whole.clone();
        damage(&mut octets, end);
        restore();
        fs::write(&path, &octets).unwrap();
        let (code, said) = machines[torn].refused();
        assert_eq!(code, Some(3), "{said}");
        assert!(
            said.contains("hongyan cluster leave") && said.contains("join anew"),
            "{said}"
        );
        assert!(is_ready(machines[leader].base), "the others go on");
    }
    drop(running);
}

/// A small file system of its own, gone with the value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then(|| Self(at.to_owned()))
    }
    /// Leaves no octet free.
    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        let block = [7; 4096];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
    }
    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_node_whose_disk_is_full_is_followed_and_comes_back_when_there_is_room() {
    let Some(server) = TestServer::start("a full disk", Engine::Memory) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ports = ports();
    let machines = [1, 2, 3].map(|number| Machine::new(folder.path(), &server, number, ports.base()));
    let disks = machines
        .each_ref()
        .map(|machine| SmallDisk::mount(&machine.data, "256m"));
    let [Some(one), Some(two), Some(three)] = disks else {
        println!("skipped a_node_whose_disk_is_full: no permission to mount a small disk");
        return;
    };
    let disks = [one, two, three];
    let running = cluster(&machines);
    // The leader's, and then that of one that follows.
    for leads_now in [true, false] {
        let [follower, other, leader] = roles(&machines);
        let (full, writer) = if leads_now { (leader, other) } else { (follower, leader) };
        disks[full].fill();
        // What is agreed upon soon does not get onto it any more, and this shows it.
        let number = Cell::new(16);
        until("it says why it takes no part", || {
            number.set(number.get() + 1);
            change(&machines[writer], &number.get().to_string());
            readiness(machines[full].base).contains("cluster's metadata cannot be written to this node's disk")
        });
        until("others own what it owned", || {
            let status = machines[writer].manage(&["status"]);
            status.contains("all have a living owner") && status.contains("down")
        });
        assert!(is_ready(machines[writer].base), "the others go on");
        disks[full].empty();
        until("it is back by itself", || is_ready(machines[full].base));
        let value = number.get().to_string();
        until("it knows", || knows(&machines[full], &value));
    }
    drop(running);
}
