//! What a synchronisation is to do: a pure comparison of the people who were read with the members there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hongyan_directory::{
    AccountChange, AccountRecord, AccountState, DepartmentId, Field, Language, NewAccount, Profile, Provision,
};
use hongyan_types::{AccountId, Address, Domain};

use crate::link::{self, Links};
use crate::person::{Person, Wrong};
use crate::{LdapSettings, Master, PersonField};

/// What becomes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A new one.
    Create,
    /// One that is there changes.
    Change,
    /// One whose entry is gone is disabled.
    Disable,
    /// All is well.
    Keep,
    /// Nothing can be done.
    Refuse,
}

impl Action {
    const ALL: [Self; 5] = [Self::Create, Self::Change, Self::Disable, Self::Keep, Self::Refuse];

    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Disable => "disable",
            Self::Keep => "keep",
            Self::Refuse => "refuse",
        }
    }
}

/// What is to become of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What.
    pub action: Action,
    /// Whose account, if there is one.
    pub account: Option<AccountId>,
    /// The address by which people know them.
    pub address: String,
    /// The fields that change.
    pub fields: Vec<&'static str>,
    /// What is wrong: the field, and why.
    pub problems: Vec<(String, String)>,
    pub(crate) person: Option<Person>,
}

impl Planned {
    /// The entry's distinguished name, if there is an entry.
    #[must_use]
    pub fn name(&self) -> &str {
        self.person
            .as_ref()
            .map(|person| person.name.as_str())
            .unwrap_or_default()
    }

    /// As a task keeps it until it is done.
    #[must_use]
    pub fn to_cells(&self) -> Vec<String> {
        let account = self.account.map(|account| account.0.to_string()).unwrap_or_default();
        let mut cells = vec![self.action.label().to_owned(), account, self.address.clone()];
        cells.extend(self.person.iter().flat_map(Person::to_cells));
        cells
    }

    /// Reads what [`Self::to_cells`] wrote; which fields change is found anew when it is done.
    #[must_use]
    pub fn from_cells(cells: &[String]) -> Option<Self> {
        let [action, account, address, person @ ..] = cells else {
            return None;
        };
        Some(Self {
            action: Action::ALL.into_iter().find(|known| known.label() == action)?,
            account: match account.as_str() {
                "" => None,
                number => Some(AccountId(number.parse().ok()?)),
            },
            address: address.clone(),
            fields: Vec::new(),
            problems: Vec::new(),
            person: match person {
                [] => None,
                cells => Some(Person::from_cells(cells)?),
            },
        })
    }
}

/// The members there are.
pub(crate) struct Present<'p> {
    pub(crate) members: &'p [Arc<AccountRecord>],
    /// The paths of departments.
    pub(crate) departments: &'p BTreeMap<DepartmentId, Vec<String>>,
    pub(crate) links: &'p Links,
    /// The organisation's own.
    pub(crate) domains: &'p BTreeSet<Domain>,
}

fn wrong(field: &str, reason: impl Into<String>) -> Wrong {
    (field.to_owned(), reason.into())
}

/// What is to become of each person that was read, and of each member who came from there and is gone.
pub(crate) fn compare(
    settings: &LdapSettings,
    people: Vec<(Person, Vec<Wrong>)>,
    present: &Present<'_>,
) -> Vec<Planned> {
    let by_id: BTreeMap<&str, &Arc<AccountRecord>> = present
        .members
        .iter()
        .filter(|account| !account.profile.external_id.is_empty())
        .map(|account| (account.profile.external_id.as_str(), account))
        .collect();
    let with_address = |account: &'_ Arc<AccountRecord>| {
        let all = std::iter::once(&account.address).chain(&account.aliases);
        all.map(Address::key).collect::<Vec<_>>()
    };
    let by_address: BTreeMap<String, &Arc<AccountRecord>> = present
        .members
        .iter()
        .flat_map(|account| with_address(account).into_iter().map(move |key| (key, account)))
        .collect();
    let (mut seen_ids, mut seen_addresses) = (BTreeSet::new(), BTreeSet::new());
    let mut plan = Vec::new();
    for (person, mut problems) in people {
        let id = link::external_id(&person.identifier);
        if !person.identifier.is_empty() && !seen_ids.insert(id.clone()) {
            problems.push(wrong(&settings.identifier, "another entry has the same identifier"));
        }
        let address = person.address();
        if let Some(address) = &address {
            if !seen_addresses.insert(address.key()) {
                problems.push(wrong("address", format!("{address} is another entry's too")));
            }
            if !present.domains.contains(&address.domain) {
                problems.push(wrong(
                    "address",
                    format!("{} is no domain of the organisation", address.domain),
                ));
            }
        }
        let known = by_id.get(id.as_str()).copied();
        let found = known.or_else(|| by_address.get(&address.as_ref()?.key()).copied());
        if known.is_none()
            && let Some(other) = found
        {
            problems.extend(cannot_adopt(settings, other));
        }
        plan.push(plan_person(settings, person, problems, found, present));
    }
    plan.extend(gone(present, &seen_ids));
    plan
}

