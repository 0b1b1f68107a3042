//! Whom something is for: members who are named, or else those who are still to come.

use std::sync::Arc;

use hongyan_access::permission::Action;
use hongyan_directory::{AccountKind, AccountRecord, AccountState, MemberQuery};
use hongyan_types::TenantId;

use crate::caller::Caller;
use crate::problem::{Problem, Result};

/// Those it is for.
pub(crate) struct ToCome {
    /// Whose they are.
    pub(crate) tenant: TenantId,
    /// At most as many as were asked for.
    pub(crate) members: Vec<Arc<AccountRecord>>,
    /// Whether others are still to come.
    pub(crate) more: bool,
}

/// The members with the addresses `named`; when left out, the next `max` of those who are still to come and to whom the caller may do
/// `action`. `organisation` is whose, by name.
pub(crate) async fn to_come(
    caller: &Caller,
    action: Action,
    (organisation, named): (Option<&str>, Option<&[String]>),
    max: usize,
) -> Result<ToCome> {
    let (tenant, reach) = caller.within(action, organisation).await?;
    let Some(named) = named else {
        let invited = MemberQuery {
            state: Some(AccountState::Invited),
            kind: Some(AccountKind::Member),
            within: reach.departments(),
            ..MemberQuery::default()
        };
        let found = caller.directory.find_members(tenant, &invited, None, max).await?;
        return Ok(ToCome {
            tenant,
            more: found.next.is_some(),
            members: found.accounts,
        });
    };
    if named.len() > max {
        return Err(Problem::invalid(format!("members: at most {max} at once")));
    }
    let mut members = Vec::with_capacity(named.len());
    for address in named {
        members.push(caller.member(action, address).await?);
    }
    Ok(ToCome {
        tenant,
        members,
        more: false,
    })
}
