//! The tree that organisations' directories make: a domain, its people and mail groups below it. Names both ways.
//!
//! `uid=anna,ou=people,dc=example,dc=org` is who has the main address `anna@example.org`, `uid=team,ou=groups,dc=example,dc=org` the group
//! `team@example.org`.

use hongyan_ldap_wire::{Name, escape};
use hongyan_types::{Address, Domain};

/// What holds the people of a domain.
pub(crate) const PEOPLE: &str = "people";
/// What holds its mail groups.
pub(crate) const GROUPS: &str = "groups";

/// Where an entry is in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Above all domains.
    Root,
    /// A domain.
    Domain(Domain),
    /// What holds a domain's people.
    People(Domain),
    /// Someone, by address.
    Person(Address),
    /// What holds a domain's mail groups.
    Groups(Domain),
    /// A group, by address.
    Group(Address),
    /// There can be nothing, but there may be what is above it.
    Below(Box<Place>),
    /// Nor that.
    Nowhere,
}

/// The name of a domain's entry.
pub(crate) fn name_of_domain(domain: &Domain) -> String {
    let labels = domain.as_str().split('.').map(|label| format!("dc={}", escape(label)));
    labels.collect::<Vec<_>>().join(",")
}

/// The name of what holds its people.
pub(crate) fn name_of_people(domain: &Domain) -> String {
    format!("ou={PEOPLE},{}", name_of_domain(domain))
}

/// The name of who has that main address.
pub(crate) fn name_of(address: &Address) -> String {
    below(&name_of_people(&address.domain), address)
}

/// The name of what holds a domain's groups.
pub(crate) fn name_of_groups(domain: &Domain) -> String {
    format!("ou={GROUPS},{}", name_of_domain(domain))
}

/// The name of the group with that address.
pub(crate) fn name_of_group(address: &Address) -> String {
    below(&name_of_groups(&address.domain), address)
}

fn below(above: &str, address: &Address) -> String {
    format!("uid={},{above}", escape(address.local.as_str()))
}

/// Where a name is.
pub(crate) fn place(name: &Name) -> Place {
    let levels: Vec<_> = (0..name.depth()).map(|place| name.level(place)).collect();
    let above = |level: &Option<(&str, &str)>| matches!(level, Some(("dc" | "0.9.2342.19200300.100.1.25", _)));
    let depth = levels.iter().rev().take_while(|level| above(level)).count();
    let (below, labels) = levels.split_at(levels.len() - depth);
    if levels.is_empty() {
        return Place::Root;
    }
    let labels: Vec<&str> = labels.iter().flatten().map(|(_, label)| *label).collect();
    let Ok(domain) = Domain::try_from(labels.join(".")) else {
        return Place::Nowhere;
    };
    let mut place = Place::Domain(domain);
    for level in below.iter().rev() {
        place = match (place, level) {
            (Place::Domain(domain), Some(("ou", unit))) if unit.eq_ignore_ascii_case(PEOPLE) => Place::People(domain),
            (Place::Domain(domain), Some(("ou", unit))) if unit.eq_ignore_ascii_case(GROUPS) => Place::Groups(domain),
            (above @ (Place::People(_) | Place::Groups(_)), Some(("uid", local))) => one_of(above, local),
            (below @ Place::Below(_), _) => below,
            (above, _) => Place::Below(Box::new(above)),
        };
    }
    place
}

/// Whom a name below what holds people or groups names.
fn one_of(above: Place, local: &str) -> Place {
    let address = |domain: &Domain| Address::try_from(format!("{local}@{domain}"));
    let one = match &above {
        Place::People(domain) => address(domain).map(Place::Person),
        Place::Groups(domain) => address(domain).map(Place::Group),
        _ => return Place::Below(Box::new(above)),
    };
    one.unwrap_or_else(|_| Place::Below(Box::new(above)))
}

/// The login name that a client means: an address, or a distinguished name with one in it.
pub(crate) fn login_name(text: &str) -> Option<String> {
    let text = text.trim();
    let name = Name::read(text).filter(|name| name.depth() > 0);
    let first = name.as_ref().and_then(|name| name.level(0));
    match (first, &name) {
        (Some(("mail" | "uid", value)), _) if value.contains('@') => Some(value.to_owned()),
        (Some(("uid", _)), Some(name)) => match place(name) {
            Place::Person(address) => Some(address.to_string()),
            _ => None,
        },
        // A name that is no distinguished one is whatever sign-in makes of it.
        _ if text.contains('@') || !text.contains('=') => Some(text.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_20_login_names() {
        let check = |text: &str, expect: Option<&str>| assert_eq!(login_name(text).as_deref(), expect, "{text}");
        check("anna@example.org", Some("anna@example.org"));
        check("anna", Some("anna"));
        check("mail=anna@example.org", Some("anna@example.org"));
        check(
            "mail=anna@example.org,ou=people,dc=example,dc=org",
            Some("anna@example.org"),
        );
        check("uid=anna@example.org,ou=people,dc=x", Some("anna@example.org"));
        check("UID=anna, OU=People, DC=example, DC=org", Some("anna@example.org"));
        check("uid=anna", None);
        check("cn=anna,dc=example,dc=org", None);
        check("uid=anna,dc=example,dc=org", None);
        check("a=b@example.org", Some("a=b@example.org"));
    }

    #[test]
    fn names_are_places() {
        let domain = Domain::try_from("example.org").unwrap();
        let check = |text: &str, expect: Place| assert_eq!(place(&Name::read(text).unwrap()), expect, "{text}");
        check("", Place::Root);
        check("dc=example,dc=org", Place::Domain(domain.clone()));
        check("ou=People,dc=example,dc=org", Place::People(domain.clone()));
        let anna = Address::try_from("anna@example.org").unwrap();
        check(&name_of(&anna), Place::Person(anna));
        check("OU=groups,dc=example,dc=org", Place::Groups(domain.clone()));
        let team = Address::try_from("team@example.org").unwrap();
        check(&name_of_group(&team), Place::Group(team));
        let below = |place| Place::Below(Box::new(place));
        check("cn=x,dc=example,dc=org", below(Place::Domain(domain.clone())));
        check("cn=x,cn=y,dc=example,dc=org", below(Place::Domain(domain.clone())));
        check("cn=x,ou=groups,dc=example,dc=org", below(Place::Groups(domain.clone())));
        check(
            "uid=a b,ou=groups,dc=example,dc=org",
            below(Place::Groups(domain.clone())),
        );
        check("cn=x,ou=people,dc=example,dc=org", below(Place::People(domain)));
        check("cn=x", Place::Nowhere);
        check("dc=a b", Place::Nowhere);
        let odd = Address::try_from("a+b.c=d@xn--fiq228c.test").unwrap();
        check(&name_of(&odd), Place::Person(odd));
    }
}
