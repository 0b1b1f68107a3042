//! Departments, tags, members, roles, the audit log: for operators and for administrators.

use hongyan_types::Address;

use super::*;

/// An organisation with departments Tech (1), Web (2) below it and Sales (3), and a few members.
pub(super) async fn acme(api: &axum::Router) {
    call(api, "POST", "/api/organisations", json!({"name": "Acme"})).await;
    call(api, "POST", "/api/domains", json!({"domain": "d.test"})).await;
    for (name, parent) in [("Tech", 0), ("Web", 1), ("Sales", 0)] {
        let new = json!({"name": name, "parent": parent});
        assert_eq!(call(api, "POST", "/api/departments", new).await.0, 201);
    }
    for (local, name, departments) in [
        ("boss", "Boss", json!([])),
        ("zs", "张三", json!([2])),
        ("anna", "Anna Berg", json!([3])),
        ("lead", "Lead", json!([1])),
    ] {
        let new = json!({
            "address": format!("{local}@d.test"), "display_name": name, "departments": departments,
            "administrator": local == "boss",
        });
        let made = call(api, "POST", "/api/members", new).await;
        assert_eq!(made.0, 201, "{}", made.1);
    }
}

pub(super) fn as_actor(router: &axum::Router, actor: Actor) -> axum::Router {
    router.clone().layer(Extension(actor))
}

/// The API as the member with that address uses it.
pub(super) async fn as_member(router: &axum::Router, state: &AdminState, address: &str) -> axum::Router {
    let address = Address::try_from(address).unwrap();
    let account = state.directory.account_at(&address).await.unwrap();
    as_actor(router, Actor::member(&account, Some([192, 0, 2, 9].into()), None))
}

fn addresses(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["address"].as_str().unwrap()).collect()
}

