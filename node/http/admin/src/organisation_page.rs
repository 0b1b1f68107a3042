//! /api/organisations/{name}/page: what an organisation says of itself, and how it shows its people.

use axum::extract::Path;
use hongyan_access::permission::{Action, Object};
use hongyan_directory::{DisplayNames, OrganisationPage, Welcome};
use hongyan_types::TenantId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::problem::{Failure, Result};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrganisationPageChange)]
pub(crate) struct Change {
    /// At most 200 characters, as the texts below.
    short_name: Option<String>,
    postal_address: Option<String>,
    industry: Option<String>,
    size: Option<String>,
    /// A name such as `Asia/Shanghai`; empty is UTC.
    time_zone: Option<String>,
    display_names: Option<DisplayNames>,
    /// Whether members choose their sender name themselves (ORG-9).
    own_sender_names: Option<bool>,
    /// What new members find in their mailbox (ORG-10).
    welcome: Option<Welcome>,
}

impl Change {
    fn over(self, present: OrganisationPage) -> OrganisationPage {
        OrganisationPage {
            short_name: self.short_name.unwrap_or(present.short_name),
            postal_address: self.postal_address.unwrap_or(present.postal_address),
            industry: self.industry.unwrap_or(present.industry),
            size: self.size.unwrap_or(present.size),
            time_zone: self.time_zone.unwrap_or(present.time_zone),
            display_names: self.display_names.unwrap_or(present.display_names),
            own_sender_names: self.own_sender_names.unwrap_or(present.own_sender_names),
            welcome: self.welcome.unwrap_or(present.welcome),
        }
    }
}

async fn named(caller: &Caller, action: Action, name: &str) -> Result<TenantId> {
    let id = caller.organisation(Some(name)).await?;
    caller.permit(action, &Object::organisation(id))?;
    Ok(id)
}

/// What an organisation says of itself.
#[utoipa::path(get, path = "/api/organisations/{name}/page", params(("name" = String, Path)), responses((status = 200, body = OrganisationPage), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Tagged<OrganisationPage>> {
    let id = named(&caller, Action::ReadOrganisation, &name).await?;
    let page = caller.directory.page(id).await?;
    Ok(Tagged::new(page.etag(), page))
}

/// Changes what an organisation says of itself.
#[utoipa::path(patch, path = "/api/organisations/{name}/page", params(("name" = String, Path)), request_body = Change, responses((status = 200, body = OrganisationPage), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(expect): IfMatch,
    Body(change): Body<Change>,
) -> Result<Tagged<OrganisationPage>> {
    let id = named(&caller, Action::ChangeOrganisation, &name).await?;
    let present = caller.directory.page(id).await?;
    // What was added to is what was looked at.
    let expect = expect.or_else(|| Some(present.etag()));
    let outcome = caller.directory.set_page(id, &change.over(present), expect).await;
    let page = with_present(outcome, async { Ok(caller.directory.page(id).await?) }).await?;
    Ok(Tagged::new(page.etag(), page))
}
