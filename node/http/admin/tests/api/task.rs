//! Long work: files of members in and out, and who may see what comes of it.

use super::organisation::{acme, as_actor, as_member};
use super::*;

/// The status, what is sent back, and its type.
async fn send(api: &axum::Router, method: &str, path: &str, kind: &str, body: Vec<u8>) -> (u16, Vec<u8>, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", kind)
        .body(Body::from(body))
        .unwrap();
    let response = api.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let octets = response.into_body().collect().await.unwrap().to_bytes();
    (status, octets.to_vec(), kind)
}

async fn upload(api: &axum::Router, query: &str, text: &str) -> (u16, Value) {
    let path = format!("/api/imports/members?{query}");
    let (status, octets, _) = send(api, "POST", &path, "text/csv", text.as_bytes().to_vec()).await;
    (status, serde_json::from_slice(&octets).unwrap())
}

/// The task once it is over.
async fn ended(api: &axum::Router, begun: &Value) -> Value {
    let path = format!("/api/tasks/{}", begun["id"]);
    loop {
        let (status, task) = call(api, "GET", &path, Value::Null).await;
        assert_eq!(status, 200, "{task}");
        if task["state"] != "running" {
            return task;
        }
        tokio::task::yield_now().await;
    }
}

#[test]
fn mem_9_a_file_is_looked_over_and_then_taken() {
    hongyan_actor::run(0, async {
        let (router, _) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let text = "name,address,departments\nNew One,one,Tech/Web\nNew Two,zs,\n";
        let (status, begun) = upload(api, "dry_run=true&domain=d.test", text).await;
        assert_eq!((status, &begun["job"]), (202, &json!("import-members")));
        let looked = ended(api, &begun).await;
        assert_eq!(
            (&looked["state"], &looked["bad"], &looked["good"]),
            (&json!("done"), &json!(1), &json!(1))
        );
        let rows = call(api, "GET", &format!("/api/tasks/{}/rows", looked["id"]), Value::Null).await;
        assert_eq!(
            rows.1["items"],
            json!([{"line": 3, "problems": [{"field": "address", "reason": "member zs@d.test already exists"}]}])
        );
        let refused = ended(api, &upload(api, "domain=d.test", text).await.1).await;
        assert_eq!(refused["state"], "refused");
        let (_, begun) = upload(api, "domain=d.test&take_good=true&invited=true", text).await;
        let taken = ended(api, &begun).await;
        assert_eq!((&taken["state"], &taken["good"]), (&json!("done"), &json!(1)));
        let made = call(api, "GET", "/api/members/one@d.test", Value::Null).await.1;
        assert_eq!((&made["state"], &made["departments"]), (&json!("invited"), &json!([2])));
        let list = call(api, "GET", "/api/tasks?limit=2", Value::Null).await.1;
        assert_eq!(list["items"][0]["id"], taken["id"], "the latest first");
        assert_eq!(list["next"], refused["id"].to_string());
        let over = format!("/api/tasks/{}/cancel", taken["id"]);
        let (status, problem) = call(api, "POST", &over, Value::Null).await;
        assert_eq!((status, &problem["type"]), (409, &json!("refused")));
        let log = call(api, "GET", "/api/audit?action=task.", Value::Null).await.1;
        let said: Vec<_> = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .map(|entry| &entry["action"])
            .collect();
        assert_eq!(said[..2], [&json!("task.start"), &json!("task.end")]);
        assert_eq!(said.last(), Some(&&json!("task.cancel")));
    });
}

#[test]
fn mem_9_what_is_no_file_of_members_is_refused() {
    hongyan_actor::run(0, async {
        let (router, _) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let check = async |query: &str, text: &str, expect: (u16, &str)| {
            let (status, problem) = upload(api, query, text).await;
            assert_eq!((status, problem["detail"].as_str().unwrap()), expect);
        };
        check("", "name\nA\n", (400, "the column address is missing")).await;
        check("", "address,salary\na,1\n", (400, "there is no column salary")).await;
        check("department=77", "address\na\n", (404, "department 77 does not exist")).await;
        let path = "/api/imports/members";
        let (status, _, kind) = send(api, "POST", path, "application/json", b"{}".to_vec()).await;
        assert_eq!((status, kind.as_str()), (400, "application/problem+json"));
        let large = vec![b'a'; (32 << 20) + 1];
        let (status, octets, _) = send(api, "POST", path, "text/csv", large).await;
        let problem: Value = serde_json::from_slice(&octets).unwrap();
        assert_eq!(
            (status, &problem["limit"], &problem["max"]),
            (413, &json!("file_octets_max"), &json!(32 << 20))
        );
        assert_eq!(call(api, "GET", "/api/tasks/1", Value::Null).await.0, 404);
        assert_eq!(call(api, "GET", "/api/tasks/x", Value::Null).await.0, 400);
    });
}

