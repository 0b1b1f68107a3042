use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::Domain;

use super::*;
use crate::{DirectoryOptions, GrantRights, Grantee, GroupChange, NewAccount, NewDepartment, NewGrant, NewTenant};

struct Ground {
    directory: Directory,
    tenant: TenantId,
    tech: DepartmentId,
    sales: DepartmentId,
}

fn at(local: &str) -> Address {
    Address::try_from(format!("{local}@d.test").as_str()).unwrap()
}

impl Ground {
    async fn new() -> Self {
        let (env, _) = Env::manual(1);
        let directory = Directory::new(Database::new(MemoryStore::default()), env, DirectoryOptions::default());
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("d.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let mut departments = Vec::new();
        for name in ["Tech", "Sales"] {
            let new = NewDepartment {
                name: name.to_owned(),
                parent: DepartmentId::ROOT,
                rank: 0,
            };
            departments.push(directory.create_department(tenant, &new).await.unwrap().id);
        }
        for local in ["boss", "anna", "ben"] {
            let new = NewAccount {
                administrator: local == "boss",
                departments: if local == "anna" {
                    vec![departments[0]]
                } else {
                    Vec::new()
                },
                ..NewAccount::at(at(local))
            };
            directory.create_account(&new).await.unwrap();
        }
        Self {
            directory,
            tenant,
            tech: departments[0],
            sales: departments[1],
        }
    }
    async fn act(&self, local: &str, act: BulkAct, bounded: &Bounded) -> Result<()> {
        let address = at(local);
        self.directory
            .transact(async |change| {
                self.directory
                    .act_on(change, (self.tenant, &address), &act, None, bounded)
                    .await
            })
            .await
    }
    async fn account(&self, local: &str) -> std::sync::Arc<AccountRecord> {
        self.directory.account_at(&at(local)).await.unwrap()
    }
}

fn within(department: DepartmentId) -> Bounded {
    Bounded {
        within: Some(vec![department]),
        spares_roles: true,
        confirm_uses: false,
    }
}

#[tokio::test]
async fn mem_10_members_move_leave_and_join() {
    let ground = Ground::new().await;
    let free = Bounded::default();
    ground
        .act("ben", BulkAct::MoveTo(vec![ground.sales, ground.tech]), &free)
        .await
        .unwrap();
    ground
        .act("ben", BulkAct::Leave(vec![ground.sales]), &free)
        .await
        .unwrap();
    assert_eq!(ground.account("ben").await.departments, [ground.tech]);
    ground.directory.create_group(&NewGroup::at(at("all"))).await.unwrap();
    for _ in 0..2 {
        ground
            .act("ben", BulkAct::JoinGroups(vec![at("all")]), &free)
            .await
            .unwrap();
    }
    assert_eq!(ground.directory.group_at(&at("all")).await.unwrap().members, 1);
    let nowhere = ground.act("ben", BulkAct::JoinGroups(vec![at("none")]), &free).await;
    assert!(matches!(nowhere, Err(Error::NotFound { .. })), "{nowhere:?}");
    ground.act("ben", BulkAct::ForceSecureLogin(true), &free).await.unwrap();
    let ben = ground.account("ben").await.id;
    assert!(ground.directory.factors(ben).await.unwrap().rule.secure_login);
    ground.act("ben", BulkAct::Disable, &free).await.unwrap();
    assert_eq!(ground.account("ben").await.state, AccountState::Disabled);
    ground.act("ben", BulkAct::Enable, &free).await.unwrap();
    assert_eq!(ground.account("ben").await.state, AccountState::Active);
    ground.act("ben", BulkAct::Delete, &free).await.unwrap();
    assert!(ground.directory.recycled_at(&at("ben")).await.is_ok());
}

#[tokio::test]
async fn adm_9_bulk_actions_reach_as_far_as_the_right_does_when_they_are_done() {
    let ground = Ground::new().await;
    let bounded = within(ground.tech);
    let hidden = ground.act("ben", BulkAct::Disable, &bounded).await;
    assert!(
        matches!(hidden, Err(Error::NotFound { what: "account", .. })),
        "{hidden:?}"
    );
    let beyond = ground.act("anna", BulkAct::MoveTo(vec![ground.sales]), &bounded).await;
    assert!(
        matches!(beyond, Err(Error::NotFound { what: "department", .. })),
        "{beyond:?}"
    );
    ground.act("anna", BulkAct::Disable, &bounded).await.unwrap();
    let free = Bounded {
        spares_roles: true,
        ..Bounded::default()
    };
    let spared = ground.act("boss", BulkAct::ForceSecureLogin(true), &free).await;
    assert!(matches!(spared, Err(Error::Refused(_))), "{spared:?}");
}

#[tokio::test]
async fn mem_who_others_count_on_is_neither_disabled_nor_deleted_unasked() {
    let ground = Ground::new().await;
    let (boss, anna) = (ground.account("boss").await, ground.account("anna").await);
    let grant = NewGrant {
        account: boss.id,
        to: Grantee::Account(anna.id),
        rights: GrantRights::FULL,
        until: None,
    };
    ground.directory.grant(&grant).await.unwrap();
    ground.directory.create_group(&NewGroup::at(at("all"))).await.unwrap();
    let change = GroupChange {
        representatives: Field::Set(vec![anna.id]),
        ..GroupChange::default()
    };
    ground.directory.change_group(&at("all"), &change).await.unwrap();
    for act in [BulkAct::Disable, BulkAct::Delete] {
        let refused = ground.act("anna", act, &Bounded::default()).await.unwrap_err();
        let words = "member anna@d.test is still used: it speaks for the group all@d.test; it acts for boss@d.test";
        assert_eq!(refused.to_string(), words);
    }
    assert_eq!(ground.directory.uses_of(anna.id).await.unwrap().len(), 2);
    let confirmed = Bounded {
        confirm_uses: true,
        ..Bounded::default()
    };
    ground.act("anna", BulkAct::Disable, &confirmed).await.unwrap();
    assert_eq!(
        ground.directory.uses_of(anna.id).await.unwrap().len(),
        2,
        "it may be enabled again"
    );
    ground.act("anna", BulkAct::Delete, &confirmed).await.unwrap();
    assert!(ground.directory.grants_of(boss.id).await.unwrap().is_empty());
}
