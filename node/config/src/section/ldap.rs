//! LDAP directories of organisations.

use crate::section::section;

section! {
    /// LDAP directories of organisations, as a source of people.
    Ldap = "ldap" {
        /// Internal networks in which directories may be. Others than these and public addresses are refused, so that nobody has the
        /// server look around in its own network. Without TLS none is asked.
        networks: Vec<String> = Vec::new(), "", "addresses, networks or ranges", "restart";
        /// File with certificates (PEM) of authorities that directories may be certified by, besides the public ones. Empty: none.
        roots: String = String::new(), "", "a path", "restart";
        /// How long reading all people of a directory may take.
        read_secs_max: u64 = 300, "seconds", "1 to 3600", "restart";
        /// People that are read of a directory; of one with more none is taken.
        entries_max: usize = 200_000, "entries", "1 to 2000000", "restart";
        /// What is read of a directory at a time.
        octets_max: usize = 536_870_912, "octets", "65536 and up", "restart";
        /// What one answer may have.
        answer_octets_max: usize = 4_194_304, "octets", "4096 to 67108864", "restart";
        /// People that are asked for at once.
        page_entries: u32 = 500, "entries", "1 to 10000", "restart";
        /// How long a directory may take to say whether a password is right.
        bind_secs_max: u64 = 5, "seconds", "1 to 30", "restart";
        /// Passwords that one node has proved at the same time; the next sign-in is refused for now.
        binds_max: usize = 64, "binds", "1 to 10000", "restart";
    }
}
