use hongyan_directory::{AccountSettings, Quota, Seat};
use hongyan_types::{TenantId, Timestamp};

use super::*;
use crate::person::tests::settings;
use crate::record::LinkRecord;

fn member(id: u64, address: &str, external_id: &str) -> AccountRecord {
    AccountRecord {
        id: AccountId(id),
        tenant: TenantId(1),
        state: AccountState::Active,
        address: Address::try_from(address).unwrap(),
        aliases: Vec::new(),
        display_name: "Anna".to_owned(),
        kind: hongyan_directory::AccountKind::Member,
        role: None,
        profile: Profile {
            external_id: external_id.to_owned(),
            title: "kept".to_owned(),
            ..Profile::default()
        },
        departments: Vec::new(),
        tags: Vec::new(),
        seat: Seat::Standard,
        quota: Quota::default(),
        settings: AccountSettings::default(),
        language: None,
        limits: hongyan_directory::Limits::new(),
        restricted: hongyan_directory::Restrictions::default(),
        address_made_up: false,
        handovers: 0,
        created: Timestamp { millis: 0 },
    }
}

fn person(identifier: &str, address: &str) -> (Person, Vec<Wrong>) {
    let person = Person {
        name: format!("cn={identifier}"),
        identifier: identifier.to_owned(),
        values: [
            (PersonField::Address, address.to_owned()),
            (PersonField::DisplayName, "Anna".to_owned()),
        ]
        .into(),
        aliases: None,
        department: Some(Vec::new()),
    };
    (person, Vec::new())
}

struct There {
    members: Vec<Arc<AccountRecord>>,
    links: Links,
}

impl There {
    fn new(members: Vec<AccountRecord>) -> Self {
        let link = |account: &AccountRecord| {
            let name = account.profile.external_id.strip_prefix("ldap:")?;
            Some((
                account.id,
                LinkRecord {
                    name: format!("cn={name}"),
                    is_gone: account.state == AccountState::Disabled,
                },
            ))
        };
        Self {
            links: members.iter().filter_map(link).collect(),
            members: members.into_iter().map(Arc::new).collect(),
        }
    }

    fn compare(&self, settings: &LdapSettings, people: Vec<(Person, Vec<Wrong>)>) -> Vec<Planned> {
        let present = Present {
            members: &self.members,
            departments: &BTreeMap::from([(DepartmentId(4), vec!["HQ".to_owned()])]),
            links: &self.links,
            domains: &[Domain::try_from("example.test").unwrap()].into(),
        };
        compare(settings, people, &present)
    }
}

/// A plan in short: `create anna@example.test`, and what changes or is wrong.
fn short(plan: &[Planned]) -> Vec<String> {
    let one = |planned: &Planned| {
        let mut text = format!("{} {}", planned.action.label(), planned.address);
        for field in &planned.fields {
            text += &format!(" {field}");
        }
        for (field, why) in &planned.problems {
            text += &format!(" [{field}: {why}]");
        }
        text
    };
    plan.iter().map(one).collect()
}

#[test]
fn org_14_members_come_change_stay_and_go() {
    let mut changed = member(2, "bob@example.test", "ldap:b");
    changed.display_name = "Bob".to_owned();
    changed.departments = vec![DepartmentId(4)];
    let there = There::new(vec![
        member(1, "anna@example.test", "ldap:a"),
        changed,
        member(3, "gone@example.test", "ldap:g"),
        member(4, "ours@example.test", ""),
        member(5, "scim@example.test", "77"),
    ]);
    let people = vec![
        person("a", "anna@example.test"),
        person("b", "bob@example.test"),
        person("n", "new@example.test"),
    ];
    let plan = there.compare(&settings(), people);
    assert_eq!(
        short(&plan),
        [
            "keep anna@example.test",
            "change bob@example.test display_name department",
            "create new@example.test",
            "disable gone@example.test state",
        ]
    );
    for planned in &plan {
        let read = Planned::from_cells(&planned.to_cells()).unwrap();
        assert_eq!(
            (read.action, read.account, read.person),
            (planned.action, planned.account, planned.person.clone())
        );
    }
    assert_eq!(count_linked(&there.members), 3);
}

