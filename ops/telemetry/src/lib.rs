//! What an operator sees: metrics and health. Uses nothing of ours, so every layer but `protocols` may use it.
//!
//! Metrics live in one process-wide registry; a metric is made where it is counted, by asking for it by name, and
//! asking twice gives the same one. Names are `hongyan_<area>_<what>_<unit>`.

mod health;
mod logs;
mod metric;

pub use health::{Health, router};
pub use logs::{LogFormat, init_logs};
pub use metric::{
    Counter, CounterVec, Gauge, GaugeVec, Histogram, HistogramVec, counter, counter_vec, gauge, gauge_vec, histogram,
    histogram_vec, histogram_with, render,
};
