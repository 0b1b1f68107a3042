use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_sasl::Secret;
use ring::digest;

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};
use crate::{Access, AccessOptions, Identity, Protocol, Revocation, SessionPermit, Visit};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const BACK: &str = "http://127.0.0.1/back";

struct World {
    fixture: Fixture,
    /// Anna's web session.
    token: Secret,
}

impl std::ops::Deref for World {
    type Target = Fixture;
    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()).as_ref())
}

fn outcome<T>(result: &Result<T, OauthError>) -> &'static str {
    result.as_ref().err().map_or("ok", OauthError::code)
}

impl World {
    async fn new() -> Self {
        let options = AccessOptions {
            oauth_grants_per_account_max: 2,
            oauth_devices_per_address_max: 3,
            ..cheap()
        };
        let fixture = Fixture::new(options, "pass").await;
        let client = NewOauthClient {
            id: "reader".to_owned(),
            name: "Reader".to_owned(),
            redirects: vec![BACK.to_owned()],
            scope: Scope::all(),
            party: Party::default(),
        };
        fixture
            .access
            .set_oauth_client(&fixture.directory, &client)
            .await
            .unwrap();
        let other = NewOauthClient {
            id: "other".to_owned(),
            ..client
        };
        fixture
            .access
            .set_oauth_client(&fixture.directory, &other)
            .await
            .unwrap();
        let visit = Visit {
            peer: PEER,
            client: "",
            device: None,
        };
        let begun = fixture.access.web_sign_in(ANNA, &Secret::new("pass"), visit).await;
        let token = begun.unwrap().token;
        Self { fixture, token }
    }
    fn decider(&self) -> Decider<'_> {
        Decider {
            token: self.token.reveal(),
            peer: PEER,
        }
    }
    async fn code(&self, scope: &str) -> Secret {
        let asked = AuthorizationRequest {
            client: "reader".to_owned(),
            redirect: BACK.to_owned(),
            scope: Scope::read(scope).unwrap(),
            challenge: challenge(),
            nonce: None,
        };
        self.access.oauth_code(self.decider(), &asked).await.unwrap()
    }
    async fn redeem(&self, access: &Access, code: &Secret) -> Result<Tokens, OauthError> {
        let shown = CodeShown {
            client: "reader",
            code: code.reveal(),
            redirect: BACK,
            verifier: VERIFIER,
        };
        access.oauth_redeem(shown, PEER).await
    }
    async fn tokens(&self, scope: &str) -> Tokens {
        let code = self.code(scope).await;
        self.redeem(&self.access, &code).await.unwrap()
    }
    async fn come(&self, access: &Access, protocol: Protocol, token: &Secret) -> Result<Identity, AccessError> {
        access.verify_token(protocol, token.reveal(), Some(ANNA), PEER).await
    }
    async fn is_let_in(&self, access: &Access, token: &Secret) -> bool {
        self.come(access, Protocol::Imap, token).await.is_ok()
    }
    async fn stay(&self, access: &Access, token: &Secret) -> SessionPermit {
        let identity = self.come(access, Protocol::Imap, token).await.unwrap();
        access
            .open_session(&identity, SocketAddr::new(PEER, 4711))
            .await
            .unwrap()
    }
    async fn refresh(&self, access: &Access, token: &Secret) -> Result<Tokens, OauthError> {
        access.oauth_refresh("reader", token.reveal(), None).await
    }
    fn wait(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }
}

#[tokio::test]
async fn oauth_a_code_is_good_once_and_for_who_asked() {
    let world = World::new().await;
    let code = world.code("imap submission").await;
    let shown = |client, redirect, verifier| CodeShown {
        client,
        code: code.reveal(),
        redirect,
        verifier,
    };
    for (wrong, expect) in [
        (shown("other", BACK, VERIFIER), "invalid_grant"),
        (shown("nobody", BACK, VERIFIER), "invalid_client"),
        (shown("reader", "http://127.0.0.1/other", VERIFIER), "invalid_grant"),
        (shown("reader", BACK, &"x".repeat(43)), "invalid_grant"),
    ] {
        assert_eq!(
            outcome(&world.access.oauth_redeem(wrong, PEER).await),
            expect,
            "{wrong:?}"
        );
    }
    // On another node.
    let tokens = world.redeem(&world.other, &code).await.unwrap();
    assert_eq!(tokens.scope.to_string(), "imap submission");
    let identity = world.come(&world.access, Protocol::Imap, &tokens.access).await.unwrap();
    assert!(identity.is_app() && !identity.is_read_only());
    let pop = world.come(&world.access, Protocol::Pop3, &tokens.access).await;
    assert!(matches!(pop, Err(AccessError::NotInScope(Protocol::Pop3))), "{pop:?}");
    let as_ben = world
        .access
        .verify_token(Protocol::Imap, tokens.access.reveal(), Some("ben@example.test"), PEER);
    assert!(matches!(as_ben.await, Err(AccessError::BadCredentials)));
    // Shown again, somebody has it who should not: what came of it ends.
    let session = world.stay(&world.access, &tokens.access).await;
    assert_eq!(outcome(&world.redeem(&world.access, &code).await), "invalid_grant");
    assert_eq!(session.watch().revocation(), Some(Revocation::Withdrawn));
    assert!(!world.is_let_in(&world.other, &tokens.access).await);
    let late = world.code("imap").await;
    world.wait(61);
    assert_eq!(outcome(&world.redeem(&world.access, &late).await), "invalid_grant");
}

