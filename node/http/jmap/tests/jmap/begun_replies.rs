//! Who of the users of a shared mailbox is answering what.

use std::time::Duration;

use hongyan_directory::{AccountKind, GrantRights, Grantee, NewAccount, NewGrant};
use hongyan_http_jmap::JmapSettings;
use hongyan_mailbox::{Acting, Append, AppendMessage, FolderPath, FolderRef, MailboxId, MessageWriter};
use hongyan_miniature::WITHIN;
use hongyan_types::{AccountId, Flag, SystemFlag};
use serde_json::{Value, json};

use super::shared::{ask, at, open, run, session, shown};
use crate::support::Client;

const INBOX: &str = "F00000001";
const QUESTION: &str = "From: x@far.test\r\nMessage-ID: <q1@far.test>\r\nSubject: Price\r\n\r\nHow much?\r\n";

/// Puts a mail into a folder of a mailbox, as somebody does over IMAP.
async fn append(
    place: &Client,
    mailbox: AccountId,
    by: Option<AccountId>,
    (folder, flags): (&str, &[Flag]),
    mail: &str,
) {
    let mailbox = MailboxId {
        account: mailbox,
        ..place.node.mailbox
    };
    let mut writer = MessageWriter::new(&place.node.blobs, mailbox.tenant);
    writer.push(mail.as_bytes()).await.unwrap();
    let request = Append {
        folder: FolderRef::Path(FolderPath::try_from(folder).unwrap()),
        messages: vec![AppendMessage {
            message: writer.finish().await.unwrap(),
            flags: flags.to_vec(),
            internal_date: None,
        }],
    };
    let reply = place.node.router.ask(&mailbox, Acting::new(request, by), WITHIN).await;
    reply.unwrap().unwrap();
}

async fn begun(place: &mut Client, account: &str) -> (String, Vec<Value>) {
    let got = ask(place, "BegunReply/get", json!({"accountId": account})).await;
    let list = got["list"].as_array().unwrap_or_else(|| panic!("{got:#}")).clone();
    (got["state"].as_str().unwrap().to_owned(), list)
}

/// Saves a draft; its id.
async fn save(place: &mut Client, account: &str, more: Value) -> String {
    let mut mail = json!({"mailboxIds": {INBOX: true}, "keywords": {"$draft": true}, "subject": "Re: Price",
        "textBody": [{"partId": "1"}], "bodyValues": {"1": {"value": "5"}}});
    for (name, value) in more.as_object().unwrap() {
        mail[name] = value.clone();
    }
    let made = ask(place, "Email/set", json!({"accountId": account, "create": {"m": mail}})).await;
    let id = made["created"]["m"]["id"].as_str();
    id.unwrap_or_else(|| panic!("{made:#}")).to_owned()
}

