//! The recycle bin: who leaves, what becomes of their mailboxes, and who may decide that.

use super::organisation::{acme, as_actor, as_member};
use super::*;
use hongyan_access::Visit;
use hongyan_openid::{Admission, Arrived, Comer, OpenIdError, Vouched, Wish};
use hongyan_types::Address;

#[test]
fn mem_16_deleted_unbound_restored_shared_purged() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let password = json!({"password": "Correct-horse9"});
        let set = call(api, "PUT", "/api/members/zs@d.test/password", password.clone()).await;
        assert_eq!(set.0, 204);
        let group = json!({"address": "all@d.test", "representatives": ["zs@d.test"]});
        assert_eq!(call(api, "POST", "/api/groups", group).await.0, 201);
        let (status, problem) = call(api, "DELETE", "/api/members/zs@d.test", Value::Null).await;
        assert_eq!((status, &problem["type"]), (409, &json!("in-use")));
        assert!(problem["detail"].as_str().unwrap().contains("all@d.test"), "{problem}");
        let uses = json!([{"kind": "representative", "of": "all@d.test"}]);
        assert_eq!(problem["uses"], uses);
        let disabled = call(api, "PATCH", "/api/members/zs@d.test", json!({"state": "disabled"})).await;
        assert_eq!((disabled.0, &disabled.1["uses"]), (409, &uses));
        let gone = call(api, "DELETE", "/api/members/zs@d.test?confirm_uses=true", Value::Null).await;
        assert_eq!(gone.0, 204);
        assert_eq!(call(api, "GET", "/api/members/zs@d.test", Value::Null).await.0, 404);
        let (status, problem) = call(api, "POST", "/api/members", json!({"address": "zs@d.test"})).await;
        assert_eq!((status, &problem["type"]), (409, &json!("exists")));
        assert!(problem["detail"].as_str().unwrap().contains("recycle bin"), "{problem}");
        let unbound = call(api, "POST", "/api/members/anna@d.test/unbind", Value::Null).await;
        assert_eq!((unbound.0, &unbound.1["kind"]), (200, &json!("unbound")));
        let listed = call(api, "GET", "/api/recycle-bin?limit=1", Value::Null).await.1;
        assert_eq!(listed["items"][0]["address"], "zs@d.test");
        let next = listed["next"].as_str().unwrap();
        let listed = call(api, "GET", &format!("/api/recycle-bin?after={next}"), Value::Null)
            .await
            .1;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);

        let weak = json!({"password": "Short7"});
        let restore = "/api/recycle-bin/zs@d.test/restore";
        assert_eq!(call(api, "POST", restore, weak).await.0, 400);
        let (status, back) = call(api, "POST", restore, password).await;
        assert_eq!(
            (status, &back["departments"], &back["state"]),
            (200, &json!([2]), &json!("active"))
        );
        let secret = Secret::new("Correct-horse9");
        let proved = state
            .access
            .verify_password(Protocol::Imap, "zs@d.test", &secret, [192, 0, 2, 1].into());
        assert!(proved.await.is_ok(), "the new password is good");
        assert_eq!(call(api, "POST", restore, json!({})).await.0, 404);

        let merge = "/api/recycle-bin/anna@d.test/merge";
        let into = |member: &str| json!({"member": member, "folder": "Anna"});
        assert_eq!(call(api, "POST", merge, into("nobody@d.test")).await.0, 404);
        let inbox = json!({"member": "zs@d.test", "folder": "inbox"});
        assert_eq!(call(api, "POST", merge, inbox).await.0, 400);
        let member = as_member(&router, &state, "zs@d.test").await;
        assert_eq!(call(&member, "POST", merge, into("zs@d.test")).await.0, 403);
        let (status, task) = call(api, "POST", merge, into("zs@d.test")).await;
        assert_eq!((status, &task["job"]), (202, &json!("merge-mailbox")), "{task}");

        let share = "/api/recycle-bin/anna@d.test/share";
        let nobody = json!({"members": ["nobody@d.test"]});
        assert_eq!(call(api, "POST", share, nobody).await.0, 404);
        let (status, shared) = call(api, "POST", share, json!({"members": ["zs@d.test"]})).await;
        assert_eq!((status, &shared["kind"]), (200, &json!("shared")));
        let users = call(api, "GET", "/api/members/anna@d.test/users", Value::Null).await.1;
        assert_eq!(users["items"][0]["member"], "zs@d.test");
        let person = call(api, "POST", "/api/members/anna@d.test/unbind", Value::Null).await;
        assert_eq!(person.0, 400);
        assert_eq!(
            call(api, "DELETE", "/api/members/anna@d.test", Value::Null).await.0,
            204
        );
        let purged = "/api/recycle-bin/anna@d.test";
        assert_eq!(call(api, "DELETE", purged, Value::Null).await.0, 202);
        let (status, problem) = call(api, "POST", share, json!({})).await;
        assert_eq!((status, &problem["type"]), (409, &json!("refused")));
        let log = call(api, "GET", "/api/audit?action=member.", Value::Null).await.1;
        let said: Vec<_> = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| &entry["action"])
            .collect();
        for action in ["member.purge", "member.restore", "member.recycle"] {
            assert!(said.contains(&&json!(action)), "{action}: {said:?}");
        }
    });
}

