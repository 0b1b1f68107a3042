//! What is counted of ways round a cut.

use hongyan_telemetry as telemetry;

/// Handles of the metrics, looked up once.
pub(super) struct Metrics {
    pub relayed: telemetry::CounterVec,
    pub carried: telemetry::CounterVec,
    pub detours: telemetry::Gauge,
    pub cuts: telemetry::Counter,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            relayed: telemetry::counter_vec(
                "hongyan_transport_relayed_total",
                "Calls and streams of this node that went through another one, because their node is not reached directly.",
                &["result"],
            ),
            carried: telemetry::counter_vec(
                "hongyan_transport_carried_total",
                "Calls and streams that this node carried between two others.",
                &["result"],
            ),
            detours: telemetry::gauge(
                "hongyan_transport_detours",
                "Nodes that this one reaches through another one only.",
            ),
            cuts: telemetry::counter(
                "hongyan_transport_cuts_total",
                "How often a node was no longer reached directly, but through another one.",
            ),
        }
    }
}
