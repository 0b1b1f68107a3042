use std::sync::Arc;
use std::time::Duration;

use hongyan_env::{Env, ManualClock};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain, TenantId, Timestamp};

use super::*;
use crate::{
    AccountChange, AccountKind, AccountRecord, AccountState, DepartmentId, DirectoryOptions, Error, Field, GrantRights,
    NewAccount, NewDepartment, NewTenant, Sending,
};

struct Ground {
    directory: Directory,
    database: Database,
    tenant: TenantId,
    clock: ManualClock,
}

fn at(local: &str) -> Address {
    Address::try_from(format!("{local}@example.test").as_str()).unwrap()
}

impl Ground {
    async fn new() -> Self {
        let (env, clock) = Env::manual(1);
        let database = Database::new(MemoryStore::default());
        let directory = Directory::new(database.clone(), env, DirectoryOptions::default());
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("example.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        Self {
            directory,
            database,
            tenant,
            clock,
        }
    }
    async fn account(&self, local: &str, kind: AccountKind, departments: &[DepartmentId]) -> AccountId {
        let new = NewAccount {
            kind,
            departments: departments.to_vec(),
            ..NewAccount::at(at(local))
        };
        self.directory.create_account(&new).await.unwrap().id
    }
    async fn record(&self, id: AccountId) -> Arc<AccountRecord> {
        self.directory.account(id).await.unwrap().unwrap()
    }
    /// What is open to someone: `local:rws`, each letter a right.
    async fn open_to(&self, id: AccountId) -> String {
        let account = self.record(id).await;
        let openings = self.directory.accounts_open_to(&account).await.unwrap();
        let shown = openings.iter().map(|opening| {
            let GrantRights { read, write, send } = opening.rights;
            let letters = [
                (read, "r"),
                (write, "w"),
                (send == Sending::As, "s"),
                (send == Sending::OnBehalf, "b"),
            ];
            let letters: String = letters
                .iter()
                .filter(|(has, _)| *has)
                .map(|(_, letter)| *letter)
                .collect();
            format!("{}:{letters}", opening.account.address.local)
        });
        shown.collect::<Vec<_>>().join(" ")
    }
    async fn grant(
        &self,
        account: AccountId,
        to: Grantee,
        rights: GrantRights,
        millis: Option<i64>,
    ) -> Result<GrantRecord> {
        let until = millis.map(|millis| Timestamp {
            millis: self.directory.now().millis + millis,
        });
        let new = NewGrant {
            account,
            to,
            rights,
            until,
        };
        self.directory.grant(&new).await
    }
}

const READ: GrantRights = GrantRights {
    read: true,
    write: false,
    send: Sending::No,
};

#[tokio::test]
async fn sbx_4_members_and_departments_use_a_shared_mailbox() {
    let ground = Ground::new().await;
    let new = |name: &str, parent| NewDepartment {
        name: name.to_owned(),
        parent,
        rank: 0,
    };
    let (directory, tenant) = (&ground.directory, ground.tenant);
    let tech = directory
        .create_department(tenant, &new("Tech", DepartmentId::ROOT))
        .await
        .unwrap()
        .id;
    let web = directory.create_department(tenant, &new("Web", tech)).await.unwrap().id;
    let info = ground.account("info", AccountKind::Shared, &[]).await;
    let sales = ground.account("sales", AccountKind::Shared, &[]).await;
    let anna = ground.account("anna", AccountKind::Member, &[]).await;
    let ben = ground.account("ben", AccountKind::Member, &[web]).await;
    let to_anna = Grantee::Account(anna);
    ground.grant(info, to_anna, GrantRights::FULL, None).await.unwrap();
    ground.grant(info, Grantee::Department(tech), READ, None).await.unwrap();
    ground
        .grant(sales, Grantee::Account(ben), GrantRights::FULL, None)
        .await
        .unwrap();
    assert_eq!(ground.open_to(anna).await, "info:rws");
    assert_eq!(ground.open_to(ben).await, "info:r sales:rws");
    let rights = directory.sender_rights(&ground.record(anna).await).await.unwrap();
    assert_eq!(rights.sending(&at("INFO+x")), Sending::As);
    assert_eq!(rights.sending(&at("sales")), Sending::No);
    let rights = directory.sender_rights(&ground.record(ben).await).await.unwrap();
    assert_eq!(rights.sending(&at("info")), Sending::No);
    assert_eq!(directory.grants_of(info).await.unwrap().len(), 2);

    let disabled = |state| AccountChange {
        state: Field::Set(state),
        ..AccountChange::default()
    };
    directory
        .change_account(sales, &disabled(AccountState::Disabled))
        .await
        .unwrap();
    assert_eq!(ground.open_to(ben).await, "info:r");
    directory
        .change_account(sales, &disabled(AccountState::Active))
        .await
        .unwrap();
    directory.withdraw(info, to_anna).await.unwrap();
    assert_eq!(ground.open_to(anna).await, "");
    assert!(matches!(
        directory.withdraw(info, to_anna).await,
        Err(Error::NotFound { .. })
    ));
    directory
        .delete_department(tenant, web, Some(DepartmentId::ROOT), None)
        .await
        .unwrap();
    assert_eq!(ground.open_to(ben).await, "sales:rws");
    directory.delete_department(tenant, tech, None, None).await.unwrap();
    assert_eq!(directory.grants_of(info).await.unwrap(), []);
    directory.delete_account(sales).await.unwrap();
    assert_eq!(ground.open_to(ben).await, "");
    ground.grant(info, Grantee::Account(ben), READ, None).await.unwrap();
    directory.delete_account(ben).await.unwrap();
    assert_eq!(
        directory.grants_of(info).await.unwrap(),
        [],
        "the last user went: the mailbox stays"
    );
}

