//! Sessions over a socket, against a node in miniature.

mod harness;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::{Client, Node, address, on_node};
use hongyan_access::SessionFilter;
use hongyan_delivery::Notifier;
use hongyan_directory::{
    AccountChange, AccountKind, AccountState, DomainCheck, DomainWork, Field, GrantRights, Grantee, GroupChange,
    Language, Limit, NewAccount, NewGrant, NewGroup, NewSanction, NewTenant, Posting, Restrictions, Role, SanctionKind,
    Sending, TenantChange,
};
use hongyan_mailbox::MailboxError;
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_queue::{Destination, LocalDelivery, Reporter};
use hongyan_router::AskError;
use hongyan_sasl::Secret;
use hongyan_smtp::server::Mode;
use hongyan_trail::{Progress, Submission, Submissions};
use hongyan_types::{AccountId, Timestamp};

const LETTER: &str = "From: Ext <x@far.test>\r\nSubject: hello\r\n\r\n..body";

async fn smtp(node: &Node) -> Client {
    node.connect(Mode::Smtp, |_| {}).await.hello("EHLO").await
}

/// A submission connection of anna's.
async fn submission(node: &Node) -> Client {
    let mut client = node.connect(Mode::Submission, |_| {}).await.hello("EHLO").await;
    // "\0anna@example.test\0pass"
    let reply = client.say("AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHBhc3M=\r\n", 1).await;
    assert_eq!(reply, ["235 2.7.0 Signed in"]);
    client
}

fn codes(replies: &[String]) -> Vec<&str> {
    replies.iter().map(|reply| &reply[..3]).collect()
}

#[test]
fn a_message_is_kept_with_its_trace() {
    on_node(|node| async move {
        let mut client = smtp(&node).await;
        let replies = client.send("x@far.test", &["Anna@Example.test"], LETTER, 1).await;
        assert_eq!(codes(&replies), ["250", "250", "354", "250"], "{replies:?}");
        let kept = node.probe.kept.lock().unwrap().clone();
        assert_eq!((kept.len(), kept[0].folder.as_str()), (1, "INBOX"));
        let text = &kept[0].text;
        assert!(text.starts_with(
            "Return-Path: <x@far.test>\r\nReceived: from client.test ([127.0.0.1])\r\n\tby mx.example.test"
        ));
        assert!(
            text.contains("with ESMTP id ") && text.contains("for <Anna@example.test>;"),
            "{text}"
        );
        assert!(
            text.ends_with("From: Ext <x@far.test>\r\nSubject: hello\r\n\r\n.body\r\n"),
            "{text}"
        );
    });
}

#[test]
fn recipients_are_checked_and_relaying_is_refused() {
    on_node(|node| async move {
        let ben = node.directory.account_at(&address("ben@example.test")).await.unwrap();
        let suspended = AccountChange {
            state: Field::Set(AccountState::Suspended),
            ..AccountChange::default()
        };
        node.directory.change_account(ben.id, &suspended).await.unwrap();
        let mut client = smtp(&node).await;
        client.say("MAIL FROM:<>\r\n", 1).await;
        for (to, expect) in [
            ("nobody@example.test", "550 5.1.1"),
            ("ben@example.test", "550 5.2.1"),
            ("far@other.test", "550 5.7.1"),
            ("anna@[127.0.0.1]", "550 5.1.1"),
            ("anna@[192.0.2.1]", "550 5.7.1"),
            ("anna+lists@example.test", "250 2.1.5"),
        ] {
            let reply = client.say(&format!("RCPT TO:<{to}>\r\n"), 1).await;
            assert!(reply[0].starts_with(expect), "{to}: {reply:?}");
        }
    });
}

#[test]
fn a_group_reaches_its_members_and_leaves_for_the_rest() {
    on_node(|node| async move {
        let mut client = smtp(&node).await;
        let to = ["team@example.test", "anna@example.test"];
        let replies = client.send("x@far.test", &to, LETTER, 1).await;
        assert_eq!(codes(&replies), ["250", "250", "250", "354", "250"], "{replies:?}");
        // Anna is named twice and gets one copy.
        assert_eq!(node.probe.kept.lock().unwrap().len(), 2);
        let queued = node.queued().await;
        assert_eq!(queued.len(), 1);
        assert_eq!(queued[0].destination, Destination::Domain("other.test".to_owned()));
        assert_eq!(queued[0].recipients[0].address, "far@other.test");
        assert_eq!(queued[0].sender.as_deref(), Some("x@far.test"));
    });
}

/// Changes the group team.
async fn change_team(node: &Node, change: GroupChange) {
    let team = address("team@example.test");
    node.directory.change_group(&team, &change).await.unwrap();
}

#[test]
fn grp_4_only_who_may_writes_to_a_group() {
    on_node(|node| async move {
        let posting = |posting| GroupChange {
            posting: Field::Set(posting),
            ..GroupChange::default()
        };
        change_team(&node, posting(Posting::Members)).await;
        let mut outside = smtp(&node).await;
        for (from, expect) in [
            ("x@far.test", "550 5.7.2 You may not write to this list"),
            // Whoever writes an address on an envelope has not signed in by that.
            ("anna@example.test", "550 5.7.2 You may not write to this list"),
            ("far@other.test", "250 2.1.5 Recipient ok"),
        ] {
            outside.say(&format!("RSET\r\nMAIL FROM:<{from}>\r\n"), 2).await;
            let reply = outside.say("RCPT TO:<team@example.test>\r\n", 1).await;
            assert_eq!(reply, [expect], "{from}");
        }
        let mut inside = submission(&node).await;
        let message = "From: anna@example.test\r\nSubject: hi\r\n\r\nx";
        let replies = inside
            .send("anna@example.test", &["team@example.test"], message, 1)
            .await;
        assert_eq!(codes(&replies), ["250", "250", "354", "250"], "{replies:?}");
        change_team(&node, posting(Posting::Unset)).await;
        inside.say("MAIL FROM:<anna@example.test>\r\n", 1).await;
        let reply = inside.say("RCPT TO:<team@example.test>\r\n", 1).await;
        assert_eq!(reply, ["550 5.7.2 You may not write to this list"]);
        for member in ["anna@example.test", "ben@example.test", "far@other.test"] {
            node.directory
                .remove_member(&address("team@example.test"), &address(member))
                .await
                .unwrap();
        }
        let reply = inside.say("RCPT TO:<team@example.test>\r\n", 1).await;
        assert_eq!(reply, ["550 5.2.4 The list has no members"]);
    });
}

