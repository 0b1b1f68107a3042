//! Programs of organisations that are told what changes.

use crate::section::section;

section! {
    /// Webhooks: what changes in an organisation, posted to its programs.
    Webhook = "webhook" {
        /// Internal networks that may be posted to, also without TLS. Others than these and public addresses over TLS are refused,
        /// so that nobody has the server look around in its own network.
        networks: Vec<String> = Vec::new(), "", "addresses, networks or ranges", "restart";
        /// File with certificates (PEM) of authorities that receivers may be certified by, besides the public ones. Empty: none.
        roots: String = String::new(), "", "a path", "restart";
        /// Webhooks of an organisation.
        webhooks_per_organisation_max: usize = 20, "webhooks", "0 to 1000", "restart";
        /// How long a receiver may take to answer.
        answer_secs_max: u64 = 10, "seconds", "1 to 60", "restart";
        /// A receiver that takes nothing for so long is switched off, and the administrators are told.
        off_after_secs: u64 = 86_400, "seconds", "60 and up", "restart";
    }
}
