//! Members as Users: shown, made, changed, removed.

mod show;
mod wanted;

use hongyan_access::PasswordOwner;
use hongyan_access::permission::Action;
use hongyan_directory::{
    AccountRecord, AccountState, Credential, DepartmentId, Error, Field, NewAccount, Provision, Recycle,
};
use hongyan_sasl::Secret;
use hongyan_scim::{Object, ScimError, ScimType, USER};
use hongyan_types::Address;

use crate::answer::{Refused, Result};
use crate::asker::Asker;
use crate::operation::{Done, Edit};

pub(crate) use show::Names;
use wanted::Wanted;

/// Times that a change is tried while others change the member too.
const ATTEMPTS_MAX: usize = 4;

/// What changes whenever the member does.
pub(crate) fn version(account: &AccountRecord) -> String {
    format!("W/\"{}\"", account.etag())
}

/// Makes a member.
pub(crate) async fn make(asker: &Asker, sent: &Object) -> Result<Done> {
    let reach = asker.permit(Action::ChangeMembers)?;
    let wanted = Wanted::read(asker, sent, None, None).await?;
    check_place(asker, reach.departments(), wanted.department.as_deref()).await?;
    if asker.directory.domain(&wanted.address.domain).await?.tenant != asker.tenant {
        return Err(Refused::from(Error::NotFound {
            what: "domain",
            name: wanted.address.domain.to_string(),
        }));
    }
    let new = NewAccount {
        display_name: wanted.display_name.clone(),
        credential: credential(asker, &wanted, &[]).await?,
        language: wanted.language,
        profile: wanted.profile.clone(),
        state: match wanted.active {
            Some(false) => AccountState::Disabled,
            _ => AccountState::Active,
        },
        ..NewAccount::at(wanted.address.clone())
    };
    let path = levels(wanted.department.as_deref());
    let account = asker.directory.create_provisioned(&new, &path, &wanted.aliases).await?;
    tracing::info!(account = account.id.0, "account provisioned");
    Done::user(asker, &account, 201).await
}

/// Changes a member, or puts another description in its place.
pub(crate) async fn change(asker: &Asker, id: &str, edit: &Edit, expect: Option<&str>) -> Result<Done> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let account = asker.member(Action::ReadMembers, id).await?;
        asker.permit_member(Action::ChangeMembers, &account).await?;
        if expect.is_some_and(|expect| expect != version(&account)) {
            return Err(ScimError::status(412, "the user was changed by someone else meanwhile").into());
        }
        match change_once(asker, &account, edit).await {
            Err(Refused(error)) if error.status == 412 && expect.is_none() && attempt < ATTEMPTS_MAX => {}
            Err(refused) => return Err(refused),
            Ok(()) => {
                let account = asker.member(Action::ReadMembers, id).await?;
                return Done::user(asker, &account, 200).await;
            }
        }
    }
}

async fn change_once(asker: &Asker, account: &AccountRecord, edit: &Edit) -> Result<()> {
    let names = Names::read(asker).await?;
    let before = names.show(account);
    let after = edit.apply(&USER, &before)?;
    let wanted = Wanted::read(asker, &after, Some(&before), Some(account)).await?;
    let state = wanted.state(account)?;
    if state != account.state || wanted.password.is_some() {
        asker.permit_member(Action::ControlMembers, account).await?;
    }
    let mut department = Field::Keep;
    if wanted.department.as_deref() != names.department_of(account) {
        let path = levels(wanted.department.as_deref());
        let left = account.departments.first().copied();
        let (joined, depth) = asker.directory.department_at(asker.tenant, &path).await?;
        if depth < path.len() {
            asker.permit_departments(Action::ChangeDepartments, &[joined]).await?;
        }
        let touched: Vec<DepartmentId> = left.into_iter().chain([joined]).collect();
        asker.permit_departments(Action::ChangeMembers, &touched).await?;
        department = Field::Set(path);
    }
    let provision = Provision {
        change: wanted.change(account, state),
        department,
        aliases: match wanted.aliases == account.aliases {
            true => Field::Keep,
            false => Field::Set(wanted.aliases.clone()),
        },
        credential: credential(asker, &wanted, &account.aliases).await?,
    };
    asker.directory.provision(account.id, &provision).await?;
    asker.access.account_changed(account.id).await?;
    tracing::info!(account = account.id.0, "account provisioned");
    Ok(())
}

/// Removes a member: the mailbox stays in the recycle bin for a while.
pub(crate) async fn remove(asker: &Asker, id: &str, expect: Option<&str>) -> Result<()> {
    let account = asker.member(Action::ReadMembers, id).await?;
    asker.permit_member(Action::ControlMembers, &account).await?;
    if expect.is_some_and(|expect| expect != version(&account)) {
        return Err(ScimError::status(412, "the user was changed by someone else meanwhile").into());
    }
    let asked = Recycle {
        expect: expect.map(|_| account.etag()),
        ..Recycle::default()
    };
    asker.directory.recycle(account.id, &asked).await?;
    asker.access.account_changed(account.id).await?;
    tracing::info!(account = account.id.0, "account recycled");
    Ok(())
}

async fn credential(asker: &Asker, wanted: &Wanted, aliases: &[Address]) -> Result<Option<Credential>> {
    let Some(password) = &wanted.password else {
        return Ok(None);
    };
    let password = Secret::new(password.clone());
    let owner = PasswordOwner {
        address: &wanted.address,
        aliases,
        display_name: &wanted.display_name,
    };
    asker.access.check_password(&owner, &password)?;
    Ok(Some(asker.access.hash_password(&password).await?))
}

/// The names of a path, from above.
fn levels(path: Option<&str>) -> Vec<String> {
    let names = path.unwrap_or_default().split('/').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Whoever manages some departments makes members there only.
async fn check_place(asker: &Asker, within: Option<Vec<DepartmentId>>, path: Option<&str>) -> Result<()> {
    let path = levels(path);
    let (at, depth) = asker.directory.department_at(asker.tenant, &path).await?;
    if depth < path.len() {
        asker.permit_departments(Action::ChangeDepartments, &[at]).await?;
    }
    match within {
        None => Ok(()),
        Some(within) if asker.directory.is_within(asker.tenant, at, &within).await? => Ok(()),
        Some(_) => Err(ScimError::status(403, "department: name one of those that you may change").into()),
    }
}

/// A value that makes no sense.
fn invalid(detail: impl Into<String>) -> Refused {
    ScimError::new(ScimType::InvalidValue, detail).into()
}
