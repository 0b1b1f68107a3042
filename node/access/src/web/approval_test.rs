//! Who signs in waits, and who is signed in confirms.

use std::time::Duration;

use hongyan_sasl::Secret;

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};
use crate::totp::Totp;
use crate::{AccessOptions, Begun, SecondProof, Visit};

struct World {
    node: Fixture,
    /// A session that is signed in.
    phone: Secret,
}

impl World {
    async fn new() -> Self {
        let options = AccessOptions {
            approvals_per_hour_max: 3,
            ..cheap()
        };
        let node = Fixture::new(options, "pass").await;
        node.access.begin_totp(&node.directory, node.anna, 60).await.unwrap();
        let factors = node.directory.factors(node.anna).await.unwrap();
        let key = factors.pending_totp.clone().unwrap();
        let secret = node.totp_secret(&key);
        let code = || {
            let totp = Totp {
                secret: &secret,
                period_secs: 60,
            };
            format!("{:06}", totp.code(totp.step(node.access.now().millis)))
        };
        node.access
            .confirm_totp(&node.directory, node.anna, &code())
            .await
            .unwrap();
        node.clock.advance(Duration::from_secs(60));
        let phone = begin(&node).await.token;
        let proof = SecondProof::Totp(code());
        node.access
            .web_second_factor(phone.reveal(), &proof, None, PEER)
            .await
            .unwrap();
        Self { node, phone }
    }
    async fn stage(&self, token: &Secret) -> Option<Stage> {
        let session = self.node.access.web_session(token.reveal(), PEER).await;
        session.ok().map(|session| session.stage)
    }
    async fn ask(&self, token: &Secret) -> Result<AskedApproval, AccessError> {
        self.node.access.web_ask_approval(token.reveal(), PEER).await
    }
    async fn waiting(&self) -> Vec<Approval> {
        // The other node knows of it as well.
        self.node.other.web_approvals(self.phone.reveal(), PEER).await.unwrap()
    }
    async fn approve(&self, id: u64, number: u8) -> Result<(), AccessError> {
        self.node.other.web_approve(self.phone.reveal(), id, number, PEER).await
    }
}

async fn begin(node: &Fixture) -> Begun {
    let visit = Visit {
        peer: PEER,
        client: "Browser",
        device: None,
    };
    node.access
        .web_sign_in(ANNA, &Secret::new("pass"), visit)
        .await
        .unwrap()
}

fn wrong(number: u8) -> u8 {
    if number == 99 { 10 } else { number + 1 }
}

#[tokio::test]
async fn auth_18_a_sign_in_is_confirmed_with_the_number_that_it_shows() {
    let world = World::new().await;
    let laptop = begin(&world.node).await.token;
    assert_eq!(world.stage(&laptop).await, Some(Stage::SecondFactor));
    let asked = world.ask(&laptop).await.unwrap();
    assert!((10..100).contains(&asked.number));
    let waiting = world.waiting().await;
    assert_eq!((waiting.len(), waiting[0].client.as_str()), (1, "Browser"));
    // Whoever signs in does not confirm it themselves.
    let own = world
        .node
        .access
        .web_approve(laptop.reveal(), waiting[0].id, asked.number, PEER)
        .await;
    assert!(matches!(own, Err(AccessError::Unfinished(Stage::SecondFactor))));
    let missed = world.approve(waiting[0].id, wrong(asked.number)).await;
    assert!(matches!(missed, Err(AccessError::WrongCode)));
    world.approve(waiting[0].id, asked.number).await.unwrap();
    assert_eq!(world.stage(&laptop).await, Some(Stage::SignedIn));
    assert!(world.waiting().await.is_empty());
    let again = world.approve(waiting[0].id, asked.number).await;
    assert!(matches!(again, Err(AccessError::Directory(Error::NotFound { .. }))));
}

#[tokio::test]
async fn auth_18_a_refused_sign_in_and_one_with_five_wrong_numbers_end() {
    let world = World::new().await;
    let laptop = begin(&world.node).await.token;
    world.ask(&laptop).await.unwrap();
    let id = world.waiting().await[0].id;
    world
        .node
        .access
        .web_refuse(world.phone.reveal(), id, PEER)
        .await
        .unwrap();
    assert_eq!(world.stage(&laptop).await, None);
    let laptop = begin(&world.node).await.token;
    let asked = world.ask(&laptop).await.unwrap();
    let id = world.waiting().await[0].id;
    for _ in 0..WRONG_NUMBERS_MAX {
        assert_eq!(world.stage(&laptop).await, Some(Stage::SecondFactor));
        let missed = world.approve(id, wrong(asked.number)).await;
        assert!(matches!(missed, Err(AccessError::WrongCode)));
    }
    assert_eq!(world.stage(&laptop).await, None);
    assert!(world.waiting().await.is_empty());
}