#[test]
fn mem_16_mail_leaves_the_bin_for_whoever_may_and_that_is_in_the_log() {
    hongyan_actor::run(0, async {
        let (api, state) = open_api().await;
        let operator = as_actor(&api, Actor::socket());
        acme(&operator).await;
        let path = "/api/recycle-bin/anna@d.test/mails";
        assert_eq!(call(&operator, "GET", path, Value::Null).await.0, 404, "she is there");
        assert_eq!(
            call(&operator, "DELETE", "/api/members/anna@d.test", Value::Null)
                .await
                .0,
            204
        );
        let member = as_member(&api, &state, "zs@d.test").await;
        assert_eq!(call(&member, "GET", path, Value::Null).await.0, 403);
        // Here are no mailboxes: nothing was taken, and the log does not say so.
        assert_eq!(call(&operator, "GET", path, Value::Null).await.0, 409);
        let log = call(&operator, "GET", "/api/audit?organisation=Acme", Value::Null)
            .await
            .1;
        assert!(!log.to_string().contains("recycle-bin.back-up"));
    });
}

#[test]
fn mem_19_who_leaves_comes_back_by_the_administrator_alone() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let secret = &Secret::new("Correct-horse9");
        let password = json!({"password": "Correct-horse9"});
        let set = call(api, "PUT", "/api/members/zs@d.test/password", password.clone()).await;
        assert_eq!(set.0, 204);
        let group = json!({"address": "all@d.test", "representatives": ["zs@d.test"]});
        assert_eq!(call(api, "POST", "/api/groups", group).await.0, 201);
        let zs = &as_member(&router, &state, "zs@d.test").await;
        let anna = &as_member(&router, &state, "anna@d.test").await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let theirs = "/api/members/zs@d.test/leave";
        for (who, status) in [(anna, 403), (boss, 403), (api, 403)] {
            assert_eq!(call(who, "POST", theirs, Value::Null).await.0, status);
        }
        let (status, problem) = call(boss, "POST", "/api/members/me/leave", Value::Null).await;
        assert_eq!((status, &problem["type"]), (409, &json!("refused")), "{problem}");
        let (status, problem) = call(zs, "POST", "/api/members/me/leave", Value::Null).await;
        assert_eq!((status, &problem["type"]), (409, &json!("in-use")));
        let address = Address::try_from("zs@d.test").unwrap();
        let from = [192, 0, 2, 1].into();
        let proved = state.access.verify_password(Protocol::Imap, "zs@d.test", secret, from);
        let identity = proved.await.unwrap();
        let session = state.access.open_session(&identity, "192.0.2.1:9".parse().unwrap());
        let session = session.await.unwrap();
        let left = call(zs, "POST", "/api/members/me/leave?confirm_uses=true", Value::Null).await;
        assert_eq!(left.0, 204, "{left:?}");
        assert_eq!(session.watch().revocation(), Some(Revocation::Deleted));
        assert!(state.directory.account_at(&address).await.is_err());
        let (_, shown) = call(boss, "GET", "/api/recycle-bin/zs@d.test", Value::Null).await;
        assert_eq!(shown["kind"], "unbound", "{shown}");
        let told = call(boss, "GET", "/api/messages", Value::Null).await.1;
        assert_eq!(told["items"][0]["kind"], "member.left", "{told}");
        let log = call(api, "GET", "/api/audit?action=member.recycle", Value::Null)
            .await
            .1;
        let fields = log["items"][0]["fields"].as_array().unwrap();
        let leaving = fields.iter().find(|field| field["field"] == "leaving").unwrap();
        assert_eq!(leaving["after"], "true", "{log}");
        let proved = state.access.verify_password(Protocol::Imap, "zs@d.test", secret, from);
        assert!(proved.await.is_err());
        let back = call(boss, "POST", "/api/recycle-bin/zs@d.test/restore", password).await;
        assert_eq!(back.0, 200, "{back:?}");
        let proved = state.access.verify_password(Protocol::Imap, "zs@d.test", secret, from);
        assert!(proved.await.is_ok());
    });
}

