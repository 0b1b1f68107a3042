use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;
use crate::{Confined, DirectoryOptions, Error, MemberQuery, NewAccount, NewDepartment, NewTag, NewTenant};

struct Ground {
    directory: Directory,
    tenant: TenantId,
}

impl Ground {
    /// Departments 1 Board, 2 Sales, 3 Sales/East, 4 Interns; tag 1; one member each, and one without.
    async fn new() -> Self {
        let (env, _) = Env::manual(1);
        let directory = Directory::new(Database::new(MemoryStore::default()), env, DirectoryOptions::default());
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("a.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        for (name, parent) in [("Board", 0), ("Sales", 0), ("East", 2), ("Interns", 0)] {
            let new = NewDepartment {
                name: name.to_owned(),
                parent: DepartmentId(parent),
                rank: 0,
            };
            directory.create_department(tenant, &new).await.unwrap();
        }
        let tag = NewTag {
            name: "Secret".to_owned(),
            departments: Vec::new(),
        };
        directory.create_tag(tenant, &tag).await.unwrap();
        for (name, department, tags) in [
            ("board", Some(1), vec![]),
            ("sales", Some(2), vec![]),
            ("east", Some(3), vec![]),
            ("intern", Some(4), vec![]),
            ("none", None, vec![]),
            ("spy", Some(2), vec![TagId(1)]),
        ] {
            let new = NewAccount {
                departments: department.map(DepartmentId).into_iter().collect(),
                tags,
                ..NewAccount::at(Address::try_from(format!("{name}@a.test").as_str()).unwrap())
            };
            directory.create_account(&new).await.unwrap();
        }
        Self { directory, tenant }
    }
    async fn seen_by(&self, name: &str) -> String {
        let address = Address::try_from(format!("{name}@a.test").as_str()).unwrap();
        let viewer = self.directory.account_at(&address).await.unwrap();
        let sight = self.directory.sight_of(&viewer).await.unwrap();
        let all = self.directory.accounts(self.tenant, None, 100).await.unwrap();
        let mut seen: Vec<String> = all
            .iter()
            .filter(|account| sight.sees(account))
            .map(|account| account.address.local.to_string())
            .collect();
        seen.sort();
        let query = MemberQuery {
            sight: Some(sight),
            ..MemberQuery::default()
        };
        let found = self
            .directory
            .find_members(self.tenant, &query, None, 100)
            .await
            .unwrap();
        let mut listed: Vec<String> = found
            .accounts
            .iter()
            .map(|account| account.address.local.to_string())
            .collect();
        listed.sort();
        assert_eq!(listed, seen, "lists and single looks agree");
        seen.join(" ")
    }
}

#[tokio::test]
async fn org_11_who_sees_whom() {
    let ground = Ground::new().await;
    let all = "board east intern none sales spy";
    assert_eq!(ground.seen_by("intern").await, all, "by itself everybody sees all");
    let rules = Visibility {
        hidden_departments: vec![DepartmentId(1)],
        hidden_tags: vec![TagId(1)],
        confined: vec![Confined {
            departments: vec![DepartmentId(4)],
            see: vec![DepartmentId(3)],
            ..Confined::default()
        }],
        ..Visibility::default()
    };
    let set = ground
        .directory
        .set_visibility(ground.tenant, &rules, None)
        .await
        .unwrap();
    assert_eq!(ground.seen_by("board").await, "board east intern none sales");
    assert_eq!(ground.seen_by("sales").await, "east intern none sales");
    assert_eq!(
        ground.seen_by("spy").await,
        "east intern none sales spy",
        "oneself is seen"
    );
    assert_eq!(ground.seen_by("intern").await, "east intern");
    let stale = ground
        .directory
        .set_visibility(ground.tenant, &rules, Some(Visibility::default().etag()))
        .await;
    assert!(matches!(stale, Err(Error::Changed { .. })));
    let open = Visibility::default();
    ground
        .directory
        .set_visibility(ground.tenant, &open, Some(set.etag()))
        .await
        .unwrap();
    assert_eq!(ground.seen_by("intern").await, all);
    let unknown = Visibility {
        hidden_departments: vec![DepartmentId(99)],
        ..Visibility::default()
    };
    assert!(
        ground
            .directory
            .set_visibility(ground.tenant, &unknown, None)
            .await
            .is_err()
    );
}
