use std::time::Duration;

use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::Domain;

use super::*;
use crate::{
    AccountKind, AccountState, DirectoryOptions, Field, GroupChange, MemberQuery, NewAccount, NewDepartment, NewGroup,
    NewTenant, RecycleKind, Resolution, Role, TenantChange,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

struct Ground {
    directory: Directory,
    tenant: TenantId,
    clock: hongyan_env::ManualClock,
}

fn at(local: &str) -> Address {
    Address::try_from(format!("{local}@d.test").as_str()).unwrap()
}

/// What another crate would keep of an account's person.
fn elsewhere(tenant: TenantId, account: AccountId) -> hongyan_kv::Tuple {
    hongyan_kv::Tuple::new()
        .string("elsewhere")
        .int(tenant.0)
        .int(account.0)
}

async fn ground() -> Ground {
    let (env, clock) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let options = DirectoryOptions {
        forget_person: vec![|transaction, tenant, account| transaction.clear(&elsewhere(tenant, account).pack())],
        ..DirectoryOptions::default()
    };
    let directory = Directory::new(database, env, options);
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("d.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    for local in ["boss", "anna"] {
        let new = NewAccount {
            administrator: local == "boss",
            display_name: local.to_owned(),
            profile: Profile {
                employee_id: local.to_owned(),
                ..Profile::default()
            },
            ..NewAccount::at(at(local))
        };
        directory.create_account(&new).await.unwrap();
    }
    Ground {
        directory,
        tenant,
        clock,
    }
}

impl Ground {
    async fn id(&self, local: &str) -> AccountId {
        self.directory.account_at(&at(local)).await.unwrap().id
    }
    async fn recycle(&self, local: &str, asked: Recycle) -> Result<RecycledRecord> {
        self.directory.recycle(self.id(local).await, &asked).await
    }
    async fn exists(&self, local: &str) -> String {
        let made = self.directory.create_account(&NewAccount::at(at(local))).await;
        made.unwrap_err().to_string()
    }
}

fn as_it_was() -> Restore {
    Restore::Member {
        name: None,
        profile: None,
        credential: None,
        invited: false,
        another: false,
    }
}

fn confirmed() -> Recycle {
    Recycle {
        confirmed: true,
        ..Recycle::default()
    }
}

#[tokio::test]
async fn mem_14_who_is_deleted_is_gone_and_can_come_back() {
    let ground = ground().await;
    let directory = &ground.directory;
    let tech = NewDepartment {
        name: "Tech".to_owned(),
        parent: crate::DepartmentId::ROOT,
        rank: 0,
    };
    let tech = directory.create_department(ground.tenant, &tech).await.unwrap().id;
    let anna = ground.id("anna").await;
    let change = crate::AccountChange {
        departments: Field::Set(vec![tech]),
        ..crate::AccountChange::default()
    };
    directory.change_account(anna, &change).await.unwrap();
    directory.add_alias(anna, &at("a")).await.unwrap();
    let gone = ground.recycle("anna", Recycle::default()).await.unwrap();
    assert_eq!(gone.kind, RecycleKind::Deleted);
    assert_eq!(
        gone.until.millis - gone.since.millis,
        i64::try_from(30 * DAY.as_millis()).unwrap()
    );
    assert!(directory.login("anna@d.test").await.unwrap().is_none());
    assert_eq!(directory.resolve(&at("a")).await.unwrap(), Resolution::NoSuchUser);
    assert_eq!(directory.tenant(ground.tenant).await.unwrap().counts.accounts, 1);
    let listed = directory
        .find_members(ground.tenant, &MemberQuery::default(), None, 9)
        .await;
    assert_eq!(listed.unwrap().total, 1);
    for taken in ["anna", "a"] {
        let words = format!("mailbox in the recycle bin: {taken}@d.test already exists");
        assert_eq!(ground.exists(taken).await, words);
    }
    directory
        .delete_department(ground.tenant, tech, None, None)
        .await
        .unwrap();
    assert_eq!(directory.recycled_at(&at("a")).await.unwrap(), gone);
    let back = directory.restore(ground.tenant, anna, &as_it_was()).await.unwrap();
    assert_eq!(
        (back.id, back.departments.len(), back.profile.employee_id.as_str()),
        (anna, 0, "anna"),
        "what it belonged to is gone"
    );
    assert!(matches!(
        directory.resolve(&at("a")).await.unwrap(),
        Resolution::Account(_)
    ));
    assert!(directory.recycled_at(&at("a")).await.is_err());
    assert_eq!(directory.tenant(ground.tenant).await.unwrap().counts.accounts, 2);
}

#[tokio::test]
async fn mem_13_a_mailbox_without_its_person_goes_to_another() {
    let ground = ground().await;
    let directory = &ground.directory;
    let unbind = Recycle {
        unbind: true,
        ..Recycle::default()
    };
    let gone = ground.recycle("anna", unbind).await.unwrap();
    assert_eq!(
        (gone.kind, &gone.account.profile),
        (RecycleKind::Unbound, &Profile::default())
    );
    let new = NewAccount {
        profile: Profile {
            employee_id: "ANNA".to_owned(),
            ..Profile::default()
        },
        ..NewAccount::at(at("anna2"))
    };
    directory.create_account(&new).await.unwrap();
    let taken = Restore::Member {
        name: Some("Ben".to_owned()),
        profile: Some(Box::new(new.profile.clone())),
        credential: None,
        invited: true,
        another: false,
    };
    let refused = directory.restore(ground.tenant, gone.account.id, &taken).await;
    assert!(matches!(refused, Err(Error::Exists { .. })), "{refused:?}");
    let to_ben = Restore::Member {
        name: Some("Ben".to_owned()),
        profile: None,
        credential: None,
        invited: true,
        another: false,
    };
    let ben = directory
        .restore(ground.tenant, gone.account.id, &to_ben)
        .await
        .unwrap();
    assert_eq!((ben.display_name.as_str(), ben.state), ("Ben", AccountState::Invited));
}

#[tokio::test]
async fn mem_13_what_a_person_kept_is_not_there_for_the_next() {
    let ground = ground().await;
    let directory = &ground.directory;
    let anna = ground.id("anna").await;
    let kept = || crate::of_account(anna).string("preferences").pack();
    let kept_elsewhere = || elsewhere(ground.tenant, anna).pack();
    let keep = async || {
        let body = async |change: &mut crate::Change| {
            change.set(kept(), vec![1]);
            change.set(kept_elsewhere(), vec![1]);
            Ok(())
        };
        directory.transact(body).await.unwrap();
    };
    let is_kept = async || {
        let body = async |change: &mut crate::Change| {
            let is_kept = change.get(&kept()).await?.is_some();
            assert_eq!(change.get(&kept_elsewhere()).await?.is_some(), is_kept);
            Ok(is_kept)
        };
        directory.try_out(body).await.unwrap()
    };
    keep().await;
    ground.recycle("anna", Recycle::default()).await.unwrap();
    let back = directory.restore(ground.tenant, anna, &as_it_was()).await.unwrap();
    assert!(is_kept().await, "MEM-14: whoever comes back finds all as it was");
    assert_eq!(
        back.subject(),
        anna.0.to_string(),
        "and is who they were for other systems"
    );
    let unbind = Recycle {
        unbind: true,
        ..Recycle::default()
    };
    ground.recycle("anna", unbind).await.unwrap();
    assert!(!is_kept().await);
    directory.restore(ground.tenant, anna, &as_it_was()).await.unwrap();
    keep().await;
    let chosen = crate::AccountChange {
        language: Field::Set(Some(crate::Language::Chinese)),
        settings: Field::Set(crate::AccountSettings {
            pop3: false,
            pop_junk: true,
            ..crate::AccountSettings::default()
        }),
        ..crate::AccountChange::default()
    };
    let second = directory.change_account(anna, &chosen).await.unwrap().subject();
    ground.recycle("anna", Recycle::default()).await.unwrap();
    let to_ben = Restore::Member {
        name: Some("Ben".to_owned()),
        profile: None,
        credential: None,
        invited: false,
        another: true,
    };
    assert_ne!(second, back.subject(), "other systems do not take one for the other");
    let ben = directory.restore(ground.tenant, anna, &to_ben).await.unwrap();
    assert!(!is_kept().await, "MEM-16: one that was deleted is given to another");
    assert!(ben.subject() != second && ben.subject() != back.subject());
    assert_eq!((ben.display_name.as_str(), &ben.profile), ("Ben", &Profile::default()));
    assert_eq!(
        (ben.language, ben.settings.pop_junk, ben.settings.pop3),
        (None, false, false),
        "what is allowed stays, what was chosen goes"
    );
    keep().await;
    ground.recycle("anna", Recycle::default()).await.unwrap();
    let shared = Restore::Shared {
        name: None,
        users: Vec::new(),
    };
    directory.restore(ground.tenant, anna, &shared).await.unwrap();
    assert!(!is_kept().await, "SBX-1: a shared mailbox is nobody's");
    keep().await;
    ground.recycle("anna", Recycle::default()).await.unwrap();
    directory.restore(ground.tenant, anna, &shared).await.unwrap();
    assert!(is_kept().await, "what is its own stays");
    ground.recycle("anna", Recycle::default()).await.unwrap();
    directory.purge(ground.tenant, anna).await.unwrap();
    assert!(directory.begin_purge(ground.tenant, anna).await.unwrap());
    directory.end_purge(ground.tenant, anna).await.unwrap();
    assert!(!is_kept().await, "nothing outlives the mailbox");
}

#[tokio::test]
async fn sbx_3_a_mailbox_in_the_bin_becomes_a_shared_one() {
    let ground = ground().await;
    let directory = &ground.directory;
    let gone = ground.recycle("anna", Recycle::default()).await.unwrap();
    let boss = Grantee::Account(ground.id("boss").await);
    let shared = Restore::Shared {
        name: Some("Service".to_owned()),
        users: vec![boss],
    };
    let made = directory
        .restore(ground.tenant, gone.account.id, &shared)
        .await
        .unwrap();
    assert_eq!((made.kind, &made.profile), (AccountKind::Shared, &Profile::default()));
    assert_eq!(directory.grants_of(made.id).await.unwrap()[0].to, boss);
    let back = ground.recycle("anna", Recycle::default()).await.unwrap();
    assert_eq!(back.kind, RecycleKind::Reclaimed);
    let refused = directory.restore(ground.tenant, made.id, &as_it_was()).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let nobody = Restore::Shared {
        name: None,
        users: vec![Grantee::Account(AccountId(99))],
    };
    assert!(directory.restore(ground.tenant, made.id, &nobody).await.is_err());
    assert!(directory.recycled_at(&at("anna")).await.is_ok(), "nothing half-done");
}

#[tokio::test]
async fn mem_who_others_count_on_is_not_deleted_unasked() {
    let ground = ground().await;
    let directory = &ground.directory;
    let anna = ground.id("anna").await;
    directory.create_group(&NewGroup::at(at("all"))).await.unwrap();
    let change = GroupChange {
        representatives: Field::Set(vec![anna]),
        ..GroupChange::default()
    };
    directory.change_group(&at("all"), &change).await.unwrap();
    let domain = Domain::try_from("d.test").unwrap();
    directory.set_catch_all(&domain, Some(anna)).await.unwrap();
    let change = TenantChange {
        postmaster: Field::Set(Some(anna)),
        ..TenantChange::default()
    };
    directory.change_tenant(ground.tenant, &change).await.unwrap();
    let refused = ground.recycle("anna", Recycle::default()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "member anna@d.test is still used: it speaks for the group all@d.test; it gets mail for unknown addresses of d.test; \
         it gets mail for postmaster"
    );
    ground.recycle("anna", confirmed()).await.unwrap();
    assert_eq!(directory.domain(&domain).await.unwrap().catch_all, None);
    assert!(directory.group_at(&at("all")).await.unwrap().representatives.is_empty());
}

#[tokio::test]
async fn mem_the_creator_and_the_last_super_administrator_stay() {
    let ground = ground().await;
    for unbind in [true, false] {
        let asked = Recycle { unbind, ..confirmed() };
        let refused = ground.recycle("boss", asked).await.unwrap_err();
        assert!(matches!(refused, Error::Refused(_)), "{refused}");
    }
    let anna = ground.id("anna").await;
    let change = crate::AccountChange {
        role: Field::Set(Some(Role::Super)),
        ..crate::AccountChange::default()
    };
    ground.directory.change_account(anna, &change).await.unwrap();
    let gone = ground.recycle("anna", confirmed()).await.unwrap();
    assert_eq!(gone.account.role, None, "a role does not come back");
}

#[tokio::test]
async fn mem_16_what_is_due_goes_for_good_and_not_before() {
    let ground = ground().await;
    let directory = &ground.directory;
    let gone = ground.recycle("anna", Recycle::default()).await.unwrap();
    let anna = gone.account.id;
    ground.clock.advance(29 * DAY);
    assert_eq!(directory.due_for_purge(9).await.unwrap(), []);
    assert!(!directory.begin_purge(ground.tenant, anna).await.unwrap());
    assert!(directory.end_purge(ground.tenant, anna).await.is_err());
    ground.clock.advance(DAY);
    let refused = directory.restore(ground.tenant, anna, &as_it_was()).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(directory.due_for_purge(9).await.unwrap(), [(ground.tenant, anna)]);
    assert!(directory.begin_purge(ground.tenant, anna).await.unwrap());
    assert!(
        ground.exists("anna").await.contains("recycle bin"),
        "its mail is still there"
    );
    for _ in 0..2 {
        directory.end_purge(ground.tenant, anna).await.unwrap();
    }
    assert_eq!(directory.due_for_purge(9).await.unwrap(), []);
    let new = directory.create_account(&NewAccount::at(at("anna"))).await.unwrap();
    assert_ne!(new.id, anna);
    directory.purge(ground.tenant, anna).await.unwrap_err();
}

#[tokio::test]
async fn mem_16_a_purge_that_is_asked_for_is_due_at_once() {
    let ground = ground().await;
    let directory = &ground.directory;
    let anna = ground.recycle("anna", Recycle::default()).await.unwrap().account.id;
    directory.purge(ground.tenant, anna).await.unwrap();
    assert_eq!(directory.due_for_purge(9).await.unwrap(), [(ground.tenant, anna)]);
    assert!(directory.restore(ground.tenant, anna, &as_it_was()).await.is_err());
}
