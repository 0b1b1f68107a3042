use std::net::SocketAddr;
use std::time::Duration;

use hongyan_directory::{AccountChange, AccountSettings, Field};

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};
use crate::{AccessOptions, Identity, Revocation, SessionPermit};

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
            app_passwords_per_account_max: 3,
            ..cheap()
        };
        Self(Fixture::new(options, "pass").await)
    }
    async fn add(&self, new: &NewAppPassword) -> Result<MadeAppPassword, AccessError> {
        self.access.add_app_password(&self.directory, self.anna, new).await
    }
    async fn sign_in(&self, protocol: Protocol, password: &str) -> Result<Identity, AccessError> {
        let password = Secret::new(password);
        self.access.verify_password(protocol, ANNA, &password, PEER).await
    }
    async fn open(&self, password: &str) -> SessionPermit {
        let identity = self.sign_in(Protocol::Imap, password).await.unwrap();
        let peer = SocketAddr::new(PEER, 4711);
        self.access.open_session(&identity, peer).await.unwrap()
    }
    /// Signs in with SCRAM as a client that has `password`.
    async fn scram(&self, password: &str) -> Result<Identity, AccessError> {
        let (keys, attempt) = self.access.scram_keys(ANNA, PEER).await.unwrap();
        let (salt, iterations) = (keys[0].salt.clone(), keys[0].iterations);
        let shown = StoredKeys::derive(password, &salt, iterations);
        let proved = keys.iter().position(|keys| keys.stored_key == shown.stored_key);
        self.access.finish_scram(Protocol::Imap, attempt, PEER, proved).await
    }
    async fn secure(&self) {
        let set = self.access.set_secure_login(&self.directory, self.anna, true);
        set.await.unwrap();
    }
}

fn phone() -> NewAppPassword {
    NewAppPassword {
        name: " Phone ".to_owned(),
        protocols: BTreeSet::from([Protocol::Imap, Protocol::Submission]),
        read_only: false,
        days: None,
    }
}

fn told<T: std::fmt::Debug>(outcome: Result<T, AccessError>) -> String {
    outcome.unwrap_err().to_string()
}

#[tokio::test]
async fn auth_21_it_opens_its_protocols_however_it_is_typed() {
    let world = World::new().await;
    let made = world.add(&phone()).await.unwrap();
    let password = made.password.reveal();
    assert_eq!((made.kept.id, made.kept.name.as_str()), (1, "Phone"));
    assert_eq!((password.len(), password.matches('-').count()), (23, 3));
    for typed in [
        password.to_owned(),
        password.replace('-', ""),
        password.replace('-', " ").to_uppercase(),
    ] {
        let identity = world.sign_in(Protocol::Imap, &typed).await.unwrap();
        assert!(identity.is_app() && !identity.is_read_only());
    }
    assert!(world.sign_in(Protocol::Submission, password).await.is_ok());
    assert_eq!(
        told(world.sign_in(Protocol::Pop3, password).await),
        "this app password is not for POP3"
    );
    let missing = password.get(1..).unwrap();
    for wrong in [missing, "", "aaaaa-aaaaa-aaaaa-aaaaa"] {
        let outcome = world.sign_in(Protocol::Imap, wrong).await;
        assert!(matches!(outcome, Err(AccessError::BadCredentials)), "{wrong}");
    }
    // The account's own password goes on to work while nothing forbids it.
    assert!(!world.sign_in(Protocol::Pop3, "pass").await.unwrap().is_app());
}

#[tokio::test]
async fn auth_21_scram_finds_out_which_password_it_is() {
    let world = World::new().await;
    let first = world.add(&phone()).await.unwrap();
    let second = world.add(&phone()).await.unwrap();
    for password in [&first.password, &second.password] {
        assert!(world.scram(password.reveal()).await.unwrap().is_app());
    }
    assert!(!world.scram("pass").await.unwrap().is_app());
    assert!(world.scram("other").await.is_err());
    // A new password of the account leaves them all as they were (AUTH-8).
    let new = world
        .access
        .hash_password_of(world.anna, &Secret::new("new pass"))
        .await;
    let credential = new.unwrap();
    world.directory.set_credential(world.anna, &credential).await.unwrap();
    assert!(world.scram(first.password.reveal()).await.unwrap().is_app());
    assert!(!world.scram("new pass").await.unwrap().is_app());
    assert!(world.scram("pass").await.is_err());
    world.secure().await;
    assert!(matches!(
        world.scram("new pass").await,
        Err(AccessError::AppPasswordRequired)
    ));
    assert!(world.scram(second.password.reveal()).await.is_ok());
}

#[tokio::test]
async fn auth_24_with_secure_login_clients_need_one() {
    let world = World::new().await;
    let running = world.open("pass").await;
    world.secure().await;
    // It takes effect at the next sign-in.
    assert_eq!(running.watch().revocation(), None);
    let is_open = |protocol: &Protocol| !Protocol::CLOSED_AT_FIRST.contains(protocol);
    for protocol in Protocol::ALL.into_iter().filter(is_open) {
        let outcome = world.sign_in(protocol, "pass").await;
        assert!(matches!(outcome, Err(AccessError::AppPasswordRequired)), "{protocol}");
        let outcome = world.sign_in(protocol, "wrong").await;
        assert!(matches!(outcome, Err(AccessError::BadCredentials)), "{protocol}");
    }
    let made = world.add(&phone()).await.unwrap();
    assert!(world.sign_in(Protocol::Imap, made.password.reveal()).await.is_ok());
}

