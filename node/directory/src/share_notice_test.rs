use std::time::Duration;

use hongyan_audit::{Author, AuthorKind};
use hongyan_env::{Env, ManualClock};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain, FolderRights, TenantId};

use super::*;
use crate::{
    AccountChange, AccountKind, DepartmentId, DirectoryOptions, Field, FolderNumber, GrantRights, Grantee, NewAccount,
    NewDepartment, NewFolderShares, NewGrant, NewTenant, Opened, Sharer,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

struct Ground {
    directory: Directory,
    clock: ManualClock,
}

impl Ground {
    async fn new() -> Self {
        let options = DirectoryOptions {
            share_notices_max: 3,
            share_notices_kept: 2 * DAY,
            share_notified_members_max: 2,
            ..DirectoryOptions::default()
        };
        let (env, clock) = Env::manual(1);
        let directory = Directory::new(Database::new(MemoryStore::default()), env, options);
        let tenant = directory.create_tenant(&NewTenant::named("A")).await.unwrap().id;
        let domain = Domain::try_from("a.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        Self { directory, clock }
    }
    async fn department(&self, tenant: TenantId, name: &str, parent: DepartmentId) -> DepartmentId {
        let new = NewDepartment {
            name: name.to_owned(),
            parent,
            rank: 0,
        };
        self.directory.create_department(tenant, &new).await.unwrap().id
    }
    async fn placed(&self, account: AccountId, departments: &[DepartmentId]) {
        let change = AccountChange {
            departments: Field::Set(departments.to_vec()),
            ..AccountChange::default()
        };
        self.directory.change_account(account, &change).await.unwrap();
    }
    async fn member(&self, local: &str) -> AccountId {
        let new = NewAccount {
            display_name: local.to_uppercase(),
            ..NewAccount::at(Address::try_from(format!("{local}@a.test").as_str()).unwrap())
        };
        self.directory.create_account(&new).await.unwrap().id
    }
    async fn share(&self, owner: AccountId, folder: u32, to: AccountId, letters: &str) {
        let new = NewFolderShares {
            account: owner,
            folder: FolderNumber(folder),
            path: format!("Work/{folder}"),
            rights: vec![(to.into(), FolderRights::read(letters).unwrap())],
        };
        let owner = self.directory.account(owner).await.unwrap().unwrap();
        self.directory.share_folder(&owner, &new).await.unwrap();
    }
    /// What a member was told: `by name before>after`.
    async fn told(&self, to: AccountId) -> Vec<String> {
        let mut transaction = self.directory.database().begin();
        let all = ShareNotices::of(to).all(&mut transaction).await.unwrap().into_iter();
        let shown = all.map(|(_, notice)| {
            let rights = match notice.opened {
                Opened::Folder { before, after, .. } => format!("{before}>{after}"),
                Opened::Whole { before, after } => format!("{}>{}", before.read, after.read),
            };
            format!("{} {} {rights}", notice.by.name, notice.name)
        });
        shown.collect()
    }
}

#[tokio::test]
async fn rfc_9670_members_are_told_of_what_is_open_to_them_otherwise() {
    let ground = Ground::new().await;
    let (anna, ben) = (ground.member("anna").await, ground.member("ben").await);
    ground.share(anna, 9, ben, "lr").await;
    ground.share(anna, 9, ben, "lr").await;
    assert_eq!(ground.told(ben).await, ["ANNA 9 >lr"], "what is as before is not told");
    ground.share(anna, 9, ben, "rs").await;
    ground
        .directory
        .forget_folder(anna, FolderNumber(9), Some("Work/Other"), None)
        .await
        .unwrap();
    assert_eq!(
        ground.told(ben).await,
        ["ANNA 9 >lr", "ANNA 9 lr>lrs", "ANNA Other lrs>"]
    );
    assert_eq!(ground.told(anna).await, [""; 0]);
    // The oldest goes when there are too many.
    ground.share(anna, 10, ben, "lr").await;
    assert_eq!(
        ground.told(ben).await,
        ["ANNA 9 lr>lrs", "ANNA Other lrs>", "ANNA 10 >lr"]
    );
    ground.clock.advance(DAY);
    ground.share(anna, 11, ben, "lr").await;
    ground.clock.advance(DAY + Duration::from_secs(1));
    let since = ground.directory.share_notices_since();
    let mut transaction = ground.directory.database().begin();
    assert!(ShareNotices::of(ben).expire(&mut transaction, since, 3).await.unwrap());
    transaction.commit().await.unwrap();
    assert_eq!(ground.told(ben).await, ["ANNA 11 >lr"]);
}

#[tokio::test]
async fn rfc_9670_members_are_told_of_whole_mailboxes_too_and_not_of_their_own_doing() {
    let ground = Ground::new().await;
    let (anna, ben) = (ground.member("anna").await, ground.member("ben").await);
    let grant = |rights| NewGrant {
        account: anna,
        to: Grantee::Account(ben),
        rights,
        until: None,
    };
    let by = |account: AccountId| Author {
        kind: AuthorKind::Member,
        id: Some(account.0),
        name: "x@a.test".to_owned(),
        from: "socket".to_owned(),
    };
    let by_anna = ground.directory.acting(by(anna), None);
    let only_sends = GrantRights {
        read: false,
        write: false,
        ..GrantRights::FULL
    };
    by_anna.grant(&grant(only_sends)).await.unwrap();
    assert_eq!(ground.told(ben).await, [""; 0], "nothing is to be seen");
    by_anna.grant(&grant(GrantRights::FULL)).await.unwrap();
    by_anna.grant(&grant(GrantRights::FULL)).await.unwrap();
    assert_eq!(ground.told(ben).await, ["ANNA ANNA false>true"]);
    // Who has all of it has the folder as before.
    ground.share(anna, 9, ben, "lr").await;
    assert_eq!(ground.told(ben).await.len(), 1);
    by_anna.stop_delegation(anna, ben).await.unwrap();
    by_anna.withdraw(anna, Grantee::Account(ben)).await.unwrap();
    assert_eq!(
        ground.told(ben).await,
        ["ANNA ANNA false>true", "ANNA ANNA true>false"],
        "what was over ends unseen"
    );
    ground.directory.grant(&grant(GrantRights::FULL)).await.unwrap();
    assert_eq!(ground.told(ben).await[2], "system ANNA false>true");
    let by_ben = ground.directory.acting(by(ben), None);
    by_ben.withdraw(anna, Grantee::Account(ben)).await.unwrap();
    assert_eq!(ground.told(ben).await.len(), 3);
    let mut transaction = ground.directory.database().begin();
    let first = ShareNotices::of(ben).all(&mut transaction).await.unwrap().remove(0).1;
    let expect = Sharer {
        name: "ANNA".to_owned(),
        address: Some("anna@a.test".to_owned()),
        account: Some(anna),
    };
    assert_eq!((first.by, first.account), (expect, anna));
}

#[tokio::test]
async fn whoever_waits_for_a_member_wakes_when_they_are_told() {
    let ground = Ground::new().await;
    let (anna, ben) = (ground.member("anna").await, ground.member("ben").await);
    let mut news = ground.directory.news_of(ben);
    ground.share(anna, 9, ben, "lr").await;
    news.changed().await;
}

#[tokio::test]
async fn rfc_9670_members_of_departments_are_told_as_they_come_and_go() {
    let ground = Ground::new().await;
    let (anna, ben) = (ground.member("anna").await, ground.member("ben").await);
    let directory = &ground.directory;
    let tenant = directory.account(anna).await.unwrap().unwrap().tenant;
    let tech = ground.department(tenant, "Tech", DepartmentId::ROOT).await;
    let web = ground.department(tenant, "Web", tech).await;
    let info = NewAccount {
        kind: AccountKind::Shared,
        ..NewAccount::at(Address::try_from("info@a.test").unwrap())
    };
    let info = directory.create_account(&info).await.unwrap().id;
    ground.placed(ben, &[web]).await;
    assert_eq!(ground.told(ben).await, [""; 0]);
    let read = GrantRights {
        read: true,
        ..GrantRights::default()
    };
    let grant = |to, rights| NewGrant {
        account: info,
        to,
        rights,
        until: None,
    };
    directory.grant(&grant(Grantee::Department(tech), read)).await.unwrap();
    let (opened, closed) = ("system info@a.test false>true", "system info@a.test true>false");
    assert_eq!(ground.told(ben).await, [opened]);
    // What one has anyway is no news.
    ground.placed(ben, &[web, tech]).await;
    ground.placed(anna, &[tech]).await;
    assert_eq!(
        (ground.told(ben).await.len(), ground.told(anna).await),
        (1, vec![opened.to_owned()])
    );
    ground.placed(ben, &[]).await;
    assert_eq!(ground.told(ben).await, [opened, closed]);
    directory.grant(&grant(Grantee::Account(ben), read)).await.unwrap();
    ground.placed(ben, &[web]).await;
    directory.withdraw(info, Grantee::Account(ben)).await.unwrap();
    assert_eq!(
        ground.told(ben).await,
        [opened, closed, opened],
        "it is open by the department still"
    );
    // Of more members than a change tells nobody is told.
    let carl = ground.member("carl").await;
    ground.placed(carl, &[tech]).await;
    directory.withdraw(info, Grantee::Department(tech)).await.unwrap();
    assert_eq!(ground.told(carl).await, [opened]);
}

#[tokio::test]
async fn rfc_9670_what_a_member_shared_ends_with_them() {
    let ground = Ground::new().await;
    let (anna, ben) = (ground.member("anna").await, ground.member("ben").await);
    let (carl, dora) = (ground.member("carl").await, ground.member("dora").await);
    let grant = NewGrant {
        account: anna,
        to: Grantee::Account(ben),
        rights: GrantRights::FULL,
        until: None,
    };
    ground.directory.grant(&grant).await.unwrap();
    ground.share(anna, 9, ben, "lr").await;
    ground.share(anna, 9, carl, "lr").await;
    ground.share(anna, 10, dora, "lr").await;
    ground.directory.delete_account(anna).await.unwrap();
    assert_eq!(
        ground.told(ben).await,
        ["system ANNA false>true", "system ANNA true>false"]
    );
    assert_eq!(ground.told(carl).await, ["ANNA 9 >lr", "ANNA ANNA lr>"]);
    assert_eq!(ground.told(dora).await.len(), 1, "as many as one change tells");
}