#[test]
fn org_6_two_who_move_a_department_and_one_is_told() {
    hongyan_actor::run(0, async {
        let api = &api().await;
        acme(api).await;
        let (status, shown, etag) = call_with(api, "GET", "/api/departments/2", Value::Null, &[]).await;
        assert_eq!(
            (status, &shown["parent"], &shown["members"]),
            (200, &json!(1), &json!(1))
        );
        let to_sales = json!({"parent": 3});
        let (status, problem) = call(api, "PATCH", "/api/departments/2", to_sales.clone()).await;
        assert_eq!((status, &problem["type"]), (428, &json!("precondition-required")));
        let same = [("if-match", etag.as_str())];
        let moved = call_with(api, "PATCH", "/api/departments/2", to_sales, &same).await;
        assert_eq!((moved.0, &moved.1["parent"]), (200, &json!(3)));
        assert_ne!(moved.2, etag);
        let (status, problem, _) = call_with(api, "PATCH", "/api/departments/2", json!({"parent": 0}), &same).await;
        assert_eq!((status, &problem["type"]), (409, &json!("changed")));
        assert_eq!(problem["present"]["parent"], 3, "the present state is shown");
        let tree = call(api, "GET", "/api/departments", Value::Null).await.1;
        let names: Vec<_> = tree["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["name"].as_str().unwrap(), item["members_deep"].as_u64().unwrap()))
            .collect();
        assert_eq!(names, [("Sales", 2), ("Web", 1), ("Tech", 1)]);
        let below = call(api, "GET", "/api/departments?parent=3", Value::Null).await.1;
        assert_eq!(below["items"].as_array().unwrap().len(), 1);
        let (status, problem) = call(api, "DELETE", "/api/departments/3", Value::Null).await;
        assert_eq!((status, &problem["type"]), (409, &json!("in-use")));
    });
}

#[test]
fn mem_11_a_member_is_found_and_changed() {
    hongyan_actor::run(0, async {
        let api = &api().await;
        acme(api).await;
        let found = call(api, "GET", "/api/members?text=zhangs", Value::Null).await.1;
        assert_eq!((addresses(&found), &found["total"]), (vec!["zs@d.test"], &json!(1)));
        let found = call(api, "GET", "/api/members?department=1&deep=true", Value::Null)
            .await
            .1;
        assert_eq!(addresses(&found), ["lead@d.test", "zs@d.test"]);
        let tag = call(api, "POST", "/api/tags", json!({"name": "T"})).await.1["id"].clone();
        let change = json!({"profile": {"title": "Engineer", "employee_id": "E1"}, "tags": [tag], "seat": "advanced"});
        let (status, changed) = call(api, "PATCH", "/api/members/zs@d.test", change).await;
        assert_eq!(
            (status, &changed["profile"]["title"]),
            (200, &json!("Engineer")),
            "{changed}"
        );
        let change = json!({"profile": {"title": "Lead"}});
        let changed = call(api, "PATCH", "/api/members/zs@d.test", change).await.1;
        assert_eq!(changed["profile"]["employee_id"], "E1", "what is left out stays");
        let found = call(api, "GET", "/api/members?tag=1&seat=advanced", Value::Null)
            .await
            .1;
        assert_eq!(addresses(&found), ["zs@d.test"]);
        let taken = json!({"profile": {"employee_id": "e1"}});
        let (status, problem) = call(api, "PATCH", "/api/members/anna@d.test", taken).await;
        assert_eq!((status, &problem["type"]), (409, &json!("exists")));
        for (unknown, field) in [
            (json!({"nick": "x"}), "nick"),
            (json!({"profile": {"nick": "x"}}), "nick"),
            (json!({"settings": {"pop_rage": "all"}}), "pop_rage"),
        ] {
            let (status, problem) = call(api, "PATCH", "/api/members/anna@d.test", unknown).await;
            assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
        }
        assert_eq!(call(api, "GET", "/api/members?txt=a", Value::Null).await.0, 400);
        let (_, _, etag) = call_with(api, "GET", "/api/members/anna@d.test", Value::Null, &[]).await;
        let same = [("if-match", etag.as_str())];
        let path = "/api/members/anna@d.test";
        let first = call_with(api, "PATCH", path, json!({"display_name": "A"}), &same).await;
        let second = call_with(api, "PATCH", path, json!({"display_name": "B"}), &same).await;
        assert_eq!(
            (first.0, second.0, &second.1["present"]["display_name"]),
            (200, 409, &json!("A"))
        );
    });
}

#[test]
fn adm_9_a_delegated_administrator_stays_within_the_scope() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        call(operator, "POST", "/api/organisations", json!({"name": "Other"})).await;
        let other = json!({"domain": "o.test", "organisation": "Other"});
        call(operator, "POST", "/api/domains", other).await;
        call(operator, "POST", "/api/members", json!({"address": "x@o.test"})).await;
        let role = json!({"kind": "delegated", "functions": ["members"], "departments": [1]});
        assert_eq!(
            call(operator, "PUT", "/api/members/lead@d.test/role", role.clone())
                .await
                .0,
            200
        );
        let lead = &as_member(&router, &state, "lead@d.test").await;
        let seen = call(lead, "GET", "/api/members", Value::Null).await.1;
        assert_eq!(
            (addresses(&seen), &seen["total"]),
            (vec!["lead@d.test", "zs@d.test"], &json!(2))
        );
        let check = async |method: &str, path: &str, body: Value, expect: u16| {
            let (status, problem) = call(lead, method, path, body).await;
            assert_eq!(status, expect, "{method} {path}: {problem}");
        };
        check("PATCH", "/api/members/zs@d.test", json!({"display_name": "Z"}), 200).await;
        for hidden in ["anna@d.test", "boss@d.test", "x@o.test", "nobody@d.test"] {
            let (status, problem) = call(lead, "GET", &format!("/api/members/{hidden}"), Value::Null).await;
            let missing = json!(format!("account {hidden} does not exist"));
            assert_eq!(
                (status, &problem["detail"]),
                (404, &missing),
                "who is hidden looks missing"
            );
        }
        check("PATCH", "/api/members/zs@d.test", json!({"departments": [2, 3]}), 404).await;
        check("PATCH", "/api/members/zs@d.test", json!({"departments": [1]}), 200).await;
        check("PATCH", "/api/members/zs@d.test", json!({"administrator": true}), 403).await;
        check("PATCH", "/api/members/zs@d.test", json!({"state": "suspended"}), 403).await;
        check("PATCH", "/api/members/zs@d.test", json!({"state": "disabled"}), 200).await;
        check("PUT", "/api/members/lead@d.test/role", json!({"kind": "super"}), 403).await;
        check(
            "PUT",
            "/api/members/lead@d.test/password",
            json!({"password": "Correct-horse9"}),
            403,
        )
        .await;
        let new = |departments: Value| json!({"address": "new@d.test", "departments": departments});
        check("POST", "/api/members", new(json!([])), 400).await;
        check("POST", "/api/members", new(json!([3])), 404).await;
        check("POST", "/api/members", new(json!([2])), 201).await;
        check("POST", "/api/departments", json!({"name": "Mine", "parent": 3}), 404).await;
        check("POST", "/api/departments", json!({"name": "Mine", "parent": 2}), 201).await;
        check("GET", "/api/departments?organisation=Other", Value::Null, 404).await;
        for forbidden in [
            "/api/queue",
            "/api/cluster",
            "/api/audit",
            "/api/audit?installation=true",
            "/api/domains",
        ] {
            check("GET", forbidden, Value::Null, 403).await;
        }
        check("POST", "/api/organisations", json!({"name": "Mine"}), 403).await;
        let tree = call(lead, "GET", "/api/departments", Value::Null).await.1;
        assert_eq!(tree["items"].as_array().unwrap().len(), 3, "Tech, Web, Mine");
        let nobody = &as_member(&router, &state, "anna@d.test").await;
        assert_eq!(call(nobody, "GET", "/api/members", Value::Null).await.0, 403);
        assert_eq!(call(&router, "GET", "/api/members", Value::Null).await.0, 401);
    });
}

