use std::collections::BTreeSet;
use std::time::Duration;

use hongyan_env::{Env, ManualClock};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;
use crate::{DirectoryOptions, NewAccount, NewTenant, Subject, TokenOwner};

const HASH: TokenHash = TokenHash([1; 32]);

async fn directory() -> (Directory, TenantId, ManualClock) {
    let (env, clock) = Env::manual(1);
    let options = DirectoryOptions {
        tokens_per_tenant_max: 2,
        ..DirectoryOptions::default()
    };
    let directory = Directory::new(Database::new(MemoryStore::default()), env, options);
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("example.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    (directory, tenant, clock)
}

async fn owner(directory: &Directory, tenant: TenantId, local: &str) -> TokenOwner {
    let address = Address::try_from(format!("{local}@example.test").as_str()).unwrap();
    let account = directory.create_account(&NewAccount::at(address)).await.unwrap().id;
    TokenOwner::Account { tenant, account }
}

fn token(owner: TokenOwner, hash: TokenHash) -> NewToken {
    NewToken {
        owner,
        name: " sync ".to_owned(),
        scopes: BTreeSet::from(["members:read".to_owned()]),
        networks: Vec::new(),
        expires: None,
        hash,
    }
}

#[tokio::test]
async fn api_a_token_is_found_by_what_is_shown_until_that_changes() {
    let (directory, tenant, _) = directory().await;
    let anna = owner(&directory, tenant, "anna").await;
    let made = directory.create_token(&token(anna, HASH)).await.unwrap();
    assert_eq!(made.name, "sync");
    let shown = async |hash| directory.token_shown(hash).await.unwrap().map(|token| token.id);
    assert_eq!(shown(HASH).await, Some(made.id));
    assert_eq!(shown(TokenHash([9; 32])).await, None);
    let next = TokenHash([2; 32]);
    directory.rotate_token(made.id, next, None).await.unwrap();
    assert_eq!((shown(HASH).await, shown(next).await), (None, Some(made.id)));
    let feed = directory.feed(tenant, 0, 100).await.unwrap();
    let told = feed.entries.last().map(|entry| entry.subjects.clone());
    assert_eq!(told, Some(vec![Subject::Token(made.id)]));
    directory.delete_token(made.id).await.unwrap();
    assert_eq!(shown(next).await, None);
    assert!(matches!(directory.token(made.id).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn api_tokens_have_limits_and_go_with_their_account() {
    let (directory, tenant, _) = directory().await;
    let (anna, ben) = (
        owner(&directory, tenant, "anna").await,
        owner(&directory, tenant, "ben").await,
    );
    let first = directory.create_token(&token(anna, HASH)).await.unwrap();
    let second = directory.create_token(&token(ben, TokenHash([2; 32]))).await.unwrap();
    let third = directory.create_token(&token(ben, TokenHash([3; 32]))).await;
    assert!(matches!(
        third,
        Err(Error::Limit {
            setting: "tokens_per_tenant_max",
            max: 2,
            used: 2
        })
    ));
    let operators = token(TokenOwner::Operator, TokenHash([4; 32]));
    directory.create_token(&operators).await.unwrap();
    let without = NewToken {
        scopes: BTreeSet::new(),
        ..operators
    };
    assert!(matches!(directory.create_token(&without).await, Err(Error::Invalid(_))));
    let TokenOwner::Account { account, .. } = anna else {
        return;
    };
    directory.delete_account(account).await.unwrap();
    let listed = async |tenant, after| {
        let tokens = directory.tokens(tenant, after, 10).await.unwrap();
        tokens.into_iter().map(|(token, _)| token.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(Some(tenant), None).await, [second.id]);
    assert_eq!(listed(Some(tenant), Some(second.id)).await, []);
    assert_eq!(listed(None, None).await.len(), 1);
    assert_eq!(directory.token_shown(first.hash).await.unwrap(), None);
}

#[tokio::test]
async fn api_the_last_use_of_a_token_is_told_to_the_minute() {
    let (directory, tenant, clock) = directory().await;
    let anna = owner(&directory, tenant, "anna").await;
    let made = directory.create_token(&token(anna, HASH)).await.unwrap();
    let used = async || directory.tokens(Some(tenant), None, 1).await.unwrap().remove(0).1;
    assert_eq!(used().await, None);
    directory.token_used(made.id, "192.0.2.1").await.unwrap();
    clock.advance(Duration::from_secs(59));
    directory.token_used(made.id, "192.0.2.2").await.unwrap();
    assert_eq!(used().await.unwrap().from, "192.0.2.1");
    clock.advance(Duration::from_secs(1));
    directory.token_used(made.id, "192.0.2.2").await.unwrap();
    assert_eq!(used().await.unwrap().from, "192.0.2.2");
    directory.delete_token(made.id).await.unwrap();
    directory.token_used(made.id, "192.0.2.2").await.unwrap();
}
