use hongyan_kv::Database;
use hongyan_memory::{Fault, MemoryStore};

use super::*;
use crate::{AccountState, Field, NewTenant, TenantState};

async fn directory() -> (Directory, TenantId) {
    let (env, _) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database, env, DirectoryOptions::default());
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    directory.create_domain(tenant, &domain("example.test")).await.unwrap();
    (directory, tenant)
}

fn domain(text: &str) -> Domain {
    Domain::try_from(text).unwrap()
}

fn address(text: &str) -> Address {
    Address::try_from(text).unwrap()
}

async fn account(directory: &Directory, text: &str) -> AccountId {
    let made = directory.create_account(&NewAccount::at(address(text))).await;
    made.unwrap().id
}

async fn group(directory: &Directory, text: &str, members: &[&str]) {
    let new = NewGroup {
        members: members.iter().map(|text| address(text)).collect(),
        ..NewGroup::at(address(text))
    };
    directory.create_group(&new).await.unwrap();
}

/// Where mail goes, in short: `7`, `7+detail`, `{7 8 x@y}`, or the name of what it is instead.
async fn goes(directory: &Directory, text: &str) -> String {
    match directory.resolve(&address(text)).await.unwrap() {
        Resolution::Account(to) => match to.detail {
            Some(detail) => format!("{}+{detail}", to.account.id.0),
            None => to.account.id.0.to_string(),
        },
        Resolution::Group(group) => {
            let local = group.accounts.iter().map(|account| account.id.0.to_string());
            let remote = group.remote.iter().map(ToString::to_string);
            format!("{{{}}}", local.chain(remote).collect::<Vec<_>>().join(" "))
        }
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn one_account_whatever_the_spelling() {
    let (directory, tenant) = directory().await;
    directory.create_domain(tenant, &domain("bücher.test")).await.unwrap();
    account(&directory, "Anna@example.test").await;
    account(&directory, "用户@bücher.test").await;
    assert_eq!(goes(&directory, "ANNA@Example.TEST").await, "1");
    assert_eq!(goes(&directory, "anna+Lists@example.test").await, "1+Lists");
    assert_eq!(goes(&directory, "用户@xn--bcher-kva.test").await, "2");
    assert_eq!(goes(&directory, "bob@example.test").await, "NoSuchUser");
    assert_eq!(goes(&directory, "anna@other.test").await, "NotLocal");
    let again = directory
        .create_account(&NewAccount::at(address("aNNa@example.test")))
        .await;
    assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
}

#[tokio::test]
async fn five_aliases_and_no_more() {
    let (directory, tenant) = directory().await;
    let anna = account(&directory, "anna@example.test").await;
    for n in 0..5 {
        directory
            .add_alias(anna, &address(&format!("a{n}@example.test")))
            .await
            .unwrap();
    }
    let sixth = directory.add_alias(anna, &address("a6@example.test")).await;
    let expect = Error::Limit {
        setting: "aliases_per_account_max",
        max: 5,
        used: 5,
    };
    assert_eq!(sixth.unwrap_err(), expect);
    let change = TenantChange {
        aliases_per_account_max: Field::Set(Some(6)),
        ..TenantChange::default()
    };
    directory.change_tenant(tenant, &change).await.unwrap();
    directory.add_alias(anna, &address("a6@example.test")).await.unwrap();
    assert_eq!(goes(&directory, "A3@example.test").await, "1");
    directory.remove_alias(anna, &address("A3@example.test")).await.unwrap();
    assert_eq!(goes(&directory, "a3@example.test").await, "NoSuchUser");
}

#[tokio::test]
async fn grp_groups_expand_and_are_never_part_of_themselves() {
    let (directory, _) = directory().await;
    account(&directory, "anna@example.test").await;
    let bob = account(&directory, "bob@example.test").await;
    group(
        &directory,
        "all@example.test",
        &["some@example.test", "anna@example.test", "x@far.test"],
    )
    .await;
    group(
        &directory,
        "some@example.test",
        &["bob@example.test", "Anna+x@example.test", "gone@example.test"],
    )
    .await;
    assert_eq!(goes(&directory, "all@example.test").await, "{1 2 x@far.test}");
    assert_eq!(goes(&directory, "some@example.test").await, "{1 2}");
    let (all, some) = (address("ALL@example.test"), address("some@example.test"));
    for (group, member) in [(&some, &all), (&all, &all)] {
        let circle = directory.add_member(group, member).await;
        assert!(matches!(circle, Err(Error::Refused(_))), "{circle:?}");
    }
    let suspended = AccountChange {
        state: Field::Set(AccountState::Suspended),
        ..AccountChange::default()
    };
    directory.change_account(bob, &suspended).await.unwrap();
    assert_eq!(goes(&directory, "all@example.test").await, "{1 x@far.test}");
    directory
        .remove_member(&address("all@example.test"), &address("x@far.test"))
        .await
        .unwrap();
    assert_eq!(goes(&directory, "all@example.test").await, "{1}");
    directory.delete_group(&address("some@example.test")).await.unwrap();
    assert_eq!(goes(&directory, "some@example.test").await, "NoSuchUser");
}

#[tokio::test]
async fn a_group_that_expands_too_far_is_refused() {
    let (env, _) = Env::manual(1);
    let options = DirectoryOptions {
        group_expansion_max: 3,
        group_members_max: 4,
        ..DirectoryOptions::default()
    };
    let directory = Directory::new(Database::new(MemoryStore::default()), env, options);
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    directory.create_domain(tenant, &domain("example.test")).await.unwrap();
    group(&directory, "all@example.test", &["a@x.test", "b@x.test", "c@x.test"]).await;
    assert_eq!(
        goes(&directory, "all@example.test").await,
        "{a@x.test b@x.test c@x.test}"
    );
    let all = address("all@example.test");
    directory.add_member(&all, &address("d@x.test")).await.unwrap();
    directory.add_member(&all, &address("D@x.test")).await.unwrap();
    assert_eq!(goes(&directory, "all@example.test").await, "GroupTooLarge(GroupId(1))");
    let fifth = directory.add_member(&all, &address("e@x.test")).await;
    assert!(matches!(fifth, Err(Error::Limit { max: 4, used: 4, .. })), "{fifth:?}");
}

#[tokio::test]
async fn postmaster_always_delivers() {
    let (directory, tenant) = directory().await;
    assert_eq!(goes(&directory, "postmaster@example.test").await, "NoSuchUser");
    let anna = account(&directory, "anna@example.test").await;
    let bob = account(&directory, "bob@example.test").await;
    assert_eq!(goes(&directory, "Postmaster@example.test").await, "1");
    directory
        .set_catch_all(&domain("example.test"), Some(bob))
        .await
        .unwrap();
    assert_eq!(goes(&directory, "postmaster@example.test").await, "1");
    assert_eq!(goes(&directory, "nobody@example.test").await, "2");
    let suspended = AccountChange {
        state: Field::Set(AccountState::Suspended),
        ..AccountChange::default()
    };
    directory.change_account(anna, &suspended).await.unwrap();
    assert_eq!(goes(&directory, "anna@example.test").await, "Suspended");
    assert_eq!(goes(&directory, "postmaster@example.test").await, "2");
    let carol = account(&directory, "carol@example.test").await;
    let change = TenantChange {
        postmaster: Field::Set(Some(carol)),
        ..TenantChange::default()
    };
    directory.change_tenant(tenant, &change).await.unwrap();
    assert_eq!(goes(&directory, "postmaster@example.test").await, "3");
    account(&directory, "postmaster@example.test").await;
    assert_eq!(goes(&directory, "PostMaster@example.test").await, "4");
    let Resolution::Account(to) = directory.resolve_postmaster().await.unwrap() else {
        panic!("postmaster without a domain delivers")
    };
    assert_eq!(to.account.id, carol);
}

#[tokio::test]
async fn a_suspended_tenant_neither_signs_in_nor_gets_mail() {
    let (directory, tenant) = directory().await;
    account(&directory, "anna@example.test").await;
    assert!(directory.login("Anna@example.test").await.unwrap().unwrap().active);
    let change = TenantChange {
        state: Field::Set(TenantState::Suspended),
        ..TenantChange::default()
    };
    directory.change_tenant(tenant, &change).await.unwrap();
    assert!(!directory.login("anna@example.test").await.unwrap().unwrap().active);
    assert_eq!(goes(&directory, "anna@example.test").await, "Suspended");
    assert!(directory.login("nobody@example.test").await.unwrap().is_none());
    assert!(directory.login("no address").await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_deleted_frees_its_names() {
    let (directory, tenant) = directory().await;
    let anna = account(&directory, "anna@example.test").await;
    directory.add_alias(anna, &address("a@example.test")).await.unwrap();
    directory
        .set_catch_all(&domain("example.test"), Some(anna))
        .await
        .unwrap();
    let used = directory.delete_domain(&domain("example.test")).await;
    assert!(matches!(used, Err(Error::InUse { .. })), "{used:?}");
    directory.delete_account(anna).await.unwrap();
    assert_eq!(goes(&directory, "a@example.test").await, "NoSuchUser");
    assert_eq!(
        account(&directory, "a@example.test").await,
        AccountId(2),
        "identifiers are not used again"
    );
    directory.delete_account(AccountId(2)).await.unwrap();
    assert!(directory.delete_tenant(tenant).await.is_err());
    directory.delete_domain(&domain("example.test")).await.unwrap();
    directory.delete_tenant(tenant).await.unwrap();
    assert_eq!(goes(&directory, "a@example.test").await, "NotLocal");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let (directory, tenant) = directory().await;
    for n in 1..=5 {
        account(&directory, &format!("u{n}@example.test")).await;
    }
    let first = directory.accounts(tenant, None, 3).await.unwrap();
    let second = directory.accounts(tenant, Some(first[2].id), 3).await.unwrap();
    let ids = |page: &[AccountRecord]| page.iter().map(|account| account.id.0).collect::<Vec<_>>();
    assert_eq!((ids(&first), ids(&second)), (vec![1, 2, 3], vec![4, 5]));
    assert_eq!(directory.tenants(None, 10).await.unwrap()[0].counts.accounts, 5);
    assert_eq!(directory.domains(tenant, None, 10).await.unwrap().len(), 1);
}

/// Two nodes' directories over one store.
fn two_nodes() -> (Directory, Directory, MemoryStore, hongyan_env::ManualClock) {
    let (env, clock) = Env::manual(1);
    let store = MemoryStore::default();
    let node = || Directory::new(Database::new(store.clone()), env.clone(), DirectoryOptions::default());
    (node(), node(), store.clone(), clock)
}

async fn looked(follower: &mut crate::Follower) -> crate::Changed {
    follower.look().await.unwrap().0
}

#[tokio::test]
async fn another_node_s_change_drops_what_it_touched_and_nothing_else() {
    let (here, there, ..) = two_nodes();
    let mut follower = here.follower();
    assert!(looked(&mut follower).await.everything, "the first look trusts nothing");
    assert_eq!(goes(&here, "a@example.test").await, "NotLocal");
    let tenant = there.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    there.create_domain(tenant, &domain("example.test")).await.unwrap();
    assert_eq!(looked(&mut follower).await.tenants, [tenant].into());
    assert_eq!(goes(&here, "a@example.test").await, "NoSuchUser");
    assert_eq!(goes(&here, "b@example.test").await, "NoSuchUser");

    let a = account(&there, "a@example.test").await;
    assert_eq!(
        goes(&here, "a@example.test").await,
        "NoSuchUser",
        "it has not looked yet"
    );
    let changed = looked(&mut follower).await;
    assert_eq!((changed.accounts, changed.tenants), ([a].into(), Default::default()));
    assert_eq!(goes(&here, "a@example.test").await, "1");
    let remembered = |text: &str| here.inner.cache.get(|tables| tables.targets.get(&address(text).key()));
    assert_eq!(remembered("b@example.test"), Some(None), "others are still remembered");
    group(&there, "all@example.test", &["a@example.test"]).await;
    assert!(looked(&mut follower).await.is_empty());
    assert_eq!(goes(&here, "all@example.test").await, "{1}");

    let suspended = AccountChange {
        state: Field::Set(AccountState::Suspended),
        ..AccountChange::default()
    };
    there.change_account(a, &suspended).await.unwrap();
    looked(&mut follower).await;
    assert_eq!(goes(&here, "a@example.test").await, "Suspended");
    assert_eq!(goes(&here, "all@example.test").await, "GroupEmpty(GroupId(1))");
    there.delete_account(a).await.unwrap();
    assert_eq!(looked(&mut follower).await.accounts, [a].into());
    assert_eq!(goes(&here, "a@example.test").await, "NoSuchUser");
    assert_eq!(looked(&mut follower).await, crate::Changed::default());
}

#[tokio::test]
async fn the_watch_of_a_look_ends_with_the_next_change() {
    let (here, there, ..) = two_nodes();
    let mut follower = here.follower();
    let (_, watch) = follower.look().await.unwrap();
    let waiting = tokio::spawn(watch);
    there.create_tenant(&NewTenant::named("Acme")).await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(looked(&mut follower).await.tenants.len(), 1);
}

#[tokio::test]
async fn whoever_missed_too_much_forgets_everything_and_notices_come_once() {
    let (here, there, ..) = two_nodes();
    let mut follower = here.follower();
    looked(&mut follower).await;
    let notice = |text: &'static [u8]| {
        async move |change: &mut Change| {
            change.notify(text.into());
            Ok(())
        }
    };
    let (_, version) = there.announce(notice(b"x")).await.unwrap();
    let changed = looked(&mut follower).await;
    assert_eq!(changed.notices, vec![(version, b"x"[..].into())]);
    assert!(!changed.everything);
    for _ in 0..=change::CHANGES_KEPT_MAX {
        there.announce(notice(b"y")).await.unwrap();
    }
    assert!(looked(&mut follower).await.everything);
    assert!(looked(&mut follower).await.is_empty());
    // A release that only counted.
    let mut transaction = there.database().begin();
    transaction.atomic_add(crate::key::version(), 1);
    transaction.commit().await.unwrap();
    assert!(looked(&mut follower).await.everything);
    assert_eq!(
        there.announce(notice(b"z")).await.unwrap().1,
        here.version() + 1,
        "the count goes on"
    );
}

#[tokio::test]
async fn without_a_look_memory_is_trusted_for_a_bounded_time_only() {
    let (here, there, store, clock) = two_nodes();
    let mut follower = here.follower();
    looked(&mut follower).await;
    assert_eq!(goes(&here, "a@example.test").await, "NotLocal");
    let tenant = there.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    there.create_domain(tenant, &domain("example.test")).await.unwrap();
    clock.advance(here.options().stale_max);
    assert_eq!(
        goes(&here, "a@example.test").await,
        "NotLocal",
        "still within the bound"
    );
    clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(goes(&here, "a@example.test").await, "NoSuchUser", "read from the store");
    store.set_faults(hongyan_memory::Faults {
        read_too_old_per_mille: 1_000,
        ..hongyan_memory::Faults::default()
    });
    assert!(
        here.resolve(&address("a@example.test")).await.is_err(),
        "the store is away: not from memory"
    );
}

#[tokio::test]
async fn changes_are_told_once_this_node_has_forgotten_what_was_before_them() {
    let (here, there, _, clock) = two_nodes();
    let mut follower = here.follower();
    let tenant = there.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    there.create_domain(tenant, &domain("example.test")).await.unwrap();
    let latest = async |directory: &Directory| directory.feed(tenant, 0, 1).await.map(|page| page.latest);
    let told = latest(&here).await.unwrap();
    assert_eq!(latest(&there).await, Ok(told), "it is alone, for all it knows");
    looked(&mut follower).await;
    assert_eq!(goes(&here, "a@example.test").await, "NoSuchUser");
    account(&there, "a@example.test").await;
    {
        let mut asked = std::pin::pin!(latest(&here));
        for _ in 0..100 {
            tokio::select! {
                biased;
                told = &mut asked => panic!("{told:?} before it has heard"),
                () = tokio::task::yield_now() => {}
            }
        }
        looked(&mut follower).await;
        assert_eq!(asked.await, Ok(told + 1));
    }
    assert_eq!(goes(&here, "a@example.test").await, "1");
    // Of its own changes it knows at once, if no other is between.
    account(&here, "b@example.test").await;
    assert_eq!(latest(&here).await, Ok(told + 2));
    account(&there, "c@example.test").await;
    account(&here, "d@example.test").await;
    let later = async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        clock.advance(std::time::Duration::from_secs(4));
    };
    let (refused, ()) = tokio::join!(latest(&here), later);
    assert!(
        matches!(&refused, Err(Error::Storage(hongyan_kv::Error::Unavailable(_)))),
        "{refused:?}"
    );
    looked(&mut follower).await;
    assert_eq!(latest(&here).await, Ok(told + 4));
}

#[tokio::test]
async fn a_look_up_that_got_too_old_begins_again() {
    let (here, there, store, _) = two_nodes();
    let tenant = there.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    there.create_domain(tenant, &domain("example.test")).await.unwrap();
    account(&there, "a@example.test").await;
    group(&there, "all@example.test", &["a@example.test"]).await;
    store.fail_reads(1);
    let login = here.login("a@example.test").await.unwrap().unwrap();
    assert!(login.active);
    store.fail_reads(1);
    assert_eq!(goes(&here, "all@example.test").await, "{1}");
    store.fail_reads(1);
    assert_eq!(goes(&here, "postmaster@example.test").await, "1");
}

#[tokio::test]
async fn a_change_of_unknown_result_happens_once_and_is_reported() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied] {
        let (here, _, store, _) = two_nodes();
        store.fail_next(fault);
        let tenant = here.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        assert_eq!(tenant, TenantId(1));
        store.fail_next(fault);
        here.create_domain(tenant, &domain("example.test")).await.unwrap();
        store.fail_next(fault);
        store.fail_next(fault);
        assert_eq!(account(&here, "a@example.test").await, AccountId(1));
        store.fail_next(fault);
        here.delete_account(AccountId(1)).await.unwrap();
        assert_eq!(goes(&here, "a@example.test").await, "NoSuchUser");
        assert_eq!(here.version(), 4);
    }
}

#[test]
fn futures_may_move_between_threads() {
    fn check(_: impl Send) {}
    let (env, _) = Env::manual(1);
    let directory = Directory::new(Database::new(MemoryStore::default()), env, DirectoryOptions::default());
    let a = address("a@b.test");
    check(directory.resolve(&a));
    check(directory.login("a@b.test"));
    check(directory.create_accounts(&[]));
    check(directory.set_catch_all(&a.domain, None));
    check(directory.members(GroupId(1), None, 1));
    check(directory.announce(async move |_| Ok(())));
    let mut follower = directory.follower();
    check(async move { follower.look().await.map(|_| ()) });
}
