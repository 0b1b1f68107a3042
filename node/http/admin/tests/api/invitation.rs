//! Invitations, and who wants to join.

use std::sync::{Arc, Mutex};

use hongyan_access::{TextError, TextGateway, TextInvitation, TextMessage};
use hongyan_env::BoxFuture;

use super::organisation::{acme, as_actor, as_member};
use super::*;

/// A gateway that remembers invitations, and takes none for one number.
#[derive(Default)]
struct Gateway(Mutex<Vec<TextInvitation>>);

impl TextGateway for Gateway {
    fn send(&self, _: TextMessage) -> BoxFuture<'_, Result<(), TextError>> {
        Box::pin(std::future::ready(Ok(())))
    }
    fn invites(&self) -> bool {
        true
    }
    fn invite(&self, invitation: TextInvitation) -> BoxFuture<'_, Result<(), TextError>> {
        let taken = match invitation.number.ends_with('9') {
            true => Err(TextError("no".to_owned())),
            false => Ok(()),
        };
        self.0.lock().unwrap().push(invitation);
        Box::pin(std::future::ready(taken))
    }
}

#[test]
fn mem_6_those_without_a_private_address_are_told_by_text_message() {
    hongyan_actor::run(0, async {
        let (api, state) = open_api().await;
        let operator = as_actor(&api, Actor::socket());
        acme(&operator).await;
        let gateway = Arc::new(Gateway::default());
        let whole = hongyan_types::TenantId(1);
        let domain = state.directory.domains(whole, None, 1).await.unwrap()[0].domain.clone();
        for (name, mobile) in [
            ("aa", "13800138000"),
            ("bb", "13800138009"),
            ("cc", ""),
            ("dd", "55512345"),
        ] {
            let new = json!({
                "address": format!("{name}@{domain}"), "display_name": name, "invited": true, "profile": {"mobile": mobile},
            });
            assert_eq!(call(&operator, "POST", "/api/members", new).await.0, 201);
        }
        let told = async || {
            let told = call(&operator, "POST", "/api/invitations/notices", json!({})).await.1;
            let items = told["items"].as_array().unwrap().clone();
            items
                .iter()
                .map(|one| one["result"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(told().await, ["no-private-address"; 4], "without a gateway");
        state
            .access
            .set_text_gateway(Arc::clone(&gateway) as Arc<dyn TextGateway>);
        let expect = ["sent-by-sms", "sms-failed", "no-private-address", "no-private-address"];
        assert_eq!(told().await, expect);
        let first = gateway.0.lock().unwrap()[0].clone();
        assert_eq!(
            (first.number.as_str(), first.organisation.as_str()),
            ("+8613800138000", "Acme")
        );
        let link = first.link.reveal().to_owned();
        let path = format!("/api{link}");
        assert_eq!(call(&api, "GET", &path, Value::Null).await.1["address"], first.address);
        // Again: the link before is no good any more, and a phone gets so many a day.
        let mut last = String::new();
        for _ in 0..20 {
            last.clone_from(&told().await[0]);
            if last == "sms-limit" {
                break;
            }
        }
        assert_eq!(last, "sms-limit");
        assert_eq!(call(&api, "GET", &path, Value::Null).await.0, 404);
    });
}

#[test]
fn mem_5_somebody_joins_by_a_link() {
    hongyan_actor::run(0, async {
        let (api, state) = open_api().await;
        let operator = as_actor(&api, Actor::socket());
        acme(&operator).await;
        let new = json!({"label": "Spring", "lifetime_days": 7, "uses_max": 2});
        // Where addresses are made is asked for while it is not clear; in another name of a domain there are none.
        call(&operator, "POST", "/api/domains", json!({"domain": "a.test"})).await;
        let (status, unclear) = call(&operator, "POST", "/api/invitations", new.clone()).await;
        assert_eq!(status, 400, "{unclear}");
        let (status, named) = call(&operator, "PATCH", "/api/domains/a.test", json!({"alias_of": "d.test"})).await;
        assert_eq!(status, 200, "{named}");
        let there = json!({"domain": "a.test"});
        let (status, refused) = call(&operator, "POST", "/api/invitations", there).await;
        assert_eq!(status, 409, "{refused}");
        let (status, made) = call(&operator, "POST", "/api/invitations", new).await;
        assert_eq!((status, &made["domain"]), (201, &json!("d.test")), "{made}");
        let text = made["secret"].as_str().unwrap().to_owned();
        assert!(text.starts_with("hyi_") && made["link"].as_str().unwrap().ends_with(&text));
        assert!(made["qr"].as_str().unwrap().starts_with("<svg "));
        let path = format!("/api/join/{text}");
        // Nobody has signed in.
        let (status, page) = call(&api, "GET", &path, Value::Null).await;
        assert_eq!(
            (status, &page["address"], &page["review"]),
            (200, &Value::Null, &json!(false))
        );
        let weak = json!({"address": "neu", "display_name": "Neu", "password": "short"});
        assert_eq!(call(&api, "POST", &path, weak).await.0, 400);
        let join = json!({"address": "neu", "display_name": "Neu", "password": "Correct-horse7"});
        let (status, joined) = call(&api, "POST", &path, join.clone()).await;
        assert_eq!((status, &joined["result"]), (201, &json!("joined")), "{joined}");
        let (status, taken) = call(&api, "POST", &path, join).await;
        assert_eq!((status, &taken["type"]), (409, &json!("exists")));
        let list = call(&operator, "GET", "/api/invitations", Value::Null).await.1;
        assert_eq!(
            (&list["items"][0]["used"], &list["items"][0]["secret"]),
            (&json!(1), &Value::Null)
        );
        let id = list["items"][0]["id"].as_u64().unwrap();
        assert_eq!(
            call(&operator, "DELETE", &format!("/api/invitations/{id}"), Value::Null)
                .await
                .0,
            204
        );
        assert_eq!(call(&api, "GET", &path, Value::Null).await.0, 404);
        assert_eq!(
            call(&operator, "DELETE", &format!("/api/invitations/{id}"), Value::Null)
                .await
                .0,
            404
        );
        let list = call(&operator, "GET", "/api/invitations?limit=1", Value::Null).await.1;
        let shown = &list["items"][0];
        assert_eq!((&shown["state"], &shown["open"]), (&json!("revoked"), &json!(false)));
        assert!(shown["revoked_millis"].as_i64().is_some());
        let rest = format!("/api/invitations?after={}", list["next"].as_str().unwrap());
        let rest = call(&operator, "GET", &rest, Value::Null).await.1;
        assert_eq!((&rest["items"], &rest["next"]), (&json!([]), &Value::Null));
        let member = as_member(&api, &state, joined["address"].as_str().unwrap()).await;
        assert_eq!(call(&member, "GET", "/api/invitations", Value::Null).await.0, 403);
        assert_eq!(call(&member, "POST", "/api/invitations", json!({})).await.0, 403);
    });
}

#[test]
fn mem_8_who_applies_waits_for_an_answer() {
    hongyan_actor::run(0, async {
        let (api, _) = open_api().await;
        let operator = as_actor(&api, Actor::socket());
        acme(&operator).await;
        let new = json!({"review": true});
        let made = call(&operator, "POST", "/api/invitations", new).await.1;
        let path = format!("/api/join/{}", made["secret"].as_str().unwrap());
        for name in ["Eins", "Zwei"] {
            let join = json!({"address": "neu", "display_name": name, "password": "Correct-horse7"});
            assert_eq!(call(&api, "POST", &path, join).await.0, 202);
        }
        let waiting = call(&operator, "GET", "/api/applications", Value::Null).await.1;
        assert_eq!(waiting["items"][0]["taken"], false);
        let (first, second) = (&waiting["items"][0]["id"], &waiting["items"][1]["id"]);
        let accept = format!("/api/applications/{first}/accept");
        assert_eq!(call(&operator, "POST", &accept, json!({})).await.0, 201);
        assert_eq!(call(&operator, "POST", &accept, json!({})).await.0, 404);
        let waiting = call(&operator, "GET", "/api/applications", Value::Null).await.1;
        assert_eq!(waiting["items"][0]["taken"], true, "the approver is told");
        let accept = format!("/api/applications/{second}/accept");
        assert_eq!(call(&operator, "POST", &accept, json!({})).await.1["type"], "exists");
        let refuse = format!("/api/applications/{second}/refuse");
        assert_eq!(
            call(&operator, "POST", &refuse, json!({"reason": "unknown"})).await.0,
            204
        );
    });
}

#[test]
fn mem_6_those_still_to_come_are_told_by_mail() {
    hongyan_actor::run(0, async {
        let (api, state) = open_api().await;
        let operator = as_actor(&api, Actor::socket());
        acme(&operator).await;
        let domain = state
            .directory
            .domains(hongyan_types::TenantId(1), None, 1)
            .await
            .unwrap()[0]
            .domain
            .clone();
        for (name, private) in [("neu", "neu@far.test"), ("stumm", "")] {
            let new = json!({
                "address": format!("{name}@{domain}"),
                "invited": true,
                "profile": {"private_address": private},
            });
            assert_eq!(call(&operator, "POST", "/api/members", new).await.0, 201);
        }
        let (status, told) = call(&operator, "POST", "/api/invitations/notices", json!({})).await;
        assert_eq!(status, 200, "{told}");
        let results: Vec<_> = told["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["result"].clone())
            .collect();
        assert_eq!(results, ["sent", "no-private-address"]);
        let list = call(&operator, "GET", "/api/invitations", Value::Null).await.1;
        assert_eq!(list["items"][0]["member"], format!("neu@{domain}"));
        let own = json!({"member": format!("stumm@{domain}")});
        let made = call(&operator, "POST", "/api/invitations", own).await.1;
        let path = format!("/api/join/{}", made["secret"].as_str().unwrap());
        let page = call(&api, "GET", &path, Value::Null).await.1;
        assert_eq!(page["address"], format!("stumm@{domain}"));
        let join = json!({"password": "Correct-horse7"});
        assert_eq!(call(&api, "POST", &path, join.clone()).await.0, 201);
        assert_eq!(call(&api, "POST", &path, join).await.0, 404, "it is used up");
        let member = call(&operator, "GET", &format!("/api/members/stumm@{domain}"), Value::Null)
            .await
            .1;
        assert_eq!(member["state"], "active");
    });
}

#[test]
fn mem_7_first_passwords_are_made_to_be_handed_out() {
    hongyan_actor::run(0, async {
        let (api, state) = open_api().await;
        let operator = as_actor(&api, Actor::socket());
        acme(&operator).await;
        for (name, invited) in [("neu", true), ("noch", true), ("import", false)] {
            let new = json!({"address": format!("{name}@d.test"), "display_name": name, "invited": invited});
            assert_eq!(call(&operator, "POST", "/api/members", new).await.0, 201);
        }
        let password = json!({"password": "Correct-horse7"});
        let set = call(&operator, "PUT", "/api/members/anna@d.test/password", password).await;
        assert_eq!(set.0, 204);
        let (status, sheet) = call(&operator, "POST", "/api/first-passwords", json!({})).await;
        assert_eq!(status, 200, "{sheet}");
        let rows: Vec<_> = sheet["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row["member"])
            .collect();
        assert_eq!(rows, ["neu@d.test", "noch@d.test"]);
        let first = sheet["items"][0]["password"].as_str().unwrap().to_owned();
        assert_ne!(sheet["items"][1]["password"], json!(first));
        let come = async |name: &str, password: &str| {
            let secret = Secret::new(password);
            let from = [192, 0, 2, 1].into();
            state
                .access
                .verify_password(Protocol::Imap, name, &secret, from)
                .await
                .is_ok()
        };
        assert!(come("neu@d.test", &first).await);
        let neu = hongyan_types::Address::try_from("neu@d.test").unwrap();
        let neu = state.directory.account_at(&neu).await.unwrap();
        assert!(state.directory.factors(neu.id).await.unwrap().must_change);
        // Nobody who has a password gets another one so; who was imported without one does.
        let named = json!({"members": ["anna@d.test", "import@d.test", "neu@d.test"]});
        let sheet = call(&operator, "POST", "/api/first-passwords", named).await.1;
        let rows = sheet["items"].as_array().unwrap();
        let results: Vec<_> = rows.iter().map(|row| row["result"].as_str().unwrap()).collect();
        assert_eq!(results, ["already-active", "set", "already-active"]);
        assert_eq!(rows[0]["password"], Value::Null);
        assert!(come("anna@d.test", "Correct-horse7").await && come("neu@d.test", &first).await);
        let nobody = call(&operator, "POST", "/api/first-passwords", json!({})).await.1;
        assert_eq!((&nobody["items"], &nobody["more"]), (&json!([]), &json!(false)));
        let many = json!({"members": vec!["anna@d.test"; 51]});
        assert_eq!(call(&operator, "POST", "/api/first-passwords", many).await.0, 400);
        let member = as_member(&api, &state, "anna@d.test").await;
        assert_eq!(call(&member, "POST", "/api/first-passwords", json!({})).await.0, 403);
    });
}
