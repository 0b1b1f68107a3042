use std::time::Duration;

use hongyan_env::{Env, ManualClock};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::Address;

use super::*;
use crate::{
    AccountState, DirectoryOptions, GrantRights, Grantee, NewAccount, NewGrant, NewGroup, NewTenant, Resolution,
    Sending,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

struct World {
    directory: Directory,
    clock: ManualClock,
    acme: TenantId,
    other: TenantId,
}

/// Two organisations; `a.test` is the first's.
async fn world() -> World {
    let (env, clock) = Env::manual(1);
    let options = DirectoryOptions {
        domain_step_max: 2,
        ..DirectoryOptions::default()
    };
    let directory = Directory::new(Database::new(MemoryStore::default()), env, options);
    let acme = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let other = directory.create_tenant(&NewTenant::named("Other")).await.unwrap().id;
    directory.create_domain(acme, &domain("a.test")).await.unwrap();
    World {
        directory,
        clock,
        acme,
        other,
    }
}

fn domain(text: &str) -> Domain {
    Domain::try_from(text).unwrap()
}

fn address(text: &str) -> Address {
    Address::try_from(text).unwrap()
}

impl World {
    async fn account(&self, text: &str) -> AccountId {
        let made = self.directory.create_account(&NewAccount::at(address(text))).await;
        made.unwrap().id
    }
    /// Where mail goes: the number of an account, of a group as `{..}`, or why to nobody.
    async fn goes(&self, text: &str) -> String {
        match self.directory.resolve(&address(text)).await.unwrap() {
            Resolution::Account(to) => to.account.id.0.to_string(),
            Resolution::Group(group) => format!("{{{}}}", group.accounts.len()),
            other => format!("{other:?}"),
        }
    }
    async fn sends(&self, id: AccountId, text: &str) -> Sending {
        let account = self.directory.account(id).await.unwrap().unwrap();
        let rights = self.directory.sender_rights(&account).await.unwrap();
        rights.sending(&address(text))
    }
    async fn signs_in(&self, text: &str) -> Option<u64> {
        self.directory.login(text).await.unwrap().map(|login| login.id().0)
    }
    /// Does what is to be done with a domain, as upkeep does.
    async fn work(&self, text: &str) {
        while let Ok(record) = self.directory.domain(&domain(text)).await {
            let work = self.directory.work_on(&record);
            if !self.directory.step_domain(&record.domain, work).await.unwrap() {
                let due = self.directory.due_for_purge(10).await.unwrap();
                for (tenant, account) in &due {
                    assert!(self.directory.begin_purge(*tenant, *account).await.unwrap());
                    self.directory.end_purge(*tenant, *account).await.unwrap();
                }
                if due.is_empty() && work != DomainWork::Remove {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn dom_4_a_claimed_domain_is_nobodys_until_it_is_proven() {
    let w = world().await;
    let (d, b) = (&w.directory, domain("b.test"));
    let claim = d.claim_domain(w.acme, &b).await.unwrap();
    assert!(claim.text().starts_with("hongyan-verification=") && claim.token.len() == 30);
    assert!(matches!(d.claim_domain(w.acme, &b).await, Err(Error::Exists { .. })));
    assert_eq!(w.goes("anna@b.test").await, "NotLocal");
    let early = d.create_account(&NewAccount::at(address("anna@b.test"))).await;
    assert!(matches!(early, Err(Error::NotFound { .. })), "{early:?}");
    // Others may say the same: who proves it first has it.
    let theirs = d.claim_domain(w.other, &b).await.unwrap();
    assert_ne!(theirs.token, claim.token);
    let proved = d.prove_domain(w.acme, &b, ProvenBy::Dns).await.unwrap();
    assert!(matches!(proved, Proved::Domain(ref record) if record.proven.is_some()));
    assert_eq!(w.goes("anna@b.test").await, "NoSuchUser");
    assert_eq!(w.account("anna@b.test").await.0, 1);
    assert_eq!(d.claim(w.acme, &b).await.unwrap(), None);
    assert_eq!(d.tenant(w.acme).await.unwrap().counts.domains, 2);
    d.drop_claim(w.other, &b).await.unwrap();
    assert!(d.claims(w.other, None, 10).await.unwrap().is_empty());
    let again = d.claim_domain(w.acme, &b).await;
    assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
}

#[tokio::test]
async fn dom_2_claims_count_as_domains() {
    let (env, _) = Env::manual(1);
    let options = DirectoryOptions {
        domains_per_tenant_max: 2,
        ..DirectoryOptions::default()
    };
    let d = Directory::new(Database::new(MemoryStore::default()), env, options);
    let acme = d.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    d.create_domain(acme, &domain("a.test")).await.unwrap();
    d.claim_domain(acme, &domain("b.test")).await.unwrap();
    let third = d.claim_domain(acme, &domain("c.test")).await.unwrap_err();
    let expect = Error::Limit {
        setting: "domains_per_tenant_max",
        max: 2,
        used: 2,
    };
    assert_eq!(third, expect);
    // The operator's word makes a domain of the claim: that is not one more.
    d.create_domain(acme, &domain("b.test")).await.unwrap();
    assert_eq!(d.create_domain(acme, &domain("c.test")).await.unwrap_err(), expect);
}

#[tokio::test]
async fn dom_10_a_domain_proven_anew_goes_over_after_a_week() {
    let w = world().await;
    let (d, a) = (&w.directory, domain("a.test"));
    w.account("anna@a.test").await;
    d.claim_domain(w.other, &a).await.unwrap();
    let Proved::Waits { claim, other } = d.prove_domain(w.other, &a, ProvenBy::Dns).await.unwrap() else {
        panic!("it has an owner");
    };
    assert_eq!(other, w.acme);
    assert_eq!(claim.takes_over.unwrap().millis, d.now().millis + 7 * 24 * 3600 * 1000);
    let early = d.take_over_domain(w.other, &a).await;
    assert!(matches!(early, Err(Error::Refused(_))), "{early:?}");
    assert_eq!(w.goes("anna@a.test").await, "1", "members keep working");
    w.clock.advance(DAY * 7);
    d.take_over_domain(w.other, &a).await.unwrap();
    assert_eq!(w.goes("anna@a.test").await, "NotLocal");
    w.work("a.test").await;
    let proved = d.prove_domain(w.other, &a, ProvenBy::Dns).await.unwrap();
    assert!(matches!(proved, Proved::Domain(ref record) if record.tenant == w.other));
    assert_eq!(w.goes("anna@a.test").await, "NoSuchUser");
    assert_eq!(d.tenant(w.acme).await.unwrap().counts.domains, 0);
}

#[tokio::test]
async fn dom_9_another_name_leads_to_the_same_people() {
    let w = world().await;
    let d = &w.directory;
    let anna = w.account("anna@a.test").await;
    let new = NewGroup {
        members: vec![address("Anna@b.test")],
        ..NewGroup::at(address("all@a.test"))
    };
    d.create_group(&new).await.unwrap();
    d.create_domain(w.acme, &domain("b.test")).await.unwrap();
    let alias = |of: Option<&str>| DomainChange {
        alias_of: Field::Set(of.map(domain)),
        ..DomainChange::default()
    };
    let bad = d.change_domain(&domain("a.test"), &alias(Some("b.test"))).await;
    assert!(matches!(bad, Err(Error::InUse { .. })), "{bad:?}");
    d.change_domain(&domain("b.test"), &alias(Some("a.test")))
        .await
        .unwrap();
    for (text, expect) in [
        ("anna@b.test", "1"),
        ("ANNA+x@b.test", "1"),
        ("all@b.test", "{1}"),
        ("all@a.test", "{1}"),
        ("bob@b.test", "NoSuchUser"),
    ] {
        assert_eq!(w.goes(text).await, expect, "{text}");
    }
    assert_eq!(w.signs_in("anna@b.test").await, Some(1));
    assert_eq!(w.sends(anna, "anna@b.test").await, Sending::As);
    assert_eq!(w.sends(anna, "bob@b.test").await, Sending::No);
    let shared = w.account("info@a.test").await;
    let grant = NewGrant {
        account: shared,
        to: Grantee::Account(anna),
        rights: GrantRights::FULL,
        until: None,
    };
    d.grant(&grant).await.unwrap();
    assert_eq!(w.sends(anna, "info@b.test").await, Sending::As);
    let own = d.create_account(&NewAccount::at(address("bob@b.test"))).await;
    assert!(matches!(own, Err(Error::Refused(_))), "{own:?}");
    d.set_catch_all(&domain("a.test"), Some(anna)).await.unwrap();
    assert_eq!(w.goes("bob@b.test").await, "1");
    let circle = d.change_domain(&domain("a.test"), &alias(Some("b.test"))).await;
    assert!(circle.is_err());
    let used = d.delete_domain(&domain("a.test")).await;
    assert!(matches!(used, Err(Error::InUse { .. })), "{used:?}");
    d.change_domain(&domain("b.test"), &alias(None)).await.unwrap();
    assert_eq!(w.goes("anna@b.test").await, "NoSuchUser");
    assert_eq!(w.sends(anna, "anna@b.test").await, Sending::No);
    d.change_domain(&domain("b.test"), &alias(Some("a.test")))
        .await
        .unwrap();
    d.delete_domain(&domain("b.test")).await.unwrap();
    assert_eq!(w.goes("anna@b.test").await, "NotLocal");
}

#[tokio::test]
async fn dom_9_new_addresses_have_a_default_domain() {
    let w = world().await;
    let (d, a, b) = (&w.directory, domain("a.test"), domain("b.test"));
    assert_eq!(d.default_domain(w.acme).await.unwrap(), Some(a.clone()), "the only one");
    d.create_domain(w.acme, &b).await.unwrap();
    assert_eq!(d.default_domain(w.acme).await.unwrap(), None);
    let named = |of: Option<&Domain>| crate::DomainChange {
        alias_of: Field::Set(of.cloned()),
        ..crate::DomainChange::default()
    };
    d.change_domain(&b, &named(Some(&a))).await.unwrap();
    let only = d.default_domain(w.acme).await.unwrap();
    assert_eq!(only, Some(a.clone()), "the other is another name of it");
    d.change_domain(&b, &named(None)).await.unwrap();
    let set = |name: &str| crate::TenantChange {
        default_domain: Field::Set(Some(domain(name))),
        ..crate::TenantChange::default()
    };
    d.create_domain(w.other, &domain("o.test")).await.unwrap();
    let others = d.change_tenant(w.acme, &set("o.test")).await;
    assert!(matches!(others, Err(Error::NotFound { .. })), "{others:?}");
    d.change_tenant(w.acme, &set("a.test")).await.unwrap();
    d.move_domain(&a, &b).await.unwrap();
    assert_eq!(d.default_domain(w.acme).await.unwrap(), Some(b.clone()));
    w.work("a.test").await;
    let name = d.change_tenant(w.acme, &set("a.test")).await;
    assert!(matches!(name, Err(Error::Refused(_))), "{name:?}");
    d.delete_domain(&a).await.unwrap();
    d.delete_domain(&b).await.unwrap();
    assert_eq!(d.tenant(w.acme).await.unwrap().default_domain, None);
}

#[tokio::test]
async fn dom_9_all_domains_are_looked_at_not_only_those_of_one_read() {
    let w = world().await;
    let (d, a) = (&w.directory, domain("a.test"));
    let name = crate::DomainChange {
        alias_of: Field::Set(Some(a.clone())),
        ..crate::DomainChange::default()
    };
    for number in 0..crate::domain::OWN_DOMAINS_AT_ONCE {
        let alias = domain(&format!("b{number}.test"));
        d.create_domain(w.acme, &alias).await.unwrap();
        d.change_domain(&alias, &name).await.unwrap();
    }
    assert_eq!(
        d.default_domain(w.acme).await.unwrap(),
        Some(a),
        "the others are names of it"
    );
    d.create_domain(w.acme, &domain("z.test")).await.unwrap();
    assert_eq!(d.default_domain(w.acme).await.unwrap(), None, "there are two");
}

#[tokio::test]
async fn dom_12_people_move_to_another_domain_and_keep_their_old_addresses() {
    let w = world().await;
    let d = &w.directory;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(w.account(&format!("u{n}@a.test")).await);
    }
    d.add_alias(ids[0], &address("boss@a.test")).await.unwrap();
    d.create_group(&NewGroup::at(address("all@a.test"))).await.unwrap();
    d.add_member(&address("all@a.test"), &address("u1@a.test"))
        .await
        .unwrap();
    let gone = crate::Recycle::default();
    d.recycle(ids[4], &gone).await.unwrap();
    d.create_domain(w.acme, &domain("n.test")).await.unwrap();
    let taken = w.account("u1@n.test").await;
    let both = d.move_domain(&domain("a.test"), &domain("n.test")).await;
    assert!(matches!(both, Err(Error::Exists { .. })), "{both:?}");
    d.delete_account(taken).await.unwrap();
    d.move_domain(&domain("a.test"), &domain("n.test")).await.unwrap();
    assert!(d.step_domain(&domain("a.test"), DomainWork::Move).await.unwrap());
    // Half-way, everyone is found under both names.
    for (n, id) in ids.iter().enumerate().take(4) {
        for host in ["a.test", "n.test"] {
            let text = format!("u{n}@{host}");
            assert_eq!(w.goes(&text).await, id.0.to_string(), "{text}");
            assert_eq!(w.sends(*id, &text).await, Sending::As, "{text}");
        }
    }
    let meanwhile = d.create_account(&NewAccount::at(address("new@n.test"))).await;
    assert!(matches!(meanwhile, Err(Error::Refused(_))), "{meanwhile:?}");
    w.work("a.test").await;
    let boss = d.account(ids[0]).await.unwrap().unwrap();
    assert_eq!(boss.address.to_string(), "u0@n.test");
    assert_eq!(boss.aliases, [address("boss@n.test")]);
    let record = d.domain(&domain("a.test")).await.unwrap();
    assert_eq!(
        (record.alias_of.clone(), record.moving),
        (Some(domain("n.test")), false)
    );
    assert_eq!(d.domain(&domain("n.test")).await.unwrap().moving_from, None);
    assert_eq!(w.goes("boss@a.test").await, "1");
    assert_eq!(w.goes("all@a.test").await, "{1}");
    assert_eq!(
        d.group_at(&address("all@a.test")).await.unwrap().address,
        address("all@n.test")
    );
    assert_eq!(
        d.recycled_at(&address("u4@a.test")).await.unwrap().account.address,
        address("u4@n.test")
    );
    assert_eq!(w.signs_in("u0@a.test").await, Some(1));
    w.account("new@n.test").await;
    d.delete_domain(&domain("a.test")).await.unwrap();
    assert_eq!(w.goes("boss@a.test").await, "NotLocal");
    assert_eq!(w.goes("boss@n.test").await, "1");
}

#[tokio::test]
async fn dom_10_a_domain_goes_with_its_people_unless_that_is_undone_in_a_week() {
    let w = world().await;
    let (d, a) = (&w.directory, domain("a.test"));
    let anna = w.account("anna@a.test").await;
    let bob = w.account("bob@a.test").await;
    let last = d.remove_domain(&a).await.unwrap_err();
    assert!(last.to_string().contains("last domain, and 2 members"), "{last}");
    d.create_domain(w.acme, &domain("b.test")).await.unwrap();
    d.add_alias(anna, &address("anna@b.test")).await.unwrap();
    d.create_group(&NewGroup::at(address("all@a.test"))).await.unwrap();
    let expect = DomainUse {
        members_gone: 1,
        members_kept: 1,
        groups: 1,
        ..DomainUse::default()
    };
    assert_eq!(d.domain_use(&a).await.unwrap(), expect);
    let record = d.remove_domain(&a).await.unwrap();
    assert_eq!(record.removal.unwrap().millis, d.now().millis + 7 * 24 * 3600 * 1000);
    assert_eq!(w.goes("anna@a.test").await, "NotLocal");
    assert_eq!(w.sends(anna, "anna@a.test").await, Sending::No);
    assert_eq!(
        w.signs_in("bob@a.test").await,
        Some(bob.0),
        "who goes can still fetch the mail"
    );
    w.work("a.test").await;
    d.keep_domain(&a).await.unwrap();
    assert_eq!(w.goes("bob@a.test").await, "2");
    assert_eq!(w.sends(anna, "anna@a.test").await, Sending::As);
    d.remove_domain(&a).await.unwrap();
    w.clock.advance(DAY * 7);
    let late = d.keep_domain(&a).await;
    assert!(matches!(late, Err(Error::Refused(_))), "{late:?}");
    w.work("a.test").await;
    assert!(matches!(d.domain(&a).await, Err(Error::NotFound { .. })));
    assert_eq!(d.account(bob).await.unwrap(), None);
    let anna = d.account(anna).await.unwrap().unwrap();
    assert_eq!((anna.address.clone(), anna.aliases.len()), (address("anna@b.test"), 0));
    assert_eq!(anna.state, AccountState::Active);
    let counts = d.tenant(w.acme).await.unwrap().counts;
    assert_eq!((counts.accounts, counts.groups, counts.domains), (1, 0, 1));
}

#[tokio::test]
async fn dom_13_administrators_are_reminded_of_a_licence_once_when_it_is_time() {
    let w = world().await;
    let (d, a) = (&w.directory, domain("a.test"));
    let told = async || {
        let mut transaction = d.database().begin();
        let due = hongyan_notice::due(&mut transaction, d.now(), 10).await.unwrap();
        due.into_iter().map(|due| due.notice.kind).collect::<Vec<_>>()
    };
    let look = async || {
        let record = d.domain(&a).await.unwrap();
        d.remind_of_licence(&record).await.unwrap();
    };
    let in_ten_days = Timestamp {
        millis: d.now().millis + 10 * 24 * 3600 * 1000,
    };
    let change = DomainChange {
        licence: Field::Set(" ICP 12345678 ".to_owned()),
        licence_reminder: Field::Set(Some(in_ten_days)),
        ..DomainChange::default()
    };
    let record = d.change_domain(&a, &change).await.unwrap();
    assert_eq!(record.licence, "ICP 12345678");
    look().await;
    assert!(told().await.is_empty());
    w.clock.advance(DAY * 10);
    look().await;
    look().await;
    assert_eq!(told().await, ["domain.licence"]);
    let other = DomainChange {
        catch_all: Field::Set(None),
        ..DomainChange::default()
    };
    d.change_domain(&a, &other).await.unwrap();
    look().await;
    assert_eq!(told().await.len(), 1, "another change is no reason to be told again");
    let broken = DomainChange {
        licence: Field::Set("a\r\nb".to_owned()),
        ..DomainChange::default()
    };
    let refused = d.change_domain(&a, &broken).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn dom_1_a_domain_to_try_is_lent_limited_and_replaced() {
    let (env, _) = Env::manual(1);
    let options = DirectoryOptions {
        trial_parent: Some(domain("try.test")),
        domains_per_tenant_max: 1,
        ..DirectoryOptions::default()
    };
    let d = Directory::new(Database::new(MemoryStore::default()), env, options);
    let without = d.create_tenant(&NewTenant::named("Without")).await.unwrap();
    assert_eq!(without.counts.domains, 0);
    let new = NewTenant {
        trial_domain: true,
        ..NewTenant::named("Acme")
    };
    let acme = d.create_tenant(&new).await.unwrap();
    let lent = domain(&format!("t{}.try.test", acme.id.0));
    assert!(d.domain(&lent).await.unwrap().trial);
    let anna = address(&format!("anna@{lent}"));
    let anna = d.create_account(&NewAccount::at(anna)).await.unwrap();
    assert!(d.restrictions_of(&anna).await.unwrap().sending_outside);
    // It does not count.
    d.create_domain(acme.id, &domain("a.test")).await.unwrap();
    let look = async || d.replace_trial_domain(&d.domain(&lent).await.unwrap()).await.unwrap();
    assert!(!look().await, "no mail comes to the own one yet");
    let check = DomainCheck {
        at: d.now(),
        receives: true,
        answered: true,
        lost: None,
        told: None,
        wrong: Vec::new(),
        registration: Default::default(),
    };
    d.keep_domain_check(&domain("a.test"), &check, None).await.unwrap();
    assert!(look().await);
    while d.step_domain(&lent, DomainWork::Move).await.unwrap() {}
    assert!(!look().await, "once");
    let anna = d.account(anna.id).await.unwrap().unwrap();
    assert_eq!(anna.address, address("anna@a.test"));
    assert!(!d.restrictions_of(&anna).await.unwrap().sending_outside);
    let old = address(&format!("anna@{lent}"));
    assert!(
        matches!(d.resolve(&old).await.unwrap(), Resolution::Account(_)),
        "the old address goes on"
    );
}
