//! Machines and nodes as the tests of a cluster use them, and clients of theirs.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use hongyan_env::HeldPorts;
use hongyan_foundationdb::testing::TestServer;

pub const BINARY: &str = env!("CARGO_BIN_EXE_hongyan");
/// Ports above a node's base that it listens on.
const PORTS: [u16; 14] = [24, 25, 80, 110, 143, 389, 444, 465, 587, 636, 700, 701, 993, 995];

/// A process that is killed when the test ends before it.
pub struct Running(pub Child);

impl Running {
    pub fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
    pub fn end(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ports for four nodes, held until dropped.
pub fn ports() -> HeldPorts {
    let distances: Vec<u16> = (1..=4).flat_map(|node| PORTS.map(|port| 100 * node + port)).collect();
    HeldPorts::above(&distances).unwrap()
}

pub fn hongyan(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).output().unwrap()
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// What a node says at /readyz, with the status; empty when it says nothing.
pub fn readiness(base: u16) -> String {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", base + 80)) else {
        return String::new();
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let _ = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// Whether a node says that it is ready.
pub fn is_ready(base: u16) -> bool {
    readiness(base).starts_with("HTTP/1.1 200")
}

pub fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what}");
}

/// Says `lines` in one go and returns all that is answered until the other side ends.
pub fn talk(port: u16, lines: &str) -> String {
    let (said, end) = try_talk(port, lines);
    end.unwrap();
    said
}

/// The same, with what was answered before it failed.
pub fn try_talk(port: u16, lines: &str) -> (String, std::io::Result<usize>) {
    let mut said = String::new();
    let mut talk = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut answers = BufReader::new(stream.try_clone()?);
        answers.read_line(&mut said)?;
        stream.write_all(lines.as_bytes())?;
        answers.read_to_string(&mut said)
    };
    let end = talk();
    (said, end)
}

/// What came of a delivery.
#[derive(Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It was acknowledged.
    Yes,
    /// The client was told to come again, and does.
    Later,
    /// Nothing was said after the mail: nobody knows.
    Unknown,
}

/// Delivers a mail by LMTP, which may be sent in one go.
///
/// # Panics
/// When it is refused for good.
pub fn try_deliver(base: u16, user: usize, subject: &str) -> Delivered {
    let lines = format!(
        "LHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<user{user}@example.test>\r\nDATA\r\nSubject: {subject}\r\n\r\nhello\r\n.\r\nQUIT\r\n"
    );
    let (said, _) = try_talk(base + 24, &lines);
    // Of a message and its recipient: what follows 354.
    let (before, after) = said.split_once("354 ").unwrap_or((&said, ""));
    let answer = |text: &str, code: &str| text.lines().skip(1).any(|line| line.starts_with(code));
    assert!(!answer(before, "5") && !answer(after, "5"), "refused for good: {said}");
    if answer(after, "250 ") {
        Delivered::Yes
    } else if after.is_empty() || answer(after, "4") {
        Delivered::Later
    } else {
        Delivered::Unknown
    }
}

/// Whether a mail that was delivered by LMTP was acknowledged.
pub fn deliver(base: u16, user: usize, subject: &str) -> bool {
    try_deliver(base, user, subject) == Delivered::Yes
}

/// A client of IMAP that stays.
pub struct Imap {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
    last: u32,
}

impl Imap {
    pub fn open(base: u16, user: usize) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", base + 143)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let mut answers = BufReader::new(stream.try_clone().unwrap());
        answers.read_line(&mut String::new()).unwrap();
        let mut imap = Self {
            stream,
            answers,
            last: 0,
        };
        let login = imap.ask(&format!("LOGIN user{user}@example.test pass"));
        assert!(login.contains(" OK "), "{login}");
        imap
    }
    /// What is answered to a command, to the tagged line, which is last.
    pub fn ask(&mut self, command: &str) -> String {
        self.last += 1;
        let tag = format!("a{}", self.last);
        self.stream
            .write_all(format!("{tag} {command}\r\n").as_bytes())
            .unwrap();
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(
                self.answers.read_line(&mut line).unwrap(),
                0,
                "cut off at {command}: {said}"
            );
            said.push_str(&line);
            if line.starts_with(&format!("{tag} ")) {
                return said;
            }
        }
    }
}

