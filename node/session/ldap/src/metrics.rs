//! What LDAP counts.

use hongyan_telemetry::{Counter, CounterVec, counter, counter_vec};

#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) binds: CounterVec,
    pub(crate) requests: CounterVec,
    pub(crate) entries: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            binds: counter_vec("hongyan_ldap_binds_total", "Sign-ins by outcome.", &["outcome"]),
            requests: counter_vec("hongyan_ldap_requests_total", "Requests served.", &["request"]),
            entries: counter("hongyan_ldap_entries_total", "Entries that searches have found."),
        }
    }
}
