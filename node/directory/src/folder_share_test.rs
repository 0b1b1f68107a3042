use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain, TenantId};

use super::*;
use crate::{
    AccountChange, AccountKind, AccountState, DirectoryOptions, Field, GrantRights, Grantee, GroupId, NewAccount,
    NewDepartment, NewGrant, NewGroup, NewTenant, Recycle, Restore,
};

const PLANS: FolderNumber = FolderNumber(9);

struct Ground {
    directory: Directory,
    tenant: TenantId,
}

impl Ground {
    async fn new() -> Self {
        let options = DirectoryOptions {
            folder_shares_max: 2,
            shared_with_groups_max: 1,
            ..DirectoryOptions::default()
        };
        let directory = Directory::new(Database::new(MemoryStore::default()), Env::manual(1).0, options);
        let mut ground = Self {
            directory,
            tenant: TenantId(0),
        };
        ground.tenant = ground.organisation("example.test").await;
        ground
    }
    async fn organisation(&self, domain: &str) -> TenantId {
        let tenant = self
            .directory
            .create_tenant(&NewTenant::named(domain))
            .await
            .unwrap()
            .id;
        let domain = Domain::try_from(domain).unwrap();
        self.directory.create_domain(tenant, &domain).await.unwrap();
        tenant
    }
    async fn account(&self, address: &str, kind: AccountKind) -> AccountId {
        let new = NewAccount {
            kind,
            ..NewAccount::at(Address::try_from(address).unwrap())
        };
        self.directory.create_account(&new).await.unwrap().id
    }
    async fn member(&self, local: &str) -> AccountId {
        self.account(&format!("{local}@example.test"), AccountKind::Member)
            .await
    }
    async fn record(&self, id: AccountId) -> Arc<AccountRecord> {
        self.directory.account(id).await.unwrap().unwrap()
    }
    async fn share(&self, owner: AccountId, to: impl Into<Sharee>, letters: &str) -> Result<()> {
        let new = NewFolderShares {
            account: owner,
            folder: PLANS,
            path: "Plans".to_owned(),
            rights: vec![(to.into(), FolderRights::read(letters).unwrap())],
        };
        self.directory.share_folder(&*self.record(owner).await, &new).await
    }
    /// What is open to someone: `local:folder:letters`.
    async fn open_to(&self, id: AccountId) -> String {
        let person = self.record(id).await;
        let whole = self.directory.accounts_open_to(&person).await.unwrap();
        let openings = self.directory.folders_open_to(&person, &whole).await.unwrap();
        let shown = openings.iter().flat_map(|opening| {
            let local = opening.account.address.local.to_string();
            let folders = opening.folders.iter();
            folders.map(move |share| format!("{local}:{}:{}", share.folder.0, share.rights))
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

#[tokio::test]
async fn a_folder_is_open_to_whom_it_is_shared_with_until_it_is_not() {
    let ground = Ground::new().await;
    let (anna, ben) = (ground.member("anna").await, ground.member("ben").await);
    assert_eq!(ground.open_to(ben).await, "");
    ground.share(anna, ben, "rs").await.unwrap();
    assert_eq!(ground.open_to(ben).await, "anna:9:lrs");
    ground.share(anna, ben, "i").await.unwrap();
    assert_eq!(ground.open_to(ben).await, "anna:9:li");
    assert_eq!(ground.open_to(anna).await, "");
    let share = ground.directory.folder_shares_of(anna).await.unwrap().remove(0);
    assert!(!share.subscribed);
    let ben_record = ground.record(ben).await;
    ground
        .directory
        .subscribe_to_shared(&ben_record, &share, true)
        .await
        .unwrap();
    let opened = ground.directory.folders_open_to(&ben_record, &[]).await.unwrap();
    assert!(opened[0].folders[0].subscribed);
    ground.share(anna, ben, "").await.unwrap();
    assert_eq!(ground.open_to(ben).await, "");
    assert_eq!(ground.directory.folder_shares_of(anna).await.unwrap(), []);

    ground.share(anna, ben, "lr").await.unwrap();
    ground
        .directory
        .forget_folder(anna, FolderNumber(8), None, None)
        .await
        .unwrap();
    assert_eq!(ground.open_to(ben).await, "anna:9:lr");
    ground
        .directory
        .forget_folder(anna, PLANS, Some("Plans"), None)
        .await
        .unwrap();
    assert_eq!(ground.open_to(ben).await, "");
}

#[tokio::test]
async fn a_folder_is_shared_with_members_of_the_organisation_only_and_with_so_many() {
    let ground = Ground::new().await;
    let (anna, ben) = (ground.member("anna").await, ground.member("ben").await);
    let (carl, dora) = (ground.member("carl").await, ground.member("dora").await);
    let info = ground.account("info@example.test", AccountKind::Shared).await;
    ground.organisation("other.test").await;
    let stranger = ground.account("eve@other.test", AccountKind::Member).await;
    let refused = ground.share(anna, stranger, "lr").await.unwrap_err();
    assert_eq!(
        refused,
        Error::not_found("account", stranger.0),
        "as if nobody was there"
    );
    let refused = ground.share(anna, AccountId(99_999), "lr").await.unwrap_err();
    assert_eq!(refused, Error::not_found("account", 99_999));
    for to in [anna, info] {
        let refused = ground.share(anna, to, "lr").await.unwrap_err();
        assert!(matches!(refused, Error::Invalid(_)), "{refused}");
    }
    ground.share(anna, ben, "lr").await.unwrap();
    ground.share(anna, carl, "lr").await.unwrap();
    let refused = ground.share(anna, dora, "lr").await.unwrap_err();
    let expect = Error::Limit {
        setting: "folder_shares_max",
        max: 2,
        used: 2,
    };
    assert_eq!(refused, expect);
    ground.share(anna, ben, "lrs").await.unwrap();
    ground.share(anna, ben, "").await.unwrap();
    ground.share(anna, dora, "lr").await.unwrap();
}

#[tokio::test]
async fn what_is_shared_ends_with_either_of_the_two() {
    let ground = Ground::new().await;
    let (anna, ben) = (ground.member("anna").await, ground.member("ben").await);
    let carl = ground.member("carl").await;
    ground.share(anna, ben, "lr").await.unwrap();
    ground.share(anna, carl, "lr").await.unwrap();
    let disable = |state| AccountChange {
        state: Field::Set(state),
        ..AccountChange::default()
    };
    let directory = &ground.directory;
    directory
        .change_account(anna, &disable(AccountState::Disabled))
        .await
        .unwrap();
    assert_eq!(ground.open_to(ben).await, "", "what is switched off is open to nobody");
    directory
        .change_account(anna, &disable(AccountState::Active))
        .await
        .unwrap();
    assert_eq!(ground.open_to(ben).await, "anna:9:lr");
    // Whoever may use the whole mailbox has it by that.
    let grant = NewGrant {
        account: anna,
        to: Grantee::Account(ben),
        rights: GrantRights::FULL,
        until: None,
    };
    directory.grant(&grant).await.unwrap();
    assert_eq!(ground.open_to(ben).await, "");
    directory.withdraw(anna, Grantee::Account(ben)).await.unwrap();

    directory.delete_account(ben).await.unwrap();
    let left = directory.folder_shares_of(anna).await.unwrap();
    assert_eq!(
        left.iter().map(|share| share.to).collect::<Vec<_>>(),
        [Sharee::Account(carl)]
    );
    directory.delete_account(anna).await.unwrap();
    assert_eq!(ground.open_to(carl).await, "");
}

#[tokio::test]
async fn what_is_shared_does_not_come_back_from_the_recycle_bin() {
    let ground = Ground::new().await;
    let (anna, ben) = (ground.member("anna").await, ground.member("ben").await);
    let carl = ground.member("carl").await;
    let directory = &ground.directory;
    let who = |found: Vec<(TenantId, AccountId)>| found.into_iter().map(|(_, account)| account).collect::<Vec<_>>();
    for (owner, to) in [(anna, ben), (ben, carl), (carl, ben)] {
        ground.share(owner, to, "lr").await.unwrap();
    }
    assert_eq!(
        who(directory.accounts_that_share(None, 9).await.unwrap()),
        [anna, ben, carl]
    );
    assert_eq!(who(directory.accounts_that_share(None, 1).await.unwrap()), [anna]);
    assert_eq!(who(directory.accounts_that_share(Some(anna), 1).await.unwrap()), [ben]);
    directory.recycle(ben, &Recycle::default()).await.unwrap();
    assert_eq!(
        who(directory.accounts_that_share(None, 9).await.unwrap()),
        [AccountId(0); 0]
    );
    let back = Restore::Member {
        name: None,
        profile: None,
        credential: None,
        invited: false,
        another: false,
    };
    directory.restore(ground.tenant, ben, &back).await.unwrap();
    // As with what members may do for one another, it is given anew.
    assert_eq!(
        (ground.open_to(ben).await, ground.open_to(carl).await),
        Default::default()
    );
    ground.share(anna, ben, "lr").await.unwrap();
    assert_eq!(ground.open_to(ben).await, "anna:9:lr");
}

#[tokio::test]
async fn what_is_shared_with_a_group_follows_its_members() {
    let ground = Ground::new().await;
    let (anna, ben) = (ground.member("anna").await, ground.member("ben").await);
    let (carl, dora) = (ground.member("carl").await, ground.member("dora").await);
    let directory = &ground.directory;
    let at = |local: &str| Address::try_from(format!("{local}@example.test").as_str()).unwrap();
    let new = NewDepartment {
        name: "Tech".to_owned(),
        parent: crate::DepartmentId::ROOT,
        rank: 0,
    };
    let tech = directory.create_department(ground.tenant, &new).await.unwrap().id;
    let inner = NewGroup {
        member_departments: vec![tech],
        ..NewGroup::at(at("inner"))
    };
    directory.create_group(&inner).await.unwrap();
    let team = NewGroup {
        members: vec![at("ben"), at("inner"), at("anna")],
        ..NewGroup::at(at("team"))
    };
    let team = directory.create_group(&team).await.unwrap().id;
    ground.share(anna, Sharee::Group(team), "lrs").await.unwrap();
    let open = async || (ground.open_to(ben).await, ground.open_to(carl).await);
    assert_eq!(open().await, ("anna:9:lrs".to_owned(), String::new()));
    assert_eq!(ground.open_to(anna).await, "", "it is hers anyway");
    // By a department of a group in the group.
    let departments = |departments: Vec<crate::DepartmentId>| AccountChange {
        departments: Field::Set(departments),
        ..AccountChange::default()
    };
    directory.change_account(carl, &departments(vec![tech])).await.unwrap();
    assert_eq!(open().await.1, "anna:9:lrs");
    directory.change_account(carl, &departments(Vec::new())).await.unwrap();
    assert_eq!(open().await.1, "");
    directory.add_member(&at("team"), &at("carl")).await.unwrap();
    // What somebody has by themselves comes to it.
    ground.share(anna, carl, "lri").await.unwrap();
    assert_eq!(open().await.1, "anna:9:lrsi");
    directory.remove_member(&at("team"), &at("carl")).await.unwrap();
    assert_eq!(open().await.1, "anna:9:lri");

    // Whether somebody wants to see it is their own; nothing is shared by that.
    let person = ground.record(ben).await;
    let opening = directory.folders_open_to(&person, &[]).await.unwrap().remove(0);
    let share = &opening.folders[0];
    directory.subscribe_to_shared(&person, share, true).await.unwrap();
    let subscribed = async || {
        let opening = directory.folders_open_to(&person, &[]).await.unwrap();
        opening.first().is_some_and(|opening| opening.folders[0].subscribed)
    };
    assert!(subscribed().await);
    let shares = directory.folder_shares_of(anna).await.unwrap();
    let to: Vec<Sharee> = shares.iter().map(|share| share.to).collect();
    assert_eq!(to, [Sharee::Group(team), Sharee::Account(carl)]);
    let refused = ground.share(anna, dora, "lr").await.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Limit {
                setting: "folder_shares_max",
                ..
            }
        ),
        "{refused}"
    );
    directory.subscribe_to_shared(&person, share, false).await.unwrap();
    assert!(!subscribed().await);

    let other = directory.create_group(&NewGroup::at(at("other"))).await.unwrap().id;
    ground.share(anna, carl, "").await.unwrap();
    let refused = ground.share(anna, Sharee::Group(other), "lr").await.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Limit {
                setting: "shared_with_groups_max",
                ..
            }
        ),
        "{refused}"
    );
    let refused = ground
        .share(anna, Sharee::Group(GroupId(99_999)), "lr")
        .await
        .unwrap_err();
    assert!(
        matches!(refused, Error::Limit { .. } | Error::NotFound { .. }),
        "{refused}"
    );
    directory.delete_group(&at("team")).await.unwrap();
    assert_eq!(open().await, Default::default());
    assert_eq!(directory.folder_shares_of(anna).await.unwrap(), []);
    let refused = ground.share(anna, Sharee::Group(team), "lr").await.unwrap_err();
    assert_eq!(refused, Error::not_found("group", team.0));
    ground.share(anna, Sharee::Group(other), "lr").await.unwrap();
}
