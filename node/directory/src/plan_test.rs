use std::time::Duration;

use hongyan_env::{Env, ManualClock};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;
use crate::{
    AccountChange, AccountKind, DirectoryOptions, Error, LimitLevel, NewAccount, NewTenant, NewToken, Quota, Recycle,
    Role, Seat, TokenHash, TokenOwner,
};

struct World {
    directory: Directory,
    clock: ManualClock,
    acme: TenantId,
}

async fn world() -> World {
    let (env, clock) = Env::manual(1);
    let directory = Directory::new(Database::new(MemoryStore::default()), env, DirectoryOptions::default());
    let acme = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let name = Domain::try_from("a.test").unwrap();
    directory.create_domain(acme, &name).await.unwrap();
    World { directory, clock, acme }
}

fn address(text: &str) -> Address {
    Address::try_from(text).unwrap()
}

impl World {
    async fn account(&self, new: NewAccount) -> Result<AccountRecord> {
        self.directory.create_account(&new).await
    }
    async fn member(&self, text: &str) -> AccountRecord {
        self.account(NewAccount::at(address(text))).await.unwrap()
    }
    async fn plan(&self, name: &str, without: &[Feature], limits: &[(Limit, u64)]) {
        let change = PlanChange {
            without: Field::Set(without.iter().copied().collect()),
            limits: limits.iter().map(|(limit, value)| (*limit, Some(*value))).collect(),
            expect: None,
        };
        self.directory.create_plan(name, &change).await.unwrap();
    }
    async fn assign(&self, plan: &str) -> PlanUse {
        let asked = PlanAssignment {
            plan: Some(plan.to_owned()),
            confirmed: true,
            ..PlanAssignment::default()
        };
        self.directory.assign_plan(self.acme, &asked).await.unwrap()
    }
    async fn limits(&self, limits: &[(Limit, Option<u64>)], by_operator: bool) -> Result<PlanUse> {
        let change = LimitsChange {
            limits: limits.iter().copied().collect(),
            by_operator,
            expect: None,
        };
        self.directory.set_limits(self.acme, &change).await
    }
    async fn in_force(&self, limit: Limit) -> (Option<u64>, LimitLevel) {
        let service = self.directory.service(self.acme).await.unwrap();
        let found = service.limits.iter().find(|(known, _)| known.limit == limit).unwrap();
        (found.0.max, found.0.level)
    }
    async fn told(&self) -> Vec<String> {
        let due = crate::notice::told(&self.directory).await;
        due.into_iter().map(|due| due.notice.kind).collect()
    }
    async fn look_after(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 24 * 3600));
        self.directory.look_at_plan(self.acme).await.unwrap();
    }
}

fn advanced(seat: Seat) -> AccountChange {
    AccountChange {
        seat: Field::Set(seat),
        ..AccountChange::default()
    }
}

#[tokio::test]
async fn plan_1_without_a_plan_everything_is_on() {
    let w = world().await;
    let service = w.directory.service(w.acme).await.unwrap();
    assert!(service.plan.is_none() && service.used == PlanUse::default());
    for (in_force, used) in &service.limits {
        assert_eq!(in_force.level, LimitLevel::Installation);
        assert!(used.is_none_or(|used| used <= 1));
    }
    assert_eq!(w.in_force(Limit::MailboxOctetsMax).await.0, None);
}

