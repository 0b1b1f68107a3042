//! LDAP directories, as the configuration asks for them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_config::Config;
use hongyan_fetch::{FetchOptions, Fetcher};
use hongyan_ldap::{Ldap, LdapOptions};
use hongyan_types::AddressRanges;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::assembly::Ground;

/// Where directories may be asked.
pub(crate) fn fetching(config: &Config) -> Result<FetchOptions> {
    let section = &config.ldap;
    let (networks, _) = AddressRanges::read(&section.networks).context("setting ldap.networks")?;
    let roots = match section.roots.as_str() {
        "" => Vec::new(),
        path => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .with_context(|| format!("setting ldap.roots: read {path}"))?,
    };
    Ok(FetchOptions {
        networks,
        roots,
        ..FetchOptions::default()
    })
}

/// Opens them, and has sign-in prove passwords there.
pub(crate) fn open(config: &Config, ground: &Ground) -> Result<Ldap> {
    let section = &config.ldap;
    let fetcher = Fetcher::new(ground.env.clone(), fetching(config)?).context("set up TLS for LDAP")?;
    let options = LdapOptions {
        read_within: Duration::from_secs(section.read_secs_max),
        entries_max: section.entries_max,
        octets_max: section.octets_max,
        answer_octets_max: section.answer_octets_max,
        page_entries: section.page_entries,
        bind_within: Duration::from_secs(section.bind_secs_max),
        binds_max: section.binds_max,
        ..LdapOptions::default()
    };
    let (database, directory) = (ground.database.clone(), ground.directory.clone());
    let ldap = Ldap::new(
        ground.env.clone(),
        database,
        directory,
        ground.access.clone(),
        fetcher,
        options,
    );
    ground.access.prove_outside(Arc::new(ldap.clone()));
    Ok(ldap)
}
