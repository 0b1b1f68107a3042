//! Single sign-on with a provider that others have written: oidc-provider of npm.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use hongyan_conformance::node::{Node, binary};
use hongyan_conformance::{program, skip};
use serde_json::{Value, json};

use crate::chromium::{Page, is_there};

const WHAT: &str = "single sign-on with oidc-provider";
/// What the page of devices asks whoever is signed in.
const SIGNED_IN: &str = "document.querySelector('[name=user_code]') !== null";
/// What `ops/test.sh` sets: a folder with the provider's modules.
const MODULES: &str = "HONGYAN_OIDC_PROVIDER";

/// The provider's process, and what it says: it ends when nobody listens.
struct Provider(Child, Option<BufReader<ChildStdout>>);

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(modules: &Path, port: u16, origin: &str, logout: &str) -> Result<Provider> {
    // Modules are looked for beside the script.
    let script = modules.join("provider.mjs");
    std::fs::write(&script, include_str!("provider.mjs"))?;
    let mut child = Command::new("node")
        .arg(&script)
        .args([&port.to_string(), origin, logout])
        // Our certificate is our own.
        .env("NODE_TLS_REJECT_UNAUTHORIZED", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("start the provider")?;
    let output = child.stdout.take().context("open its output")?;
    let mut provider = Provider(child, None);
    let (mut output, mut line) = (BufReader::new(output), String::new());
    while !line.contains("listening") {
        line.clear();
        ensure!(output.read_line(&mut line)? > 0, "the provider does not start");
    }
    provider.1 = Some(output);
    Ok(provider)
}

fn hongyan(node: &Node, arguments: &[&str]) -> Result<Value> {
    let data = node.folder().join("node").display().to_string();
    let mut all = vec!["--data", &data, "--json", "single-sign-on"];
    all.extend(arguments);
    let program = binary()?.display().to_string();
    let told = program::run(node.folder(), &program, &all, b"")?;
    Ok(serde_json::from_slice(&told).unwrap_or(Value::Null))
}

/// Signs in at the provider's own forms.
fn sign_in(page: &mut Page, origin: &str, name: &str) -> Result<()> {
    page.go(&format!(
        "{origin}/sso/start?login={name}%40example.test&return=/oauth/device"
    ))?;
    page.wait(
        "document.querySelector('[name=login]') !== null && location.port !== '' && location.protocol === 'http:'",
    )?;
    let fill = format!(
        "document.querySelector('[name=login]').value = '{name}'; \
         document.querySelector('[name=password]').value = 'any'; document.forms[0].submit()"
    );
    page.run(&fill)?;
    page.wait("document.querySelector('[name=prompt][value=consent]') !== null")?;
    page.run("document.forms[0].submit()")?;
    page.wait(SIGNED_IN)
}

#[test]
fn api_2_members_sign_in_and_out_at_a_real_provider() -> Result<()> {
    let Some(modules) = std::env::var_os(MODULES).map(PathBuf::from) else {
        skip(WHAT, "oidc-provider of npm is not installed");
        return Ok(());
    };
    if !is_there(WHAT) || !program::is_there("node", WHAT) {
        return Ok(());
    }
    let node = Node::start()?;
    let origin = format!("https://localhost:{}", node.port(444));
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let (issuer, secret) = (format!("http://127.0.0.1:{port}"), node.folder().join("secret"));
    std::fs::write(&secret, "a secret: of ours\n")?;
    let secret = secret.display().to_string();
    let set = [
        "set",
        &issuer,
        "mail",
        "--secret-file",
        &secret,
        "--link-by-mail",
        "--create-members",
    ];
    let shown = hongyan(&node, &set)?;
    ensure!(
        shown["redirect_uri"] == json!(format!("{origin}/sso/callback")),
        "{shown}"
    );
    let _provider = start(
        &modules,
        port,
        &origin,
        shown["backchannel_logout_uri"].as_str().unwrap_or_default(),
    )?;
    let found = hongyan(&node, &["check"])?;
    ensure!(found["ends_sessions"] == json!(true), "{found}");
    let mut page = Page::open(node.folder(), node.port(444))?;
    page.call("Page.enable", &json!({}))?;
    // Somebody who is here already is linked by the address.
    sign_in(&mut page, &origin, "user1")?;
    let links = hongyan(&node, &["identities", "user1@example.test"])?;
    ensure!(links[0]["subject"] == json!("user1"), "not linked: {links}");
    // Signing out here signs out there, too, and both know.
    page.call("Page.setBypassCSP", &json!({"enabled": true}))?;
    page.go(&format!("{origin}/oauth/device"))?;
    page.wait(SIGNED_IN)?;
    let leave = "const form = document.createElement('form'); form.method = 'post'; form.action = '/sso/logout'; \
                 document.body.append(form); form.submit()";
    page.run(leave)?;
    page.wait("document.querySelector('[name=logout]') !== null")?;
    page.run("document.querySelector('[name=logout]').click()")?;
    page.wait("location.protocol === 'https:'")?;
    page.go(&format!("{origin}/oauth/device"))?;
    page.wait("document.querySelector('[name=password]') !== null")?;
    // Somebody new gets an account.
    sign_in(&mut page, &origin, "newcomer")?;
    let links = hongyan(&node, &["identities", "newcomer@example.test"])?;
    ensure!(links[0]["mail"] == json!("newcomer@example.test"), "not made: {links}");
    Ok(())
}
