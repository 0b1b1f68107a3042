use std::sync::Arc;

use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::AccountId;

use super::*;
use crate::{
    AccountChange, DepartmentChange, DirectoryOptions, Field, GroupChange, GroupTargets, NewAccount, NewDepartment,
    NewGroup, NewTag, NewTenant, Parties, Poster, Posting, Resolution, Sending,
};

async fn directory() -> (Directory, TenantId) {
    let (env, _) = Env::manual(1);
    let options = DirectoryOptions {
        group_expansion_max: 4,
        ..DirectoryOptions::default()
    };
    let directory = Directory::new(Database::new(MemoryStore::default()), env, options);
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("example.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    (directory, tenant)
}

fn at(local: &str) -> Address {
    let text = if local.contains('@') {
        local.to_owned()
    } else {
        format!("{local}@example.test")
    };
    Address::try_from(text.as_str()).unwrap()
}

async fn member(directory: &Directory, local: &str, departments: &[DepartmentId]) -> AccountId {
    let new = NewAccount {
        departments: departments.to_vec(),
        ..NewAccount::at(at(local))
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

async fn targets(directory: &Directory, local: &str) -> Arc<GroupTargets> {
    match directory.resolve(&at(local)).await.unwrap() {
        Resolution::Group(group) => group,
        other => panic!("{local}: {other:?}"),
    }
}

/// Whom a group reaches: local parts here, addresses elsewhere.
async fn reached(directory: &Directory, local: &str) -> String {
    let group = targets(directory, local).await;
    let here = group.accounts.iter().map(|account| account.address.local.to_string());
    let all = here.chain(group.remote.iter().map(ToString::to_string));
    all.collect::<Vec<_>>().join(" ")
}

fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> bool {
    matches!(outcome, Err(Error::Refused(_)))
}

#[tokio::test]
async fn grp_3_members_by_department_tag_and_group_are_reached_once() {
    let (directory, tenant) = directory().await;
    let tech = department(&directory, tenant, "Tech", DepartmentId::ROOT).await;
    let web = department(&directory, tenant, "Web", tech).await;
    let new = NewTag {
        name: "T".to_owned(),
        departments: vec![web],
    };
    let tag = directory.create_tag(tenant, &new).await.unwrap().id;
    member(&directory, "a", &[tech]).await;
    let ben = member(&directory, "b", &[web, tech]).await;
    member(&directory, "c", &[]).await;
    let inner = NewGroup {
        member_tags: vec![tag],
        members: vec![at("c"), at("x@far.test")],
        ..NewGroup::at(at("inner"))
    };
    directory.create_group(&inner).await.unwrap();
    let outer = NewGroup {
        member_departments: vec![tech],
        members: vec![at("inner")],
        ..NewGroup::at(at("outer"))
    };
    directory.create_group(&outer).await.unwrap();
    assert_eq!(reached(&directory, "inner").await, "b c x@far.test");
    assert_eq!(reached(&directory, "outer").await, "a b c x@far.test");
    let moved = AccountChange {
        departments: Field::Set(Vec::new()),
        ..AccountChange::default()
    };
    directory.change_account(ben, &moved).await.unwrap();
    assert_eq!(reached(&directory, "outer").await, "a c x@far.test");
    assert_eq!(reached(&directory, "inner").await, "c x@far.test");
    directory.delete_tag(tenant, tag, None).await.unwrap();
    assert_eq!(directory.group_at(&at("inner")).await.unwrap().member_tags, []);
    let everyone = NewGroup {
        member_departments: vec![DepartmentId::ROOT],
        ..NewGroup::at(at("everyone"))
    };
    directory.create_group(&everyone).await.unwrap();
    assert_eq!(reached(&directory, "everyone").await, "a b c");
}

#[tokio::test]
async fn grp_a_group_too_large_is_refused_when_it_is_saved() {
    let (directory, tenant) = directory().await;
    let tech = department(&directory, tenant, "Tech", DepartmentId::ROOT).await;
    for local in ["a", "b", "c", "d"] {
        member(&directory, local, &[tech]).await;
    }
    let new = NewGroup {
        member_departments: vec![tech],
        ..NewGroup::at(at("tech"))
    };
    directory.create_group(&new).await.unwrap();
    let fifth = directory.add_member(&at("tech"), &at("x@far.test")).await;
    let limit = Err(Error::Limit {
        setting: "group_expansion_max",
        max: 4,
        used: 5,
    });
    assert_eq!(fifth.map(|_| ()), limit);
    directory.add_member(&at("tech"), &at("a")).await.unwrap();
    let outer = NewGroup {
        members: vec![at("tech"), at("x@far.test")],
        ..NewGroup::at(at("outer"))
    };
    assert_eq!(directory.create_group(&outer).await.map(|_| ()), limit);
    assert_eq!(directory.resolve(&at("outer")).await.unwrap(), Resolution::NoSuchUser);
}

#[tokio::test]
async fn grp_circles_are_found_however_long_they_are() {
    let (directory, _) = directory().await;
    member(&directory, "a", &[]).await;
    let new = |local: &str, members: &[&str]| NewGroup {
        members: members.iter().copied().map(at).collect(),
        ..NewGroup::at(at(local))
    };
    directory.create_group(&new("one", &["a"])).await.unwrap();
    directory.create_group(&new("two", &["one"])).await.unwrap();
    directory.create_group(&new("three", &["two"])).await.unwrap();
    let circle = directory.add_member(&at("one"), &at("THREE")).await;
    assert!(refused(circle));
    assert!(refused(directory.create_group(&new("self", &["self"])).await));
    assert_eq!(directory.resolve(&at("self")).await.unwrap(), Resolution::NoSuchUser);
    // An address that was nobody's becomes a group that would have itself as a member.
    directory.add_member(&at("one"), &at("later")).await.unwrap();
    assert!(refused(directory.create_group(&new("later", &["three"])).await));
    directory.create_group(&new("later", &["a"])).await.unwrap();
    assert_eq!(reached(&directory, "three").await, "a");
}

#[tokio::test]
async fn grp_what_a_group_is_part_of_does_not_become_too_large_either() {
    let (directory, _) = directory().await;
    let new = |local: &str, members: &[&str]| NewGroup {
        members: members.iter().copied().map(at).collect(),
        ..NewGroup::at(at(local))
    };
    directory.create_group(&new("inner", &["a@far.test"])).await.unwrap();
    directory
        .create_group(&new("middle", &["inner", "b@far.test"]))
        .await
        .unwrap();
    directory
        .create_group(&new("outer", &["middle", "c@far.test"]))
        .await
        .unwrap();
    directory.add_member(&at("inner"), &at("d@far.test")).await.unwrap();
    let fifth = directory.add_member(&at("inner"), &at("e@far.test")).await.unwrap_err();
    assert_eq!(
        fifth.to_string(),
        "outer@example.test has inner@example.test as a member and would reach 5 recipients: group_expansion_max is 4"
    );
    assert_eq!(
        reached(&directory, "outer").await,
        "a@far.test b@far.test c@far.test d@far.test"
    );
    // Whom another group brings already, one more path does not make more.
    directory.add_member(&at("inner"), &at("c@far.test")).await.unwrap();
    // What others make of a group of ours is theirs.
    let other = directory.create_tenant(&NewTenant::named("Other")).await.unwrap().id;
    let theirs = Domain::try_from("other.test").unwrap();
    directory.create_domain(other, &theirs).await.unwrap();
    let members = ["alone@example.test", "v@far.test", "w@far.test", "x@far.test"];
    directory.create_group(&new("alone", &[])).await.unwrap();
    directory.create_group(&new("all@other.test", &members)).await.unwrap();
    directory.add_member(&at("alone"), &at("a@far.test")).await.unwrap();
    directory.add_member(&at("alone"), &at("b@far.test")).await.unwrap();
}

#[tokio::test]
async fn grp_who_leaves_is_missed_nowhere_and_a_group_can_be_empty() {
    let (directory, tenant) = directory().await;
    let tech = department(&directory, tenant, "Tech", DepartmentId::ROOT).await;
    let anna = member(&directory, "anna", &[tech]).await;
    let new = NewGroup {
        members: vec![at("anna")],
        member_departments: vec![tech],
        representatives: vec![anna],
        owner: Some(anna),
        posting: Posting::Custom,
        posters: Parties {
            departments: vec![tech],
            ..Parties::default()
        },
        ..NewGroup::at(at("team"))
    };
    let team = directory.create_group(&new).await.unwrap().id;
    let outer = NewGroup {
        members: vec![at("team")],
        ..NewGroup::at(at("outer"))
    };
    let outer = directory.create_group(&outer).await.unwrap().id;
    assert_eq!(reached(&directory, "outer").await, "anna");
    directory.delete_account(anna).await.unwrap();
    let left = directory.group_at(&at("team")).await.unwrap();
    assert_eq!((left.representatives, left.owner, left.members), (vec![], None, 0));
    assert_eq!(
        directory.resolve(&at("team")).await.unwrap(),
        Resolution::GroupEmpty(team)
    );
    assert_eq!(
        directory.resolve(&at("outer")).await.unwrap(),
        Resolution::GroupEmpty(outer)
    );
    // Who joins the department is in at once, and it may have another name.
    let renamed = DepartmentChange {
        name: Field::Set("Lab".to_owned()),
        ..DepartmentChange::default()
    };
    directory.change_department(tenant, tech, &renamed).await.unwrap();
    let ben = member(&directory, "ben", &[tech]).await;
    assert_eq!(reached(&directory, "outer").await, "ben");
    let group = targets(&directory, "team").await;
    let ben = directory.account(ben).await.unwrap().unwrap();
    assert!(group.takes_from(Poster {
        account: Some(&ben),
        sender: Some(&ben.address),
    }));
    assert!(group.owner.is_none());
}

#[tokio::test]
async fn grp_4_who_may_write() {
    let (directory, tenant) = directory().await;
    let tech = department(&directory, tenant, "Tech", DepartmentId::ROOT).await;
    let anna = member(&directory, "anna", &[]).await;
    let ben = member(&directory, "ben", &[tech]).await;
    let carl = member(&directory, "carl", &[]).await;
    let other = directory.create_tenant(&NewTenant::named("Other")).await.unwrap().id;
    let theirs = Domain::try_from("other.test").unwrap();
    directory.create_domain(other, &theirs).await.unwrap();
    let ora = member(&directory, "ora@other.test", &[]).await;
    let new = NewGroup {
        members: vec![at("anna"), at("x@far.test"), at("ora@other.test")],
        ..NewGroup::at(at("team"))
    };
    directory.create_group(&new).await.unwrap();
    // Letters: anna, ben, carl, ora of the other tenant, each signed in; then x and anna from outside; the null sender.
    let row = async |posting, posters: Parties, representatives: Vec<AccountId>| {
        let change = GroupChange {
            posting: Field::Set(posting),
            posters: Field::Set(posters),
            representatives: Field::Set(representatives),
            ..GroupChange::default()
        };
        directory.change_group(&at("team"), &change).await.unwrap();
        let group = targets(&directory, "team").await;
        let mut row = String::new();
        let mut note = |takes: bool| row.push(if takes { 'Y' } else { '-' });
        for id in [anna, ben, carl, ora] {
            let account = directory.account(id).await.unwrap().unwrap();
            note(group.takes_from(Poster {
                account: Some(&account),
                sender: Some(&account.address),
            }));
        }
        for sender in [Some(at("X@far.test")), Some(at("anna")), None] {
            note(group.takes_from(Poster {
                account: None,
                sender: sender.as_ref(),
            }));
        }
        row
    };
    let nobody = Parties::default;
    assert_eq!(row(Posting::Anyone, nobody(), vec![]).await, "YYYYYYY");
    assert_eq!(row(Posting::Unset, nobody(), vec![carl]).await, "-------");
    assert_eq!(row(Posting::Organisation, nobody(), vec![]).await, "YYY----");
    assert_eq!(row(Posting::Members, nobody(), vec![]).await, "Y--YY--");
    assert_eq!(row(Posting::Members, nobody(), vec![carl]).await, "Y-YYY--");
    let custom = Parties {
        addresses: vec![at("carl"), at("x@far.test")],
        departments: vec![tech],
        tags: Vec::new(),
    };
    assert_eq!(row(Posting::Custom, custom, vec![]).await, "-YY-Y--");
    let by_group = Parties {
        addresses: vec![at("team")],
        ..Parties::default()
    };
    assert_eq!(row(Posting::Custom, by_group, vec![]).await, "Y--YY--");
}

#[tokio::test]
async fn grp_5_the_group_of_a_department_follows_it() {
    let (directory, tenant) = directory().await;
    let tech = department(&directory, tenant, "技术部", DepartmentId::ROOT).await;
    let web = department(&directory, tenant, "Web", tech).await;
    member(&directory, "jishubu", &[]).await;
    let domain = Domain::try_from("example.test").unwrap();
    let address = directory.department_address(tenant, tech, &domain).await.unwrap();
    assert_eq!(address, at("jishubu2"));
    let new = NewGroup {
        address_generated: true,
        department: Some(tech),
        posting: Posting::Unset,
        ..NewGroup::at(address)
    };
    let group = directory.create_group(&new).await.unwrap();
    assert_eq!(group.display_name, "技术部");
    let again = directory
        .create_group(&NewGroup {
            address: at("again"),
            ..new
        })
        .await;
    assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
    assert_eq!(
        directory.resolve(&at("jishubu2")).await.unwrap(),
        Resolution::GroupEmpty(group.id)
    );
    let ben = member(&directory, "ben", &[web]).await;
    assert_eq!(reached(&directory, "jishubu2").await, "ben");
    assert!(refused(directory.add_member(&at("jishubu2"), &at("x@far.test")).await));
    let named = GroupChange {
        display_name: Field::Set("Other".to_owned()),
        ..GroupChange::default()
    };
    assert!(refused(directory.change_group(&at("jishubu2"), &named).await));
    let renamed = DepartmentChange {
        name: Field::Set("研发部".to_owned()),
        ..DepartmentChange::default()
    };
    directory.change_department(tenant, tech, &renamed).await.unwrap();
    let to = |local: &str| GroupChange {
        address: Field::Set(at(local)),
        ..GroupChange::default()
    };
    let changed = directory.change_group(&at("jishubu2"), &to("tech")).await.unwrap();
    assert_eq!((changed.display_name.as_str(), changed.address), ("研发部", at("tech")));
    assert_eq!(
        directory.resolve(&at("jishubu2")).await.unwrap(),
        Resolution::NoSuchUser
    );
    assert!(refused(directory.change_group(&at("tech"), &to("tech2")).await), "once");
    directory.delete_account(ben).await.unwrap();
    directory.delete_department(tenant, web, None, None).await.unwrap();
    directory.delete_department(tenant, tech, None, None).await.unwrap();
    assert_eq!(directory.resolve(&at("tech")).await.unwrap(), Resolution::NoSuchUser);
    assert_eq!(directory.tenant(tenant).await.unwrap().counts.groups, 0);
}

#[tokio::test]
async fn grp_6_representatives_send_in_the_groups_name_until_they_are_not() {
    let (directory, _) = directory().await;
    let anna = member(&directory, "anna", &[]).await;
    let ben = member(&directory, "ben", &[]).await;
    let new = NewGroup {
        members: vec![at("ben"), at("anna")],
        representatives: vec![ben, anna],
        ..NewGroup::at(at("team"))
    };
    directory.create_group(&new).await.unwrap();
    let may = async |id, local: &str| {
        let account = directory.account(id).await.unwrap().unwrap();
        directory.sender_rights(&account).await.unwrap().sending(&at(local)) == Sending::As
    };
    assert!(may(anna, "anna").await && may(anna, "TEAM").await && !may(anna, "ben").await);
    let owner = async || targets(&directory, "team").await.owner.as_ref().map(|owner| owner.id);
    assert_eq!(
        owner().await,
        Some(ben),
        "the first representative, as there is no owner"
    );
    let change = GroupChange {
        representatives: Field::Set(vec![ben]),
        owner: Field::Set(Some(anna)),
        ..GroupChange::default()
    };
    directory.change_group(&at("team"), &change).await.unwrap();
    assert!(!may(anna, "team").await && may(ben, "team").await);
    assert_eq!(owner().await, Some(anna));
    directory.delete_account(anna).await.unwrap();
    let group = directory.group_at(&at("team")).await.unwrap();
    assert_eq!((group.members, group.owner), (1, None));
    let new_anna = member(&directory, "anna", &[]).await;
    assert_eq!(
        reached(&directory, "team").await,
        "ben",
        "the address came back as someone else's"
    );
    let change = GroupChange {
        representatives: Field::Set(vec![AccountId(99)]),
        ..GroupChange::default()
    };
    assert!(matches!(
        directory.change_group(&at("team"), &change).await,
        Err(Error::NotFound { .. })
    ));
    directory.delete_group(&at("team")).await.unwrap();
    assert!(!may(new_anna, "team").await && !may(ben, "team").await);
}

#[test]
fn grp_5_names_become_addresses() {
    let check = |name: &str, expect: Option<&str>| assert_eq!(spelled(name).as_deref(), expect, "{name}");
    check("技术部", Some("jishubu"));
    check("Web & Mail Team", Some("web.mail.team"));
    check("R2", Some("r2"));
    check("Отдел", None);
    check("!!", None);
}
