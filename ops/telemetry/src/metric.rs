//! The registry and the ways to get a metric from it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::{Encoder, HistogramOpts, Opts, Registry, TextEncoder};

/// A count that only grows.
pub type Counter = prometheus::IntCounter;
/// Counts by label.
pub type CounterVec = prometheus::IntCounterVec;
/// A number that goes up and down.
pub type Gauge = prometheus::IntGauge;
/// Numbers by label.
pub type GaugeVec = prometheus::IntGaugeVec;
/// A distribution, in seconds unless the name says otherwise.
pub type Histogram = prometheus::Histogram;
/// Distributions by label.
pub type HistogramVec = prometheus::HistogramVec;

/// Bucket bounds in seconds: 100 µs to 10 s, where mail latencies are.
const LATENCY_BOUNDS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

#[derive(Clone)]
enum Metric {
    Counter(CounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
}

struct Metrics {
    registry: Registry,
    by_name: Mutex<BTreeMap<&'static str, Metric>>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let registry = Registry::new();
    let process = prometheus::process_collector::ProcessCollector::for_self();
    registry
        .register(Box::new(process))
        .expect("an empty registry takes the process collector");
    Metrics {
        registry,
        by_name: Mutex::default(),
    }
});

impl Metrics {
    fn get(&self, name: &'static str, make: impl FnOnce() -> (Metric, Box<dyn Collector>)) -> Metric {
        let mut by_name = self.by_name.lock();
        if let Some(metric) = by_name.get(name) {
            return metric.clone();
        }
        let (metric, collector) = make();
        self.registry
            .register(collector)
            .expect("a name is registered once, under the lock");
        by_name.insert(name, metric.clone());
        metric
    }
}

/// The counter vector `name`; asked again it is the same one.
///
/// # Panics
/// When the name is not a valid metric name or is already another kind of metric: our mistake.
#[must_use]
pub fn counter_vec(name: &'static str, help: &str, labels: &[&str]) -> CounterVec {
    let metric = METRICS.get(name, || {
        let metric = CounterVec::new(Opts::new(name, help), labels).expect("metric name and labels are valid");
        (Metric::Counter(metric.clone()), Box::new(metric))
    });
    let Metric::Counter(metric) = metric else {
        panic!("{name} is not a counter")
    };
    metric
}

/// The counter `name`.
///
/// # Panics
/// As [`counter_vec`].
#[must_use]
pub fn counter(name: &'static str, help: &str) -> Counter {
    counter_vec(name, help, &[]).with_label_values::<&str>(&[])
}

/// The gauge vector `name`; asked again it is the same one.
///
/// # Panics
/// As [`counter_vec`].
#[must_use]
pub fn gauge_vec(name: &'static str, help: &str, labels: &[&str]) -> GaugeVec {
    let metric = METRICS.get(name, || {
        let metric = GaugeVec::new(Opts::new(name, help), labels).expect("metric name and labels are valid");
        (Metric::Gauge(metric.clone()), Box::new(metric))
    });
    let Metric::Gauge(metric) = metric else {
        panic!("{name} is not a gauge")
    };
    metric
}

/// The gauge `name`.
///
/// # Panics
/// As [`counter_vec`].
#[must_use]
pub fn gauge(name: &'static str, help: &str) -> Gauge {
    gauge_vec(name, help, &[]).with_label_values::<&str>(&[])
}

/// The histogram vector `name` of seconds; asked again it is the same one.
///
/// # Panics
/// As [`counter_vec`].
#[must_use]
pub fn histogram_vec(name: &'static str, help: &str, labels: &[&str]) -> HistogramVec {
    let metric = METRICS.get(name, || {
        let options = HistogramOpts::new(name, help).buckets(LATENCY_BOUNDS.to_vec());
        let metric = HistogramVec::new(options, labels).expect("metric name and labels are valid");
        (Metric::Histogram(metric.clone()), Box::new(metric))
    });
    let Metric::Histogram(metric) = metric else {
        panic!("{name} is not a histogram")
    };
    metric
}

/// The histogram `name` of seconds.
///
/// # Panics
/// As [`counter_vec`].
#[must_use]
pub fn histogram(name: &'static str, help: &str) -> Histogram {
    histogram_vec(name, help, &[]).with_label_values::<&str>(&[])
}

/// The histogram `name` with its own bucket bounds, for what is no latency; asked again it is the same one.
///
/// # Panics
/// As [`counter_vec`].
#[must_use]
pub fn histogram_with(name: &'static str, help: &str, bounds: &[f64]) -> Histogram {
    let metric = METRICS.get(name, || {
        let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        let metric = HistogramVec::new(options, &[]).expect("metric name and bounds are valid");
        (Metric::Histogram(metric.clone()), Box::new(metric))
    });
    let Metric::Histogram(metric) = metric else {
        panic!("{name} is not a histogram")
    };
    metric.with_label_values::<&str>(&[])
}

/// All metrics in Prometheus' text format.
#[must_use]
pub fn render() -> String {
    let mut text = Vec::new();
    // Writing to memory fails only for a metric family without samples, which the encoder leaves out itself.
    let _ = TextEncoder::new().encode(&METRICS.registry.gather(), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{counter, counter_vec, histogram, render};

    #[test]
    fn a_metric_asked_for_twice_is_the_same() {
        counter("hongyan_test_things_total", "Things.").inc();
        counter("hongyan_test_things_total", "Things.").inc();
        counter_vec("hongyan_test_kinds_total", "Kinds.", &["kind"])
            .with_label_values(&["a"])
            .inc();
        histogram("hongyan_test_wait_seconds", "Waits.").observe(0.002);
        let text = render();
        assert!(text.contains("hongyan_test_things_total 2"), "{text}");
        assert!(text.contains("hongyan_test_kinds_total{kind=\"a\"} 1"), "{text}");
        assert!(
            text.contains("hongyan_test_wait_seconds_bucket{le=\"0.0025\"} 1"),
            "{text}"
        );
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
    }
}
