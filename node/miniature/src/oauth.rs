//! A mail client that the account has let in, as it would be in a browser.

use std::net::{IpAddr, Ipv4Addr};

use hongyan_access::{Access, AuthorizationRequest, CodeShown, Decider, NewOauthClient, Party, Scope, Tokens, Visit};
use hongyan_directory::Directory;
use hongyan_sasl::Secret;

use crate::{Miniature, PASSWORD, USER};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const CLIENT: &str = "reader";
const BACK: &str = "http://127.0.0.1/back";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Miniature {
    /// Tokens of a client that the account has let in for `scope`.
    ///
    /// # Panics
    /// When anything fails, as everything here.
    pub async fn tokens(&self, scope: &str) -> Tokens {
        tokens(&self.access, &self.directory, scope).await
    }
}

/// Tokens of a client that [`USER`], whose password is [`PASSWORD`], has let in for `scope`.
///
/// # Panics
/// When anything fails, as everything here.
pub async fn tokens(access: &Access, directory: &Directory, scope: &str) -> Tokens {
    let client = NewOauthClient {
        id: CLIENT.to_owned(),
        name: "Reader".to_owned(),
        redirects: vec![BACK.to_owned()],
        scope: Scope::all(),
        party: Party::default(),
    };
    access.set_oauth_client(directory, &client).await.unwrap();
    let visit = Visit {
        peer: PEER,
        client: "Browser",
        device: None,
    };
    let password = Secret::new(PASSWORD);
    let begun = access.web_sign_in(USER, &password, visit).await.unwrap();
    let decider = Decider {
        token: begun.token.reveal(),
        peer: PEER,
    };
    let asked = AuthorizationRequest {
        client: CLIENT.to_owned(),
        redirect: BACK.to_owned(),
        scope: Scope::read(scope).unwrap(),
        challenge: CHALLENGE.to_owned(),
        nonce: None,
    };
    let code = access.oauth_code(decider, &asked).await.unwrap();
    let shown = CodeShown {
        client: CLIENT,
        code: code.reveal(),
        redirect: BACK,
        verifier: VERIFIER,
    };
    access.oauth_redeem(shown, PEER).await.unwrap()
}
