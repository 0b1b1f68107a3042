//! RFC 9670: who there is in the organisation.

use hongyan_directory::{
    AccountChange, AccountKind, AccountState, DepartmentChange, DepartmentId, DisplayNames, NewAccount, NewDepartment,
    NewGroup, OrganisationPage, Profile, Visibility,
};
use hongyan_types::Address;
use serde_json::{Value, json};

use crate::support::Client;

fn at(local: &str) -> Address {
    Address::try_from(format!("{local}@example.test").as_str()).unwrap()
}

async fn ask(place: &mut Client, method: &str, arguments: Value) -> Value {
    let calls = json!([[method, arguments, "0"]]);
    place.call(&calls.to_string()).await[0][1].clone()
}

async fn all(place: &mut Client) -> (String, Vec<(String, String, String)>) {
    let got = ask(place, "Principal/get", json!({"accountId": "$account"})).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = got["list"].as_array().unwrap_or_else(|| panic!("{got:#}"));
    let list = list.iter();
    let list = list.map(|one| (text(&one["name"]), text(&one["type"]), text(&one["id"])));
    (text(&got["state"]), list.collect())
}

fn id<'a>(all: &'a [(String, String, String)], name: &str) -> &'a str {
    &all.iter().find(|one| one.0 == name).unwrap().2
}

#[test]
fn rfc_9670_members_groups_and_shared_mailboxes_are_principals() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let directory = place.node.directory.clone();
        let (before, first) = all(&mut place).await;
        assert_eq!(first.len(), 1, "oneself");
        let own = ask(
            &mut place,
            "Principal/get",
            json!({"accountId": "$account", "ids": [first[0].2, "Pff"]}),
        )
        .await;
        let account = place.account();
        assert_eq!(own["list"][0]["accounts"][&account]["isPersonal"], true, "{own:#}");
        assert_eq!(own["notFound"], json!(["Pff"]));
        let new = |local: &str, kind, name: &str| NewAccount {
            kind,
            display_name: name.to_owned(),
            ..NewAccount::at(at(local))
        };
        let bob = new("bob", AccountKind::Member, "Bob Ng");
        let bob = directory.create_account(&bob).await.unwrap();
        directory
            .create_account(&new("team", AccountKind::Shared, "Team"))
            .await
            .unwrap();
        let group = NewGroup {
            display_name: "Everyone".to_owned(),
            ..NewGroup::at(at("all"))
        };
        directory.create_group(&group).await.unwrap();
        let (state, now) = all(&mut place).await;
        let kinds: Vec<(&str, &str)> = now[1..].iter().map(|one| (one.0.as_str(), one.1.as_str())).collect();
        for expect in [("Bob Ng", "individual"), ("Team", "other"), ("Everyone", "group")] {
            assert!(kinds.contains(&expect), "{kinds:?}");
        }
        let told = ask(
            &mut place,
            "Principal/changes",
            json!({"accountId": "$account", "sinceState": before}),
        )
        .await;
        assert_eq!(told["newState"], state, "{told:#}");
        let created: Vec<&str> = told["created"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        for name in ["Bob Ng", "Team", "Everyone"] {
            assert!(created.contains(&id(&now, name)), "{told:#}");
        }
        let query = |filter: Value| json!({"accountId": "$account", "filter": filter, "sort": [{"property": "name"}], "calculateTotal": true});
        let found = ask(&mut place, "Principal/query", query(json!({"text": "bob"}))).await;
        assert_eq!(found["ids"], json!([id(&now, "Bob Ng")]), "{found:#}");
        let found = ask(&mut place, "Principal/query", query(json!({"type": "group"}))).await;
        assert_eq!(
            (&found["ids"], &found["total"]),
            (&json!([id(&now, "Everyone")]), &json!(1))
        );
        let found = ask(&mut place, "Principal/query", query(json!({"accountIds": [account]}))).await;
        assert_eq!(found["ids"], json!([first[0].2]));
        // Whoever is disabled is gone.
        let change = AccountChange {
            state: Some(AccountState::Disabled).into(),
            ..AccountChange::default()
        };
        directory.change_account(bob.id, &change).await.unwrap();
        let told = ask(
            &mut place,
            "Principal/changes",
            json!({"accountId": "$account", "sinceState": state}),
        )
        .await;
        assert_eq!(told["destroyed"], json!([id(&now, "Bob Ng")]), "{told:#}");
        let arguments = json!({"accountId": "$account", "sinceQueryState": state, "filter": {"type": "individual"}});
        let told = ask(&mut place, "Principal/queryChanges", arguments).await;
        assert_eq!(
            (&told["removed"], &told["added"]),
            (&json!([id(&now, "Bob Ng")]), &json!([]))
        );
        let told = ask(
            &mut place,
            "Principal/changes",
            json!({"accountId": "$account", "sinceState": "999999"}),
        )
        .await;
        assert_eq!(told["type"], "cannotCalculateChanges", "{told:#}");
        place.stop().await;
    });
}