#[test]
fn grp_6_a_representative_sends_as_the_group_and_gets_what_comes_back() {
    on_node(|node| async move {
        let message = "From: Team <team@example.test>\r\nSubject: hi\r\n\r\nx";
        let mut inside = submission(&node).await;
        let reply = inside.say("MAIL FROM:<team@example.test>\r\n", 1).await;
        assert_eq!(reply, ["553 5.7.1 You may send only as your own addresses"]);
        let anna = node
            .directory
            .account_at(&address("anna@example.test"))
            .await
            .unwrap()
            .id;
        let representatives = |ids: Vec<_>| GroupChange {
            representatives: Field::Set(ids),
            ..GroupChange::default()
        };
        change_team(&node, representatives(vec![anna])).await;
        for from in ["team@example.test", "anna@example.test"] {
            let replies = inside.send(from, &["ben@example.test"], message, 1).await;
            assert_eq!(codes(&replies), ["250", "250", "354", "250"], "{replies:?}");
        }
        // Mail for the group's members elsewhere goes out in the group's name; what comes back is the representative's.
        let mut outside = smtp(&node).await;
        outside.send("x@far.test", &["team@example.test"], LETTER, 1).await;
        let queued = node.queued().await;
        assert_eq!(queued[0].sender.as_deref(), Some("team@example.test"));
        let before = node.probe.kept.lock().unwrap().len();
        let replies = outside.send("", &["team@example.test"], LETTER, 1).await;
        assert_eq!(codes(&replies), ["250", "250", "354", "250"], "{replies:?}");
        assert_eq!(node.probe.kept.lock().unwrap().len(), before + 1);
        change_team(&node, representatives(Vec::new())).await;
        let replies = inside
            .send("anna@example.test", &["ben@example.test"], message, 1)
            .await;
        assert_eq!(
            replies.last().unwrap(),
            "550 5.7.1 You may send only as your own addresses"
        );
    });
}

#[test]
fn submission_mends_sends_away_and_keeps_a_copy() {
    on_node(|node| async move {
        let mut client = submission(&node).await;
        let message = "From: Anna <anna@example.test>\r\nBcc: ben@example.test\r\nSubject: hi\r\n\r\nx";
        let to = ["ben@example.test", "far@other.test"];
        let replies = client.send("anna@example.test", &to, message, 1).await;
        assert_eq!(codes(&replies), ["250", "250", "250", "354", "250"], "{replies:?}");
        let kept = node.probe.kept.lock().unwrap().clone();
        let folders: Vec<_> = kept.iter().map(|kept| (kept.folder.as_str(), kept.seen)).collect();
        assert_eq!(folders, [("INBOX", false), ("Sent", true)]);
        for part in [
            "with ESMTPA id",
            "Date: ",
            "Message-ID: <",
            "From: Anna <anna@example.test>\r\n",
        ] {
            assert!(kept[0].text.contains(part), "{part}: {}", kept[0].text);
        }
        assert!(!kept[0].text.contains("Bcc"));
        assert_eq!(node.queued().await.len(), 1);
    });
}

#[test]
fn a_submitted_text_without_a_header_is_whole() {
    on_node(|node| async move {
        let mut client = submission(&node).await;
        for text in ["hello there", "Subject: x\r\nhello there\r\n\r\nmore"] {
            node.probe.kept.lock().unwrap().clear();
            let replies = client.send("anna@example.test", &["ben@example.test"], text, 1).await;
            assert_eq!(codes(&replies), ["250", "250", "354", "250"], "{replies:?}");
            let kept = node.probe.kept.lock().unwrap()[0].text.clone();
            let (header, body) = kept.split_once("\r\n\r\n").unwrap();
            assert!(header.contains("From: <anna@example.test>"), "{kept}");
            assert!(header.starts_with("Return-Path: <anna@example.test>"), "{kept}");
            assert!(header.contains("for <ben@example.test>"), "{kept}");
            assert!(body.starts_with("hello there\r\n"), "{kept}");
            assert_eq!(body.contains("more"), text.contains("more"));
        }
    });
}

#[test]
fn submission_is_for_own_addresses_only() {
    on_node(|node| async move {
        let mut client = node.connect(Mode::Submission, |_| {}).await.hello("EHLO").await;
        assert_eq!(
            codes(&client.say("MAIL FROM:<anna@example.test>\r\n", 1).await),
            ["530"]
        );
        let wrong = client.say("AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHdyb25n\r\n", 1).await;
        assert_eq!(wrong, ["535 5.7.8 Authentication failed"]);
        let mut client = submission(&node).await;
        assert_eq!(codes(&client.say("MAIL FROM:<ben@example.test>\r\n", 1).await), ["553"]);
        let forged = "From: ben@example.test\r\n\r\nx";
        let replies = client.send("anna@example.test", &["ben@example.test"], forged, 1).await;
        assert!(replies[3].starts_with("550 5.7.1"), "{replies:?}");
        assert!(node.probe.kept.lock().unwrap().is_empty());
    });
}

#[test]
fn mode_1_a_client_says_when_its_message_leaves() {
    on_node(|node| async move {
        let mut client = submission(&node).await;
        let day = "HOLDUNTIL=2000-01-01T00:00:00Z";
        for wrong in ["HOLDFOR=999999999", day, "HOLDUNTIL=2000-13-01T00:00:00Z"] {
            let refused = client
                .say(&format!("MAIL FROM:<anna@example.test> {wrong}\r\n"), 1)
                .await;
            assert!(refused[0].starts_with("501 5.5.4"), "{wrong}: {refused:?}");
        }
        let begun = client.say("MAIL FROM:<anna@example.test> HOLDFOR=3600\r\n", 1).await;
        assert_eq!(codes(&begun), ["250"]);
        let to = "RCPT TO:<ben@example.test>\r\nRCPT TO:<x@elsewhere.test>\r\nDATA\r\n";
        assert_eq!(codes(&client.say(to, 3).await), ["250", "250", "354"]);
        let ended = client.say("Subject: later\r\n\r\nx\r\n.\r\n", 1).await;
        assert!(ended[0].starts_with("250 2.0.0 Queued"), "{ended:?}");
        let waiting = node.queued().await;
        assert_eq!(waiting.len(), 2, "nothing is delivered before");
        let soon = hongyan_env::Env::real().wall_millis() + 3_000_000;
        assert!(
            waiting
                .iter()
                .all(|entry| entry.due_millis > soon && entry.attempts == 0)
        );
        let mut other = node.connect(Mode::Smtp, |_| {}).await.hello("EHLO").await;
        let refused = other.say("MAIL FROM:<x@elsewhere.test> HOLDFOR=60\r\n", 1).await;
        assert!(refused[0].starts_with("555 5.5.4"), "{refused:?}");
    });
}

