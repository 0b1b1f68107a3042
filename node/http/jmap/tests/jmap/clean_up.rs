//! Clean-up (RS-11): what is old, large, from somebody or about something is counted, and goes in steps.

use hongyan_http_jmap::JmapSettings;
use serde_json::{Value, json};

use crate::support::Client;

async fn clean_up(place: &mut Client, mut arguments: Value) -> Value {
    arguments["accountId"] = json!("$account");
    let answer = place
        .call(&json!([["Email/cleanUp", arguments, "0"]]).to_string())
        .await;
    answer[0][1].clone()
}

#[test]
fn rs_11_what_is_chosen_is_counted_and_goes_in_steps() {
    hongyan_actor::run(1, async {
        let mut place = Client::start_with(JmapSettings {
            clean_up_emails_max: 3,
            ..JmapSettings::default()
        })
        .await;
        for days in 1..=5 {
            let mail = format!(
                "From: news@a.test\r\nSubject: number {days}\r\n\r\n{}",
                "x".repeat(100 * days)
            );
            place.append("INBOX", days as i64, &mail).await;
        }
        place
            .append("Archive", 9, "From: news@a.test\r\nSubject: kept\r\n\r\nx")
            .await;
        let inbox = json!({"operator": "AND", "conditions": [{"inMailbox": "F00000001"}, {"from": "news@a.test"}]});
        let counted = clean_up(&mut place, json!({"filter": inbox, "countOnly": true})).await;
        assert_eq!(
            (&counted["total"], &counted["left"]),
            (&json!(5), &json!(5)),
            "{counted:#}"
        );
        assert_eq!(counted["oldState"], counted["newState"]);
        let first = clean_up(&mut place, json!({"filter": inbox})).await;
        // The oldest, and no more than a step has; the scan can be repeated.
        let oldest = ["M000000000005", "M000000000004", "M000000000003"];
        assert_eq!(
            (&first["destroyed"], &first["left"]),
            (&json!(oldest), &json!(2)),
            "{first:#}"
        );
        assert!(first["destroyedSize"].as_u64() > Some(1_200));
        let next = clean_up(&mut place, json!({"filter": inbox, "limit": 1})).await;
        assert_eq!(
            (&next["destroyed"], &next["left"]),
            (&json!(["M000000000002"]), &json!(1)),
            "{next:#}"
        );
        let large = clean_up(&mut place, json!({"filter": {"minSize": 100_000}})).await;
        assert_eq!((&large["total"], &large["destroyed"]), (&json!(0), &json!([])));
        // Nobody cleans a mailbox by forgetting to say of what.
        let all = clean_up(&mut place, json!({})).await;
        assert_eq!(all["type"], "invalidArguments");
        let calls = json!([["DeletedEmail/get", {"accountId": "$account"}, "0"], ["Email/query", {"accountId": "$account"}, "1"]]);
        let left = place.call(&calls.to_string()).await;
        assert_eq!(left[0][1]["list"].as_array().unwrap().len(), 4, "they can be had back");
        assert_eq!(left[1][1]["ids"].as_array().unwrap().len(), 2);
        place.stop().await;
    });
}
