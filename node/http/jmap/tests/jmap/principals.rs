//! RFC 9670: who there is in the organisation.

use hongyan_directory::{
    AccountChange, AccountKind, AccountState, DepartmentId, NewAccount, NewDepartment, NewGroup, Visibility,
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
