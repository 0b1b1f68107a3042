//! swaks: delivers by LMTP and SMTP and submits, in turn; it sends one message a run.

use std::fs;

use anyhow::Result;
use hongyan_conformance::node::PASSWORD;

use crate::MESSAGES;
use crate::place::{Client, FROM};

const SWAKS: Client = Client {
    commands: &["swaks"],
    adds: &[],
};

#[test]
fn swaks_delivers_by_smtp_and_lmtp() -> Result<()> {
    SWAKS.test(|place| {
        let ports = [24, 587, 25].map(|service| place.port(service).to_string());
        for number in 0..MESSAGES {
            fs::write(place.path("mail"), place.mail(number))?;
            let mut send = vec!["--silent", "2", "--server", "127.0.0.1", "--data", "@mail"];
            send.extend(["--from", FROM, "--to", place.account()]);
            match number % 3 {
                0 => send.extend(["--protocol", "LMTP", "--port", &ports[0]]),
                1 => {
                    send.extend(["--protocol", "ESMTPA", "--port", &ports[1]]);
                    send.extend(["--auth", "PLAIN", "--auth-user", FROM, "--auth-password", PASSWORD]);
                }
                _ => send.extend(["--protocol", "ESMTP", "--port", &ports[2]]),
            }
            place.run("swaks", &send, b"")?;
        }
        place.check_folder("INBOX")
    })
}
