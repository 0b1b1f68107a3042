//! The DNS records of a domain: what is to be there and what is.

use std::sync::Arc;

use hongyan_env::{DnsError, ZoneDns};
use hongyan_http_discovery::{Checker, Door, Offer, RegionalHost, Service, StsMode, StsPolicy};
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
        regional_hosts: Vec::new(),
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
fn acc_9_and_16_members_are_shown_names_and_ports() {
    hongyan_actor::run(0, async {
        let (_, state_of_api) = open_api().await;
        let mut offer = offer();
        let host = offer.mail_hosts[0].clone();
        offer.doors.extend(
            [(Service::Imaps, 993), (Service::Ldap, 389)].map(|(service, port)| Door {
                service,
                host: host.clone(),
                port,
            }),
        );
        offer.regional_hosts.push(RegionalHost {
            host: Domain::try_from("eu.host.test").unwrap(),
            place: "Europe".to_owned(),
        });
        let router = router(AdminState {
            single_sign_on: None,
            ldap: None,
            publishing: Some(Checker {
                offer: Arc::new(offer),
                dns: Arc::new(ZoneDns::default()),
            }),
            ..state_of_api.clone()
        });
        acme(&as_actor(&router, Actor::socket())).await;
        let anna = as_member(&router, &state_of_api, "anna@d.test").await;
        let (status, shown) = call(&anna, "GET", "/api/client-settings", Value::Null).await;
        assert_eq!(status, 200);
        let server = |service: &str, host: &str, port: u16, security: &str| json!({"service": service, "host": host, "port": port, "security": security});
        let mut abroad = server("imap", "eu.host.test", 993, "tls");
        abroad["region"] = json!("Europe");
        let expect = json!([
            server("imap", "mx.host.test", 993, "tls"),
            abroad,
            server("ldap", "mx.host.test", 389, "starttls"),
            server("https", "mx.host.test", 443, "tls"),
        ]);
        assert_eq!(shown["servers"], expect);
    });
}

