//! Makes a member or a shared mailbox.

use hongyan_access::PasswordOwner;
use hongyan_access::permission::{Action, Object, Refusal, permit};
use hongyan_directory::{
    AccountKind, AccountSettings, AccountState, DepartmentId, Error, Language, NewAccount, Profile, Quota, Seat, TagId,
};
use hongyan_sasl::Secret;
use hongyan_types::{Address, Domain};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Member, Password, change_action, check_departments, set_quota, view};
use crate::body::Body;
use crate::caller::{Caller, parse_address};
use crate::conditional::Tagged;
use crate::problem::{Failure, Problem, Result};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMember)]
pub(crate) struct Create {
    /// Without `@` in the organisation's default domain. Left out it is made from the name as it is said (Chinese by pinyin), and
    /// may be changed once.
    address: Option<String>,
    /// Where an address is made up; the organisation's default when left out.
    domain: Option<String>,
    /// Whose, by name; needed only for an address without a domain, from operators of several organisations.
    organisation: Option<String>,
    /// Without one nobody can sign in yet.
    password: Option<Password>,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    kind: AccountKind,
    /// It gets mail, and its person is still to come.
    #[serde(default)]
    invited: bool,
    /// It may manage its organisation: the first who may is the creator.
    #[serde(default)]
    administrator: bool,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    departments: Vec<DepartmentId>,
    #[serde(default)]
    tags: Vec<TagId>,
    #[serde(default)]
    seat: Seat,
    #[serde(default)]
    quota: Quota,
    settings: Option<AccountSettings>,
    language: Option<Language>,
}

/// Makes a member or a shared mailbox. Its organisation is the one that owns the address's domain.
#[utoipa::path(post, path = "/api/members", request_body = Create, responses((status = 201, body = Member), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<Tagged<Member>> {
    let address = match &new.address {
        Some(address) => parse_address(&with_domain(&caller, &new, address).await?)?,
        None => made_up(&caller, &new).await?,
    };
    permit_create(&caller, &new, &address).await?;
    let credential = match new.password {
        Some(Password(password)) => {
            let password = Secret::new(password);
            let owner = PasswordOwner {
                address: &address,
                aliases: &[],
                display_name: &new.display_name,
            };
            caller.access.check_password(&owner, &password)?;
            Some(caller.access.hash_password(&password).await?)
        }
        None => None,
    };
    let new = NewAccount {
        address,
        display_name: new.display_name,
        credential,
        quota: new.quota,
        settings: new.settings,
        administrator: new.administrator,
        language: new.language,
        kind: new.kind,
        state: match new.invited {
            true => AccountState::Invited,
            false => AccountState::Active,
        },
        profile: new.profile,
        departments: new.departments,
        tags: new.tags,
        seat: new.seat,
        address_made_up: new.address.is_none(),
    };
    let account = caller.directory.create_account(&new).await?;
    if caller.directory.quota_of(&account).await? != Quota::default() {
        set_quota(&caller, &account).await?;
    }
    tracing::info!(account = account.id.0, "account created");
    Ok(Tagged::created(account.etag(), view(&account)))
}

/// DOM-9: the default domain stands in for one that is not said.
async fn with_domain(caller: &Caller, new: &Create, address: &str) -> Result<String> {
    if new.domain.is_some() {
        return Err(Problem::invalid("domain: it is for an address that is made up"));
    }
    if address.contains('@') {
        return Ok(address.to_owned());
    }
    Ok(format!("{address}@{}", home(caller, new).await?))
}

/// The organisation's default domain.
async fn home(caller: &Caller, new: &Create) -> Result<Domain> {
    let tenant = caller.organisation(new.organisation.as_deref()).await?;
    let default = caller.directory.default_domain(tenant).await?;
    default.ok_or_else(|| Problem::invalid("address: there is no domain, or several and no default: say which"))
}

/// MEM-1, MEM-11: an address from the person's name, which may be changed once.
async fn made_up(caller: &Caller, new: &Create) -> Result<Address> {
    if new.display_name.trim().is_empty() {
        return Err(Problem::invalid("address: say one, or a name to make it from"));
    }
    let domain = match &new.domain {
        Some(name) => Domain::try_from(name.as_str()).map_err(|error| Problem::invalid(format!("{name}: {error}")))?,
        None => home(caller, new).await?,
    };
    let tenant = caller.directory.domain(&domain).await?.tenant;
    // Whether it is free there is for those to know who may make it.
    caller
        .permit(change_action(new.kind), &Object::organisation(tenant))
        .map_err(|problem| match problem.status {
            404 => Problem::not_found(format!("domain {domain} does not exist")),
            _ => problem,
        })?;
    let otherwise = match new.kind {
        AccountKind::Member => "member",
        AccountKind::Shared => "shared",
    };
    let free = caller
        .directory
        .free_address(tenant, &new.display_name, otherwise, &domain);
    Ok(free.await?)
}

async fn permit_create(caller: &Caller, new: &Create, address: &Address) -> Result<()> {
    let tenant = caller.directory.domain(&address.domain).await?.tenant;
    let action = change_action(new.kind);
    let reach = match permit(&caller.actor, action, &Object::organisation(tenant)) {
        Err(Refusal::Hidden) => {
            let name = address.domain.to_string();
            return Err(Error::NotFound { what: "domain", name }.into());
        }
        permitted => permitted?,
    };
    if reach.departments().is_some() && new.departments.is_empty() {
        return Err(Problem::invalid("departments: say in which of yours it is to be"));
    }
    check_departments(caller, action, tenant, &new.departments).await?;
    if new.administrator {
        caller.permit(Action::ChangeRoles, &Object::organisation(tenant))?;
    }
    Ok(())
}
