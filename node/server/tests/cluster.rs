//! Three nodes as processes over a real FoundationDB: what a person does with a cluster, and what it refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use hongyan_foundationdb::testing::{Engine, TestServer};

const BINARY: &str = env!("CARGO_BIN_EXE_hongyan");
/// Ports above a node's base that it listens on.
const PORTS: [u16; 11] = [24, 25, 80, 110, 143, 465, 587, 700, 701, 993, 995];

/// A process that is killed when the test ends before it.
struct Running(Child);

impl Running {
    fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
    fn end(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A base such that the ports of four nodes above it are likely free.
fn free_base() -> u16 {
    loop {
        let base = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() / 2;
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        let mut ports = (1..=4).flat_map(|node| PORTS.map(|port| base + 100 * node + port));
        if base > 1024 && ports.all(is_free) {
            return base;
        }
    }
}

fn hongyan(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// Whether a node says that it is ready.
fn is_ready(base: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", base + 80)) else {
        return false;
    };
    let _ = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.starts_with("HTTP/1.1 200")
}

fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what}");
}

/// Says `lines` in one go and returns all that is answered until the other side ends.
fn talk(port: u16, lines: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let mut said = String::new();
    answers.read_line(&mut said).unwrap();
    stream.write_all(lines.as_bytes()).unwrap();
    answers.read_to_string(&mut said).unwrap();
    said
}

/// Delivers a mail by LMTP, which may be sent in one go; whether it was acknowledged.
fn deliver(base: u16, user: usize, subject: &str) -> bool {
    let lines = format!(
        "LHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<user{user}@example.test>\r\nDATA\r\nSubject: {subject}\r\n\r\nhello\r\n.\r\nQUIT\r\n"
    );
    let said = talk(base + 24, &lines);
    // Of a message and its recipient: what follows 354.
    said.split("354 ")
        .nth(1)
        .is_some_and(|after| after.contains("\r\n250 "))
}

/// The subjects in a user's inbox.
fn subjects(base: u16, user: usize) -> Vec<String> {
    let said = talk(
        base + 143,
        &format!(
            "a LOGIN user{user}@example.test pass\r\nb SELECT INBOX\r\nc FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\nd LOGOUT\r\n"
        ),
    );
    let subject = |line: &str| line.strip_prefix("Subject: ").map(str::to_owned);
    let mut subjects: Vec<String> = said.lines().filter_map(subject).collect();
    subjects.sort();
    subjects
}

/// A cluster under `hongyan dev --nodes 3`.
fn dev_nodes(server: &TestServer, data: &Path, base: u16) -> Running {
    let child = Command::new(BINARY)
        .args(["dev", "--nodes", "3", "--users", "6", "--base-port", &base.to_string()])
        .arg("--data")
        .arg(data)
        .arg("--fdb")
        .arg(server.cluster_file())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Running(child)
}

fn pid(data: &Path, node: u16) -> String {
    std::fs::read_to_string(data.join(format!("node-{node}.pid")))
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn what_one_node_took_another_gives_also_when_its_owner_is_killed() {
    let Some(server) = TestServer::start("three nodes", Engine::Memory) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (data, base) = (folder.path().join("three"), free_base());
    let at = |node: u16| base + 100 * node;
    let mut parent = dev_nodes(&server, &data, base);
    for node in 1..=3 {
        until("a node is ready", || is_ready(at(node)));
    }
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
    let killed = pid(&data, 2);
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

    parent.signal("-INT");
    assert_eq!(parent.end(), Some(0), "Ctrl-C ends all in good order");
    assert!(!is_ready(at(1)) && !is_ready(at(3)));
    let _again = dev_nodes(&server, &data, base);
    for node in 1..=3 {
        until("a node is ready again", || is_ready(at(node)));
    }
    for user in 1..=6 {
        assert_eq!(subjects(at(2), user), expected(2), "and after a restart of all");
    }
    let third = pid(&data, 3);
    assert!(Command::new("kill").args(["-TERM", &third]).status().unwrap().success());
    for user in 1..=6 {
        assert!(deliver(at(1), user, "mail 2"));
    }
    until("node 3 is gone", || !data.join("node-3.pid").exists());
    for user in 1..=6 {
        assert_eq!(subjects(at(2), user), expected(3), "a drain fails nothing");
    }
}

/// A machine with a configuration of its own.
struct Machine {
    config: PathBuf,
    data: PathBuf,
    base: u16,
}

impl Machine {
    fn new(folder: &Path, server: &TestServer, number: u16, base: u16) -> Self {
        let (data, base) = (folder.join(format!("data{number}")), base + 100 * number);
        let config = folder.join(format!("{number}.toml"));
        let at = |port: u16| format!("[\"127.0.0.1:{}\"]", base + port);
        let text = format!(
            "[node]\nhost_name = \"mx{number}.example.test\"\ndata = {data:?}\n\
             [listen]\nsmtp = {}\nlmtp = {}\nsubmission = []\nsubmissions = []\nimap = []\nimaps = []\npop3 = []\npop3s = []\nhttp = {}\n\
             [storage]\nbackend = \"foundationdb\"\ncluster_file = {:?}\nkey_space = \"machines\"\n\
             [cluster]\nlisten = {}\njoin_listen = {}\npartitions = 64\n",
            at(25),
            at(24),
            at(80),
            server.cluster_file(),
            at(700),
            at(701),
        );
        std::fs::write(&config, text).unwrap();
        Self { config, data, base }
    }
    fn cluster(&self, words: &[&str]) -> Output {
        let config = self.config.to_str().unwrap();
        hongyan(&[&["cluster"][..], words, &["--config", config]].concat())
    }
    fn serve(&self) -> Running {
        let child = Command::new(BINARY)
            .args(["serve", "--config"])
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running(child)
    }
    /// Starts it to see it end: its exit code, and what it says.
    fn refused(&self) -> (Option<i32>, String) {
        let mut running = self.serve();
        let mut said = String::new();
        running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (running.end(), said)
    }
}

fn token_in(output: &Output) -> String {
    let text = text(output);
    let token = text.split_whitespace().find(|word| word.starts_with("hongyan-join-"));
    token.unwrap_or_else(|| panic!("no token in {text}")).to_owned()
}

fn copy(from: &Path, to: &Path) {
    assert!(
        Command::new("cp")
            .arg("-r")
            .arg(from)
            .arg(to)
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn machines_join_by_token_and_strangers_and_copies_are_refused() {
    let Some(server) = TestServer::start("machines join", Engine::Memory) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let base = free_base();
    let machine = |number| Machine::new(folder.path(), &server, number, base);
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
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the store belongs to a cluster"), "{said}");
    let other = stranger.cluster(&["init"]);
    assert!(other.status.success(), "{}", text(&other));
    let identity = |machine: &Machine| machine.data.join("cluster/identity.pem");
    std::fs::copy(identity(&stranger), identity(&two)).unwrap();
    let (code, said) = two.refused();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("and this folder belongs to node 2"), "{said}");
    assert!(is_ready(one.base));
    drop(first);
}
