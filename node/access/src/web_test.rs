use std::net::SocketAddr;
use std::time::Duration;

use hongyan_directory::{AccountChange, AccountState, Field};

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};
use crate::totp::Totp;
use crate::{AccessError, AccessOptions, Revocation, SecondProof, SessionFilter};

const PASSWORD: &str = "Correct-horse7";

struct World(Fixture);

impl std::ops::Deref for World {
    type Target = Fixture;
    fn deref(&self) -> &Fixture {
        &self.0
    }
}

impl World {
    async fn new() -> Self {
        let options = AccessOptions {
            web_sessions_per_account_max: 3,
            trusted_devices_max: 2,
            ..cheap()
        };
        Self(Fixture::new(options, PASSWORD).await)
    }
    async fn begin_with(&self, password: &str, device: Option<&str>) -> Result<Begun, AccessError> {
        let visit = Visit {
            peer: PEER,
            client: "Browser\r\n 1",
            device,
        };
        self.access.web_sign_in(ANNA, &Secret::new(password), visit).await
    }
    async fn begin(&self) -> Begun {
        self.begin_with(PASSWORD, None).await.unwrap()
    }
    async fn stage(&self, token: &Secret) -> Result<Stage, AccessError> {
        Ok(self.access.web_session(token.reveal(), PEER).await?.stage)
    }
    async fn enrol(&self) -> Vec<Secret> {
        self.access.begin_totp(&self.directory, self.anna, 60).await.unwrap();
        let factors = self.directory.factors(self.anna).await.unwrap();
        let code = self.code_of(factors.pending_totp.as_ref().unwrap());
        let codes = self.access.confirm_totp(&self.directory, self.anna, &code).await;
        self.clock.advance(Duration::from_secs(60));
        codes.unwrap()
    }
    fn code_of(&self, key: &hongyan_directory::TotpKey) -> String {
        let secret = self.totp_secret(key);
        let totp = Totp {
            secret: &secret,
            period_secs: key.period_secs,
        };
        format!("{:06}", totp.code(totp.step(self.access.now().millis)))
    }
    async fn code(&self) -> SecondProof {
        let factors = self.directory.factors(self.anna).await.unwrap();
        SecondProof::Totp(self.code_of(factors.totp.as_ref().unwrap()))
    }
    async fn second(&self, token: &Secret, proof: &SecondProof, trust: Option<&str>) -> Result<Passed, AccessError> {
        self.access.web_second_factor(token.reveal(), proof, trust, PEER).await
    }
    /// Lets the other node see what changed.
    async fn look(&self) {
        drop(self.other.look().await.unwrap());
    }
}

fn wrong() -> SecondProof {
    SecondProof::Totp("x".to_owned())
}

#[tokio::test]
async fn auth_1_a_session_is_known_to_every_node_until_it_ends() {
    let world = World::new().await;
    let refused = world.begin_with("wrong", None).await;
    assert!(matches!(refused, Err(AccessError::BadCredentials)));
    let begun = world.begin().await;
    assert!(is_web_token(begun.token.reveal()));
    assert_eq!(
        (begun.session.stage, begun.session.client.as_str()),
        (Stage::SignedIn, "Browser 1")
    );
    let identity = world.other.web_identity(begun.token.reveal(), PEER).await.unwrap();
    assert_eq!(identity.account.id, world.anna);
    let permit = world
        .other
        .open_session(&identity, SocketAddr::new(PEER, 1))
        .await
        .unwrap();
    world.look().await;
    world.access.end_web_session(begun.token.reveal()).await.unwrap();
    world.look().await;
    assert_eq!(permit.watch().revocation(), Some(Revocation::SignedOut));
    for node in [&world.access, &world.other] {
        let gone = node.web_identity(begun.token.reveal(), PEER).await;
        assert!(matches!(gone, Err(AccessError::NotSignedIn)));
    }
    for token in ["", "hyw_", "hyw_AAAA", "x"] {
        let nobody = world.access.web_session(token, PEER).await;
        assert!(matches!(nobody, Err(AccessError::NotSignedIn)), "{token}");
    }
}

#[tokio::test]
async fn auth_15_the_second_factor_comes_between() {
    let world = World::new().await;
    world.enrol().await;
    let begun = world.begin().await;
    assert_eq!(begun.session.stage, Stage::SecondFactor);
    let refused = world.access.web_identity(begun.token.reveal(), PEER).await;
    assert!(matches!(refused, Err(AccessError::Unfinished(Stage::SecondFactor))));
    assert!(matches!(
        world.second(&begun.token, &wrong(), None).await,
        Err(AccessError::WrongCode)
    ));
    let code = world.code().await;
    let passed = world.second(&begun.token, &code, None).await.unwrap();
    assert_eq!((passed.session.stage, passed.device.is_none()), (Stage::SignedIn, true));
    assert!(world.other.web_identity(begun.token.reveal(), PEER).await.is_ok());
    // The same code opens no other session.
    let other = world.begin().await;
    assert!(matches!(
        world.second(&other.token, &code, None).await,
        Err(AccessError::WrongCode)
    ));
}

