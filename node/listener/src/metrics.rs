//! What the listener counts.

use hongyan_telemetry::{Counter, CounterVec, Gauge, Histogram};

#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) accepted: Counter,
    pub(crate) open: Gauge,
    refused: CounterVec,
    handshakes: CounterVec,
    pub(crate) handshake_seconds: Histogram,
    service: &'static str,
}

impl Metrics {
    pub(crate) fn new(service: &'static str) -> Self {
        let accepted = hongyan_telemetry::counter_vec(
            "hongyan_listener_accepted_total",
            "Connections accepted, by protocol.",
            &["service"],
        );
        let open = hongyan_telemetry::gauge_vec(
            "hongyan_listener_connections_open",
            "Connections now open, by protocol.",
            &["service"],
        );
        Self {
            accepted: accepted.with_label_values(&[service]),
            open: open.with_label_values(&[service]),
            refused: hongyan_telemetry::counter_vec(
                "hongyan_listener_refused_total",
                "Connections turned away, by protocol and reason.",
                &["service", "reason"],
            ),
            handshakes: hongyan_telemetry::counter_vec(
                "hongyan_listener_handshakes_total",
                "TLS handshakes, by protocol and outcome.",
                &["service", "outcome"],
            ),
            handshake_seconds: hongyan_telemetry::histogram_vec(
                "hongyan_listener_handshake_seconds",
                "Time of completed TLS handshakes, by protocol.",
                &["service"],
            )
            .with_label_values(&[service]),
            service,
        }
    }
    pub(crate) fn refused(&self, reason: &str) {
        self.refused.with_label_values(&[self.service, reason]).inc();
    }
    pub(crate) fn handshake(&self, outcome: &str) {
        self.handshakes.with_label_values(&[self.service, outcome]).inc();
    }
}

/// Counts a connection as open for as long as it lives.
pub(crate) struct OpenGuard(Gauge);

impl OpenGuard {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
