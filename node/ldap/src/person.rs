//! An entry as a person: what the settings make of its attributes.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_ldap_wire::Name;
use hongyan_ldap_wire::client::Entry;
use hongyan_types::Address;

use crate::{Departments, LdapSettings, PersonField};

/// Longest value that is looked at, in characters: the directory has its own limits, which are less.
const CHARACTERS_MAX: usize = 1_000;
/// Aliases of one person.
const ALIASES_MAX: usize = 100;
/// Longest identifier, in octets.
const IDENTIFIER_OCTETS_MAX: usize = 200;

/// What is wrong with a field.
pub(crate) type Wrong = (String, String);

/// A person, as an entry describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Person {
    /// The entry's distinguished name.
    pub(crate) name: String,
    /// What it is called for ever.
    pub(crate) identifier: String,
    /// Its fields with one value. What is not in the entry is empty; what the settings do not name is not here.
    pub(crate) values: BTreeMap<PersonField, String>,
    /// All further addresses, where the settings name them.
    pub(crate) aliases: Option<Vec<String>>,
    /// The path of its department, where the settings say.
    pub(crate) department: Option<Vec<String>>,
}

impl Person {
    pub(crate) fn value(&self, field: PersonField) -> Option<&str> {
        self.values.get(&field).map(String::as_str)
    }
    pub(crate) fn address(&self) -> Option<Address> {
        Address::try_from(self.value(PersonField::Address)?).ok()
    }

    /// Reads an entry, and what is wrong with it.
    pub(crate) fn read(settings: &LdapSettings, base: &Name, entry: &Entry) -> (Self, Vec<Wrong>) {
        let mut wrong = Vec::new();
        let mut person = Self {
            name: entry.name.clone(),
            identifier: identifier(values(entry, &settings.identifier)).unwrap_or_default(),
            ..Self::default()
        };
        if person.identifier.is_empty() {
            wrong.push((
                settings.identifier.clone(),
                "the entry has no usable identifier".to_owned(),
            ));
        }
        for rule in &settings.rules {
            let texts = texts(values(entry, &rule.attribute));
            let Some(texts) = texts else {
                let reason = format!("{} is no text, or too long", rule.attribute);
                wrong.push((rule.field.label().to_owned(), reason));
                continue;
            };
            if rule.field == PersonField::Aliases {
                person.aliases = Some(addresses(&texts));
            } else {
                let value = only(rule.field, texts);
                person.values.insert(rule.field, tidy(rule.field, &value));
            }
        }
        match person.value(PersonField::Address) {
            Some("") => wrong.push(("address".to_owned(), "the entry has no address".to_owned())),
            Some(text) => {
                if let Err(error) = Address::try_from(text) {
                    wrong.push(("address".to_owned(), format!("{text}: {error}")));
                }
            }
            None => {}
        }
        if person
            .aliases
            .as_ref()
            .is_some_and(|aliases| aliases.len() > ALIASES_MAX)
        {
            wrong.push((
                "aliases".to_owned(),
                format!("the entry has more than {ALIASES_MAX} addresses"),
            ));
        }
        match department(settings, base, entry) {
            Ok(department) => person.department = department,
            Err(reason) => wrong.push(("department".to_owned(), reason)),
        }
        (person, wrong)
    }

    /// As a task keeps it: names and values by turns.
    pub(crate) fn to_cells(&self) -> Vec<String> {
        let mut cells = vec![self.name.clone(), self.identifier.clone()];
        let mut add = |name: &str, value: &str| cells.extend([name.to_owned(), value.to_owned()]);
        for (field, value) in &self.values {
            add(field.label(), value);
        }
        if let Some(aliases) = &self.aliases {
            add("aliases", "");
            aliases.iter().for_each(|alias| add("alias", alias));
        }
        if let Some(department) = &self.department {
            add("department", "");
            department.iter().for_each(|level| add("level", level));
        }
        cells
    }

