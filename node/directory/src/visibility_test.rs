use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;
use crate::{
    AccountChange, Confined, DirectoryOptions, DisplayNames, Error, Field, MemberQuery, NewAccount, NewDepartment,
    NewTag, NewTenant, Profile, Sieve,
};

struct Ground {
    directory: Directory,
    tenant: TenantId,
}

impl Ground {
    /// Departments 1 Board, 2 Sales, 3 Sales/East, 4 Interns; tag 1; one member each, and one without.
    async fn new() -> Self {
        let (env, _) = Env::manual(1);
        let database = Database::new(MemoryStore::default());
        Self::over(Directory::new(database, env, DirectoryOptions::default())).await
    }
    async fn over(directory: Directory) -> Self {
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("a.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        for (name, parent) in [("Board", 0), ("Sales", 0), ("East", 2), ("Interns", 0)] {
            let new = NewDepartment {
                name: name.to_owned(),
                parent: DepartmentId(parent),
                rank: 0,
            };
            directory.create_department(tenant, &new).await.unwrap();
        }
        let tag = NewTag {
            name: "Secret".to_owned(),
            departments: Vec::new(),
        };
        directory.create_tag(tenant, &tag).await.unwrap();
        for (name, department, tags) in [
            ("board", Some(1), vec![]),
            ("sales", Some(2), vec![]),
            ("east", Some(3), vec![]),
            ("intern", Some(4), vec![]),
            ("none", None, vec![]),
            ("spy", Some(2), vec![TagId(1)]),
        ] {
            let new = NewAccount {
                departments: department.map(DepartmentId).into_iter().collect(),
                tags,
                ..NewAccount::at(Address::try_from(format!("{name}@a.test").as_str()).unwrap())
            };
            directory.create_account(&new).await.unwrap();
        }
        Self { directory, tenant }
    }
    async fn seen_by(&self, name: &str) -> String {
        let address = Address::try_from(format!("{name}@a.test").as_str()).unwrap();
        let viewer = self.directory.account_at(&address).await.unwrap();
        let sight = self.directory.sight_of(&viewer).await.unwrap();
        let all = self.directory.accounts(self.tenant, None, 100).await.unwrap();
        let mut seen: Vec<String> = all
            .iter()
            .filter(|account| sight.sees(account))
            .map(|account| account.address.local.to_string())
            .collect();
        seen.sort();
        let query = MemberQuery {
            sight: Some(sight),
            ..MemberQuery::default()
        };
        let found = self
            .directory
            .find_members(self.tenant, &query, None, 100)
            .await
            .unwrap();
        let mut listed: Vec<String> = found
            .accounts
            .iter()
            .map(|account| account.address.local.to_string())
            .collect();
        listed.sort();
        assert_eq!(listed, seen, "lists and single looks agree");
        seen.join(" ")
    }
}

