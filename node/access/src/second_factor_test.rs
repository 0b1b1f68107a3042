use std::time::Duration;

use hongyan_directory::Factors;

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};
use crate::{AccessOptions, Protocol};

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
            code_failures_max: 3,
            ..cheap()
        };
        Self(Fixture::new(options, "pass").await)
    }
    async fn factors(&self) -> std::sync::Arc<Factors> {
        self.directory.factors(self.anna).await.unwrap()
    }
    /// The code that a phone shows whose clock is off by so many seconds.
    fn code(&self, key: &TotpKey, off_secs: i64) -> String {
        let now = self.access.now().millis + off_secs * 1_000;
        let secret = self.totp_secret(key);
        let totp = Totp {
            secret: &secret,
            period_secs: key.period_secs,
        };
        format!("{:06}", totp.code(totp.step(now)))
    }
    async fn enrol(&self) -> (TotpKey, Vec<Secret>) {
        self.access.begin_totp(&self.directory, self.anna, 60).await.unwrap();
        let key = self.factors().await.pending_totp.clone().unwrap();
        let code = self.code(&key, 0);
        let codes = self.access.confirm_totp(&self.directory, self.anna, &code).await;
        (key, codes.unwrap())
    }
    async fn show(&self, access: &Access, proof: SecondProof) -> Result<(), AccessError> {
        let login = self.directory.login_of(self.anna).await.unwrap().unwrap();
        access.check_second(&login, &proof, PEER).await
    }
    async fn show_code(&self, access: &Access, code: String) -> Result<(), AccessError> {
        self.show(access, SecondProof::Totp(code)).await
    }
    fn minutes(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
    }
}

#[tokio::test]
async fn auth_16_an_app_counts_once_it_has_shown_a_code() {
    let world = World::new().await;
    let refused = world.access.begin_totp(&world.directory, world.anna, 45).await;
    assert!(matches!(refused, Err(AccessError::Directory(Error::Invalid(_)))));
    let nothing = world.access.confirm_totp(&world.directory, world.anna, "123456").await;
    assert!(matches!(nothing, Err(AccessError::Directory(Error::Refused(_)))));
    let offer = world.access.begin_totp(&world.directory, world.anna, 60).await.unwrap();
    assert!(
        offer
            .uri
            .reveal()
            .starts_with("otpauth://totp/Acme:anna%40example.test?secret=")
    );
    assert!(offer.uri.reveal().contains(offer.secret.reveal()) && offer.uri.reveal().ends_with("period=60"));
    assert!(!world.factors().await.has_second_factor());
    for wrong in ["", "12345", "abcdef"] {
        let outcome = world.access.confirm_totp(&world.directory, world.anna, wrong).await;
        assert!(matches!(outcome, Err(AccessError::WrongCode)), "{wrong}");
    }
    world.minutes(24 * 60);
    let late = world.access.confirm_totp(&world.directory, world.anna, "123456").await;
    assert!(matches!(late, Err(AccessError::Directory(Error::Refused(_)))));
    let (_, codes) = world.enrol().await;
    assert_eq!(codes.len(), 10);
    let factors = world.factors().await;
    assert!(factors.has_second_factor() && factors.pending_totp.is_none());
    // Clients need an app password from now on.
    let password = Secret::new("pass");
    let client = world
        .access
        .verify_password(Protocol::Imap, ANNA, &password, PEER)
        .await;
    assert!(matches!(client, Err(AccessError::AppPasswordRequired)));
}

#[tokio::test]
async fn auth_a_code_is_taken_once_on_whatever_node() {
    let world = World::new().await;
    let (key, _) = world.enrol().await;
    let replayed = world.show_code(&world.access, world.code(&key, 0)).await;
    assert!(matches!(replayed, Err(AccessError::WrongCode)), "the one that enrolled");
    world.minutes(1);
    let code = world.code(&key, 0);
    world.show_code(&world.access, code.clone()).await.unwrap();
    for node in [&world.access, &world.other] {
        let replayed = world.show_code(node, code.clone()).await;
        assert!(matches!(replayed, Err(AccessError::WrongCode)));
    }
    world.minutes(1);
    // One that is older than what was taken is gone with it.
    let earlier = world.show_code(&world.other, world.code(&key, -60)).await;
    assert!(matches!(earlier, Err(AccessError::WrongCode)));
}

#[tokio::test]
async fn auth_17_clocks_may_be_off_by_two_minutes_either_way() {
    for (off, good) in [
        (0, true),
        (-120, true),
        (120, true),
        (-240, false),
        (240, false),
        (3_600, false),
    ] {
        let world = World::new().await;
        let (key, _) = world.enrol().await;
        world.minutes(10);
        let outcome = world.show_code(&world.other, world.code(&key, off)).await;
        assert_eq!(outcome.is_ok(), good, "{off}");
        if let Err(error) = outcome {
            assert!(error.text().contains("clock"), "{error}");
        }
    }
}