#[tokio::test]
async fn dlg_4_a_grant_ends_by_itself() {
    let ground = Ground::new().await;
    let boss = ground.account("boss", AccountKind::Member, &[]).await;
    let anna = ground.account("anna", AccountKind::Member, &[]).await;
    let to_anna = Grantee::Account(anna);
    ground
        .grant(boss, to_anna, GrantRights::FULL, Some(1_000))
        .await
        .unwrap();
    assert_eq!(ground.open_to(anna).await, "boss:rws");
    ground.clock.advance(Duration::from_millis(999));
    assert_eq!(ground.open_to(anna).await, "boss:rws");
    ground.clock.advance(Duration::from_millis(1));
    assert_eq!(ground.open_to(anna).await, "");
    let behalf = GrantRights {
        read: false,
        write: false,
        send: Sending::OnBehalf,
    };
    ground.grant(boss, to_anna, behalf, None).await.unwrap();
    assert_eq!(ground.open_to(anna).await, "", "sending alone opens nothing");
    let rights = ground
        .directory
        .sender_rights(&ground.record(anna).await)
        .await
        .unwrap();
    assert_eq!(rights.sending(&at("boss")), Sending::OnBehalf);
}

#[tokio::test]
async fn dlg_what_makes_no_sense_is_refused() {
    let ground = Ground::new().await;
    let info = ground.account("info", AccountKind::Shared, &[]).await;
    let boss = ground.account("boss", AccountKind::Member, &[]).await;
    let anna = ground.account("anna", AccountKind::Member, &[]).await;
    let check = async |account, to, rights, millis| {
        let outcome = ground.grant(account, to, rights, millis).await;
        assert!(matches!(outcome, Err(Error::Invalid(_))), "{outcome:?}");
    };
    let (to_anna, full) = (Grantee::Account(anna), GrantRights::FULL);
    check(boss, Grantee::Account(boss), full, None).await;
    check(boss, Grantee::Account(info), full, None).await;
    check(boss, Grantee::Department(DepartmentId(1)), full, None).await;
    check(boss, to_anna, GrantRights::default(), None).await;
    check(boss, to_anna, GrantRights { read: false, ..full }, None).await;
    check(boss, to_anna, full, Some(0)).await;
    assert!(matches!(
        ground
            .grant(info, Grantee::Department(DepartmentId(1)), full, None)
            .await,
        Err(Error::NotFound { .. })
    ));
}

#[tokio::test]
async fn sbx_administrators_are_told_when_the_last_user_of_a_shared_mailbox_goes() {
    let ground = Ground::new().await;
    let directory = &ground.directory;
    let tech = NewDepartment {
        name: "Tech".to_owned(),
        parent: DepartmentId::ROOT,
        rank: 0,
    };
    let tech = directory.create_department(ground.tenant, &tech).await.unwrap().id;
    let info = ground.account("info", AccountKind::Shared, &[]).await;
    let boss = ground.account("boss", AccountKind::Member, &[]).await;
    let anna = ground.account("anna", AccountKind::Member, &[]).await;
    let all = [Grantee::Account(anna), Grantee::Department(tech)];
    for to in all {
        ground.grant(info, to, GrantRights::FULL, None).await.unwrap();
        ground.grant(boss, Grantee::Account(anna), READ, None).await.unwrap();
    }
    let told = async || {
        let mut transaction = ground.database.begin();
        let due = hongyan_notice::due(&mut transaction, directory.now(), 100)
            .await
            .unwrap();
        let kinds = due.iter().filter(|due| due.notice.kind == "shared.unused");
        kinds.map(|due| due.notice.english.subject.clone()).collect::<Vec<_>>()
    };
    directory.withdraw(info, all[1]).await.unwrap();
    assert!(told().await.is_empty(), "anna is left");
    directory.withdraw(boss, all[0]).await.unwrap();
    assert!(told().await.is_empty(), "boss is a person");
    directory.delete_account(anna).await.unwrap();
    let expect = "Nobody uses the shared mailbox info@example.test any more";
    assert_eq!(told().await, [expect]);
    ground.grant(info, all[1], READ, None).await.unwrap();
    directory
        .delete_department(ground.tenant, tech, None, None)
        .await
        .unwrap();
    assert_eq!(told().await, [expect; 2]);
    // One that goes itself is missed by nobody.
    ground.grant(info, Grantee::Account(boss), READ, None).await.unwrap();
    directory.delete_account(info).await.unwrap();
    assert_eq!(told().await.len(), 2);
}
