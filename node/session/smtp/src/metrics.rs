//! What is counted: messages and recipients by outcome, and how long a message takes to commit.

use hongyan_telemetry::{self as telemetry, CounterVec, HistogramVec};

/// Handles to the metrics, cloned into each session.
#[derive(Clone)]
pub(crate) struct Metrics {
    /// `service`, `outcome`.
    pub(crate) messages: CounterVec,
    /// `service`, `outcome`.
    pub(crate) recipients: CounterVec,
    /// `service`: from the last octet to the reply.
    pub(crate) commit: HistogramVec,
    /// `service`.
    pub(crate) octets: CounterVec,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            messages: telemetry::counter_vec(
                "hongyan_smtp_messages_total",
                "Messages that reached their end, by what became of them.",
                &["service", "outcome"],
            ),
            recipients: telemetry::counter_vec(
                "hongyan_smtp_recipients_total",
                "Recipients offered, by the answer to them.",
                &["service", "outcome"],
            ),
            commit: telemetry::histogram_vec(
                "hongyan_smtp_commit_seconds",
                "From the last octet of a message to the reply that says it is safe.",
                &["service"],
            ),
            octets: telemetry::counter_vec(
                "hongyan_smtp_message_octets_total",
                "Octets of messages taken in.",
                &["service"],
            ),
        }
    }
}
