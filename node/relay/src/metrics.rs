//! What an operator sees of outbound delivery.

use hongyan_telemetry as telemetry;

/// Counters of one process.
#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) connections: telemetry::CounterVec,
    pub(crate) open: telemetry::Gauge,
    pub(crate) transfers: telemetry::Histogram,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            connections: telemetry::counter_vec(
                "hongyan_relay_connections_total",
                "Outbound connections, by how they were had.",
                &["result"],
            ),
            open: telemetry::gauge("hongyan_relay_connections_open", "Outbound connections in use."),
            transfers: telemetry::histogram("hongyan_relay_transfer_seconds", "Time of one outbound transaction."),
        }
    }
}