/// The creator, boss, offers the role to anna, who takes it.
async fn hand_over(router: &axum::Router, state: &AdminState) {
    let (boss, anna) = (
        &as_member(router, state, "boss@d.test").await,
        &as_member(router, state, "anna@d.test").await,
    );
    let other = &as_member(router, state, "zs@d.test").await;
    let path = "/api/hand-over";
    let offer = json!({"member": "anna@d.test"});
    for caller in [anna, other] {
        assert_eq!(call(caller, "POST", path, offer.clone()).await.0, 403);
        assert_eq!(call(caller, "GET", path, Value::Null).await.0, 404);
    }
    for wrong in [
        json!({"member": "boss@d.test"}),
        json!({"member": "nobody@d.test"}),
        json!({}),
    ] {
        assert!(call(boss, "POST", path, wrong).await.0 >= 400);
    }
    let (status, made) = call(boss, "POST", path, offer.clone()).await;
    assert_eq!(
        (status, &made["by"], &made["to"]),
        (201, &json!("boss@d.test"), &json!("anna@d.test"))
    );
    // Who has nothing to do with it sees nothing; declined, it is gone.
    assert_eq!(call(other, "GET", path, Value::Null).await.0, 404);
    assert_eq!(call(other, "POST", "/api/hand-over/accept", Value::Null).await.0, 404);
    assert_eq!(call(other, "DELETE", path, Value::Null).await.0, 404);
    assert_eq!(call(boss, "POST", "/api/hand-over/accept", Value::Null).await.0, 404);
    assert_eq!(call(anna, "GET", path, Value::Null).await.1, made);
    assert_eq!(call(anna, "DELETE", path, Value::Null).await.0, 204);
    assert_eq!(call(boss, "GET", path, Value::Null).await.0, 404);
    assert_eq!(call(boss, "POST", path, offer).await.0, 201);
    let (status, taken) = call(anna, "POST", "/api/hand-over/accept", Value::Null).await;
    assert_eq!((status, &taken["role"]["kind"]), (200, &json!("creator")), "{taken}");
    let operator = &as_actor(router, Actor::socket());
    assert_eq!(call(operator, "GET", path, Value::Null).await.0, 400);
}

