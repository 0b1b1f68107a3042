//! What an operator sees of the queue.

use hongyan_telemetry as telemetry;

/// Counters of one process.
#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) accepted: telemetry::Counter,
    pub(crate) outcomes: telemetry::CounterVec,
    pub(crate) entries: telemetry::GaugeVec,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            accepted: telemetry::counter("hongyan_queue_accepted_total", "Entries taken into the queue."),
            outcomes: telemetry::counter_vec(
                "hongyan_queue_outcomes_total",
                "What attempts brought, by recipient.",
                &["outcome"],
            ),
            entries: telemetry::gauge_vec(
                "hongyan_queue_entries",
                "Entries in the queue, by shard, on the node that has it.",
                &["shard"],
            ),
        }
    }
    pub(crate) fn count(&self, outcome: &crate::Outcome) {
        let label = match outcome {
            crate::Outcome::Delivered(_) => "delivered",
            crate::Outcome::Deferred(_) => "deferred",
            crate::Outcome::Bounced(_) => "bounced",
        };
        self.outcomes.with_label_values(&[label]).inc();
    }
}
