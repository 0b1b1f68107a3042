//! All that is wrong with an account before it is made: for whoever reports it at once, as an import does of a row.

use hongyan_types::{Address, TenantId};

use super::{check_free, check_name, domain_of, home_of, membership};
use crate::{Change, DepartmentId, DirectoryOptions, Error, Profile, Result, TagId, key};

/// What an account is to have, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'w> {
    /// Its address; none where none could be read.
    pub address: Option<&'w Address>,
    /// The person's name.
    pub display_name: &'w str,
    /// The person's data.
    pub profile: &'w Profile,
    /// Where it is to belong.
    pub departments: &'w [DepartmentId],
    /// The tags it is to bear.
    pub tags: &'w [TagId],
}

/// Each fault by the name of its field: of an account, or of its profile.
type Faults = Vec<(&'static str, Error)>;

pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    draft: Draft<'_>,
    options: &DirectoryOptions,
) -> Result<Faults> {
    let mut faults = Faults::new();
    note(&mut faults, "display_name", check_name(draft.display_name, 128))?;
    if let Some(address) = draft.address {
        let checked = check_address(transaction, tenant, address).await;
        note(&mut faults, "address", checked)?;
    }
    for (field, alone) in one_by_one(draft.profile) {
        match membership::clean_profile(&Profile::default(), &alone) {
            Ok(clean) => {
                let unique = check_unique(transaction, tenant, &clean).await;
                note(&mut faults, field, unique)?;
            }
            Err(error) => note::<()>(&mut faults, field, Err(error))?,
        }
    }
    let departments = membership::clean_departments(transaction, tenant, draft.departments, options).await;
    note(&mut faults, "departments", departments)?;
    let tags = membership::clean_tags(transaction, tenant, draft.tags, options).await;
    note(&mut faults, "tags", tags)?;
    Ok(faults)
}

/// Notes what is wrong; that it cannot be known is no fault of the account's.
fn note<T>(faults: &mut Faults, field: &'static str, checked: Result<T>) -> Result<()> {
    match checked {
        Err(error) if error.is_callers_fault() => faults.push((field, error)),
        checked => drop(checked?),
    }
    Ok(())
}

async fn check_address(transaction: &mut Change, tenant: TenantId, address: &Address) -> Result<()> {
    if domain_of(transaction, address).await?.tenant != tenant {
        return Err(Error::not_found("domain", &address.domain));
    }
    home_of(transaction, &address.domain).await?;
    check_free(transaction, address).await
}

async fn check_unique(transaction: &mut Change, tenant: TenantId, profile: &Profile) -> Result<()> {
    for (kind, value) in membership::unique(profile) {
        if transaction.get(&key::unique(kind, tenant, &value)).await?.is_some() {
            return Err(Error::exists(kind, value));
        }
    }
    Ok(())
}

/// The texts of a profile, each in one that has no other.
fn one_by_one(profile: &Profile) -> Vec<(&'static str, Profile)> {
    let mut alone = Vec::new();
    let mut add = |field: &'static str, text: &String, set: fn(&mut Profile, String)| {
        if !text.is_empty() {
            let mut one = Profile::default();
            set(&mut one, text.clone());
            alone.push((field, one));
        }
    };
    add("nickname", &profile.nickname, |one, text| one.nickname = text);
    add("employee_id", &profile.employee_id, |one, text| one.employee_id = text);
    add("mobile", &profile.mobile, |one, text| one.mobile = text);
    add("landline", &profile.landline, |one, text| one.landline = text);
    add("title", &profile.title, |one, text| one.title = text);
    add("location", &profile.location, |one, text| one.location = text);
    add("private_address", &profile.private_address, |one, text| {
        one.private_address = text;
    });
    add("family_name", &profile.family_name, |one, text| one.family_name = text);
    add("given_name", &profile.given_name, |one, text| one.given_name = text);
    add("external_id", &profile.external_id, |one, text| one.external_id = text);
    alone
}
