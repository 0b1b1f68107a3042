//! What operators watch.

use hongyan_telemetry::{CounterVec, Gauge, counter_vec, gauge};

#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) orders: CounterVec,
    pub(crate) certificates: Gauge,
    pub(crate) failing: Gauge,
    pub(crate) expiry_seconds: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            orders: counter_vec(
                "hongyan_acme_orders_total",
                "Certificates ordered from the authority, by result.",
                &["result"],
            ),
            certificates: gauge(
                "hongyan_acme_certificates",
                "Certificates from the authority that this node shows.",
            ),
            failing: gauge(
                "hongyan_acme_failing",
                "Subjects (the operator's names, domains) whose last order failed; counted by the node that orders.",
            ),
            expiry_seconds: gauge(
                "hongyan_acme_expiry_seconds",
                "Time until the first of these certificates ends.",
            ),
        }
    }
}