#[tokio::test]
async fn oauth_a_refresh_token_shown_twice_ends_its_family_on_all_nodes() {
    let world = World::new().await;
    let first = world.tokens("mail").await;
    let second = world.refresh(&world.other, &first.refresh).await.unwrap();
    let third = world.refresh(&world.access, &second.refresh).await.unwrap();
    for token in [&first.access, &second.access, &third.access] {
        assert!(world.is_let_in(&world.access, token).await, "each for its time");
    }
    drop(world.other.look().await.unwrap());
    let session = world.stay(&world.other, &third.access).await;
    assert_eq!(
        outcome(&world.refresh(&world.access, &first.refresh).await),
        "invalid_grant"
    );
    drop(world.other.look().await.unwrap());
    assert_eq!(session.watch().revocation(), Some(Revocation::Withdrawn));
    assert_eq!(
        outcome(&world.refresh(&world.access, &third.refresh).await),
        "invalid_grant"
    );
    assert!(!world.is_let_in(&world.access, &third.access).await);
    assert!(world.access.oauth_grants(world.anna).await.unwrap().is_empty());
}

#[tokio::test]
async fn oauth_tokens_end_in_time_and_scopes_only_shrink() {
    let world = World::new().await;
    let (tokens, idle) = (world.tokens("imap read-only").await, world.tokens("imap").await);
    let identity = world.come(&world.access, Protocol::Imap, &tokens.access).await.unwrap();
    assert!(identity.is_read_only());
    world.wait(3_601);
    let late = world.come(&world.access, Protocol::Imap, &tokens.access).await;
    assert!(matches!(late, Err(AccessError::Expired)), "{late:?}");
    for (wanted, expect) in [
        ("imap", "invalid_scope"),
        ("x", "invalid_scope"),
        ("imap read-only", "ok"),
    ] {
        let refreshed = world
            .access
            .oauth_refresh("reader", tokens.refresh.reveal(), Some(wanted))
            .await;
        assert_eq!(outcome(&refreshed), expect, "{wanted}");
    }
    let foreign = world.access.oauth_refresh("other", tokens.refresh.reveal(), None).await;
    assert_eq!(outcome(&foreign), "invalid_grant");
    world.wait(90 * 86_400 + 1);
    assert_eq!(
        outcome(&world.refresh(&world.access, &idle.refresh).await),
        "invalid_grant"
    );
    world.access.sweep_oauth().await;
    assert!(world.access.oauth_grants(world.anna).await.unwrap().is_empty());
}

#[tokio::test]
async fn oauth_a_new_password_and_its_owner_end_a_grant() {
    let world = World::new().await;
    let (kept, gone) = (world.tokens("imap").await, world.tokens("imap").await);
    let grants = world.access.oauth_grants(world.anna).await.unwrap();
    assert_eq!(grants.len(), 2);
    let view = world
        .access
        .oauth_introspect(gone.access.reveal())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((view.username.as_str(), view.client.as_str()), (ANNA, "reader"));
    assert_eq!(
        outcome(&world.access.oauth_give_back("other", gone.refresh.reveal()).await),
        "invalid_grant"
    );
    assert_eq!(
        outcome(&world.access.oauth_give_back("reader", gone.refresh.reveal()).await),
        "ok"
    );
    assert_eq!(
        outcome(&world.access.oauth_give_back("reader", gone.refresh.reveal()).await),
        "ok"
    );
    assert_eq!(world.access.oauth_introspect(gone.access.reveal()).await.unwrap(), None);
    let session = world.stay(&world.access, &kept.access).await;
    let credential = world.access.hash_password(&Secret::new("other")).await.unwrap();
    world.directory.set_credential(world.anna, &credential).await.unwrap();
    world.access.account_changed(world.anna).await.unwrap();
    assert_eq!(session.watch().revocation(), Some(Revocation::PasswordChanged));
    assert!(!world.is_let_in(&world.access, &kept.access).await);
    assert_eq!(
        outcome(&world.refresh(&world.access, &kept.refresh).await),
        "invalid_grant"
    );
}

#[tokio::test]
async fn oauth_the_client_used_least_lately_makes_room() {
    let world = World::new().await;
    let first = world.tokens("imap").await;
    world.wait(1);
    let second = world.tokens("imap").await;
    world.wait(1);
    let third = world.tokens("imap").await;
    assert!(!world.is_let_in(&world.access, &first.access).await);
    assert!(world.is_let_in(&world.access, &second.access).await);
    assert!(world.is_let_in(&world.access, &third.access).await);
}

