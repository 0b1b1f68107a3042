//! Certificates from an authority.

use crate::section::section;

section! {
    /// Certificates that are ordered and renewed without anybody's help (ACME, RFC 8555): for the names in `[public]` unless
    /// `tls.certificate` is set, and for the names of every domain (`autoconfig`, `autodiscover`, `mta-sts`, `imap`, `smtp`, `pop`) that its owner
    /// points here. All nodes show them. The same on all nodes.
    Acme = "acme" {
        /// URL of the authority's directory, such as `https://acme-v02.api.letsencrypt.org/directory`. Empty: none is asked.
        directory: String = String::new(), "", "a URL", "restart";
        /// You agree to the authority's terms of service.
        agree_to_terms: bool = false, "", "true or false", "restart";
        /// Mail addresses that the authority may write to.
        contacts: Vec<String> = Vec::new(), "", "mail addresses", "restart";
        /// How names are proven to be ours: `tls-alpn-01` needs `listen.https` at port 443, `http-01` needs `listen.web` at port 80, as
        /// the authority reaches them.
        challenge: String = String::from("tls-alpn-01"), "", "tls-alpn-01, http-01", "restart";
        /// Further host names of yours.
        names: Vec<String> = Vec::new(), "", "host names", "restart";
        /// PEM file of the roots that the authority's own server is trusted by. Empty: those of the web.
        roots: String = String::new(), "", "a path", "restart";
    }
}