#[test]
fn auth_24_a_client_that_needs_an_app_password_is_told_so() {
    on_node(|node| async move {
        let account = AccountId(node.account("anna@example.test").await);
        let access = node.access();
        let set = access.set_secure_login(&node.directory, account, true);
        set.await.unwrap();
        let mut client = node.connect(Mode::Submission, |_| {}).await.hello("EHLO").await;
        let refused = client.say("AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHBhc3M=\r\n", 1).await;
        assert!(
            refused[0].starts_with("534 5.7.9 this account takes an app password"),
            "{refused:?}"
        );
        let wrong = client.say("AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHdyb25n\r\n", 1).await;
        assert_eq!(wrong, ["535 5.7.8 Authentication failed"]);
    });
}

#[test]
fn scram_signs_in() {
    on_node(|node| async move {
        let mut client = node.connect(Mode::Submission, |_| {}).await.hello("EHLO").await;
        for (password, expect) in [("wrong", "535"), ("pass", "235")] {
            let credentials = hongyan_sasl::Credentials {
                authzid: None,
                authcid: "anna@example.test".to_owned(),
                password: hongyan_sasl::Secret::new(password),
            };
            let mechanism = hongyan_sasl::Mechanism::ScramSha256;
            let mut sasl = hongyan_sasl::Client::start(mechanism, credentials, None, [9; 18]).unwrap();
            let auth = hongyan_smtp::Auth {
                mechanism,
                initial: sasl.initial(),
            };
            let mut reply = client.say(&format!("{auth}\r\n"), 1).await;
            while let Some(data) = reply[0].strip_prefix("334 ") {
                use base64::Engine as _;
                let base64 = base64::engine::general_purpose::STANDARD;
                let response = sasl.respond(&base64.decode(data).unwrap()).unwrap();
                reply = client.say(&format!("{}\r\n", base64.encode(response)), 1).await;
            }
            assert!(reply[0].starts_with(expect), "{password}: {reply:?}");
        }
    });
}

#[test]
fn lmtp_answers_for_each_and_keeps_nothing_back() {
    on_node(|node| async move {
        let ben = node.account("ben@example.test").await;
        node.probe
            .refuse
            .lock()
            .unwrap()
            .insert(ben, Err(AskError::Unavailable));
        let mut client = node.connect(Mode::Lmtp, |_| {}).await.hello("LHLO").await;
        let to = ["anna@example.test", "ben@example.test"];
        let replies = client.send("x@far.test", &to, LETTER, 2).await;
        assert_eq!(codes(&replies[3..]), ["354", "250", "451"], "{replies:?}");
        assert!(node.queued().await.is_empty());
    });
}

#[test]
fn no_member_of_a_group_goes_without() {
    on_node(|node| async move {
        let ben = node.account("ben@example.test").await;
        let refusals = &node.probe.refuse;
        refusals.lock().unwrap().insert(ben, Err(AskError::Unavailable));
        for (mode, hello) in [(Mode::Lmtp, "LHLO"), (Mode::Smtp, "EHLO")] {
            let before = node.queued().await.len();
            let mut client = node.connect(mode, |_| {}).await.hello(hello).await;
            let replies = client.send("x@far.test", &["team@example.test"], LETTER, 1).await;
            assert_eq!(codes(&replies), ["250", "250", "354", "250"], "{replies:?}");
            // One entry for the member elsewhere, one for the mailbox that could not answer.
            assert_eq!(node.queued().await.len(), before + 2);
        }
    });
}

#[test]
fn a_mailbox_that_cannot_answer_is_served_through_the_queue() {
    on_node(|node| async move {
        let ben = node.account("ben@example.test").await;
        node.probe
            .refuse
            .lock()
            .unwrap()
            .insert(ben, Err(AskError::Unavailable));
        let mut client = smtp(&node).await;
        let replies = client.send("x@far.test", &["ben@example.test"], LETTER, 1).await;
        assert!(replies[3].starts_with("250 2.0.0 Queued"), "{replies:?}");
        let queued = node.queued().await;
        assert_eq!(queued[0].destination, Destination::Local);
        node.probe.refuse.lock().unwrap().clear();
        let id = "0-1".parse().unwrap();
        let brought = LocalDelivery::deliver(&node.delivery, id, &queued[0]).await;
        assert!(
            matches!(brought.as_slice(), [(0, hongyan_queue::Outcome::Delivered(_))]),
            "{brought:?}"
        );
        assert!(node.probe.kept.lock().unwrap()[0].text.contains("Subject: hello"));
    });
}

#[test]
fn overload_and_full_mailboxes_are_put_off() {
    on_node(|node| async move {
        let ben = node.account("ben@example.test").await;
        let mut client = smtp(&node).await;
        node.probe.refuse.lock().unwrap().insert(ben, Err(AskError::Overloaded));
        let replies = client.send("x@far.test", &["ben@example.test"], LETTER, 1).await;
        assert!(replies[3].starts_with("451 4.3.2"), "{replies:?}");
        node.probe
            .refuse
            .lock()
            .unwrap()
            .insert(ben, Ok(Err(MailboxError::OverQuota)));
        let replies = client.send("x@far.test", &["ben@example.test"], LETTER, 1).await;
        assert!(replies[3].starts_with("452 4.2.2"), "{replies:?}");
        assert!(node.queued().await.is_empty());
        // Beside somebody who is served, the full one waits in the queue.
        let both = ["anna@example.test", "ben@example.test"];
        let replies = client.send("x@far.test", &both, LETTER, 1).await;
        assert_eq!(codes(&replies), ["250", "250", "250", "354", "250"], "{replies:?}");
        assert_eq!(node.queued().await.len(), 1);
    });
}