/// Why a member who is there is not taken to be an entry's person.
fn cannot_adopt(settings: &LdapSettings, account: &AccountRecord) -> Option<Wrong> {
    if !account.profile.external_id.is_empty() {
        return Some(wrong("address", format!("{} came from elsewhere", account.address)));
    }
    (!settings.adopt).then(|| {
        wrong(
            "address",
            format!("{} is there already, and adopt is off", account.address),
        )
    })
}

fn plan_person(
    settings: &LdapSettings,
    person: Person,
    problems: Vec<Wrong>,
    found: Option<&Arc<AccountRecord>>,
    present: &Present<'_>,
) -> Planned {
    let address = found.map(|account| account.address.to_string());
    let address = address.or_else(|| person.value(PersonField::Address).map(str::to_owned));
    let mut planned = Planned {
        action: Action::Create,
        account: found.map(|account| account.id),
        address: address.unwrap_or_default(),
        fields: Vec::new(),
        problems,
        person: None,
    };
    if !planned.problems.is_empty() {
        planned.action = Action::Refuse;
    } else if let Some(account) = found {
        let path = account.departments.first().and_then(|id| present.departments.get(id));
        let link = present.links.get(&account.id);
        let is_gone = link.is_some_and(|link| link.is_gone);
        let (_, mut fields) = provision(
            settings,
            &person,
            account,
            path.map(Vec::as_slice),
            present.domains,
            is_gone,
        );
        if link.is_none_or(|link| link.name != person.name || link.is_gone) {
            fields.push("entry");
        }
        planned.action = if fields.is_empty() {
            Action::Keep
        } else {
            Action::Change
        };
        planned.fields = fields;
        // What cannot be done here does not keep the rest from being done.
        if person.address().is_some_and(|address| !is_theirs(&address, account)) {
            let reason = format!(
                "it is {} there; addresses are changed here",
                person.value(PersonField::Address).unwrap_or_default()
            );
            planned.problems.push(wrong("address", reason));
        }
    }
    planned.person = Some(person);
    planned
}

fn is_theirs(address: &Address, account: &AccountRecord) -> bool {
    let mut all = std::iter::once(&account.address).chain(&account.aliases);
    all.any(|other| other.key() == address.key())
}

/// Those who came from there and are there no more. An entry that something is wrong with is there.
fn gone(present: &Present<'_>, seen: &BTreeSet<String>) -> Vec<Planned> {
    let gone = present.members.iter().filter(|account| {
        let id = &account.profile.external_id;
        link::is_ours(id) && !seen.contains(id) && is_at_work(account)
    });
    gone.map(|account| Planned {
        action: Action::Disable,
        account: Some(account.id),
        address: account.address.to_string(),
        fields: vec!["state"],
        problems: Vec::new(),
        person: None,
    })
    .collect()
}

fn is_at_work(account: &AccountRecord) -> bool {
    matches!(account.state, AccountState::Active | AccountState::Invited)
}

/// How many came from there and are at work.
pub(crate) fn count_linked(members: &[Arc<AccountRecord>]) -> usize {
    let linked = members
        .iter()
        .filter(|account| link::is_ours(&account.profile.external_id) && is_at_work(account));
    linked.count()
}

/// Whether so many of so many are more than a percentage.
pub(crate) fn exceeds(gone: usize, linked: usize, percent_max: u8) -> bool {
    gone.saturating_mul(100) > linked.saturating_mul(usize::from(percent_max))
}

fn put(profile: &mut Profile, field: PersonField, value: &str) {
    let place = match field {
        PersonField::FamilyName => &mut profile.family_name,
        PersonField::GivenName => &mut profile.given_name,
        PersonField::Nickname => &mut profile.nickname,
        PersonField::EmployeeId => &mut profile.employee_id,
        PersonField::Mobile => &mut profile.mobile,
        PersonField::Landline => &mut profile.landline,
        PersonField::Title => &mut profile.title,
        PersonField::Location => &mut profile.location,
        PersonField::PrivateAddress => &mut profile.private_address,
        PersonField::Address | PersonField::Aliases | PersonField::DisplayName | PersonField::Language => return,
    };
    value.clone_into(place);
}

