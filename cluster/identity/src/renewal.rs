//! Certificates are renewed by themselves at two thirds of their life.

use std::time::Duration;

use hongyan_env::{BoxFuture, Env};
use hongyan_telemetry as telemetry;

use crate::{CertificateFacts, Identity, IdentityError, IdentityFile, KeyRequest, NodeKey};

/// How often it is looked whether the time has come.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// When a certificate is to be renewed, in milliseconds since the Unix epoch.
#[must_use]
pub fn renewal_due_millis(facts: &CertificateFacts) -> i64 {
    let life = facts.not_after_millis.saturating_sub(facts.not_before_millis);
    facts.not_before_millis.saturating_add(life / 3 * 2)
}

/// Renews the identity in `file` whenever it is due, for ever: makes a new key, has it signed by `sign`, writes the file and
/// tells `renewed`. What fails is tried again a minute later.
pub async fn renew_forever(
    env: Env,
    file: IdentityFile,
    sign: impl Fn(KeyRequest) -> BoxFuture<'static, Result<String, String>>,
    renewed: impl Fn(&Identity),
) {
    let ends = telemetry::gauge(
        "hongyan_identity_certificate_end_seconds",
        "When this node's certificate ends, in seconds since the Unix epoch.",
    );
    let failures = telemetry::counter(
        "hongyan_identity_renewal_failures_total",
        "Renewals of this node's certificate that failed; each is tried again.",
    );
    loop {
        match renew_if_due(&env, &file, &sign).await {
            Ok(Some(identity)) => renewed(&identity),
            Ok(None) => {}
            Err(error) => {
                failures.inc();
                tracing::warn!(%error, "the node's certificate could not be renewed");
            }
        }
        if let Ok(Some(facts)) = file
            .load()
            .and_then(|identity| identity.map(|identity| identity.facts()).transpose())
        {
            ends.set(facts.not_after_millis / 1000);
        }
        env.sleep(LOOK_EVERY).await;
    }
}

async fn renew_if_due(
    env: &Env,
    file: &IdentityFile,
    sign: &impl Fn(KeyRequest) -> BoxFuture<'static, Result<String, String>>,
) -> Result<Option<Identity>, IdentityError> {
    let Some(old) = file.load()? else { return Ok(None) };
    let facts = old.facts()?;
    if env.wall_millis() < renewal_due_millis(&facts) {
        return Ok(None);
    }
    let key = NodeKey::generate()?;
    let certificate_pem = sign(key.request()?).await.map_err(IdentityError::Malformed)?;
    let identity = Identity {
        certificate_pem,
        key_pem: key.to_pem(),
        authority_pem: old.authority_pem.clone(),
    };
    if identity.node()? != old.node()? {
        return Err(IdentityError::NoNode(
            "the new certificate is another node's".to_owned(),
        ));
    }
    file.store(&identity)?;
    tracing::info!(serial = identity.facts()?.serial, "the node's certificate is renewed");
    Ok(Some(identity))
}
