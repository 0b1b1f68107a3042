//! /api/organisations/{name}/saml-applications and .../saml-provider

use hongyan_access::permission::Actor;
use serde_json::{Value, json};

use super::organisation::{as_actor, as_member};
use super::{call, call_with, open_api};

const LIST: &str = "/api/organisations/Acme/saml-applications";
const PATH: &str = "/api/organisations/Acme/saml-applications/portal";
const PROVIDER: &str = "/api/organisations/Acme/saml-provider";
const CERTIFICATE: &str = include_str!("../../../../saml/tests/single_sign_on/other/certificate.pem");

fn portal() -> Value {
    json!({
        "name": "Portal", "entity_id": "https://portal.test/saml", "consumer_addresses": ["https://portal.test/acs"],
        "attributes": [{"attribute": "mail"}, {"attribute": "name", "as": "cn"}],
    })
}

fn metadata() -> &'static str {
    "<EntityDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata' entityID='https://wiki.test'>\
     <SPSSODescriptor><NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</NameIDFormat>\
     <AssertionConsumerService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST' Location='https://wiki.test/acs' index='1'/>\
     </SPSSODescriptor></EntityDescriptor>"
}

#[test]
fn api_5_administrators_connect_applications_by_saml() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let socket = &as_actor(&router, Actor::socket());
        for (name, domain) in [("Acme", "d.test"), ("Other", "o.test")] {
            call(socket, "POST", "/api/organisations", json!({"name": name})).await;
            let domain = json!({"domain": domain, "organisation": name});
            assert_eq!(call(socket, "POST", "/api/domains", domain).await.0, 201);
        }
        for address in ["anna@d.test", "chief@o.test"] {
            let new = json!({"address": address, "password": "Correct-horse7"});
            assert_eq!(call(socket, "POST", "/api/members", new).await.0, 201);
        }
        let role = json!({"kind": "super"});
        assert_eq!(call(socket, "PUT", "/api/members/chief@o.test/role", role).await.0, 200);
        let (status, made, first) = call_with(socket, "PUT", PATH, portal(), &[]).await;
        assert_eq!(status, 200, "{made}");
        assert_eq!((&made["name_id"], &made["on"]), (&json!("persistent"), &json!(true)));
        assert_eq!(made["attributes"][0], json!({"attribute": "mail", "as": "mail"}));
        assert_eq!(made["attributes"][1], json!({"attribute": "name", "as": "cn"}));
        assert!(
            made["start_address"]
                .as_str()
                .is_some_and(|place| place.ends_with("/start/portal"))
        );
        let (status, shown, etag) = call_with(socket, "GET", PATH, Value::Null, &[]).await;
        assert_eq!((status, &etag, &shown), (200, &first, &made));
        // Two who change it: the second is told what it is now.
        let mut off = portal();
        off["on"] = json!(false);
        let same = [("if-match", etag.as_str())];
        assert_eq!(call_with(socket, "PUT", PATH, off, &same).await.0, 200);
        let (status, problem, _) = call_with(socket, "PUT", PATH, portal(), &same).await;
        assert_eq!((status, &problem["present"]["on"]), (409, &json!(false)), "{problem}");
        // From metadata, what is said beside them comes first.
        let wiki = format!("{LIST}/wiki");
        let by_metadata = json!({"name": "Wiki", "metadata": metadata()});
        let (status, made) = call(socket, "PUT", &wiki, by_metadata.clone()).await;
        assert_eq!(
            (status, &made["entity_id"]),
            (200, &json!("https://wiki.test")),
            "{made}"
        );
        assert_eq!(
            (&made["name_id"], &made["attributes"]),
            (&json!("transient"), &json!([]))
        );
        let signing = json!({"name": "Wiki", "metadata": metadata(), "certificates": [CERTIFICATE], "needs_signature": true, "name_id": "email"});
        let (status, made) = call(socket, "PUT", &wiki, signing).await;
        assert_eq!((status, &made["name_id"]), (200, &json!("email")), "{made}");
        assert_eq!(made["certificates"][0]["fingerprint"].as_str().unwrap().len(), 64);
        assert_eq!(
            call(socket, "GET", LIST, Value::Null).await.1["items"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        let again = format!("{LIST}/again");
        assert_eq!(call(socket, "PUT", &again, by_metadata).await.0, 409);
        for (field, value, expect) in [
            ("entity_id", json!("a b"), "entity id"),
            ("entity_id", Value::Null, "entity_id"),
            ("consumer_addresses", json!([]), "1 to 20"),
            (
                "consumer_addresses",
                json!(["http://portal.test/"]),
                "http://portal.test/",
            ),
            ("consumer_addresses", json!(["javascript:x"]), "javascript:x"),
            ("name_id", json!("kerberos"), "name_id"),
            ("attributes", json!([{"attribute": "password"}]), "password"),
            (
                "attributes",
                json!([{"attribute": "mail"}, {"attribute": "mail", "as": "x"}]),
                "once",
            ),
            ("needs_signature", json!(true), "certificate"),
            ("certificates", json!(["AAAA"]), "certificate"),
            ("metadata", json!("<x/>"), "EntityDescriptor"),
            ("name", json!(""), "name"),
            ("colour", json!("red"), "colour"),
        ] {
            let mut wrong = portal();
            wrong[field] = value;
            let (status, refused) = call(socket, "PUT", PATH, wrong).await;
            let detail = refused["detail"].as_str().unwrap_or_default();
            assert!(status == 400 && detail.contains(expect), "{field}: {status} {refused}");
        }
        assert_eq!(call(socket, "PUT", &format!("{LIST}/a%20b"), portal()).await.0, 400);
        // What is another organisation's is not there.
        let theirs = "/api/organisations/Other/saml-applications";
        assert_eq!(
            call(socket, "GET", &format!("{theirs}/portal"), Value::Null).await.0,
            404
        );
        assert_eq!(
            call(socket, "DELETE", &format!("{theirs}/portal"), Value::Null).await.0,
            404
        );
        let anna = &as_member(&router, &state, "anna@d.test").await;
        let other = &as_member(&router, &state, "chief@o.test").await;
        for (method, path, body) in [
            ("GET", LIST.to_owned(), Value::Null),
            ("GET", PATH.to_owned(), Value::Null),
            ("PUT", PATH.to_owned(), portal()),
            ("DELETE", PATH.to_owned(), Value::Null),
            ("GET", PROVIDER.to_owned(), Value::Null),
            ("POST", format!("{PROVIDER}/certificates"), Value::Null),
        ] {
            assert_eq!(call(anna, method, &path, body.clone()).await.0, 403, "{method} {path}");
            assert_eq!(call(other, method, &path, body).await.0, 404, "{method} {path}");
        }
        let audit = "/api/audit?organisation=Acme&action=saml-application.set";
        let (_, log) = call(socket, "GET", audit, Value::Null).await;
        assert!(log["items"].as_array().is_some_and(|items| items.len() == 4), "{log}");
        assert_eq!(call(socket, "DELETE", PATH, Value::Null).await.0, 204);
        assert_eq!(call(socket, "DELETE", PATH, Value::Null).await.0, 404);
    });
}

