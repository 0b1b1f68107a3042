//! Tokens over IMAP: OAUTHBEARER (RFC 7628) and XOAUTH2, what a client hears whose token is not taken, and the end of it.

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use support::{Client, Node, Options};

const USER: &str = "anna@example.test";

fn on_node(test: impl AsyncFnOnce(&Node)) {
    hongyan_actor::run(0, async {
        let node = Node::start(Options::default()).await;
        test(&node).await;
        node.stop().await;
    });
}

fn shown(mechanism: &str, user: &str, token: &str) -> String {
    STANDARD.encode(match mechanism {
        "XOAUTH2" => format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}"),
        _ => format!("n,a={user},\u{1}host=localhost\u{1}auth=Bearer {token}\u{1}\u{1}"),
    })
}

async fn connect(node: &Node) -> Client<hongyan_env::Stream> {
    let mut client = node.connect().await;
    client.line().await;
    client
}

#[test]
fn oauth_a_token_signs_in_for_what_it_is_for() {
    on_node(async |node| {
        let tokens = node.tokens("imap read-only").await;
        let token = tokens.access.reveal();
        let mut client = connect(node).await;
        let capability = client.ok("CAPABILITY").await;
        for offered in ["AUTH=OAUTHBEARER", "AUTH=XOAUTH2"] {
            assert!(capability[0].contains(offered), "{capability:?}");
        }
        for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
            let mut client = connect(node).await;
            client
                .ok(&format!("AUTHENTICATE {mechanism} {}", shown(mechanism, USER, token)))
                .await;
            let selected = client.ok("SELECT INBOX").await;
            assert!(selected.last().unwrap().contains("[READ-ONLY]"), "{selected:?}");
        }
        // Without an initial response the client is asked for one.
        let mut client = connect(node).await;
        client.send(b"a AUTHENTICATE OAUTHBEARER\r\n").await;
        assert_eq!(client.line().await.trim_end(), "+");
        client
            .send(format!("{}\r\n", shown("OAUTHBEARER", USER, token)).as_bytes())
            .await;
        assert!(client.line().await.starts_with("a OK "));
    });
}

#[test]
fn oauth_a_token_that_is_not_taken_is_answered_in_the_mechanisms_words() {
    on_node(async |node| {
        let imap = node.tokens("imap").await;
        let pop = node.tokens("pop3").await;
        for (mechanism, told) in [("OAUTHBEARER", "invalid_token"), ("XOAUTH2", "401")] {
            for (user, token, expect) in [
                (USER, "hya_none", "NO [AUTHENTICATIONFAILED] authentication failed"),
                (
                    USER,
                    imap.refresh.reveal(),
                    "NO [AUTHENTICATIONFAILED] authentication failed",
                ),
                (
                    "ben@example.test",
                    imap.access.reveal(),
                    "NO [AUTHENTICATIONFAILED] authentication failed",
                ),
                (
                    USER,
                    pop.access.reveal(),
                    "NO [AUTHORIZATIONFAILED] this token is not for IMAP",
                ),
            ] {
                let mut client = connect(node).await;
                let line = format!("a AUTHENTICATE {mechanism} {}\r\n", shown(mechanism, user, token));
                client.send(line.as_bytes()).await;
                let challenge = client.line().await;
                let challenge = STANDARD
                    .decode(challenge.strip_prefix("+ ").unwrap().trim_end())
                    .unwrap();
                let challenge: serde_json::Value = serde_json::from_slice(&challenge).unwrap();
                assert_eq!(challenge["status"], told);
                client.send(b"AQ==\r\n").await;
                assert_eq!(client.line().await.trim_end(), format!("a {expect}"));
                // The connection is as good as before.
                client
                    .ok(&format!(
                        "AUTHENTICATE {mechanism} {}",
                        shown(mechanism, USER, imap.access.reveal())
                    ))
                    .await;
            }
            let mut client = connect(node).await;
            let malformed = STANDARD.encode("n,,\u{1}auth=Basic x\u{1}\u{1}");
            let answer = client.ask(&format!("AUTHENTICATE {mechanism} {malformed}")).await;
            assert!(answer.last().unwrap().contains(" BAD "), "{answer:?}");
        }
    });
}

#[test]
fn oauth_a_session_ends_with_its_grant() {
    on_node(async |node| {
        let tokens = node.tokens("imap").await;
        let mut client = connect(node).await;
        let proof = shown("OAUTHBEARER", USER, tokens.access.reveal());
        client.ok(&format!("AUTHENTICATE OAUTHBEARER {proof}")).await;
        let given_back = node.access.oauth_give_back("reader", tokens.refresh.reveal());
        given_back.await.unwrap();
        let bye = "* BYE [AUTHORIZATIONFAILED] The app password or token was taken back";
        assert_eq!(client.line().await, bye);
    });
}
