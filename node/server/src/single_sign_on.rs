//! Single sign-on, as the configuration asks for it.

use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_config::Config;
use hongyan_fetch::{FetchOptions, Fetcher};
use hongyan_openid::{OpenId, OpenIdOptions};
use hongyan_saml::{Saml, SamlOptions};
use hongyan_types::AddressRanges;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::assembly::Ground;
use crate::offer;

/// How providers may be asked.
pub(crate) fn fetching(config: &Config) -> Result<FetchOptions> {
    let section = &config.single_sign_on;
    let (networks, _) = AddressRanges::read(&section.networks).context("setting single_sign_on.networks")?;
    let roots = match section.roots.as_str() {
        "" => Vec::new(),
        path => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .with_context(|| format!("setting single_sign_on.roots: read {path}"))?,
    };
    Ok(FetchOptions {
        networks,
        roots,
        within: Duration::from_secs(section.answer_secs_max),
        octets_max: section.answer_octets_max,
    })
}

pub(crate) fn open(config: &Config, ground: &Ground) -> Result<OpenId> {
    let section = &config.single_sign_on;
    let fetcher = Fetcher::new(ground.env.clone(), fetching(config)?).context("set up TLS for single sign-on")?;
    let options = OpenIdOptions {
        web_origin: offer::web_origin(config),
        clock_tolerance_secs: section.clock_tolerance_secs,
        attempt_secs: section.attempt_secs,
        metadata_secs: section.metadata_secs,
        asks_max: section.asks_max,
        ..OpenIdOptions::default()
    };
    Ok(OpenId::new(
        ground.env.clone(),
        ground.database.clone(),
        ground.directory.clone(),
        ground.access.clone(),
        fetcher,
        options,
    ))
}

/// The same at providers that speak SAML; who comes in is decided by `openid`.
pub(crate) fn open_saml(config: &Config, ground: &Ground, openid: &OpenId) -> Saml {
    let section = &config.single_sign_on;
    let options = SamlOptions {
        web_origin: offer::web_origin(config),
        clock_tolerance_secs: section.clock_tolerance_secs,
        attempt_secs: section.attempt_secs,
        answer_octets_max: section.answer_octets_max,
        arrive_secs: section.arrive_secs,
        assertion_secs: section.assertion_secs,
        applications_max: section.saml_applications_max,
        keys_max: section.saml_keys_max,
        session_applications_max: section.session_applications_max,
    };
    Saml::new(
        ground.env.clone(),
        ground.database.clone(),
        ground.directory.clone(),
        openid.clone(),
        options,
    )
}
