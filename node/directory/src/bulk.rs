//! What is done to many members at once (MEM-10), one of them at a time: a task goes from one to the next.

use hongyan_types::{AccountId, Address, TenantId};

use crate::record::factors;
use crate::record::target::Target;
use crate::transaction as tx;
use crate::tree::Tree;
use crate::{
    AccountChange, AccountRecord, AccountState, Change, DepartmentId, Directory, Error, FactorsChange, Field, NewGroup,
    Recycle, Result, SignInRule, key,
};

/// What is done to each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkAct {
    /// It belongs to these departments, and to no others.
    MoveTo(Vec<DepartmentId>),
    /// It no longer belongs to these.
    Leave(Vec<DepartmentId>),
    /// It becomes a member of these groups.
    JoinGroups(Vec<Address>),
    /// It is disabled (MEM-15).
    Disable,
    /// That ends.
    Enable,
    /// Its mail clients need an app password whatever it says, or no longer (LGN-12).
    ForceSecureLogin(bool),
    /// It gets one more address (STAT-9).
    AddAlias,
    /// It goes into the recycle bin (MEM-14).
    Delete,
}

/// How far the right of whoever asked reaches; looked at again when it is done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounded {
    /// Only members of these departments, with all below; all when there are none.
    pub within: Option<Vec<DepartmentId>>,
    /// Those who have a role are left alone.
    pub spares_roles: bool,
    /// Those whom others count on are disabled or deleted all the same.
    pub confirm_uses: bool,
}

impl Directory {
    /// Does `act` to the member of a tenant with that address, in a change; `alias` is for [`BulkAct::AddAlias`]. What is
    /// refused may have written something: the change must then be given up.
    ///
    /// # Errors
    /// `NotFound`, `Refused`, and what the same change of one member fails with; the store's.
    pub async fn act_on(
        &self,
        change: &mut Change,
        (tenant, address): (TenantId, &Address),
        act: &BulkAct,
        alias: Option<&Address>,
        bounded: &Bounded,
    ) -> Result<()> {
        let missing = || Error::not_found("account", address);
        let id = self.find_account(change, tenant, address).await?.ok_or_else(missing)?;
        let account = tx::read_account(change, id).await?.ok_or_else(missing)?;
        check_reach(change, &account, bounded, missing).await?;
        match act {
            BulkAct::MoveTo(departments) => self.place(change, &account, departments.clone(), bounded).await,
            BulkAct::Leave(left) => {
                let mut departments = account.departments.clone();
                departments.retain(|department| !left.contains(department));
                self.place(change, &account, departments, bounded).await
            }
            BulkAct::JoinGroups(groups) => {
                for group in groups {
                    if tx::read_group_at(change, group).await?.tenant != tenant {
                        return Err(Error::not_found("group", group));
                    }
                    tx::add_member::run(change, group, &account.address, self.options()).await?;
                }
                Ok(())
            }
            BulkAct::Disable => self.switch(change, &account, AccountState::Disabled, bounded).await,
            BulkAct::Enable => self.switch(change, &account, AccountState::Active, bounded).await,
            BulkAct::ForceSecureLogin(on) => self.force_secure_login(change, id, *on).await,
            BulkAct::AddAlias => {
                let alias = alias.ok_or_else(|| Error::Invalid("no alias is said".to_owned()))?;
                tx::add_alias::run(change, id, alias, self.options(), self.now()).await?;
                Ok(())
            }
            BulkAct::Delete => {
                let asked = Recycle {
                    confirmed: bounded.confirm_uses,
                    ..Recycle::default()
                };
                tx::recycle::run(change, id, &asked, self.options(), self.now()).await?;
                Ok(())
            }
        }
    }

