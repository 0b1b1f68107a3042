//! Organisations whose mail goes elsewhere.

use std::cell::Cell;
use std::time::Duration;

use hongyan_env::{Env, ManualClock};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain, Timestamp};

use super::*;
use crate::{
    DirectoryOptions, DomainCheck, DomainWork, Error, Field, MxElsewhere, NewAccount, NewSanction, NewTenant,
    Restrictions, SanctionKind, TenantChange, TenantState,
};

struct World {
    directory: Directory,
    clock: ManualClock,
    acme: TenantId,
    /// By how many days the clock was set back.
    behind_days: Cell<i64>,
}

fn domain(name: &str) -> Domain {
    Domain::try_from(name).unwrap()
}

/// An organisation with two domains of its own and one that is lent, and the switch as said.
async fn world(mx_elsewhere: MxElsewhere) -> World {
    let (env, clock) = Env::manual(1);
    let options = DirectoryOptions {
        trial_parent: Some(domain("try.test")),
        ..DirectoryOptions::default()
    };
    let directory = Directory::new(Database::new(MemoryStore::default()), env, options);
    let new = NewTenant {
        trial_domain: true,
        ..NewTenant::named("Acme")
    };
    let acme = directory.create_tenant(&new).await.unwrap().id;
    for name in ["a.test", "b.test"] {
        directory.create_domain(acme, &domain(name)).await.unwrap();
    }
    let w = World {
        directory,
        clock,
        acme,
        behind_days: Cell::new(0),
    };
    w.set(mx_elsewhere).await;
    w.look("here", "here").await;
    w
}

impl World {
    async fn change(&self, change: TenantChange) {
        self.directory.change_tenant(self.acme, &change).await.unwrap();
    }
    async fn set(&self, mx_elsewhere: MxElsewhere) {
        let mx_elsewhere = Field::Set(mx_elsewhere);
        self.change(TenantChange {
            mx_elsewhere,
            ..TenantChange::default()
        })
        .await;
    }
    /// A look at both domains and the one that is lent, and what comes of it.
    async fn look(&self, a: &str, b: &str) {
        let lent = format!("t{}.try.test", self.acme.0);
        for (name, found) in [("a.test", a), ("b.test", b), (&lent, "here")] {
            let check = DomainCheck {
                at: Timestamp {
                    millis: self.directory.now().millis - self.behind_days.get() * 24 * 3600 * 1000,
                },
                // What was found before stays, as long as nobody answers.
                receives: found == "here",
                answered: found != "silence",
                lost: None,
                told: None,
                wrong: Vec::new(),
                registration: Default::default(),
            };
            let kept = self.directory.keep_domain_check(&domain(name), &check, None).await;
            // One that is removed is looked at no more.
            kept.unwrap();
        }
        self.directory.look_at_mx(self.acme).await.unwrap();
    }
    /// The same found day after day.
    async fn days(&self, count: u64, a: &str, b: &str) {
        for _ in 0..count {
            self.clock.advance(Duration::from_secs(24 * 3600));
            self.look(a, b).await;
        }
    }
    async fn state(&self) -> TenantState {
        self.directory.tenant(self.acme).await.unwrap().state
    }
    async fn counted_days(&self) -> Option<i64> {
        let millis = self.directory.mx_elsewhere_millis(self.acme).await.unwrap();
        millis.map(|millis| millis / (24 * 3600 * 1000))
    }
    async fn told(&self) -> Vec<String> {
        let due = crate::notice::told(&self.directory).await;
        let word = |due: hongyan_notice::Due| {
            let notice = due.notice;
            assert_eq!(notice.to, hongyan_notice::Recipient::Administrators(self.acme));
            let days = notice.english.subject.split(" in ").nth(1);
            days.map_or(notice.kind.clone(), |days| format!("{} {days}", notice.kind))
        };
        due.into_iter().map(word).collect()
    }
}

#[tokio::test]
async fn org_15_whose_mail_goes_elsewhere_for_30_days_is_told_suspended_and_back_once_it_comes() {
    let w = world(MxElsewhere::Suspend).await;
    w.days(2, "elsewhere", "here").await;
    assert_eq!(
        (w.counted_days().await, w.told().await.len()),
        (None, 0),
        "one is enough"
    );
    w.days(1, "elsewhere", "elsewhere").await;
    assert_eq!(w.counted_days().await, Some(0));
    assert_eq!(w.told().await.len(), 0, "one look is no trend");
    w.days(1, "elsewhere", "elsewhere").await;
    assert_eq!(w.told().await, ["organisation.mx-elsewhere 29 days"]);
    w.days(21, "elsewhere", "elsewhere").await;
    assert_eq!(w.told().await.len(), 0);
    w.days(1, "elsewhere", "elsewhere").await;
    assert_eq!(w.told().await, ["organisation.mx-elsewhere 7 days"]);
    w.days(6, "elsewhere", "elsewhere").await;
    assert_eq!(w.told().await, ["organisation.mx-elsewhere 1 day"]);
    assert_eq!(w.state().await, TenantState::Active);
    w.days(1, "elsewhere", "elsewhere").await;
    assert_eq!(w.told().await, ["organisation.ended"]);
    assert_eq!(w.state().await, TenantState::Suspended);
    assert!(w.directory.tenant(w.acme).await.unwrap().ended.is_some());
    w.days(100, "elsewhere", "elsewhere").await;
    assert!(
        w.directory.domain(&domain("a.test")).await.unwrap().removal.is_none(),
        "nothing is removed"
    );
    w.days(1, "silence", "elsewhere").await;
    assert_eq!(w.state().await, TenantState::Suspended);
    w.days(1, "elsewhere", "here").await;
    assert_eq!(w.told().await, ["organisation.mx-back"]);
    assert_eq!((w.state().await, w.counted_days().await), (TenantState::Active, None));
    let all = hongyan_audit::Filter::default();
    let chain = hongyan_audit::Chain::Tenant(w.acme);
    let log = w.directory.audit().list(chain, &all, None, 100).await.unwrap();
    let actions: Vec<_> = log.entries.into_iter().map(|recorded| recorded.entry.action).collect();
    for action in ["organisation.change", "organisation.ended", "organisation.resumed"] {
        assert!(actions.iter().any(|one| one == action), "{actions:?}");
    }
}

