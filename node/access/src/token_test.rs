use std::collections::BTreeSet;
use std::time::Duration;

use hongyan_directory::{
    AccountChange, AccountState, Directory, DirectoryOptions, Field, NewAccount, NewTenant, NewToken, Role,
};
use hongyan_env::{Env, ManualClock};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{AccountId, Address, Domain, Timestamp};

use super::*;
use crate::AccessOptions;
use crate::permission::{Action, Object, permit};

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

struct Ground {
    access: Access,
    directory: Directory,
    account: AccountId,
    owner: TokenOwner,
    clock: ManualClock,
}

async fn ground() -> Ground {
    let (env, clock) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    directory.sealer().make_key();
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("example.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    let options = AccessOptions {
        argon2_memory_kib: 64,
        argon2_passes: 1,
        ..AccessOptions::default()
    };
    let access = Access::open(directory.clone(), &database, env, options).await.unwrap();
    let new = NewAccount {
        administrator: true,
        ..NewAccount::at(Address::try_from("anna@example.test").unwrap())
    };
    let account = directory.create_account(&new).await.unwrap().id;
    Ground {
        access,
        directory,
        account,
        owner: TokenOwner::Account { tenant, account },
        clock,
    }
}

impl Ground {
    async fn token(&self, owner: TokenOwner, networks: &[&str], lifetime: Option<i64>) -> (TokenRecord, Secret) {
        let NewTokenText { text, hash } = self.access.new_token_text();
        let expires = lifetime.map(|millis| Timestamp {
            millis: self.access.0.env.wall_millis() + millis,
        });
        let new = NewToken {
            owner,
            name: "sync".to_owned(),
            scopes: BTreeSet::from(["members:read".to_owned()]),
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            expires,
            hash,
        };
        (self.directory.create_token(&new).await.unwrap(), text)
    }
    /// What showing a text leads to, in short.
    async fn shown(&self, text: &Secret) -> String {
        match self.access.token_actor(text.reveal(), PEER).await {
            Ok(Actor::Operator { .. }) => "operator".to_owned(),
            Ok(Actor::Person(person)) => person
                .role
                .map_or_else(|| "nobody".to_owned(), |role| role.label().to_owned()),
            Err(error) => error.to_string(),
        }
    }
}

#[tokio::test]
async fn api_a_token_acts_for_its_owner_as_that_is_now() {
    let ground = ground().await;
    let (token, text) = ground.token(ground.owner, &[], None).await;
    assert!(is_token(text.reveal()));
    assert_eq!(ground.shown(&text).await, "creator");
    let actor = ground.access.token_actor(text.reveal(), PEER).await.unwrap();
    let object = Object::organisation(actor.tenant().unwrap());
    assert!(permit(&actor, Action::ReadMembers, &object).is_ok());
    assert!(
        permit(&actor, Action::ChangeMembers, &object).is_err(),
        "not in its scopes"
    );
    assert_eq!(actor.author().id, Some(token.id.0));

    let other = NewAccount::at(Address::try_from("ben@example.test").unwrap());
    let ben = ground.directory.create_account(&other).await.unwrap().id;
    let creator = AccountChange {
        role: Field::Set(Some(Role::Creator)),
        ..AccountChange::default()
    };
    ground.directory.change_account(ben, &creator).await.unwrap();
    assert_eq!(ground.shown(&text).await, "super");
    let disabled = AccountChange {
        state: Field::Set(AccountState::Disabled),
        ..AccountChange::default()
    };
    ground
        .directory
        .change_account(ground.account, &disabled)
        .await
        .unwrap();
    assert_eq!(ground.shown(&text).await, "the token's account is not active");
    ground.directory.delete_account(ground.account).await.unwrap();
    assert_eq!(ground.shown(&text).await, "the token is not valid");
}

#[tokio::test]
async fn api_a_token_ends_and_is_bound_to_networks() {
    let ground = ground().await;
    let (_, brief) = ground.token(ground.owner, &[], Some(1_000)).await;
    let (_, near) = ground
        .token(TokenOwner::Operator, &["10.0.0.0/8", "192.0.2.0/24"], None)
        .await;
    let (_, far) = ground.token(ground.owner, &["10.0.0.0/8"], None).await;
    assert_eq!(ground.shown(&brief).await, "creator");
    assert_eq!(ground.shown(&near).await, "operator");
    assert_eq!(ground.shown(&far).await, "the token may not be used from this address");
    ground.clock.advance(Duration::from_secs(1));
    assert_eq!(ground.shown(&brief).await, "the token has expired");
    assert_eq!(ground.shown(&Secret::new("hyt_")).await, "the token is not valid");
}