    /// The account of a tenant with that address, as a change finds it.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_account(
        &self,
        change: &mut Change,
        tenant: TenantId,
        address: &Address,
    ) -> Result<Option<AccountId>> {
        Ok(match tx::target_at(change, address).await? {
            Some(Target::Account {
                tenant: found, account, ..
            }) if found == tenant => Some(account),
            _ => None,
        })
    }

    /// Makes a group in a change; as [`Self::create_group`], and `NotFound` for a domain of another tenant than `tenant`.
    /// What is refused may have written something: the change must then be given up.
    ///
    /// # Errors
    /// As there.
    pub async fn add_group(&self, change: &mut Change, tenant: TenantId, new: &NewGroup) -> Result<()> {
        if tx::home_of(change, &new.address.domain).await?.tenant != tenant {
            return Err(Error::not_found("domain", &new.address.domain));
        }
        tx::create_group::run(change, new, self.options(), self.now()).await?;
        Ok(())
    }

    /// Changes where someone belongs, as far as the asker's right reaches.
    async fn place(
        &self,
        change: &mut Change,
        account: &AccountRecord,
        departments: Vec<DepartmentId>,
        bounded: &Bounded,
    ) -> Result<()> {
        if let Some(within) = &bounded.within {
            let tree = Tree::read(change, account.tenant).await?;
            let left = account.departments.iter().filter(|id| !departments.contains(id));
            let joined = departments.iter().filter(|id| !account.departments.contains(id));
            for touched in left.chain(joined) {
                if !tree.path(*touched).iter().any(|place| within.contains(place)) {
                    return Err(Error::not_found("department", touched));
                }
            }
        }
        let wanted = AccountChange {
            departments: Field::Set(departments),
            ..AccountChange::default()
        };
        self.alter(change, account.id, &wanted).await
    }

    /// What is suspended is the operator's; who is still to come is enabled by coming.
    async fn switch(
        &self,
        change: &mut Change,
        account: &AccountRecord,
        state: AccountState,
        bounded: &Bounded,
    ) -> Result<()> {
        if account.state == state {
            return Ok(());
        }
        let is_theirs = match state {
            AccountState::Active => account.state == AccountState::Disabled,
            _ => account.state != AccountState::Suspended,
        };
        if !is_theirs {
            let words = match account.state {
                AccountState::Suspended => "it is suspended by the operator",
                _ => "it is not disabled",
            };
            return Err(Error::Refused(words.to_owned()));
        }
        let wanted = AccountChange {
            state: Field::Set(state),
            confirm_uses: bounded.confirm_uses,
            ..AccountChange::default()
        };
        self.alter(change, account.id, &wanted).await
    }

    async fn alter(&self, change: &mut Change, id: AccountId, wanted: &AccountChange) -> Result<()> {
        tx::change_account::run(change, id, wanted, None, self.options(), self.now()).await?;
        Ok(())
    }

    async fn force_secure_login(&self, change: &mut Change, id: AccountId, on: bool) -> Result<()> {
        let stored = change.get(&key::factors(id)).await?;
        let present = stored.map(|stored| factors::decode(&stored)).transpose()?;
        let rule = SignInRule {
            secure_login: on,
            ..present.unwrap_or_default().rule
        };
        tx::change_factors::run(change, id, &FactorsChange::Rule(rule), self.options(), self.now()).await?;
        Ok(())
    }
}

/// Whether whoever asked may still do it: what they may not see is not there.
async fn check_reach(
    change: &mut Change,
    account: &AccountRecord,
    bounded: &Bounded,
    missing: impl Fn() -> Error,
) -> Result<()> {
    if let Some(within) = &bounded.within {
        let tree = Tree::read(change, account.tenant).await?;
        let mut places = account.departments.iter().flat_map(|id| tree.path(*id));
        if !places.any(|place| within.contains(&place)) {
            return Err(missing());
        }
    }
    if bounded.spares_roles && account.role.is_some() {
        return Err(Error::Refused(format!(
            "{} has a role: it is for super administrators",
            account.address
        )));
    }
    Ok(())
}

#[cfg(test)]
#[path = "bulk_test.rs"]
mod tests;
