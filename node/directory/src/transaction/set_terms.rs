//! Sets the terms of a tenant or of the installation: a new version, which members are asked for again (AUTH-29).

use hongyan_audit::{Chain, Event};
use hongyan_types::{TenantId, Timestamp};

use super::read_tenant;
use crate::record::change::Touched;
use crate::record::feed::Subject;
use crate::record::terms::{self, TEXT_OCTETS_MAX};
use crate::{Change, Error, Result, Terms, key};

/// The texts are English and Chinese; without either nothing is asked for any more.
pub(crate) async fn run(
    transaction: &mut Change,
    of: Option<TenantId>,
    texts: (&str, &str),
    now: Timestamp,
) -> Result<Terms> {
    let (english, chinese) = texts;
    for text in [english, chinese] {
        if text.len() > TEXT_OCTETS_MAX {
            return Err(Error::Limit {
                setting: "terms_octets_max",
                max: u64::try_from(TEXT_OCTETS_MAX).unwrap_or(u64::MAX),
                used: u64::try_from(text.len()).unwrap_or(u64::MAX),
            });
        }
    }
    let name = match of {
        Some(tenant) => read_tenant(transaction, tenant).await?.name,
        None => "installation".to_owned(),
    };
    let key = key::terms(of);
    let stored = transaction.get(&key).await?;
    let before = stored
        .map(|stored| terms::decode(&stored))
        .transpose()?
        .unwrap_or_default();
    if (english, chinese) == (before.english.as_str(), before.chinese.as_str()) {
        return Ok(before);
    }
    let after = Terms {
        version: before.version.saturating_add(1),
        english: english.to_owned(),
        chinese: chinese.to_owned(),
        since: now,
    };
    transaction.set(key, terms::encode(&after));
    let event = Event::new("organisation.terms", &name)
        .with("version", after.version.to_string())
        .with("asked", after.is_asked().to_string());
    match of {
        Some(tenant) => {
            transaction.touch(Touched::Tenant(tenant));
            transaction.tell(tenant, Subject::Tenant);
            transaction.record(Chain::Tenant(tenant), event.id(tenant.0));
        }
        None => {
            transaction.touch(Touched::Everything);
            transaction.record(Chain::Installation, event);
        }
    }
    Ok(after)
}
