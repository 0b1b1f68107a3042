//! /api/members/{address}/passkeys

use hongyan_access::permission::Actor;
use hongyan_directory::{FactorsChange, Passkey};
use hongyan_types::{Address, Timestamp};
use serde_json::{Value, json};

use super::organisation::{as_actor, as_member};
use super::{call, open_api};

fn passkey(name: &str) -> Box<Passkey> {
    Box::new(Passkey {
        id: 0,
        name: name.to_owned(),
        credential: name.as_bytes().to_vec(),
        public_key: vec![1],
        transports: Vec::new(),
        is_verifying: true,
        is_synced: false,
        created: Timestamp { millis: 5 },
    })
}

#[test]
fn auth_4_passkeys_are_listed_renamed_by_their_owner_and_taken_back() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let socket = &as_actor(&router, Actor::socket());
        call(socket, "POST", "/api/organisations", json!({"name": "Acme"})).await;
        call(socket, "POST", "/api/domains", json!({"domain": "d.test"})).await;
        for name in ["chief", "anna", "bob"] {
            let new = json!({"address": format!("{name}@d.test"), "password": "Correct-horse7"});
            assert_eq!(call(socket, "POST", "/api/members", new).await.0, 201);
        }
        let role = "/api/members/chief@d.test/role";
        assert_eq!(call(socket, "PUT", role, json!({"kind": "super"})).await.0, 200);
        let address = Address::try_from("anna@d.test").unwrap();
        let account = state.directory.account_at(&address).await.unwrap();
        for name in ["Phone", "Key"] {
            let add = FactorsChange::AddPasskey {
                passkey: passkey(name),
                max: 10,
                recovery_codes: Vec::new(),
            };
            state.directory.change_factors(account.id, &add).await.unwrap();
        }
        let anna = &as_member(&router, &state, "anna@d.test").await;
        let bob = &as_member(&router, &state, "bob@d.test").await;
        let chief = &as_member(&router, &state, "chief@d.test").await;
        let (list, mine) = ("/api/members/anna@d.test/passkeys", "/api/members/me/passkeys");
        let (status, found) = call(anna, "GET", mine, Value::Null).await;
        assert_eq!(status, 200, "{found}");
        let names: Vec<_> = found["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["name"])
            .collect();
        assert_eq!(names, ["Phone", "Key"]);
        // What proves is not shown.
        assert!(found["items"][0].get("public_key").is_none() && found["items"][0]["verifies"] == true);
        assert_eq!(call(chief, "GET", list, Value::Null).await.1, found);
        let other = call(bob, "GET", list, Value::Null).await.0;
        assert!([403, 404].contains(&other), "{other}");
        let id = found["items"][0]["id"].as_u64().unwrap();
        let rename = json!({"name": "Old phone"});
        assert_eq!(
            call(anna, "PATCH", &format!("{mine}/{id}"), rename.clone()).await.0,
            204
        );
        assert_eq!(
            call(chief, "PATCH", &format!("{list}/{id}"), rename.clone()).await.0,
            403
        );
        assert_eq!(
            call(anna, "PATCH", &format!("{mine}/{id}"), json!({"name": ""}))
                .await
                .0,
            400
        );
        assert_eq!(call(anna, "PATCH", &format!("{mine}/999"), rename).await.0, 404);
        assert_eq!(call(anna, "DELETE", &format!("{mine}/x"), Value::Null).await.0, 400);
        assert_eq!(
            call(socket, "DELETE", &format!("{list}/{id}"), Value::Null).await.0,
            204
        );
        assert_eq!(
            call(socket, "DELETE", &format!("{list}/{id}"), Value::Null).await.0,
            404
        );
        let left = call(anna, "GET", mine, Value::Null).await.1;
        assert_eq!(left["items"].as_array().unwrap().len(), 1);
    });
}
