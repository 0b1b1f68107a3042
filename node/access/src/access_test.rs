use hongyan_directory::{AccountChange, AccountSettings, AccountState, DirectoryOptions, Field, NewAccount, NewTenant};
use hongyan_env::ManualClock;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;
use crate::{REVOKED_GRACE, Revocation, SessionFilter};

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const ANNA: &str = "anna@example.test";

fn options() -> AccessOptions {
    AccessOptions {
        argon2_memory_kib: 64,
        argon2_passes: 1,
        scram_iterations: 4096,
        account_failures_max: 3,
        ..AccessOptions::default()
    }
}

async fn access_with(options: AccessOptions) -> (Access, AccountId, Database, Env, ManualClock) {
    let (env, clock) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    directory.sealer().make_key();
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("example.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    let access = Access::open(directory.clone(), &database, env.clone(), options)
        .await
        .unwrap();
    let credential = access.hash_password(&Secret::new("pass")).await.unwrap();
    let new = NewAccount {
        credential: Some(credential),
        ..NewAccount::at(Address::try_from(ANNA).unwrap())
    };
    let account = directory.create_account(&new).await.unwrap().id;
    (access, account, database, env, clock)
}

async fn sign_in(access: &Access, name: &str, password: &str) -> Result<Identity, AccessError> {
    access
        .verify_password(Protocol::Imap, name, &Secret::new(password), PEER)
        .await
}

#[tokio::test]
async fn acc_19_the_right_password_lets_in_by_any_own_address() {
    let (access, account, ..) = access_with(options()).await;
    access
        .0
        .directory
        .add_alias(account, &Address::try_from("a@example.test").unwrap())
        .await
        .unwrap();
    for name in [ANNA, "ANNA@Example.Test", "a@example.test", ANNA] {
        assert_eq!(sign_in(&access, name, "pass").await.unwrap().account.id, account);
    }
    for (name, password) in [
        (ANNA, "Pass"),
        (ANNA, ""),
        ("nobody@example.test", "pass"),
        ("x", "pass"),
    ] {
        let outcome = sign_in(&access, name, password).await;
        assert!(matches!(outcome, Err(AccessError::BadCredentials)), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_new_password_ends_the_memory_of_the_old() {
    let (access, account, ..) = access_with(options()).await;
    sign_in(&access, ANNA, "pass").await.unwrap();
    let credential = access.hash_password(&Secret::new("other pass")).await.unwrap();
    access.0.directory.set_credential(account, &credential).await.unwrap();
    assert!(sign_in(&access, ANNA, "pass").await.is_err());
    sign_in(&access, ANNA, "other pass").await.unwrap();
}

#[tokio::test]
async fn a_suspended_account_and_a_closed_protocol_are_refused_with_a_reason() {
    let (access, account, ..) = access_with(options()).await;
    let change = AccountChange {
        settings: Field::Set(AccountSettings {
            imap: false,
            ..AccountSettings::default()
        }),
        ..AccountChange::default()
    };
    access.0.directory.change_account(account, &change).await.unwrap();
    let closed = sign_in(&access, ANNA, "pass").await.unwrap_err();
    assert_eq!(closed.to_string(), "IMAP is switched off for this account");
    assert!(matches!(
        sign_in(&access, ANNA, "x").await,
        Err(AccessError::BadCredentials)
    ));
    let password = Secret::new("pass");
    let pop3 = access.verify_password(Protocol::Pop3, ANNA, &password, PEER);
    assert!(pop3.await.is_ok());
    let change = AccountChange {
        state: Field::Set(AccountState::Suspended),
        ..AccountChange::default()
    };
    access.0.directory.change_account(account, &change).await.unwrap();
    assert!(matches!(
        sign_in(&access, ANNA, "pass").await,
        Err(AccessError::Suspended)
    ));
}

#[tokio::test]
async fn guessing_locks_known_and_unknown_names_alike() {
    let (access, ..) = access_with(options()).await;
    for name in [ANNA, "nobody@example.test"] {
        for _ in 0..3 {
            assert!(matches!(
                sign_in(&access, name, "x").await,
                Err(AccessError::BadCredentials)
            ));
        }
        let locked = sign_in(&access, name, "pass").await;
        assert!(
            matches!(locked, Err(AccessError::LockedOut { retry_secs: 300 })),
            "{locked:?}"
        );
        assert!(matches!(
            access.scram_keys(name, PEER).await,
            Err(AccessError::LockedOut { .. })
        ));
    }
}

#[tokio::test]
async fn loopback_is_without_limits_when_so_set() {
    let (access, ..) = access_with(AccessOptions {
        limit_loopback: false,
        ..options()
    })
    .await;
    let peer = IpAddr::from([127, 0, 0, 1]);
    for _ in 0..20 {
        let outcome = access
            .verify_password(Protocol::Imap, ANNA, &Secret::new("x"), peer)
            .await;
        assert!(matches!(outcome, Err(AccessError::BadCredentials)));
    }
}

#[tokio::test]
async fn scram_keys_match_and_unknown_names_look_alike() {
    let (access, account, database, env, _) = access_with(options()).await;
    let (keys, attempt) = access.scram_keys(ANNA, PEER).await.unwrap();
    assert!(keys[0].matches("pass"));
    let finish = |attempt, proved| access.finish_scram(Protocol::Imap, attempt, PEER, proved);
    assert_eq!(finish(attempt.clone(), Some(0)).await.unwrap().account.id, account);
    assert!(finish(attempt, None).await.is_err());
    let (made_up, nobody) = access.scram_keys("nobody@example.test", PEER).await.unwrap();
    assert!(finish(nobody, Some(0)).await.is_err());
    assert_eq!(
        (made_up[0].salt.len(), made_up[0].iterations, made_up.len()),
        (keys[0].salt.len(), keys[0].iterations, keys.len())
    );
    // After a restart an unknown name still has the same salt.
    let again = Access::open(access.0.directory.clone(), &database, env, options())
        .await
        .unwrap();
    let (keys, _) = again.scram_keys("nobody@example.test", PEER).await.unwrap();
    assert_eq!(keys, made_up);
}

fn from() -> SocketAddr {
    (PEER, 4711).into()
}

async fn open(access: &Access, protocol: Protocol) -> Result<SessionPermit, AccessError> {
    let password = Secret::new("pass");
    let identity = access.verify_password(protocol, ANNA, &password, PEER).await?;
    access.open_session(&identity, from()).await
}

#[tokio::test]
async fn sessions_of_an_account_are_counted() {
    let (access, ..) = access_with(AccessOptions {
        sessions_per_account_max: 2,
        ..options()
    })
    .await;
    let first = open(&access, Protocol::Imap).await.unwrap();
    let _second = open(&access, Protocol::Imap).await.unwrap();
    let third = open(&access, Protocol::Imap).await;
    let third = third.err().map(|error| error.to_string());
    assert_eq!(third.as_deref(), Some("sessions_per_account_max is 2 and 2 are in use"));
    drop(first);
    assert!(open(&access, Protocol::Imap).await.is_ok());
}

async fn change(access: &Access, account: AccountId, change: AccountChange) {
    access.0.directory.change_account(account, &change).await.unwrap();
}

fn state(state: AccountState) -> AccountChange {
    AccountChange {
        state: Field::Set(state),
        ..AccountChange::default()
    }
}

#[tokio::test]
async fn sessions_end_with_the_right_to_have_them() {
    let (access, account, ..) = access_with(options()).await;
    let imap = open(&access, Protocol::Imap).await.unwrap();
    let pop3 = open(&access, Protocol::Pop3).await.unwrap();
    assert_eq!(access.account_changed(account).await.unwrap(), 0);
    let settings = AccountSettings {
        imap: false,
        ..AccountSettings::default()
    };
    let closed = AccountChange {
        settings: Field::Set(settings),
        ..AccountChange::default()
    };
    change(&access, account, closed).await;
    assert_eq!(access.account_changed(account).await.unwrap(), 1);
    assert_eq!(imap.watch().revocation(), Some(Revocation::ProtocolClosed));
    assert_eq!(pop3.watch().revocation(), None);

    change(&access, account, state(AccountState::Suspended)).await;
    let tenant = imap.watch().clone();
    assert_eq!(access.account_changed(account).await.unwrap(), 1);
    assert_eq!(pop3.watch().revoked().await, Revocation::Suspended);
    assert_eq!(
        tenant.revoked().await,
        Revocation::ProtocolClosed,
        "the first reason stays"
    );
}

#[tokio::test]
async fn a_new_password_and_the_end_of_the_account_end_its_sessions() {
    let (access, account, ..) = access_with(options()).await;
    let session = open(&access, Protocol::Pop3).await.unwrap();
    let waiting = session.watch().clone();
    let woken = tokio::spawn(async move { waiting.revoked().await });
    // The same password again is a new one: it was set for a reason.
    let credential = access.hash_password(&Secret::new("pass")).await.unwrap();
    access.0.directory.set_credential(account, &credential).await.unwrap();
    assert_eq!(access.account_changed(account).await.unwrap(), 1);
    assert_eq!(woken.await.unwrap(), Revocation::PasswordChanged);
    let session = open(&access, Protocol::Pop3).await.unwrap();
    access.0.directory.delete_account(account).await.unwrap();
    assert_eq!(access.account_changed(account).await.unwrap(), 1);
    assert_eq!(session.watch().revocation(), Some(Revocation::Deleted));
}

#[tokio::test]
async fn a_sign_in_that_crosses_a_change_does_not_stay() {
    let (access, account, ..) = access_with(options()).await;
    let early = sign_in(&access, ANNA, "pass").await.unwrap();
    let (_, attempt) = access.scram_keys(ANNA, PEER).await.unwrap();
    let credential = access.hash_password(&Secret::new("new pass")).await.unwrap();
    access.0.directory.set_credential(account, &credential).await.unwrap();
    access.account_changed(account).await.unwrap();
    let opened = access.open_session(&early, from()).await;
    assert!(matches!(opened, Err(AccessError::BadCredentials)));
    let late = access
        .finish_scram(Protocol::Imap, attempt, PEER, Some(0))
        .await
        .unwrap();
    let opened = access.open_session(&late, from()).await;
    assert!(matches!(opened, Err(AccessError::BadCredentials)));
    let early = sign_in(&access, ANNA, "new pass").await.unwrap();
    change(&access, account, state(AccountState::Suspended)).await;
    let opened = access.open_session(&early, from()).await;
    assert!(matches!(opened, Err(AccessError::Suspended)));
    assert!(access.sessions(SessionFilter::All, None, 9).is_empty());
}

#[tokio::test]
async fn operators_list_and_end_sessions() {
    let (access, account, ..) = access_with(options()).await;
    let first = open(&access, Protocol::Imap).await.unwrap();
    first.set_client("Reader\r\n 1.0");
    let second = open(&access, Protocol::Submission).await.unwrap();
    let all = access.sessions(SessionFilter::All, None, 9);
    assert_eq!(all.len(), 2);
    assert!(all[0].id < all[1].id);
    assert_eq!(access.sessions(SessionFilter::All, Some(all[0].id), 9), all[1..]);
    assert_eq!(access.sessions(SessionFilter::All, None, 1), all[..1]);
    let shown = access.sessions(SessionFilter::One(first.id()), None, 9);
    assert_eq!(
        (shown[0].client.as_str(), shown[0].peer, shown[0].protocol),
        ("Reader 1.0", from(), Protocol::Imap)
    );
    assert_eq!(access.revoke_sessions(SessionFilter::One(first.id())), 1);
    assert_eq!(first.watch().revocation(), Some(Revocation::Operator));
    assert!(second.watch().revocation().is_none());
    assert_eq!(access.revoke_sessions(SessionFilter::Account(account)), 1);
    assert_eq!(access.revoke_sessions(SessionFilter::Account(AccountId(99))), 0);
    drop((first, second));
    assert!(
        access
            .sessions(SessionFilter::Tenant(all[0].tenant), None, 9)
            .is_empty()
    );
}

#[tokio::test]
async fn a_session_is_overdue_only_after_its_grace() {
    let (access, account, _, _, clock) = access_with(options()).await;
    let session = open(&access, Protocol::Imap).await.unwrap();
    assert!(!session.watch().is_overdue());
    access.revoke_sessions(SessionFilter::Account(account));
    assert!(!session.watch().is_overdue());
    clock.advance(REVOKED_GRACE);
    assert!(session.watch().is_overdue());
    session.watch().overdue().await;
}

#[tokio::test]
async fn too_many_waiting_for_a_hash_is_an_answer() {
    let (access, ..) = access_with(AccessOptions {
        hashing_waiting_max: 1,
        ..options()
    })
    .await;
    let held = crate::hashing::Place::take(&access.0.hashing).unwrap();
    assert!(matches!(
        sign_in(&access, ANNA, "a").await,
        Err(AccessError::Overloaded)
    ));
    drop(held);
    assert!(matches!(
        sign_in(&access, ANNA, "a").await,
        Err(AccessError::BadCredentials)
    ));
}
