use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hongyan_directory::{DirectoryOptions, NewTenant};
use hongyan_env::{ManualClock, ZoneDns};
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;

use super::*;
use crate::check::tests::checker;
use crate::registry::tests::{LIST, registries};

struct World {
    watch: Watch,
    database: Database,
    zone: ZoneDns,
    clock: ManualClock,
    acme: TenantId,
    other: TenantId,
}

async fn world() -> World {
    let (env, clock) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    let acme = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let other = directory.create_tenant(&NewTenant::named("Other")).await.unwrap().id;
    let zone = ZoneDns::default();
    World {
        watch: Watch {
            env,
            directory,
            checker: checker(&zone),
            registries: None,
            options: WatchOptions::default(),
        },
        database,
        zone,
        clock,
        acme,
        other,
    }
}

impl World {
    async fn round_after(&self, hours: u64) {
        self.clock.advance(Duration::from_secs(hours * 3600));
        self.watch.round().await.unwrap();
    }
    /// What administrators were told since the last time, and whose.
    async fn told(&self) -> Vec<(TenantId, String)> {
        let now = self.watch.directory.now();
        let mut transaction = self.database.begin();
        let due = hongyan_notice::due(&mut transaction, now, 100).await.unwrap();
        for due in &due {
            hongyan_notice::done(&mut transaction, due);
        }
        transaction.commit().await.unwrap();
        let to = |due: &hongyan_notice::Due| match due.notice.to {
            hongyan_notice::Recipient::Administrators(tenant) => (tenant, due.notice.kind.clone()),
            _ => panic!("for administrators only"),
        };
        due.iter().map(to).collect()
    }
    fn kind(tenant: TenantId, kind: &str) -> Vec<(TenantId, String)> {
        vec![(tenant, kind.to_owned())]
    }
}

fn domain(text: &str) -> Domain {
    Domain::try_from(text).unwrap()
}

#[test]
fn dom_8_lost_records_are_told_once_and_people_keep_working() {
    hongyan_actor::run(0, async {
        let w = world().await;
        let (d, a) = (&w.watch.directory, domain("a.test"));
        d.create_domain(w.acme, &a).await.unwrap();
        w.round_after(0).await;
        let never = d.domain_check(&a).await.unwrap().unwrap();
        assert!(!never.receives && never.lost.is_none() && !never.wrong.is_empty());
        w.round_after(5).await;
        assert_eq!(w.told().await, [], "what never was is not lost");
        w.zone.add_mx("a.test", 10, "mx.host.test");
        w.round_after(1).await;
        assert!(d.domain_check(&a).await.unwrap().unwrap().receives);
        w.zone
            .set_failure("a.test", Some(DnsError::Temporary("timeout".to_owned())));
        w.round_after(24).await;
        assert!(
            d.domain_check(&a).await.unwrap().unwrap().receives,
            "no answer changes nothing"
        );
        w.zone.remove("a.test");
        w.round_after(1).await;
        assert_eq!(w.told().await, [], "it may be back soon");
        w.round_after(2).await;
        assert_eq!(w.told().await, World::kind(w.acme, "domain.dns-lost"));
        w.round_after(2).await;
        assert_eq!(w.told().await, []);
        assert!(d.is_local(&a).await.unwrap());
        w.zone.add_mx("a.test", 10, "mx.host.test");
        w.round_after(1).await;
        assert_eq!(d.domain_check(&a).await.unwrap().unwrap().lost, None);
    });
}

#[test]
fn dom_3_claims_are_proven_in_the_background_until_they_expire() {
    hongyan_actor::run(0, async {
        let w = world().await;
        let (d, a) = (&w.watch.directory, domain("a.test"));
        let claim = d.claim_domain(w.acme, &a).await.unwrap();
        w.round_after(1).await;
        assert!(!d.is_local(&a).await.unwrap());
        w.clock.advance(Duration::from_secs(30 * 24 * 3600));
        w.zone.add_txt("_hongyan.a.test", &claim.text());
        w.round_after(0).await;
        assert!(!d.is_local(&a).await.unwrap(), "it has expired");
        d.renew_claim(w.acme, &a).await.unwrap();
        w.round_after(0).await;
        assert!(d.is_local(&a).await.unwrap());
        assert_eq!(w.told().await, World::kind(w.acme, "domain.proven"));
    });
}

