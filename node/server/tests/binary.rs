//! The binary from outside: what a person starts, and what is there again after a restart.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use hongyan_env::{HeldPort, HeldPorts};
use hongyan_foundationdb::testing::{Engine, TestServer};

#[path = "binary/person.rs"]
mod person;

const BINARY: &str = env!("CARGO_BIN_EXE_hongyan");

/// A node that is killed when the test ends before it.
struct Running(Child);

impl Running {
    fn terminate(mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success(), "SIGTERM ends it in good order");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn hongyan(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(BINARY)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    let shown = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&shown).into_owned()
}

/// The ports of a node, held until dropped.
fn ports() -> HeldPorts {
    HeldPorts::above(&[24, 25, 80, 110, 143, 389, 444, 465, 587, 636, 993, 995]).unwrap()
}

fn wait_ready(port: u16) {
    for _ in 0..1000 {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            let _ = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer);
            if answer.starts_with("HTTP/1.1 200") {
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the node is not ready");
}

fn dev(data: &Path, base: u16) -> Running {
    dev_with(data, base, &[])
}

fn dev_with(data: &Path, base: u16, more: &[&str]) -> Running {
    let child = Command::new(BINARY)
        .args(["dev", "--users", "2", "--base-port", &base.to_string(), "--data"])
        .arg(data)
        .args(more)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    wait_ready(base + 80);
    running
}

/// Speaks IMAP: the lines of the answer to one command.
fn imap(port: u16, commands: &[&str]) -> String {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut answer = lines.next().unwrap().unwrap();
    for (number, command) in commands.iter().enumerate() {
        let tag = format!("a{number} ");
        write!(&stream, "{tag}{command}\r\n").unwrap();
        for line in lines.by_ref() {
            let line = line.unwrap();
            answer.push('\n');
            answer.push_str(&line);
            if line.starts_with(&tag) {
                break;
            }
        }
    }
    answer
}

/// A session that waits for news.
struct Idle(std::io::Lines<BufReader<TcpStream>>);

impl Idle {
    fn start(port: u16, login: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        write!(stream, "a {login}\r\nb SELECT INBOX\r\nc IDLE\r\n").unwrap();
        let mut idle = Self(BufReader::new(stream).lines());
        while !idle.line().starts_with("+ ") {}
        idle
    }
    fn line(&mut self) -> String {
        self.0.next().unwrap().unwrap()
    }
}

#[test]
fn a_restart_finds_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ports) = (folder.path().join("data"), ports());
    let base = ports.base();
    let shown = data.display().to_string();
    let node = dev(&data, base);
    let added = hongyan(
        &["--data", &shown, "account", "add", "anna@example.test"],
        "Correct-horse7\n",
    );
    assert!(added.status.success(), "{}", text(&added));
    let page = hongyan(&["--data", &shown, "--json", "organisation", "page", "dev"], "");
    let said = String::from_utf8_lossy(&page.stdout);
    assert!(
        said.contains("\"own_sender_names\": true"),
        "programs that are tried out change identities: {said}"
    );
    let login = [
        "LOGIN anna@example.test Correct-horse7",
        "CREATE Reisen",
        "LIST \"\" Reisen",
    ];
    assert!(imap(base + 143, &login).contains("a1 OK"));
    node.terminate();
    let node = dev(&data, base);
    let found = imap(base + 143, &[login[0], login[2]]);
    assert!(found.contains("Reisen\n"), "{found}");
    import_and_export(&shown, folder.path());
    let mut idling = [Idle::start(base + 143, login[0]), Idle::start(base + 143, login[0])];
    let listed = hongyan(
        &["--data", &shown, "session", "list", "--account", "anna@example.test"],
        "",
    );
    let listed = text(&listed);
    assert_eq!(
        listed.matches("  anna@example.test  imap      127.0.0.1:").count(),
        2,
        "{listed}"
    );
    let id = listed.lines().nth(1).unwrap().split(' ').next().unwrap();
    let revoked = hongyan(&["--data", &shown, "session", "revoke", id], "");
    assert!(revoked.status.success(), "{}", text(&revoked));
    let suspended = hongyan(&["--data", &shown, "account", "suspend", "anna@example.test"], "");
    assert!(suspended.status.success(), "{}", text(&suspended));
    let mut goodbyes = idling.each_mut().map(Idle::line);
    goodbyes.sort();
    assert_eq!(
        goodbyes,
        [
            "* BYE [AUTHORIZATIONFAILED] The account is suspended",
            "* BYE [UNAVAILABLE] The session was ended by an administrator"
        ]
    );
    assert!(imap(base + 143, &[login[0]]).contains("a0 NO"));
    node.terminate();
    let gone = hongyan(&["--data", &shown, "account", "list"], "");
    assert!(text(&gone).contains("is it running"), "{}", text(&gone));
}

