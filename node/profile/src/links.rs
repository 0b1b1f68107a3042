//! Links to other systems that an organisation shows its members (API-6): to all of them, or to those of some departments and tags. A link
//! may lead there by way of a connected application, which then signs the member in (OpenID Connect Core 1.0 §4).
//!
//! of-tenant ("link", place)   one link, in the order in which they are shown

use bytes::Bytes;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{
    AccountRecord, Change, DepartmentId, Error, Etag, Subject, TagId, TagRecord, of_tenant, web_host,
};
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_kv::{RangeQuery, ReadMode, Tuple};
use hongyan_types::TenantId;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ProfileError, Profiles};

/// Longest name, in characters.
const NAME_CHARACTERS_MAX: usize = 60;
/// Departments and tags that one link is for.
const AUDIENCE_MAX: usize = 50;
/// Longest name of an application.
const APPLICATION_OCTETS_MAX: usize = 100;

/// A link to another system.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What it is called, in English; 1 to 60 characters.
    pub name: String,
    /// The same in Chinese; empty is as in English.
    #[serde(default)]
    pub name_zh_cn: String,
    /// Where it leads: a URL of https with the name of a host, of at most 500 characters.
    pub url: String,
    /// A picture, likewise a URL; null is none.
    #[serde(default)]
    pub icon: Option<String>,
    /// Whose members, with all below, see it; 50 at most with the tags. Without both everybody does.
    #[serde(default)]
    pub departments: Vec<DepartmentId>,
    /// Or who bear one of these tags, themselves or by a department.
    #[serde(default)]
    pub tags: Vec<TagId>,
    /// The connected application that signs members in on the way; null is none.
    #[serde(default)]
    pub application: Option<String>,
    /// Where that application begins to sign somebody in (`initiate_login_uri`, OpenID Connect Core 1.0 §4), likewise a URL.
    #[serde(default)]
    pub login_url: Option<String>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct V1 {
    #[n(0)]
    name: String,
    #[n(1)]
    name_zh_cn: Option<String>,
    #[n(2)]
    url: String,
    #[n(3)]
    icon: Option<String>,
    #[n(4)]
    departments: Option<Vec<u32>>,
    #[n(5)]
    tags: Option<Vec<u32>>,
    #[n(6)]
    application: Option<String>,
    #[n(7)]
    login_url: Option<String>,
}

enum Stored {
    V1(V1),
}

fn encode(link: &Link) -> Bytes {
    let some = |ids: Vec<u32>| (!ids.is_empty()).then_some(ids);
    let body = V1 {
        name: link.name.clone(),
        name_zh_cn: Some(link.name_zh_cn.clone()).filter(|name| !name.is_empty()),
        url: link.url.clone(),
        icon: link.icon.clone(),
        departments: some(link.departments.iter().map(|id| id.0).collect()),
        tags: some(link.tags.iter().map(|id| id.0).collect()),
        application: link.application.clone(),
        login_url: link.login_url.clone(),
    };
    record::encode(Schema(1), &body)
}

fn decode(stored: &[u8]) -> Result<Link, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(Link {
        name: body.name,
        name_zh_cn: body.name_zh_cn.unwrap_or_default(),
        url: body.url,
        icon: body.icon,
        departments: body
            .departments
            .unwrap_or_default()
            .into_iter()
            .map(DepartmentId)
            .collect(),
        tags: body.tags.unwrap_or_default().into_iter().map(TagId).collect(),
        application: body.application,
        login_url: body.login_url,
    })
}

/// Changes whenever the links do.
#[must_use]
pub fn etag_of_links(links: &[Link]) -> Etag {
    let all: Vec<u8> = links.iter().flat_map(encode).collect();
    Etag::of(&all)
}

fn keys(tenant: TenantId) -> Tuple {
    of_tenant(tenant).string("link")
}

async fn read(change: &mut Change, tenant: TenantId, mode: ReadMode) -> hongyan_kv::Result<Vec<Link>> {
    let query = RangeQuery {
        mode,
        ..RangeQuery::all(keys(tenant).range())
    };
    let stored = change.get_range_all(query).await?;
    let links = stored.iter().map(|row| decode(&row.value));
    Ok(links.collect::<Result<_, _>>()?)
}

