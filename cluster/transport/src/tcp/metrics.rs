//! What is counted of the real transport.

use hongyan_telemetry as telemetry;

/// Handles of the metrics, looked up once.
#[derive(Clone)]
pub(super) struct Metrics {
    pub calls: telemetry::CounterVec,
    pub call_seconds: telemetry::HistogramVec,
    pub served: telemetry::CounterVec,
    pub connections: telemetry::GaugeVec,
    pub dials: telemetry::CounterVec,
    pub refused: telemetry::CounterVec,
    pub sent_octets: telemetry::Counter,
    pub received_octets: telemetry::Counter,
    pub dead: telemetry::Counter,
    pub violations: telemetry::Counter,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            calls: telemetry::counter_vec(
                "hongyan_transport_calls_total",
                "Calls to other nodes.",
                &["service", "result"],
            ),
            call_seconds: telemetry::histogram_vec(
                "hongyan_transport_call_seconds",
                "How long calls to other nodes take.",
                &["service"],
            ),
            served: telemetry::counter_vec(
                "hongyan_transport_served_total",
                "Calls of other nodes.",
                &["service", "result"],
            ),
            connections: telemetry::gauge_vec(
                "hongyan_transport_connections",
                "Connections with other nodes.",
                &["direction"],
            ),
            dials: telemetry::counter_vec(
                "hongyan_transport_dials_total",
                "Connections opened to other nodes.",
                &["result"],
            ),
            refused: telemetry::counter_vec(
                "hongyan_transport_refused_total",
                "Connections of others that were turned away.",
                &["reason"],
            ),
            sent_octets: telemetry::counter("hongyan_transport_sent_bytes_total", "Octets sent to other nodes."),
            received_octets: telemetry::counter(
                "hongyan_transport_received_bytes_total",
                "Octets received from other nodes.",
            ),
            dead: telemetry::counter(
                "hongyan_transport_dead_connections_total",
                "Connections given up because the other end was silent.",
            ),
            violations: telemetry::counter(
                "hongyan_transport_violations_total",
                "Connections given up because the other end broke the protocol.",
            ),
        }
    }
}
