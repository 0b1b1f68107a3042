//! `hongyan serve`: a node as its configuration says.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};
use hongyan_config::{Config, ConfigError};
use hongyan_telemetry::{LogFormat, init_logs};

use crate::arguments::Serve;
use crate::node::{Node, NodeParts};
use crate::settings;

/// Threads of the system's own run time: accepting, the admin socket, HTTP.
pub(crate) const SYSTEM_THREADS: usize = 2;

pub(crate) fn run(arguments: &Serve) -> Result<()> {
    if arguments.data.is_some() {
        bail!(
            "the data folder of `serve` is node.data in {}, not an argument",
            arguments.config.display()
        );
    }
    let config = load(&arguments.config)?;
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

/// The configuration, checked as a whole before anything is opened or made.
pub(crate) fn load(path: &Path) -> Result<Config> {
    let config = match Config::load(path) {
        Err(ConfigError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            bail!(
                "there is no configuration {}: `hongyan init` writes one",
                path.display()
            )
        }
        read => read?,
    };
    settings::check(&config).with_context(|| format!("configuration {}", path.display()))?;
    Ok(config)
}