#[test]
fn adm_9_the_bin_is_as_far_as_the_right_reaches() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let role = json!({"kind": "delegated", "functions": ["members"], "departments": [1]});
        assert_eq!(call(api, "PUT", "/api/members/lead@d.test/role", role).await.0, 200);
        for address in ["zs@d.test", "anna@d.test"] {
            let path = format!("/api/members/{address}");
            assert_eq!(call(api, "DELETE", &path, Value::Null).await.0, 204);
        }
        let lead = &as_member(&router, &state, "lead@d.test").await;
        let seen = call(lead, "GET", "/api/recycle-bin", Value::Null).await.1;
        let items = seen["items"].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["address"]), (1, &json!("zs@d.test")));
        let check = async |method: &str, path: &str, body: Value, expect: (u16, &str)| {
            let (status, problem) = call(lead, method, path, body).await;
            assert_eq!((status, problem["detail"].as_str().unwrap_or_default()), expect);
        };
        let hidden = (404, "recycled mailbox anna@d.test does not exist");
        check("GET", "/api/recycle-bin/anna@d.test", Value::Null, hidden).await;
        check("POST", "/api/recycle-bin/anna@d.test/restore", json!({}), hidden).await;
        let (status, _) = call(lead, "POST", "/api/recycle-bin/zs@d.test/share", json!({})).await;
        assert_eq!(status, 403);
        let (status, _) = call(
            lead,
            "POST",
            "/api/recycle-bin/zs@d.test/restore",
            json!({"invited": true}),
        )
        .await;
        assert_eq!(status, 200);
        let nobody = &as_member(&router, &state, "zs@d.test").await;
        assert_eq!(call(nobody, "GET", "/api/recycle-bin", Value::Null).await.0, 403);
        let boss = call(api, "DELETE", "/api/members/boss@d.test?confirm_uses=true", Value::Null).await;
        assert_eq!((boss.0, &boss.1["type"]), (409, &json!("refused")));
    });
}