#[tokio::test]
async fn gen_5_operators_replace_and_administrators_tighten() {
    use LimitLevel::{Installation, Organisation, Plan};
    let w = world().await;
    let accounts = Limit::AccountsPerTenantMax;
    assert_eq!(w.in_force(accounts).await, (Some(1_000_000), Installation));
    w.plan("Basic", &[], &[(accounts, 200)]).await;
    w.assign("basic").await;
    assert_eq!(w.in_force(accounts).await, (Some(200), Plan));
    let wider = w.limits(&[(accounts, Some(201))], false).await.unwrap_err();
    let expect = Error::LimitAt {
        setting: "accounts_per_tenant_max",
        max: 200,
        used: 201,
        level: Plan,
    };
    assert_eq!(wider, expect);
    w.limits(&[(accounts, Some(50))], false).await.unwrap();
    assert_eq!(w.in_force(accounts).await, (Some(50), Organisation));
    w.limits(&[(accounts, Some(300))], true).await.unwrap();
    assert_eq!(
        w.in_force(accounts).await,
        (Some(50), Organisation),
        "their own stays tighter"
    );
    w.limits(&[(accounts, None)], false).await.unwrap();
    assert_eq!(w.in_force(accounts).await, (Some(300), Organisation));
    let operators = w.limits(&[(Limit::DomainsPerTenantMax, Some(1))], false).await;
    assert!(matches!(operators, Err(Error::Refused(_))), "{operators:?}");
    let outside = w.limits(&[(Limit::DomainsPerTenantMax, Some(0))], true).await;
    assert!(matches!(outside, Err(Error::Invalid(_))), "{outside:?}");
}

#[tokio::test]
async fn gen_5_a_refusal_names_limit_use_and_level() {
    let w = world().await;
    let limits = [
        (Limit::AccountsPerTenantMax, 3),
        (Limit::AliasesPerAccountMax, 1),
        (Limit::DomainsPerTenantMax, 1),
        (Limit::SharedMailboxesPerTenantMax, 1),
        (Limit::GroupsPerTenantMax, 0),
        (Limit::MailboxOctetsMax, 1 << 30),
        (Limit::TokensPerTenantMax, 0),
    ];
    w.plan("Small", &[], &limits).await;
    w.assign("Small").await;
    let refused = |outcome: Result<()>, name: &str, max: u64, used: u64| {
        let text = outcome.unwrap_err().to_string();
        assert_eq!(
            text,
            format!("{name} is {max} (set for the plan) and {used} are in use")
        );
    };
    let anna = w.member("anna@a.test").await;
    let d = &w.directory;
    d.add_alias(anna.id, &address("a1@a.test")).await.unwrap();
    let second = d.add_alias(anna.id, &address("a2@a.test")).await.map(drop);
    refused(second, "aliases_per_account_max", 1, 1);
    let name = Domain::try_from("b.test").unwrap();
    refused(
        d.create_domain(w.acme, &name).await.map(drop),
        "domains_per_tenant_max",
        1,
        1,
    );
    refused(
        d.claim_domain(w.acme, &name).await.map(drop),
        "domains_per_tenant_max",
        1,
        1,
    );
    let shared = |text: &str| NewAccount {
        kind: AccountKind::Shared,
        ..NewAccount::at(address(text))
    };
    let info = w.account(shared("info@a.test")).await.unwrap();
    refused(
        w.account(shared("two@a.test")).await.map(drop),
        "shared_mailboxes_per_tenant_max",
        1,
        1,
    );
    d.recycle(info.id, &Recycle::default()).await.unwrap();
    let other = w.account(shared("two@a.test")).await.unwrap();
    let back = crate::Restore::Shared {
        name: None,
        users: Vec::new(),
    };
    refused(
        d.restore(w.acme, info.id, &back).await.map(drop),
        "shared_mailboxes_per_tenant_max",
        1,
        1,
    );
    d.delete_account(other.id).await.unwrap();
    d.restore(w.acme, info.id, &back).await.unwrap();
    let group = crate::NewGroup::at(address("all@a.test"));
    refused(d.create_group(&group).await.map(drop), "groups_per_tenant_max", 0, 0);
    let large = AccountChange {
        quota: Field::Set(Quota {
            octets_max: Some(2 << 30),
            messages_max: None,
        }),
        ..AccountChange::default()
    };
    refused(
        d.change_account(anna.id, &large).await.map(drop),
        "mailbox_octets_max",
        1 << 30,
        2 << 30,
    );
    assert_eq!(d.quota_of(&anna).await.unwrap().octets_max, Some(1 << 30));
    d.change_account(anna.id, &advanced(Seat::Advanced)).await.unwrap();
    let anna = d.change_account(anna.id, &large).await.unwrap();
    assert_eq!(
        d.quota_of(&anna).await.unwrap().octets_max,
        Some(2 << 30),
        "the seat has no limit"
    );
    w.member("ben@a.test").await;
    let fourth = w.account(NewAccount::at(address("carl@a.test"))).await.map(drop);
    refused(fourth, "accounts_per_tenant_max", 3, 3);
}

