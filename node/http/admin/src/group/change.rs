//! Changes a group.

use axum::extract::Path;
use hongyan_access::permission::Action;
use hongyan_directory::{DepartmentId, Field, GroupChange, Posting, TagId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Group, PartiesView, parties, people, person, view};
use crate::body::Body;
use crate::caller::{Caller, parse_address as parse};
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::organisation::present_field;
use crate::problem::{Failure, Result};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GroupChange)]
pub(crate) struct Change {
    display_name: Option<String>,
    /// Where the address was made up: once.
    address: Option<String>,
    member_departments: Option<Vec<DepartmentId>>,
    member_tags: Option<Vec<TagId>>,
    /// Who may write to it; another one than before forgets the posters.
    posting: Option<Posting>,
    /// Who may, when that is `custom`.
    posters: Option<PartiesView>,
    /// Who may send in its name.
    representatives: Option<Vec<String>>,
    /// Who gets what comes back; null for nobody in particular.
    #[serde(default, deserialize_with = "present_field")]
    owner: Option<Option<String>>,
    /// What an outside directory calls it.
    external_id: Option<String>,
}

/// Changes a group.
#[utoipa::path(patch, path = "/api/groups/{address}", params(("address" = String, Path)), request_body = Change, responses((status = 200, body = Group), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(address): Path<String>,
    IfMatch(expect): IfMatch,
    Body(change): Body<Change>,
) -> Result<Tagged<Group>> {
    let address = parse(&address)?;
    let group = caller.group(Action::ChangeGroups, &address).await?;
    let change = GroupChange {
        display_name: change.display_name.into(),
        address: change.address.as_deref().map(parse).transpose()?.into(),
        member_departments: change.member_departments.into(),
        member_tags: change.member_tags.into(),
        posting: change.posting.into(),
        posters: change.posters.map(parties).transpose()?.into(),
        representatives: match &change.representatives {
            Some(addresses) => Field::Set(people(&caller, group.tenant, addresses).await?),
            None => Field::Keep,
        },
        owner: match &change.owner {
            Some(Some(address)) => Field::Set(Some(person(&caller, group.tenant, address).await?)),
            Some(None) => Field::Set(None),
            None => Field::Keep,
        },
        external_id: change.external_id.into(),
        expect,
    };
    let outcome = caller.directory.change_group(&address, &change).await;
    let group = with_present(outcome, async {
        let present = caller.directory.group_at(&address).await?;
        view(&caller, &present).await
    })
    .await?;
    Ok(Tagged::new(group.etag(), view(&caller, &group).await?))
}
