//! What pages of the node do in a real browser: headless Chromium, told by the DevTools protocol what to do.

mod chromium;
mod passkeys;
mod relying_party;
mod saml;
mod single_sign_on;