#[test]
fn adm_7_the_creator_hands_over_and_supers_manage() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let operator = &as_actor(&router, Actor::socket());
        acme(operator).await;
        let grant = json!({"kind": "super"});
        assert_eq!(
            call(operator, "PUT", "/api/members/anna@d.test/role", grant).await.0,
            200
        );
        let anna = &as_member(&router, &state, "anna@d.test").await;
        let creator = json!({"kind": "creator"});
        assert_eq!(
            call(anna, "PUT", "/api/members/anna@d.test/role", creator.clone())
                .await
                .0,
            403
        );
        let password = json!({"password": "Correct-horse9"});
        assert_eq!(
            call(anna, "PUT", "/api/members/boss@d.test/password", password.clone())
                .await
                .0,
            403
        );
        assert_eq!(
            call(anna, "PUT", "/api/members/zs@d.test/password", password).await.0,
            204
        );
        let (status, problem) = call(operator, "DELETE", "/api/members/boss@d.test", Value::Null).await;
        assert_eq!((status, &problem["type"]), (409, &json!("refused")));
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let (status, problem) = call(boss, "PUT", "/api/members/anna@d.test/role", creator).await;
        assert_eq!((status, &problem["type"]), (409, &json!("refused")), "it takes both");
        hand_over(&router, &state).await;
        let roles = call(boss, "GET", "/api/roles", Value::Null).await.1;
        let kinds: Vec<_> = roles["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["role"]["kind"].clone())
            .collect();
        assert_eq!(kinds, ["creator", "super"]);
        let own = call(boss, "GET", "/api/organisations", Value::Null).await.1;
        assert_eq!(own["items"][0]["creator"], "anna@d.test");
        assert_eq!(
            call(boss, "PATCH", "/api/organisations/Acme", json!({"accounts_max": 9}))
                .await
                .0,
            403
        );
        assert_eq!(
            call(boss, "PATCH", "/api/organisations/Acme", json!({"language": "zh-CN"}))
                .await
                .0,
            200
        );
        let log = call(
            operator,
            "GET",
            "/api/audit?action=member.change&object=boss",
            Value::Null,
        )
        .await
        .1;
        let entry = &log["items"][0];
        assert_eq!(
            (&entry["author"], &entry["from"]),
            (&json!("anna@d.test"), &json!("192.0.2.9"))
        );
        let verdict = call(operator, "GET", "/api/audit/verify", Value::Null).await.1;
        assert_eq!(verdict["whole"], true);
        let noted = format!("/api/audit/verify?sequence=3&hash={}", "0".repeat(64));
        let verdict = call(operator, "GET", &noted, Value::Null).await.1;
        assert_eq!((&verdict["whole"], &verdict["sequence"]), (&json!(false), &json!(3)));
        let changes = call(operator, "GET", "/api/changes?after=1&limit=1", Value::Null)
            .await
            .1;
        assert_eq!(changes["items"][0]["subjects"][0]["kind"], "domain");
    });
}

#[test]
fn api_what_is_asked_again_is_not_done_again() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let key = [("idempotency-key", "k1")];
        let new = json!({"name": "Once"});
        let first = call_with(api, "POST", "/api/departments", new.clone(), &key).await;
        let again = call_with(api, "POST", "/api/departments", new.clone(), &key).await;
        assert_eq!((first.0, &first), (201, &again));
        let other = call_with(api, "POST", "/api/departments", json!({"name": "Two"}), &key).await;
        assert_eq!((other.0, &other.1["type"]), (422, &json!("key-reused")));
        let refused = call_with(api, "POST", "/api/tags", json!({"nam": "T"}), &key).await;
        assert_eq!(refused.0, 400);
        let now_right = call_with(api, "POST", "/api/tags", json!({"name": "T"}), &key).await;
        assert_eq!(now_right.0, 201, "what failed may be asked again");
        let anna = &as_member(&router, &state, "boss@d.test").await;
        let hers = call_with(anna, "POST", "/api/departments", new, &key).await;
        assert_eq!(hers.0, 409, "her key is another; the name is taken");
        let long = "k".repeat(256);
        for wrong in ["", long.as_str()] {
            let refused = call_with(
                api,
                "POST",
                "/api/tags",
                json!({"name": "W"}),
                &[("idempotency-key", wrong)],
            )
            .await;
            assert_eq!(refused.0, 400, "{}", refused.1);
        }
        // Twice at the same time: one of them does it, the other is told so or answered the same.
        let key = [("idempotency-key", "k2")];
        let ask = || call_with(api, "POST", "/api/tags", json!({"name": "Together"}), &key);
        let (one, other) = tokio::join!(ask(), ask());
        for answer in [&one, &other] {
            assert!(
                answer.0 == 201 || (answer.0, &answer.1["type"]) == (409, &json!("repeated")),
                "{answer:?}"
            );
        }
        assert!(one.0 == 201 || other.0 == 201);
        assert_eq!(ask().await.0, 201, "the answer is kept by now");
        let tags = call(api, "GET", "/api/tags", Value::Null).await.1;
        let same = tags["items"].as_array().unwrap().iter();
        assert_eq!(same.filter(|tag| tag["name"] == "Together").count(), 1);
    });
}

