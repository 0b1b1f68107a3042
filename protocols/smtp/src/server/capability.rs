//! The EHLO reply: what this connection may use now.

use hongyan_sasl::Mechanism;

use super::Options;
use crate::reply::Reply;

/// Mechanisms for the present state of the connection.
pub(super) fn mechanisms(options: &Options, tls: bool) -> &[Mechanism] {
    if tls {
        &options.mechanisms_tls
    } else {
        &options.mechanisms_clear
    }
}

/// The reply to EHLO or LHLO.
pub(super) fn reply(options: &Options, tls: bool, greeting: &str) -> Reply {
    let limits = &options.limits;
    let mut lines = vec![
        greeting.to_owned(),
        "PIPELINING".to_owned(),
        format!("SIZE {}", limits.message_octets_max),
        "8BITMIME".to_owned(),
        "BINARYMIME".to_owned(),
        "CHUNKING".to_owned(),
        "SMTPUTF8".to_owned(),
        "ENHANCEDSTATUSCODES".to_owned(),
        "DSN".to_owned(),
    ];
    if let Some(longest) = &limits.future_release {
        lines.push(format!("FUTURERELEASE {longest}"));
    }
    // RFC 3207 §4.2: not offered again inside TLS.
    if options.starttls && !tls {
        lines.push("STARTTLS".to_owned());
    }
    let mechanisms = mechanisms(options, tls);
    if !mechanisms.is_empty() {
        let names: Vec<_> = mechanisms.iter().map(|mechanism| mechanism.name()).collect();
        lines.push(format!("AUTH {}", names.join(" ")));
    }
    let mut bounds = format!("LIMITS RCPTMAX={}", limits.recipients_max);
    if limits.messages_max > 0 {
        bounds.push_str(&format!(" MAILMAX={}", limits.messages_max));
    }
    lines.push(bounds);
    Reply::bare(250, lines.join("\n"))
}
