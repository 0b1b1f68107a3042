//! Orders of a larger mailbox: what is stored for the next life of the server says the same as the mails do.

use std::time::Duration;

use hongyan_jmap::Id;
use hongyan_mailbox::{EmailId, read_summaries, summary_of};
use serde_json::{Value, json};

use crate::support::Client;

const MAILS: u64 = 600;

async fn sorted(place: &mut Client, by: &str) -> Vec<Value> {
    let calls = json!([["Email/query", {"accountId": "$account", "sort": [{"property": by}]}, "0"],
        ["Email/query", {"accountId": "$account", "filter": {"subject": "number 7"}, "sort": [{"property": by}]}, "1"]]);
    let answer = place.call(&calls.to_string()).await;
    [0, 1].map(|at: usize| answer[at][1]["ids"].clone()).into()
}

async fn stored(place: &Client) -> Vec<u64> {
    let found = read_summaries(&place.node.database, place.node.mailbox, (0, 9), 10).await;
    found.unwrap().into_iter().map(|(number, _)| number).collect()
}

#[test]
fn the_first_order_of_another_life_is_the_same() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        for number in 0..MAILS {
            // Subjects in another order than the mails.
            let mixed = number * 7_919 % MAILS;
            let mail = format!("From: a{}@x.test\r\nSubject: number {mixed:04}\r\n\r\nx", mixed % 10);
            place.append("INBOX", 1, &mail).await;
        }
        let before = [sorted(&mut place, "subject").await, sorted(&mut place, "from").await];
        assert_eq!(before[0][0].as_array().unwrap().len() as u64, MAILS);
        // Mails whose ids lie together, up to those among which more may come.
        while stored(&place).await != [0, 1] {
            place.node.env.sleep(Duration::from_millis(1)).await;
        }
        place.forget().await;
        let after = [sorted(&mut place, "subject").await, sorted(&mut place, "from").await];
        assert_eq!(after, before);
        // What is deleted is in no summary any more.
        let gone = Id::try_from("M000000000005").unwrap();
        let calls = json!([["Email/set", {"accountId": "$account", "destroy": [gone]}, "0"]]);
        place.call(&calls.to_string()).await;
        place.forget().await;
        let left = sorted(&mut place, "subject").await;
        let mut expect = before[0].clone();
        for ids in &mut expect {
            ids.as_array_mut().unwrap().retain(|id| *id != json!(gone));
        }
        assert_eq!(left, expect);
        assert_eq!(summary_of(EmailId(5)), 0);
        place.stop().await;
    });
}