#[tokio::test]
async fn auth_five_wrong_codes_end_the_attempt() {
    let world = World::new().await;
    world.enrol().await;
    let begun = world.begin().await;
    for _ in 0..5 {
        assert!(matches!(
            world.second(&begun.token, &wrong(), None).await,
            Err(AccessError::WrongCode)
        ));
    }
    let code = world.code().await;
    let over = world.second(&begun.token, &code, None).await;
    assert!(matches!(over, Err(AccessError::NotSignedIn)));
}

#[tokio::test]
async fn auth_19_a_trusted_device_needs_no_code_until_its_time_the_list_or_the_password_ends_it() {
    let world = World::new().await;
    world.enrol().await;
    let trust = async |name: &str| {
        let begun = world.begin().await;
        world.clock.advance(Duration::from_secs(60));
        let passed = world.second(&begun.token, &world.code().await, Some(name)).await;
        passed.unwrap().device.unwrap()
    };
    let stage = async |device: &Secret| {
        let begun = world.begin_with(PASSWORD, Some(device.reveal())).await;
        begun.unwrap().session.stage
    };
    let account = world.directory.account(world.anna).await.unwrap().unwrap();
    let first = trust("Desk").await;
    assert_eq!(stage(&first).await, Stage::SignedIn);
    assert_eq!(
        stage(&Secret::new(format!("{}x", first.reveal()))).await,
        Stage::SecondFactor
    );
    assert_eq!(stage(&Secret::new("nothing")).await, Stage::SecondFactor);
    let listed = world.access.trusted_devices(world.anna).await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, "Desk"));
    let id = Some(listed[0].id);
    world.access.distrust(&world.directory, &account, id).await.unwrap();
    assert_eq!(stage(&first).await, Stage::SecondFactor);
    let twice = world.access.distrust(&world.directory, &account, id).await;
    assert!(matches!(twice, Err(AccessError::Directory(_))));
    // The one used least lately makes room.
    let (first, second, third) = (trust("1").await, trust("2").await, trust("3").await);
    assert_eq!(stage(&first).await, Stage::SecondFactor);
    assert_eq!(
        (stage(&second).await, stage(&third).await),
        (Stage::SignedIn, Stage::SignedIn)
    );
    world.clock.advance(Duration::from_secs(90 * 24 * 3600));
    assert_eq!(stage(&third).await, Stage::SecondFactor);
    let device = trust("4").await;
    let credential = world.access.hash_password_of(world.anna, &Secret::new(PASSWORD)).await;
    world
        .directory
        .set_credential(world.anna, &credential.unwrap())
        .await
        .unwrap();
    assert_eq!(stage(&device).await, Stage::SecondFactor);
    assert_eq!(world.access.trusted_devices(world.anna).await.unwrap(), []);
}

#[tokio::test]
async fn auth_sessions_end_unused_after_their_time_and_with_the_account() {
    let world = World::new().await;
    let begun = world.begin().await;
    let hours = |hours: u64| world.clock.advance(Duration::from_secs(hours * 3600));
    for _ in 0..14 {
        hours(48);
        assert!(world.stage(&begun.token).await.is_ok(), "used every other day");
    }
    hours(49);
    assert!(world.stage(&begun.token).await.is_err(), "30 days at most");
    let begun = world.begin().await;
    hours(73);
    assert!(world.stage(&begun.token).await.is_err(), "three days unused");
    let begun = world.begin().await;
    let suspended = AccountChange {
        state: Field::Set(AccountState::Suspended),
        ..AccountChange::default()
    };
    world.directory.change_account(world.anna, &suspended).await.unwrap();
    assert!(matches!(world.stage(&begun.token).await, Err(AccessError::Suspended)));
    assert!(matches!(
        world.begin_with(PASSWORD, None).await,
        Err(AccessError::Suspended)
    ));
    hours(31 * 24);
    world.access.sweep_web_sessions().await;
    let left = world.access.web_sessions(SessionFilter::All, None, 9).await.unwrap();
    assert_eq!(left.len(), 0);
}

#[tokio::test]
async fn auth_sessions_are_listed_and_ended_with_all_others() {
    let world = World::new().await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(world.begin().await.token);
        world.clock.advance(Duration::from_secs(61));
    }
    assert!(world.stage(&tokens[0]).await.is_err(), "the fourth took its place");
    let all = world
        .access
        .sessions_everywhere(SessionFilter::All, None, 9)
        .await
        .found;
    assert_eq!(all.len(), 3);
    assert_eq!(
        (all[0].client.as_str(), all[0].peer),
        ("Browser 1", SocketAddr::new(PEER, 0))
    );
    let page = world
        .other
        .sessions_everywhere(SessionFilter::Tenant(all[0].tenant), Some(all[0].id), 1)
        .await;
    assert_eq!(page.found[0].id, all[1].id);
    let ended = world
        .other
        .revoke_everywhere(SessionFilter::One(all[1].id))
        .await
        .unwrap();
    assert_eq!(ended.found, 1);
    let filter = SessionFilter::Account(world.anna);
    assert_eq!(world.access.sessions_everywhere(filter, None, 9).await.found.len(), 2);
    assert_eq!(world.access.revoke_everywhere(filter).await.unwrap().found, 2);
    for token in &tokens {
        assert!(world.stage(token).await.is_err());
    }
}