#[test]
fn api_the_document_describes_what_there_is() {
    hongyan_actor::run(0, async {
        let api = &api().await;
        let (status, document) = call(api, "GET", "/api/openapi.json", Value::Null).await;
        assert_eq!(status, 200);
        assert_eq!(document["openapi"].as_str().unwrap().get(..3), Some("3.1"));
        let paths = document["paths"].as_object().unwrap();
        for path in [
            "/api/members/{address}",
            "/api/departments",
            "/api/audit/verify",
            "/api/cluster/settings/{key}",
        ] {
            assert!(paths.contains_key(path), "{path}");
        }
        let body = |path: &str, method: &str| {
            let content = &document["paths"][path][method]["requestBody"]["content"];
            let name = content["application/json"]["schema"]["$ref"]
                .as_str()
                .unwrap()
                .to_owned();
            name.rsplit('/').next().unwrap().to_owned()
        };
        assert_eq!(body("/api/members", "post"), "NewMember");
        assert_eq!(body("/api/groups", "post"), "NewGroup");
        let field = &document["components"]["schemas"]["NewGroup"]["properties"]["posting"];
        assert!(field.is_object(), "each body has a description of its own");
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(
                document["components"]["schemas"].get(name).is_some(),
                "{name} is described"
            );
        }
    });
}

#[test]
fn grp_2_to_6_a_group_with_rules() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let new = json!({
            "address": "all@d.test", "display_name": "All", "member_departments": [1], "members": ["x@far.test"],
            "posting": "custom", "posters": {"departments": [3]}, "representatives": ["anna@d.test"],
        });
        let (status, made, etag) = call_with(api, "POST", "/api/groups", new, &[]).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!(
            (
                &made["posting"],
                &made["posters"]["departments"],
                &made["representatives"]
            ),
            (&json!("custom"), &json!([3]), &json!(["anna@d.test"]))
        );
        let old = [("if-match", etag.as_str())];
        let change = json!({"posting": "organisation", "owner": "boss@d.test"});
        let (status, changed, _) = call_with(api, "PATCH", "/api/groups/all@d.test", change.clone(), &old).await;
        assert_eq!((status, &changed["owner"]), (200, &json!("boss@d.test")));
        assert_eq!(changed["posters"]["departments"], json!([]));
        let (status, problem, _) = call_with(api, "PATCH", "/api/groups/all@d.test", change, &old).await;
        assert_eq!((status, &problem["present"]["owner"]), (409, &json!("boss@d.test")));
        let circle = json!({"address": "all@d.test"});
        let (status, problem) = call(api, "POST", "/api/groups/all@d.test/members", circle).await;
        assert_eq!((status, &problem["type"]), (409, &json!("refused")));
        let strange = json!({"representatives": ["nobody@d.test"]});
        assert_eq!(call(api, "PATCH", "/api/groups/all@d.test", strange).await.0, 404);
        let log = call(api, "GET", "/api/audit?action=group.change", Value::Null).await.1;
        let fields: Vec<_> = log["items"][0]["fields"].as_array().unwrap().iter().collect();
        assert!(fields.iter().any(|field| field["field"] == "posting"), "{fields:?}");

        // Of a department: who manages that sees it, and no other group.
        let of = |department: u32| json!({"department": department, "domain": "d.test"});
        let made = call(api, "POST", "/api/groups", of(2)).await;
        assert_eq!(
            (made.0, &made.1["address"], &made.1["posting"]),
            (201, &json!("web@d.test"), &json!("unset"))
        );
        let role = json!({"kind": "delegated", "functions": ["groups"], "departments": [1]});
        assert_eq!(call(api, "PUT", "/api/members/lead@d.test/role", role).await.0, 200);
        let lead = &as_member(&router, &state, "lead@d.test").await;
        let seen = call(lead, "GET", "/api/groups", Value::Null).await.1;
        assert_eq!(addresses(&seen), ["web@d.test"]);
        assert_eq!(call(lead, "GET", "/api/groups/all@d.test", Value::Null).await.0, 404);
        assert_eq!(call(lead, "DELETE", "/api/groups/all@d.test", Value::Null).await.0, 404);
        assert_eq!(call(lead, "POST", "/api/groups", of(3)).await.0, 404);
        let open = json!({"posting": "members"});
        assert_eq!(call(lead, "PATCH", "/api/groups/web@d.test", open).await.0, 200);
    });
}

