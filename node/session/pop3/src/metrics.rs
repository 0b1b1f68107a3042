//! What POP3 counts.

use hongyan_telemetry::{Counter, CounterVec, counter, counter_vec};

#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) logins: CounterVec,
    pub(crate) commands: CounterVec,
    pub(crate) retrieved: Counter,
    pub(crate) retrieved_octets: Counter,
    pub(crate) deleted: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            logins: counter_vec("hongyan_pop3_logins_total", "Sign-ins by outcome.", &["outcome"]),
            commands: counter_vec("hongyan_pop3_commands_total", "Commands served.", &["command"]),
            retrieved: counter("hongyan_pop3_retrieved_total", "Messages sent whole."),
            retrieved_octets: counter("hongyan_pop3_retrieved_octets_total", "Octets of messages sent whole."),
            deleted: counter("hongyan_pop3_deleted_total", "Messages deleted by QUIT."),
        }
    }
}
