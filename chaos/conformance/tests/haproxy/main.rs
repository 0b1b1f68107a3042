//! HAProxy with the configuration of `ops/deploy` before real nodes: clients come through it, nodes know who they are, and a
//! node that is not ready gets none.

mod served;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hongyan_conformance::corpus::crate_folder;
use hongyan_conformance::imap::Imap;
use hongyan_conformance::node::free_base;
use hongyan_conformance::program::is_there;
use hongyan_conformance::smtp::Smtp;
use served::{PASSWORD, Served, USER};

/// Looks of 50 ms until HAProxy must have noticed.
const LOOKS_MAX: u32 = 1200;
const LOOK: Duration = Duration::from_millis(50);
/// More disk than there is: a node that must keep so much free is up and not ready.
const MORE_THAN_ANY_DISK: u64 = 1 << 60;

fn shipped() -> PathBuf {
    crate_folder().join("../../ops/deploy/haproxy.cfg")
}

/// HAProxy; it ends when dropped.
struct Proxy {
    child: Child,
    statistics: PathBuf,
    base: u16,
}

impl Proxy {
    /// In front of what listens at 127.0.0.2 and 127.0.0.3, on the usual ports plus `base`.
    fn start(folder: &Path, base: u16) -> Result<Self> {
        let statistics = folder.join("statistics");
        let file = folder.join("haproxy.cfg");
        let text = std::fs::read_to_string(shipped())?;
        std::fs::write(&file, substitute(&text, base, &statistics)?)?;
        let log = std::fs::File::create(folder.join("haproxy.log"))?;
        let child = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("start haproxy")?;
        Ok(Self {
            child,
            statistics,
            base,
        })
    }
    fn port(&self, usual: u16) -> u16 {
        self.base + usual
    }
    /// How HAProxy sees a server: `UP`, `DOWN` ...
    fn status(&self, proxy: &str, server: &str) -> Result<String> {
        let mut socket = UnixStream::connect(&self.statistics)?;
        socket.write_all(b"show stat\n")?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let head = lines.next().context("read the statistics")?;
        let at = head
            .iter()
            .position(|name| *name == "status")
            .context("find the status")?;
        let line = lines.find(|line| line.starts_with(&[proxy, server]));
        Ok((*line.context("find the server")?.get(at).context("find its status")?).to_owned())
    }
    fn wait(&mut self, server: &str, expected: &str) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            if let Some(status) = self.child.try_wait()? {
                bail!("haproxy ended: {status}");
            }
            let seen = ["smtp", "imap"].map(|proxy| self.status(proxy, server).is_ok_and(|status| status == expected));
            if seen == [true, true] {
                return Ok(());
            }
            sleep(LOOK);
        }
        bail!("{server} is {:?}, not {expected}", self.status("smtp", server))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The shipped text with this test's addresses and ports, and two nodes.
fn substitute(text: &str, base: u16, statistics: &Path) -> Result<String> {
    let mut made = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let port = |place: &str| -> Result<u16> {
            let (_, port) = place.rsplit_once(':').context("find a port")?;
            Ok(base + port.parse::<u16>()?)
        };
        match words.as_slice() {
            ["bind", place] => made.push_str(&format!("    bind 127.0.0.1:{}", port(place)?)),
            ["server", "node1", place] => made.push_str(&format!("    server node1 127.0.0.2:{}", port(place)?)),
            ["server", "node2", place] => made.push_str(&format!("    server node2 127.0.0.3:{}", port(place)?)),
            ["server", ..] => {}
            ["maxconn", _] => made.push_str(&format!("    maxconn 400\n    stats socket {}", statistics.display())),
            ["default-server", ..] => made.push_str(&line.replace("port 8080", &format!("port {}", base + 80))),
            _ => made.push_str(line),
        }
        made.push('\n');
    }
    ensure!(!made.contains("192.0.2."), "{made}");
    Ok(made)
}

/// Which node greets at the SMTP port.
fn greeted_by(port: u16) -> Result<(Smtp, String)> {
    let mut smtp = Smtp {
        wire: hongyan_conformance::wire::Wire::connect(port)?,
    };
    let text = smtp.reply()?.text;
    let name = text.split([' ', '.']).next().unwrap_or_default().to_owned();
    Ok((smtp, name))
}

#[test]
fn the_shipped_configuration_is_one() -> Result<()> {
    if !is_there("haproxy", "the configuration of HAProxy") {
        return Ok(());
    }
    let output = Command::new("haproxy")
        .args(["-c", "-q", "-f"])
        .arg(shipped())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success() && !said.contains("[WARNING]"), "{said}");
    Ok(())
}

#[test]
fn clients_come_through_haproxy_to_nodes_that_are_ready() -> Result<()> {
    if !is_there("haproxy", "HAProxy before nodes") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let base = free_base()?;
    let mut first = Served::new(folder.path(), "node1", [127, 0, 0, 2], base)?;
    let mut second = Served::new(folder.path(), "node2", [127, 0, 0, 3], base)?;
    first.start(0)?;
    first.wait_ready(true)?;
    second.start(MORE_THAN_ANY_DISK)?;
    second.wait_ready(false)?;
    let mut proxy = Proxy::start(folder.path(), base)?;
    proxy.wait("node1", "UP")?;
    proxy.wait("node2", "DOWN")?;

    // Its ports are open, and nobody is sent there.
    for _ in 0..4 {
        ensure!(greeted_by(proxy.port(25))?.1 == "node1");
    }
    through(&proxy, &first)?;

    // Ready again, it gets its share: the other one has more connections by now.
    second.stop()?;
    second.start(0)?;
    proxy.wait("node2", "UP")?;
    let (mut on_first, mut on_second) = (Vec::new(), Vec::new());
    for _ in 0..6 {
        let (smtp, name) = greeted_by(proxy.port(25))?;
        if name == "node1" {
            on_first.push(smtp)
        } else {
            on_second.push(smtp)
        }
    }
    ensure!(
        on_first.len() == 3 && on_second.len() == 3,
        "{} and {}",
        on_first.len(),
        on_second.len()
    );

    // A node dies: who is on the other one does not notice, who comes is sent there.
    first.kill()?;
    proxy.wait("node1", "DOWN")?;
    for smtp in &mut on_second {
        smtp.expect("NOOP", 250)?;
    }
    ensure!(greeted_by(proxy.port(25))?.1 == "node2");
    through(&proxy, &second)
}

/// A mail in by SMTP and out by IMAP; and the node knows the client's own address, not HAProxy's.
fn through(proxy: &Proxy, node: &Served) -> Result<()> {
    let mut smtp = Smtp::hello(proxy.port(25))?;
    let mail = b"Subject: through\r\n\r\nhello\r\n";
    let reply = smtp.send("sender@elsewhere.test", &[USER], mail)?;
    ensure!(reply.code == 250, "{reply:?}");
    let mut imap = Imap::connect(proxy.port(143))?;
    imap.ok(&format!("LOGIN {USER} {PASSWORD}"))?;
    // The letter to new members is there as well, sooner or later.
    ensure!(imap.select("INBOX")? >= 1);
    let bodies = imap.bodies("1:*")?;
    ensure!(bodies.iter().any(|body| body.ends_with(mail)), "{bodies:?}");
    let sessions = node.manage(&["session", "list"], "")?;
    let own = imap.wire.local_port()?;
    ensure!(sessions.contains(&format!("127.0.0.1:{own}")), "port {own}: {sessions}");
    Ok(())
}