#[test]
fn sbx_two_who_answer_the_same_mail_see_each_other() {
    run(async |place| {
        let info = open(place, "info", AccountKind::Shared, GrantRights::FULL).await;
        let account = shown(info);
        let capability = "urn:x-hongyan:jmap:replies";
        let told = session(place).await;
        assert_eq!(
            told["accounts"][&account]["accountCapabilities"][capability]["keptSeconds"],
            3_600
        );
        let own = place.account();
        assert!(told["accounts"][&own]["accountCapabilities"].get(capability).is_none());
        let refused = ask(place, "BegunReply/get", json!({"accountId": own})).await;
        assert_eq!(refused["type"], "accountNotSupportedByMethod");
        let ben = NewAccount {
            display_name: "Ben Li".to_owned(),
            ..NewAccount::at(at("ben"))
        };
        let ben = place.node.directory.create_account(&ben).await.unwrap().id;
        let grant = NewGrant {
            account: info,
            to: Grantee::Account(ben),
            rights: GrantRights::FULL,
            until: None,
        };
        place.node.directory.grant(&grant).await.unwrap();
        append(place, info, None, ("INBOX", &[]), QUESTION).await;
        let listed = ask(place, "Email/query", json!({"accountId": account})).await;
        let question = listed["ids"][0].clone();
        assert_eq!(begun(place, &account).await.1, [] as [Value; 0]);
        // A draft of something else is no reply.
        save(place, &account, json!({"subject": "New"})).await;
        let (before, none) = begun(place, &account).await;
        assert!(none.is_empty());
        let draft = save(place, &account, json!({"inReplyTo": ["q1@far.test"]})).await;
        let (state, one) = begun(place, &account).await;
        let changes = ask(
            place,
            "Email/changes",
            json!({"accountId": account, "sinceState": before}),
        )
        .await;
        assert_eq!(
            (&changes["created"], &changes["newState"]),
            (&json!([draft]), &json!(state)),
            "push tells of it"
        );
        assert_eq!(one.len(), 1);
        assert_eq!(
            (&one[0]["id"], &one[0]["inReplyTo"], &one[0]["emailIds"]),
            (&json!(draft), &json!(["q1@far.test"]), &json!([question]))
        );
        let anna = format!("P{:012x}", place.node.mailbox.account.0);
        assert_eq!(one[0]["by"]["principalId"], json!(anna));
        // Another begins over IMAP: in the folder for drafts, with References only.
        let answer =
            "From: info@example.test\r\nReferences: <q0@far.test> <q1@far.test>\r\nSubject: Re: Price\r\n\r\n4\r\n";
        append(place, info, Some(ben), ("Drafts", &[]), answer).await;
        let flagged = answer.replace("References: <q0@far.test> <q1", "In-Reply-To: <q2");
        append(
            place,
            info,
            Some(ben),
            ("INBOX", &[Flag::System(SystemFlag::Draft)]),
            &flagged,
        )
        .await;
        let (_, all) = begun(place, &account).await;
        assert_eq!(all.len(), 3, "{all:#?}");
        for (reply, answered) in all.iter().zip(["q2@far.test", "q1@far.test"]) {
            let by = (&reply["by"]["name"], &reply["by"]["email"]);
            assert_eq!(by, (&json!("Ben Li"), &json!("ben@example.test")));
            assert_eq!(reply["inReplyTo"], json!([answered]));
        }
        assert_eq!(all[0]["emailIds"], json!([]), "that mail is not here");
        // What is sent is no draft any more, and what is given up is gone.
        let sent = json!({"accountId": account, "update": {&draft: {"keywords/$draft": null}}});
        ask(place, "Email/set", sent).await;
        let (_, left) = begun(place, &account).await;
        assert_eq!(left.len(), 2);
        let gone: Vec<&Value> = left.iter().map(|reply| &reply["id"]).collect();
        let gone = json!({"accountId": account, "destroy": gone});
        ask(place, "Email/set", gone).await;
        assert!(begun(place, &account).await.1.is_empty());
        // Read and answered are the same for all who use it.
        let read = json!({"accountId": account, "update": {question.as_str().unwrap(): {"keywords/$seen": true, "keywords/$answered": true}}});
        ask(place, "Email/set", read).await;
        let shown = json!({"accountId": account, "ids": [question], "properties": ["keywords"]});
        let shown = ask(place, "Email/get", shown).await;
        assert_eq!(shown["list"][0]["keywords"], json!({"$seen": true, "$answered": true}));
    });
}

#[test]
fn sbx_a_reply_that_nobody_goes_on_with_is_over() {
    hongyan_actor::run(1, async {
        let settings = JmapSettings {
            begun_reply_kept: Duration::ZERO,
            ..JmapSettings::default()
        };
        let mut place = Client::start_with(settings).await;
        let info = open(&place, "info", AccountKind::Shared, GrantRights::FULL).await;
        let account = shown(info);
        save(&mut place, &account, json!({"inReplyTo": ["q1@far.test"]})).await;
        // A moment of the same millisecond may still count.
        while !begun(&mut place, &account).await.1.is_empty() {}
        place.stop().await;
    });
}