#[tokio::test]
async fn auth_8_and_10_a_password_is_changed_by_its_owner() {
    let world = World::new().await;
    let (mine, other) = (world.begin().await, world.begin().await);
    world
        .access
        .set_must_change(&world.directory, world.anna, true)
        .await
        .unwrap();
    let refused = world.access.web_identity(mine.token.reveal(), PEER).await;
    assert!(matches!(refused, Err(AccessError::Unfinished(Stage::ChangePassword))));
    let change = async |old: &str, new: &str| {
        let (old, new) = (Secret::new(old), Secret::new(new));
        world
            .access
            .web_change_password(mine.token.reveal(), &old, &new, PEER)
            .await
    };
    let new = "Battery-staple8";
    assert!(matches!(change("wrong", new).await, Err(AccessError::BadCredentials)));
    for weak in [PASSWORD, "short", "anna@example.test1A"] {
        assert!(
            matches!(change(PASSWORD, weak).await, Err(AccessError::BadPassword(_))),
            "{weak}"
        );
    }
    assert_eq!(change(PASSWORD, new).await.unwrap().stage, Stage::SignedIn);
    assert!(world.access.web_identity(mine.token.reveal(), PEER).await.is_ok());
    assert!(matches!(world.stage(&other.token).await, Err(AccessError::NotSignedIn)));
    assert!(world.begin_with(PASSWORD, None).await.is_err());
    assert!(world.begin_with(new, None).await.is_ok());
}

#[tokio::test]
async fn auth_25_a_proof_is_shown_anew_with_the_strongest_there_is() {
    let world = World::new().await;
    let begun = world.begin().await;
    let proved = begun.session.proved;
    world.clock.advance(Duration::from_secs(700));
    let prove = async |proof: WebProof| world.access.web_prove(begun.token.reveal(), &proof, PEER).await;
    let password = |text: &str| WebProof::Password(Secret::new(text));
    assert!(matches!(
        prove(password("wrong")).await,
        Err(AccessError::BadCredentials)
    ));
    let identity = async || world.access.web_identity(begun.token.reveal(), PEER).await.unwrap();
    let old = world.access.check_proof(&identity().await);
    assert!(matches!(old, Err(AccessError::ProofNeeded)));
    let later = prove(password(PASSWORD)).await.unwrap().proved;
    assert!(later > proved);
    assert!(world.access.check_proof(&identity().await).is_ok());
    world.enrol().await;
    let stage = world.stage(&begun.token).await.unwrap();
    assert_eq!(stage, Stage::SecondFactor, "it has not shown the new factor");
    world.second(&begun.token, &world.code().await, None).await.unwrap();
    assert!(matches!(prove(password(PASSWORD)).await, Err(AccessError::NeedsCode)));
    world.clock.advance(Duration::from_secs(60));
    let code = WebProof::Second(world.code().await);
    assert!(prove(code.clone()).await.is_ok());
    assert!(matches!(prove(code).await, Err(AccessError::WrongCode)), "once");
}

#[tokio::test]
async fn api_2_who_was_told_of_a_session_is_known_as_long_as_it_lasts() {
    let world = World::new().await;
    let begun = world.begin().await;
    let (id, other) = (begun.session.id, world.begin().await.session.id);
    let keep = async |name: &str, note: u8, began: bool| {
        let participant = Participant {
            name: name.to_owned(),
            note: vec![note],
            began,
        };
        world.access.keep_participant(id, participant, 2).await
    };
    let told = async |filter: SessionFilter| {
        let mut told = Vec::new();
        for (session, all) in world.access.web_participants(filter).await.unwrap() {
            told.extend(all.into_iter().map(|one| (session, one.name, one.note[0])));
        }
        told
    };
    keep("provider", 1, true).await.unwrap();
    keep("a", 2, false).await.unwrap();
    keep("b", 3, false).await.unwrap();
    // It is told again: what it was told before counts no more, and it was told last.
    keep("a", 4, false).await.unwrap();
    // One too many: the one that was told longest ago goes, and never the one that began it.
    keep("c", 5, false).await.unwrap();
    let expect = [("provider", 1), ("a", 4), ("c", 5)].map(|(name, note)| (id, name.to_owned(), note));
    assert_eq!(told(SessionFilter::One(id)).await, expect);
    assert_eq!(told(SessionFilter::Account(world.anna)).await, expect);
    assert!(told(SessionFilter::One(other)).await.is_empty());
    // The rest of the session is as it was.
    assert_eq!(world.stage(&begun.token).await.unwrap(), Stage::SignedIn);
    world.access.end_web_session(begun.token.reveal()).await.unwrap();
    assert!(told(SessionFilter::Account(world.anna)).await.is_empty());
    let late = keep("a", 6, false).await;
    assert!(matches!(late, Err(AccessError::NotSignedIn)), "{late:?}");
}