#[test]
fn org_11_whoever_is_hidden_is_no_principal() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let (directory, tenant) = (place.node.directory.clone(), place.node.mailbox.tenant);
        let board = NewDepartment {
            name: "Board".to_owned(),
            parent: DepartmentId::ROOT,
            rank: 0,
        };
        let board = directory.create_department(tenant, &board).await.unwrap().id;
        let chief = NewAccount {
            display_name: "Chief".to_owned(),
            departments: vec![board],
            ..NewAccount::at(at("chief"))
        };
        directory.create_account(&chief).await.unwrap();
        let (state, open) = all(&mut place).await;
        let chief = id(&open, "Chief").to_owned();
        let rules = Visibility {
            hidden_departments: vec![board],
            ..directory.visibility(tenant).await.unwrap()
        };
        directory.set_visibility(tenant, &rules, None).await.unwrap();
        let (_, now) = all(&mut place).await;
        assert_eq!(now.len(), 1, "oneself: {now:?}");
        let wanted = json!({"accountId": "$account", "ids": [chief]});
        assert_eq!(
            ask(&mut place, "Principal/get", wanted).await["notFound"],
            json!([chief])
        );
        let since = json!({"accountId": "$account", "sinceState": state});
        let told = ask(&mut place, "Principal/changes", since).await;
        assert_eq!(
            told["type"], "cannotCalculateChanges",
            "whoever was seen may be hidden: {told:#}"
        );
        place.stop().await;
    });
}

#[test]
fn org_8_principals_are_in_the_order_of_what_is_shown_of_them() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let (directory, tenant) = (place.node.directory.clone(), place.node.mailbox.tenant);
        for (local, name, alias) in [("w", "Wanda", "Yves"), ("x", "Xaver", "Zora"), ("y", "Yusuf", "Xenia")] {
            let new = NewAccount {
                display_name: name.to_owned(),
                profile: Profile {
                    nickname: alias.to_owned(),
                    ..Profile::default()
                },
                ..NewAccount::at(at(local))
            };
            directory.create_account(&new).await.unwrap();
        }
        for (names, expect) in [
            (DisplayNames::Name, ["Wanda", "Xaver", "Yusuf"]),
            (DisplayNames::Alias, ["Xenia", "Yves", "Zora"]),
            (
                DisplayNames::AliasName,
                ["Xenia (Yusuf)", "Yves (Wanda)", "Zora (Xaver)"],
            ),
        ] {
            let page = OrganisationPage {
                display_names: names,
                ..OrganisationPage::default()
            };
            directory.set_page(tenant, &page, None).await.unwrap();
            let listed = all(&mut place).await.1;
            let listed: Vec<&str> = listed.iter().skip(1).map(|one| one.0.as_str()).collect();
            assert_eq!(listed, expect, "{names:?}, behind oneself");
            let wanted = json!({"accountId": "$account", "sort": [{"property": "name"}], "position": 1});
            let found = ask(&mut place, "Principal/query", wanted).await;
            let wanted = json!({"accountId": "$account", "ids": found["ids"]});
            let got = ask(&mut place, "Principal/get", wanted).await;
            let shown = |id: &Value| {
                got["list"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|one| one["id"] == *id)
                    .unwrap()["name"]
                    .clone()
            };
            let sorted: Vec<Value> = found["ids"].as_array().unwrap().iter().map(shown).collect();
            assert_eq!(json!(sorted), json!(expect), "{names:?}");
        }
        place.stop().await;
    });
}