/// The account that the provider's person "anna" is signed in to, by the link that there is; with `mail`, by one that is made.
async fn signed_in(state: &AdminState, mail: Option<&str>) -> Result<String, OpenIdError> {
    let sso = state.single_sign_on.as_ref().unwrap();
    let tenant = state.directory.tenant_named("Acme").await.unwrap().id;
    let wish = Wish {
        back: "/",
        link: None,
        prove: false,
        login: None,
    };
    let begun = sso.begin(tenant, "https://id.test", &wish)?;
    let attempt = sso.kept(&begun.state, &begun.cookie.1)?;
    let admission = Admission {
        link_by_mail: mail.is_some(),
        create_members: false,
        vouches_second_factor: true,
    };
    let identity = Vouched {
        issuer: "https://id.test".to_owned(),
        subject: "anna".to_owned(),
        mail: mail.map(str::to_owned),
        ..Vouched::default()
    };
    let comer = Comer {
        visit: Visit {
            peer: [192, 0, 2, 1].into(),
            client: "Browser",
            device: None,
        },
        session: None,
    };
    match sso.admit(&attempt, admission, &identity.into(), comer).await? {
        Arrived::SignedIn { begun, .. } => Ok(begun.session.account.address.to_string()),
        Arrived::Linked { back } => panic!("linked, then {back}"),
    }
}

#[test]
fn mem_13_who_had_a_mailbox_is_not_let_in_to_the_next_ones() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let anna = "anna@d.test";
        assert_eq!(signed_in(&state, Some(anna)).await.unwrap(), anna);
        assert_eq!(signed_in(&state, None).await.unwrap(), anna, "linked from now on");
        // Deleted and back: all is as it was.
        let restore = "/api/recycle-bin/anna@d.test/restore";
        assert_eq!(
            call(api, "DELETE", "/api/members/anna@d.test", Value::Null).await.0,
            204
        );
        assert!(signed_in(&state, None).await.is_err(), "nobody is let in to the bin");
        assert_eq!(call(api, "POST", restore, json!({})).await.0, 200);
        assert_eq!(signed_in(&state, None).await.unwrap(), anna);
        // Deleted and given to Ben; by the way of administrators who say that it is still she, to her.
        let delete = async || call(api, "DELETE", "/api/members/anna@d.test", Value::Null).await.0;
        assert_eq!(delete().await, 204);
        let married = json!({"display_name": "Anna B", "another_person": false});
        assert_eq!(call(api, "POST", restore, married).await.0, 200);
        assert_eq!(signed_in(&state, None).await.unwrap(), anna);
        for given in [json!({"display_name": "Ben"}), json!({"another_person": true})] {
            let chosen = json!({"profile": {"title": "Buyer"}, "language": "zh-CN"});
            let set = call(api, "PATCH", "/api/members/anna@d.test", chosen).await;
            assert_eq!((set.0, &set.1["profile"]["title"]), (200, &json!("Buyer")), "{}", set.1);
            assert_eq!(delete().await, 204);
            let (status, ben) = call(api, "POST", restore, given.clone()).await;
            assert_eq!((status, &ben["profile"]["title"]), (200, &json!("")), "{given}: {ben}");
            assert_eq!(ben["language"], Value::Null, "{given}");
            let refused = signed_in(&state, None).await;
            assert!(matches!(refused, Err(OpenIdError::Nobody(_))), "{given}: {refused:?}");
            assert_eq!(signed_in(&state, Some(anna)).await.unwrap(), anna, "linked anew");
        }
        // Taken from her and given to Ben.
        let unbound = call(api, "POST", "/api/members/anna@d.test/unbind", Value::Null).await;
        assert_eq!(unbound.0, 200);
        let ben = json!({"display_name": "Ben"});
        assert_eq!(call(api, "POST", restore, ben).await.0, 200);
        let refused = signed_in(&state, None).await;
        assert!(matches!(refused, Err(OpenIdError::Nobody(_))), "{refused:?}");
        let log = call(api, "GET", "/api/audit?action=member.unlink-identity", Value::Null)
            .await
            .1;
        assert_eq!(log["items"].as_array().unwrap().len(), 3, "{log}");
    });
}
