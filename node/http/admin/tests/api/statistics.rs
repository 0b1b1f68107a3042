//! What members do, counted.

use hongyan_statistics::Kind;

use super::organisation::{acme, as_actor, as_member};
use super::*;

async fn get(api: &axum::Router, path: &str) -> Value {
    let (status, value) = call(api, "GET", path, Value::Null).await;
    assert_eq!(status, 200, "{path}: {value}");
    value
}

async fn count(state: &AdminState, address: &str, kinds: &[Kind]) -> u64 {
    let address = hongyan_types::Address::try_from(address).unwrap();
    let account = state.directory.account_at(&address).await.unwrap();
    for kind in kinds {
        state.counts.count(account.tenant, account.id, *kind);
    }
    state.counts.write().await;
    account.id.0
}

#[test]
fn stat_1_2_3_each_administrator_sees_the_numbers_of_their_members() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        count(&state, "zs@d.test", &[Kind::Sent, Kind::Sent, Kind::SignIn]).await;
        count(&state, "anna@d.test", &[Kind::Received]).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let days = get(boss, "/api/statistics/days").await;
        let days = days["items"].as_array().unwrap();
        let last = days.last().unwrap();
        assert_eq!(
            (days.len(), &last["sent"], &last["received"], &last["accounts"]),
            (30, &json!(2), &json!(1), &json!(4))
        );
        assert_eq!(days[0]["sent"], 0, "zeros, not blanks");
        let members = get(boss, "/api/statistics/members?limit=1").await;
        assert_eq!(
            (&members["items"][0]["address"], &members["items"][0]["sent"]),
            (&json!("zs@d.test"), &json!(2))
        );
        let next = format!("/api/statistics/members?after={}", members["next"].as_str().unwrap());
        assert_eq!(get(boss, &next).await["items"][0]["address"], "anna@d.test");
        let overview = get(boss, "/api/statistics/overview").await;
        assert_eq!(
            (&overview["members"], &overview["since_creation"]),
            (&json!(4), &json!(true))
        );
        assert_eq!(overview["week"]["sent"], 0, "today is not over");
        let cut = get(boss, "/api/statistics/days?from=2000-01-01").await;
        assert!(
            cut["note"].as_str().unwrap().contains("180 days are kept"),
            "{}",
            cut["note"]
        );
        for wrong in ["from=x", "from=2999-01-01", "x=1"] {
            let path = format!("/api/statistics/days?{wrong}");
            assert_eq!(call(boss, "GET", &path, Value::Null).await.0, 400, "{wrong}");
        }
        // Who manages Tech sees those of Tech, and no sum of all.
        let role = json!({"kind": "delegated", "functions": ["logs"], "departments": [1]});
        assert_eq!(call(api, "PUT", "/api/members/lead@d.test/role", role).await.0, 200);
        let lead = &as_member(&router, &state, "lead@d.test").await;
        let seen = get(lead, "/api/statistics/members").await;
        assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
        for whole in ["days", "overview"] {
            assert_eq!(
                call(lead, "GET", &format!("/api/statistics/{whole}"), Value::Null)
                    .await
                    .0,
                403,
                "{whole}"
            );
        }
        let plain = &as_member(&router, &state, "zs@d.test").await;
        assert_eq!(call(plain, "GET", "/api/statistics/members", Value::Null).await.0, 403);
    });
}

#[test]
fn stat_the_file_is_safe_for_spreadsheets_and_names_those_who_are_gone() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let formula = json!({"display_name": "=1+1"});
        assert_eq!(call(api, "PATCH", "/api/members/anna@d.test", formula).await.0, 200);
        count(&state, "anna@d.test", &[Kind::Received]).await;
        count(&state, "zs@d.test", &[Kind::Sent]).await;
        let gone = call(api, "DELETE", "/api/members/zs@d.test", Value::Null).await;
        assert!(gone.0 < 300, "{}", gone.1);
        let request = Request::builder()
            .uri("/api/statistics/members/export")
            .body(Body::empty())
            .unwrap();
        let response = api.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let octets = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(octets.to_vec()).unwrap();
        assert!(text.starts_with('\u{feff}'), "{text}");
        assert!(text.contains("zs@d.test,,yes,1,0,0"), "{text}");
        assert!(text.contains("anna@d.test,'=1+1,,0,1,0"), "{text}");
        let log = get(api, "/api/audit?action=statistics.").await;
        assert_eq!(log["items"][0]["action"], "statistics.export");
    });
}

