//! Sessions that must end: told why where the protocol allows it, cut off where the client does not listen.

mod support;

use std::time::Duration;

use hongyan_access::SessionFilter;
use hongyan_directory::{AccountChange, AccountState, Field};
use hongyan_env::Stream;
use support::{Client, Node, Options};

fn on_node(test: impl AsyncFnOnce(&Node)) {
    hongyan_actor::run(0, async {
        let node = Node::start(Options::default()).await;
        test(&node).await;
        node.stop().await;
    });
}

/// Waits until no session is registered any more.
async fn all_gone(node: &Node) {
    for _ in 0..500 {
        if node.access.sessions(SessionFilter::All, None, 1).is_empty() {
            return;
        }
        node.env.sleep(Duration::from_millis(20)).await;
    }
    panic!("a revoked session stays");
}

async fn idle(client: &mut Client<Stream>) {
    client.send(b"i IDLE\r\n").await;
    let mut line = client.line().await;
    while line.starts_with("* ") {
        line = client.line().await;
    }
    assert!(line.starts_with("+ "), "{line}");
}

#[test]
fn auth_a_suspension_ends_idle_and_waiting_sessions_with_bye() {
    on_node(async |node| {
        let (mut idling, mut waiting) = (node.login().await, node.login().await);
        idling.ok("SELECT INBOX").await;
        idle(&mut idling).await;
        waiting.ok("NOOP").await;
        let change = AccountChange {
            state: Field::Set(AccountState::Suspended),
            ..AccountChange::default()
        };
        let account = node.mailbox.account;
        node.directory.change_account(account, &change).await.unwrap();
        assert_eq!(node.access.account_changed(account).await.unwrap(), 2);
        for client in [&mut idling, &mut waiting] {
            let bye = "* BYE [AUTHORIZATIONFAILED] The account is suspended";
            assert_eq!(client.line().await, bye);
            assert_eq!(client.line().await, "", "the connection is closed");
        }
        all_gone(node).await;
    });
}

#[test]
fn auth_an_operator_sees_and_ends_one_session() {
    on_node(async |node| {
        let mut named = node.connect().await;
        named.line().await;
        named.ok("ID (\"name\" \"Reader\" \"version\" \"7\")").await;
        named.ok("LOGIN anna@example.test pass").await;
        let mut other = node.login().await;
        other.ok("ID (\"name\" \"Other\")").await;
        let sessions = node.access.sessions(SessionFilter::All, None, 9);
        let session = sessions.iter().find(|session| session.client == "Reader 7").unwrap();
        assert_eq!(node.access.revoke_sessions(SessionFilter::One(session.id)), 1);
        assert_eq!(
            named.line().await,
            "* BYE [UNAVAILABLE] The session was ended by an administrator"
        );
        other.ok("NOOP").await;
    });
}

#[test]
fn auth_a_client_that_does_not_read_is_cut_off() {
    on_node(async |node| {
        let large = format!("Subject: large\r\n\r\n{}", "a line of some length\r\n".repeat(100_000));
        node.put(large.as_bytes(), 0).await;
        let mut client = node.login().await;
        client.ok("SELECT INBOX").await;
        // Far more than the sockets hold, and nobody reads it.
        let fetch = "f FETCH 1 BODY.PEEK[]\r\n".repeat(20);
        client.send(fetch.as_bytes()).await;
        client.line().await;
        assert_eq!(
            node.access
                .revoke_sessions(SessionFilter::Account(node.mailbox.account)),
            1
        );
        all_gone(node).await;
    });
}

#[test]
fn auth_a_message_half_appended_is_dropped() {
    on_node(async |node| {
        let mut client = node.login().await;
        client.send(b"a APPEND INBOX {100+}\r\nSubject: half").await;
        node.access
            .revoke_sessions(SessionFilter::Account(node.mailbox.account));
        assert!(client.line().await.starts_with("* BYE [UNAVAILABLE]"));
        all_gone(node).await;
        let mut client = node.login().await;
        let lines = client.ok("STATUS INBOX (MESSAGES)").await;
        assert_eq!(lines[0], "* STATUS INBOX (MESSAGES 0)");
    });
}
