//! Registries of domains.

use crate::section::section;

section! {
    /// Who knows when registrations of domains end: administrators see it, and are told 30, 14 and 3 days before. Registries are
    /// asked over RDAP once a day for each domain, over TLS at public addresses.
    Registry = "registry" {
        /// URL of the list of registries (RFC 9224), such as `https://data.iana.org/rdap/dns.json`. Empty: none is asked.
        list: String = String::new(), "", "a URL", "restart";
        /// How long a registry may take to answer.
        answer_secs_max: u64 = 10, "seconds", "1 to 60", "restart";
        /// What an answer may have; the list itself has some 100,000 octets.
        answer_octets_max: usize = 1_048_576, "octets", "1024 to 16777216", "restart";
    }
}
