//! The DNS records that make mail for a domain come here.

use std::fmt::Write;

use hongyan_types::Domain;

/// The records as lines of a zone file: MX (RFC 5321), SPF (RFC 7208), and where clients find the services (RFC 6186, RFC 8314).
pub(crate) fn zone(domain: &Domain, host: &Domain) -> String {
    let mut zone = String::new();
    let mut line = |name: &str, kind: &str, value: &str| {
        let _ = writeln!(zone, "{name:<34} 3600 IN {kind:<4} {value}");
    };
    line(&format!("{domain}."), "MX", &format!("10 {host}."));
    line(&format!("{domain}."), "TXT", "\"v=spf1 mx -all\"");
    line(&format!("{host}."), "TXT", "\"v=spf1 a -all\"");
    for (service, port) in [("_imaps", 993), ("_submissions", 465), ("_pop3s", 995)] {
        line(
            &format!("{service}._tcp.{domain}."),
            "SRV",
            &format!("0 1 {port} {host}."),
        );
    }
    for service in ["_imap", "_submission", "_pop3"] {
        // RFC 6186 §3.4: a single dot says that this is not offered; clients shall use TLS from the start.
        line(&format!("{service}._tcp.{domain}."), "SRV", "0 0 0 .");
    }
    zone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_s_records() {
        let name = |text: &str| Domain::try_from(text).unwrap();
        let zone = zone(&name("example.org"), &name("mx.example.org"));
        assert!(
            zone.contains("example.org.                       3600 IN MX   10 mx.example.org.\n"),
            "{zone}"
        );
        assert!(
            zone.contains("_imaps._tcp.example.org.           3600 IN SRV  0 1 993 mx.example.org.\n"),
            "{zone}"
        );
    }
}
