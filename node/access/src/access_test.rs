use hongyan_directory::{AccountChange, AccountSettings, AccountState, DirectoryOptions, Field, NewAccount, NewTenant};
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;

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

async fn access_with(options: AccessOptions) -> (Access, AccountId, Database, Env) {
    let (env, _) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
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
    (access, account, database, env)
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
    let (access, account, database, env) = access_with(options()).await;
    let keys = access.scram_keys(ANNA, PEER).await.unwrap();
    assert!(keys.matches("pass"));
    let done = access.finish_scram(Protocol::Imap, ANNA, PEER, true).await.unwrap();
    assert_eq!(done.account.id, account);
    assert!(access.finish_scram(Protocol::Imap, ANNA, PEER, false).await.is_err());
    let made_up = access.scram_keys("nobody@example.test", PEER).await.unwrap();
    assert_eq!(
        (made_up.salt.len(), made_up.iterations),
        (keys.salt.len(), keys.iterations)
    );
    // After a restart an unknown name still has the same salt.
    let again = Access::open(access.0.directory.clone(), &database, env, options())
        .await
        .unwrap();
    assert_eq!(again.scram_keys("nobody@example.test", PEER).await.unwrap(), made_up);
}

#[tokio::test]
async fn sessions_of_an_account_are_counted() {
    let (access, account, ..) = access_with(AccessOptions {
        sessions_per_account_max: 2,
        ..options()
    })
    .await;
    let first = access.open_session(account).unwrap();
    let _second = access.open_session(account).unwrap();
    let third = access.open_session(account).err().map(|error| error.to_string());
    assert_eq!(third.as_deref(), Some("the account has its maximum of 2 sessions"));
    drop(first);
    assert!(access.open_session(account).is_ok());
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