    /// Reads what [`Self::to_cells`] wrote.
    pub(crate) fn from_cells(cells: &[String]) -> Option<Self> {
        let [name, identifier, pairs @ ..] = cells else {
            return None;
        };
        let mut person = Self {
            name: name.clone(),
            identifier: identifier.clone(),
            ..Self::default()
        };
        for pair in pairs.chunks(2) {
            let [name, value] = pair else { return None };
            match name.as_str() {
                "aliases" => person.aliases = Some(Vec::new()),
                "alias" => person.aliases.as_mut()?.push(value.clone()),
                "department" => person.department = Some(Vec::new()),
                "level" => person.department.as_mut()?.push(value.clone()),
                name => {
                    person.values.insert(PersonField::named(name)?, value.clone());
                }
            }
        }
        Some(person)
    }
}

fn values<'e>(entry: &'e Entry, attribute: &str) -> &'e [Vec<u8>] {
    let found = entry.attributes.get(&attribute.to_ascii_lowercase());
    found.map(Vec::as_slice).unwrap_or_default()
}

/// Text as it stands; other octets, such as those of `objectGUID`, in hexadecimal digits.
fn identifier(values: &[Vec<u8>]) -> Option<String> {
    let [value] = values else { return None };
    let text = std::str::from_utf8(value).ok();
    let text = text.filter(|text| !text.chars().any(char::is_control) && !text.trim().is_empty());
    let written = match text {
        Some(text) => text.trim().to_owned(),
        None => value.iter().map(|octet| format!("{octet:02x}")).collect(),
    };
    (!written.is_empty() && written.len() <= IDENTIFIER_OCTETS_MAX).then_some(written)
}

fn texts(values: &[Vec<u8>]) -> Option<Vec<String>> {
    let text = |value: &Vec<u8>| {
        let text = std::str::from_utf8(value).ok()?;
        // Postal addresses have `$` or line ends between their lines (RFC 4517 §3.3.28).
        let text = text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty());
        let text = text.collect::<Vec<_>>().join(", ");
        let is_good = text.chars().count() <= CHARACTERS_MAX && !text.chars().any(char::is_control);
        is_good.then_some(text)
    };
    values.iter().map(text).collect()
}

/// One of several values, the same each time.
fn only(field: PersonField, mut texts: Vec<String>) -> String {
    if field == PersonField::Address {
        // As Active Directory writes the primary one among several.
        if let Some(primary) = texts.iter().find_map(|text| text.strip_prefix("SMTP:")) {
            return primary.to_owned();
        }
    }
    texts.sort();
    texts.into_iter().next().unwrap_or_default()
}

/// A value as the directory takes it.
fn tidy(field: PersonField, value: &str) -> String {
    match field {
        PersonField::Mobile => {
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            match value.trim_start().starts_with('+') {
                true if !digits.is_empty() => format!("+{digits}"),
                _ => digits,
            }
        }
        _ => value.trim().to_owned(),
    }
}

/// Addresses, also as Active Directory writes them in `proxyAddresses`.
fn addresses(texts: &[String]) -> Vec<String> {
    let strip = |text: &str| {
        let (scheme, rest) = text.split_once(':').unwrap_or(("smtp", text));
        scheme.eq_ignore_ascii_case("smtp").then(|| rest.trim().to_owned())
    };
    let found: BTreeSet<String> = texts.iter().filter_map(|text| strip(text)).collect();
    found.into_iter().filter(|address| !address.is_empty()).collect()
}

fn department(settings: &LdapSettings, base: &Name, entry: &Entry) -> Result<Option<Vec<String>>, String> {
    match &settings.departments {
        Departments::None => Ok(None),
        Departments::Units => {
            let units = Name::read(&entry.name).and_then(|name| name.units_below(base));
            units
                .map(Some)
                .ok_or_else(|| "the entry is not below the base".to_owned())
        }
        Departments::Attribute(attribute) => {
            let texts =
                texts(values(entry, attribute)).ok_or_else(|| format!("{attribute} is no text, or too long"))?;
            let path = only(PersonField::Title, texts);
            let levels = path.split('/').map(str::trim).filter(|level| !level.is_empty());
            Ok(Some(levels.map(str::to_owned).collect()))
        }
    }
}

#[cfg(test)]
#[path = "person_test.rs"]
pub(crate) mod tests;
