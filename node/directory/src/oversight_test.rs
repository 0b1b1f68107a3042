//! Sanctions, and organisations whose service ends.

use std::time::Duration;

use hongyan_env::ManualClock;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain, Timestamp};

use super::*;
use crate::{
    AccountState, DirectoryOptions, DomainWork, Error, Field, NewAccount, NewTenant, Resolution, TenantChange,
    TenantState,
};

/// The moment so many days from `now`.
fn in_days(now: Timestamp, days: i64) -> Timestamp {
    Timestamp {
        millis: now.millis + days * 24 * 3600 * 1000,
    }
}

struct World {
    directory: Directory,
    clock: ManualClock,
    acme: TenantId,
}

async fn world(options: DirectoryOptions) -> World {
    let (env, clock) = Env::manual(1);
    let directory = Directory::new(Database::new(MemoryStore::default()), env, options);
    let acme = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let name = Domain::try_from("a.test").unwrap();
    directory.create_domain(acme, &name).await.unwrap();
    World { directory, clock, acme }
}

impl World {
    async fn member(&self, text: &str) -> AccountRecord {
        let address = Address::try_from(text).unwrap();
        self.directory.create_account(&NewAccount::at(address)).await.unwrap()
    }
    fn sanction(&self, kind: SanctionKind, account: Option<AccountId>) -> NewSanction {
        NewSanction {
            tenant: self.acme,
            account,
            kind,
            restrictions: Restrictions {
                sending: false,
                sending_outside: kind == SanctionKind::Limit,
            },
            reason: "spam".to_owned(),
        }
    }
    async fn state(&self) -> TenantState {
        self.directory.tenant(self.acme).await.unwrap().state
    }
    async fn told(&self) -> Vec<String> {
        let due = crate::notice::told(&self.directory).await;
        due.into_iter().map(|due| due.notice.kind).collect()
    }
    async fn ends(&self, until: Option<Timestamp>) {
        let change = TenantChange {
            service_until: Field::Set(until),
            ..TenantChange::default()
        };
        self.directory.change_tenant(self.acme, &change).await.unwrap();
    }
    async fn look_after(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 24 * 3600));
        for tenant in self.directory.ending_services(None, 10).await.unwrap() {
            self.directory.look_at_service(tenant).await.unwrap();
        }
    }
}

