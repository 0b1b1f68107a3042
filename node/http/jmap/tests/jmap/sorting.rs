//! Orders of a larger mailbox: what is stored for the next life of the server says the same as the mails do.

use std::time::Duration;

use hongyan_http_jmap::{JmapSettings, begin_sum};
use hongyan_jmap::Id;
use hongyan_mailbox::{EmailId, read_summaries, summary_of};
use hongyan_miniature::Options;
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

async fn fill(place: &mut Client) {
    for number in 0..MAILS {
        // Subjects in another order than the mails.
        let mixed = number * 7_919 % MAILS;
        let mut mail = format!("From: a{}@x.test\r\nSubject: number {mixed:04}\r\n", mixed % 10);
        if mixed.is_multiple_of(100) {
            mail += "Cc: Zo\u{eb} <zoe@x.test>\r\nBcc: hidden@x.test\r\n";
        }
        mail += &format!("\r\nword{} of {mixed:04}\r\n", mixed % 10);
        place.append("INBOX", 1, &mail).await;
    }
}

#[test]
fn mails_are_summed_up_before_anybody_sorts_them() {
    hongyan_actor::run(1, async {
        let options = Options {
            sums: Some(begin_sum),
            ..Options::default()
        };
        let mut summing = Client::start_on(&options, JmapSettings::default()).await;
        let mut other = Client::start().await;
        fill(&mut summing).await;
        fill(&mut other).await;
        // Of those among which no more will come.
        while stored(&summing).await != [0, 1] {
            summing.node.env.sleep(Duration::from_millis(1)).await;
        }
        for by in ["subject", "from"] {
            assert_eq!(sorted(&mut summing, by).await, sorted(&mut other, by).await);
        }
        // The other's are made by the query, and are the same.
        while stored(&other).await != [0, 1] {
            other.node.env.sleep(Duration::from_millis(1)).await;
        }
        let summaries = async |place: &Client| {
            let found = read_summaries(&place.node.database, place.node.mailbox, (0, 9), 10).await;
            found.unwrap()
        };
        assert_eq!(summaries(&summing).await, summaries(&other).await);
        summing.stop().await;
        other.stop().await;
    });
}

#[test]
fn rfc_8621_4_4_1_cc_and_bcc_are_looked_into_however_they_are_known() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        fill(&mut place).await;
        let calls = json!([
            ["Email/query", {"accountId": "$account", "filter": {"cc": "ZO\u{cb}"}, "calculateTotal": true}, "0"],
            ["Email/query", {"accountId": "$account", "filter": {"bcc": "hidden"}, "calculateTotal": true}, "1"],
            ["Email/query", {"accountId": "$account", "filter": {"cc": "hidden"}, "calculateTotal": true}, "2"],
        ]);
        let mut totals = async || {
            let answer = place.call(&calls.to_string()).await;
            [0, 1, 2].map(|at: usize| answer[at][1]["total"].as_u64().unwrap())
        };
        assert_eq!(totals().await, [6, 6, 0]);
        assert_eq!(totals().await, [6, 6, 0]);
        place.stop().await;
    });
}

#[test]
fn rfc_8621_4_4_1_texts_of_many_mails_are_looked_into() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        fill(&mut place).await;
        let filters = [
            (json!({"body": "word7"}), 60),
            (json!({"text": "WORD7"}), 60),
            (json!({"text": "number"}), 600),
            (json!({"header": ["Cc"]}), 6),
            (
                json!({"operator": "NOT", "conditions": [{"body": "word7"}, {"from": "a6@"}]}),
                480,
            ),
            (
                json!({"operator": "OR", "conditions": [{"body": "word7"}, {"header": ["Cc", "zoe"]}]}),
                66,
            ),
            (json!({"body": "of 0042", "subject": "0042"}), 1),
            (json!({"body": "number"}), 0),
        ];
        for (filter, total) in filters {
            let sort = json!([{"property": "subject"}]);
            let arguments = json!({"accountId": "$account", "filter": filter, "sort": sort, "calculateTotal": true});
            let answer = place.call(&json!([["Email/query", arguments, "0"]]).to_string()).await;
            assert_eq!(answer[0][1]["total"], json!(total), "{filter}");
        }
        place.stop().await;
    });
}

#[test]
fn the_first_order_of_another_life_is_the_same() {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        fill(&mut place).await;
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