#[test]
fn org_13_the_directory_goes_out_and_comes_back() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let xlsx = json!({"format": "xlsx", "departments": [1]});
        let done = ended(api, &call(api, "POST", "/api/exports/members", xlsx).await.1).await;
        assert_eq!((&done["state"], &done["good"]), (&json!("done"), &json!(2)));
        let path = format!("/api/tasks/{}/result", done["id"]);
        let (status, octets, kind) = send(api, "GET", &path, "", Vec::new()).await;
        assert_eq!(status, 200);
        let (status, back, _) = send(api, "POST", "/api/imports/members?dry_run=true", &kind, octets).await;
        assert_eq!(status, 202);
        let back = ended(api, &serde_json::from_slice(&back).unwrap()).await;
        assert_eq!((&back["total"], &back["bad"]), (&json!(2), &json!(2)), "all are there");
        let path = "/api/imports/members/template?language=zh-CN";
        let (_, octets, kind) = send(api, "GET", path, "", Vec::new()).await;
        assert!(kind.starts_with("text/csv"));
        assert!(String::from_utf8(octets).unwrap().starts_with("\u{feff}姓名,邮箱地址"));

        // Who manages departments has their members, and sees no task of others.
        let role = json!({"kind": "delegated", "functions": ["members"], "departments": [2]});
        assert_eq!(call(api, "PUT", "/api/members/lead@d.test/role", role).await.0, 200);
        let lead = &as_member(&router, &state, "lead@d.test").await;
        assert_eq!(call(lead, "POST", "/api/exports/members", json!({})).await.0, 400);
        let beyond = json!({"departments": [3]});
        assert_eq!(call(lead, "POST", "/api/exports/members", beyond).await.0, 404);
        let own = call(lead, "POST", "/api/exports/members", json!({"departments": [2]}))
            .await
            .1;
        let own = ended(lead, &own).await;
        assert_eq!((&own["good"], &own["author"]), (&json!(1), &json!("lead@d.test")));
        let listed = call(lead, "GET", "/api/tasks", Value::Null).await.1;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        let others = format!("/api/tasks/{}", done["id"]);
        assert_eq!(call(lead, "GET", &others, Value::Null).await.0, 404);
        let (status, problem) = upload(lead, "", "address\na@d.test\n").await;
        assert_eq!((status, &problem["type"]), (403, &json!("forbidden")));
        let nobody = &as_member(&router, &state, "anna@d.test").await;
        assert_eq!(call(nobody, "GET", "/api/tasks", Value::Null).await.0, 403);
    });
}

#[test]
fn grp_7_groups_come_from_a_file_and_go_into_one() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let role = json!({"kind": "delegated", "functions": ["groups"]});
        assert_eq!(call(api, "PUT", "/api/members/lead@d.test/role", role).await.0, 200);
        let lead = &as_member(&router, &state, "lead@d.test").await;
        let text = "name,address,members,member departments,use\nTeam,team,zs;anna,Tech/Web,members\nTaken,zs,,,\n";
        let send_groups = async |query: &str| {
            let path = format!("/api/imports/groups?domain=d.test&{query}");
            let (status, octets, _) = send(lead, "POST", &path, "text/csv", text.into()).await;
            assert_eq!(status, 202);
            ended(lead, &serde_json::from_slice(&octets).unwrap()).await
        };
        let looked = send_groups("dry_run=true").await;
        assert_eq!((&looked["good"], &looked["bad"]), (&json!(1), &json!(1)));
        let taken = send_groups("take_good=true").await;
        assert_eq!((&taken["job"], &taken["good"]), (&json!("import-groups"), &json!(1)));
        let made = call(api, "GET", "/api/groups/team@d.test", Value::Null).await.1;
        assert_eq!(
            (&made["members"], &made["posting"], &made["member_departments"]),
            (&json!(2), &json!("members"), &json!([2]))
        );
        let done = ended(lead, &call(lead, "POST", "/api/exports/groups", json!({})).await.1).await;
        let path = format!("/api/tasks/{}/result", done["id"]);
        let (status, octets, kind) = send(lead, "GET", &path, "", Vec::new()).await;
        assert_eq!((status, kind.as_str()), (200, "text/csv; charset=utf-8"));
        let text = String::from_utf8(octets).unwrap();
        assert!(
            text.contains("team@d.test,anna@d.test;zs@d.test,Tech/Web,,members"),
            "{text}"
        );
        let path = "/api/imports/groups/template?language=zh-CN";
        let (_, octets, _) = send(api, "GET", path, "", Vec::new()).await;
        assert!(
            String::from_utf8(octets)
                .unwrap()
                .starts_with("\u{feff}名称,邮箱地址,成员")
        );
        let nobody = &as_member(&router, &state, "anna@d.test").await;
        assert_eq!(call(nobody, "POST", "/api/exports/groups", json!({})).await.0, 403);
        let seen = call(lead, "GET", "/api/tasks", Value::Null).await.1;
        assert_eq!(seen["items"].as_array().unwrap().len(), 3, "their own");
    });
}
