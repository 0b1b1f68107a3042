//! msmtp: submits over TLS, a run for each message, as it is used.

use anyhow::Result;

use crate::MESSAGES;
use crate::place::{Client, FROM};

const MSMTP: Client = Client {
    commands: &["msmtp"],
    adds: &[],
};

const CONFIG: &str = "account default\nhost 127.0.0.1\nport PORT465\ntls on\ntls_starttls off\ntls_certcheck off\nauth on\n\
    user SENDER\npassword PASSWORD\nfrom SENDER\n";

#[test]
fn msmtp_submits() -> Result<()> {
    MSMTP.test(|place| {
        place.configure("msmtprc", &CONFIG.replace("SENDER", FROM))?;
        for number in 0..MESSAGES {
            let arguments = ["--file", "msmtprc", place.account()];
            place.run("msmtp", &arguments, &place.mail(number))?;
        }
        place.check_folder("INBOX")
    })
}
