//! A headless Chromium and one of its pages, over the pipe of the DevTools protocol.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hongyan_conformance::program;
use serde_json::{Value, json};

/// How long Chromium may take for anything, however loaded the machine is.
const ANSWER_MAX: Duration = Duration::from_secs(120);
/// Tries of 50 ms until a page must show what it should.
const TRIES: u32 = 2_400;

/// A page. Dropping it ends its Chromium.
pub struct Page {
    child: Child,
    input: ChildStdin,
    answers: Receiver<Value>,
    last: u64,
    session: Option<String>,
}

/// Whether Chromium is there; if not, says that `what` is skipped.
pub fn is_there(what: &str) -> bool {
    program::is_there("chromium", what)
}

/// The hash of the public key of a certificate, by which Chromium is told to trust it.
fn key_hash(port: u16, home: &Path) -> Result<String> {
    let script = format!(
        "openssl s_client -connect 127.0.0.1:{port} </dev/null 2>/dev/null | openssl x509 -pubkey -noout | \
         openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64"
    );
    let hash = program::run(home, "sh", &["-c", &script], b"")?;
    Ok(String::from_utf8(hash)?.trim().to_owned())
}

impl Page {
    /// An empty page of a new Chromium that trusts the certificate shown at `port`.
    pub fn open(home: &Path, port: u16) -> Result<Self> {
        let log = File::create(home.join("chromium.log"))?;
        // Its end of the pipe is descriptors 3 and 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1", "chromium"])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .arg(format!("--user-data-dir={}", home.join("chromium").display()))
            .arg(format!(
                "--ignore-certificate-errors-spki-list={}",
                key_hash(port, home)?
            ))
            .args(["--remote-debugging-pipe", "about:blank"])
            .env("HOME", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(log))
            .spawn()
            .context("start Chromium")?;
        let input = child.stdin.take().context("open its input")?;
        let output = child.stdout.take().context("open its output")?;
        let (teller, answers) = channel();
        #[expect(clippy::disallowed_methods, reason = "a test hears of a pipe that blocks")]
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0) {
                let Ok(message) = message else { return };
                let told = serde_json::from_slice(&message).unwrap_or(Value::Null);
                if teller.send(told).is_err() {
                    return;
                }
            }
        });
        let mut page = Self {
            child,
            input,
            answers,
            last: 0,
            session: None,
        };
        let target = page.call("Target.createTarget", &json!({"url": "about:blank"}))?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = page.call("Target.attachToTarget", &attach)?;
        page.session = session["sessionId"].as_str().map(str::to_owned);
        Ok(page)
    }

    /// Tells Chromium to do something.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.input.write_all(message.to_string().as_bytes())?;
        self.input.write_all(&[0])?;
        self.input.flush()?;
        loop {
            let mut told = self.answers.recv_timeout(ANSWER_MAX).context("hear from Chromium")?;
            if told["id"] == json!(self.last) {
                ensure!(told["error"].is_null(), "{method}: {}", told["error"]);
                return Ok(told["result"].take());
            }
        }
    }

    /// What a script of the page gives, once what it waits for has come.
    pub fn run(&mut self, script: &str) -> Result<Value> {
        let asked = json!({"expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let mut told = self.call("Runtime.evaluate", &asked)?;
        ensure!(
            told["exceptionDetails"].is_null(),
            "{script}: {}",
            told["exceptionDetails"]
        );
        Ok(told["result"]["value"].take())
    }

    /// Goes to an address and waits until what is there is read.
    pub fn go(&mut self, address: &str) -> Result<()> {
        let gone = self.call("Page.navigate", &json!({"url": address}))?;
        ensure!(gone["errorText"].is_null(), "{address}: {gone}");
        self.wait("document.readyState === 'complete'")
    }

    /// Waits until something holds of the page. While it is on its way to another one, nothing does.
    pub fn wait(&mut self, condition: &str) -> Result<()> {
        for _ in 0..TRIES {
            if self.run(condition).is_ok_and(|found| found == json!(true)) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let shown = self.run("document.body.innerText")?;
        bail!("the page does not come to {condition}: {shown}")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
