//! Sets what an organisation says of itself.

use hongyan_audit::{Chain, Event};
use hongyan_kv::Transaction;
use hongyan_types::TenantId;

use super::{check_name, clean, read_tenant};
use crate::record::feed::Subject;
use crate::record::page;
use crate::{Change, Error, Etag, OrganisationPage, Result, Welcome, etag, key};

/// Longest of the texts, in characters.
const TEXT_CHARACTERS_MAX: usize = 200;
/// Longest own letter to new members, in octets.
const WELCOME_OCTETS_MAX: usize = 16_000;

pub(crate) async fn read(transaction: &mut Transaction, id: TenantId) -> Result<OrganisationPage> {
    let stored = transaction.get(&key::page(id)).await?;
    let page = stored.map(|stored| page::decode(&stored)).transpose()?;
    Ok(page.unwrap_or_default())
}

pub(crate) async fn run(
    transaction: &mut Change,
    id: TenantId,
    wanted: &OrganisationPage,
    expect: Option<Etag>,
) -> Result<OrganisationPage> {
    let tenant = read_tenant(transaction, id).await?;
    let before = read(transaction, id).await?;
    etag::check(expect, before.etag(), "organisation page", &tenant.name)?;
    let after = cleaned(wanted)?;
    if after == before {
        return Ok(before);
    }
    transaction.set(key::page(id), page::encode(&after));
    transaction.tell(id, Subject::Tenant);
    let event = Event::new("organisation.page", &tenant.name)
        .id(id.0)
        .changed("short_name", &before.short_name, &after.short_name)
        .changed("postal_address", &before.postal_address, &after.postal_address)
        .changed("industry", &before.industry, &after.industry)
        .changed("size", &before.size, &after.size)
        .changed("time_zone", &before.time_zone, &after.time_zone)
        .changed("display_names", &before.display_names, &after.display_names)
        .changed("own_sender_names", &before.own_sender_names, &after.own_sender_names)
        .changed("welcome", &before.welcome, &after.welcome);
    transaction.record(Chain::Tenant(id), event);
    Ok(after)
}

fn cleaned(page: &OrganisationPage) -> Result<OrganisationPage> {
    let text = |text: &str| {
        let text = clean(text);
        check_name(&text, TEXT_CHARACTERS_MAX)?;
        Ok::<_, Error>(text)
    };
    if !page.time_zone.is_empty() && jiff::tz::TimeZone::get(&page.time_zone).is_err() {
        return Err(Error::Invalid(format!("there is no time zone {}", page.time_zone)));
    }
    let welcome = match &page.welcome {
        Welcome::Own { subject, text: body } => {
            let subject = text(subject)?;
            if subject.is_empty() || body.trim().is_empty() {
                return Err(Error::Invalid(
                    "an own welcome letter has a subject and a text".to_owned(),
                ));
            }
            if body.len() > WELCOME_OCTETS_MAX {
                return Err(Error::Limit {
                    setting: "welcome_octets_max",
                    max: WELCOME_OCTETS_MAX as u64,
                    used: body.len() as u64,
                });
            }
            Welcome::Own {
                subject,
                text: body.clone(),
            }
        }
        other => other.clone(),
    };
    Ok(OrganisationPage {
        short_name: text(&page.short_name)?,
        postal_address: text(&page.postal_address)?,
        industry: text(&page.industry)?,
        size: text(&page.size)?,
        welcome,
        ..page.clone()
    })
}

#[cfg(test)]
#[path = "set_page_test.rs"]
mod tests;
