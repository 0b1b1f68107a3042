//! SAML 2.0 with peers that others have written: an application at our provider (node-saml of npm), a provider for our client (samlp).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hongyan_conformance::node::{Node, PASSWORD, binary};
use hongyan_conformance::{program, skip};
use serde_json::{Value, json};

const WHAT: &str = "SAML with node-saml and samlp";
/// What `ops/test.sh` sets: a folder with the modules of both.
const MODULES: &str = "HONGYAN_SAML_PEERS";
const USER: &str = "user1@example.test";
const APPLICATION: &str = "https://app.example.test/saml";
const PROVIDER: &str = "https://login.example.test/saml";

fn modules() -> Option<PathBuf> {
    let Some(modules) = std::env::var_os(MODULES).map(PathBuf::from) else {
        skip(WHAT, "node-saml and samlp of npm are not installed");
        return None;
    };
    let is_there = program::is_there("node", WHAT) && program::is_there("openssl", WHAT);
    is_there.then_some(modules)
}

fn hongyan(node: &Node, arguments: &[&str]) -> Result<Value> {
    let data = node.folder().join("node").display().to_string();
    let mut all = vec!["--data", &data, "--json"];
    all.extend(arguments);
    let program = binary()?.display().to_string();
    let told = program::run(node.folder(), &program, &all, b"")?;
    Ok(serde_json::from_slice(&told).unwrap_or(Value::Null))
}

/// A key of the peer's and its certificate: the files.
fn key(node: &Node, name: &str) -> Result<(String, String)> {
    let place = |name: &str| node.folder().join(name).display().to_string();
    let (key, certificate) = (place(&format!("{name}.key")), place(&format!("{name}.pem")));
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=peer",
        "-days",
        "2",
        "-keyout",
        &key,
        "-out",
        &certificate,
    ];
    program::run(node.folder(), "openssl", &arguments, b"")?;
    Ok((key, certificate))
}

/// What a script says, run beside the modules that it looks for.
fn script(node: &Node, modules: &Path, (name, text): (&str, &str), arguments: &[&str]) -> Result<Value> {
    let script = modules.join(name);
    std::fs::write(&script, text)?;
    let script = script.display().to_string();
    // Our certificate is our own.
    let mut all = vec!["NODE_TLS_REJECT_UNAUTHORIZED=0", "node", "--no-deprecation", &script];
    all.extend(arguments);
    let told = program::run(node.folder(), "env", &all, b"")?;
    serde_json::from_slice(&told).context("it has failed")
}

#[test]
fn api_2_a_saml_application_of_others_hears_who_members_are() -> Result<()> {
    let Some(modules) = modules() else { return Ok(()) };
    let node = Node::start()?;
    let origin = format!("https://localhost:{}", node.port(444));
    let (key, certificate) = self::key(&node, "peer")?;
    let add = [
        "saml-application",
        "add",
        "app",
        "--name",
        "App",
        "--entity-id",
        APPLICATION,
        "--consumer",
        "https://app.example.test/acs",
        "--name-id",
        "email",
        "--attribute",
        "name=displayName",
        "--attribute",
        "number",
        "--needs-signature",
        "true",
        "--certificate-file",
        &certificate,
        "--sign-out",
        "https://app.example.test/slo",
    ];
    let added = hongyan(&node, &add)?;
    let start = added["start_address"].as_str().context("not connected")?;
    let provider = hongyan(&node, &["saml-application", "provider"])?;
    let entity_id = provider["entity_id"].as_str().context("no provider")?;
    let (other, _) = self::key(&node, "other")?;
    let arguments = [&origin, entity_id, APPLICATION, start, USER, PASSWORD, &key, &other];
    let text = include_str!("saml_application.mjs");
    let told = script(&node, &modules, ("saml_application.mjs", text), &arguments)?;
    let through = json!({"answered": true, "over": true, "asked": true, "through": true, "named": true});
    ensure!(told["signed_out"] == through, "{told}");
    let people = &told["people"];
    ensure!(people.as_array().is_some_and(|people| people.len() == 3), "{people}");
    for person in people.as_array().into_iter().flatten() {
        ensure!(person["nameID"] == json!(USER), "{people}");
        ensure!(person["issuer"] == json!(entity_id), "{people}");
        ensure!(
            person["displayName"].is_string() && person["uid"].is_string(),
            "{people}"
        );
        ensure!(person["sessionIndex"] == people[0]["sessionIndex"], "{people}");
    }
    Ok(())
}

#[test]
fn api_2_members_sign_in_at_a_saml_provider_of_others() -> Result<()> {
    let Some(modules) = modules() else { return Ok(()) };
    let node = Node::start()?;
    let origin = format!("https://localhost:{}", node.port(444));
    let (key, certificate) = self::key(&node, "peer")?;
    let set = [
        "saml",
        "set",
        "--entity-id",
        PROVIDER,
        "--sign-in-address",
        "https://login.example.test/sso",
        "--certificate-file",
        &certificate,
        "--mail-attribute",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        "--link-by-mail",
        "--sign-out",
        "https://login.example.test/slo",
    ];
    hongyan(&node, &set)?;
    for signed in ["assertion", "both"] {
        let arguments = [&origin, PROVIDER, &key, &certificate, USER, signed];
        let text = include_str!("saml_provider.mjs");
        let told = script(&node, &modules, ("saml_provider.mjs", text), &arguments)?;
        ensure!(
            told == json!({
                "refusals": [403, 403, 403, 403, 403],
                "taken": 303,
                "arrived": 303,
                "signed_in": true,
                "signed_out": {"strange": true, "untouched": true, "over": true, "through": 200},
            }),
            "{signed}: {told}"
        );
    }
    let links = hongyan(&node, &["single-sign-on", "identities", USER])?;
    ensure!(links[0]["issuer"] == json!(PROVIDER), "not linked: {links}");
    Ok(())
}
