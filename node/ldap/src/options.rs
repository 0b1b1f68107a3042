//! Limits, as settings.

use std::time::Duration;

/// Named settings of directories.
#[derive(Debug, Clone)]
pub struct LdapOptions {
    /// How long reading all people may take.
    pub read_within: Duration,
    /// People that are read.
    pub entries_max: usize,
    /// Octets that are read for one question.
    pub octets_max: usize,
    /// Octets of one answer.
    pub answer_octets_max: usize,
    /// People that are asked for at once.
    pub page_entries: u32,
    /// How long a bind that proves a password may take.
    pub bind_within: Duration,
    /// Binds that prove passwords at the same time; the next sign-in is refused for now.
    pub binds_max: usize,
    /// How often a node looks whether a synchronisation is due.
    pub look_period: Duration,
}

impl Default for LdapOptions {
    fn default() -> Self {
        Self {
            read_within: Duration::from_secs(300),
            entries_max: 200_000,
            octets_max: 512 << 20,
            answer_octets_max: 4 << 20,
            page_entries: 500,
            bind_within: Duration::from_secs(5),
            binds_max: 64,
            look_period: Duration::from_secs(30),
        }
    }
}
