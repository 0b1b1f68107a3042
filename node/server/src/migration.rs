//! Migrations, as the configuration asks for them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_actor::{Arbiters, EntityHost};
use hongyan_blob::BlobStore;
use hongyan_config::Config;
use hongyan_migration::{Dialer, MigrationEntity, MigrationOptions, MigrationServices, Migrations};
use hongyan_router::Router;
use hongyan_types::AddressRanges;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::sync::Semaphore;

use crate::assembly::Ground;
use crate::settings;

/// The limits that are configured, without the certificates.
pub(crate) fn options(config: &Config) -> Result<MigrationOptions> {
    let section = &config.migration;
    let (networks, _) = AddressRanges::read(&section.networks).context("setting migration.networks")?;
    let days = |count: u64| Duration::from_secs(count.saturating_mul(86_400));
    Ok(MigrationOptions {
        networks,
        clear_allowed: section.clear_allowed,
        jobs_per_source_max: section.jobs_per_source_max,
        jobs_per_node_max: section.jobs_per_node_max,
        open_per_tenant_max: section.open_per_organisation_max,
        accept_for: days(section.accept_days),
        give_up_after: days(section.give_up_after_days),
        message_octets_max: section.message_octets_max,
        ..MigrationOptions::default()
    })
}

/// Serves migrations, and looks for ever after those that are here.
pub(crate) fn start(
    config: &Config,
    ground: &Ground,
    arbiters: &Arbiters,
    router: &Router,
    blobs: &BlobStore,
) -> Result<(Migrations, EntityHost<MigrationEntity>)> {
    let mut options = options(config)?;
    if !config.migration.roots.is_empty() {
        let path = &config.migration.roots;
        options.roots = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .with_context(|| format!("setting migration.roots: read {path}"))?;
    }
    let permits = Arc::new(Semaphore::new(options.jobs_per_node_max.max(1)));
    let (env, directory) = (ground.env.clone(), ground.directory.clone());
    let dialer = Dialer::new(env.clone(), options).context("set up TLS for migrations")?;
    let services = MigrationServices {
        env: env.clone(),
        directory: directory.clone(),
        router: router.clone(),
        blobs: blobs.clone(),
        dialer: dialer.clone(),
        sealer: directory.sealer().clone(),
        permits,
    };
    let host = router.serve_everywhere::<MigrationEntity>(services, settings::task_entities(config));
    let migrations = Migrations::new(env.clone(), directory, router.clone(), dialer).with_blobs(blobs.clone());
    let (router, looked) = (router.clone(), migrations.clone());
    arbiters.spawn(0, move || hongyan_migration::run(env, router, looked));
    Ok((migrations, host))
}
