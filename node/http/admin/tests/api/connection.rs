//! /api/organisations/{name}/connections

use hongyan_access::permission::TokenScopes;
use hongyan_types::Address;

use super::organisation::{acme, as_actor, as_member};
use super::*;

const ACME: &str = "/api/organisations/Acme";
const PATH: &str = "/api/organisations/Acme/connections";

/// What is told of each: kind, id, name, whom it reaches, state, path.
fn rows(list: &Value) -> Vec<Value> {
    let row = |item: &Value| {
        let fields = ["kind", "id", "name", "reaches", "state", "path"];
        Value::from(fields.map(|field| item[field].clone()).to_vec())
    };
    list["items"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn api_5_all_that_an_organisation_is_connected_with_is_in_one_list() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let socket = &as_actor(&router, Actor::socket());
        acme(socket).await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let (status, empty) = call(boss, "GET", PATH, Value::Null).await;
        assert_eq!(status, 200, "{empty}");
        let none = |kind: &str, place: &str| json!([kind, null, "", null, "none", format!("{ACME}/{place}")]);
        assert_eq!(
            rows(&empty),
            [
                none("openid-provider", "single-sign-on"),
                none("saml-provider", "saml"),
                none("ldap", "ldap")
            ]
        );
        for (method, path, body) in [
            (
                "PUT",
                format!("{ACME}/single-sign-on"),
                json!({"issuer": "https://login.acme.test", "client_id": "mail", "label": "Acme login"}),
            ),
            (
                "PUT",
                format!("{ACME}/ldap"),
                json!({"url": "ldaps://8.8.8.8", "base": "dc=acme", "filter": "(mail=*)", "identifier": "entryUUID",
                    "attributes": [{"field": "address", "attribute": "mail"}]}),
            ),
            (
                "PUT",
                format!("{ACME}/connected-applications/portal"),
                json!({"name": "Portal", "redirects": ["https://portal.test/back"]}),
            ),
            (
                "PUT",
                format!("{ACME}/saml-applications/wiki"),
                json!({"name": "Wiki", "entity_id": "https://wiki.test", "consumer_addresses": ["https://wiki.test/acs"], "on": false}),
            ),
            (
                "POST",
                "/api/webhooks".to_owned(),
                json!({"name": "Hook", "url": "https://hook.test/in", "events": ["mail"], "organisation": "Acme"}),
            ),
            (
                "POST",
                "/api/tokens".to_owned(),
                json!({"name": "Script", "scopes": ["members:read"], "account": "boss@d.test"}),
            ),
            (
                "PUT",
                "/api/links?organisation=Acme".to_owned(),
                json!({"items": [{"name": "Desk", "url": "https://desk.test/"}]}),
            ),
        ] {
            let (status, made) = call(socket, method, &path, body).await;
            assert!([200, 201].contains(&status), "{path}: {made}");
        }
        let (_, all) = call(boss, "GET", PATH, Value::Null).await;
        let (hook, token) = (&all["items"][5]["id"], &all["items"][6]["id"]);
        let hook_path = format!("/api/webhooks/{}?organisation=Acme", hook.as_str().unwrap());
        assert_eq!(
            rows(&all),
            [
                json!([
                    "openid-provider",
                    null,
                    "Acme login",
                    "https://login.acme.test",
                    "on",
                    format!("{ACME}/single-sign-on")
                ]),
                none("saml-provider", "saml"),
                json!(["ldap", null, "", "ldaps://8.8.8.8", "on", format!("{ACME}/ldap")]),
                json!([
                    "application",
                    "portal",
                    "Portal",
                    "https://portal.test/back",
                    "on",
                    format!("{ACME}/connected-applications/portal")
                ]),
                json!([
                    "saml-application",
                    "wiki",
                    "Wiki",
                    "https://wiki.test",
                    "off",
                    format!("{ACME}/saml-applications/wiki")
                ]),
                json!(["webhook", hook, "Hook", "https://hook.test/in", "on", hook_path]),
                json!([
                    "token",
                    token,
                    "Script",
                    "boss@d.test",
                    "on",
                    "/api/tokens?organisation=Acme"
                ]),
                json!([
                    "link",
                    null,
                    "Desk",
                    "https://desk.test/",
                    "on",
                    "/api/links?organisation=Acme"
                ]),
            ],
            "{all:#}"
        );
        // Each leads to where it is set up.
        for row in rows(&all) {
            let status = call(boss, "GET", row[5].as_str().unwrap(), Value::Null).await.0;
            assert_eq!(status, if row[4] == "none" { 404 } else { 200 }, "{row}");
        }
        // A program is shown what its token opens, a member nothing, another organisation's people not even that it is there.
        let account = state
            .directory
            .account_at(&Address::try_from("boss@d.test").unwrap())
            .await
            .unwrap();
        let hooks = TokenScopes {
            scopes: ["webhooks:read".to_owned()].into(),
            token: 1,
        };
        let program = as_actor(
            &router,
            Actor::member(&account, Some([192, 0, 2, 9].into()), Some(hooks)),
        );
        let (status, shown) = call(&program, "GET", PATH, Value::Null).await;
        assert_eq!((status, rows(&shown).len()), (200, 1), "{shown}");
        let anna = &as_member(&router, &state, "anna@d.test").await;
        assert_eq!(call(anna, "GET", PATH, Value::Null).await.0, 403);
        call(socket, "POST", "/api/organisations", json!({"name": "Other"})).await;
        let theirs = "/api/organisations/Other/connections";
        assert_eq!(call(boss, "GET", theirs, Value::Null).await.0, 404);
        assert_eq!(rows(&call(socket, "GET", theirs, Value::Null).await.1).len(), 3);
    });
}
