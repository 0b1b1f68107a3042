use std::task::Poll;

use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::{Faults, MemoryStore};
use hongyan_types::{Address, Domain};

use super::*;
use crate::{
    AccountChange, DepartmentId, DirectoryOptions, Field, GroupChange, MemberQuery, NewAccount, NewDepartment,
    NewGroup, NewTag, NewTenant, TagChange,
};

async fn directory() -> (Directory, TenantId) {
    let (env, _) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database, env, DirectoryOptions::default());
    let tenant = made(&directory).await;
    (directory, tenant)
}

/// An organisation with a domain.
async fn made(directory: &Directory) -> TenantId {
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("example.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    tenant
}

async fn member(directory: &Directory, local: &str, name: &str, departments: &[DepartmentId]) -> AccountId {
    let address = Address::try_from(format!("{local}@example.test").as_str()).unwrap();
    let new = NewAccount {
        display_name: name.to_owned(),
        departments: departments.to_vec(),
        ..NewAccount::at(address)
    };
    directory.create_account(&new).await.unwrap().id
}

async fn department(directory: &Directory, tenant: TenantId, name: &str, parent: DepartmentId) -> DepartmentId {
    let new = NewDepartment {
        name: name.to_owned(),
        parent,
        rank: 0,
    };
    directory.create_department(tenant, &new).await.unwrap().id
}

/// The local parts of whom a query takes, in order.
async fn found(directory: &Directory, tenant: TenantId, query: MemberQuery) -> String {
    let page = directory.find_members(tenant, &query, None, 100).await.unwrap();
    assert_eq!(page.total, page.accounts.len());
    let names = page.accounts.iter().map(|account| account.address.local.to_string());
    names.collect::<Vec<_>>().join(" ")
}

fn text(text: &str) -> MemberQuery {
    MemberQuery {
        text: text.to_owned(),
        ..MemberQuery::default()
    }
}

/// What a future comes to, unless it is polled so often in vain: then it is dropped.
async fn polled<T>(polls: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    let poll = std::future::poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    poll.await
}

#[tokio::test(start_paused = true)]
async fn an_index_whose_reading_was_given_up_is_read_anew() {
    let (env, _) = Env::manual(1);
    let store = MemoryStore::default();
    let node = || Directory::new(Database::new(store.clone()), env.clone(), DirectoryOptions::default());
    let first = node();
    let tenant = made(&first).await;
    member(&first, "anna", "Anna", &[]).await;
    store.set_faults(Faults {
        delay_micros_max: 1_000_000,
        ..Faults::default()
    });
    let query = text("anna");
    let mut given_up = 0;
    // Whoever has begun to read goes, each time a little later; another waits for it.
    for polls in 1.. {
        let directory = node();
        let ask = async || directory.find_members(tenant, &query, None, 9).await.unwrap().total;
        let (gone, waiting) = tokio::join!(polled(polls, ask()), ask());
        assert_eq!((waiting, ask().await), (1, 1), "after {polls} polls");
        match gone {
            None => given_up += 1,
            Some(total) => {
                assert_eq!(total, 1);
                break;
            }
        }
    }
    assert!(given_up > 0);
}

#[tokio::test]
async fn mem_20_found_by_name_address_pinyin_and_initials() {
    let (directory, tenant) = directory().await;
    member(&directory, "zs", "张三", &[]).await;
    member(&directory, "shan", "单雄信", &[]).await;
    member(&directory, "anna.b", "Anna Berg", &[]).await;
    let check = async |asked: &str, expect: &str| {
        assert_eq!(found(&directory, tenant, text(asked)).await, expect, "{asked}");
    };
    check("", "anna.b shan zs").await;
    check("张", "zs").await;
    check("zhangs", "zs").await;
    check("ZS", "zs").await;
    check("sxx", "shan").await;
    check("shanx", "shan").await;
    check("ＢＥＲＧ anna", "anna.b").await;
    check("anna.b@exa", "anna.b").await;
    check("berg zs", "").await;
    let change = AccountChange {
        display_name: Field::Set("李四".to_owned()),
        ..AccountChange::default()
    };
    let zs = directory
        .account_at(&Address::try_from("zs@example.test").unwrap())
        .await
        .unwrap()
        .id;
    directory.change_account(zs, &change).await.unwrap();
    check("lisi", "zs").await;
    check("zhang", "").await;
    directory.delete_account(zs).await.unwrap();
    check("", "anna.b shan").await;
}

#[tokio::test]
async fn org_6_lists_by_department_tag_and_scope() {
    let (directory, tenant) = directory().await;
    let tech = department(&directory, tenant, "Tech", DepartmentId::ROOT).await;
    let web = department(&directory, tenant, "Web", tech).await;
    let sales = department(&directory, tenant, "Sales", DepartmentId::ROOT).await;
    let a = member(&directory, "a", "A", &[tech]).await;
    member(&directory, "b", "B", &[web, sales]).await;
    member(&directory, "c", "C", &[]).await;
    let of = |department, deep| MemberQuery {
        department: Some(department),
        deep,
        ..MemberQuery::default()
    };
    assert_eq!(found(&directory, tenant, of(tech, false)).await, "a");
    assert_eq!(found(&directory, tenant, of(tech, true)).await, "a b");
    assert_eq!(found(&directory, tenant, of(DepartmentId::ROOT, false)).await, "c");
    assert_eq!(found(&directory, tenant, of(DepartmentId::ROOT, true)).await, "a b c");
    let scoped = MemberQuery {
        within: Some(vec![sales]),
        ..MemberQuery::default()
    };
    assert_eq!(found(&directory, tenant, scoped).await, "b");
    let views = directory.departments_below(tenant, DepartmentId::ROOT).await.unwrap();
    let counts: Vec<_> = views
        .iter()
        .map(|view| {
            (
                view.department.name.as_str(),
                view.members,
                view.members_deep,
                view.children,
            )
        })
        .collect();
    assert_eq!(counts, [("Sales", 1, 1, 0), ("Tech", 1, 2, 1)]);
    // Who moves is counted anew, alone.
    for to in [web, tech] {
        let moved = AccountChange {
            departments: Field::Set(vec![to]),
            ..AccountChange::default()
        };
        directory.change_account(a, &moved).await.unwrap();
        let views = directory.departments_below(tenant, DepartmentId::ROOT).await.unwrap();
        let direct = usize::from(to == tech);
        assert_eq!((views[1].members, views[1].members_deep), (direct, 2));
    }
    let new = NewTag {
        name: "T".to_owned(),
        departments: vec![tech],
    };
    let tag = directory.create_tag(tenant, &new).await.unwrap().id;
    let tagged = MemberQuery {
        tag: Some(tag),
        ..MemberQuery::default()
    };
    assert_eq!(found(&directory, tenant, tagged.clone()).await, "a b");
    let none = TagChange {
        departments: Field::Set(Vec::new()),
        ..TagChange::default()
    };
    directory.change_tag(tenant, tag, &none).await.unwrap();
    let change = AccountChange {
        tags: Field::Set(vec![tag]),
        ..AccountChange::default()
    };
    directory.change_account(a, &change).await.unwrap();
    assert_eq!(found(&directory, tenant, tagged).await, "a");
    directory.delete_tag(tenant, tag, None).await.unwrap();
    assert!(directory.account(a).await.unwrap().unwrap().tags.is_empty());
}

#[tokio::test]
async fn pages_follow_each_other_while_members_come_and_go() {
    let (directory, tenant) = directory().await;
    for n in 0..25 {
        member(&directory, &format!("m{n:02}"), "Same Name", &[]).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = directory
            .find_members(tenant, &MemberQuery::default(), after.as_ref(), 10)
            .await
            .unwrap();
        seen.extend(page.accounts.iter().map(|account| account.id.0));
        if seen.len() == 10 {
            directory.delete_account(AccountId(seen[9])).await.unwrap();
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=25).collect::<Vec<u64>>());
}

#[tokio::test]
async fn the_tenant_used_least_lately_is_forgotten_and_found_again() {
    let (env, _) = Env::manual(1);
    let options = DirectoryOptions {
        index_members_max: 2,
        ..DirectoryOptions::default()
    };
    let directory = Directory::new(Database::new(MemoryStore::default()), env, options);
    let mut tenants = Vec::new();
    for name in ["one.test", "two.test"] {
        let tenant = directory.create_tenant(&NewTenant::named(name)).await.unwrap().id;
        directory
            .create_domain(tenant, &Domain::try_from(name).unwrap())
            .await
            .unwrap();
        for local in ["a", "b"] {
            let address = Address::try_from(format!("{local}@{name}").as_str()).unwrap();
            directory.create_account(&NewAccount::at(address)).await.unwrap();
        }
        tenants.push(tenant);
    }
    for tenant in tenants.iter().chain(&tenants) {
        assert_eq!(found(&directory, *tenant, text("")).await, "a b");
        assert_eq!(directory.index().slots.lock().len(), 1);
    }
}

#[tokio::test]
async fn large_tenants_are_read_before_they_are_asked_for_and_again_after_missed_changes() {
    let (env, clock) = Env::manual(1);
    let store = MemoryStore::default();
    let writer = Directory::new(Database::new(store.clone()), env.clone(), DirectoryOptions::default());
    let mut tenants = Vec::new();
    let counts = [
        ("large.test", AHEAD_ACCOUNTS_MIN),
        ("larger.test", AHEAD_ACCOUNTS_MIN + 1),
        ("small.test", 2),
    ];
    for (name, count) in counts {
        let tenant = writer.create_tenant(&NewTenant::named(name)).await.unwrap().id;
        let domain = Domain::try_from(name).unwrap();
        writer.create_domain(tenant, &domain).await.unwrap();
        let new: Vec<_> = (0..count)
            .map(|n| NewAccount::at(Address::try_from(format!("m{n}@{name}").as_str()).unwrap()))
            .collect();
        for part in new.chunks(100) {
            writer.create_accounts(part).await.unwrap();
        }
        tenants.push(tenant);
    }
    let options = DirectoryOptions {
        index_ahead_members_max: 2 * AHEAD_ACCOUNTS_MIN,
        ..DirectoryOptions::default()
    };
    let directory = Directory::new(Database::new(store), env, options);
    let keeping = tokio::spawn(directory.clone().keep_index());
    let held = async || {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_millis(10));
            let slots = directory.index().slots.lock();
            if let Some(slot) = slots.get(&tenants[1])
                && slot.stale.lock().is_empty()
                && slot.members.load(Ordering::Relaxed) == AHEAD_ACCOUNTS_MIN + 1
            {
                return slots.len();
            }
        }
        panic!("not read");
    };
    assert_eq!(
        held().await,
        1,
        "those without room and small ones wait until they are asked for"
    );
    directory.index().forget(&[Touched::Everything]);
    assert_eq!(held().await, 1);
    keeping.abort();
}