fn language(tag: &str) -> Option<Language> {
    let tag = tag.split(['-', '_', ',', ';']).next().unwrap_or_default().trim();
    match tag.to_ascii_lowercase().as_str() {
        "en" => Some(Language::English),
        "zh" => Some(Language::Chinese),
        _ => None,
    }
}

/// The aliases that count: those in the organisation's domains, but the main address.
fn aliases(person: &Person, main: &Address, domains: &BTreeSet<Domain>) -> Option<Vec<Address>> {
    let texts = person.aliases.as_ref()?;
    let mut found: BTreeMap<String, Address> = BTreeMap::new();
    for address in texts.iter().filter_map(|text| Address::try_from(text.as_str()).ok()) {
        if domains.contains(&address.domain) && address.key() != main.key() {
            found.insert(address.key(), address);
        }
    }
    Some(found.into_values().collect())
}

/// The member that a person becomes, with its department and aliases.
pub(crate) fn creation(
    person: &Person,
    address: &Address,
    domains: &BTreeSet<Domain>,
) -> (NewAccount, Vec<String>, Vec<Address>) {
    let mut profile = Profile {
        external_id: link::external_id(&person.identifier),
        ..Profile::default()
    };
    for (field, value) in &person.values {
        put(&mut profile, *field, value);
    }
    let new = NewAccount {
        display_name: person.value(PersonField::DisplayName).unwrap_or_default().to_owned(),
        language: person.value(PersonField::Language).and_then(language),
        profile,
        ..NewAccount::at(address.clone())
    };
    let department = person.department.clone().unwrap_or_default();
    (new, department, aliases(person, address, domains).unwrap_or_default())
}

/// What is to change of a member, and the names of what does. What is ours, or not said, stays.
pub(crate) fn provision(
    settings: &LdapSettings,
    person: &Person,
    account: &AccountRecord,
    department: Option<&[String]>,
    domains: &BTreeSet<Domain>,
    is_gone: bool,
) -> (Provision, Vec<&'static str>) {
    let is_theirs = |field: PersonField| {
        settings
            .rule(field)
            .is_some_and(|rule| rule.master == Master::Directory)
    };
    let (mut fields, mut profile) = (Vec::new(), account.profile.clone());
    let mut wanted = Provision {
        change: AccountChange {
            expect: Some(account.etag()),
            ..AccountChange::default()
        },
        ..Provision::default()
    };
    for (field, value) in person.values.iter().filter(|(field, _)| is_theirs(**field)) {
        let before = profile.clone();
        put(&mut profile, *field, value);
        let is_new = match field {
            PersonField::DisplayName => account.display_name != *value,
            PersonField::Language => language(value).is_some() && account.language != language(value),
            _ => profile != before,
        };
        if is_new {
            fields.push(field.label());
            match field {
                PersonField::DisplayName => wanted.change.display_name = Field::Set(value.clone()),
                PersonField::Language => wanted.change.language = Field::Set(language(value)),
                _ => {}
            }
        }
    }
    let external_id = link::external_id(&person.identifier);
    if profile.external_id != external_id {
        profile.external_id = external_id;
        fields.push("external_id");
    }
    if profile != account.profile {
        wanted.change.profile = Field::Set(profile);
    }
    if is_gone && account.state == AccountState::Disabled {
        wanted.change.state = Field::Set(AccountState::Active);
        fields.push("state");
    }
    if let Some(aliases) = aliases(person, &account.address, domains).filter(|_| is_theirs(PersonField::Aliases)) {
        let keys = |all: &[Address]| all.iter().map(Address::key).collect::<BTreeSet<_>>();
        if keys(&aliases) != keys(&account.aliases) {
            wanted.aliases = Field::Set(aliases);
            fields.push("aliases");
        }
    }
    if let Some(path) = person
        .department
        .as_ref()
        .filter(|_| settings.department_master == Master::Directory)
        && !is_same_path(path, department.unwrap_or_default())
    {
        wanted.department = Field::Set(path.clone());
        fields.push("department");
    }
    (wanted, fields)
}

/// Names of departments are told apart without case.
fn is_same_path(one: &[String], other: &[String]) -> bool {
    let folded = |path: &[String]| path.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>();
    folded(one) == folded(other)
}

#[cfg(test)]
#[path = "compare_test.rs"]
mod tests;