#[test]
fn org_12_department_and_title_are_shown_where_the_organisation_wants_it() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let (directory, tenant) = (place.node.directory.clone(), place.node.mailbox.tenant);
        let sales = NewDepartment {
            name: "Sales".to_owned(),
            parent: DepartmentId::ROOT,
            rank: 0,
        };
        let sales = directory.create_department(tenant, &sales).await.unwrap().id;
        let bob = NewAccount {
            display_name: "Bob Ng".to_owned(),
            departments: vec![sales],
            profile: Profile {
                title: "Manager".to_owned(),
                mobile: "+8613800001111".to_owned(),
                landline: "010-555".to_owned(),
                employee_id: "E4711".to_owned(),
                nickname: "Bobby".to_owned(),
                family_name: "Nguyen".to_owned(),
                ..Profile::default()
            },
            ..NewAccount::at(at("bob"))
        };
        let bob = format!("P{:012x}", directory.create_account(&bob).await.unwrap().id.0);
        let mut state = all(&mut place).await.0;
        for (show_department, show_title, expect) in [
            (false, false, json!(null)),
            (true, false, json!("Sales")),
            (false, true, json!("Manager")),
            (true, true, json!("Manager, Sales")),
        ] {
            let rules = Visibility {
                show_department,
                show_title,
                ..directory.visibility(tenant).await.unwrap()
            };
            directory.set_visibility(tenant, &rules, None).await.unwrap();
            let wanted = json!({"accountId": "$account", "ids": [bob], "properties": ["description"]});
            let got = ask(&mut place, "Principal/get", wanted).await;
            assert_eq!(got["list"][0]["description"], expect, "{got:#}");
            let wanted = json!({"accountId": "$account", "filter": {"text": "manager"}});
            let found = ask(&mut place, "Principal/query", wanted).await;
            let expect = if show_title { json!([bob]) } else { json!([]) };
            assert_eq!(found["ids"], expect, "what is not shown is not found");
            for (property, hidden) in [
                ("text", "13800001111"),
                ("text", "010555"),
                ("text", "E4711"),
                ("text", "Bobby"),
                ("name", "Bobby"),
                ("text", "Nguyen"),
            ] {
                let wanted = json!({"accountId": "$account", "filter": {property: hidden}});
                let found = ask(&mut place, "Principal/query", wanted).await;
                assert_eq!(found["ids"], json!([]), "{property} {hidden}");
            }
            let since = json!({"accountId": "$account", "sinceState": state});
            let told = ask(&mut place, "Principal/changes", since).await;
            if show_department || show_title {
                assert_eq!(told["type"], "cannotCalculateChanges", "{told:#}");
            }
            state = got["state"].as_str().unwrap().to_owned();
        }
        // What a department is called is seen at who is in it.
        let renamed = DepartmentChange {
            name: Some("Markets".to_owned()).into(),
            ..DepartmentChange::default()
        };
        directory.change_department(tenant, sales, &renamed).await.unwrap();
        let since = json!({"accountId": "$account", "sinceState": state});
        let told = ask(&mut place, "Principal/changes", since).await;
        assert_eq!(told["type"], "cannotCalculateChanges", "{told:#}");
        place.stop().await;
    });
}

#[test]
fn rfc_9670_principals_are_found_by_each_of_their_properties() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let directory = place.node.directory.clone();
        let new = |local: &str, kind, name: &str| NewAccount {
            kind,
            display_name: name.to_owned(),
            ..NewAccount::at(at(local))
        };
        for (local, kind, name) in [
            ("bob", AccountKind::Member, "Robert Ng"),
            ("eve", AccountKind::Member, "Eve Bobson"),
            ("team", AccountKind::Shared, "Team"),
        ] {
            directory.create_account(&new(local, kind, name)).await.unwrap();
        }
        let (_, known) = all(&mut place).await;
        let own = place.account();
        let found = async |place: &mut Client, filter: Value| -> Vec<String> {
            let wanted = json!({"accountId": "$account", "filter": filter, "sort": [{"property": "email"}]});
            let found = ask(place, "Principal/query", wanted).await;
            let ids = found["ids"].as_array().unwrap_or_else(|| panic!("{found:#}")).iter();
            let name = |id: &Value| known.iter().find(|one| json!(one.2) == *id).unwrap().0.clone();
            ids.map(name).collect()
        };
        for (filter, expect) in [
            (json!({"name": "BOB"}), vec!["Eve Bobson"]),
            (json!({"email": "BOB@"}), vec!["Robert Ng"]),
            (json!({"text": "bob"}), vec!["Robert Ng", "Eve Bobson"]),
            (json!({"name": "ng", "email": "eve"}), vec![]),
            (json!({"type": "other"}), vec!["Team"]),
            (json!({"type": "location"}), vec![]),
            (json!({"timeZone": "Asia/Shanghai"}), vec![]),
            (json!({"accountIds": []}), vec![]),
            (json!({"accountIds": ["A00009999"]}), vec![]),
            (
                json!({"operator": "AND", "conditions": [{"type": "individual"},
                    {"operator": "NOT", "conditions": [{"name": "bob"}, {"accountIds": [own]}]}]}),
                vec!["Robert Ng"],
            ),
        ] {
            assert_eq!(found(&mut place, filter.clone()).await, expect, "{filter}");
        }
        for (arguments, error) in [
            (json!({"filter": {"phone": "1"}}), "invalidArguments"),
            (json!({"filter": {"type": "robot"}}), "invalidArguments"),
            (json!({"sort": [{"property": "size"}]}), "unsupportedSort"),
            (json!({"anchor": "P000000009999"}), "anchorNotFound"),
        ] {
            let mut wanted = arguments.clone();
            wanted["accountId"] = json!("$account");
            let refused = ask(&mut place, "Principal/query", wanted).await;
            assert_eq!(refused["type"], error, "{arguments}: {refused:#}");
        }
        let unknown = json!({"accountId": "$account", "ids": ["G000000000099", "P0", "F00000001"]});
        let got = ask(&mut place, "Principal/get", unknown.clone()).await;
        assert_eq!((&got["list"], &got["notFound"]), (&json!([]), &unknown["ids"]));
        place.stop().await;
    });
}
