//! What a member's place in the organisation writes beside its record: where it is found by department, tag, employee id
//! and phone.

use std::collections::BTreeSet;

use hongyan_types::{AccountId, TenantId};

use super::plan::Bounds;
use super::{check_name, clean, folded, need_department, need_tag, read_int};
use crate::{
    AccountKind, AccountRecord, Change, DepartmentId, DirectoryOptions, Error, Limit, Profile, Quota, Result, Seat,
    TagId, chosen_name, key,
};

/// Most characters of a text of the profile.
const TEXT_CHARACTERS_MAX: usize = 128;
/// And of the longer one.
const LOCATION_CHARACTERS_MAX: usize = 500;

/// Whether a profile could be kept.
pub(super) fn check_profile(profile: &Profile) -> Result<()> {
    clean_profile(&Profile::default(), profile).map(|_| ())
}

/// A profile as it is kept, or what is wrong with it. What was kept `before` there were bounds to it may stay.
pub(super) fn clean_profile(before: &Profile, profile: &Profile) -> Result<Profile> {
    let text = |text: &str, characters_max: usize| {
        let text = clean(text);
        check_name(&text, characters_max)?;
        Ok::<_, Error>(text)
    };
    let private_address = clean(&profile.private_address);
    if !private_address.is_empty() {
        hongyan_types::Address::try_from(private_address.as_str())
            .map_err(|error| Error::Invalid(format!("private_address: {error}")))?;
    }
    Ok(Profile {
        nickname: match profile.nickname == before.nickname {
            true => before.nickname.clone(),
            false => chosen_name("nickname", &profile.nickname)?,
        },
        employee_id: text(&profile.employee_id, TEXT_CHARACTERS_MAX)?,
        mobile: phone("mobile", &profile.mobile)?,
        landline: phone("landline", &profile.landline)?,
        gender: profile.gender,
        title: text(&profile.title, TEXT_CHARACTERS_MAX)?,
        rank: profile.rank,
        location: text(&profile.location, LOCATION_CHARACTERS_MAX)?,
        private_address,
        family_name: text(&profile.family_name, TEXT_CHARACTERS_MAX)?,
        given_name: text(&profile.given_name, TEXT_CHARACTERS_MAX)?,
        external_id: text(&profile.external_id, TEXT_CHARACTERS_MAX)?,
    })
}

/// Refuses more room for one mailbox than its organisation has for each; an advanced seat has no such limit (PLAN-3).
pub(super) fn check_quota(bounds: &Bounds, quota: Quota, seat: Seat, options: &DirectoryOptions) -> Result<()> {
    let in_force = bounds.of(Limit::MailboxOctetsMax, options);
    match (in_force.max, quota.octets_max) {
        (Some(max), Some(asked)) if asked > max && seat == Seat::Standard => Err(in_force.refusal(max, asked)),
        _ => Ok(()),
    }
}

/// A phone number without what people put between its digits.
fn phone(field: &str, number: &str) -> Result<String> {
    let number: String = number
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '(' | ')' | '.' | '/'))
        .collect();
    let digits = number.strip_prefix('+').unwrap_or(&number);
    if number.is_empty() || (digits.chars().all(|c| c.is_ascii_digit()) && (3..=20).contains(&digits.len())) {
        return Ok(number);
    }
    Err(Error::Invalid(format!("{field}: a phone number has 3 to 20 digits")))
}

/// Departments as they are kept: each once, all there; the organisation itself is none.
pub(super) async fn clean_departments(
    transaction: &mut Change,
    tenant: TenantId,
    departments: &[DepartmentId],
    options: &DirectoryOptions,
) -> Result<Vec<DepartmentId>> {
    let mut seen = BTreeSet::from([DepartmentId::ROOT]);
    let departments: Vec<_> = departments.iter().copied().filter(|id| seen.insert(*id)).collect();
    check_count(
        "departments_per_member_max",
        options.departments_per_member_max,
        departments.len(),
    )?;
    for id in &departments {
        need_department(transaction, tenant, *id).await?;
    }
    Ok(departments)
}

/// Tags as they are kept: each once, all there.
pub(super) async fn clean_tags(
    transaction: &mut Change,
    tenant: TenantId,
    tags: &[TagId],
    options: &DirectoryOptions,
) -> Result<Vec<TagId>> {
    let mut seen = BTreeSet::new();
    let tags: Vec<_> = tags.iter().copied().filter(|id| seen.insert(*id)).collect();
    check_count("tags_per_member_max", options.tags_per_member_max, tags.len())?;
    for id in &tags {
        need_tag(transaction, tenant, *id).await?;
    }
    Ok(tags)
}

pub(super) fn check_count(setting: &'static str, max: usize, wanted: usize) -> Result<()> {
    if wanted > max {
        return Err(Error::Limit {
            setting,
            max: max as u64,
            used: wanted as u64,
        });
    }
    Ok(())
}

/// Refuses what only members have.
pub(super) fn check_kind(account: &AccountRecord) -> Result<()> {
    if account.kind == AccountKind::Shared
        && (account.profile != Profile::default() || !account.departments.is_empty() || account.role.is_some())
    {
        return Err(Error::Invalid(
            "a shared mailbox has no person's data, no departments and no role".to_owned(),
        ));
    }
    Ok(())
}

