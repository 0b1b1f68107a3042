//! Certificates.

use crate::section::section;

section! {
    /// The certificate shown to clients. SIGHUP reads the files again; sessions that are open go on.
    Tls = "tls" {
        /// PEM file of the certificate, followed by its intermediates. Empty: a self-signed one is made in the data folder.
        certificate: String = String::new(), "", "a path", "SIGHUP";
        /// PEM file of its private key.
        key: String = String::new(), "", "a path", "SIGHUP";
        /// Takes passwords on connections without TLS, from anyone. For networks that are secured otherwise; else leave it off.
        allow_plaintext_passwords: bool = false, "", "true or false", "restart";
    }
}