#[tokio::test]
async fn gen_2_what_a_plan_leaves_out_is_refused_by_name() {
    let w = world().await;
    w.plan("Basic", &Feature::ALL, &[]).await;
    w.assign("Basic").await;
    let (anna, ben) = (w.member("anna@a.test").await, w.member("ben@a.test").await);
    let d = &w.directory;
    let check = |outcome: Result<()>, expect: &str| {
        assert_eq!(
            outcome.unwrap_err().to_string(),
            format!("the plan Basic does not include {expect}")
        );
    };
    let token = NewToken {
        owner: TokenOwner::Account {
            tenant: w.acme,
            account: anna.id,
        },
        name: "sync".to_owned(),
        scopes: BTreeSet::from(["members:read".to_owned()]),
        networks: Vec::new(),
        expires: None,
        hash: TokenHash([1; 32]),
    };
    check(d.create_token(&token).await.map(drop), "api");
    let delegated = AccountChange {
        role: Field::Set(Some(Role::Delegated {
            functions: vec![crate::Function::Members],
            departments: Vec::new(),
        })),
        ..AccountChange::default()
    };
    check(
        d.change_account(ben.id, &delegated).await.map(drop),
        "delegated-administrators",
    );
    let grant = crate::NewGrant {
        account: anna.id,
        to: crate::Grantee::Account(ben.id),
        rights: crate::GrantRights::FULL,
        until: None,
    };
    check(d.grant(&grant).await.map(drop), "secretary");
}

