use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;
use crate::{AccountChange, AccountState, DirectoryOptions, Error, Field, NewAccount, NewTenant, Role};

async fn member(directory: &Directory, local: &str, administrator: bool) -> AccountRecord {
    let address = Address::try_from(format!("{local}@example.test").as_str()).unwrap();
    let new = NewAccount {
        administrator,
        ..NewAccount::at(address)
    };
    directory.create_account(&new).await.unwrap()
}

#[tokio::test]
async fn adm_7_the_role_goes_over_when_it_is_taken_and_not_before() {
    let (env, clock) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database, env, DirectoryOptions::default());
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("example.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    let boss = member(&directory, "boss", true).await;
    let anna = member(&directory, "anna", false).await;
    let ben = member(&directory, "ben", false).await;
    let creator = async || directory.tenant(tenant).await.unwrap().creator;
    let is_missing = |error: &Error| matches!(error, Error::NotFound { .. });

    assert!(matches!(
        directory.offer_creator(&anna, &ben).await,
        Err(Error::Refused(_))
    ));
    assert!(matches!(
        directory.offer_creator(&boss, &boss).await,
        Err(Error::Refused(_))
    ));
    let offer = directory.offer_creator(&boss, &anna).await.unwrap();
    assert_eq!(directory.hand_over(tenant).await.unwrap(), Some(offer));
    assert_eq!(creator().await, Some(boss.id));
    assert!(
        is_missing(&directory.accept_creator(&ben).await.unwrap_err()),
        "it is not theirs"
    );
    // What is offered to another counts no more, nor what is taken back or too old.
    directory.offer_creator(&boss, &ben).await.unwrap();
    assert!(is_missing(&directory.accept_creator(&anna).await.unwrap_err()));
    directory.withdraw_creator(tenant).await.unwrap();
    assert!(is_missing(&directory.accept_creator(&ben).await.unwrap_err()));
    assert!(is_missing(&directory.withdraw_creator(tenant).await.unwrap_err()));
    directory.offer_creator(&boss, &ben).await.unwrap();
    clock.advance(OFFERED);
    assert_eq!(directory.hand_over(tenant).await.unwrap(), None);
    assert!(is_missing(&directory.accept_creator(&ben).await.unwrap_err()));
    // Who is disabled meanwhile does not get it, and the offer stays for when that ends.
    directory.offer_creator(&boss, &ben).await.unwrap();
    let state = |state| AccountChange {
        state: Field::Set(state),
        ..AccountChange::default()
    };
    directory
        .change_account(ben.id, &state(AccountState::Disabled))
        .await
        .unwrap();
    assert!(matches!(directory.accept_creator(&ben).await, Err(Error::Refused(_))));
    directory
        .change_account(ben.id, &state(AccountState::Active))
        .await
        .unwrap();
    let taken = directory.accept_creator(&ben).await.unwrap();
    assert_eq!((taken.role, creator().await), (Some(Role::Creator), Some(ben.id)));
    let former = directory.account(boss.id).await.unwrap().unwrap();
    assert_eq!(former.role, Some(Role::Super));
    // It is done once, and only the new one gives it back.
    assert_eq!(directory.hand_over(tenant).await.unwrap(), None);
    assert!(is_missing(&directory.accept_creator(&ben).await.unwrap_err()));
    assert!(matches!(
        directory.offer_creator(&boss, &anna).await,
        Err(Error::Refused(_))
    ));
    directory.offer_creator(&ben, &boss).await.unwrap();
    // What an operator decides ends the offer.
    let creator_of = AccountChange {
        role: Field::Set(Some(Role::Creator)),
        ..AccountChange::default()
    };
    directory.change_account(anna.id, &creator_of).await.unwrap();
    assert!(is_missing(&directory.accept_creator(&boss).await.unwrap_err()));
    assert_eq!(creator().await, Some(anna.id));
}
