//! The log of mail: the administrators' and one's own.

use hongyan_directory::AccountRecord;
use hongyan_statistics::{MailEntry, MailKind, MailRecipient, MailState};
use hongyan_types::{Address, Timestamp};

use super::organisation::{acme, as_actor, as_member};
use super::*;

const DAY_MILLIS: i64 = 86_400_000;

async fn get(api: &axum::Router, path: &str) -> Value {
    let (status, value) = call(api, "GET", path, Value::Null).await;
    assert_eq!(status, 200, "{path}: {value}");
    value
}

pub(super) fn entry(
    state: &AdminState,
    account: &AccountRecord,
    days_ago: i64,
    kind: MailKind,
    subject: &str,
) -> MailEntry {
    MailEntry {
        at: Timestamp {
            millis: state.access.now().millis - days_ago * DAY_MILLIS,
        },
        tenant: account.tenant,
        account: account.id,
        owner: account.address.to_string(),
        kind,
        subject: subject.to_owned(),
        sender: "s@far.test".to_owned(),
        recipients: vec![MailRecipient {
            address: "r@near.test".to_owned(),
            state: MailState::Delivered,
            words: None,
        }],
        recipients_total: 1,
        octets: 9,
        email: None,
        folder: None,
        submission: None,
    }
}

pub(super) async fn log(state: &AdminState, address: &str, days_ago: i64, kind: MailKind, subject: &str) {
    let address = Address::try_from(address).unwrap();
    let account = state.directory.account_at(&address).await.unwrap();
    state.counts.log_mail(entry(state, &account, days_ago, kind, subject));
    state.counts.write_mail().await;
}

fn subjects(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["subject"].as_str().unwrap()).collect()
}

#[test]
fn stat_5_administrators_see_the_mail_of_their_members_and_no_more() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        log(&state, "zs@d.test", 3, MailKind::Sent, "Plan").await;
        log(&state, "anna@d.test", 2, MailKind::Received, "Offer").await;
        log(&state, "anna@d.test", 200, MailKind::Received, "Old").await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        assert_eq!(subjects(&get(boss, "/api/mail-log").await), ["Offer", "Plan"]);
        let found = get(boss, "/api/mail-log?from_millis=0").await;
        assert_eq!(subjects(&found), ["Offer", "Plan"]);
        assert!(found["note"].as_str().unwrap().contains("180 days are kept"), "{found}");
        for (query, expect) in [
            ("kind=sent", vec!["Plan"]),
            ("subject=OFF", vec!["Offer"]),
            ("domain=far.test", vec!["Offer", "Plan"]),
            ("domain=else.test", vec![]),
            ("account=zs@d.test", vec!["Plan"]),
            ("address=anna@", vec!["Offer"]),
        ] {
            assert_eq!(
                subjects(&get(boss, &format!("/api/mail-log?{query}")).await),
                expect,
                "{query}"
            );
        }
        let first = get(boss, "/api/mail-log?limit=1").await;
        let next = format!("/api/mail-log?limit=1&after={}", first["next"].as_str().unwrap());
        assert_eq!(subjects(&get(boss, &next).await), ["Plan"]);
        let item = &first["items"][0];
        assert_eq!((&item["state"], &item["deleted"]), (&json!("delivered"), &json!(false)));
        for wrong in ["after=x", "kind=all", "body=x", "account=zs@d.test&account_id=1"] {
            let path = format!("/api/mail-log?{wrong}");
            assert_eq!(call(boss, "GET", &path, Value::Null).await.0, 400, "{wrong}");
        }
        // Who manages Tech sees those of Tech alone.
        let role = json!({"kind": "delegated", "functions": ["logs"], "departments": [1]});
        assert_eq!(call(api, "PUT", "/api/members/lead@d.test/role", role).await.0, 200);
        let lead = &as_member(&router, &state, "lead@d.test").await;
        assert_eq!(subjects(&get(lead, "/api/mail-log").await), ["Plan"]);
        let of_anna = call(lead, "GET", "/api/mail-log?account=anna@d.test", Value::Null).await;
        assert_eq!(of_anna.0, 404, "who is not theirs is not there");
        let plain = &as_member(&router, &state, "anna@d.test").await;
        assert_eq!(call(plain, "GET", "/api/mail-log", Value::Null).await.0, 403);
        let read = get(boss, "/api/audit?action=mail-log.").await;
        assert!(
            !read["items"].as_array().unwrap().is_empty(),
            "reading the log is logged"
        );
        // Of who is gone the records stay, marked.
        let id = item["account_id"].as_u64().unwrap();
        assert!(call(api, "DELETE", "/api/members/anna@d.test", Value::Null).await.0 < 300);
        let gone = get(boss, &format!("/api/mail-log?account_id={id}")).await;
        let item = &gone["items"][0];
        assert_eq!(
            (&item["account"], &item["subject"]),
            (&json!("anna@d.test"), &json!("Offer"))
        );
    });
}

