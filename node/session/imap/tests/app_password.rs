//! App passwords over IMAP: what they open, what they may not do, and what a client is told that needs one.

mod support;

use std::collections::BTreeSet;

use hongyan_access::{MadeAppPassword, NewAppPassword, Protocol};
use support::{Client, Node, Options};

fn on_node(test: impl AsyncFnOnce(&Node)) {
    hongyan_actor::run(0, async {
        let node = Node::start(Options::default()).await;
        test(&node).await;
        node.stop().await;
    });
}

async fn add(node: &Node, protocols: &[Protocol], read_only: bool) -> MadeAppPassword {
    let new = NewAppPassword {
        name: "Reader".to_owned(),
        protocols: BTreeSet::from_iter(protocols.iter().copied()),
        read_only,
        days: None,
    };
    let made = node
        .access
        .add_app_password(&node.directory, node.mailbox.account, &new);
    made.await.unwrap()
}

async fn login(node: &Node, password: &str) -> (Client<hongyan_env::Stream>, String) {
    let mut client = node.connect().await;
    client.line().await;
    let answer = client.ask(&format!("LOGIN anna@example.test {password}")).await;
    (client, answer.last().unwrap().clone())
}

#[test]
fn auth_21_one_that_only_reads_changes_nothing() {
    on_node(async |node| {
        node.put(b"Subject: one\r\n\r\nx", 0).await;
        let made = add(node, &[Protocol::Imap], true).await;
        let (mut client, answer) = login(node, made.password.reveal()).await;
        assert!(answer.contains(" OK "), "{answer}");
        let selected = client.ok("SELECT INBOX").await;
        assert!(selected.last().unwrap().contains("[READ-ONLY]"), "{selected:?}");
        client.ok("FETCH 1 BODY[]").await;
        for (command, code) in [
            ("STORE 1 +FLAGS (\\Deleted)", "[READ-ONLY]"),
            ("EXPUNGE", "[READ-ONLY]"),
            ("MOVE 1 Trash", "[READ-ONLY]"),
            ("COPY 1 Trash", "[NOPERM]"),
            ("CREATE New", "[NOPERM]"),
            ("RENAME Trash Old", "[NOPERM]"),
            ("DELETE Archive", "[NOPERM]"),
            ("UNSUBSCRIBE Archive", "[NOPERM]"),
            ("APPEND INBOX {5}", "[NOPERM]"),
        ] {
            let answer = client.ask(command).await;
            let last = answer.last().unwrap();
            assert!(last.contains(&format!(" NO {code}")), "{command}: {answer:?}");
        }
        client.ok("CLOSE").await;
        let status = client.ok("STATUS INBOX (MESSAGES UNSEEN)").await;
        assert!(status[0].contains("MESSAGES 1 UNSEEN 1"), "{status:?}");
    });
}

#[test]
fn auth_21_another_protocols_is_refused_and_one_taken_back_says_bye() {
    on_node(async |node| {
        let pop = add(node, &[Protocol::Pop3], false).await;
        let (_, answer) = login(node, pop.password.reveal()).await;
        let expect = "NO [AUTHORIZATIONFAILED] this app password is not for IMAP";
        assert!(answer.ends_with(expect), "{answer}");
        let imap = add(node, &[Protocol::Imap], false).await;
        let (mut client, _) = login(node, imap.password.reveal()).await;
        client.ok("NOOP").await;
        let account = node.mailbox.account;
        let removed = node.access.remove_app_password(&node.directory, account, imap.kept.id);
        removed.await.unwrap();
        let bye = "* BYE [AUTHORIZATIONFAILED] The app password or token was taken back";
        assert_eq!(client.line().await, bye);
    });
}

#[test]
fn auth_24_with_secure_login_the_answer_says_what_to_do() {
    on_node(async |node| {
        let account = node.mailbox.account;
        let set = node.access.set_secure_login(&node.directory, account, true);
        set.await.unwrap();
        let (_, answer) = login(node, "pass").await;
        let expect = "NO [AUTHORIZATIONFAILED] this account takes an app password here, not the account's password";
        assert!(answer.contains(expect), "{answer}");
        let (_, answer) = login(node, "wrong").await;
        assert!(answer.contains("NO [AUTHENTICATIONFAILED]"), "{answer}");
    });
}

#[test]
fn lgn_8_networks_end_a_running_session_and_say_why() {
    on_node(async |node| {
        let (mut client, _) = login(node, "pass").await;
        client.ok("NOOP").await;
        let account = node.mailbox.account;
        let rule = hongyan_directory::SignInRule {
            networks: hongyan_types::AddressRanges::read(&["192.0.2.1"]).unwrap().0,
            ..hongyan_directory::SignInRule::default()
        };
        let set = node.access.set_sign_in_rule(&node.directory, account, &rule);
        set.await.unwrap();
        let bye = "* BYE [AUTHORIZATIONFAILED] Signing in from this address was switched off";
        assert_eq!(client.line().await, bye);
        let (_, answer) = login(node, "pass").await;
        let expect = "NO [AUTHORIZATIONFAILED] signing in from this address is not allowed";
        assert!(answer.ends_with(expect), "{answer}");
    });
}