/// The subjects in a user's inbox.
pub fn subjects(base: u16, user: usize) -> Vec<String> {
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
pub struct Dev {
    pub data: PathBuf,
    pub parent: Running,
    base: u16,
}

impl Dev {
    pub fn start(server: &TestServer, data: &Path, ports: &HeldPorts) -> Self {
        let log = File::options()
            .append(true)
            .create(true)
            .open(data.with_extension("log"))
            .unwrap();
        let child = Command::new(BINARY)
            .args([
                "dev",
                "--nodes",
                "3",
                "--users",
                "6",
                "--base-port",
                &ports.base().to_string(),
            ])
            .arg("--data")
            .arg(data)
            .arg("--fdb")
            .arg(server.cluster_file())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self {
            data: data.to_owned(),
            parent: Running(child),
            base: ports.base(),
        }
    }
    /// The base of a node's ports.
    pub fn at(&self, node: u16) -> u16 {
        self.base + 100 * node
    }
    pub fn wait_ready(&self) {
        for node in 1..=3 {
            until("a node is ready", || is_ready(self.at(node)));
        }
    }
    pub fn pid(&self, node: u16) -> String {
        std::fs::read_to_string(self.data.join(format!("node-{node}.pid")))
            .unwrap()
            .trim()
            .to_owned()
    }
    pub fn signal(&self, node: u16, signal: &str) {
        let pid = self.pid(node);
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
    /// What all nodes have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.with_extension("log")).unwrap()
    }
    /// What node `node` says of the cluster.
    pub fn status(&self, node: u16) -> String {
        let folder = self.data.join(format!("node-{node}"));
        text(&hongyan(&["--data", folder.to_str().unwrap(), "cluster", "status"]))
    }
    /// Memory of a node's process that is not shared, in octets.
    pub fn memory(&self, node: u16) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid(node))).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

impl Drop for Dev {
    /// The nodes end also when the test fails; those that stand still would not.
    fn drop(&mut self) {
        for node in 1..=3 {
            if let Ok(pid) = std::fs::read_to_string(self.data.join(format!("node-{node}.pid"))) {
                let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
            }
        }
    }
}

/// A machine with a configuration of its own.
pub struct Machine {
    pub config: PathBuf,
    pub data: PathBuf,
    pub base: u16,
}

impl Machine {
    pub fn new(folder: &Path, server: &TestServer, number: u16, base: u16) -> Self {
        let (data, base) = (folder.join(format!("data{number}")), base + 100 * number);
        let config = folder.join(format!("{number}.toml"));
        let at = |port: u16| format!("[\"127.0.0.1:{}\"]", base + port);
        let text = format!(
            "[node]\nhost_name = \"mx{number}.example.test\"\ndata = {data:?}\n\
             [listen]\nsmtp = {}\nlmtp = {}\nsubmission = []\nsubmissions = []\nimap = []\nimaps = []\npop3 = []\npop3s = []\nhttps = []\nhttp = {}\n\
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
    pub fn cluster(&self, words: &[&str]) -> Output {
        let config = self.config.to_str().unwrap();
        hongyan(&[&["cluster"][..], words, &["--config", config]].concat())
    }
    pub fn serve(&self) -> Running {
        let child = Command::new(BINARY)
            .args(["serve", "--config"])
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running(child)
    }
    /// What this node says of the cluster, or what `words` do.
    pub fn manage(&self, words: &[&str]) -> String {
        text(&hongyan(
            &[&["--data", self.data.to_str().unwrap(), "cluster"][..], words].concat(),
        ))
    }
    /// Starts it to see it end: its exit code, and what it says.
    pub fn refused(&self) -> (Option<i32>, String) {
        let mut running = self.serve();
        let mut said = String::new();
        running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (running.end(), said)
    }
}

pub fn token_in(output: &Output) -> String {
    let text = text(output);
    let token = text.split_whitespace().find(|word| word.starts_with("hongyan-join-"));
    token.unwrap_or_else(|| panic!("no token in {text}")).to_owned()
}

pub fn copy(from: &Path, to: &Path) {
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
