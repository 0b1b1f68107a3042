//! Which changes a caller may hear of: those of what they may look at.

use hongyan_access::permission::{Action, Object, Reach};
use hongyan_directory::{GroupId, Subject};
use hongyan_types::TenantId;
use hongyan_upkeep::TaskId;

use crate::caller::Caller;

/// Kinds of subjects.
pub(crate) const KINDS: [&str; 8] = [
    "organisation",
    "domain",
    "member",
    "department",
    "tag",
    "group",
    "token",
    "task",
];

/// Whether the caller may hear that `subject` changed. What is gone is heard of by those who see the whole organisation.
pub(crate) async fn is_seen(caller: &Caller, tenant: TenantId, subject: &Subject) -> bool {
    let all = Object::organisation(tenant);
    let whole = |action| {
        caller
            .permit(action, &all)
            .is_ok_and(|reach| reach == Reach::Organisation)
    };
    match subject {
        Subject::Tenant => whole(Action::ReadOrganisation),
        Subject::Domain(_) => whole(Action::ReadDomains),
        Subject::Token(_) => whole(Action::ReadTokens),
        Subject::Tag(_) => caller.permit(Action::ReadStructure, &all).is_ok(),
        Subject::Department(id) => {
            let places = caller
                .directory
                .with_all_above(tenant, &[*id])
                .await
                .unwrap_or_default();
            let object = Object::one(tenant, &places);
            whole(Action::ReadStructure) || caller.permit(Action::ReadStructure, &object).is_ok()
        }
        Subject::Account(id) => {
            if whole(Action::ReadMembers) {
                return true;
            }
            let Ok(Some(account)) = caller.directory.account(*id).await else {
                return false;
            };
            caller
                .permit_member(Action::ReadMembers, &account, &account.address)
                .await
                .is_ok()
        }
        Subject::Group(id) => whole(Action::ReadGroups) || is_group_seen(caller, tenant, *id).await,
        Subject::Task(id) => {
            let Ok(reach) = caller.permit(Action::ReadMembers, &all) else {
                return false;
            };
            let Ok(task) = caller.tasks.show(tenant, TaskId(*id)).await else {
                return false;
            };
            crate::task::is_seen(caller, &reach, &task)
        }
    }
}

async fn is_group_seen(caller: &Caller, tenant: TenantId, id: GroupId) -> bool {
    let before = id.0.checked_sub(1).map(GroupId);
    let Ok(found) = caller.directory.groups(tenant, before, 1).await else {
        return false;
    };
    let Some(department) = found
        .iter()
        .find(|group| group.id == id)
        .and_then(|group| group.department)
    else {
        return false;
    };
    let places = caller
        .directory
        .with_all_above(tenant, &[department])
        .await
        .unwrap_or_default();
    caller.permit(Action::ReadGroups, &Object::one(tenant, &places)).is_ok()
}
