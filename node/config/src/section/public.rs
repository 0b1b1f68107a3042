//! How this installation is reached from outside.

use crate::section::section;

section! {
    /// How clients and other servers reach this installation, where that is not `node.host_name` and the ports in `[listen]`:
    /// behind a load balancer, or with several nodes under one name. Set-up answers for mail clients and the DNS records to publish are
    /// made from it. A service that is `none`, or that `[listen]` closes, is not told of. The same on all nodes.
    Public = "public" {
        /// IMAP with STARTTLS.
        imap: String = String::new(), "", "empty, host, host:port or none", "restart";
        /// IMAP, TLS from the start.
        imaps: String = String::new(), "", "empty, host, host:port or none", "restart";
        /// POP3 with STLS.
        pop3: String = String::new(), "", "empty, host, host:port or none", "restart";
        /// POP3, TLS from the start.
        pop3s: String = String::new(), "", "empty, host, host:port or none", "restart";
        /// Mail from clients, with STARTTLS.
        submission: String = String::new(), "", "empty, host, host:port or none", "restart";
        /// Mail from clients, TLS from the start.
        submissions: String = String::new(), "", "empty, host, host:port or none", "restart";
        /// Directories, LDAP with StartTLS.
        ldap: String = String::new(), "", "empty, host, host:port or none", "restart";
        /// Directories, LDAP with TLS from the start.
        ldaps: String = String::new(), "", "empty, host, host:port or none", "restart";
        /// HTTPS: JMAP, the admin API, and the set-up answers themselves.
        https: String = String::new(), "", "empty, host, host:port or none", "restart";
        /// Other names for members abroad, for IMAP, POP3 and submission with the same ports: each a host, which may be followed by a
        /// space and what people call the place, such as `eu.mail.example.org Europe`. They are shown beside the settings for
        /// clients, and are in certificates from authorities.
        regional_hosts: Vec<String> = Vec::new(), "", "host names", "restart";
        /// Hosts that take mail from other servers, for the MX records, the preferred one first. Empty: `node.host_name`.
        mail_hosts: Vec<String> = Vec::new(), "", "host names", "restart";
        /// A domain whose SPF record names all hosts that send, for the SPF records of all domains. Empty: the mail hosts send.
        spf_include: String = String::new(), "", "a domain name", "restart";
        /// MTA-STS (RFC 8461): how strictly other servers shall hold to sending over TLS to the mail hosts. `enforce` needs a
        /// certificate that they trust.
        mta_sts: String = String::from("testing"), "", "none, testing, enforce", "restart";
        /// How long other servers may remember that.
        mta_sts_secs: u32 = 604_800, "seconds", "86400 to 31557600", "restart";
    }
}