#[test]
fn api_2_administrators_change_the_key_of_their_organisation() {
    hongyan_actor::run(0, async {
        let (router, _) = open_api().await;
        let socket = &as_actor(&router, Actor::socket());
        call(socket, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        let (status, shown) = call(socket, "GET", PROVIDER, Value::Null).await;
        assert_eq!(
            (status, &shown["metadata_address"]),
            (200, &shown["entity_id"]),
            "{shown}"
        );
        let first = shown["certificates"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(shown["certificates"][0]["signs"], true);
        let all = format!("{PROVIDER}/certificates");
        let (status, made) = call(socket, "POST", &all, Value::Null).await;
        assert_eq!(
            (status, made["certificates"].as_array().unwrap().len()),
            (201, 2),
            "{made}"
        );
        let second = made["certificates"][1]["id"].as_str().unwrap().to_owned();
        assert!(made["certificates"][1]["signs"] == false && first != second);
        assert_eq!(
            call(socket, "DELETE", &format!("{all}/{first}"), Value::Null).await.0,
            409
        );
        let (status, switched) = call(socket, "POST", &format!("{all}/{second}/sign"), Value::Null).await;
        assert_eq!(
            (status, &switched["certificates"][0]["id"]),
            (200, &json!(second)),
            "{switched}"
        );
        assert_eq!(
            call(socket, "DELETE", &format!("{all}/{first}"), Value::Null).await.0,
            204
        );
        for id in [first.as_str(), "x", "+00000000000000a", "0000000000000001"] {
            let (one, sign) = (format!("{all}/{id}"), format!("{all}/{id}/sign"));
            assert_eq!(call(socket, "DELETE", &one, Value::Null).await.0, 404, "{id}");
            assert_eq!(call(socket, "POST", &sign, Value::Null).await.0, 404, "{id}");
        }
        for expect in [201, 201, 409] {
            let (status, problem) = call(socket, "POST", &all, Value::Null).await;
            assert_eq!(status, expect, "{problem}");
        }
        let (_, log) = call(socket, "GET", "/api/audit?organisation=Acme", Value::Null).await;
        for action in [
            "organisation.make-saml-key",
            "organisation.sign-with-saml-key",
            "organisation.remove-saml-key",
        ] {
            assert!(log.to_string().contains(action), "{action}: {log}");
        }
    });
}

#[test]
fn api_2_where_an_application_is_told_of_the_end_is_set_by_hand_or_in_its_metadata() {
    hongyan_actor::run(0, async {
        let (router, _) = open_api().await;
        let socket = &as_actor(&router, Actor::socket());
        call(socket, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        let (_, shown) = call(socket, "GET", PROVIDER, Value::Null).await;
        let ours = shown["sign_out_address"].as_str().unwrap();
        assert!(ours.starts_with("https://") && ours.ends_with("/sign-out"), "{shown}");
        let set = async |sign_out: Value| {
            let mut application = portal();
            application["sign_out"] = sign_out;
            call(socket, "PUT", PATH, application).await
        };
        let (status, made) = set(json!({"address": "https://portal.test/slo"})).await;
        let whole = json!({"address": "https://portal.test/slo", "response_address": null, "binding": "redirect"});
        assert_eq!((status, &made["sign_out"]), (200, &whole), "{made}");
        let whole = json!({"address": "https://portal.test/slo", "response_address": "https://portal.test/r", "binding": "post"});
        let (status, made) = set(whole.clone()).await;
        assert_eq!((status, &made["sign_out"]), (200, &whole), "{made}");
        assert_eq!(call(socket, "GET", PATH, Value::Null).await.1["sign_out"], whole);
        for (wrong, expect) in [
            (json!({}), "address"),
            (json!({"address": "http://portal.test/"}), "sign-out"),
            (json!({"address": "javascript:x"}), "sign-out"),
            (
                json!({"address": "https://portal.test/", "response_address": "x"}),
                "sign-out",
            ),
            (json!({"address": "https://portal.test/", "binding": "soap"}), "binding"),
            (json!({"address": "https://portal.test/", "colour": "red"}), "colour"),
            (json!("https://portal.test/"), "sign_out"),
        ] {
            let (status, refused) = set(wrong.clone()).await;
            let detail = refused["detail"].as_str().unwrap_or_default();
            assert!(status == 400 && detail.contains(expect), "{wrong}: {status} {refused}");
        }
        let (status, made) = set(Value::Null).await;
        assert_eq!((status, &made["sign_out"]), (200, &Value::Null), "{made}");
        let place = "<SingleLogoutService Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST' Location='https://wiki.test/slo'/><NameIDFormat>";
        let metadata = metadata().replacen("<NameIDFormat>", place, 1);
        let wiki = format!("{LIST}/wiki");
        let (status, made) = call(socket, "PUT", &wiki, json!({"name": "Wiki", "metadata": metadata})).await;
        let whole = json!({"address": "https://wiki.test/slo", "response_address": null, "binding": "post"});
        assert_eq!((status, &made["sign_out"]), (200, &whole), "{made}");
    });
}