#[tokio::test]
async fn groups_are_listed_as_they_are_after_a_change_on_any_node() {
    let (env, _) = Env::manual(1);
    let store = MemoryStore::default();
    let node = || Directory::new(Database::new(store.clone()), env.clone(), DirectoryOptions::default());
    let (here, there) = (node(), node());
    let mut follower = here.follower();
    let tenant = made(&there).await;
    drop(follower.look().await.unwrap());
    let names = async || {
        let listed = here.listed_groups(tenant).await.unwrap();
        let names = listed.iter().map(|group| group.display_name.clone());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names().await, "");
    let address = |local: &str| Address::try_from(format!("{local}@example.test").as_str()).unwrap();
    let new = |local: &str, name: &str| NewGroup {
        display_name: name.to_owned(),
        ..NewGroup::at(address(local))
    };
    there.create_group(&new("sales", "销售")).await.unwrap();
    assert_eq!(names().await, "", "it has not looked yet");
    drop(follower.look().await.unwrap());
    assert_eq!(names().await, "销售");
    here.create_group(&new("all", "All")).await.unwrap();
    assert_eq!(names().await, "销售 All");
    let listed = here.listed_groups(tenant).await.unwrap();
    let about = |words: &str| {
        let found = listed.iter().filter(|group| group.is_about(words));
        found
            .map(|group| group.address.local.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (words, expect) in [
        ("xiaoshou", "sales"),
        ("xs", "sales"),
        ("sales example.test", "sales"),
        ("a", "sales all"),
        ("all sales", ""),
        ("", "sales all"),
    ] {
        assert_eq!(about(words), expect, "{words}");
    }
    let renamed = GroupChange {
        display_name: Field::Set("Team".to_owned()),
        ..GroupChange::default()
    };
    there.change_group(&address("sales"), &renamed).await.unwrap();
    there.delete_group(&address("all")).await.unwrap();
    drop(follower.look().await.unwrap());
    assert_eq!(names().await, "Team");
}
