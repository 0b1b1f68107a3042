//! Passkeys, with the authenticator that Chromium has for tests.

use anyhow::{Result, ensure};
use hongyan_conformance::node::{Node, PASSWORD};
use serde_json::json;

use crate::chromium::{Page, is_there};

/// Registers a passkey in the page's session.
const REGISTER: &str = r#"(async () => {
    const own = { "x-hongyan-request": "1", "content-type": "application/json" };
    const offered = await (await fetch("/api/session/passkey-offer", { method: "POST", headers: own })).json();
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(offered.options);
    const passkey = (await navigator.credentials.create({ publicKey })).toJSON();
    const body = JSON.stringify({ name: "Chromium", passkey });
    const added = await fetch("/api/session/passkeys", { method: "POST", headers: own, body });
    return [added.status, (await added.json()).recovery_codes.length];
})()"#;
const SIGN_OUT: &str = r#"fetch("/api/session", { method: "DELETE", headers: { "x-hongyan-request": "1" } }).then((answer) => answer.status)"#;
/// What the page of devices asks whoever is signed in.
const SIGNED_IN: &str = "document.querySelector('[name=user_code]') !== null";
const ASKS_PASSWORD: &str = "document.querySelector('[name=password]') !== null";
const USE_PASSKEY: &str = "document.getElementById('use-passkey').click()";

fn sign_in(page: &mut Page) -> Result<()> {
    page.wait(ASKS_PASSWORD)?;
    let fill = format!(
        "document.querySelector('[name=login]').value = 'user1@example.test'; \
         document.querySelector('[name=password]').value = '{PASSWORD}'; \
         document.querySelector('[value=sign-in]').click()"
    );
    page.run(&fill)?;
    Ok(())
}

fn sign_out(page: &mut Page, address: &str) -> Result<()> {
    page.call("Page.setBypassCSP", &json!({"enabled": true}))?;
    page.go(address)?;
    ensure!(page.run(SIGN_OUT)? == json!(204), "signing out failed");
    // From here on the page's own policy holds.
    page.call("Page.setBypassCSP", &json!({"enabled": false}))?;
    page.go(address)
}

#[test]
fn auth_4_chromium_signs_in_with_a_passkey_on_the_pages() -> Result<()> {
    if !is_there("passkeys in a browser") {
        return Ok(());
    }
    let node = Node::start()?;
    let port = node.port(444);
    let address = format!("https://localhost:{port}/oauth/device");
    let mut page = Page::open(node.folder(), port)?;
    page.call("Page.enable", &json!({}))?;
    page.call("WebAuthn.enable", &json!({}))?;
    let authenticator = json!({
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": true,
        "hasUserVerification": true,
        "isUserVerified": true,
        "automaticPresenceSimulation": true,
    });
    page.call("WebAuthn.addVirtualAuthenticator", &json!({"options": authenticator}))?;
    // Our pages let no script ask for anything: registering is the web client's, for which this script stands.
    page.call("Page.setBypassCSP", &json!({"enabled": true}))?;
    page.go(&address)?;
    sign_in(&mut page)?;
    page.wait(SIGNED_IN)?;
    let added = page.run(REGISTER)?;
    ensure!(added == json!([201, 10]), "not registered: {added}");
    // With the passkey alone.
    sign_out(&mut page, &address)?;
    page.wait(ASKS_PASSWORD)?;
    page.run(USE_PASSKEY)?;
    page.wait(SIGNED_IN)?;
    // The password is not enough any more; the passkey beside it is.
    sign_out(&mut page, &address)?;
    sign_in(&mut page)?;
    page.wait("document.querySelector('[name=code]') !== null")?;
    page.run(USE_PASSKEY)?;
    page.wait(SIGNED_IN)
}