#[test]
fn rs_13_the_sender_hears_of_failures_in_plain_words() {
    on_node(|node| async move {
        let mut client = submission(&node).await;
        let message = "From: anna@example.test\r\nSubject: lunch\r\n\r\nx";
        client.send("anna@example.test", &["far@other.test"], message, 1).await;
        let mut entry = node.queued().await.remove(0);
        entry.recipients[0].owed = Some(hongyan_queue::ReportKind::Failure);
        entry.recipients[0].last = Some(hongyan_queue::Attempt {
            host: "mx.other.test".to_owned(),
            code: 550,
            status: "5.1.1".to_owned(),
            text: "unknown".to_owned(),
            ..Default::default()
        });
        node.probe.kept.lock().unwrap().clear();
        let kind = hongyan_queue::ReportKind::Failure;
        // The message's bytes are kept by the queue.
        Reporter::report(&node.delivery, "0-1".parse().unwrap(), &entry, kind)
            .await
            .unwrap();
        let kept = node.probe.kept.lock().unwrap().clone();
        for part in [
            "Return-Path: <>",
            "far@other.test",
            "Subject: lunch",
            "There is no mailbox with this address.",
        ] {
            assert!(kept[0].text.contains(part), "{part}: {}", kept[0].text);
        }
        // In the language of whom it goes to: the tenant's, or the account's own.
        let anna = node.directory.account_at(&address("anna@example.test")).await.unwrap();
        let tenant = TenantChange {
            language: Field::Set(Some(Language::Chinese)),
            ..TenantChange::default()
        };
        node.directory.change_tenant(anna.tenant, &tenant).await.unwrap();
        let own = AccountChange {
            language: Field::Set(Some(Language::English)),
            ..AccountChange::default()
        };
        for (number, expect) in [(2, "zh-CN"), (3, "en")] {
            let id = format!("0-{number}").parse().unwrap();
            Reporter::report(&node.delivery, id, &entry, kind).await.unwrap();
            let text = node.probe.kept.lock().unwrap().pop().unwrap().text;
            assert!(text.contains(&format!("Content-Language: {expect}\r\n")), "{text}");
            node.directory.change_account(anna.id, &own).await.unwrap();
        }
        entry.sender = None;
        Reporter::report(&node.delivery, "0-1".parse().unwrap(), &entry, kind)
            .await
            .unwrap();
        assert_eq!(
            node.probe.kept.lock().unwrap().len(),
            1,
            "the null sender is never answered"
        );
    });
}

#[test]
fn success_is_reported_on_request() {
    on_node(|node| async move {
        let mut client = smtp(&node).await;
        client
            .say(
                "MAIL FROM:<ben@example.test>\r\nRCPT TO:<anna@example.test> NOTIFY=SUCCESS\r\nDATA\r\n",
                3,
            )
            .await;
        client.say(&format!("{LETTER}\r\n.\r\n"), 1).await;
        let kept = node.probe.kept.lock().unwrap().clone();
        assert_eq!(kept.len(), 2);
        assert!(kept[1].text.contains("Action: delivered\r\n"), "{}", kept[1].text);
        assert_eq!(kept[1].account, node.account("ben@example.test").await);
    });
}

#[test]
fn circles_and_endless_headers_are_refused() {
    on_node(|node| async move {
        let adjust = |settings: &mut hongyan_session_smtp::SmtpSettings| settings.header_octets_max = 20_000;
        let mut client = node.connect(Mode::Smtp, adjust).await.hello("EHLO").await;
        let circle = format!("{}Subject: x\r\n\r\nx", "Received: by a\r\n".repeat(101));
        let replies = client.send("", &["anna@example.test"], &circle, 1).await;
        assert!(replies[3].starts_with("554 5.4.6"), "{replies:?}");
        let endless = "X-Field: value value value\r\n".repeat(2000);
        let replies = client.send("", &["anna@example.test"], &endless, 1).await;
        assert!(replies[3].starts_with("552 5.3.4"), "{replies:?}");
        assert!(node.probe.kept.lock().unwrap().is_empty());
        let replies = client.send("", &["anna@example.test"], "Subject: header only", 1).await;
        assert_eq!(codes(&replies[3..]), ["250"], "{replies:?}");
    });
}

#[test]
fn gen_5_a_member_s_own_limits_hold_and_are_named() {
    on_node(|node| async move {
        let limit = async |name: &str, limits: &[(Limit, u64)]| {
            let account = node.directory.account_at(&address(name)).await.unwrap();
            let change = AccountChange {
                limits: limits.iter().map(|(limit, value)| (*limit, Some(*value))).collect(),
                ..AccountChange::default()
            };
            node.directory.change_account(account.id, &change).await.unwrap();
        };
        let (octets, recipients) = (Limit::MessageOctetsMax, Limit::RecipientsPerMessageMax);
        limit("anna@example.test", &[(octets, 70_000), (recipients, 1)]).await;
        limit("ben@example.test", &[(octets, 65_536)]).await;
        let mut client = submission(&node).await;
        let hello = client.say("EHLO client.test\r\n", 1).await.join(" ");
        let again = client.say("MAIL FROM:<anna@example.test> SIZE=70001\r\n", 1).await;
        assert_eq!(
            again,
            [
                "552 5.3.4 Message is too large: message_octets_max (set for the member) is 70000 octets and it has 70001"
            ],
            "{hello}"
        );
        let text = "MAIL FROM:<anna@example.test>\r\nRCPT TO:<ben@example.test>\r\nRCPT TO:<x@far.test>\r\nRSET\r\n";
        let replies = client.say(text, 4).await;
        assert_eq!(
            replies[2],
            "452 4.5.3 recipients_per_message_max (set for the member) is 1 and 1 are taken, send to the rest in another message"
        );
        let letter = |octets: usize| format!("Subject: x\r\n\r\n{}", "12345678\r\n".repeat(octets / 10));
        let mut outside = smtp(&node).await;
        let declared = "MAIL FROM:<x@far.test> SIZE=65537\r\nRCPT TO:<ben@example.test>\r\nRSET\r\n";
        let replies = outside.say(declared, 3).await;
        assert!(replies[1].starts_with("552 5.2.3"), "{replies:?}");
        let replies = outside
            .send("x@far.test", &["ben@example.test"], &letter(66_000), 1)
            .await;
        let last = replies.last().unwrap();
        assert!(
            last.starts_with("552 5.2.3 Message is too large: message_octets_max (set for the member) is 65536"),
            "{replies:?}"
        );
        let replies = outside
            .send("x@far.test", &["ben@example.test"], &letter(60_000), 1)
            .await;
        assert_eq!(codes(&replies[3..]), ["250"], "{replies:?}");
    });
}