fn cleaned(link: &Link) -> Result<Link, ProfileError> {
    let invalid = |text: String| Err(ProfileError::Invalid(text));
    let name = |text: &str| text.trim().to_owned();
    let link = Link {
        name: name(&link.name),
        name_zh_cn: name(&link.name_zh_cn),
        ..link.clone()
    };
    let is_line = |text: &str| text.chars().count() <= NAME_CHARACTERS_MAX && !text.chars().any(char::is_control);
    if link.name.is_empty() || !is_line(&link.name) || !is_line(&link.name_zh_cn) {
        return invalid(format!("name: one line of 1 to {NAME_CHARACTERS_MAX} characters"));
    }
    let urls = [
        ("url", Some(&link.url)),
        ("icon", link.icon.as_ref()),
        ("login_url", link.login_url.as_ref()),
    ];
    for (field, url) in urls {
        if url.is_some_and(|url| web_host(url).is_none()) {
            let what = "a URL of https with the name of a host, of at most 500 characters";
            return invalid(format!("{field}: {what}"));
        }
    }
    if link.application.is_some() != link.login_url.is_some() {
        return invalid("application and login_url are named together".to_owned());
    }
    if link
        .application
        .as_ref()
        .is_some_and(|id| id.len() > APPLICATION_OCTETS_MAX)
    {
        return invalid("application: there is no such one".to_owned());
    }
    if link.departments.len() + link.tags.len() > AUDIENCE_MAX {
        return invalid(format!("departments and tags: at most {AUDIENCE_MAX} of a link"));
    }
    Ok(link)
}

impl Profiles {
    /// All links of an organisation, in their order.
    ///
    /// # Errors
    /// The store's only.
    pub async fn links(&self, tenant: TenantId) -> Result<Vec<Link>, ProfileError> {
        let body = async move |change: &mut Change| Ok(read(change, tenant, ReadMode::Snapshot).await?);
        Ok(self.directory().try_out(body).await?)
    }

    /// The links that a member sees.
    ///
    /// # Errors
    /// The store's only.
    pub async fn links_of(&self, account: &AccountRecord) -> Result<Vec<Link>, ProfileError> {
        let mut links = self.links(account.tenant).await?;
        if links
            .iter()
            .all(|link| link.departments.is_empty() && link.tags.is_empty())
        {
            return Ok(links);
        }
        let directory = self.directory();
        let places = directory.with_all_above(account.tenant, &account.departments).await?;
        let tags = directory.tags(account.tenant).await?;
        let bears =
            |tag: &TagRecord| account.tags.contains(&tag.id) || tag.departments.iter().any(|id| places.contains(id));
        let tags: Vec<TagId> = tags.into_iter().filter(bears).map(|tag| tag.id).collect();
        links.retain(|link| {
            (link.departments.is_empty() && link.tags.is_empty())
                || link.departments.iter().any(|id| places.contains(id))
                || link.tags.iter().any(|id| tags.contains(id))
        });
        Ok(links)
    }

    /// Sets all links of an organisation, in the order in which they are shown.
    ///
    /// # Errors
    /// `Invalid`; `NotFound` for departments and tags, `Limit`, `Changed`; the store's.
    pub async fn set_links(
        &self,
        tenant: TenantId,
        wanted: &[Link],
        expect: Option<Etag>,
    ) -> Result<Vec<Link>, ProfileError> {
        let directory = self.directory();
        let max = directory.options().links_per_tenant_max;
        if wanted.len() > max {
            return Err(ProfileError::Directory(Error::Limit {
                setting: "links_per_tenant_max",
                max: max as u64,
                used: wanted.len() as u64,
            }));
        }
        let wanted: Vec<Link> = wanted.iter().map(cleaned).collect::<Result<_, _>>()?;
        for link in &wanted {
            for id in &link.departments {
                directory.department(tenant, *id).await?;
            }
            for id in &link.tags {
                directory.tag(tenant, *id).await?;
            }
        }
        let name = directory.tenant(tenant).await?.name.clone();
        let body = async move |change: &mut Change| {
            let before = read(change, tenant, ReadMode::Serializable).await?;
            if expect.is_some_and(|expect| expect != etag_of_links(&before)) {
                let (what, name) = ("links", name.clone());
                return Err(Error::Changed { what, name });
            }
            if before != wanted {
                change.clear_range(keys(tenant).range());
                for (place, link) in wanted.iter().enumerate() {
                    change.set(keys(tenant).int(place as u64).pack(), encode(link));
                }
                let names = |links: &[Link]| links.iter().map(|link| link.name.clone()).collect::<Vec<_>>();
                let event = Event::new("organisation.links", &name).id(tenant.0).changed(
                    "links",
                    &names(&before),
                    &names(&wanted),
                );
                change.record(Chain::Tenant(tenant), event);
                change.tell(tenant, Subject::Tenant);
            }
            Ok(wanted.clone())
        };
        Ok(directory.transact(body).await?)
    }
}

#[cfg(test)]
#[path = "links_test.rs"]
mod tests;
