use hongyan_audit::{Author, AuthorKind, Chain, Filter, Verdict};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;
use crate::{
    AccountChange, AccountKind, AccountState, DirectoryOptions, Field, Function, NewAccount, NewTenant, Profile,
    RequestKey, RequestState, Resolution, Role, Subject,
};

const ROOT: DepartmentId = DepartmentId::ROOT;

async fn directory() -> (Directory, TenantId) {
    let (env, _) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database, env, DirectoryOptions::default());
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("example.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    (directory, tenant)
}

fn at(local: &str) -> Address {
    Address::try_from(format!("{local}@example.test").as_str()).unwrap()
}

async fn member(directory: &Directory, local: &str) -> AccountId {
    directory.create_account(&NewAccount::at(at(local))).await.unwrap().id
}

async fn department(directory: &Directory, tenant: TenantId, name: &str, parent: DepartmentId) -> Result<DepartmentId> {
    let new = NewDepartment {
        name: name.to_owned(),
        parent,
        rank: 0,
    };
    Ok(directory.create_department(tenant, &new).await?.id)
}

fn to(parent: DepartmentId) -> DepartmentChange {
    DepartmentChange {
        parent: Field::Set(parent),
        ..DepartmentChange::default()
    }
}

/// The first words of an error.
fn kind<T>(outcome: Result<T>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(Error::Limit { setting, .. } | Error::LimitAt { setting, .. }) => setting,
        Err(Error::NotInPlan { feature, .. }) => feature,
        Err(Error::Refused(_)) => "refused",
        Err(Error::Changed { .. }) => "changed",
        Err(
            Error::Exists { what, .. }
            | Error::InUse { what, .. }
            | Error::MemberUsed { what, .. }
            | Error::NotFound { what, .. },
        ) => what,
        Err(Error::Repeated) => "repeated",
        Err(Error::Invalid(_)) => "invalid",
        Err(Error::Forbidden(_)) => "forbidden",
        Err(Error::Storage(_)) => "storage",
    }
}

#[tokio::test]
async fn org_6_fifteen_levels_and_no_more() {
    let (directory, tenant) = directory().await;
    let mut chain = vec![ROOT];
    for level in 1..=15 {
        let below = chain[level - 1];
        chain.push(
            department(&directory, tenant, &format!("L{level}"), below)
                .await
                .unwrap(),
        );
    }
    assert_eq!(
        kind(department(&directory, tenant, "L16", chain[15]).await),
        "department_levels_max"
    );
    let top = department(&directory, tenant, "Top", ROOT).await.unwrap();
    let low = department(&directory, tenant, "Low", top).await.unwrap();
    let moved = async |id, parent| kind(directory.change_department(tenant, id, &to(parent)).await);
    assert_eq!(
        moved(top, chain[14]).await,
        "department_levels_max",
        "what is below is too deep"
    );
    assert_eq!(moved(low, chain[14]).await, "ok");
    assert_eq!(moved(top, chain[13]).await, "ok");
    assert_eq!(moved(chain[3], chain[9]).await, "refused", "into itself");
    assert_eq!(moved(chain[3], chain[3]).await, "refused");
    assert_eq!(moved(chain[3], DepartmentId(999)).await, "department");
    assert_eq!(moved(chain[15], ROOT).await, "ok");
}

#[tokio::test]
async fn org_6_names_are_unique_among_siblings() {
    let (directory, tenant) = directory().await;
    let a = department(&directory, tenant, " Ｒ Team ", ROOT).await.unwrap();
    assert_eq!(
        kind(department(&directory, tenant, "ｒ team", ROOT).await),
        "department"
    );
    let b = department(&directory, tenant, "ｒ team", a).await.unwrap();
    assert_eq!(
        kind(directory.change_department(tenant, b, &to(ROOT)).await),
        "department"
    );
    assert_eq!(kind(department(&directory, tenant, "  ", a).await), "invalid");
    assert_eq!(kind(department(&directory, tenant, "a\u{202e}b", a).await), "invalid");
    let free = DepartmentChange {
        name: Field::Set("Other".to_owned()),
        ..DepartmentChange::default()
    };
    directory.change_department(tenant, a, &free).await.unwrap();
    assert_eq!(kind(department(&directory, tenant, "Ｒ TEAM", ROOT).await), "ok");
}