#[test]
fn org_16_what_the_operator_has_stopped_is_refused_at_once() {
    on_node(|node| async move {
        let anna = node.directory.account_at(&address("anna@example.test")).await.unwrap();
        let mut client = submission(&node).await;
        let limit = async |sending| {
            let new = NewSanction {
                tenant: anna.tenant,
                account: Some(anna.id),
                kind: SanctionKind::Limit,
                restrictions: Restrictions {
                    sending,
                    sending_outside: true,
                },
                reason: "spam".to_owned(),
            };
            node.directory.impose(&new).await.unwrap();
        };
        limit(false).await;
        let text = "MAIL FROM:<anna@example.test>\r\nRCPT TO:<ben@example.test>\r\nRCPT TO:<x@far.test>\r\nRSET\r\n";
        let replies = client.say(text, 4).await;
        assert_eq!(codes(&replies), ["250", "250", "550", "250"], "{replies:?}");
        assert!(replies[2].contains("to other systems"), "{replies:?}");
        limit(true).await;
        let reply = client.say("MAIL FROM:<anna@example.test>\r\n", 1).await;
        assert_eq!(reply, ["550 5.7.1 The operator has stopped your sending"]);
    });
}

#[test]
fn dom_1_from_a_domain_to_try_mail_stays_inside_until_there_is_an_own_one() {
    on_node(|node| async move {
        let new = NewTenant {
            trial_domain: true,
            ..NewTenant::named("Trial")
        };
        let trial = node.directory.create_tenant(&new).await.unwrap();
        let lent = format!("t{}.try.test", trial.id.0);
        let carla = address(&format!("carla@{lent}"));
        let credential = node.access().hash_password(&Secret::new("pass")).await.unwrap();
        let new = NewAccount {
            credential: Some(credential),
            ..NewAccount::at(carla.clone())
        };
        node.directory.create_account(&new).await.unwrap();
        let everybody = NewGroup {
            members: vec![carla.clone(), address("x@far.test")],
            ..NewGroup::at(address(&format!("all@{lent}")))
        };
        node.directory.create_group(&everybody).await.unwrap();
        let mut client = node.connect(Mode::Submission, |_| {}).await.hello("EHLO").await;
        let initial = STANDARD.encode(format!("\0{carla}\0pass"));
        let reply = client.say(&format!("AUTH PLAIN {initial}\r\n"), 1).await;
        assert_eq!(reply, ["235 2.7.0 Signed in"]);
        // Others of this server, but nobody elsewhere, be it through a group.
        let envelope = format!(
            "MAIL FROM:<{carla}>\r\nRCPT TO:<anna@example.test>\r\nRCPT TO:<x@far.test>\r\nRCPT TO:<all@{lent}>\r\nRSET\r\n"
        );
        let replies = client.say(&envelope, 5).await;
        assert_eq!(codes(&replies), ["250", "250", "550", "550", "250"], "{replies:?}");
        // Mail from elsewhere comes.
        let mut outside = smtp(&node).await;
        let replies = outside.send("x@far.test", &[&carla.to_string()], LETTER, 1).await;
        assert_eq!(replies.last().unwrap()[..3], *"250", "{replies:?}");
        // With an own domain the same session writes to all, from the new address.
        let own = hongyan_types::Domain::try_from("own.test").unwrap();
        node.directory.create_domain(trial.id, &own).await.unwrap();
        let id = node.directory.account_at(&carla).await.unwrap().id;
        let check = DomainCheck {
            at: node.directory.now(),
            receives: true,
            answered: true,
            lost: None,
            told: None,
            wrong: Vec::new(),
            registration: Default::default(),
        };
        node.directory.keep_domain_check(&own, &check, None).await.unwrap();
        let lent = hongyan_types::Domain::try_from(lent.as_str()).unwrap();
        let record = node.directory.domain(&lent).await.unwrap();
        assert!(node.directory.replace_trial_domain(&record).await.unwrap());
        while node.directory.step_domain(&lent, DomainWork::Move).await.unwrap() {}
        assert_eq!(node.directory.account(id).await.unwrap().unwrap().address.domain, own);
        let replies = client
            .say("MAIL FROM:<carla@own.test>\r\nRCPT TO:<x@far.test>\r\n", 2)
            .await;
        assert_eq!(codes(&replies), ["250", "250"], "{replies:?}");
    });
}

#[test]
fn grp_a_person_gets_one_copy_by_whatever_paths() {
    on_node(|node| async move {
        let anna = node.account("anna@example.test").await;
        let alias = address("a.berg@example.test");
        node.directory.add_alias(AccountId(anna), &alias).await.unwrap();
        for (name, members) in [
            ("inner", ["anna@example.test", "a.berg@example.test"]),
            ("outer", ["inner@example.test", "team@example.test"]),
        ] {
            let new = NewGroup {
                members: members.map(address).to_vec(),
                ..NewGroup::at(address(&format!("{name}@example.test")))
            };
            node.directory.create_group(&new).await.unwrap();
        }
        let mut client = smtp(&node).await;
        let to = [
            "outer@example.test",
            "team@example.test",
            "Anna+lists@example.test",
            "a.berg@example.test",
            "inner@example.test",
        ];
        let replies = client.send("x@far.test", &to, LETTER, 1).await;
        assert_eq!(replies.last().unwrap()[..3], *"250", "{replies:?}");
        let mut kept: Vec<u64> = node
            .probe
            .kept
            .lock()
            .unwrap()
            .iter()
            .map(|kept| kept.account)
            .collect();
        kept.sort_unstable();
        assert_eq!(kept, [anna, node.account("ben@example.test").await]);
        let queued = node.queued().await;
        assert_eq!(
            (queued.len(), queued[0].recipients.len()),
            (1, 1),
            "one copy for the member elsewhere"
        );
        // Who left is not written to any more, and nothing is said about it.
        node.directory.delete_account(AccountId(anna)).await.unwrap();
        let replies = client.send("x@far.test", &["outer@example.test"], LETTER, 1).await;
        assert_eq!(replies.last().unwrap()[..3], *"250", "{replies:?}");
        assert_eq!(node.probe.kept.lock().unwrap().len(), 3);
        let reply = client
            .say("MAIL FROM:<x@far.test>\r\nRCPT TO:<inner@example.test>\r\n", 2)
            .await;
        assert_eq!(reply[1], "550 5.2.4 The list has no members");
    });
}