#[tokio::test]
async fn auth_18_what_waits_too_long_is_over_and_nobody_is_worn_down() {
    let world = World::new().await;
    let laptop = begin(&world.node).await.token;
    let first = world.ask(&laptop).await.unwrap();
    let id = world.waiting().await[0].id;
    let lasts = world.node.access.0.options.approval_secs;
    world.node.clock.advance(Duration::from_secs(lasts));
    let late = world.approve(id, first.number).await;
    assert!(matches!(late, Err(AccessError::Directory(Error::NotFound { .. }))));
    assert_eq!(
        world.stage(&laptop).await,
        Some(Stage::SecondFactor),
        "a code still helps"
    );
    world.ask(&laptop).await.unwrap();
    world.ask(&laptop).await.unwrap();
    assert_eq!(
        world.waiting().await.len(),
        1,
        "asking again takes the place of what was asked"
    );
    assert!(matches!(world.ask(&laptop).await, Err(AccessError::LockedOut { .. })));
    world.node.clock.advance(Duration::from_secs(3_600));
    world.ask(&laptop).await.unwrap();
}

#[tokio::test]
async fn auth_20_the_factor_is_switched_off_once_another_device_has_confirmed() {
    let world = World::new().await;
    let laptop = begin(&world.node).await.token;
    let asked = world.ask(&laptop).await.unwrap();
    world.approve(world.waiting().await[0].id, asked.number).await.unwrap();
    let access = &world.node.access;
    let fresh = access.0.options.fresh_proof_secs;
    world.node.clock.advance(Duration::from_secs(fresh + 1));
    let stale = access.web_remove_second_factor(laptop.reveal(), PEER).await;
    assert!(matches!(stale, Err(AccessError::ProofNeeded)));
    // The other node hears of it with the directory's changes.
    drop(world.node.other.look().await.unwrap());
    let mut heard = world.node.other.watch_approvals(world.node.anna);
    let asked = world.ask(&laptop).await.unwrap();
    drop(world.node.other.look().await.unwrap());
    heard.changed().await;
    let waiting = world.waiting().await;
    assert!(waiting[0].is_proof);
    // Whoever asks does not confirm it themselves.
    assert!(access.web_approvals(laptop.reveal(), PEER).await.unwrap().is_empty());
    let own = access
        .web_approve(laptop.reveal(), waiting[0].id, asked.number, PEER)
        .await;
    assert!(matches!(own, Err(AccessError::Directory(Error::NotFound { .. }))));
    world.approve(waiting[0].id, asked.number).await.unwrap();
    access.web_remove_second_factor(laptop.reveal(), PEER).await.unwrap();
    let after = begin(&world.node).await.token;
    assert_eq!(world.stage(&after).await, Some(Stage::SignedIn));
}

#[tokio::test]
async fn auth_18_nobody_is_asked_where_nobody_is_signed_in() {
    let world = World::new().await;
    let nothing = world.ask(&world.phone).await;
    assert!(matches!(nothing, Err(AccessError::Directory(Error::Refused(_)))));
    world.node.access.end_web_session(world.phone.reveal()).await.unwrap();
    let laptop = begin(&world.node).await.token;
    let alone = world.ask(&laptop).await;
    assert!(matches!(alone, Err(AccessError::Directory(Error::Refused(_)))));
}

#[test]
fn golden_bytes() {
    let waiting = Waiting {
        asked: 1,
        window_start_millis: 2,
        entries: vec![Entry {
            id: 3,
            session: [0xAA; 32],
            number: 42,
            peer: "::1".to_owned(),
            client: "X".to_owned(),
            created_millis: 4,
            end_millis: 5,
            wrong: 6,
            is_proof: None,
        }],
    };
    let found = stored::encode(V1, &waiting);
    let shown: String = found.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(
        shown,
        format!("010001830102818803{}{}182a633a3a316158040506", "5820", "aa".repeat(32))
    );
    assert_eq!(stored::decode::<Waiting>(V1, &found), Ok(waiting));
}