#[tokio::test]
async fn auth_wrong_codes_are_counted_over_all_nodes() {
    let world = World::new().await;
    let (key, recovery) = world.enrol().await;
    world.minutes(1);
    for node in [&world.access, &world.other, &world.access] {
        let wrong = world.show_code(node, "x".to_owned()).await;
        assert!(matches!(wrong, Err(AccessError::WrongCode)));
    }
    let locked = world.show_code(&world.other, world.code(&key, 0)).await;
    let Err(AccessError::LockedOut { retry_secs }) = locked else {
        panic!("{locked:?}");
    };
    assert_eq!(retry_secs, 24 * 3600);
    // Who lost the phone is not locked out by who found it.
    let code = recovery[0].reveal().to_uppercase();
    world
        .show(&world.access, SecondProof::RecoveryCode(code))
        .await
        .unwrap();
    world.minutes(24 * 60);
    world.show_code(&world.other, world.code(&key, 0)).await.unwrap();
}

#[tokio::test]
async fn auth_a_recovery_code_is_good_once_and_for_its_account() {
    let world = World::new().await;
    let (_, codes) = world.enrol().await;
    let show = async |access: &Access, code: &Secret| {
        world
            .show(access, SecondProof::RecoveryCode(code.reveal().to_owned()))
            .await
    };
    show(&world.other, &codes[3]).await.unwrap();
    for node in [&world.access, &world.other] {
        assert!(matches!(show(node, &codes[3]).await, Err(AccessError::WrongCode)));
    }
    let renewed = world
        .access
        .renew_recovery_codes(&world.directory, world.anna)
        .await
        .unwrap();
    assert!(matches!(
        show(&world.access, &codes[4]).await,
        Err(AccessError::WrongCode)
    ));
    show(&world.access, &renewed[4]).await.unwrap();
    world
        .access
        .remove_second_factor(&world.directory, world.anna)
        .await
        .unwrap();
    assert_eq!(world.factors().await.recovery_codes.len(), 0);
    let refused = world.access.renew_recovery_codes(&world.directory, world.anna).await;
    assert!(matches!(refused, Err(AccessError::Directory(Error::Refused(_)))));
}

#[tokio::test]
async fn auth_16_the_secret_of_an_app_is_sealed_in_the_store() {
    let world = World::new().await;
    let (key, _) = world.enrol().await;
    let secret = world.totp_secret(&key);
    assert!(matches!(key.secret, hongyan_seal::Kept::Sealed(_)));
    let all = hongyan_kv::KeyRange::prefix(&[]);
    let mut transaction = world.directory.database().begin();
    let stored = transaction
        .get_range_all(hongyan_kv::RangeQuery::all(all))
        .await
        .unwrap();
    let holds = |octets: &[u8]| octets.windows(secret.len()).any(|window| window == secret);
    assert!(!stored.is_empty() && !stored.iter().any(|pair| holds(&pair.value)));
}

#[tokio::test]
async fn auth_16_without_the_key_a_recovery_code_or_an_administrator_helps() {
    let world = World::new().await;
    let (key, codes) = world.enrol().await;
    world.minutes(2);
    let code = world.code(&key, 0);
    // Another node over the same store, whose file of keys is lost.
    let database = world.directory.database().clone();
    let bare = Directory::new(database.clone(), world.directory.env().clone(), Default::default());
    bare.sealer().make_key();
    let access = Access::open(bare.clone(), &database, bare.env().clone(), cheap())
        .await
        .unwrap();
    let refused = world.show_code(&access, code).await.unwrap_err();
    assert!(matches!(
        refused,
        AccessError::Sealed(hongyan_seal::SealError::UnknownKey(_))
    ));
    assert!(refused.text().contains("recovery code") && !refused.is_temporary());
    let recovery = SecondProof::RecoveryCode(codes[0].reveal().to_owned());
    world.show(&access, recovery).await.unwrap();
    access.remove_second_factor(&bare, world.anna).await.unwrap();
    access.begin_totp(&bare, world.anna, 60).await.unwrap();
}

#[test]
fn a_clock_that_was_set_back_does_not_make_a_lock_last() {
    let taken = Taken {
        step: 5,
        failures: 3,
        window_start_millis: 10_000,
    };
    assert!(matches!(
        judge(taken, &[6], (3, 1_000), 10_500).1,
        Verdict::Locked { until_millis: 11_000 }
    ));
    assert_eq!(judge(taken, &[6], (3, 1_000), 9_000).1, Verdict::Taken);
    assert_eq!(judge(taken, &[6], (3, 1_000), 11_000).1, Verdict::Taken);
    assert_eq!(judge(taken, &[5], (3, 1_000), 11_000).1, Verdict::Wrong);
}

#[test]
fn golden_bytes() {
    let taken = Taken {
        step: 5,
        failures: 3,
        window_start_millis: 1_000,
    };
    let stored = record::encode(V1, &taken);
    let shown: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shown, "0100018305031903e8");
}
