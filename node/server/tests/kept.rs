//! Three machines that look after FoundationDB themselves, as ops/docs/cluster.md says: made by one command each, and given
//! back, a dead one and one that runs. Without FoundationDB's server it says that it was skipped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use hongyan_env::HeldPort;
use hongyan_foundationdb::testing::has_library;
use hongyan_foundationdb_keeper::Program;

const BINARY: &str = env!("CARGO_BIN_EXE_hongyan");

fn installed(what: &str) -> bool {
    for program in [Program::Server, Program::Cli] {
        if let Err(error) = program.find() {
            eprintln!("SKIPPED foundationdb: {} not found ({what})", error.name);
            return false;
        }
    }
    has_library(what)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1800 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what}");
}

fn kill(id: &str) {
    let _ = Command::new("kill").args(["-KILL", id]).status();
}

/// A folder with programs for backups that run and back nothing up: the real ones are not installed everywhere, and what
/// they are asked is the keeper's own test.
fn programs(folder: &Path) -> PathBuf {
    let programs = folder.join("programs");
    std::fs::create_dir_all(&programs).unwrap();
    let running = r#"{"Status":{"Name":"Running","Running":true},"Restorable":false}"#;
    for (name, does) in [
        ("fdbbackup", format!("echo '{running}'")),
        ("backup_agent", "while :; do sleep 1; done".to_owned()),
    ] {
        let path = programs.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{does}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    programs
}

/// A machine: its files, and what runs on it, which ends with the test.
struct Machine {
    config: PathBuf,
    data: PathBuf,
    http: u16,
    node: Option<Child>,
    _ports: [HeldPort; 4],
}

impl Machine {
    fn new(folder: &Path, number: usize) -> Self {
        let data = folder.join(format!("data{number}"));
        let config = folder.join(format!("{number}.toml"));
        let held = [(); 4].map(|()| HeldPort::any().unwrap());
        let [http, listen, join_listen, foundationdb] = held.each_ref().map(HeldPort::port);
        let text = format!(
            "[node]\nhost_name = \"mx{number}.example.test\"\ndata = {data:?}\n\
             [listen]\nsmtp = []\nlmtp = []\nsubmission = []\nsubmissions = []\nimap = []\nimaps = []\npop3 = []\npop3s = []\nhttps = []\n\
             http = [\"127.0.0.1:{http}\"]\n\
             [cluster]\nlisten = [\"127.0.0.1:{listen}\"]\njoin_listen = [\"127.0.0.1:{join_listen}\"]\npartitions = 16\n\
             foundationdb_port = {foundationdb}\nfoundationdb_memory_octets_max = 2147483648\n\
             foundationdb_programs = {:?}\n",
            programs(folder),
        );
        std::fs::write(&config, text).unwrap();
        Self {
            config,
            data,
            http,
            node: None,
            _ports: held,
        }
    }
    /// `hongyan cluster WORDS --serve`, which goes on; what it prints.
    fn begin(&mut self, words: &[&str]) -> BufReader<ChildStdout> {
        let mut child = Command::new(BINARY)
            .arg("cluster")
            .args(words)
            .arg("--config")
            .arg(&self.config)
            .arg("--serve")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        self.node = Some(child);
        said
    }
    /// `hongyan serve`.
    fn serve(&mut self) {
        let node = Command::new(BINARY)
            .arg("serve")
            .arg("--config")
            .arg(&self.config)
            .spawn();
        self.node = Some(node.unwrap());
    }
    /// Ends the node in order.
    fn stop(&mut self) {
        let mut node = self.node.take().unwrap();
        let _ = Command::new("kill").args(["-TERM", &node.id().to_string()]).status();
        assert!(node.wait().unwrap().success());
    }
    fn ask(&self, words: &[&str]) -> Output {
        Command::new(BINARY)
            .arg("--data")
            .arg(&self.data)
            .args(words)
            .output()
            .unwrap()
    }
    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.http)) else {
            return false;
        };
        let _ = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer.starts_with("HTTP/1.1 200")
    }
    /// The process id of its FoundationDB server.
    fn server(&self) -> Option<String> {
        self.process("fdbserver")
    }
    /// That of its backup agent.
    fn agent(&self) -> Option<String> {
        self.process("backup_agent")
    }
    fn process(&self, name: &str) -> Option<String> {
        let id = std::fs::read_to_string(self.data.join(format!("foundationdb/{name}.pid"))).ok()?;
        Some(id.trim().to_owned())
    }
    fn die(&mut self) {
        if let Some(mut node) = self.node.take() {
            let _ = node.kill();
            let _ = node.wait();
        }
        for process in [self.server(), self.agent()].into_iter().flatten() {
            kill(&process);
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.die();
    }
}