#[tokio::test]
async fn plan_2_of_two_who_want_the_last_seat_one_gets_it() {
    let w = world().await;
    let d = &w.directory;
    let (anna, ben) = (w.member("anna@a.test").await.id, w.member("ben@a.test").await.id);
    let asked = PlanAssignment {
        seats: Some(1),
        ..PlanAssignment::default()
    };
    d.assign_plan(w.acme, &asked).await.unwrap();
    let seat = advanced(Seat::Advanced);
    let (one, other) = tokio::join!(d.change_account(anna, &seat), d.change_account(ben, &seat));
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
    let refused = one.and(other).unwrap_err();
    let expect = Error::LimitAt {
        setting: "seats",
        max: 1,
        used: 1,
        level: LimitLevel::Organisation,
    };
    assert_eq!(refused, expect);
    let holders = d.seats(w.acme, None, 10).await.unwrap();
    assert_eq!((holders.len(), d.service(w.acme).await.unwrap().seats_used), (1, 1));
    d.recycle(holders[0].id, &Recycle::default()).await.unwrap();
    assert_eq!(d.service(w.acme).await.unwrap().seats_used, 0, "free on entry (MEM-17)");
    let left = if holders[0].id == anna { ben } else { anna };
    d.change_account(left, &seat).await.unwrap();
    d.change_account(left, &advanced(Seat::Standard)).await.unwrap();
    assert!(d.seats(w.acme, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn plan_a_downgrade_says_what_it_touches_and_deletes_nothing() {
    let w = world().await;
    let d = &w.directory;
    for n in 0..3 {
        let made = w.member(&format!("u{n}@a.test")).await;
        d.change_account(made.id, &advanced(Seat::Advanced)).await.unwrap();
    }
    w.plan(
        "Basic",
        &[Feature::Api],
        &[(Limit::AccountsPerTenantMax, 2), (Limit::AliasesPerAccountMax, 1)],
    )
    .await;
    let mut asked = PlanAssignment {
        plan: Some("Basic".to_owned()),
        seats: Some(1),
        ..PlanAssignment::default()
    };
    let expect = Affected {
        features: vec![Feature::Api],
        above: vec![(Limit::AccountsPerTenantMax, 2, 3)],
        tighter: vec![(Limit::AliasesPerAccountMax, 1)],
        seats_above: 2,
    };
    assert_eq!(d.preview_plan(w.acme, &asked).await.unwrap(), expect);
    let unasked = d.assign_plan(w.acme, &asked).await;
    assert!(matches!(unasked, Err(Error::InUse { .. })), "{unasked:?}");
    asked.confirmed = true;
    d.assign_plan(w.acme, &asked).await.unwrap();
    assert_eq!(d.tenant(w.acme).await.unwrap().counts.accounts, 3);
    assert_eq!(d.seats(w.acme, None, 10).await.unwrap().len(), 3);
    let more = w.account(NewAccount::at(address("u4@a.test"))).await;
    assert!(matches!(more, Err(Error::LimitAt { used: 3, .. })), "{more:?}");
    let used = d.delete_plan("BASIC").await;
    assert!(matches!(used, Err(Error::InUse { .. })), "{used:?}");
}

#[tokio::test]
async fn plan_5_6_a_plan_ends_after_notice_and_a_clock_set_back_brings_nothing_back() {
    let w = world().await;
    let d = &w.directory;
    w.plan("Pro", &[], &[]).await;
    w.plan("Basic", &[], &[(Limit::DomainsPerTenantMax, 1)]).await;
    let asked = PlanAssignment {
        plan: Some("Pro".to_owned()),
        until: Some(Timestamp {
            millis: d.now().millis + 40 * 24 * 3600 * 1000,
        }),
        fallback: Some("Basic".to_owned()),
        ..PlanAssignment::default()
    };
    d.assign_plan(w.acme, &asked).await.unwrap();
    w.look_after(5).await;
    assert!(w.told().await.is_empty());
    w.look_after(5).await;
    w.look_after(1).await;
    assert_eq!(w.told().await, ["plan.ending"], "30 days before, once");
    w.look_after(22).await;
    w.look_after(6).await;
    assert_eq!(w.told().await, ["plan.ending", "plan.ending"]);
    assert_eq!(d.service(w.acme).await.unwrap().plan.unwrap().name, "Pro");
    w.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(
        d.service(w.acme).await.unwrap().plan.unwrap().name,
        "Basic",
        "at once, before anyone looks"
    );
    w.look_after(0).await;
    assert_eq!(w.told().await, ["plan.ended"]);
    let used = d.service(w.acme).await.unwrap().used;
    assert_eq!(
        (used.plan.as_deref(), used.until, used.fallback),
        (Some("Basic"), None, None)
    );
    w.look_after(30).await;
    assert!(w.told().await.is_empty());
}

#[tokio::test]
async fn plan_less_room_comes_thirty_days_later_and_more_at_once() {
    let w = world().await;
    let d = &w.directory;
    let anna = w.member("anna@a.test").await;
    d.change_account(anna.id, &advanced(Seat::Advanced)).await.unwrap();
    w.plan("Basic", &[], &[(Limit::MailboxOctetsMax, 1 << 30)]).await;
    w.assign("Basic").await;
    assert!(d.due_for_quota(9).await.unwrap().is_empty(), "people are told first");
    w.clock.advance(Duration::from_secs(30 * 24 * 3600));
    let due = d.due_for_quota(9).await.unwrap();
    assert_eq!((due.len(), due[0].account, due[0].tenant), (1, None, w.acme));
    d.quota_told(&due[0], Some(anna.id)).await.unwrap();
    let due = d.due_for_quota(9).await.unwrap();
    assert_eq!(due[0].after, anna.id, "it goes on from there");
    d.quota_told(&due[0], None).await.unwrap();
    d.change_account(anna.id, &advanced(Seat::Standard)).await.unwrap();
    assert_eq!(w.told().await, ["plan.seat-withdrawn"]);
    assert!(d.due_for_quota(9).await.unwrap().is_empty());
    let ben = w.member("ben@a.test").await;
    let due = d.due_for_quota(9).await.unwrap();
    assert_eq!(due.iter().map(|due| due.account).collect::<Vec<_>>(), [Some(ben.id)]);
    d.quota_told(&due[0], None).await.unwrap();
    w.clock.advance(Duration::from_secs(30 * 24 * 3600));
    let due = d.due_for_quota(9).await.unwrap();
    assert_eq!(due.iter().map(|due| due.account).collect::<Vec<_>>(), [Some(anna.id)]);
    d.quota_told(&due[0], None).await.unwrap();
    let more = PlanChange {
        limits: BTreeMap::from([(Limit::MailboxOctetsMax, Some(2 << 30))]),
        ..PlanChange::default()
    };
    d.change_plan("basic", &more).await.unwrap();
    assert_eq!(d.due_for_quota(9).await.unwrap().len(), 1, "at once");
}

#[tokio::test]
async fn gen_5_limits_by_level_hold_at_once_for_each_member() {
    let w = world().await;
    let anna = w.member("anna@a.test").await;
    let octets = async |account: &AccountRecord| {
        let limits = w.directory.limits_of(account).await.unwrap();
        let found = limits.of(Limit::MessageOctetsMax);
        (found.max, found.level)
    };
    let installation = w.directory.options().message_octets_max;
    assert_eq!(octets(&anna).await, (Some(installation), LimitLevel::Installation));
    w.plan(
        "Basic",
        &[],
        &[(Limit::MessageOctetsMax, 1_000_000), (Limit::LogDays, 90)],
    )
    .await;
    w.assign("Basic").await;
    assert_eq!(octets(&anna).await, (Some(1_000_000), LimitLevel::Plan));
    assert_eq!(w.directory.log_days(w.acme).await, Ok(90));
    let change = PlanChange {
        limits: BTreeMap::from([(Limit::MessageOctetsMax, Some(2_000_000))]),
        ..PlanChange::default()
    };
    w.directory.change_plan("Basic", &change).await.unwrap();
    assert_eq!(
        octets(&anna).await,
        (Some(2_000_000), LimitLevel::Plan),
        "changed for all"
    );
    w.limits(&[(Limit::MessageOctetsMax, Some(900_000))], false)
        .await
        .unwrap();
    assert_eq!(octets(&anna).await, (Some(900_000), LimitLevel::Organisation));
    let own = |value| AccountChange {
        limits: BTreeMap::from([(Limit::MessageOctetsMax, value)]),
        ..AccountChange::default()
    };
    let refused = w.directory.change_account(anna.id, &own(Some(900_001))).await;
    assert!(
        matches!(
            refused,
            Err(Error::LimitAt {
                max: 900_000,
                used: 900_001,
                ..
            })
        ),
        "{refused:?}"
    );
    let anna = w.directory.change_account(anna.id, &own(Some(70_000))).await.unwrap();
    assert_eq!(octets(&anna).await, (Some(70_000), LimitLevel::Member));
    let anna = w.directory.change_account(anna.id, &own(None)).await.unwrap();
    assert_eq!(octets(&anna).await, (Some(900_000), LimitLevel::Organisation));
    let wrong = AccountChange {
        limits: BTreeMap::from([(Limit::LogDays, Some(9))]),
        ..AccountChange::default()
    };
    assert!(matches!(
        w.directory.change_account(anna.id, &wrong).await,
        Err(Error::Refused(_))
    ));
    w.limits(&[(Limit::MessageOctetsMax, Some(installation + 1))], true)
        .await
        .unwrap();
    w.limits(&[(Limit::MessageOctetsMax, None)], false).await.unwrap();
    let widest = octets(&anna).await.0.unwrap();
    assert!(widest <= installation, "nobody gets more than the installation takes");
}

#[tokio::test]
async fn plan_5_what_is_remembered_of_limits_ends_with_the_plan() {
    let w = world().await;
    let anna = w.member("anna@a.test").await;
    w.plan("Trial", &[], &[(Limit::RecipientsPerMessageMax, 500)]).await;
    w.plan("Basic", &[], &[(Limit::RecipientsPerMessageMax, 50)]).await;
    let asked = PlanAssignment {
        plan: Some("Trial".to_owned()),
        until: Some(Timestamp {
            millis: w.directory.now().millis + 1_000,
        }),
        fallback: Some("Basic".to_owned()),
        confirmed: true,
        ..PlanAssignment::default()
    };
    w.directory.assign_plan(w.acme, &asked).await.unwrap();
    let recipients = async || {
        let limits = w.directory.limits_of(&anna).await.unwrap();
        limits.of(Limit::RecipientsPerMessageMax).max
    };
    assert_eq!(recipients().await, Some(500));
    w.clock.advance(Duration::from_secs(2));
    assert_eq!(recipients().await, Some(50), "without anybody having looked");
}

#[tokio::test]
async fn sbx_5_three_shared_mailboxes_and_one_for_each_advanced_seat_that_nobody_has() {
    let w = world().await;
    let limit = Limit::SharedMailboxesPerTenantMax;
    w.plan("Professional", &[], &[(limit, 3)]).await;
    let asked = |seats| PlanAssignment {
        plan: Some("Professional".to_owned()),
        seats: Some(seats),
        confirmed: true,
        ..PlanAssignment::default()
    };
    w.directory.assign_plan(w.acme, &asked(2)).await.unwrap();
    let anna = w.member("anna@a.test").await;
    assert_eq!(w.in_force(limit).await, (Some(5), LimitLevel::Plan));
    let shared = async |number: u8| {
        let new = NewAccount {
            kind: AccountKind::Shared,
            ..NewAccount::at(address(&format!("s{number}@a.test")))
        };
        w.account(new).await
    };
    for number in 1..=5 {
        shared(number).await.unwrap();
    }
    let refused = |outcome: Result<AccountRecord>, max: u64| {
        let text = outcome.unwrap_err().to_string();
        let expect = format!("shared_mailboxes_per_tenant_max is {max} (set for the plan) and 5 are in use");
        assert_eq!(text, expect);
    };
    refused(shared(6).await, 5);
    // A seat that is given and others that are taken back leave fewer: existing ones stay, and no new one comes.
    let given = w.directory.change_account(anna.id, &advanced(Seat::Advanced)).await;
    given.unwrap();
    assert_eq!(w.in_force(limit).await.0, Some(4));
    refused(shared(6).await, 4);
    let fewer = w.directory.preview_plan(w.acme, &asked(1)).await.unwrap();
    assert_eq!(fewer.above, [(limit, 3, 5)]);
    w.directory.assign_plan(w.acme, &asked(1)).await.unwrap();
    let present = w.directory.service(w.acme).await.unwrap();
    let found = present.limits.iter().find(|(known, _)| known.limit == limit).unwrap();
    assert_eq!((found.0.max, found.1), (Some(3), Some(5)), "all five are there");
    refused(shared(6).await, 3);
    // What the operator says of one organisation is that number.
    w.limits(&[(limit, Some(6))], true).await.unwrap();
    assert_eq!(w.in_force(limit).await, (Some(6), LimitLevel::Organisation));
    shared(6).await.unwrap();
}
