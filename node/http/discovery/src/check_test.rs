use hongyan_env::{SrvRecord, ZoneDns};

use super::*;
use crate::{Door, Service, StsMode, StsPolicy};

fn domain(text: &str) -> Domain {
    Domain::try_from(text).unwrap()
}

pub(crate) fn checker(zone: &ZoneDns) -> Checker {
    Checker {
        offer: Arc::new(Offer {
            doors: vec![Door {
                service: Service::Https,
                host: domain("mx.host.test"),
                port: 443,
            }],
            regional_hosts: Vec::new(),
            mail_hosts: vec![domain("mx.host.test")],
            spf_include: None,
            sts: StsPolicy {
                mode: StsMode::None,
                age_secs_max: 86_400,
            },
        }),
        dns: Arc::new(zone.clone()),
    }
}

async fn state(zone: &ZoneDns, name: &str, kind: &str) -> RecordState {
    let looked = checker(zone).look(&domain("d.test"), &Zone::default()).await;
    let mut records = looked.records.iter();
    let found = records.find(|(record, _)| record.name == name && record.value.kind() == kind);
    found.unwrap_or_else(|| panic!("{name} {kind}")).1.state
}

#[test]
fn dom_4_either_record_proves_whose_a_domain_is() {
    hongyan_actor::run(0, async {
        let ownership = Ownership {
            text: "hongyan-verification=77".to_owned(),
            label: "hongyan-77".to_owned(),
        };
        let (zone, d) = (ZoneDns::default(), domain("d.test"));
        let proves = async || checker(&zone).proves(&d, &ownership).await;
        assert_eq!(proves().await, Ok(false));
        // Another organisation's claim to the same domain does no harm.
        zone.add_txt("_hongyan.d.test", "hongyan-verification=12");
        assert_eq!(proves().await, Ok(false));
        zone.add_txt("_hongyan.d.test", "hongyan-verification=77");
        assert_eq!(proves().await, Ok(true));
        zone.remove("_hongyan.d.test");
        zone.add_cname("hongyan-77.d.test", "elsewhere.test");
        assert_eq!(proves().await, Ok(false));
        zone.remove("hongyan-77.d.test");
        zone.add_cname("hongyan-77.d.test", "MX.host.test.");
        assert_eq!(proves().await, Ok(true));
        zone.remove("hongyan-77.d.test");
        zone.set_failure("_hongyan.d.test", Some(DnsError::Temporary("timeout".to_owned())));
        assert!(proves().await.is_err(), "no answer is not a no");
    });
}

#[test]
fn dom_8_a_record_at_some_name_servers_only_is_told_apart() {
    hongyan_actor::run(0, async {
        let zone = ZoneDns::default();
        zone.add_mx("d.test", 10, "mx.host.test");
        for (server, last) in [("ns1.far.test", 1), ("ns2.far.test", 2)] {
            zone.add_ns("d.test", server);
            zone.add_address(server, [192, 0, 2, last].into());
        }
        assert_eq!(state(&zone, "d.test", "MX").await, RecordState::Right);
        let behind = ZoneDns::default();
        zone.set_server([192, 0, 2, 2].into(), behind.clone());
        assert_eq!(state(&zone, "d.test", "MX").await, RecordState::AtSomeServers);
        behind.set_failure("d.test", Some(DnsError::Temporary("down".to_owned())));
        assert_eq!(
            state(&zone, "d.test", "MX").await,
            RecordState::Right,
            "it does not answer at all"
        );
    });
}

#[test]
fn dom_8_an_alias_at_the_apex_hides_everything_else() {
    hongyan_actor::run(0, async {
        let zone = ZoneDns::default();
        zone.add_mx("d.test", 10, "mx.host.test");
        zone.add_cname("d.test", "site.far.test");
        assert_eq!(state(&zone, "d.test", "MX").await, RecordState::BehindAlias);
        let looked = checker(&zone).look(&domain("d.test"), &Zone::default()).await;
        assert_eq!(looked.receives(), Some(false));
        assert!(
            looked.wrong().contains(&"d.test MX: behind-alias".to_owned()),
            "{:?}",
            looked.wrong()
        );
    });
}

#[test]
fn dom_6_services_and_names_are_looked_for() {
    hongyan_actor::run(0, async {
        let zone = ZoneDns::default();
        let jmap = "_jmap._tcp.d.test";
        assert_eq!(state(&zone, jmap, "SRV").await, RecordState::Missing);
        let record = |port| SrvRecord {
            priority: 0,
            weight: 1,
            port,
            target: "mx.host.test".to_owned(),
        };
        zone.add_srv(jmap, record(8443));
        assert_eq!(state(&zone, jmap, "SRV").await, RecordState::Different);
        zone.add_srv(jmap, record(443));
        assert_eq!(state(&zone, jmap, "SRV").await, RecordState::OthersToo);
        let none = SrvRecord {
            priority: 0,
            weight: 0,
            port: 0,
            target: ".".to_owned(),
        };
        zone.add_srv("_imap._tcp.d.test", none);
        assert_eq!(state(&zone, "_imap._tcp.d.test", "SRV").await, RecordState::Right);
        zone.add_cname("autoconfig.d.test", "mx.host.test");
        assert_eq!(state(&zone, "autoconfig.d.test", "CNAME").await, RecordState::Right);
    });
}
