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

/// What libraries say of every message that does not arrive and of every name that is not in the DNS, thousands of lines a
/// minute while a node is down: their targets, and what of it is heard. What an operator has to know of it, our own crates say.
const QUIET: [(&str, &str); 3] = [
    ("openraft", "off"),
    ("hickory_net", "error"),
    ("hickory_resolver", "error"),
];

/// Starts logging to standard error. `filter` is in `tracing`'s directive syntax (`info`, `hongyan_queue=debug`); what it cannot
/// parse is ignored. Libraries that speak of all that is lost are heard as `filter` says where it names them. A second call does
/// nothing.
pub fn init_logs(format: LogFormat, filter: &str) {
    let filter = quietened(filter);
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

/// `filter`, with less of the libraries that it does not name.
fn quietened(filter: &str) -> String {
    let is_named = |library: &str| filter.contains(library);
    let quiet = QUIET.iter().filter(|(library, _)| !is_named(library));
    let quiet = quiet.map(|(library, heard)| format!(",{library}={heard}"));
    filter.to_owned() + &quiet.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_quiet_unless_they_are_named() {
        let check = |filter, expect| assert_eq!(quietened(filter), expect);
        check("info", "info,openraft=off,hickory_net=error,hickory_resolver=error");
        check(
            "warn,hickory_net=debug",
            "warn,hickory_net=debug,openraft=off,hickory_resolver=error",
        );
    }
}
