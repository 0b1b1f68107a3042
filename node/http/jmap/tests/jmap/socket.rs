//! JMAP over WebSocket (RFC 8887), by a client that knows as much of RFC 6455 as it needs.

use std::time::Duration;

use hongyan_access::SessionFilter;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::Client;

const JSON: &str = "application/json";

/// Both ends of a connection speak frames of at most 64 KiB here.
struct Socket(TokioIo<hyper::upgrade::Upgraded>);

impl Socket {
    async fn open(place: &Client) -> Self {
        let mut request = Client::request("GET", "/jmap/socket", JSON, "");
        for (name, value) in [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "jmap"),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let response = place.send_upgrade(request).await;
        assert_eq!(response.status(), 101);
        assert_eq!(response.headers()["sec-websocket-protocol"], "jmap");
        assert_eq!(
            response.headers()["sec-websocket-accept"],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        Self(TokioIo::new(hyper::upgrade::on(response).await.unwrap()))
    }
    /// RFC 6455 §5.2: a masked text frame; a mask of zeros is a mask.
    async fn say(&mut self, text: &str) {
        let length = u16::try_from(text.len()).unwrap();
        let mut frame = vec![0x81, 0x80 | 126];
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        self.0.write_all(&frame).await.unwrap();
        self.0.flush().await.unwrap();
    }
    /// The next frame: its opcode and content.
    async fn frame(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).await.unwrap();
        let length = match head[1] {
            126 => u64::from(self.0.read_u16().await.unwrap()),
            127 => self.0.read_u64().await.unwrap(),
            short => u64::from(short),
        };
        let mut content = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut content).await.unwrap();
        (head[0] & 0x0f, content)
    }
    async fn hear(&mut self) -> Value {
        let (opcode, content) = self.frame().await;
        assert_eq!(opcode, 1, "{content:?}");
        serde_json::from_slice(&content).unwrap()
    }
}

#[test]
fn requests_are_answered_and_new_states_told() {
    hongyan_actor::run(1, async {
        let place = Client::start().await;
        let mut socket = Socket::open(&place).await;
        let core = "urn:ietf:params:jmap:core";
        let request =
            json!({"@type": "Request", "id": "R1", "using": [core], "methodCalls": [["Core/echo", {"a": 1}, "0"]]});
        socket.say(&request.to_string()).await;
        let answer = socket.hear().await;
        assert_eq!(answer["@type"], "Response");
        assert_eq!(answer["requestId"], "R1");
        assert_eq!(answer["methodResponses"], json!([["Core/echo", {"a": 1}, "0"]]));
        for (said, id, kind) in [
            (
                json!({"@type": "Request", "id": "R2", "using": ["x"], "methodCalls": []}),
                json!("R2"),
                "unknownCapability",
            ),
            (json!({"@type": "Request", "id": "R3"}), json!("R3"), "notRequest"),
            (json!({"@type": "Other", "id": "R4"}), json!("R4"), "notRequest"),
            (json!([]), Value::Null, "notRequest"),
        ] {
            socket.say(&said.to_string()).await;
            let refused = socket.hear().await;
            assert_eq!(refused["@type"], "RequestError");
            assert_eq!(refused["requestId"], id);
            assert_eq!(refused["type"], format!("urn:ietf:params:jmap:error:{kind}"), "{said}");
        }
        socket.say("{").await;
        assert_eq!(socket.hear().await["type"], "urn:ietf:params:jmap:error:notJSON");

        socket
            .say(r#"{"@type": "WebSocketPushEnable", "dataTypes": ["Email"]}"#)
            .await;
        // Push is on when the next request is answered.
        socket.say(&request.to_string()).await;
        socket.hear().await;
        place.append("INBOX", 0, "Subject: a\r\n\r\nb\r\n").await;
        let change = socket.hear().await;
        assert_eq!(change["@type"], "StateChange");
        let states = change["changed"][place.account()].as_object().unwrap();
        assert_eq!(states.keys().collect::<Vec<_>>(), ["Email"]);
        assert_eq!(change["pushState"], states["Email"]);
        socket.say(r#"{"@type": "WebSocketPushDisable"}"#).await;
        socket
            .say(r#"{"@type": "WebSocketPushEnable", "pushState": "0"}"#)
            .await;
        assert_eq!(
            socket.hear().await["@type"],
            "StateChange",
            "what was missed is told at once"
        );

        let account = SessionFilter::Account(place.node.mailbox.account);
        assert!(place.node.access.revoke_sessions(account) >= 1);
        let end = place.node.env.timeout(Duration::from_secs(10), socket.frame()).await;
        assert_eq!(end.unwrap().0, 8, "the connection is closed");
        place.stop().await;
    });
}

#[test]
fn the_protocol_is_named() {
    hongyan_actor::run(1, async {
        let place = Client::start().await;
        assert_eq!(place.ask("GET", "/jmap/socket", JSON, "").await.0, 400);
        place.stop().await;
    });
}