/// People come from a file and go into one.
fn import_and_export(data: &str, folder: &Path) {
    let [people, out] = ["people.csv", "out.csv"].map(|name| folder.join(name).display().to_string());
    std::fs::write(&people, "name,address\n王芳,wf@example.test\n,no one\n").unwrap();
    let run = |arguments: &[&str]| hongyan(&[&["--data", data, "member"], arguments].concat(), "");
    let refused = run(&["import", &people, "--domain", "example.test"]);
    assert!(!refused.status.success());
    let said = text(&refused);
    assert!(
        said.contains("line 3: address: ") && said.contains("the task is refused"),
        "{said}"
    );
    let taken = run(&["import", &people, "--domain", "example.test", "--take-good"]);
    assert!(taken.status.success(), "{}", text(&taken));
    let written = run(&["export", &out]);
    assert!(written.status.success(), "{}", text(&written));
    assert!(
        std::fs::read_to_string(&out)
            .unwrap()
            .contains("\r\n王芳,wf@example.test,")
    );
    let tasks = hongyan(&["--data", data, "task", "list"], "");
    assert_eq!(text(&tasks).lines().count(), 4, "{}", text(&tasks));
}

#[test]
fn what_init_writes_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (config, data) = (folder.path().join("etc/hongyan.toml"), folder.path().join("data"));
    let (config_shown, data_shown) = (config.display().to_string(), data.display().to_string());
    let init = [
        "init",
        "--config",
        &config_shown,
        "--data",
        &data_shown,
        "--host-name",
        "mx.example.org",
        "--domain",
        "example.org",
    ];
    let made = hongyan(&init, "");
    let said = text(&made);
    assert!(made.status.success(), "{said}");
    assert!(said.contains("IN MX    10 mx.example.org."), "{said}");
    let password = said.split("password: ").nth(1).unwrap().lines().next().unwrap();
    let again = hongyan(&init, "");
    assert!(
        !again.status.success() && text(&again).contains("nothing is changed"),
        "{}",
        text(&again)
    );

    let held = [(); 2].map(|()| HeldPort::any().unwrap());
    let [imap_port, http_port] = held.each_ref().map(HeldPort::port);
    let mut written = std::fs::read_to_string(&config).unwrap();
    for service in [
        "smtp",
        "lmtp",
        "submission",
        "submissions",
        "imaps",
        "pop3",
        "pop3s",
        "https",
    ] {
        written = written.replace("[listen]\n", &format!("[listen]\n{service} = []\n"));
    }
    let ports = format!("[listen]\nimap = [\"127.0.0.1:{imap_port}\"]\nhttp = [\"127.0.0.1:{http_port}\"]\n");
    std::fs::write(&config, written.replace("[listen]\n", &ports)).unwrap();
    let child = Command::new(BINARY)
        .args(["serve", "--config", &config_shown])
        .stderr(Stdio::null())
        .spawn();
    let node = Running(child.unwrap());
    wait_ready(http_port);
    // Authentication without TLS is refused, even from this machine.
    let login = format!("LOGIN admin@example.org {password}");
    let refused = imap(imap_port, &["CAPABILITY", &login]);
    assert!(
        refused.contains("LOGINDISABLED") && refused.contains("a1 NO"),
        "{refused}"
    );
    let listed = hongyan(&["--data", &data_shown, "--json", "account", "list"], "");
    assert!(text(&listed).contains("\"administrator\": true"), "{}", text(&listed));
    node.terminate();
}