#[tokio::test]
async fn acc_17_a_device_is_let_in_from_a_browser_elsewhere() {
    let world = World::new().await;
    let offer = world
        .access
        .oauth_begin_device("reader", Some("imap"), PEER)
        .await
        .unwrap();
    let poll = async |access: &Access| {
        access
            .oauth_poll_device("reader", offer.device_code.reveal(), PEER)
            .await
    };
    assert_eq!(outcome(&poll(&world.access).await), "authorization_pending");
    assert_eq!(outcome(&poll(&world.other).await), "slow_down");
    let typed = offer.user_code.to_lowercase().replace('-', " ");
    let ask = world.access.oauth_device_ask(world.decider(), &typed).await.unwrap();
    assert_eq!(
        (ask.client.name.as_str(), ask.scope.to_string().as_str()),
        ("Reader", "imap")
    );
    assert_eq!(
        outcome(&world.access.oauth_device_ask(world.decider(), "BBBB-BBBB").await),
        "invalid_grant"
    );
    world
        .access
        .oauth_decide_device(world.decider(), &typed, true)
        .await
        .unwrap();
    let again = world.access.oauth_decide_device(world.decider(), &typed, false).await;
    assert_eq!(outcome(&again), "invalid_grant");
    world.wait(5);
    let foreign = world
        .access
        .oauth_poll_device("other", offer.device_code.reveal(), PEER)
        .await;
    assert_eq!(outcome(&foreign), "invalid_grant");
    let tokens = poll(&world.other).await.unwrap();
    assert!(world.is_let_in(&world.access, &tokens.access).await);
    assert_eq!(outcome(&poll(&world.access).await), "invalid_grant");
}

#[tokio::test]
async fn acc_17_a_device_hears_of_no_and_of_too_late() {
    let world = World::new().await;
    let begin = async || world.access.oauth_begin_device("reader", None, PEER).await.unwrap();
    let refused = begin().await;
    let decide = world
        .access
        .oauth_decide_device(world.decider(), &refused.user_code, false);
    decide.await.unwrap();
    let poll = async |offer: &DeviceOffer| {
        let code = offer.device_code.reveal();
        world.access.oauth_poll_device("reader", code, PEER).await
    };
    assert_eq!(outcome(&poll(&refused).await), "access_denied");
    let late = begin().await;
    world.wait(601);
    assert_eq!(outcome(&poll(&late).await), "expired_token");
    let ask = world.access.oauth_device_ask(world.decider(), &late.user_code).await;
    assert_eq!(outcome(&ask), "invalid_grant");
    world.access.sweep_oauth().await;
    assert_eq!(outcome(&poll(&late).await), "invalid_grant");
    // Guessing ends in a lock.
    for _ in 0..10 {
        let _ = world.access.oauth_device_ask(world.decider(), "BBBB-BBBB").await;
    }
    let locked = world.access.oauth_device_ask(world.decider(), "BBBB-BBBB").await;
    assert!(
        matches!(locked, Err(OauthError::Access(AccessError::LockedOut { .. }))),
        "{locked:?}"
    );
}

#[tokio::test]
async fn acc_17_not_everybody_begins_as_often_as_they_like() {
    let world = World::new().await;
    let begin = async |peer: &str| {
        let begun = world
            .access
            .oauth_begin_device("reader", None, peer.parse().unwrap())
            .await;
        outcome(&begun)
    };
    for at in 1..=3 {
        assert_eq!(begin(&format!("2001:db8::{at}")).await, "ok");
    }
    assert_eq!(begin("2001:db8::4").await, "slow_down");
    assert_eq!(begin("2001:db8:0:1::4").await, "ok");
    world.wait(600);
    assert_eq!(begin("2001:db8::4").await, "ok");
}

#[tokio::test]
async fn mem_13_whoever_is_given_a_mailbox_is_another_person_for_clients() {
    let world = World::new().await;
    let issuer = "https://mail.example.test";
    let tokens = world.tokens("openid imap").await;
    let vouched = world.access.oauth_id_token(issuer, "reader", &tokens).await.unwrap();
    let vouched = vouched.unwrap();
    let named = async || world.access.oauth_hint(issuer, vouched.reveal()).await.unwrap();
    let of_anna = Hint {
        account: world.anna,
        client: "reader".to_owned(),
    };
    assert_eq!(named().await, Some(of_anna));
    let told = world.access.oauth_introspect(tokens.access.reveal()).await.unwrap();
    assert_eq!(told.unwrap().subject, world.anna.0.to_string());
    let asked = hongyan_directory::Recycle {
        unbind: true,
        confirmed: true,
        ..hongyan_directory::Recycle::default()
    };
    world.directory.recycle(world.anna, &asked).await.unwrap();
    assert_eq!(named().await, None, "nobody has it");
    let next = hongyan_directory::Restore::Member {
        name: Some("Ben".to_owned()),
        profile: None,
        credential: None,
        invited: false,
        another: true,
    };
    world.directory.restore(world.tenant, world.anna, &next).await.unwrap();
    assert_eq!(named().await, None, "it names who had the mailbox before");
    let told = world.access.oauth_introspect(tokens.access.reveal()).await.unwrap();
    assert_eq!(told, None);
    let ben = world.directory.account(world.anna).await.unwrap().unwrap();
    assert_ne!(ben.subject(), world.anna.0.to_string());
}