#[test]
fn dom_10_a_contested_domain_goes_over_only_while_it_stays_proven() {
    hongyan_actor::run(0, async {
        let w = world().await;
        let (d, a) = (&w.watch.directory, domain("a.test"));
        d.create_domain(w.acme, &a).await.unwrap();
        let claim = d.claim_domain(w.other, &a).await.unwrap();
        w.zone.add_txt("_hongyan.a.test", &claim.text());
        w.round_after(0).await;
        assert_eq!(w.told().await, World::kind(w.acme, "domain.contested"));
        w.zone.remove("_hongyan.a.test");
        w.round_after(7 * 24).await;
        assert_eq!(d.domain(&a).await.unwrap().tenant, w.acme, "nothing proves it any more");
        w.zone.add_txt("_hongyan.a.test", &claim.text());
        for _ in 0..2 {
            w.round_after(1).await;
        }
        assert_eq!(d.domain(&a).await.unwrap().tenant, w.other);
        assert_eq!(w.told().await, World::kind(w.other, "domain.proven"));
    });
}

#[test]
fn dom_11_the_end_of_a_registration_is_told_30_14_and_3_days_before() {
    hongyan_actor::run(0, async {
        let mut w = world().await;
        let year = Arc::new(AtomicU64::new(2027));
        let said = year.clone();
        let env = w.watch.env.clone();
        let registries = registries(&env, move |path| match path {
            "/dns.json" => (200, LIST.to_owned()),
            _ if said.load(Ordering::Relaxed) == 0 => (503, String::new()),
            _ => {
                let year = said.load(Ordering::Relaxed);
                let date = format!("{year}-02-01T00:00:00Z");
                (
                    200,
                    format!(r#"{{"events":[{{"eventAction":"expiration","eventDate":"{date}"}}]}}"#),
                )
            }
        });
        w.watch.registries = Some(registries.await);
        let a = domain("a.com");
        w.watch.directory.create_domain(w.acme, &a).await.unwrap();
        let ends = Timestamp::from_secs(1_801_440_000);
        let ahead = ends.secs() - w.watch.directory.now().secs() - 40 * 24 * 3600;
        w.clock.advance(Duration::from_secs(ahead.try_into().unwrap()));
        w.round_after(0).await;
        let check = w.watch.directory.domain_check(&a).await.unwrap().unwrap();
        assert_eq!(check.registration.ends, Some(ends));
        assert_eq!(w.told().await, [], "there is time");
        let told = World::kind(w.acme, "domain.registration-ends");
        for (days, expect) in [(10, &told[..]), (5, &[]), (11, &told), (1, &[]), (10, &told), (1, &[])] {
            w.round_after(days * 24).await;
            assert_eq!(w.told().await, expect, "{days} days later");
        }
        // What a registry does not say now it said before.
        year.store(0, Ordering::Relaxed);
        w.round_after(24).await;
        let check = w.watch.directory.domain_check(&a).await.unwrap().unwrap();
        assert_eq!(check.registration.ends, Some(ends));
        year.store(2028, Ordering::Relaxed);
        w.round_after(24).await;
        assert_eq!(w.told().await, [], "it was renewed");
        w.round_after(340 * 24).await;
        assert_eq!(w.told().await, told);
    });
}

#[test]
fn org_15_looks_at_dns_count_for_how_long_mail_goes_elsewhere() {
    hongyan_actor::run(0, async {
        let w = world().await;
        let d = &w.watch.directory;
        for (tenant, name) in [(w.acme, "a.test"), (w.other, "b.test")] {
            d.create_domain(tenant, &domain(name)).await.unwrap();
            w.zone.add_mx(name, 10, "mx.other.test");
        }
        let change = hongyan_directory::TenantChange {
            mx_elsewhere: hongyan_directory::Field::Set(MxElsewhere::Suspend),
            ..Default::default()
        };
        d.change_tenant(w.acme, &change).await.unwrap();
        let days = async |count| {
            for _ in 0..count {
                w.round_after(24).await;
            }
        };
        let counted = async || {
            d.mx_elsewhere_millis(w.acme)
                .await
                .unwrap()
                .map(|millis| millis / 86_400_000)
        };
        w.round_after(1).await;
        days(10).await;
        assert_eq!(counted().await, Some(10));
        w.zone
            .set_failure("a.test", Some(DnsError::Temporary("timeout".to_owned())));
        days(10).await;
        assert_eq!(counted().await, Some(10), "no answer neither counts nor forgives");
        w.zone.set_failure("a.test", None);
        assert_eq!(w.told().await, World::kind(w.acme, "organisation.mx-elsewhere"));
        days(20).await;
        let state = async |tenant| d.tenant(tenant).await.unwrap().state;
        assert_eq!(state(w.acme).await, hongyan_directory::TenantState::Suspended);
        assert_eq!(
            state(w.other).await,
            hongyan_directory::TenantState::Active,
            "where it is not switched on nothing follows"
        );
        w.zone.remove("a.test");
        w.zone.add_mx("a.test", 10, "mx.host.test");
        w.round_after(1).await;
        assert_eq!(state(w.acme).await, hongyan_directory::TenantState::Active);
    });
}