#[test]
fn dom_8_what_dns_says_is_told_apart() {
    hongyan_actor::run(0, async {
        let (_, state_of_api) = open_api().await;
        let zone = ZoneDns::default();
        let router = router(AdminState {
            single_sign_on: None,
            saml: None,
            ldap: None,
            publishing: Some(Checker {
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
        check("_jmap._tcp.d.test", "SRV", "missing").await;
        let anna = &as_member(&router, &state_of_api, "anna@d.test").await;
        assert_eq!(call(anna, "GET", PATH, Value::Null).await.0, 403);
        let other = call(api, "GET", "/api/domains/o.test/records", Value::Null).await;
        assert_eq!(other.0, 404);
    });
}

/// The API over a zone, and the zone.
pub(super) async fn api_and_zone() -> (axum::Router, AdminState, ZoneDns) {
    let (_, state) = open_api().await;
    let zone = ZoneDns::default();
    let publishing = Some(Checker {
        offer: Arc::new(offer()),
        dns: Arc::new(zone.clone()),
    });
    let state = AdminState { publishing, ..state };
    (router(state.clone()), state, zone)
}

#[test]
fn dom_3_an_administrators_domain_is_proven_before_it_works() {
    hongyan_actor::run(0, async {
        let (router, state, zone) = api_and_zone().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let new = json!({"domain": "鸿雁.example"});
        let (status, made) = call(boss, "POST", "/api/domains", new.clone()).await;
        assert_eq!((status, &made["state"]), (201, &json!("ownership-check")), "{made}");
        assert_eq!(
            (&made["domain"], &made["name"]),
            (&json!("xn--9n5an1m.example"), &json!("鸿雁.example"))
        );
        let again = call(boss, "POST", "/api/domains", new).await;
        assert_eq!((again.0, &again.1["type"]), (409, &json!("exists")));
        for (bad, status) in [
            ("com.cn", 400),
            ("-x-.test", 400),
            ("[192.0.2.1]", 400),
            ("intranet", 400),
        ] {
            assert_eq!(
                call(boss, "POST", "/api/domains", json!({"domain": bad})).await.0,
                status,
                "{bad}"
            );
        }
        let path = "/api/domains/鸿雁.example";
        let early = json!({"address": "x@鸿雁.example"});
        assert_eq!(call(boss, "POST", "/api/members", early.clone()).await.0, 404);
        let records = call(boss, "GET", &format!("{path}/records"), Value::Null).await.1;
        assert_eq!(
            (&records["records"][0]["purpose"], &records["records"][0]["state"]),
            (&json!("ownership"), &json!("missing"))
        );
        let listed = call(boss, "GET", "/api/domains", Value::Null).await.1;
        assert_eq!(listed["items"].as_array().unwrap().len(), 2);
        let check = format!("{path}/check");
        assert_eq!(
            call(boss, "POST", &check, Value::Null).await.1["state"],
            "ownership-check"
        );
        assert_eq!(
            call(boss, "POST", &format!("{path}/confirmation"), Value::Null).await.0,
            403
        );
        let (name, text) = (
            made["ownership"]["txt_name"].as_str().unwrap(),
            made["ownership"]["txt"].as_str().unwrap(),
        );
        zone.set_failure(
            "_hongyan.xn--9n5an1m.example",
            Some(DnsError::Temporary("timeout".to_owned())),
        );
        assert_eq!(call(boss, "POST", &check, Value::Null).await.0, 503);
        zone.set_failure("_hongyan.xn--9n5an1m.example", None);
        zone.add_txt(name, text);
        let checked = call(boss, "POST", &check, Value::Null).await.1;
        assert_eq!(
            (&checked["state"], &checked["ownership"]),
            (&json!("dns-check"), &Value::Null)
        );
        assert!(checked["proven_millis"].is_i64() && checked["check"]["receives"] == false);
        assert_eq!(call(boss, "POST", "/api/members", early).await.0, 201);
        zone.add_mx("xn--9n5an1m.example", 10, "mx.host.test");
        assert_eq!(call(boss, "POST", &check, Value::Null).await.1["state"], "normal");
        // The operator's word is enough, for the operator's own and for others' claims.
        let claimed = call(boss, "POST", "/api/domains", json!({"domain": "e.test"})).await.1;
        assert_eq!(claimed["state"], "ownership-check");
        let said = call(operator, "POST", "/api/domains/e.test/confirmation", Value::Null)
            .await
            .1;
        assert_eq!(
            (&said["state"], &said["proven_millis"]),
            (&json!("dns-check"), &Value::Null)
        );
        call(boss, "POST", "/api/domains", json!({"domain": "f.test"})).await;
        assert_eq!(call(boss, "DELETE", "/api/domains/f.test", Value::Null).await.0, 204);
        assert_eq!(call(boss, "GET", "/api/domains/f.test", Value::Null).await.0, 404);
    });
}

#[test]
fn dom_10_a_domain_of_another_organisation_is_proven_anew() {
    hongyan_actor::run(0, async {
        let (router, state, zone) = api_and_zone().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        call(operator, "POST", "/api/organisations", json!({"name": "Other"})).await;
        call(
            operator,
            "POST",
            "/api/domains",
            json!({"domain": "o.test", "organisation": "Other"}),
        )
        .await;
        let blocked = json!({"domain": "o.test", "organisation": "Acme"});
        assert_eq!(call(operator, "POST", "/api/domains", blocked).await.0, 409);
        let made = call(boss, "POST", "/api/domains", json!({"domain": "o.test"})).await.1;
        zone.add_txt("_hongyan.o.test", made["ownership"]["txt"].as_str().unwrap());
        let waiting = call(boss, "POST", "/api/domains/o.test/check", Value::Null).await.1;
        assert_eq!(
            (&waiting["state"], &waiting["organisation"]),
            (&json!("waiting"), &json!("Acme"))
        );
        let theirs = call(operator, "GET", "/api/domains/o.test", Value::Null).await.1;
        assert_eq!(
            (&theirs["state"], &theirs["organisation"]),
            (&json!("dns-check"), &json!("Other"))
        );
        let told = call(
            operator,
            "GET",
            "/api/audit?organisation=Other&action=domain.contested",
            Value::Null,
        )
        .await
        .1;
        assert_eq!(told["items"].as_array().unwrap().len(), 1, "{told}");
    });
}

#[test]
fn dom_10_removal_wants_the_domain_typed_in() {
    hongyan_actor::run(0, async {
        let (router, state, _) = api_and_zone().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let path = "/api/domains/d.test/removal";
        assert_eq!(call(boss, "POST", path, json!({"domain": "x.test"})).await.0, 400);
        let last = call(boss, "POST", path, json!({"domain": "d.test"})).await;
        assert_eq!((last.0, &last.1["type"]), (409, &json!("in-use")), "{}", last.1);
        call(operator, "POST", "/api/domains", json!({"domain": "n.test"})).await;
        let vague = call(boss, "POST", "/api/members", json!({"address": "eve"})).await;
        assert_eq!(vague.0, 400, "{}", vague.1);
        let moved = call(boss, "POST", "/api/domains/d.test/move", json!({"to": "n.test"}))
            .await
            .1;
        assert_eq!(
            (&moved["alias_of"], &moved["moving"]),
            (&json!("n.test"), &json!(false))
        );
        let anna = call(boss, "GET", "/api/members/anna@d.test", Value::Null).await.1;
        assert_eq!(anna["address"], "anna@n.test");
        let set = call(
            operator,
            "PATCH",
            "/api/organisations/Acme",
            json!({"default_domain": "n.test"}),
        )
        .await
        .1;
        assert_eq!(set["default_domain"], "n.test", "{set}");
        let eve = call(boss, "POST", "/api/members", json!({"address": "eve"})).await.1;
        assert_eq!(eve["address"], "eve@n.test", "{eve}");
        let used = call(boss, "GET", "/api/domains/n.test/removal", Value::Null).await.1;
        assert_eq!(
            (&used["members_gone"], &used["until_millis"]),
            (&json!(5), &Value::Null)
        );
        let alias = json!({"alias_of": null});
        assert_eq!(
            call(boss, "PATCH", "/api/domains/d.test", alias).await.1["alias_of"],
            Value::Null
        );
        let begun = call(boss, "POST", "/api/domains/n.test/removal", json!({"domain": "N.test"})).await;
        assert!(begun.1["until_millis"].is_i64(), "{begun:?}");
        assert_eq!(
            call(boss, "GET", "/api/domains/n.test", Value::Null).await.1["state"],
            "removing"
        );
        let kept = call(boss, "DELETE", "/api/domains/n.test/removal", Value::Null).await;
        assert_eq!((kept.0, &kept.1["state"]), (200, &json!("dns-check")));
        assert_eq!(call(boss, "DELETE", "/api/domains/d.test", Value::Null).await.0, 204);
    });
}
