//! Entries: what attributes there are (RFC 4519, RFC 4524, RFC 2798), and those of people and groups, of what holds them, and of the root.

use std::collections::BTreeMap;

use hongyan_directory::{AccountRecord, Card, Cards, DepartmentId};
use hongyan_ldap_wire::{Attribute, Found, PAGED, START_TLS, WHO_AM_I};
use hongyan_types::{Address, Domain};

use crate::tree;

/// How values of an attribute are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matching {
    /// Without regard to case and width.
    Text,
    /// As text, and as it is pronounced.
    Name,
    /// Without regard to spaces and hyphens.
    Phone,
}

/// A type of attribute.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Type {
    /// As it is written here.
    pub(crate) name: &'static str,
    /// Its other names, in small letters, and its number.
    others: &'static [&'static str],
    pub(crate) matching: Matching,
    /// Given only to those who ask for it (RFC 4512 §3.4).
    is_operational: bool,
}

const fn user(name: &'static str, others: &'static [&'static str], matching: Matching) -> Type {
    Type {
        name,
        others,
        matching,
        is_operational: false,
    }
}

const fn operational(name: &'static str, others: &'static [&'static str]) -> Type {
    Type {
        name,
        others,
        matching: Matching::Text,
        is_operational: true,
    }
}

pub(crate) const OBJECT_CLASS: &str = "objectClass";
pub(crate) const CN: &str = "cn";
pub(crate) const SN: &str = "sn";
pub(crate) const GIVEN_NAME: &str = "givenName";
pub(crate) const DISPLAY_NAME: &str = "displayName";
pub(crate) const MAIL: &str = "mail";
pub(crate) const UID: &str = "uid";
pub(crate) const TELEPHONE_NUMBER: &str = "telephoneNumber";
pub(crate) const MOBILE: &str = "mobile";
pub(crate) const TITLE: &str = "title";
pub(crate) const OU: &str = "ou";
/// Of Active Directory; Outlook asks for it.
pub(crate) const DEPARTMENT: &str = "department";
const DC: &str = "dc";
const NAMING_CONTEXTS: &str = "namingContexts";
const SUPPORTED_CONTROL: &str = "supportedControl";
const SUPPORTED_EXTENSION: &str = "supportedExtension";
const SUPPORTED_LDAP_VERSION: &str = "supportedLDAPVersion";
const SUPPORTED_SASL_MECHANISMS: &str = "supportedSASLMechanisms";
const VENDOR_NAME: &str = "vendorName";

const TYPES: &[Type] = &[
    user(OBJECT_CLASS, &["2.5.4.0"], Matching::Text),
    user(CN, &["commonname", "2.5.4.3"], Matching::Name),
    user(SN, &["surname", "2.5.4.4"], Matching::Name),
    user(GIVEN_NAME, &["gn", "2.5.4.42"], Matching::Name),
    user(DISPLAY_NAME, &["2.16.840.1.113730.3.1.241"], Matching::Name),
    user(MAIL, &["rfc822mailbox", "0.9.2342.19200300.100.1.3"], Matching::Text),
    user(UID, &["userid", "0.9.2342.19200300.100.1.1"], Matching::Text),
    user(TELEPHONE_NUMBER, &["2.5.4.20"], Matching::Phone),
    user(
        MOBILE,
        &["mobiletelephonenumber", "0.9.2342.19200300.100.1.41"],
        Matching::Phone,
    ),
    user(TITLE, &["2.5.4.12"], Matching::Text),
    user(OU, &["organizationalunitname", "2.5.4.11"], Matching::Text),
    user(DEPARTMENT, &["1.2.840.113556.1.2.141"], Matching::Text),
    user(DC, &["domaincomponent", "0.9.2342.19200300.100.1.25"], Matching::Text),
    operational(NAMING_CONTEXTS, &["1.3.6.1.4.1.1466.101.120.5"]),
    operational(SUPPORTED_CONTROL, &["1.3.6.1.4.1.1466.101.120.13"]),
    operational(SUPPORTED_EXTENSION, &["1.3.6.1.4.1.1466.101.120.7"]),
    operational(SUPPORTED_LDAP_VERSION, &["1.3.6.1.4.1.1466.101.120.15"]),
    operational(SUPPORTED_SASL_MECHANISMS, &["1.3.6.1.4.1.1466.101.120.14"]),
    operational(VENDOR_NAME, &["1.3.6.1.1.4"]),
];

/// The type of that name, without regard to case; none for what is not known, and for names with options (RFC 4512 §2.5).
pub(crate) fn type_of(name: &str) -> Option<&'static Type> {
    let known = |kind: &&Type| {
        kind.name.eq_ignore_ascii_case(name) || kind.others.iter().any(|other| other.eq_ignore_ascii_case(name))
    };
    TYPES.iter().find(known)
}

/// Classes of a person (RFC 2798 §3).
pub(crate) const PERSON: &[&str] = &["top", "person", "organizationalPerson", "inetOrgPerson"];

/// Classes of a mail group. Those of RFC 4519 tell their members, which ours does not; Active Directory's is the one that mail
/// clients look for.
pub(crate) const GROUP: &[&str] = &["top", "group"];

/// An entry, all of it that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    attributes: Vec<Attribute>,
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

impl Entry {
    fn new(name: String, classes: &[&str]) -> Self {
        let mut entry = Self {
            name,
            attributes: Vec::new(),
        };
        entry.put(OBJECT_CLASS, texts(classes));
        entry
    }

    /// An attribute has a value at least.
    fn put(&mut self, name: &'static str, values: Vec<String>) {
        if !values.is_empty() {
            self.attributes.push(Attribute { name, values });
        }
    }

    /// What somebody sees of a colleague.
    pub(crate) fn of_person(account: &AccountRecord, cards: &Cards, departments: &Departments) -> Self {
        let card: Card = cards.of(account);
        let mut entry = Self::new(tree::name_of(&account.address), PERSON);
        let name = match card.name.as_str() {
            "" => account.address.to_string(),
            name => name.to_owned(),
        };
        // RFC 4519 §3.12: a person has a cn and an sn.
        let family_name = card.family_name.unwrap_or_else(|| name.clone());
        entry.put(CN, vec![name.clone()]);
        entry.put(SN, vec![family_name]);
        entry.put(GIVEN_NAME, card.given_name.into_iter().collect());
        entry.put(DISPLAY_NAME, vec![name]);
        // The main address first: clients that show one show the first.
        entry.put(MAIL, account.addresses().map(ToString::to_string).collect());
        entry.put(UID, vec![account.address.local.as_str().to_owned()]);
        entry.put(TELEPHONE_NUMBER, card.landline.into_iter().collect());
        entry.put(MOBILE, card.mobile.into_iter().collect());
        entry.put(TITLE, card.title.into_iter().collect());
        let department = card.department.and_then(|id| departments.0.get(&id).cloned());
        entry.put(OU, department.clone().into_iter().collect());
        entry.put(DEPARTMENT, department.into_iter().collect());
        entry
    }

    /// A domain (RFC 4524 §3.2).
    pub(crate) fn of_domain(domain: &Domain) -> Self {
        let mut entry = Self::new(tree::name_of_domain(domain), &["top", "domain"]);
        let label = domain.as_str().split('.').next().unwrap_or_default();
        entry.put(DC, vec![label.to_owned()]);
        entry
    }

    /// What somebody sees of a mail group: who is in it is not told.
    pub(crate) fn of_group(address: &Address, display_name: &str) -> Self {
        let mut entry = Self::new(tree::name_of_group(address), GROUP);
        let name = match display_name {
            "" => address.to_string(),
            name => name.to_owned(),
        };
        entry.put(CN, vec![name.clone()]);
        entry.put(DISPLAY_NAME, vec![name]);
        entry.put(MAIL, vec![address.to_string()]);
        entry.put(UID, vec![address.local.as_str().to_owned()]);
        entry
    }

    /// What holds a domain's people.
    pub(crate) fn of_people(domain: &Domain) -> Self {
        Self::of_unit(tree::name_of_people(domain), tree::PEOPLE)
    }

    /// What holds its groups.
    pub(crate) fn of_groups(domain: &Domain) -> Self {
        Self::of_unit(tree::name_of_groups(domain), tree::GROUPS)
    }

    fn of_unit(name: String, unit: &str) -> Self {
        let mut entry = Self::new(name, &["top", "organizationalUnit"]);
        entry.put(OU, vec![unit.to_owned()]);
        entry
    }

    /// The root (RFC 4512 §5.1): what this server can do, and where the asker's organisation begins.
    pub(crate) fn of_root(domains: &[Domain], starts_tls: bool, takes_passwords: bool) -> Self {
        let mut entry = Self::new(String::new(), &["top"]);
        entry.put(NAMING_CONTEXTS, domains.iter().map(tree::name_of_domain).collect());
        entry.put(SUPPORTED_CONTROL, texts(&[PAGED]));
        let mut extensions = texts(&[WHO_AM_I]);
        if starts_tls {
            extensions.push(START_TLS.to_owned());
        }
        entry.put(SUPPORTED_EXTENSION, extensions);
        entry.put(SUPPORTED_LDAP_VERSION, texts(&["3"]));
        if takes_passwords {
            entry.put(SUPPORTED_SASL_MECHANISMS, texts(&["PLAIN"]));
        }
        entry.put(VENDOR_NAME, texts(&["Hongyan"]));
        entry
    }

    /// What has this value and no other, to try a filter on.
    pub(crate) fn with(kind: &Type, value: &str) -> Self {
        let mut entry = Self {
            name: String::new(),
            attributes: Vec::new(),
        };
        entry.put(kind.name, vec![value.to_owned()]);
        entry
    }

    /// What has these classes and nothing else, likewise.
    pub(crate) fn with_classes(classes: &[&str]) -> Self {
        Self::new(String::new(), classes)
    }

    /// Its values of a type.
    pub(crate) fn values(&self, kind: &Type) -> &[String] {
        let found = self.attributes.iter().find(|attribute| attribute.name == kind.name);
        found.map_or(&[], |attribute| &attribute.values)
    }

    /// What of it is wanted.
    pub(crate) fn selected(mut self, selection: &Selection, types_only: bool) -> Found {
        self.attributes.retain(|attribute| selection.takes(attribute.name));
        if types_only {
            for attribute in &mut self.attributes {
                attribute.values.clear();
            }
        }
        Found {
            name: self.name,
            attributes: self.attributes,
        }
    }
}

/// Names of departments, where they are shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Departments(pub(crate) BTreeMap<DepartmentId, String>);

/// Which attributes are wanted (RFC 4511 §4.5.1.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    all_user: bool,
    all_operational: bool,
    names: Vec<&'static str>,
}

