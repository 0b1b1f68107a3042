//! Registries of domains, as the configuration says.

use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_config::Config;
use hongyan_fetch::{FetchOptions, Url};
use hongyan_http_discovery::{Registries, RegistryOptions};

use crate::assembly::Ground;

/// Who is asked when registrations end; none when nobody is to be.
pub(crate) fn open(config: &Config, ground: &Ground) -> Result<Option<Registries>> {
    let section = &config.registry;
    if section.list.is_empty() {
        return Ok(None);
    }
    let options = RegistryOptions {
        list: Url::read(&section.list).context("setting registry.list")?,
        fetch: FetchOptions {
            within: Duration::from_secs(section.answer_secs_max),
            octets_max: section.answer_octets_max,
            ..FetchOptions::default()
        },
    };
    let registries = Registries::new(ground.env.clone(), options).context("set up TLS for registries")?;
    Ok(Some(registries))
}