#[tokio::test]
async fn org_16_a_member_is_limited_suspended_and_free_again_when_nothing_is_left() {
    let w = world(DirectoryOptions::default()).await;
    let anna = w.member("anna@a.test").await;
    let present = async || w.directory.account(anna.id).await.unwrap().unwrap();
    let limit = w
        .directory
        .impose(&w.sanction(SanctionKind::Limit, Some(anna.id)))
        .await
        .unwrap();
    assert!(
        w.directory
            .restrictions_of(present().await.as_ref())
            .await
            .unwrap()
            .sending_outside
    );
    assert_eq!(
        w.told().await,
        ["sanction", "sanction"],
        "administrators and the member"
    );
    let first = w
        .directory
        .impose(&w.sanction(SanctionKind::Suspension, Some(anna.id)))
        .await
        .unwrap();
    let second = w
        .directory
        .impose(&w.sanction(SanctionKind::Suspension, Some(anna.id)))
        .await
        .unwrap();
    assert_eq!(present().await.state, AccountState::Suspended);
    w.directory.lift(w.acme, first.id, "mended").await.unwrap();
    assert_eq!(present().await.state, AccountState::Suspended, "one is left");
    let lifted = w.directory.lift(w.acme, second.id, "mended").await.unwrap();
    assert_eq!(lifted.lifted.unwrap().1, "mended");
    assert_eq!(present().await.state, AccountState::Active);
    assert!(
        w.directory
            .restrictions_of(present().await.as_ref())
            .await
            .unwrap()
            .sending_outside
    );
    w.directory.lift(w.acme, limit.id, "enough").await.unwrap();
    assert!(
        w.directory
            .restrictions_of(present().await.as_ref())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(w.directory.sanctions(w.acme).await.unwrap().len(), 3, "the log stays");
}

#[tokio::test]
async fn org_16_an_organisation_is_suspended_and_limited_as_a_whole() {
    let w = world(DirectoryOptions::default()).await;
    let anna = w.member("anna@a.test").await;
    w.directory
        .impose(&w.sanction(SanctionKind::Limit, None))
        .await
        .unwrap();
    assert!(w.directory.restrictions_of(&anna).await.unwrap().sending_outside);
    let warned = w
        .directory
        .impose(&w.sanction(SanctionKind::Warning, None))
        .await
        .unwrap();
    assert_eq!(
        (warned.address, w.state().await),
        (None, TenantState::Active),
        "words only"
    );
    let closed = w
        .directory
        .impose(&w.sanction(SanctionKind::Closure, None))
        .await
        .unwrap();
    let resolved = w.directory.resolve(&anna.address).await.unwrap();
    assert_eq!(
        (w.state().await, resolved),
        (TenantState::Suspended, Resolution::Suspended)
    );
    w.directory.lift(w.acme, closed.id, "an error").await.unwrap();
    assert_eq!(w.state().await, TenantState::Active);
}

#[tokio::test]
async fn org_16_what_makes_no_sense_is_refused() {
    let w = world(DirectoryOptions::default()).await;
    let mut nothing = w.sanction(SanctionKind::Limit, None);
    nothing.restrictions = Restrictions::default();
    assert!(matches!(w.directory.impose(&nothing).await, Err(Error::Invalid(_))));
    let mut silent = w.sanction(SanctionKind::Warning, None);
    silent.reason = " ".to_owned();
    assert!(matches!(w.directory.impose(&silent).await, Err(Error::Invalid(_))));
    let stranger = w.sanction(SanctionKind::Warning, Some(AccountId(99)));
    assert!(matches!(
        w.directory.impose(&stranger).await,
        Err(Error::NotFound { .. })
    ));
    let missing = w.directory.lift(w.acme, SanctionId(9), "x").await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn org_15_the_end_is_told_then_suspends_and_purges_nothing_by_itself() {
    let w = world(DirectoryOptions::default()).await;
    let anna = w.member("anna@a.test").await;
    w.ends(Some(in_days(w.directory.now(), 31))).await;
    w.look_after(0).await;
    assert!(w.told().await.is_empty());
    for _ in 0..2 {
        w.look_after(1).await;
    }
    assert_eq!(w.told().await, ["organisation.ending"], "once");
    w.look_after(30).await;
    assert_eq!(w.told().await, ["organisation.ended"]);
    assert_eq!(w.state().await, TenantState::Suspended);
    w.look_after(1_000).await;
    assert!(w.directory.account(anna.id).await.unwrap().is_some(), "purging is off");
    w.ends(Some(in_days(w.directory.now(), 10))).await;
    assert_eq!(w.state().await, TenantState::Active, "prolonged");
    w.ends(None).await;
    assert!(w.directory.ending_services(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn org_15_what_has_ended_is_purged_where_that_is_switched_on() {
    let w = world(DirectoryOptions {
        purge_ended: Some(Duration::from_secs(30 * 24 * 3600)),
        ..DirectoryOptions::default()
    })
    .await;
    let anna = w.member("anna@a.test").await;
    w.ends(Some(in_days(w.directory.now(), 1))).await;
    w.look_after(1).await;
    w.look_after(29).await;
    assert!(w.directory.account(anna.id).await.unwrap().is_some());
    w.look_after(1).await;
    let domain = w.directory.domain(&anna.address.domain).await.unwrap();
    assert_eq!(w.directory.work_on(&domain), DomainWork::Remove);
    w.directory
        .step_domain(&domain.domain, DomainWork::Remove)
        .await
        .unwrap();
    assert!(w.directory.account(anna.id).await.unwrap().is_none());
}

#[tokio::test]
async fn org_4_the_only_organisation_of_a_server_counts_as_verified() {
    let w = world(DirectoryOptions::default()).await;
    let acme = w.directory.tenant(w.acme).await.unwrap();
    assert!(w.directory.is_verified(&acme).await.unwrap());
    w.directory.create_tenant(&NewTenant::named("Other")).await.unwrap();
    assert!(!w.directory.is_verified(&acme).await.unwrap());
}
