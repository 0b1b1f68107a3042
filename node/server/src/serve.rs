//! `hongyan serve`: a node as its configuration says.

use anyhow::Result;
use hongyan_config::Config;
use hongyan_telemetry::{LogFormat, init_logs};

use crate::arguments::Serve;
use crate::node::{Node, NodeParts};
use crate::settings;

/// Threads of the system's own run time: accepting, the admin socket, HTTP.
pub(crate) const SYSTEM_THREADS: usize = 2;

pub(crate) fn run(arguments: &Serve) -> Result<()> {
    let config = Config::load(&arguments.config)?;
    let format = if config.log.format == "json" {
        LogFormat::Json
    } else {
        LogFormat::Text
    };
    init_logs(format, &config.log.filter);
    let parts = NodeParts {
        access: settings::access(&config, true),
        certificate_names: vec![config.node.host_name.clone()],
        clear_passwords_on_loopback: false,
        config,
    };
    hongyan_actor::run(SYSTEM_THREADS, async { Node::start(parts).await?.serve().await })
}
