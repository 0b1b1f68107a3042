//! The SMS gateway, as the configuration names it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_access::Access;
use hongyan_config::Config;
use hongyan_env::Env;
use hongyan_fetch::FetchOptions;
use hongyan_sms::{GatewayOptions, HttpGateway};
use hongyan_types::AddressRanges;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Answers of gateways are short.
const ANSWER_OCTETS_MAX: usize = 64 * 1_024;

/// Gives sign-in the gateway, if there is one.
pub(crate) fn open(config: &Config, env: &Env, access: &Access) -> Result<()> {
    let section = &config.sms;
    if section.url.is_empty() {
        return Ok(());
    }
    let (networks, _) = AddressRanges::read(&section.networks).context("setting sms.networks")?;
    let roots = match section.roots.as_str() {
        "" => Vec::new(),
        path => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .with_context(|| format!("setting sms.roots: read {path}"))?,
    };
    let options = GatewayOptions {
        url: section.url.clone(),
        headers: section.headers.clone(),
        body: section.body.clone(),
        content_type: section.content_type.clone(),
        text: section.text.clone(),
        invitation_body: section.invitation_body.clone(),
        invitation_text: section.invitation_text.clone(),
        taken: section.taken.clone(),
        fetch: FetchOptions {
            networks,
            roots,
            within: Duration::from_secs(section.answer_secs_max),
            octets_max: ANSWER_OCTETS_MAX,
        },
    };
    let gateway = HttpGateway::new(env.clone(), options)?;
    access.set_text_gateway(Arc::new(gateway));
    Ok(())
}
