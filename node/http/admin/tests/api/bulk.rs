//! The same to many members at once: what is done, what is refused, and how far a right reaches.

use super::organisation::{acme, as_actor, as_member};
use super::*;

/// The task once it is over, and its rows as `line field: reason`.
async fn done(api: &axum::Router, asked: Value) -> (Value, Vec<String>) {
    let (status, begun) = call(api, "POST", "/api/bulk/members", asked).await;
    assert_eq!(status, 202, "{begun}");
    let path = format!("/api/tasks/{}", begun["id"]);
    loop {
        let (status, task) = call(api, "GET", &path, Value::Null).await;
        assert_eq!(status, 200, "{task}");
        if task["state"] == "running" {
            tokio::task::yield_now().await;
            continue;
        }
        let rows = call(api, "GET", &format!("{path}/rows"), Value::Null).await.1;
        let mut told = Vec::new();
        for row in rows["items"].as_array().unwrap() {
            let problem = &row["problems"][0];
            let (field, reason) = (problem["field"].as_str().unwrap(), problem["reason"].as_str().unwrap());
            told.push(format!("{} {field}: {reason}", row["line"]));
        }
        return (task, told);
    }
}

fn whom(locals: &[&str]) -> Value {
    let members = locals.iter().map(|local| json!({"address": format!("{local}@d.test")}));
    Value::Array(members.collect())
}

#[test]
fn mem_10_many_move_join_and_are_disabled_at_once() {
    hongyan_actor::run(0, async {
        let (router, _) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let both = whom(&["zs", "anna"]);
        let moved = json!({"action": "move-to-departments", "departments": [1], "members": both});
        let (task, told) = done(api, moved).await;
        assert_eq!(
            (&task["job"], &task["good"]),
            (&json!("bulk-move-to-departments"), &json!(2))
        );
        assert!(told.is_empty(), "{told:?}");
        let zs = call(api, "GET", "/api/members/zs@d.test", Value::Null).await.1;
        assert_eq!(zs["departments"], json!([1]));
        let group = json!({"address": "all@d.test", "representatives": ["zs@d.test"]});
        assert_eq!(call(api, "POST", "/api/groups", group).await.0, 201);
        let joined = json!({"action": "join-groups", "groups": ["all@d.test"], "members": both});
        assert_eq!(done(api, joined).await.0["good"], 2);
        let group = call(api, "GET", "/api/groups/all@d.test", Value::Null).await.1;
        assert_eq!(group["members"], 2);
        let (task, told) = done(
            api,
            json!({"action": "disable", "members": whom(&["zs", "anna", "boss"])}),
        )
        .await;
        assert_eq!((&task["good"], &task["bad"]), (&json!(1), &json!(2)));
        let used = "1 : member zs@d.test is still used: it speaks for the group all@d.test";
        assert!(told[0] == used && told[1].starts_with("3 : "), "{told:?}");
        let confirmed = json!({"action": "delete", "confirm_uses": true, "members": both});
        assert_eq!(done(api, confirmed).await.0["good"], 2);
        let bin = call(api, "GET", "/api/recycle-bin", Value::Null).await.1;
        assert_eq!(bin["items"].as_array().unwrap().len(), 2);
        for wrong in [
            json!({"action": "leave-departments", "members": []}),
            json!({"action": "join-groups", "members": []}),
            json!({"action": "disable", "departments": [1], "members": []}),
            json!({"action": "burn", "members": []}),
        ] {
            let (status, problem) = call(api, "POST", "/api/bulk/members", wrong).await;
            assert_eq!(status, 400, "{problem}");
        }
    });
}

#[test]
fn adm_9_a_bulk_action_is_as_far_as_the_right_reaches() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let role = json!({"kind": "delegated", "functions": ["members"], "departments": [1]});
        assert_eq!(call(api, "PUT", "/api/members/lead@d.test/role", role).await.0, 200);
        let lead = &as_member(&router, &state, "lead@d.test").await;
        let asked = json!({"action": "disable", "members": whom(&["zs", "anna", "lead"])});
        let (task, told) = done(lead, asked).await;
        assert_eq!((&task["good"], &task["bad"]), (&json!(1), &json!(2)));
        assert_eq!(told[0], "2 : account anna@d.test does not exist");
        let beyond = json!({"action": "move-to-departments", "departments": [3], "members": whom(&["zs"])});
        assert_eq!(call(lead, "POST", "/api/bulk/members", beyond).await.0, 404);
        let nobody = &as_member(&router, &state, "anna@d.test").await;
        let asked = json!({"action": "enable", "members": whom(&["zs"])});
        assert_eq!(call(nobody, "POST", "/api/bulk/members", asked).await.0, 403);
    });
}
