//! /api/bulk/members: the same to many members at once, as a task with a report of each (MEM-10, LGN-12, STAT-9).

use axum::Json;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Actor, Person};
use hongyan_directory::{Bounded, BulkAct, DepartmentId, Role};
use hongyan_types::TenantId;
use hongyan_upkeep::{BulkItem, BulkMembers as Bulk};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Caller, parse_address};
use crate::member::check_departments;
use crate::problem::{Failure, Problem, Result};
use crate::task::{Task, view};

/// What is done to each member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BulkAction {
    /// It belongs to `departments`, and to no others.
    MoveToDepartments,
    /// It no longer belongs to `departments`.
    LeaveDepartments,
    /// It becomes a member of `groups`.
    JoinGroups,
    /// No sign-in and no mail.
    Disable,
    /// Ends that.
    Enable,
    /// Its mail clients need an app password, whatever it says.
    ForceSecureLogin,
    /// Ends that.
    FreeSecureLogin,
    /// It gets its `alias`.
    AddAlias,
    /// It goes into the recycle bin.
    Delete,
}

/// One of the members.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkMember {
    /// One of its addresses.
    address: String,
    /// The address that it gets, with `add-alias`.
    #[serde(default)]
    alias: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkMembers {
    action: BulkAction,
    /// At most 10000. The report calls each by its place, from 1.
    members: Vec<BulkMember>,
    #[serde(default)]
    departments: Vec<DepartmentId>,
    /// Addresses of groups.
    #[serde(default)]
    groups: Vec<String>,
    /// Only looks.
    #[serde(default)]
    dry_run: bool,
    /// Disables and deletes those too whom others count on; otherwise the report says what for.
    #[serde(default)]
    confirm_uses: bool,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

impl BulkMembers {
    /// What it takes to do it to a member.
    fn takes(&self) -> Action {
        match self.action {
            BulkAction::MoveToDepartments | BulkAction::LeaveDepartments | BulkAction::AddAlias => {
                Action::ChangeMembers
            }
            // It is the group that changes.
            BulkAction::JoinGroups => Action::ChangeGroups,
            BulkAction::Disable
            | BulkAction::Enable
            | BulkAction::ForceSecureLogin
            | BulkAction::FreeSecureLogin
            | BulkAction::Delete => Action::ControlMembers,
        }
    }

    async fn act(&self, caller: &Caller, tenant: TenantId) -> Result<BulkAct> {
        let takes_departments = matches!(
            self.action,
            BulkAction::MoveToDepartments | BulkAction::LeaveDepartments
        );
        if !takes_departments && !self.departments.is_empty() {
            return Err(Problem::invalid("departments: the action knows none"));
        }
        if self.action != BulkAction::JoinGroups && !self.groups.is_empty() {
            return Err(Problem::invalid("groups: the action knows none"));
        }
        check_departments(caller, Action::ChangeMembers, tenant, &self.departments).await?;
        for department in &self.departments {
            caller.directory.department(tenant, *department).await?;
        }
        Ok(match self.action {
            BulkAction::MoveToDepartments => BulkAct::MoveTo(self.departments.clone()),
            BulkAction::LeaveDepartments if self.departments.is_empty() => {
                return Err(Problem::invalid("departments: say which"));
            }
            BulkAction::LeaveDepartments => BulkAct::Leave(self.departments.clone()),
            BulkAction::JoinGroups => BulkAct::JoinGroups(self.groups(caller, tenant).await?),
            BulkAction::Disable => BulkAct::Disable,
            BulkAction::Enable => BulkAct::Enable,
            BulkAction::ForceSecureLogin => BulkAct::ForceSecureLogin(true),
            BulkAction::FreeSecureLogin => BulkAct::ForceSecureLogin(false),
            BulkAction::AddAlias => BulkAct::AddAlias,
            BulkAction::Delete => BulkAct::Delete,
        })
    }

    async fn groups(&self, caller: &Caller, tenant: TenantId) -> Result<Vec<hongyan_types::Address>> {
        if self.groups.is_empty() {
            return Err(Problem::invalid("groups: say which"));
        }
        let mut groups = Vec::with_capacity(self.groups.len());
        for address in &self.groups {
            let group = caller.group(Action::ChangeGroups, &parse_address(address)?).await?;
            if group.tenant != tenant {
                return Err(Problem::not_found(format!("group {address} does not exist")));
            }
            groups.push(group.address);
        }
        Ok(groups)
    }
}

/// Whether the caller may do it to that member; why not, in words.
async fn refusal(caller: &Caller, action: Action, address: &str) -> Result<String> {
    match caller.member(action, address).await {
        Ok(_) => Ok(String::new()),
        Err(problem) if problem.status < StatusCode::INTERNAL_SERVER_ERROR.as_u16() => Ok(problem.detail.into_string()),
        Err(problem) => Err(problem),
    }
}

/// Does the same to many members, as a task. Each is done or refused by itself; the task's rows say which were refused, and
/// why. Rights are looked at now, and again when each is done.
#[utoipa::path(post, path = "/api/bulk/members", request_body = BulkMembers, responses((status = 202, body = Task), Failure))]
pub(crate) async fn members(caller: Caller, Body(asked): Body<BulkMembers>) -> Result<(StatusCode, Json<Task>)> {
    let action = asked.takes();
    let (tenant, reach) = caller.within(action, asked.organisation.as_deref()).await?;
    if matches!(asked.action, BulkAction::ForceSecureLogin | BulkAction::FreeSecureLogin) {
        caller.check_proof()?;
    }
    let max = caller.tasks.options().bulk_members_max;
    if asked.members.len() > max {
        return Err(Problem::too_large("bulk_members_max", max as u64));
    }
    let is_delegated = matches!(
        &caller.actor,
        Actor::Person(Person {
            role: Some(Role::Delegated { .. }),
            ..
        })
    );
    let bulk = Bulk {
        act: asked.act(&caller, tenant).await?,
        bounded: Bounded {
            within: reach.departments(),
            spares_roles: is_delegated && action != Action::ChangeGroups,
            confirm_uses: asked.confirm_uses,
        },
        dry_run: asked.dry_run,
    };
    let mut items = Vec::with_capacity(asked.members.len());
    for member in asked.members {
        items.push(BulkItem {
            refused: match action {
                // Anyone's address may be put into a group.
                Action::ChangeGroups => String::new(),
                action => refusal(&caller, action, &member.address).await?,
            },
            address: member.address,
            alias: member.alias,
        });
    }
    let begun = caller.tasks.bulk_members(tenant, caller.actor.author(), bulk, items);
    Ok((StatusCode::ACCEPTED, Json(view(&begun.await?))))
}