#[tokio::test]
async fn org_6_the_second_who_moves_a_department_is_told() {
    let (directory, tenant) = directory().await;
    let a = department(&directory, tenant, "A", ROOT).await.unwrap();
    let b = department(&directory, tenant, "B", ROOT).await.unwrap();
    let c = department(&directory, tenant, "C", ROOT).await.unwrap();
    let seen = directory.department(tenant, c).await.unwrap().etag();
    let move_to = async |parent| {
        let change = DepartmentChange {
            expect: Some(seen),
            ..to(parent)
        };
        kind(directory.change_department(tenant, c, &change).await)
    };
    assert_eq!(move_to(a).await, "ok");
    assert_eq!(move_to(b).await, "changed");
    assert_eq!(directory.department(tenant, c).await.unwrap().parent, a);
}

#[tokio::test]
async fn org_6_a_department_goes_when_its_members_do() {
    let (directory, tenant) = directory().await;
    let a = department(&directory, tenant, "A", ROOT).await.unwrap();
    let b = department(&directory, tenant, "B", a).await.unwrap();
    let change = AccountChange {
        departments: Field::Set(vec![b, b, ROOT]),
        ..AccountChange::default()
    };
    let anna = member(&directory, "anna").await;
    assert_eq!(directory.change_account(anna, &change).await.unwrap().departments, [b]);
    assert_eq!(
        kind(directory.delete_department(tenant, a, None, None).await),
        "department"
    );
    assert_eq!(
        kind(directory.delete_department(tenant, b, None, None).await),
        "department"
    );
    directory.delete_department(tenant, b, Some(a), None).await.unwrap();
    assert_eq!(directory.account(anna).await.unwrap().unwrap().departments, [a]);
    directory.delete_department(tenant, a, Some(ROOT), None).await.unwrap();
    assert_eq!(directory.account(anna).await.unwrap().unwrap().departments, []);
    assert_eq!(directory.tenant(tenant).await.unwrap().counts.departments, 0);
}

#[tokio::test]
async fn mem_2_employee_id_and_phone_are_unique() {
    let (directory, tenant) = directory().await;
    let with = |employee_id: &str, mobile: &str| AccountChange {
        profile: Field::Set(Profile {
            employee_id: employee_id.to_owned(),
            mobile: mobile.to_owned(),
            ..Profile::default()
        }),
        ..AccountChange::default()
    };
    let (anna, bob) = (member(&directory, "anna").await, member(&directory, "bob").await);
    let anna_with = async |employee_id, mobile| kind(directory.change_account(anna, &with(employee_id, mobile)).await);
    let bob_with = async |employee_id, mobile| kind(directory.change_account(bob, &with(employee_id, mobile)).await);
    assert_eq!(anna_with("E1", "+86 138-0000").await, "ok");
    assert_eq!(bob_with("e1", "").await, "employee-id");
    assert_eq!(bob_with("E2", "+861380000").await, "mobile");
    assert_eq!(bob_with("E2", "12a4").await, "invalid");
    assert_eq!(anna_with("E1", "").await, "ok");
    assert_eq!(bob_with("", "+861380000").await, "ok");
    directory.delete_account(anna).await.unwrap();
    assert_eq!(bob_with("E1", "+861380000").await, "ok");
    assert_eq!(directory.tenant(tenant).await.unwrap().counts.accounts, 1);
}

#[tokio::test]
async fn adm_7_exactly_one_creator_who_may_hand_over() {
    let (directory, tenant) = directory().await;
    let new = |local: &str| NewAccount {
        administrator: true,
        ..NewAccount::at(at(local))
    };
    let anna = directory.create_account(&new("anna")).await.unwrap();
    let bob = directory.create_account(&new("bob")).await.unwrap();
    assert_eq!((&anna.role, &bob.role), (&Some(Role::Creator), &Some(Role::Super)));
    let role = |role: Option<Role>| AccountChange {
        role: Field::Set(role),
        ..AccountChange::default()
    };
    let disabled = AccountChange {
        state: Field::Set(AccountState::Disabled),
        ..AccountChange::default()
    };
    assert_eq!(kind(directory.change_account(anna.id, &role(None)).await), "refused");
    assert_eq!(kind(directory.change_account(anna.id, &disabled).await), "refused");
    assert_eq!(kind(directory.delete_account(anna.id).await), "refused");
    directory
        .change_account(bob.id, &role(Some(Role::Creator)))
        .await
        .unwrap();
    assert_eq!(
        directory.account(anna.id).await.unwrap().unwrap().role,
        Some(Role::Super)
    );
    assert_eq!(directory.tenant(tenant).await.unwrap().creator, Some(bob.id));
    directory.change_account(anna.id, &disabled).await.unwrap();
    assert_eq!(directory.resolve(&at("anna")).await.unwrap(), Resolution::Suspended);
    directory.delete_account(anna.id).await.unwrap();
    let delegated = Role::Delegated {
        functions: vec![Function::Members],
        departments: vec![DepartmentId(9)],
    };
    let carl = member(&directory, "carl").await;
    assert_eq!(
        kind(directory.change_account(carl, &role(Some(delegated))).await),
        "department"
    );
    directory.delete_account(carl).await.unwrap();
    directory.delete_account(bob.id).await.unwrap();
    assert_eq!(
        directory.tenant(tenant).await.unwrap().creator,
        None,
        "the last one may go"
    );
}