fn token_in(lines: impl Iterator<Item = String>) -> String {
    for line in lines {
        if let Some(token) = line.split_whitespace().find(|word| word.starts_with("hongyan-join-")) {
            return token.to_owned();
        }
    }
    panic!("no token is printed");
}

#[test]
fn three_machines_take_one_command_each_and_are_given_back() {
    if !installed("three machines take one command each") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [mut one, mut two, mut three] = [1, 2, 3].map(|number| Machine::new(folder.path(), number));
    // What is printed is read, and its end held: who prints to nobody ends.
    let mut said = one.begin(&["init", "--with-foundationdb"]);
    let token = token_in(said.by_ref().lines().map(Result::unwrap));
    until("node 1 is ready", || one.is_ready());
    let _second = two.begin(&["join", &token]);
    let token = token_in(text(&one.ask(&["cluster", "invite"])).lines().map(str::to_owned));
    let _third = three.begin(&["join", &token]);
    for machine in [&two, &three] {
        until("who joined is ready", || machine.is_ready());
    }
    let status = |expect: &str| {
        let said = || text(&one.ask(&["cluster", "status"]));
        until(&format!("{expect}: {}", said()), || said().contains(expect));
    };
    status("available, healthy, redundancy double");
    status("0 moving, 0 not where");
    let added = three.ask(&["tenant", "add", "example"]);
    assert!(added.status.success(), "{}", text(&added));

    // A node that is started anew leaves its server alone; a server that ends is started again.
    let server = two.server().unwrap();
    two.stop();
    assert_eq!(two.server().as_ref(), Some(&server), "it outlives its node");
    two.serve();
    until("who came back is ready", || two.is_ready());
    assert_eq!(two.server().as_ref(), Some(&server), "it is found again");
    kill(&server);
    until("another server runs", || {
        two.server()
            .is_some_and(|now| now != server && Path::new("/proc").join(now).exists())
    });
    status("3 servers, 3 of 3 coordinators answer; one machine may be lost");

    let to = folder.path().join("backup");
    let begun = text(&two.ask(&["cluster", "backup", "start", "--to", &to.display().to_string()]));
    assert!(begun.contains("cannot be restored from yet"), "{begun}");
    for machine in [&one, &two, &three] {
        until("each node has an agent", || machine.agent().is_some());
    }

    three.die();
    status("down");
    let left = text(&one.ask(&["cluster", "leave", "3"]));
    assert!(left.contains("node 3 has left the cluster; its server"), "{left}");
    status("available, healthy, redundancy single");

    let left = text(&one.ask(&["cluster", "leave", "2"]));
    assert!(left.contains("node 2 has left the cluster; its server"), "{left}");
    assert_eq!(two.node.take().unwrap().wait().unwrap().code(), Some(3));
    assert_eq!(two.server(), None, "its node has stopped it");
    assert_eq!(two.agent(), None, "and the agent");
    until("node 1 goes on", || one.is_ready());
    let tenants = text(&one.ask(&["tenant", "list"]));
    assert!(tenants.contains("example"), "{tenants}");
    let last = text(&one.ask(&["cluster", "leave", "1"]));
    assert!(last.contains("no other node is up"), "{last}");
}