#[test]
fn sbx_4_who_uses_a_shared_mailbox() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let new = json!({"address": "info@d.test", "kind": "shared"});
        assert_eq!(call(api, "POST", "/api/members", new).await.0, 201);
        let users = "/api/members/info@d.test/users";
        let anna = json!({"member": "anna@d.test"});
        let allowed = call(api, "POST", users, anna.clone()).await;
        assert_eq!((allowed.0, &allowed.1["rights"]["send"]), (200, &json!("as")));
        let tech = json!({"department": 1, "rights": {"read": true}});
        assert_eq!(call(api, "POST", users, tech).await.0, 200);
        let listed = call(api, "GET", users, Value::Null).await.1;
        let shown: Vec<_> = listed["items"].as_array().unwrap().iter().collect();
        assert_eq!(
            (
                &shown[0]["member"],
                &shown[1]["department"],
                &shown[1]["rights"]["write"]
            ),
            (&json!("anna@d.test"), &json!(1), &json!(false))
        );
        let check = async |path: &str, body: Value, expect: u16| {
            let (status, problem) = call(api, "POST", path, body).await;
            assert_eq!(status, expect, "{problem}");
        };
        check(users, json!({"member": "nobody@d.test"}), 404).await;
        check(users, json!({"member": "info@d.test"}), 400).await;
        check(users, json!({}), 400).await;
        check("/api/members/zs@d.test/users", anna, 400).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let gone = format!("{users}?member=anna@d.test");
        assert_eq!(call(boss, "DELETE", &gone, Value::Null).await.0, 204);
        assert_eq!(call(boss, "DELETE", &gone, Value::Null).await.0, 404);
        let log = call(api, "GET", "/api/audit?action=mailbox.", Value::Null).await.1;
        assert_eq!(log["items"][0]["action"], "mailbox.withdraw");
        let lead = &as_member(&router, &state, "lead@d.test").await;
        assert_eq!(call(lead, "GET", users, Value::Null).await.0, 403);
    });
}

#[test]
fn mem_11_an_address_that_was_made_up_changes_once() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let make = async |name: &str| call(api, "POST", "/api/members", json!({"display_name": name})).await;
        assert_eq!(make(" ").await.0, 400);
        let (status, made) = make("王芳").await;
        let shown = (&made["address"], &made["address_made_up"]);
        assert_eq!(
            (status, shown),
            (201, (&json!("wangfang@d.test"), &json!(true))),
            "{made}"
        );
        assert_eq!(make("王芳").await.1["address"], "wangfang2@d.test");
        let group = json!({"address": "team@d.test", "members": ["wangfang@d.test", "x@far.test"]});
        assert_eq!(call(api, "POST", "/api/groups", group).await.0, 201);

        let rename = "/api/members/wangfang@d.test/address";
        let to = |address: &str, release: bool| json!({"address": address, "release": release});
        let anna = &as_member(&router, &state, "anna@d.test").await;
        assert_eq!(call(anna, "PUT", rename, to("fang@d.test", false)).await.0, 403);
        for (wrong, status) in [("anna@d.test", 409), ("fang@far.test", 404), ("fang", 400)] {
            assert_eq!(call(api, "PUT", rename, to(wrong, false)).await.0, status, "{wrong}");
        }
        let given = call(api, "PUT", "/api/members/anna@d.test/address", to("ann@d.test", false)).await;
        assert_eq!((given.0, &given.1["type"]), (409, &json!("refused")), "{given:?}");
        let (status, renamed) = call(api, "PUT", rename, to("fang@d.test", false)).await;
        assert_eq!(
            (
                status,
                &renamed["address"],
                &renamed["aliases"],
                &renamed["address_made_up"]
            ),
            (200, &json!("fang@d.test"), &json!(["wangfang@d.test"]), &json!(false)),
            "{renamed}"
        );
        let members = call(api, "GET", "/api/groups/team@d.test/members", Value::Null).await.1;
        assert_eq!(members["items"], json!(["fang@d.test", "x@far.test"]));
        let (status, again) = call(api, "PUT", rename, to("f@d.test", false)).await;
        assert_eq!((status, &again["type"]), (409, &json!("refused")));
        assert!(again["detail"].as_str().unwrap().contains("only once"), "{again}");

        let second = "/api/members/wangfang2@d.test/address";
        let (status, renamed) = call(api, "PUT", second, to("fang2@d.test", true)).await;
        assert_eq!((status, &renamed["aliases"]), (200, &json!([])), "{renamed}");
        let freed = call(api, "POST", "/api/members", json!({"address": "wangfang2@d.test"})).await;
        assert_eq!(freed.0, 201, "the old one is free");
        let log = call(api, "GET", "/api/audit?action=member.change", Value::Null).await.1;
        assert!(log.to_string().contains("fang2@d.test"), "{log}");
    });
}
