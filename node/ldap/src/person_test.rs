use super::*;
use crate::{AttributeRule, Master};

pub(crate) fn settings() -> LdapSettings {
    let rule = |field, attribute: &str| AttributeRule {
        field,
        attribute: attribute.to_owned(),
        master: Master::Directory,
    };
    LdapSettings {
        url: "ldaps://ldap.test".to_owned(),
        bind_name: String::new(),
        password: None,
        base: "dc=example,dc=test".to_owned(),
        filter: "(mail=*)".to_owned(),
        identifier: "entryUUID".to_owned(),
        rules: vec![
            rule(PersonField::Address, "mail"),
            rule(PersonField::Aliases, "proxyAddresses"),
            rule(PersonField::DisplayName, "displayName"),
            rule(PersonField::Mobile, "mobile"),
            rule(PersonField::Location, "postalAddress"),
        ],
        departments: Departments::Units,
        department_master: Master::Directory,
        adopt: false,
        every_minutes: 0,
        disable_percent_max: 10,
        bind_sign_in: false,
    }
}

fn entry(name: &str, attributes: &[(&str, &[&[u8]])]) -> Entry {
    let values = |values: &[&[u8]]| values.iter().map(|value| value.to_vec()).collect();
    Entry {
        name: name.to_owned(),
        attributes: attributes
            .iter()
            .map(|(name, all)| (name.to_ascii_lowercase(), values(all)))
            .collect(),
    }
}

fn read(settings: &LdapSettings, entry: &Entry) -> (Person, Vec<Wrong>) {
    Person::read(settings, &Name::read(&settings.base).unwrap(), entry)
}

#[test]
fn org_14_an_entry_is_a_person() {
    let found = entry(
        "cn=Anna,ou=Sales,ou=HQ,dc=example,dc=test",
        &[
            ("entryUUID", &[b"u-1"]),
            ("mail", &[b" anna@example.test "]),
            (
                "proxyAddresses",
                &[
                    b"SMTP:anna@example.test",
                    b"smtp:a@example.test",
                    b"x500:/o=x",
                    b"b@example.test",
                ],
            ),
            ("displayName", &["安娜".as_bytes()]),
            ("mobile", &[b"+86 (138) 0000-1111"]),
            ("postalAddress", &[b"Road 1\r\nTown"]),
        ],
    );
    let (person, wrong) = read(&settings(), &found);
    assert_eq!(wrong, []);
    assert_eq!(person.identifier, "u-1");
    assert_eq!(person.value(PersonField::Address), Some("anna@example.test"));
    assert_eq!(person.value(PersonField::DisplayName), Some("安娜"));
    assert_eq!(person.value(PersonField::Mobile), Some("+8613800001111"));
    assert_eq!(person.value(PersonField::Location), Some("Road 1, Town"));
    let aliases = person.aliases.clone().unwrap();
    assert_eq!(aliases, ["a@example.test", "anna@example.test", "b@example.test"]);
    assert_eq!(
        person.department.as_deref(),
        Some(&["HQ".to_owned(), "Sales".to_owned()][..])
    );
    assert_eq!(Person::from_cells(&person.to_cells()), Some(person));
}

#[test]
fn org_14_what_is_wrong_with_an_entry_is_said() {
    let check = |attributes: &[(&str, &[&[u8]])], expect: &[(&str, &str)]| {
        let (_, wrong) = read(&settings(), &entry("cn=a,dc=example,dc=test", attributes));
        let wrong: Vec<(&str, &str)> = wrong
            .iter()
            .map(|(field, why)| (field.as_str(), why.as_str()))
            .collect();
        assert_eq!(wrong, expect);
    };
    check(
        &[("mail", &[b"a@example.test"])],
        &[("entryUUID", "the entry has no usable identifier")],
    );
    check(&[("entryUUID", &[b"u"])], &[("address", "the entry has no address")]);
    check(
        &[
            ("entryUUID", &[b"u"]),
            ("mail", &[b"a@example.test"]),
            ("displayName", &[b"\xff"]),
        ],
        &[("display_name", "displayName is no text, or too long")],
    );
    let (_, wrong) = read(
        &settings(),
        &entry("cn=a,dc=other", &[("entryUUID", &[b"u"]), ("mail", &[b"nobody"])]),
    );
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}

#[test]
fn org_14_departments_may_be_a_path_and_identifiers_octets() {
    let settings = LdapSettings {
        departments: Departments::Attribute("department".to_owned()),
        identifier: "objectGUID".to_owned(),
        ..settings()
    };
    let guid: &[u8] = &[0, 1, 2, 0xff, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    let found = entry(
        "cn=a,dc=example,dc=test",
        &[
            ("objectGUID", &[guid]),
            ("mail", &[b"a@example.test"]),
            ("department", &[b"HQ / Sales"]),
        ],
    );
    let (person, wrong) = read(&settings, &found);
    assert_eq!(wrong, []);
    assert_eq!(person.identifier, "000102ff0405060708090a0b0c0d0e0f");
    assert_eq!(
        person.department.as_deref(),
        Some(&["HQ".to_owned(), "Sales".to_owned()][..])
    );
}
