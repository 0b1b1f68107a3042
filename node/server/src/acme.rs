//! Certificates from an authority, as the configuration asks for them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_acme::{Acme, AcmeParts, AcmeSettings, Challenge};
use hongyan_actor::{Arbiters, EntityKey};
use hongyan_config::Config;
use hongyan_env::Env;
use hongyan_listener::TlsConfig;
use hongyan_queue::QueueId;
use hongyan_router::Router;
use hongyan_telemetry::Health;
use hongyan_types::Domain;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::assembly::Ground;
use crate::offer;

/// Time between two looks at what failed.
const LOOK_PERIOD: Duration = Duration::from_secs(30);
/// Failures that are told one by one.
const TOLD_MAX: usize = 5;

/// What is to be ordered; none when no authority is named.
pub(crate) fn settings(config: &Config) -> Result<Option<AcmeSettings>> {
    let section = &config.acme;
    if section.directory.is_empty() {
        return Ok(None);
    }
    let further = section
        .names
        .iter()
        .map(|name| Domain::try_from(name.as_str()).with_context(|| format!("setting acme.names: {name}")));
    let mut own_names = further.collect::<Result<Vec<_>>>()?;
    // Who has a certificate for them already wants no other.
    if config.tls.certificate.is_empty() {
        let offer = offer::offer(config)?;
        own_names.extend(offer.own_hosts());
    }
    own_names.sort();
    own_names.dedup();
    let roots = match section.roots.as_str() {
        "" => Vec::new(),
        path => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .with_context(|| format!("setting acme.roots: read {path}"))?,
    };
    Ok(Some(AcmeSettings {
        contacts: section.contacts.clone(),
        challenge: match section.challenge.as_str() {
            "http-01" => Challenge::Http01,
            _ => Challenge::TlsAlpn01,
        },
        own_names,
        serves_unnamed: config.tls.certificate.is_empty(),
        roots,
        ..AcmeSettings::new(section.directory.clone())
    }))
}

/// Shows certificates, for ever, and orders them if the configuration names an authority.
pub(crate) fn start(
    config: &Config,
    ground: &Ground,
    arbiters: &Arbiters,
    router: &Router,
    tls: &TlsConfig,
) -> Result<Acme> {
    // Without an authority there are those that organisations bring.
    let settings = settings(config)?.unwrap_or_else(|| AcmeSettings::new(String::new()));
    let router = router.clone();
    // Among many nodes one orders: whoever has the first shard of the queue.
    let place = QueueId { shard: 0 }.entity_id();
    let acme = Acme::new(AcmeParts {
        env: ground.env.clone(),
        database: ground.database.clone(),
        directory: ground.directory.clone(),
        offer: Arc::new(offer::offer(config)?),
        tls: tls.clone(),
        is_mine: Arc::new(move || router.is_here(&place)),
        settings,
    });
    let acme = acme.context("set up the certificate authority")?;
    let (follows, keeps) = (acme.clone(), acme.clone());
    arbiters.spawn(0, move || follows.follow());
    arbiters.spawn(0, move || keeps.keep());
    Ok(acme)
}

/// Says in /readyz what could not be ordered, for ever. The node is as ready as without.
pub(crate) async fn watch(env: Env, acme: Acme, health: Health) {
    loop {
        if let Ok(failures) = acme.failures().await {
            health.note("certificates", told(&failures));
        }
        env.sleep(LOOK_PERIOD).await;
    }
}

fn told(failures: &[(String, String)]) -> Option<String> {
    let mut lines: Vec<_> = failures.iter().take(TOLD_MAX).map(|(_, why)| why.clone()).collect();
    let rest = failures.len().saturating_sub(TOLD_MAX);
    if rest > 0 {
        lines.push(format!("and {rest} more"));
    }
    (!lines.is_empty()).then(|| lines.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let text = format!(
            "[node]\nhost_name = \"mx.a.test\"\n{text}\n[acme]\ndirectory = \"https://ca.test/\"\nagree_to_terms = true\nnames = [\"www.a.test\"]"
        );
        let config = Config::parse(std::path::Path::new("x.toml"), &text).unwrap();
        let settings = settings(&config).unwrap().unwrap();
        settings.own_names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_operator_s_names_are_those_that_clients_are_told() {
        assert_eq!(names(""), ["mx.a.test", "www.a.test"]);
        let public = "[public]\nimaps = \"imap.a.test\"\nmail_hosts = [\"mx1.a.test\", \"mx2.a.test\"]\nregional_hosts = [\"eu.a.test Europe\"]";
        let expect = [
            "eu.a.test",
            "imap.a.test",
            "mx.a.test",
            "mx1.a.test",
            "mx2.a.test",
            "www.a.test",
        ];
        assert_eq!(names(public), expect);
        assert_eq!(names("[tls]\ncertificate = \"/c\"\nkey = \"/k\""), ["www.a.test"]);
        assert!(settings(&Config::default()).unwrap().is_none());
    }

    #[test]
    fn a_few_failures_are_told_one_by_one() {
        let failures = |count: usize| vec![(String::new(), "no".to_owned()); count];
        assert_eq!(told(&failures(0)), None);
        assert_eq!(told(&failures(2)).unwrap(), "no; no");
        assert_eq!(told(&failures(7)).unwrap(), "no; no; no; no; no; and 2 more");
    }
}
