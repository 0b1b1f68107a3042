//! An application that others have written, at our OpenID provider: openid-client of npm.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use hongyan_conformance::node::{Node, PASSWORD};
use hongyan_conformance::{program, skip};
use serde_json::{Value, json};

const WHAT: &str = "openid-client at our provider";
/// What `ops/test.sh` sets: a folder with the client's modules.
const MODULES: &str = "HONGYAN_OPENID_CLIENT";
const USER: &str = "user1@example.test";

/// Connects the application, over the socket of the operator; its secret.
fn connect(node: &Node) -> Result<String> {
    let socket = node.folder().join("node").join("admin.sock").display().to_string();
    let application = json!({
        "name": "App", "redirects": ["https://app.example.test/back"],
        "signed_out_redirects": ["https://app.example.test/out"],
    });
    let body = application.to_string();
    let arguments = [
        "--silent",
        "--unix-socket",
        &socket,
        "--request",
        "PUT",
        "--header",
        "content-type: application/json",
        "--data",
        &body,
        "http://localhost/api/organisations/dev/connected-applications/app",
    ];
    let told = program::run(node.folder(), "curl", &arguments, b"")?;
    let told: Value = serde_json::from_slice(&told)?;
    let secret = told["client_secret"].as_str();
    Ok(secret.with_context(|| format!("not connected: {told}"))?.to_owned())
}

#[test]
fn api_2_an_application_of_others_signs_members_in_and_out() -> Result<()> {
    let Some(modules) = std::env::var_os(MODULES).map(PathBuf::from) else {
        skip(WHAT, "openid-client of npm is not installed");
        return Ok(());
    };
    if !program::is_there("node", WHAT) || !program::is_there("curl", WHAT) {
        return Ok(());
    }
    let node = Node::start()?;
    let secret = connect(&node)?;
    let origin = format!("https://localhost:{}", node.port(444));
    // Modules are looked for beside the script.
    let script = modules.join("relying_party.mjs");
    std::fs::write(&script, include_str!("relying_party.mjs"))?;
    let script = script.display().to_string();
    // Our certificate is our own.
    let arguments = [
        "NODE_TLS_REJECT_UNAUTHORIZED=0",
        "node",
        &script,
        &origin,
        "app",
        &secret,
        USER,
        PASSWORD,
    ];
    let told = program::run(node.folder(), "env", &arguments, b"")?;
    let people: Value = serde_json::from_slice(&told).context("it has failed")?;
    for person in [&people[0], &people[1]] {
        ensure!(person["email"] == json!(USER), "{people}");
        ensure!(person["email_verified"] == json!(true), "{people}");
    }
    Ok(())
}