#[test]
fn starttls_then_everything_anew() {
    on_node(|node| async move {
        let mut client = smtp(&node).await;
        let reply = client.say("MAIL FROM:<>\r\nSTARTTLS\r\n", 2).await;
        assert_eq!(codes(&reply), ["250", "220"]);
        let mut client = smtp(&node).await;
        let reply = client.say("STARTTLS\r\nMAIL FROM:<>\r\n", 1).await;
        assert_eq!(codes(&reply), ["421"], "nothing in clear behind STARTTLS is executed");
    });
}

#[test]
fn auth_a_revoked_session_is_told_421_and_its_message_is_dropped() {
    on_node(|node| async move {
        let (mut waiting, mut sending) = (submission(&node).await, submission(&node).await);
        let envelope = "MAIL FROM:<anna@example.test>\r\nRCPT TO:<ben@example.test>\r\nDATA\r\n";
        sending.say(envelope, 3).await;
        sending.say_nothing("From: anna@example.test\r\n\r\nhalf").await;
        let sessions = node.access().sessions(SessionFilter::All, None, 9);
        assert_eq!(sessions.len(), 2);
        assert_eq!(sessions[0].client, "client.test");
        let account = SessionFilter::Account(sessions[0].account);
        assert_eq!(node.access().revoke_sessions(account), 2);
        for client in [&mut waiting, &mut sending] {
            let reply = client.say("", 1).await;
            assert_eq!(reply, ["421 4.7.0 The session was ended by an administrator"]);
        }
        assert!(node.probe.kept.lock().unwrap().is_empty());
    });
}

#[test]
fn the_host_has_a_postmaster_however_it_is_written() {
    on_node(|node| async move {
        let mut client = smtp(&node).await;
        client.say("MAIL FROM:<>\r\n", 1).await;
        for (to, expect) in [
            ("Postmaster", "250 2.1.5"),
            ("POSTMASTER", "250 2.1.5"),
            ("pOstmaster@[127.0.0.1]", "250 2.1.5"),
            ("postmaster@[IPv6:::ffff:127.0.0.1]", "250 2.1.5"),
            ("Postmaster@MX.example.test", "250 2.1.5"),
            ("postmaster@Example.test", "250 2.1.5"),
            ("postmaster@[192.0.2.1]", "550 5.7.1"),
            ("postmaster@[IPv6:::1]", "550 5.7.1"),
            ("anna@mx.example.test", "550 5.1.1"),
            ("postmaster@[127.0.0.300]", "553 5.1.3"),
        ] {
            let reply = client.say(&format!("RCPT TO:<{to}>\r\n"), 1).await;
            assert!(reply[0].starts_with(expect), "{to}: {reply:?}");
        }
        // Signed in, too, mail does not leave for an address without a name.
        let mut client = submission(&node).await;
        client.say("MAIL FROM:<anna@example.test>\r\n", 1).await;
        let reply = client.say("RCPT TO:<x@[192.0.2.1]>\r\n", 1).await;
        assert!(reply[0].starts_with("550 5.7.1"), "{reply:?}");
    });
}

#[test]
fn mail_that_comes_back_to_a_group_ends_there() {
    on_node(|node| async move {
        let mut client = smtp(&node).await;
        let replies = client.send("x@far.test", &["team@example.test"], LETTER, 1).await;
        assert_eq!(codes(&replies), ["250", "250", "354", "250"], "{replies:?}");
        let kept = node.probe.kept.lock().unwrap().clone();
        assert_eq!((kept.len(), node.queued().await.len()), (2, 1));
        // The member elsewhere forwards it to the group: everyone has had it, and nobody is to blame.
        let circling = kept[0].text.clone();
        let circling = circling.trim_end_matches("\r\n");
        let replies = client.send("x@far.test", &["team@example.test"], circling, 1).await;
        assert!(replies[3].starts_with("250"), "{replies:?}");
        assert_eq!(node.probe.kept.lock().unwrap().len(), 2);
        assert_eq!(node.queued().await.len(), 1, "neither a copy nor a report leaves");
        // Beside the group someone else gets it, once.
        let to = ["team@example.test", "anna@example.test"];
        let replies = client.send("x@far.test", &to, circling, 1).await;
        assert!(replies[4].starts_with("250"), "{replies:?}");
        assert_eq!(node.probe.kept.lock().unwrap().len(), 3);
        // Sent on by hand, it is a new message.
        let resent = format!("Resent-From: ben@example.test\r\n{circling}");
        client
            .send("ben@example.test", &["team@example.test"], &resent, 1)
            .await;
        assert_eq!(node.probe.kept.lock().unwrap().len(), 5);
        // A made-up mark does nothing.
        let forged = format!("Hongyan-Expanded: {}\r\n{LETTER}", "0".repeat(32));
        client.send("x@far.test", &["team@example.test"], &forged, 1).await;
        assert_eq!(node.probe.kept.lock().unwrap().len(), 7);
    });
}