#[test]
fn what_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let check = |arguments: &[&str], expect: &str| {
        let output = hongyan(arguments, "");
        let said = text(&output);
        assert!(!output.status.success(), "{arguments:?} succeeded: {said}");
        assert!(said.contains(expect), "{arguments:?}: {said}");
    };
    std::fs::write(path("file"), "").unwrap();
    // Its data folder cannot be made, so that no node starts whatever else is right.
    let configuration = |text: &str| {
        let file = path("hongyan.toml");
        std::fs::write(&file, format!("[node]\ndata = \"{}\"\n{text}", path("file/data"))).unwrap();
        file
    };
    check(&["dev", "--users", "0"], "--users");
    check(&["dev", "--domain", "no domain"], "the domain is malformed");
    check(&["dev", "--password", ""], "--password");
    check(&["dev", "--base-port", "65000"], "65000 is not in 0..=61000");
    check(&["dev", "--data", &path("file")], "create ");
    check(&["serve", "--config", &configuration("")], "file/data: Not a directory");
    check(&["serve", "--config", &path("none.toml")], "`hongyan init` writes one");
    let (config, data) = (path("new.toml"), path("file/data"));
    let init = [
        "init",
        "--config",
        &config,
        "--data",
        &data,
        "--host-name",
        "a.test",
        "--domain",
        "b.test",
    ];
    check(&init, "Not a directory");
    assert!(!Path::new(&config).exists(), "half an init leaves nothing behind");
    check(
        &["serve", "--config", &configuration("name = 1\n")],
        "unknown field `name`",
    );
    let wrong = [
        (
            "[listen]\nsmtp = [\"here\"]\n",
            "setting listen.smtp: \"here\" is no address:port",
        ),
        (
            "[listen]\nproxy_networks = [\"x\"]\n",
            "setting listen.proxy_networks: x",
        ),
        (
            "[directory]\ndefault_domain = \"a b\"\n",
            "setting directory.default_domain",
        ),
        (
            "[queue]\nrelay_user = \"x\"\n",
            "setting queue.relay_user needs queue.relay_host",
        ),
        (
            "[storage]\nbackend = \"disk\"\n",
            "setting storage.backend is neither embedded nor foundationdb",
        ),
        (
            "[log]\nformat = \"xml\"\n",
            "setting log.format is neither text nor json",
        ),
    ];
    for (settings, expect) in wrong {
        check(&["serve", "--config", &configuration(settings)], expect);
    }
    check(
        &["serve", "--data", "/x", "--config", &configuration("")],
        "node.data in",
    );
    check(&["--data", &path("nobody"), "account", "list"], "is it running");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = (taken.local_addr().unwrap().port() - 80).to_string();
    let dev = ["dev", "--data", &path("data"), "--base-port", &base];
    check(&dev, "--base-port chooses others");
}

#[test]
fn a_change_of_nothing_is_refused_and_a_reader_may_leave() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ports) = (folder.path().join("data"), ports());
    let base = ports.base();
    let shown = data.display().to_string();
    let node = dev(&data, base);
    let refused = hongyan(&["--data", &shown, "account", "set", "user1@example.test"], "");
    assert!(text(&refused).contains("nothing to change"), "{}", text(&refused));
    let unknown = hongyan(&["--data", &shown, "queue", "show", "1"], "");
    assert!(text(&unknown).contains("such as 3-17"), "{}", text(&unknown));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let listed = Command::new(BINARY)
        .args(["--data", &shown, "account", "list"])
        .stdout(writer)
        .status();
    assert!(listed.unwrap().success());
    node.terminate();
}

