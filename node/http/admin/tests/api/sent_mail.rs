//! What became of sent mails, and taking one back (TRK).

use std::sync::{Arc, Mutex};

use hongyan_access::permission::Actor;
use hongyan_delivery::{RecallError, Recalled};
use hongyan_http_admin::{Recalling, router};
use hongyan_trail::{Delivered, Progress, Recipient, Submission, Submissions};
use hongyan_types::Address;
use serde_json::{Value, json};

use super::organisation::{acme, as_actor};
use super::{call, open_api};

const PATH: &str = "/api/members/anna@d.test/sent-mails";

#[test]
fn trk_5_a_mail_is_followed_and_taken_back() {
    hongyan_actor::run(0, async {
        let (_, state) = open_api().await;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let recalls = Recalling {
            door: Some(Arc::new(move |sender, number| {
                noted.lock().unwrap().push((sender.address.to_string(), number));
                let results = match number {
                    1 => Ok(vec![
                        ("b@d.test".to_owned(), Recalled::Yes),
                        ("c@d.test".to_owned(), Recalled::Read),
                    ]),
                    2 => Err(RecallError::TooLate),
                    _ => Err(RecallError::NoSuchSubmission),
                };
                Box::pin(async { results })
            })),
            tracks_scheduled: false,
        };
        let database = state.directory.database().clone();
        let directory = state.directory.clone();
        let open = router(hongyan_http_admin::AdminState { recalls, ..state });
        let api = &as_actor(&open, Actor::socket());
        acme(api).await;
        call(api, "POST", "/api/members", json!({"address": "anna@d.test"})).await;
        let anna = directory
            .account_at(&Address::try_from("anna@d.test").unwrap())
            .await
            .unwrap();
        let submissions = Submissions::of(anna.tenant, anna.id);
        let mut transaction = database.begin();
        for (subject, is_scheduled) in [("one", false), ("two", true)] {
            let submission = Submission {
                email: 1,
                thread: 1,
                identity: 0,
                mail_from: "anna@d.test".to_owned(),
                parameters: Vec::new(),
                send_at_millis: 0,
                is_scheduled,
                progress: Progress::Sent,
                entries: Vec::new(),
                message_id: None,
                from: None,
                reports: None,
                receipts: None,
                subject: Some(subject.to_owned()),
            };
            let recipients = [Recipient::queued(0, "b@d.test".to_owned())];
            let number = submissions
                .add(&mut transaction, &submission, &recipients, 0)
                .await
                .unwrap();
            let outcome = ("b@d.test".to_owned(), Delivered::Yes, "250 ok".to_owned());
            submissions.note(&mut transaction, number, &[outcome]).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let (_, page) = call(api, "GET", &format!("{PATH}?limit=1"), Value::Null).await;
        assert_eq!(page["items"][0]["subject"], "two", "{page:#}");
        assert_eq!(page["items"][0]["recipients"][0]["status"], "hidden", "MODE-3");
        let next = page["next"].as_str().unwrap();
        let (_, page) = call(api, "GET", &format!("{PATH}?limit=1&after={next}"), Value::Null).await;
        let id = page["items"][0]["id"].as_u64().unwrap();
        let (_, shown) = call(api, "GET", &format!("{PATH}/{id}"), Value::Null).await;
        assert_eq!(shown["recipients"][0]["status"], "delivered", "{shown:#}");
        let recall = |id: u64| format!("{PATH}/{id}/recall");
        let (status, results) = call(api, "POST", &recall(1), json!({})).await;
        let expect = json!([{"address": "b@d.test", "result": "recalled"}, {"address": "c@d.test", "result": "read"}]);
        assert_eq!((status, &results["recipients"]), (200, &expect));
        let (status, problem) = call(api, "POST", &recall(2), json!({})).await;
        assert_eq!((status, &problem["type"]), (409, &json!("refused")), "{problem:#}");
        assert_eq!(call(api, "POST", &recall(9), json!({})).await.0, 404);
        for (method, path) in [("GET", format!("{PATH}/-1")), ("POST", format!("{PATH}/x/recall"))] {
            let (status, problem) = call(api, method, &path, Value::Null).await;
            assert_eq!((status, &problem["type"]), (400, &json!("invalid")), "{path}");
        }
        assert_eq!(asked.lock().unwrap()[0], ("anna@d.test".to_owned(), 1));
        let (_, log) = call(api, "GET", "/api/audit?organisation=Acme", Value::Null).await;
        assert!(log.to_string().contains("member.recall-mail"), "{log:#}");
    });
}