#[test]
fn acc_3_clients_sign_in_where_they_should() {
    on_node(|node| async move {
        let plain = "AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHBhc3M=\r\n";
        for mode in [Mode::Smtp, Mode::Lmtp] {
            let hello = if mode == Mode::Lmtp { "LHLO" } else { "EHLO" };
            let mut client = node.connect(mode, |_| {}).await.hello(hello).await;
            assert_eq!(codes(&client.say(plain, 1).await), ["502"], "{mode:?}");
        }
        // Where the operator lets clients sign in on port 25, they send as through submission; other hosts need not.
        let open = |settings: &mut hongyan_session_smtp::SmtpSettings| settings.authentication_with_smtp = true;
        let mut client = node.connect(Mode::Smtp, open).await.hello("EHLO").await;
        assert_eq!(
            codes(&client.say("MAIL FROM:<x@far.test>\r\nRSET\r\n", 2).await),
            ["250", "250"]
        );
        assert_eq!(client.say(plain, 1).await, ["235 2.7.0 Signed in"]);
        let message = "Subject: hi\r\n\r\nx";
        let replies = client.send("anna@example.test", &["far@other.test"], message, 1).await;
        assert_eq!(codes(&replies), ["250", "250", "354", "250"], "{replies:?}");
        let text = node.probe.kept.lock().unwrap()[0].text.clone();
        assert!(text.contains("From: <anna@example.test>"), "{text}");
        assert_eq!(codes(&client.say("MAIL FROM:<ben@example.test>\r\n", 1).await), ["553"]);
    });
}

#[test]
fn sbx_a_shared_mailbox_is_sent_as_and_keeps_what_was_sent() {
    on_node(|node| async move {
        let info = NewAccount {
            kind: AccountKind::Shared,
            ..NewAccount::at(address("info@example.test"))
        };
        let info = node.directory.create_account(&info).await.unwrap().id;
        let anna = node
            .directory
            .account_at(&address("anna@example.test"))
            .await
            .unwrap()
            .id;
        let message = "From: Service <info@example.test>\r\nSubject: answer\r\n\r\nx";
        let mut client = submission(&node).await;
        let refused = client.say("MAIL FROM:<info@example.test>\r\n", 1).await;
        assert_eq!(refused, ["553 5.7.1 You may send only as your own addresses"]);
        let grant = |rights| NewGrant {
            account: info,
            to: Grantee::Account(anna),
            rights,
            until: None,
        };
        node.directory.grant(&grant(GrantRights::FULL)).await.unwrap();
        let replies = client
            .send("info@example.test", &["ben@example.test"], message, 1)
            .await;
        assert_eq!(codes(&replies), ["250", "250", "354", "250"], "{replies:?}");
        let kept = node.probe.kept.lock().unwrap().clone();
        let sent = kept.iter().find(|kept| kept.folder == "Sent").unwrap();
        assert_eq!(sent.account, info.0, "the copy is the shared mailbox's");
        let read = GrantRights {
            send: Sending::No,
            ..GrantRights::FULL
        };
        node.directory.grant(&grant(read)).await.unwrap();
        let replies = client
            .send("anna@example.test", &["ben@example.test"], message, 1)
            .await;
        assert_eq!(
            replies.last().unwrap(),
            "550 5.7.1 You may send only as your own addresses"
        );
    });
}

#[test]
fn lgn_1_sending_that_is_closed_to_all_says_so() {
    on_node(|node| async move {
        let account = AccountId(node.account("anna@example.test").await);
        let tenant = node.directory.account(account).await.unwrap().unwrap().tenant;
        let policy = hongyan_directory::SignInPolicy {
            closed: std::collections::BTreeSet::from([hongyan_access::Protocol::Submission]),
            ..hongyan_directory::SignInPolicy::default()
        };
        node.directory.set_sign_in_policy(tenant, &policy, None).await.unwrap();
        let mut client = node.connect(Mode::Submission, |_| {}).await.hello("EHLO").await;
        let refused = client.say("AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHBhc3M=\r\n", 1).await;
        assert!(
            refused[0].starts_with("535 5.7.8 sending with mail clients is switched off"),
            "{refused:?}"
        );
    });
}

#[test]
fn oauth_tokens_sign_in_for_sending() {
    on_node(|node| async move {
        let access = node.access();
        node.account("anna@example.test").await;
        let mail = hongyan_miniature::tokens(access, &node.directory, "submission").await;
        let imap = hongyan_miniature::tokens(access, &node.directory, "imap").await;
        let shown = |token: &str| {
            use base64::Engine;
            let text = format!("n,a=anna@example.test,\u{1}auth=Bearer {token}\u{1}\u{1}");
            base64::engine::general_purpose::STANDARD.encode(text)
        };
        let mut client = node.connect(Mode::Submission, |_| {}).await.hello("EHLO").await;
        let line = format!("AUTH OAUTHBEARER {}\r\n", shown(imap.access.reveal()));
        let told = client.say(&line, 1).await;
        assert!(told[0].starts_with("334 eyJzdGF0dXMiOi"), "{told:?}");
        let refused = client.say("AQ==\r\n", 1).await;
        assert!(
            refused[0].starts_with("535 5.7.8 this token is not for sending"),
            "{refused:?}"
        );
        let line = format!("AUTH OAUTHBEARER {}\r\n", shown(mail.access.reveal()));
        assert_eq!(codes(&client.say(&line, 1).await), ["235"]);
        assert_eq!(
            codes(&client.say("MAIL FROM:<anna@example.test>\r\n", 1).await),
            ["250"]
        );
    });
}

