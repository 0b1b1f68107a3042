//! Mail from other systems.

use crate::section::section;

section! {
    /// Migration: mail of other systems, fetched over IMAP and POP3.
    Migration = "migration" {
        /// Internal networks that mail may be fetched from. Others than these and public addresses are refused, so that nobody has
        /// the server look around in its own network.
        networks: Vec<String> = Vec::new(), "", "addresses, networks or ranges", "restart";
        /// File with certificates (PEM) of authorities that sources may be certified by, besides the public ones. Empty: none.
        roots: String = String::new(), "", "a path", "restart";
        /// Sources without TLS are allowed: passwords and mail then travel in clear.
        clear_allowed: bool = false, "", "true or false", "restart";
        /// Connections that one migration has to its source.
        jobs_per_source_max: usize = 4, "connections", "1 to 100", "restart";
        /// Connections that a node has to all sources.
        jobs_per_node_max: usize = 16, "connections", "1 to 1000", "restart";
        /// Migrations of an organisation that have not ended.
        open_per_organisation_max: usize = 10, "migrations", "1 to 1000", "restart";
        /// How long passwords are taken, and new members taken in.
        accept_days: u64 = 30, "days", "1 to 365", "restart";
        /// An account whose source does not answer for so long is given up.
        give_up_after_days: u64 = 14, "days", "1 to 365", "restart";
        /// A message that is larger is listed and skipped.
        message_octets_max: u64 = 104_857_600, "octets", "1024 and up", "restart";
    }
}
