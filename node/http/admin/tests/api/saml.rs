//! /api/organisations/{name}/saml

use hongyan_access::permission::Actor;
use serde_json::{Value, json};

use super::organisation::{as_actor, as_member};
use super::{api, call, call_with, open_api};

const PATH: &str = "/api/organisations/Acme/saml";
const CERTIFICATE: &str = include_str!("../../../../saml/tests/single_sign_on/other/certificate.pem");

fn provider() -> Value {
    json!({
        "entity_id": "https://login.acme.test/saml", "sign_in_address": "https://login.acme.test/sso",
        "certificates": [CERTIFICATE], "label": "Acme", "link_by_mail": true,
    })
}

fn metadata() -> String {
    let packed: String = CERTIFICATE.lines().filter(|line| !line.starts_with('-')).collect();
    format!(
        "<EntityDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata' entityID='https://login.acme.test/saml'><IDPSSODescriptor><KeyDescriptor>\
         <KeyInfo xmlns='http://www.w3.org/2000/09/xmldsig#'><X509Data><X509Certificate>{packed}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>\
         <SingleSignOnService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect' Location='https://login.acme.test/sso'/>\
         </IDPSSODescriptor></EntityDescriptor>"
    )
}

#[test]
fn api_2_two_who_set_the_saml_provider_and_one_is_told() {
    hongyan_actor::run(0, async {
        let api = &api().await;
        call(api, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        assert_eq!(call(api, "GET", PATH, Value::Null).await.0, 404);
        let (status, own) = call(api, "GET", &format!("{PATH}/registration"), Value::Null).await;
        assert_eq!(status, 200, "{own}");
        let consumer = own["consumer_address"].as_str().unwrap();
        assert!(consumer.starts_with("https://") && consumer.ends_with("/acs"), "{own}");
        assert_eq!(own["entity_id"], own["metadata_address"]);
        assert!(own["sign_out_address"].as_str().unwrap().ends_with("/slo"), "{own}");
        let (status, set, first) = call_with(api, "PUT", PATH, provider(), &[]).await;
        assert_eq!((status, &set["registration"]), (200, &own), "{set}");
        let (status, shown, etag) = call_with(api, "GET", PATH, Value::Null, &[]).await;
        assert_eq!((status, &etag, &shown), (200, &first, &set));
        assert_eq!(shown["certificates"][0]["fingerprint"].as_str().unwrap().len(), 64);
        let same = [("if-match", etag.as_str())];
        let by_metadata = json!({"metadata": metadata(), "label": "By metadata", "link_by_mail": true});
        let (status, changed, second) = call_with(api, "PUT", PATH, by_metadata, &same).await;
        assert_eq!((status, &changed["label"]), (200, &json!("By metadata")), "{changed}");
        for field in ["entity_id", "sign_in_address", "certificates"] {
            assert_eq!(changed[field], set[field]);
        }
        assert_ne!(second, etag);
        let place = json!({"address": "https://login.acme.test/slo", "response_address": null, "binding": "redirect"});
        for whole in [provider(), json!({"metadata": metadata(), "label": "By metadata"})] {
            let mut whole = whole;
            whole["sign_out"] = place.clone();
            let (status, set) = call(api, "PUT", PATH, whole).await;
            assert_eq!((status, &set["sign_out"]), (200, &place), "{set}");
        }
        let by_metadata = json!({"metadata": metadata(), "label": "By metadata", "link_by_mail": true});
        let (status, set) = call(api, "PUT", PATH, by_metadata).await;
        assert_eq!((status, &set["sign_out"]), (200, &Value::Null), "{set}");
        let (status, problem, _) = call_with(api, "PUT", PATH, provider(), &same).await;
        assert_eq!((status, &problem["type"]), (409, &json!("changed")), "{problem}");
        assert_eq!(problem["present"]["label"], "By metadata");
        let (_, log) = call(api, "GET", "/api/audit?organisation=Acme", Value::Null).await;
        assert!(log.to_string().contains("organisation.saml"), "{log}");
        for (field, value) in [
            ("entity_id", json!("")),
            ("entity_id", Value::Null),
            ("sign_in_address", json!("http://login.acme.test/")),
            ("certificates", json!([])),
            ("certificates", json!(["AAAA"])),
            ("metadata", json!(metadata())),
            ("mail_attribute", json!("")),
            ("sign_out", json!({"address": "http://login.acme.test/slo"})),
            (
                "sign_out",
                json!({"address": "https://login.acme.test/slo", "binding": "soap"}),
            ),
            ("label", json!("x".repeat(65))),
            ("colour", json!("red")),
        ] {
            let mut wrong = provider();
            wrong[field] = value;
            assert_eq!(call(api, "PUT", PATH, wrong).await.0, 400, "{field}");
        }
        let broken = json!({"metadata": "<x/>", "label": "Acme"});
        assert_eq!(call(api, "PUT", PATH, broken).await.0, 400);
        assert_eq!(call(api, "DELETE", PATH, Value::Null).await.0, 204);
        assert_eq!(call(api, "DELETE", PATH, Value::Null).await.0, 404);
    });
}

#[test]
fn api_2_the_saml_provider_is_for_super_administrators() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let socket = &as_actor(&router, Actor::socket());
        call(socket, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        call(socket, "POST", "/api/domains", json!({"domain": "d.test"})).await;
        let new = json!({"address": "anna@d.test", "password": "Correct-horse7"});
        assert_eq!(call(socket, "POST", "/api/members", new).await.0, 201);
        let anna = &as_member(&router, &state, "anna@d.test").await;
        for (method, path, body) in [
            ("GET", PATH.to_owned(), Value::Null),
            ("GET", format!("{PATH}/registration"), Value::Null),
            ("PUT", PATH.to_owned(), provider()),
            ("DELETE", PATH.to_owned(), Value::Null),
        ] {
            assert_eq!(call(anna, method, &path, body).await.0, 403, "{method} {path}");
        }
    });
}