#[tokio::test]
async fn org_15_only_what_was_seen_counts_and_no_clock_shortens_it() {
    let w = world(MxElsewhere::Suspend).await;
    w.days(11, "elsewhere", "elsewhere").await;
    assert_eq!(w.counted_days().await, Some(10));
    w.days(50, "elsewhere", "silence").await;
    assert_eq!(
        w.counted_days().await,
        Some(10),
        "no answer counts nothing, and forgives nothing"
    );
    w.days(1, "elsewhere", "elsewhere").await;
    assert_eq!(w.counted_days().await, Some(11));
    // Nobody looked for a hundred days, or the clock was set ahead: a day counts.
    w.clock.advance(Duration::from_secs(100 * 24 * 3600));
    w.look("elsewhere", "elsewhere").await;
    assert_eq!(w.counted_days().await, Some(12));
    // Set back: what was counted stays, and nothing more counts before the clock is where it was.
    w.behind_days.set(5);
    w.look("elsewhere", "elsewhere").await;
    w.days(5, "elsewhere", "elsewhere").await;
    assert_eq!(w.counted_days().await, Some(12));
    w.days(1, "elsewhere", "elsewhere").await;
    assert_eq!(w.counted_days().await, Some(13));
    w.days(1, "here", "elsewhere").await;
    assert_eq!(w.counted_days().await, None, "30 days running, not in all");
    w.days(29, "elsewhere", "elsewhere").await;
    assert_eq!(
        (w.counted_days().await, w.state().await),
        (Some(28), TenantState::Active)
    );
}

#[tokio::test]
async fn org_15_what_the_operator_says_goes_before_what_is_counted() {
    let w = world(MxElsewhere::Off).await;
    w.days(40, "elsewhere", "elsewhere").await;
    assert_eq!((w.counted_days().await, w.told().await.len()), (None, 0), "it is off");
    w.set(MxElsewhere::Suspend).await;
    w.days(31, "elsewhere", "elsewhere").await;
    assert_eq!(w.state().await, TenantState::Suspended);
    let state = |state| TenantChange {
        state: Field::Set(state),
        ..TenantChange::default()
    };
    w.change(state(TenantState::Active)).await;
    w.days(30, "elsewhere", "elsewhere").await;
    assert_eq!(w.state().await, TenantState::Active, "counted anew");
    w.days(1, "elsewhere", "elsewhere").await;
    assert_eq!(w.state().await, TenantState::Suspended);
    w.set(MxElsewhere::Off).await;
    assert_eq!((w.state().await, w.counted_days().await), (TenantState::Active, None));
    // Whom the operator suspends stays so, wherever mail goes.
    w.set(MxElsewhere::Suspend).await;
    w.days(31, "elsewhere", "elsewhere").await;
    w.change(state(TenantState::Suspended)).await;
    w.days(2, "here", "here").await;
    assert_eq!(w.state().await, TenantState::Suspended);
    w.change(state(TenantState::Active)).await;
    w.days(31, "elsewhere", "elsewhere").await;
    let sanction = NewSanction {
        tenant: w.acme,
        account: None,
        kind: SanctionKind::Suspension,
        restrictions: Restrictions::default(),
        reason: "spam".to_owned(),
    };
    w.directory.impose(&sanction).await.unwrap();
    w.days(1, "here", "here").await;
    assert_eq!(w.state().await, TenantState::Suspended, "a sanction holds");
}

#[tokio::test]
async fn org_15_whose_mail_stays_elsewhere_is_removed_only_where_that_is_switched_on() {
    let w = world(MxElsewhere::Purge).await;
    let address = Address::try_from("anna@a.test").unwrap();
    let anna = w.directory.create_account(&NewAccount::at(address)).await.unwrap();
    w.days(60, "elsewhere", "elsewhere").await;
    assert!(w.directory.account(anna.id).await.unwrap().is_some());
    assert!(w.directory.domain(&domain("a.test")).await.unwrap().removal.is_none());
    w.days(1, "elsewhere", "elsewhere").await;
    let record = w.directory.domain(&domain("a.test")).await.unwrap();
    assert_eq!(w.directory.work_on(&record), DomainWork::Remove);
    while w
        .directory
        .step_domain(&record.domain, DomainWork::Remove)
        .await
        .unwrap()
    {}
    assert!(w.directory.account(anna.id).await.unwrap().is_none());
}

#[tokio::test]
async fn org_15_of_whom_nothing_is_left_the_organisation_goes() {
    let w = world(MxElsewhere::Purge).await;
    w.days(61, "elsewhere", "elsewhere").await;
    let lent = domain(&format!("t{}.try.test", w.acme.0));
    for name in [domain("a.test"), domain("b.test"), lent] {
        while w.directory.step_domain(&name, DomainWork::Remove).await.unwrap() {}
        assert!(w.directory.domain(&name).await.is_err(), "{name}");
    }
    w.directory.look_at_mx(w.acme).await.unwrap();
    let gone = w.directory.tenant(w.acme).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
}