#[tokio::test]
async fn auth_21_taken_back_it_ends_its_sessions_and_no_others() {
    let world = World::new().await;
    let (phone, other) = (world.add(&phone()).await.unwrap(), world.add(&phone()).await.unwrap());
    let with_phone = world.open(phone.password.reveal()).await;
    let with_other = world.open(other.password.reveal()).await;
    let with_password = world.open("pass").await;
    let remove = |id| world.access.remove_app_password(&world.directory, world.anna, id);
    remove(phone.kept.id).await.unwrap();
    assert_eq!(with_phone.watch().revocation(), Some(Revocation::Withdrawn));
    assert_eq!(with_other.watch().revocation(), None);
    assert_eq!(with_password.watch().revocation(), None);
    assert!(world.sign_in(Protocol::Imap, phone.password.reveal()).await.is_err());
    assert_eq!(told(remove(phone.kept.id).await), "the directory failed");
    // A number is not given out again: the audit log stays clear.
    assert_eq!(world.add(&self::phone()).await.unwrap().kept.id, 3);
    // A new password of the account leaves what app passwords opened.
    let new = world
        .access
        .hash_password_of(world.anna, &Secret::new("new pass"))
        .await;
    world.directory.set_credential(world.anna, &new.unwrap()).await.unwrap();
    world.access.account_changed(world.anna).await.unwrap();
    assert_eq!(with_other.watch().revocation(), None);
    assert_eq!(with_password.watch().revocation(), Some(Revocation::PasswordChanged));
}

#[tokio::test]
async fn auth_21_its_time_ends_for_running_sessions_too() {
    let world = World::new().await;
    let new = NewAppPassword {
        days: Some(1),
        ..phone()
    };
    let made = world.add(&new).await.unwrap();
    let session = world.open(made.password.reveal()).await;
    let for_ever = world.open("pass").await;
    let end = || world.access.0.sessions.end_expired(world.access.0.env.wall_millis());
    end();
    assert_eq!(session.watch().revocation(), None);
    world.clock.advance(Duration::from_secs(24 * 3600));
    end();
    assert_eq!(session.watch().revocation(), Some(Revocation::Expired));
    assert_eq!(for_ever.watch().revocation(), None);
    let late = world.sign_in(Protocol::Imap, made.password.reveal()).await;
    assert!(matches!(late, Err(AccessError::Expired)));
}

#[tokio::test]
async fn auth_21_what_makes_no_sense_is_refused_exactly() {
    let world = World::new().await;
    let check = async |change: &dyn Fn(&mut NewAppPassword), expect: &str| {
        let mut new = phone();
        change(&mut new);
        let refused = world.add(&new).await;
        let Err(AccessError::Directory(error)) = refused else {
            panic!("{expect}: it was made");
        };
        assert!(error.to_string().contains(expect), "{error}");
    };
    check(&|new| new.name = "  ".to_owned(), "1 to 64 characters").await;
    check(&|new| new.name = "x".repeat(65), "1 to 64 characters").await;
    check(&|new| new.name = "a\nb".to_owned(), "control characters").await;
    check(&|new| new.protocols.clear(), "at least one protocol").await;
    check(&|new| new.read_only = true, "cannot send").await;
    check(&|new| new.days = Some(0), "at least a day").await;
    for _ in 0..3 {
        world.add(&phone()).await.unwrap();
    }
    check(&|_| (), "app_passwords_per_account_max is 3 and 3 are in use").await;
    assert_eq!(world.access.app_passwords(world.anna).await.unwrap().len(), 3);
}

#[tokio::test]
async fn auth_21_the_last_use_is_told() {
    let world = World::new().await;
    let made = world.add(&phone()).await.unwrap();
    let last = async || world.access.app_passwords(world.anna).await.unwrap()[0].1;
    assert_eq!(last().await, None);
    world.sign_in(Protocol::Imap, made.password.reveal()).await.unwrap();
    let first = last().await.unwrap();
    assert_eq!(first.protocol, Protocol::Imap);
    world.clock.advance(Duration::from_secs(10));
    world
        .sign_in(Protocol::Submission, made.password.reveal())
        .await
        .unwrap();
    assert_eq!(last().await, Some(first), "within the period nothing is written");
    world.clock.advance(Duration::from_secs(300));
    world
        .sign_in(Protocol::Submission, made.password.reveal())
        .await
        .unwrap();
    let later = last().await.unwrap();
    assert_eq!(
        (later.protocol, later.at.millis - first.at.millis),
        (Protocol::Submission, 310_000)
    );
}

#[tokio::test]
async fn acc_15_a_closed_protocol_is_closed_to_app_passwords_too() {
    let world = World::new().await;
    let made = world.add(&phone()).await.unwrap();
    let change = AccountChange {
        settings: Field::Set(AccountSettings {
            imap: false,
            ..AccountSettings::default()
        }),
        ..AccountChange::default()
    };
    world.directory.change_account(world.anna, &change).await.unwrap();
    let outcome = world.sign_in(Protocol::Imap, made.password.reveal()).await;
    assert!(matches!(outcome, Err(AccessError::ProtocolClosed(Protocol::Imap))));
}

#[test]
fn golden_bytes() {
    let last = LastUse {
        at: Timestamp { millis: 1_000 },
        protocol: Protocol::Imap,
    };
    let stored = encode_use(&last);
    let shown: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shown, "010001821903e864696d6170");
    assert_eq!(decode_use(&stored), Some(last));
    assert_eq!(decode_use(b"x"), None);
}
