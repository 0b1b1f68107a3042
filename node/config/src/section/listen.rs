//! Where to listen.

use crate::section::section;

section! {
    /// Addresses to listen on, each a list of `address:port`; an empty list closes that service.
    Listen = "listen" {
        /// Mail from other hosts (RFC 5321).
        smtp: Vec<String> = everywhere(25), "", "address:port", "restart";
        /// Mail from programs on this machine to mailboxes here (LMTP, RFC 2033); never to be reached from outside.
        lmtp: Vec<String> = here(24), "", "address:port", "restart";
        /// Mail from clients, with STARTTLS (RFC 6409).
        submission: Vec<String> = everywhere(587), "", "address:port", "restart";
        /// Mail from clients, TLS from the start (RFC 8314).
        submissions: Vec<String> = everywhere(465), "", "address:port", "restart";
        /// Lets clients sign in on the `smtp` port too and send as through submission. Best left off: clients have ports of
        /// their own, and passwords are guessed wherever they are asked for.
        smtp_authentication: bool = false, "", "true or false", "restart";
        /// IMAP with STARTTLS.
        imap: Vec<String> = everywhere(143), "", "address:port", "restart";
        /// IMAP, TLS from the start.
        imaps: Vec<String> = everywhere(993), "", "address:port", "restart";
        /// POP3 with STLS.
        pop3: Vec<String> = everywhere(110), "", "address:port", "restart";
        /// POP3, TLS from the start.
        pop3s: Vec<String> = everywhere(995), "", "address:port", "restart";
        /// The organisations' directories for mail clients, read only: LDAP with StartTLS, usually on port 389.
        ldap: Vec<String> = Vec::new(), "", "address:port", "restart";
        /// The same with TLS from the start, usually on port 636.
        ldaps: Vec<String> = Vec::new(), "", "address:port", "restart";
        /// JMAP over HTTPS, for mail clients.
        https: Vec<String> = everywhere(443), "", "address:port", "restart";
        /// HTTP without TLS, for the public: certificate authorities that check by HTTP-01 (`[acme]`), and everybody else is
        /// sent to HTTPS. Port 80, if any.
        web: Vec<String> = Vec::new(), "", "address:port", "restart";
        /// Health and metrics over HTTP: /healthz, /readyz, /metrics. Not for the public.
        http: Vec<String> = here(8080), "", "address:port", "restart";
        /// Networks of load balancers, in CIDR notation; their connections begin with a PROXY protocol header.
        proxy_networks: Vec<String> = Vec::new(), "", "CIDR", "restart";
    }
}

fn everywhere(port: u16) -> Vec<String> {
    vec![format!("0.0.0.0:{port}"), format!("[::]:{port}")]
}

fn here(port: u16) -> Vec<String> {
    vec![format!("127.0.0.1:{port}")]
}
