//! Says who gets mail for addresses of a domain that nobody has, and whether it is another name of a domain.

use hongyan_audit::{Chain, Event};
use hongyan_kv::RangeQuery;
use hongyan_notice::Notice;
use hongyan_types::{Domain, Timestamp};

use super::{check_name, clean, need_account, read_domain, write_domain};
use crate::{Change, DomainChange, DomainRecord, Error, Field, Result, key};

/// Most characters of what is written of a licence.
const LICENCE_CHARACTERS_MAX: usize = 500;

pub(crate) async fn run(transaction: &mut Change, name: &Domain, change: &DomainChange) -> Result<DomainRecord> {
    let before = read_domain(transaction, name).await?;
    let mut record = before.clone();
    if let Field::Set(catch_all) = change.catch_all {
        if let Some(account) = catch_all
            && need_account(transaction, account).await?.tenant != record.tenant
        {
            return Err(Error::Invalid(
                "the catch-all must be an account of the same tenant".to_owned(),
            ));
        }
        record.catch_all = catch_all;
    }
    if let Field::Set(alias_of) = &change.alias_of {
        set_alias(transaction, &mut record, alias_of.as_ref()).await?;
    }
    if let Field::Set(licence) = &change.licence {
        record.licence = clean(licence);
        check_name(&record.licence, LICENCE_CHARACTERS_MAX)?;
    }
    if let Field::Set(reminder) = change.licence_reminder
        && reminder != record.licence_reminder
    {
        record.licence_reminder = reminder;
        record.licence_told = None;
    }
    let event = Event::new("domain.change", name)
        .changed("catch_all", &before.catch_all, &record.catch_all)
        .changed("alias_of", &before.alias_of, &record.alias_of)
        .changed("licence", &before.licence, &record.licence)
        .changed("licence_reminder", &before.licence_reminder, &record.licence_reminder);
    transaction.record(Chain::Tenant(record.tenant), event);
    write_domain(transaction, &record);
    Ok(record)
}

/// Tells administrators of a licence, unless somebody has changed it or told them meanwhile.
pub(crate) async fn remind(transaction: &mut Change, name: &Domain, notice: &Notice, now: Timestamp) -> Result<()> {
    let mut record = read_domain(transaction, name).await?;
    if record.wants_reminder(now) {
        record.licence_told = Some(now);
        write_domain(transaction, &record);
        transaction.send(notice);
    }
    Ok(())
}

/// All addresses of `record` are those of `main`; both have to be nothing else yet.
async fn set_alias(transaction: &mut Change, record: &mut DomainRecord, main: Option<&Domain>) -> Result<()> {
    if record.moving || record.moving_from.is_some() || record.removal.is_some() {
        return Err(Error::Refused(format!("{} is being moved or removed", record.domain)));
    }
    let Some(main) = main else {
        record.alias_of = None;
        return Ok(());
    };
    check_main(transaction, record, main).await?;
    let mut query = RangeQuery::all(key::addresses(&record.domain).range());
    query.limit = 1;
    if !transaction.get_range(query).await?.pairs.is_empty() {
        let by = format!("it has addresses of its own: move them to {main} instead");
        return Err(in_use(&record.domain, by));
    }
    record.alias_of = Some(main.clone());
    Ok(())
}

/// Refuses a domain that `record` cannot be another name of.
pub(super) async fn check_main(transaction: &mut Change, record: &DomainRecord, main: &Domain) -> Result<()> {
    let other = read_domain(transaction, main).await?;
    if other.tenant != record.tenant {
        return Err(Error::not_found("domain", main));
    }
    if other.domain == record.domain {
        return Err(Error::Invalid(format!("{main} cannot be another name of itself")));
    }
    if other.alias_of.is_some() || other.moving_from.is_some() || other.removal.is_some() {
        let words = format!("{main} is another name itself, or is being moved or removed");
        return Err(Error::Refused(words));
    }
    match names_of(transaction, record).await?.first() {
        Some(name) => Err(in_use(&record.domain, format!("{name} is another name of it"))),
        None => Ok(()),
    }
}

/// The domains that are other names of one.
pub(super) async fn names_of(transaction: &mut Change, record: &DomainRecord) -> Result<Vec<Domain>> {
    let prefix = key::special_domains(record.tenant);
    let mut names = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let name = super::list::domain_of_key(&prefix, &pair.key)?;
        let other = read_domain(transaction, &name).await?;
        names.extend(Some(name).filter(|_| other.alias_of.as_ref() == Some(&record.domain)));
    }
    Ok(names)
}

pub(super) fn in_use(domain: &Domain, by: String) -> Error {
    Error::InUse {
        what: "domain",
        name: domain.to_string(),
        by,
    }
}