#[tokio::test]
async fn sbx_1_a_shared_mailbox_is_no_person() {
    let (directory, tenant) = directory().await;
    let a = department(&directory, tenant, "A", ROOT).await.unwrap();
    let shared = NewAccount {
        kind: AccountKind::Shared,
        ..NewAccount::at(at("sales"))
    };
    let placed = NewAccount {
        departments: vec![a],
        ..shared.clone()
    };
    assert_eq!(kind(directory.create_account(&placed).await), "invalid");
    directory.create_account(&shared).await.unwrap();
    assert!(matches!(
        directory.resolve(&at("sales")).await.unwrap(),
        Resolution::Account(_)
    ));
}

#[tokio::test]
async fn stat_7_every_change_is_told_to_the_audit_log_and_the_feed() {
    let (directory, tenant) = directory().await;
    let author = Author {
        kind: AuthorKind::Member,
        id: Some(9),
        name: "boss@example.test".to_owned(),
        from: "192.0.2.7".to_owned(),
    };
    let boss = directory.acting(author.clone(), None);
    let a = department(&boss, tenant, "A", ROOT).await.unwrap();
    let anna = member(&boss, "anna").await;
    let refused = department(&boss, tenant, "A", ROOT).await;
    assert_eq!(kind(refused), "department");
    let log = directory.audit();
    let page = log
        .list(Chain::Tenant(tenant), &Filter::default(), None, 9)
        .await
        .unwrap();
    let told: Vec<_> = page
        .entries
        .iter()
        .map(|recorded| (recorded.entry.action.as_str(), recorded.entry.author.name.as_str()))
        .collect();
    let boss = "boss@example.test";
    let expect = [
        ("member.create", boss),
        ("department.create", boss),
        ("domain.create", ""),
        ("organisation.create", ""),
    ];
    assert_eq!(told, expect);
    assert_eq!(page.entries[0].entry.author, author);
    let verdict = log.verify(Chain::Tenant(tenant), None).await.unwrap();
    assert!(matches!(verdict, Verdict::Whole(whole) if whole.end.sequence == 4));
    let feed = directory.feed(tenant, 2, 9).await.unwrap();
    let subjects: Vec<_> = feed.entries.iter().map(|entry| entry.subjects.clone()).collect();
    assert_eq!(subjects, [vec![Subject::Department(a)], vec![Subject::Account(anna)]]);
    assert_eq!((feed.latest, feed.gap), (4, false));
}

#[tokio::test]
async fn api_a_request_with_a_key_is_carried_out_once() {
    let (directory, tenant) = directory().await;
    let request = RequestKey([7; 32]);
    let first = directory.acting(Author::system(), Some(request));
    assert_eq!(directory.request_state(&request).await.unwrap(), RequestState::New);
    department(&first, tenant, "A", ROOT).await.unwrap();
    assert_eq!(directory.request_state(&request).await.unwrap(), RequestState::Done);
    let again = directory.acting(Author::system(), Some(request));
    assert_eq!(kind(department(&again, tenant, "B", ROOT).await), "repeated");
    directory.keep_answer(&request, b"{}").await.unwrap();
    let answered = RequestState::Answered(b"{}".to_vec());
    assert_eq!(directory.request_state(&request).await.unwrap(), answered);
    assert_eq!(directory.departments(tenant).await.unwrap().len(), 1);
}