#[test]
fn org_14_an_entry_with_something_wrong_is_refused_and_not_gone() {
    let there = There::new(vec![
        member(1, "anna@example.test", "ldap:a"),
        member(4, "ours@example.test", ""),
        member(5, "scim@example.test", "77"),
    ]);
    let broken = (person("a", "anna@example.test").0, vec![wrong("title", "no text")]);
    let people = vec![
        broken,
        person("x", "ours@example.test"),
        person("y", "scim@example.test"),
        person("z", "z@other.test"),
        person("z", "z2@example.test"),
        person("w", "z2@example.test"),
    ];
    assert_eq!(
        short(&there.compare(&settings(), people)),
        [
            "refuse anna@example.test [title: no text]",
            "refuse ours@example.test [address: ours@example.test is there already, and adopt is off]",
            "refuse scim@example.test [address: scim@example.test came from elsewhere]",
            "refuse z@other.test [address: other.test is no domain of the organisation]",
            "refuse z2@example.test [entryUUID: another entry has the same identifier]",
            "refuse z2@example.test [address: z2@example.test is another entry's too]",
        ]
    );
    let adopting = LdapSettings {
        adopt: true,
        ..settings()
    };
    let plan = there.compare(
        &adopting,
        vec![person("a", "anna@example.test"), person("x", "ours@example.test")],
    );
    assert_eq!(
        short(&plan),
        ["keep anna@example.test", "change ours@example.test external_id entry"]
    );
}

#[test]
fn org_14_who_masters_an_attribute_has_the_last_word() {
    let there = There::new(vec![member(1, "anna@example.test", "ldap:a")]);
    let mut renamed = person("a", "else@example.test");
    renamed.0.values.insert(PersonField::DisplayName, "Anne".to_owned());
    let plan = there.compare(&settings(), vec![renamed.clone()]);
    assert_eq!(
        short(&plan),
        ["change anna@example.test display_name [address: it is else@example.test there; addresses are changed here]"]
    );
    let mut ours = settings();
    for rule in &mut ours.rules {
        rule.master = Master::Hongyan;
    }
    ours.department_master = Master::Hongyan;
    renamed.0.department = Some(vec!["HQ".to_owned()]);
    let account = &there.members[0];
    let (wanted, fields) = provision(&ours, &renamed.0, account, None, &BTreeSet::new(), false);
    assert_eq!(fields, Vec::<&str>::new());
    assert!(matches!(wanted.department, Field::Keep));
    // For whoever is new, all of it counts.
    let address = Address::try_from("else@example.test").unwrap();
    let (new, department, _) = creation(&renamed.0, &address, &BTreeSet::new());
    assert_eq!((new.display_name.as_str(), department), ("Anne", vec!["HQ".to_owned()]));
    assert_eq!(new.profile.external_id, "ldap:a");
}

#[test]
fn org_14_whoever_comes_back_is_let_in_again() {
    let mut back = member(1, "anna@example.test", "ldap:a");
    back.state = AccountState::Disabled;
    let mut there = There::new(vec![back]);
    let plan = there.compare(&settings(), vec![person("a", "anna@example.test")]);
    assert_eq!(short(&plan), ["change anna@example.test state entry"]);
    // Whom an administrator has disabled stays so.
    for link in there.links.values_mut() {
        link.is_gone = false;
    }
    let plan = there.compare(&settings(), vec![person("a", "anna@example.test")]);
    assert_eq!(short(&plan), ["keep anna@example.test"]);
}

#[test]
fn org_14_aliases_count_in_our_domains_only() {
    let there = There::new(vec![member(1, "anna@example.test", "ldap:a")]);
    let mut with = person("a", "anna@example.test");
    let all = ["anna@example.test", "a@example.test", "a@other.test", "no address"];
    with.0.aliases = Some(all.map(str::to_owned).to_vec());
    let domains = [Domain::try_from("example.test").unwrap()].into();
    let (wanted, fields) = provision(&settings(), &with.0, &there.members[0], None, &domains, false);
    assert_eq!(fields, ["aliases"]);
    let Field::Set(aliases) = wanted.aliases else {
        panic!("no aliases")
    };
    assert_eq!(aliases, [Address::try_from("a@example.test").unwrap()]);
}

#[test]
fn org_14_no_more_go_than_may() {
    assert!(!exceeds(0, 0, 0));
    assert!(exceeds(1, 100, 0));
    assert!(!exceeds(10, 100, 10));
    assert!(exceeds(11, 100, 10));
    assert!(exceeds(50, 50, 99));
    assert!(!exceeds(50, 50, 100));
}