impl Selection {
    /// Reads what a search says; names that are not known are left out.
    pub(crate) fn read(attributes: &[String]) -> Self {
        let has = |sign: &str| attributes.iter().any(|name| name == sign);
        let known = attributes.iter().filter_map(|name| type_of(name));
        Self {
            all_user: attributes.is_empty() || has("*"),
            // RFC 3673 §2.
            all_operational: has("+"),
            names: known.map(|kind| kind.name).collect(),
        }
    }

    fn takes(&self, name: &str) -> bool {
        let is_operational = type_of(name).is_some_and(|kind| kind.is_operational);
        let all = if is_operational {
            self.all_operational
        } else {
            self.all_user
        };
        all || self.names.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_20_what_is_selected() {
        let check = |asked: &[&str], expect: &str| {
            let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
            let root = Entry::of_root(&[], true, true);
            let found = root.selected(&Selection::read(&asked), false);
            let names: Vec<_> = found.attributes.iter().map(|attribute| attribute.name).collect();
            assert_eq!(names.join(" "), expect, "{asked:?}");
        };
        check(&[], "objectClass");
        check(&["*"], "objectClass");
        check(&["1.1"], "");
        check(&["cn"], "");
        check(&["SUPPORTEDLDAPVERSION"], "supportedLDAPVersion");
        check(&["*", "1.3.6.1.1.4"], "objectClass vendorName");
        let all = "supportedControl supportedExtension supportedLDAPVersion supportedSASLMechanisms vendorName";
        check(&["+"], all);
        check(&["+", "*"], &format!("objectClass {all}"));
    }

    #[test]
    fn types_have_one_name_each() {
        for (place, kind) in TYPES.iter().enumerate() {
            assert_eq!(type_of(&kind.name.to_uppercase()), Some(kind));
            for other in kind.others {
                assert_eq!(type_of(other), Some(&TYPES[place]), "{other}");
            }
        }
        assert_eq!(type_of("cn;lang-zh"), None);
        assert_eq!(type_of(""), None);
    }
}