/// Moves what leads to an account from what it was to what it is. `before` is `None` for a new one.
pub(super) async fn replace(
    transaction: &mut Change,
    before: Option<&AccountRecord>,
    after: &AccountRecord,
) -> Result<()> {
    if let Some(before) = before {
        clear(transaction, before);
    }
    let (tenant, account) = (after.tenant, after.id);
    for id in &after.departments {
        transaction.set(department_member(tenant, *id, account), Vec::new());
    }
    for id in &after.tags {
        transaction.set(tag_member(tenant, *id, account), Vec::new());
    }
    super::grant::tell_of_move(transaction, before, after).await?;
    check_unique(transaction, after).await?;
    for (kind, value) in unique(&after.profile) {
        transaction.set(key::unique(kind, tenant, &value), account.0.to_le_bytes().to_vec());
    }
    Ok(())
}

/// Refuses what another account of the tenant has.
pub(super) async fn check_unique(transaction: &mut Change, account: &AccountRecord) -> Result<()> {
    for (kind, value) in unique(&account.profile) {
        let stored = transaction.get(&key::unique(kind, account.tenant, &value)).await?;
        if let Some(stored) = stored
            && read_int(&stored)? != account.id.0
        {
            return Err(Error::exists(kind, value));
        }
    }
    Ok(())
}

/// Removes all that leads to an account.
pub(super) fn clear(transaction: &mut Change, account: &AccountRecord) {
    for id in &account.departments {
        transaction.clear(&department_member(account.tenant, *id, account.id));
    }
    for id in &account.tags {
        transaction.clear(&tag_member(account.tenant, *id, account.id));
    }
    for (kind, value) in unique(&account.profile) {
        transaction.clear(&key::unique(kind, account.tenant, &value));
    }
}

pub(super) fn unique(profile: &Profile) -> impl Iterator<Item = (&'static str, String)> {
    let employee_id = (!profile.employee_id.is_empty()).then(|| ("employee-id", folded(&profile.employee_id)));
    let mobile = (!profile.mobile.is_empty()).then(|| ("mobile", profile.mobile.clone()));
    let external_id = (!profile.external_id.is_empty()).then(|| ("external-id", profile.external_id.clone()));
    employee_id.into_iter().chain(mobile).chain(external_id)
}

fn department_member(tenant: TenantId, department: DepartmentId, account: AccountId) -> bytes::Bytes {
    key::department_members(tenant, department).int(account.0).pack()
}

fn tag_member(tenant: TenantId, tag: TagId, account: AccountId) -> bytes::Bytes {
    key::tag_members(tenant, tag).int(account.0).pack()
}

#[cfg(test)]
mod tests {
    use hongyan_types::{Address, Domain};

    use super::super::write_account;
    use super::*;
    use crate::{AccountChange, Directory, Field, NewAccount, NewTenant};

    fn change(nickname: &str, title: &str) -> AccountChange {
        AccountChange {
            profile: Field::Set(Profile {
                nickname: nickname.to_owned(),
                title: title.to_owned(),
                ..Profile::default()
            }),
            ..AccountChange::default()
        }
    }

    #[tokio::test]
    async fn set_5_a_nickname_has_64_characters_and_older_ones_stay() {
        let (env, _) = hongyan_env::Env::manual(1);
        let database = hongyan_kv::Database::new(hongyan_memory::MemoryStore::default());
        let directory = Directory::new(database, env, DirectoryOptions::default());
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("example.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let at = |local: &str| Address::try_from(format!("{local}@example.test").as_str()).unwrap();
        let mut anna = directory.create_account(&NewAccount::at(at("anna"))).await.unwrap();
        let long = "n".repeat(100);
        anna.profile.nickname.clone_from(&long);
        let written = anna.clone();
        let written = directory.transact(async |change| {
            write_account(change, &written);
            Ok(())
        });
        written.await.unwrap();
        let kept = directory.change_account(anna.id, &change(&long, "Lead")).await.unwrap();
        assert_eq!(
            (kept.profile.nickname, kept.profile.title.as_str()),
            (long.clone(), "Lead")
        );
        for wrong in [
            "n".repeat(65),
            format!("{long}n"),
            "a\nb".to_owned(),
            "Аdmin".to_owned(),
        ] {
            let refused = directory
                .change_account(anna.id, &change(&wrong, ""))
                .await
                .unwrap_err();
            assert!(refused.to_string().starts_with("nickname: "), "{refused}");
            let new = NewAccount {
                profile: Profile {
                    nickname: wrong,
                    ..Profile::default()
                },
                ..NewAccount::at(at("ben"))
            };
            let refused = directory.create_account(&new).await.unwrap_err();
            assert!(refused.to_string().starts_with("nickname: "), "{refused}");
        }
        for right in ["n".repeat(64), String::new()] {
            let changed = directory.change_account(anna.id, &change(&right, "")).await.unwrap();
            assert_eq!(changed.profile.nickname, right);
        }
        let refused = directory.change_account(anna.id, &change(&long, "")).await;
        assert!(refused.is_err(), "once it is gone it does not come back");
    }
}