#[test]
fn acc_4_phones_are_looked_after_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ports) = (folder.path().join("data"), ports());
    let shown = data.display().to_string();
    let node = dev(&data, ports.base());
    let run = |arguments: &[&str]| hongyan(&[&["--data", &shown, "--json", "active-sync"], arguments].concat(), "");
    let listed = run(&["list", "user1@example.test"]);
    assert!(listed.status.success(), "{}", text(&listed));
    assert_eq!(text(&listed).trim(), "[]");
    for command in ["wipe", "keep", "remove"] {
        let refused = run(&[command, "user1@example.test", "a phone"]);
        assert!(!refused.status.success(), "{command}");
        let said = "ActiveSync device a phone does not exist";
        assert!(text(&refused).contains(said), "{command}: {}", text(&refused));
    }
    let nobody = run(&["list", "nobody@example.test"]);
    assert!(!nobody.status.success() && text(&nobody).contains("nobody@example.test"));
    node.terminate();
}

/// Speaks SMTP: each line answers 2xx or 354.
fn smtp(port: u16, lines: &[&str]) {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut replies = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut reply = || loop {
        let line = replies.next().unwrap().unwrap();
        if !line.get(3..).is_some_and(|rest| rest.starts_with('-')) {
            return line;
        }
    };
    reply();
    for line in lines {
        write!(&stream, "{line}\r\n").unwrap();
        let answer = reply();
        assert!(answer.starts_with(['2', '3']), "{line}: {answer}");
    }
}

#[test]
fn a_cluster_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("fdb.cluster"));
    let ports = ports();
    let base = ports.base().to_string();
    let start = || {
        let (data, file) = (data.display().to_string(), file.display().to_string());
        let dev = ["dev", "--base-port", &base, "--data", &data, "--fdb", &file];
        text(&hongyan(&dev, ""))
    };
    let said = start();
    assert!(said.contains("fdb.cluster: it does not exist; copy it from"), "{said}");
    std::fs::write(&file, "127.0.0.1:4500").unwrap();
    let said = start();
    assert!(said.contains("not of the form description:id@address:port"), "{said}");
}

#[test]
fn a_node_keeps_its_mail_in_foundationdb() {
    let what = "a_node_keeps_its_mail_in_foundationdb";
    let Some(server) = TestServer::start(what, Engine::Memory) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (data, ports) = (folder.path().join("data"), ports());
    let base = ports.base();
    let cluster = server.cluster_file().display().to_string();
    let node = dev_with(&data, base, &["--fdb", &cluster]);
    smtp(
        base + 25,
        &[
            "EHLO client.example",
            "MAIL FROM:<a@client.example>",
            "RCPT TO:<user1@example.test>",
            "RCPT TO:<user2@example.test>",
            "DATA",
            "Subject: across\r\n\r\nkept by the cluster\r\n.",
            "QUIT",
        ],
    );
    let read = ["LOGIN user1@example.test pass", "SELECT INBOX", "FETCH 1 BODY[]"];
    let found = imap(base + 143, &read);
    assert!(found.contains("kept by the cluster"), "{found}");
    let flag = [read[0], read[1], "STORE 1 +FLAGS (\\Flagged)", "LOGOUT"];
    assert!(imap(base + 143, &flag).contains("a2 OK"));
    node.terminate();
    assert!(!data.join("store").exists(), "nothing is kept beside the cluster");
    // Another node with nothing but the cluster file finds everything.
    let elsewhere = folder.path().join("elsewhere");
    let node = dev_with(&elsewhere, base, &["--fdb", &cluster]);
    let found = imap(base + 143, &[read[0], read[1], "FETCH 1 (FLAGS BODY[TEXT])"]);
    assert!(
        found.contains("\\Flagged") && found.contains("kept by the cluster"),
        "{found}"
    );
    node.terminate();
}
