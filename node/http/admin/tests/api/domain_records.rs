//! The DNS records of a domain: what is to be there and what is.

use std::sync::Arc;

use hongyan_env::{DnsError, ZoneDns};
use hongyan_http_admin::Publishing;
use hongyan_http_discovery::{Door, Offer, Service, StsMode, StsPolicy};
use hongyan_types::Domain;

use super::organisation::{acme, as_actor, as_member};
use super::*;

const PATH: &str = "/api/domains/d.test/records";

fn offer() -> Offer {
    let host = Domain::try_from("mx.host.test").unwrap();
    Offer {
        doors: vec![Door {
            service: Service::Https,
            host: host.clone(),
            port: 443,
        }],
        mail_hosts: vec![host],
        spf_include: None,
        sts: StsPolicy {
            mode: StsMode::None,
            age_secs_max: 86_400,
        },
    }
}

/// State and what is found, of the record of that name and type.
async fn state(api: &axum::Router, name: &str, kind: &str) -> (String, Value) {
    let shown = call(api, "GET", PATH, Value::Null).await.1;
    let records = shown["records"].as_array().unwrap();
    let record = records
        .iter()
        .find(|record| record["name"] == name && record["type"] == kind)
        .unwrap_or_else(|| panic!("{name} {kind} in {shown}"));
    (record["state"].as_str().unwrap().to_owned(), record["found"].clone())
}

#[test]
fn dom_8_what_dns_says_is_told_apart() {
    hongyan_actor::run(0, async {
        let (_, state_of_api) = open_api().await;
        let zone = ZoneDns::default();
        let router = router(AdminState {
            publishing: Some(Publishing {
                offer: Arc::new(offer()),
                dns: Arc::new(zone.clone()),
            }),
            ..state_of_api.clone()
        });
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let check = async |name: &str, kind: &str, expect: &str| {
            assert_eq!(state(api, name, kind).await.0, expect, "{name} {kind}");
        };
        check("d.test", "MX", "missing").await;
        zone.add_mx("d.test", 10, "old.far.test");
        check("d.test", "MX", "different").await;
        assert_eq!(call(api, "GET", PATH, Value::Null).await.1["receives"], false);
        zone.add_mx("d.test", 20, "mx.host.test");
        let (found, shown) = state(api, "d.test", "MX").await;
        assert_eq!(
            (found.as_str(), shown),
            ("others-too", json!(["10 old.far.test", "20 mx.host.test"]))
        );
        assert_eq!(call(api, "GET", PATH, Value::Null).await.1["receives"], true);
        zone.add_txt("d.test", "google-site-verification=x");
        check("d.test", "TXT", "missing").await;
        zone.add_txt("d.test", "v=spf1 include:far.test mx -all");
        check("d.test", "TXT", "right").await;
        zone.add_txt("d.test", "v=spf1 -all");
        check("d.test", "TXT", "several").await;
        zone.add_txt("_dmarc.d.test", "v=DMARC1; p=reject");
        check("_dmarc.d.test", "TXT", "right").await;
        zone.add_address("mx.host.test", [192, 0, 2, 1].into());
        zone.add_address("autoconfig.d.test", [192, 0, 2, 9].into());
        check("autoconfig.d.test", "CNAME", "different").await;
        zone.add_address("autoconfig.d.test", [192, 0, 2, 1].into());
        check("autoconfig.d.test", "CNAME", "right").await;
        zone.set_failure("d.test", Some(DnsError::Temporary("timeout".to_owned())));
        check("d.test", "MX", "no-answer").await;
        check("_jmap._tcp.d.test", "SRV", "not-looked-for").await;
        let anna = &as_member(&router, &state_of_api, "anna@d.test").await;
        assert_eq!(call(anna, "GET", PATH, Value::Null).await.0, 403);
        let other = call(api, "GET", "/api/domains/o.test/records", Value::Null).await;
        assert_eq!(other.0, 404);
    });
}
