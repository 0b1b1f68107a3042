//! Structured logs on standard error.

use tracing_subscriber::EnvFilter;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people at a terminal.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// What the agreement's library says of every message that does not arrive, thousands of lines a minute while a node is
/// down. What an operator has to know of it, our own crates say.
const QUIET: &str = "openraft";

/// Starts logging to standard error. `filter` is in `tracing`'s directive syntax (`info`, `hongyan_queue=debug`); what it cannot
/// parse is ignored. A library that speaks of every lost message is heard only when `filter` names it. A second call does
/// nothing.
pub fn init_logs(format: LogFormat, filter: &str) {
    let filter = match filter.contains(QUIET) {
        true => filter.to_owned(),
        false => format!("{filter},{QUIET}=off"),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::builder().parse_lossy(&filter))
        .with_ansi(false);
    // A subscriber that is already there stays: tests start many nodes in one process.
    let _ = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
}
