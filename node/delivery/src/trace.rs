//! Trace headers: Return-Path and Received (RFC 5321 §4.4), put before every message that comes in.

use std::fmt::Write as _;
use std::net::IpAddr;

use hongyan_message::SentDate;
use hongyan_types::{Address, Timestamp};

/// How a message came to us.
#[derive(Debug, Clone)]
pub struct Trace<'a> {
    /// Who sends it; `None` is the null sender.
    pub sender: Option<&'a Address>,
    /// What the client called itself.
    pub hello: &'a str,
    /// Where it connected from; `None` for mail made on this node.
    pub peer: Option<IpAddr>,
    /// Our name.
    pub host_name: &'a str,
    /// The `with` word (RFC 3848, RFC 6531 §4.3).
    pub protocol: Protocol,
    /// Our name for this delivery.
    pub id: &'a str,
    /// The recipient, when there is only one: several must not learn of each other.
    pub recipient: Option<&'a Address>,
    /// When.
    pub time: Timestamp,
}

/// What the `with` word of Received is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Protocol {
    /// LMTP rather than SMTP.
    pub lmtp: bool,
    /// EHLO rather than HELO.
    pub extended: bool,
    /// Inside TLS.
    pub tls: bool,
    /// After AUTH.
    pub authenticated: bool,
    /// With SMTPUTF8.
    pub utf8: bool,
}

impl Protocol {
    /// The registered word, such as `ESMTPSA`.
    #[must_use]
    pub fn word(self) -> String {
        let base = match (self.lmtp, self.utf8, self.extended) {
            (true, false, _) => "LMTP",
            (true, true, _) => "UTF8LMTP",
            (false, true, _) => "UTF8SMTP",
            (false, false, true) => "ESMTP",
            (false, false, false) => return "SMTP".to_owned(),
        };
        let tls = if self.tls { "S" } else { "" };
        let authenticated = if self.authenticated { "A" } else { "" };
        format!("{base}{tls}{authenticated}")
    }
}

impl Trace<'_> {
    /// The header lines. The first one is Return-Path, which the relay takes off again when the message leaves.
    #[must_use]
    pub fn header(&self) -> String {
        let mut out = String::with_capacity(320);
        match self.sender {
            Some(sender) => {
                let _ = write!(out, "Return-Path: <{sender}>\r\n");
            }
            None => out.push_str("Return-Path: <>\r\n"),
        }
        let _ = match self.peer {
            Some(peer) => write!(out, "Received: from {} ([{}])\r\n", self.hello, literal(peer)),
            None => write!(out, "Received: from {}\r\n", self.hello),
        };
        let _ = write!(
            out,
            "\tby {} (Hongyan) with {} id {}",
            self.host_name,
            self.protocol.word(),
            self.id
        );
        if let Some(recipient) = self.recipient {
            let _ = write!(out, "\r\n\tfor <{recipient}>");
        }
        let _ = write!(out, ";\r\n\t{}\r\n", date(self.time));
        out
    }
}

/// The header lines of a message that came in over HTTP; what the client's address was is nobody's business.
#[must_use]
pub fn submitted(sender: Option<&Address>, host_name: &str, id: &str, time: Timestamp) -> String {
    let sender = sender.map(Address::to_string).unwrap_or_default();
    let time = date(time);
    format!("Return-Path: <{sender}>\r\nReceived: by {host_name} (Hongyan) with HTTP id {id};\r\n\t{time}\r\n")
}

/// The time as header fields show it, in UTC.
#[must_use]
pub fn date(time: Timestamp) -> SentDate {
    SentDate {
        timestamp: time,
        zone_minutes: 0,
    }
}

fn literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("IPv6:{address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_lines() {
        let sender = Address::try_from("a@b.test").unwrap();
        let mut trace = Trace {
            sender: Some(&sender),
            hello: "client.test",
            peer: Some("::ffff:192.0.2.1".parse().unwrap()),
            host_name: "mx.test",
            protocol: Protocol {
                extended: true,
                tls: true,
                ..Protocol::default()
            },
            id: "abc",
            recipient: Some(&sender),
            time: Timestamp { millis: 0 },
        };
        assert_eq!(
            trace.header(),
            "Return-Path: <a@b.test>\r\nReceived: from client.test ([192.0.2.1])\r\n\tby mx.test (Hongyan) with ESMTPS id abc\r\n\
             \tfor <a@b.test>;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n"
        );
        trace.sender = None;
        trace.recipient = None;
        trace.peer = Some("2001:db8::1".parse().unwrap());
        trace.protocol = Protocol {
            lmtp: true,
            utf8: true,
            ..Protocol::default()
        };
        assert_eq!(
            trace.header(),
            "Return-Path: <>\r\nReceived: from client.test ([IPv6:2001:db8::1])\r\n\tby mx.test (Hongyan) with UTF8LMTP id abc;\r\n\
             \tThu, 1 Jan 1970 00:00:00 +0000\r\n"
        );
    }
}