#[test]
fn log_4_6_11_members_see_their_own_mail_and_report_it_once() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        log(&state, "zs@d.test", 1, MailKind::Sent, "Plan").await;
        log(&state, "anna@d.test", 1, MailKind::Received, "Offer").await;
        let anna = &as_member(&router, &state, "anna@d.test").await;
        let own = get(anna, "/api/me/mail").await;
        assert_eq!(subjects(&own), ["Offer"], "no others'");
        assert_eq!(subjects(&get(anna, "/api/me/mail?kind=sent").await), Vec::<&str>::new());
        assert!(get(anna, "/api/me/mail?from_millis=0").await["note"].is_string());
        let path = format!("/api/me/mail/{}/report", own["items"][0]["id"].as_str().unwrap());
        let remark = json!({"remark": "Who is this?"});
        assert_eq!(own["items"][0]["actions"], json!([format!("POST {path}")]));
        assert_eq!(call(anna, "POST", &path, remark.clone()).await.0, 204);
        assert_eq!(call(anna, "POST", &path, remark.clone()).await.0, 409, "once");
        let long = json!({"remark": "x".repeat(1_001)});
        assert_eq!(call(anna, "POST", &path, long).await.0, 400);
        let zs = &as_member(&router, &state, "zs@d.test").await;
        assert_eq!(
            call(zs, "POST", &path, remark).await.0,
            404,
            "another's mail is not there"
        );
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let told = get(boss, "/api/messages").await;
        let told = &told["items"][0];
        assert_eq!((&told["kind"], &told["read"]), (&json!("mail.reported"), &json!(false)));
        let text = told["text"].as_str().unwrap();
        assert!(text.contains("Offer") && text.contains("Who is this?"), "{text}");
        assert_eq!(
            call(api, "GET", "/api/me/mail", Value::Null).await.0,
            400,
            "operators have none"
        );
    });
}

#[test]
fn log_10_the_check_up_says_what_to_look_at() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let anna = &as_member(&router, &state, "anna@d.test").await;
        let found = get(anna, "/api/me/check-up").await;
        let facts = found["facts"].as_array().unwrap();
        let second = facts.iter().find(|fact| fact["what"] == "second-factor").unwrap();
        assert_eq!((&second["count"], &second["advised"]), (&json!(0), &json!(true)));
        assert_eq!(found["unusual"], json!([]));
        assert!(
            facts
                .iter()
                .all(|fact| fact["show"].as_str().unwrap().starts_with("GET /api/"))
        );
        let cut = get(anna, "/api/members/me/logins?from_millis=0&unusual=true").await;
        assert!(cut["note"].as_str().unwrap().contains("180 days are kept"), "{cut}");
    });
}

#[test]
fn stat_11_unusual_sign_ins_are_listed_for_the_departments_that_an_administrator_has() {
    hongyan_actor::run(0, async {
        let (router, state) = open_api().await;
        let api = &as_actor(&router, Actor::socket());
        acme(api).await;
        let secret = hongyan_sasl::Secret::new("wrong");
        for name in ["zs@d.test", "anna@d.test"] {
            let peer = [192, 0, 2, 7].into();
            let _ = state.access.verify_password(Protocol::Imap, name, &secret, peer).await;
        }
        state.access.write_logins().await;
        let role = json!({"kind": "delegated", "functions": ["logs"], "departments": [1]});
        assert_eq!(call(api, "PUT", "/api/members/lead@d.test/role", role).await.0, 200);
        let lead = &as_member(&router, &state, "lead@d.test").await;
        let boss = &as_member(&router, &state, "boss@d.test").await;
        let found = |list: Value| list["items"].as_array().unwrap().len();
        assert_eq!(found(get(lead, "/api/logins?failed=true").await), 1, "those of Tech");
        assert_eq!(found(get(boss, "/api/logins?failed=true").await), 2);
        assert_eq!(found(get(boss, "/api/logins?unusual=true").await), 0);
    });
}