#[test]
fn gen_4_notices_are_sent_once_to_members_administrators_and_addresses_outside() {
    on_node(|node| async move {
        let (anna, ben) = (
            AccountId(node.account("anna@example.test").await),
            AccountId(node.account("ben@example.test").await),
        );
        let tenant = node.directory.account(anna).await.unwrap().unwrap().tenant;
        let chinese = AccountChange {
            language: Field::Set(Some(Language::Chinese)),
            role: Field::Set(Some(Role::Creator)),
            ..AccountChange::default()
        };
        node.directory.change_account(ben, &chinese).await.unwrap();
        let notice = |to| {
            let english = Text::new("Your records", &format!("They are wrong.\n{}\n", "word ".repeat(30)));
            Notice::new(
                &node.env,
                to,
                "test.records",
                english,
                Text::new("您的记录", "有误。\n"),
            )
        };
        node.directory.send(&notice(Recipient::Member(anna))).await.unwrap();
        let administrators = notice(Recipient::Administrators(tenant));
        node.directory.send(&administrators).await.unwrap();
        let outside = notice(Recipient::Outside {
            tenant,
            address: address("anna@private.test"),
            about: Some(ben),
        });
        node.directory.send(&outside).await.unwrap();
        let notifier = Notifier::new(node.delivery.clone());
        assert_eq!(notifier.step().await.unwrap(), 3);
        assert_eq!(notifier.step().await.unwrap(), 0, "each is sent once");

        let kept = node.probe.kept.lock().unwrap().clone();
        let of = |account: AccountId| kept.iter().find(|kept| kept.account == account.0).unwrap();
        assert_eq!(kept.len(), 2);
        assert!(of(anna).text.contains("Subject: Your records\r\n"), "{}", of(anna).text);
        assert!(of(anna).text.contains("Hongyan-Notice: test.records\r\n"));
        assert!(
            of(anna).text.contains("\r\n\r\nThey are wrong.\r\nword word"),
            "plain, in short lines"
        );
        assert!(
            of(anna).seen,
            "READ-14: it bears a keyword that nobody outside can give"
        );
        assert!(of(ben).text.contains("Content-Language: zh-CN\r\n"));
        let queued = node.queued().await;
        assert_eq!(queued.len(), 1);
        assert_eq!(queued[0].sender, None, "no report comes back");

        let mut transaction = node.database().begin();
        let told = hongyan_notice::told(&mut transaction, tenant, None, 10).await.unwrap();
        assert_eq!(told.len(), 1, "STAT-10: what administrators were told stays known");
        assert_eq!(told[0].notice, administrators);
    });
}

#[test]
fn gen_4_a_notice_waits_for_a_mailbox_that_is_away() {
    on_node(|node| async move {
        let anna = node.account("anna@example.test").await;
        node.probe
            .refuse
            .lock()
            .unwrap()
            .insert(anna, Err(AskError::Unavailable));
        let to = Recipient::Member(AccountId(anna));
        let text = Text::new("s", "b");
        let notice = Notice::new(&node.env, to, "test", text.clone(), text);
        node.directory.send(&notice).await.unwrap();
        let notifier = Notifier::new(node.delivery.clone());
        assert_eq!(notifier.step().await.unwrap(), 1);
        assert_eq!(notifier.step().await.unwrap(), 0, "it is tried again after a pause");
        let later = Timestamp {
            millis: node.env.wall_millis() + 120_000,
        };
        let due = hongyan_notice::due(&mut node.database().begin(), later, 10)
            .await
            .unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!((&due[0].notice, due[0].attempts), (&notice, 1));
    });
}

/// What anna's trail says: of each submission, its subject, and each recipient's address and reply.
async fn trail(node: &Node) -> Vec<(Submission, Vec<(String, String)>)> {
    let anna = node.directory.account_at(&address("anna@example.test")).await.unwrap();
    let submissions = Submissions::of(anna.tenant, anna.id);
    let mut transaction = node.database().begin();
    let mut all = Vec::new();
    for (number, submission) in submissions.all(&mut transaction).await.unwrap() {
        let recipients = submissions.recipients(&mut transaction, number).await.unwrap();
        let told = recipients.into_iter().map(|one| (one.address, one.reply));
        all.push((submission, told.collect()));
    }
    all
}

#[test]
fn trk_2_what_a_mail_client_submits_leaves_a_trail() {
    on_node(|node| async move {
        let mut client = submission(&node).await;
        let mail =
            "From: Anna <anna@example.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@x>\r\n\r\nx";
        let to = ["ben@example.test", "far@other.test"];
        let replies = client.send("anna@example.test", &to, mail, 1).await;
        assert_eq!(codes(&replies), ["250", "250", "250", "354", "250"], "{replies:?}");
        let all = trail(&node).await;
        let (sent, recipients) = &all[0];
        assert_eq!(all.len(), 1);
        assert_eq!(sent.subject.as_deref(), Some("Grüße"));
        assert_eq!(
            (sent.message_id.as_deref(), sent.progress),
            (Some("1@x"), Progress::Sent)
        );
        assert_eq!(sent.from.as_deref(), Some("anna@example.test"));
        assert_eq!(sent.email, 1, "the copy in Sent");
        let expect = [
            ("ben@example.test".to_owned(), "250 2.0.0 Delivered".to_owned()),
            ("far@other.test".to_owned(), "250 2.0.0 Queued".to_owned()),
        ];
        assert_eq!(recipients[..], expect);
        // The queue tells the trail what becomes of the rest.
        let queued = node.queued().await;
        assert!(queued[0].trail().is_some());
        // Nobody has had it: there is nothing to follow.
        let ben = node.account("ben@example.test").await;
        node.probe.refuse.lock().unwrap().insert(ben, Err(AskError::Overloaded));
        let replies = client.send("anna@example.test", &["ben@example.test"], mail, 1).await;
        assert_eq!(codes(&replies).last(), Some(&"451"), "{replies:?}");
        assert_eq!(trail(&node).await.len(), 1);
        // What comes from outside is nobody's submission.
        let mut outside = smtp(&node).await;
        outside.send("x@far.test", &["anna@example.test"], LETTER, 1).await;
        assert_eq!(trail(&node).await.len(), 1);
    });
}

#[test]
fn mode_2_what_a_mail_client_has_wait_can_be_taken_back() {
    on_node(|node| async move {
        let mut client = node
            .connect(Mode::Submission, |settings| {
                settings.delayed_send_max = Duration::from_secs(86_400)
            })
            .await
            .hello("EHLO")
            .await;
        client.say("AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHBhc3M=\r\n", 1).await;
        client.say("MAIL FROM:<anna@example.test> HOLDFOR=3600\r\n", 1).await;
        client.say("RCPT TO:<far@other.test>\r\nDATA\r\n", 2).await;
        let reply = client
            .say("From: anna@example.test\r\nSubject: later\r\n\r\nx\r\n.\r\n", 1)
            .await;
        assert_eq!(codes(&reply), ["250"], "{reply:?}");
        let all = trail(&node).await;
        assert!(all[0].0.is_scheduled && all[0].0.progress == Progress::Sent);
        assert_eq!(all[0].0.entries.len(), 1);
    });
}