#[tokio::test]
async fn org_11_who_sees_whom() {
    let ground = Ground::new().await;
    let all = "board east intern none sales spy";
    assert_eq!(ground.seen_by("intern").await, all, "by itself everybody sees all");
    let rules = Visibility {
        hidden_departments: vec![DepartmentId(1)],
        hidden_tags: vec![TagId(1)],
        confined: vec![Confined {
            departments: vec![DepartmentId(4)],
            see: vec![DepartmentId(3)],
            ..Confined::default()
        }],
        ..Visibility::default()
    };
    let set = ground
        .directory
        .set_visibility(ground.tenant, &rules, None)
        .await
        .unwrap();
    assert_eq!(ground.seen_by("board").await, "board east intern none sales");
    assert_eq!(ground.seen_by("sales").await, "east intern none sales");
    assert_eq!(
        ground.seen_by("spy").await,
        "east intern none sales spy",
        "oneself is seen"
    );
    assert_eq!(ground.seen_by("intern").await, "east intern");
    let stale = ground
        .directory
        .set_visibility(ground.tenant, &rules, Some(Visibility::default().etag()))
        .await;
    assert!(matches!(stale, Err(Error::Changed { .. })));
    let open = Visibility::default();
    ground
        .directory
        .set_visibility(ground.tenant, &open, Some(set.etag()))
        .await
        .unwrap();
    assert_eq!(ground.seen_by("intern").await, all);
    let unknown = Visibility {
        hidden_departments: vec![DepartmentId(99)],
        ..Visibility::default()
    };
    assert!(
        ground
            .directory
            .set_visibility(ground.tenant, &unknown, None)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn org_12_nobody_is_found_by_what_is_not_shown() {
    let ground = Ground::new().await;
    let (directory, tenant) = (&ground.directory, ground.tenant);
    let zs = NewAccount {
        display_name: "张三".to_owned(),
        profile: Profile {
            nickname: "飞鱼".to_owned(),
            family_name: "Chang".to_owned(),
            given_name: "Tertius".to_owned(),
            employee_id: "E-4711".to_owned(),
            mobile: "+8613800001111".to_owned(),
            landline: "010-222".to_owned(),
            title: "Chief Auditor".to_owned(),
            private_address: "home@else.test".to_owned(),
            ..Profile::default()
        },
        ..NewAccount::at(Address::try_from("zs@a.test").unwrap())
    };
    let zs = directory.create_account(&zs).await.unwrap();
    let viewer = Address::try_from("none@a.test").unwrap();
    let viewer = directory.account_at(&viewer).await.unwrap();
    let found = async |text: &str, is_colleague: bool, as_sieve: bool| {
        let sight = directory.sight_of(&viewer).await.unwrap();
        let query = MemberQuery {
            sight: is_colleague.then_some(sight),
            text: if as_sieve { String::new() } else { text.to_owned() },
            sieve: as_sieve.then(|| Sieve::Any(vec![Sieve::Has(text.to_owned()), Sieve::Written(text.to_owned())])),
            ..MemberQuery::default()
        };
        let page = directory.find_members(tenant, &query, None, 9).await.unwrap();
        page.accounts.iter().any(|account| account.id == zs.id)
    };
    let name = ["张三", "zhangsan", "zs", "chang", "tertius"];
    let alias = ["飞鱼", "feiyu", "fy"];
    let title = ["auditor"];
    let phones = ["13800001111", "222", "010222"];
    let never = ["e-4711", "home@else"];
    let all: Vec<&str> = [&name[..], &alias, &title, &phones, &never[..1]].concat();
    let check = async |rules: Visibility, names: DisplayNames, expect: &[&str]| {
        directory.set_visibility(tenant, &rules, None).await.unwrap();
        let page = OrganisationPage {
            display_names: names,
            ..OrganisationPage::default()
        };
        directory.set_page(tenant, &page, None).await.unwrap();
        for text in all.iter().chain(&never[1..]) {
            // The address has the initials of the name.
            let is_expected = expect.contains(text) || *text == "zs";
            assert_eq!(
                found(text, true, false).await,
                is_expected,
                "{text}: {rules:?} {names:?}"
            );
            assert_eq!(
                found(text, true, true).await,
                is_expected,
                "{text}: {rules:?} {names:?}"
            );
        }
        for text in &all {
            assert!(found(text, false, false).await, "administrators find {text}");
        }
    };
    let closed = Visibility::default;
    check(closed(), DisplayNames::Name, &name).await;
    check(closed(), DisplayNames::Alias, &alias).await;
    check(closed(), DisplayNames::AliasName, &[&name[..], &alias].concat()).await;
    let titles = Visibility {
        show_title: true,
        ..closed()
    };
    check(titles, DisplayNames::Name, &[&name[..], &title].concat()).await;
    let phones_shown = Visibility {
        show_phones: true,
        ..closed()
    };
    check(phones_shown, DisplayNames::Alias, &[&alias[..], &phones].concat()).await;
    // Rules that hide some show no more of the others.
    let hiding = Visibility {
        hidden_departments: vec![DepartmentId(1)],
        show_title: true,
        ..closed()
    };
    check(hiding, DisplayNames::NameAlias, &[&name[..], &alias, &title].concat()).await;
}

/// Who is listed in these tests: local part, name and alias. Who has no name, and who has neither.
const LISTED: [(&str, &str, &str); 5] = [
    ("a", "张三", "飞鱼"),
    ("b", "Anna Berg", "Zora"),
    ("c", "Bob", ""),
    ("d", "", "Mia"),
    ("e", "", ""),
];
/// The rules, and what each lists them as.
const RULES: [(DisplayNames, &str); 4] = [
    (DisplayNames::Name, "b c e intern d a"),
    (DisplayNames::NameAlias, "b c e intern d a"),
    (DisplayNames::Alias, "c e a intern d b"),
    (DisplayNames::AliasName, "c e a intern d b"),
];
const INTERNS: DepartmentId = DepartmentId(4);

async fn add_listed(ground: &Ground, listed: &[(&str, &str, &str)]) {
    for (local, name, alias) in listed {
        let new = NewAccount {
            display_name: (*name).to_owned(),
            profile: Profile {
                nickname: (*alias).to_owned(),
                ..Profile::default()
            },
            departments: vec![INTERNS],
            ..NewAccount::at(Address::try_from(format!("{local}@a.test").as_str()).unwrap())
        };
        ground.directory.create_account(&new).await.unwrap();
    }
}

async fn show_names(ground: &Ground, names: DisplayNames) {
    let page = OrganisationPage {
        display_names: names,
        ..OrganisationPage::default()
    };
    ground.directory.set_page(ground.tenant, &page, None).await.unwrap();
}

/// Interns, as a colleague or an administrator looks for them.
async fn interns(directory: &Directory, is_colleague: bool) -> MemberQuery {
    let viewer = Address::try_from("none@a.test").unwrap();
    let viewer = directory.account_at(&viewer).await.unwrap();
    let sight = directory.sight_of(&viewer).await.unwrap();
    MemberQuery {
        department: Some(INTERNS),
        sight: is_colleague.then_some(sight),
        ..MemberQuery::default()
    }
}

/// Local parts of all pages, one after the other, and all that the pages said of where to go on.
async fn pages(directory: &Directory, tenant: TenantId, query: &MemberQuery, limit: usize) -> (String, String) {
    let (mut after, mut listed, mut told) = (None, Vec::new(), String::new());
    loop {
        let page = directory
            .find_members(tenant, query, after.as_ref(), limit)
            .await
            .unwrap();
        listed.extend(page.accounts.iter().map(|account| account.address.local.to_string()));
        after = page.next;
        if after.is_none() {
            return (listed.join(" "), told);
        }
        told.push_str(&format!("{after:?}"));
    }
}

#[tokio::test]
async fn org_8_members_lists_are_in_the_order_of_what_is_shown_and_tell_no_more() {
    let ground = Ground::new().await;
    let (directory, tenant) = (&ground.directory, ground.tenant);
    add_listed(&ground, &LISTED).await;
    for (names, expect) in RULES {
        show_names(&ground, names).await;
        let hidden: &[&str] = match names {
            DisplayNames::Name => &["fei", "飞鱼", "zora"],
            DisplayNames::Alias => &["zhang", "张三", "anna"],
            DisplayNames::NameAlias | DisplayNames::AliasName => &[],
        };
        for limit in 1..=6 {
            let (listed, told) = pages(directory, tenant, &interns(directory, true).await, limit).await;
            assert_eq!(listed, expect, "{names:?}, {limit} a page");
            for hidden in hidden {
                assert!(!told.to_lowercase().contains(hidden), "{names:?}: {told}");
            }
            let query = interns(directory, false).await;
            assert_eq!(
                pages(directory, tenant, &query, limit).await.0,
                "b c d e intern a",
                "administrators have the names, as ever"
            );
        }
    }
}

#[tokio::test]
async fn org_8_a_list_goes_on_where_it_was_or_says_that_its_order_is_another() {
    let ground = Ground::new().await;
    let (directory, tenant) = (&ground.directory, ground.tenant);
    add_listed(&ground, &LISTED).await;
    show_names(&ground, DisplayNames::Alias).await;
    let query = interns(directory, true).await;
    let first = directory.find_members(tenant, &query, None, 3).await.unwrap();
    let last = first.accounts.last().unwrap();
    assert_eq!(last.address.local.to_string(), "a");
    // Whoever was last goes, and another comes behind them.
    directory.delete_account(last.id).await.unwrap();
    add_listed(&ground, &[("f", "Aaron", "Florin")]).await;
    let rest = directory.find_members(tenant, &query, first.next.as_ref(), 9).await;
    let rest: Vec<String> = rest
        .unwrap()
        .accounts
        .iter()
        .map(|account| account.address.local.to_string())
        .collect();
    assert_eq!(rest, ["f", "intern", "d", "b"]);
    show_names(&ground, DisplayNames::Name).await;
    for is_colleague in [true, false] {
        let query = interns(directory, is_colleague).await;
        let rest = directory.find_members(tenant, &query, first.next.as_ref(), 9).await;
        assert!(matches!(rest, Err(Error::Invalid(_))), "{rest:?}");
    }
}

#[tokio::test]
async fn org_8_lists_that_followed_changes_are_as_those_that_are_read_anew() {
    let (env, _) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let anew = || Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    let ground = Ground::over(anew()).await;
    let (directory, tenant) = (&ground.directory, ground.tenant);
    add_listed(&ground, &LISTED).await;
    let check = async |count: usize| {
        for (names, _) in RULES {
            show_names(&ground, names).await;
            let query = interns(directory, true).await;
            let (followed, _) = pages(directory, tenant, &query, 40).await;
            let (read, _) = pages(&anew(), tenant, &query, 1_000).await;
            assert_eq!(followed, read, "{names:?}");
            assert_eq!(followed.split(' ').count(), count);
        }
    };
    check(6).await;
    // Few at a time are put where they belong, many are sorted.
    for (round, count) in [(0, 6), (1, 130)] {
        let new: Vec<NewAccount> = (0..count)
            .map(|n| NewAccount {
                display_name: if n % 3 == 0 {
                    String::new()
                } else {
                    format!("N{}", n * 7 % 5)
                },
                profile: Profile {
                    nickname: if n % 4 == 0 {
                        String::new()
                    } else {
                        format!("A{}", n * 5 % 7)
                    },
                    ..Profile::default()
                },
                departments: vec![INTERNS],
                ..NewAccount::at(Address::try_from(format!("m{round}x{n}@a.test").as_str()).unwrap())
            })
            .collect();
        let made = directory.create_accounts(&new).await.unwrap();
        check(6 + made.len()).await;
        for (n, account) in made.iter().enumerate() {
            let change = AccountChange {
                display_name: Field::Set(if n % 2 == 0 { format!("C{n}") } else { String::new() }),
                profile: Field::Set(Profile {
                    nickname: if n % 5 == 0 {
                        String::new()
                    } else {
                        format!("B{}", n % 3)
                    },
                    ..Profile::default()
                }),
                ..AccountChange::default()
            };
            directory.change_account(account.id, &change).await.unwrap();
        }
        check(6 + made.len()).await;
        for account in &made {
            directory.delete_account(account.id).await.unwrap();
        }
        check(6).await;
    }
}
