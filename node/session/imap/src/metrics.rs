//! What is counted of IMAP.

use std::time::Duration;

use hongyan_telemetry::{self as telemetry, CounterVec, Gauge, HistogramVec};

/// Counters of all sessions.
#[derive(Clone)]
pub(crate) struct Metrics {
    commands: CounterVec,
    seconds: HistogramVec,
    idle: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            commands: telemetry::counter_vec(
                "hongyan_imap_commands_total",
                "IMAP commands by name and result.",
                &["command", "result"],
            ),
            seconds: telemetry::histogram_vec(
                "hongyan_imap_command_seconds",
                "Time from an IMAP command to its answer.",
                &["command"],
            ),
            idle: telemetry::gauge("hongyan_imap_idle_sessions", "Sessions in IDLE."),
        }
    }
    pub(crate) fn finished(&self, command: &'static str, result: &'static str, took: Duration) {
        self.commands.with_label_values(&[command, result]).inc();
        self.seconds.with_label_values(&[command]).observe(took.as_secs_f64());
    }
    pub(crate) fn idle_begins(&self) {
        self.idle.inc();
    }
    pub(crate) fn idle_ends(&self) {
        self.idle.dec();
    }
}
