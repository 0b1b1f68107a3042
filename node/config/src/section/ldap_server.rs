//! The directories that clients ask over LDAP.

use std::ops::RangeInclusive;

use crate::section::section;

section! {
    /// The organisations' directories for mail clients, where `[listen] ldap` or `ldaps` opens them. Outside directories that people
    /// come from are `[ldap]`.
    LdapServer = "ldap_server" {
        /// Entries that one answer has at most; more are had page by page.
        entries_max: usize = 500, "entries", "1 to 10000", "restart";
        /// How long a search may take.
        search_secs_max: u64 = 10, "seconds", "1 to 60", "restart";
        /// Longest request.
        message_octets_max: usize = 65_536, "octets", "4096 to 1048576", "restart";
        /// How deep a filter may be nested.
        filter_depth_max: usize = 20, "levels", "1 to 100", "restart";
        /// Parts that a filter may have in all.
        filter_parts_max: usize = 500, "parts", "1 to 10000", "restart";
        /// Requests of one connection that may wait for an answer.
        operations_max: usize = 16, "requests", "1 to 1000", "restart";
        /// Refused sign-ins before a connection ends.
        bind_failures_max: u32 = 5, "binds", "1 to 100", "restart";
        /// Silence before sign-in that ends a connection.
        anonymous_secs_max: u64 = 120, "seconds", "1 to 3600", "restart";
        /// Silence after sign-in that ends a connection.
        idle_secs_max: u64 = 900, "seconds", "1 to 86400", "restart";
    }
}

impl LdapServer {
    /// Each setting with its value and what it may be.
    pub(crate) fn bounds(&self) -> [(&'static str, u64, RangeInclusive<u64>); 9] {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        [
            ("ldap_server.entries_max", number(self.entries_max), 1..=10_000),
            ("ldap_server.search_secs_max", self.search_secs_max, 1..=60),
            (
                "ldap_server.message_octets_max",
                number(self.message_octets_max),
                4_096..=1_048_576,
            ),
            ("ldap_server.filter_depth_max", number(self.filter_depth_max), 1..=100),
            (
                "ldap_server.filter_parts_max",
                number(self.filter_parts_max),
                1..=10_000,
            ),
            ("ldap_server.operations_max", number(self.operations_max), 1..=1_000),
            (
                "ldap_server.bind_failures_max",
                u64::from(self.bind_failures_max),
                1..=100,
            ),
            ("ldap_server.anonymous_secs_max", self.anonymous_secs_max, 1..=3_600),
            ("ldap_server.idle_secs_max", self.idle_secs_max, 1..=86_400),
        ]
    }
}
