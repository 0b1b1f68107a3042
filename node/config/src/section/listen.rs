//! Where to listen.

use crate::section::section;

section! {
    /// Addresses to listen on, each a list of `address:port`; an empty list closes that service.
    Listen = "listen" {
        /// Mail from other hosts (RFC 5321).
        smtp: Vec<String> = list("[::]:25"), "", "address:port", "restart";
        /// Mail from programs on this machine to mailboxes here (LMTP, RFC 2033); never to be reached from outside.
        lmtp: Vec<String> = list("127.0.0.1:24"), "", "address:port", "restart";
        /// Mail from clients, with STARTTLS (RFC 6409).
        submission: Vec<String> = list("[::]:587"), "", "address:port", "restart";
        /// Mail from clients, TLS from the start (RFC 8314).
        submissions: Vec<String> = list("[::]:465"), "", "address:port", "restart";
        /// IMAP with STARTTLS.
        imap: Vec<String> = list("[::]:143"), "", "address:port", "restart";
        /// IMAP, TLS from the start.
        imaps: Vec<String> = list("[::]:993"), "", "address:port", "restart";
        /// POP3 with STLS.
        pop3: Vec<String> = list("[::]:110"), "", "address:port", "restart";
        /// POP3, TLS from the start.
        pop3s: Vec<String> = list("[::]:995"), "", "address:port", "restart";
        /// Health and metrics over HTTP: /healthz, /readyz, /metrics. Not for the public.
        http: Vec<String> = list("127.0.0.1:8080"), "", "address:port", "restart";
        /// Networks of load balancers, in CIDR notation; their connections begin with a PROXY protocol header.
        proxy_networks: Vec<String> = Vec::new(), "", "CIDR", "restart";
    }
}

fn list(address: &str) -> Vec<String> {
    vec![address.to_owned()]
}