#[test]
fn adm_1_2_3_administrators_see_their_organisation_at_a_glance() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let home = get(api, "/api/home").await;
        assert_eq!(home["organisation"], "Acme", "{home:#}");
        assert_eq!((&home["members"], &home["departments"]), (&json!(4), &json!(3)));
        let whole = &home["whole"];
        assert_eq!(
            (&whole["has_logo"], &whole["messages_unread"]),
            (&json!(false), &Value::Null)
        );
        assert_eq!(whole["seats"]["used"], 0);
        let done: Vec<_> = whole["guide"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| &step["done"])
            .collect();
        assert_eq!(done, [true, true, false], "{home:#}");
        assert_eq!(home["figures"]["change"]["sent"], 0);
        count(&state, "zs@d.test", &[Kind::Sent]).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let home = get(boss, "/api/home").await;
        assert!(home["whole"]["messages_unread"].is_u64(), "{home:#}");
        assert_eq!(home["whole"]["guide"][2]["done"], true);
        // Who manages Tech sees the numbers of Tech.
        let role = json!({"kind": "delegated", "functions": ["logs"], "departments": [1]});
        assert_eq!(call(api, "PUT", "/api/members/lead@d.test/role", role).await.0, 200);
        let lead = &as_member(&router, &state, "lead@d.test").await;
        let home = get(lead, "/api/home").await;
        assert_eq!(home["whole"], Value::Null, "{home:#}");
        assert!(home["members"].as_u64().unwrap() < 4, "{home:#}");
        assert!(home["figures"]["week"]["sent"].is_u64());
        let plain = &as_member(&router, &state, "zs@d.test").await;
        assert_eq!(call(plain, "GET", "/api/home", Value::Null).await.0, 403);
    });
}

#[test]
fn stat_6_who_has_not_signed_in_is_found() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let password = json!({"password": "Correct-horse7"});
        assert_eq!(
            call(api, "PUT", "/api/members/anna@d.test/password", password).await.0,
            204
        );
        let secret = Secret::new("Correct-horse7");
        let peer = [192, 0, 2, 7].into();
        state
            .access
            .verify_password(Protocol::Imap, "anna@d.test", &secret, peer)
            .await
            .unwrap();
        state.access.write_logins().await;
        let found = get(api, "/api/statistics/sign-ins?signed_in=true&days=400").await;
        let item = &found["items"][0];
        assert_eq!(
            (&item["address"], &item["last"]["peer"]),
            (&json!("anna@d.test"), &json!("192.0.2.7")),
            "{found}"
        );
        assert!(found["note"].as_str().unwrap().contains("cut to 180"), "{found}");
        let found = get(api, "/api/statistics/sign-ins?signed_in=false").await;
        assert_eq!(found["items"].as_array().unwrap().len(), 3);
        let at = item["last"]["at_millis"].as_i64().unwrap();
        let first = |from: i64, until: i64| {
            format!("/api/statistics/sign-ins?signed_in=true&recent=5&from_millis={from}&until_millis={until}")
        };
        let found = get(api, &first(at, at + 1)).await;
        assert_eq!(found["items"][0]["recent"][0]["peer"], "192.0.2.7", "{found}");
        assert_eq!(get(api, &first(at - 9, at)).await["items"], json!([]));
        assert_eq!(call(api, "GET", &first(at, at), Value::Null).await.0, 400);
        let both = "/api/statistics/sign-ins?days=7&from_millis=1";
        assert_eq!(call(api, "GET", both, Value::Null).await.0, 400);
        let settings = json!({"time_zone": "Asia/Shanghai"});
        assert_eq!(
            call(api, "PUT", "/api/statistics/settings", settings.clone()).await.0,
            200
        );
        assert_eq!(get(api, "/api/statistics/settings").await, settings);
        let nowhere = json!({"time_zone": "Nowhere"});
        assert_eq!(call(api, "PUT", "/api/statistics/settings", nowhere).await.0, 400);
        assert_eq!(get(api, "/api/logins").await["items"].as_array().unwrap().len(), 1);
        let log = get(api, "/api/audit?action=logins.").await;
        assert_eq!(log["items"].as_array().unwrap().len(), 5, "reading the log is logged");
    });
}

#[test]
fn stat_7_who_reads_the_log_is_in_it_and_what_is_not_kept_is_said() {
    hongyan_actor::run(0, async {
        let (router, _) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        for log in ["installation=true", "organisation=Acme"] {
            let read = async |query: &str| get(api, &format!("/api/audit?{log}&{query}")).await;
            let first = read("from_millis=0&limit=1").await;
            let note = first["note"].as_str().unwrap_or_default();
            assert!(note.contains("180 days are kept"), "{first}");
            assert_ne!(first["items"][0]["action"], "audit.read");
            let after = first["next"].as_str().unwrap_or("1").to_owned();
            let next = read(&format!("after={after}")).await;
            assert_eq!(next["note"], Value::Null);
            let reads = read("action=audit.").await;
            let reads = reads["items"].as_array().unwrap();
            assert_eq!(reads.len(), 1, "one look, however many pages: {reads:?}");
            assert_eq!(
                (&reads[0]["action"], &reads[0]["kind"]),
                (&json!("audit.read"), &json!("logs"))
            );
        }
    });
}
