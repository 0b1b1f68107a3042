//! Links: what is kept of them, and who sees which.

use hongyan_directory::{DirectoryOptions, NewAccount, NewDepartment, NewTag, NewTenant};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;

fn link(name: &str) -> Link {
    Link {
        name: name.to_owned(),
        url: format!("https://{name}.test/"),
        ..Link::default()
    }
}

#[test]
fn golden_bytes() {
    let check = |link: Link, expect: &str| {
        let stored = encode(&link);
        let hex: String = stored.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(hex, expect);
        assert_eq!(decode(&stored), Ok(link));
    };
    let plain = Link {
        name: "A".to_owned(),
        url: "u".to_owned(),
        ..Link::default()
    };
    check(plain.clone(), "010001a2006141026175");
    let full = Link {
        name_zh_cn: "甲".to_owned(),
        icon: Some("i".to_owned()),
        departments: vec![DepartmentId(2)],
        tags: vec![TagId(3)],
        application: Some("p".to_owned()),
        login_url: Some("l".to_owned()),
        ..plain
    };
    check(
        full,
        "010001a80061410163e794b20261750361690481020581030661700761 6c"
            .replace(' ', "")
            .as_str(),
    );
}

#[test]
fn api_6_what_is_no_link_is_told() {
    let check = |change: fn(&mut Link), expect: &str| {
        let mut link = link("wiki");
        change(&mut link);
        match cleaned(&link) {
            Ok(_) => assert_eq!(expect, "", "{link:?}"),
            Err(error) => assert!(!expect.is_empty() && error.to_string().contains(expect), "{error}"),
        }
    };
    check(|_| {}, "");
    check(|link| link.name = " ".to_owned(), "name: one line");
    check(|link| link.name = "x".repeat(61), "name: one line");
    check(|link| link.name_zh_cn = "a\nb".to_owned(), "name: one line");
    for url in [
        "http://wiki.test/",
        "https://u:p@wiki.test/",
        "javascript:alert(1)",
        "https://a.test/\"",
        "",
    ] {
        let mut wrong = link("wiki");
        wrong.url = url.to_owned();
        assert!(cleaned(&wrong).is_err(), "{url}");
    }
    check(|link| link.icon = Some("data:x".to_owned()), "icon: a URL");
    check(|link| link.application = Some("portal".to_owned()), "named together");
    check(
        |link| link.login_url = Some("https://a.test/".to_owned()),
        "named together",
    );
    check(|link| link.departments = vec![DepartmentId(1); 51], "at most 50");
}

#[tokio::test]
async fn api_6_links_are_seen_by_those_whom_they_are_for() {
    let (env, _) = Env::manual(1);
    let options = DirectoryOptions {
        links_per_tenant_max: 4,
        ..DirectoryOptions::default()
    };
    let directory = hongyan_directory::Directory::new(Database::new(MemoryStore::default()), env, options);
    let acme = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("a.test").unwrap();
    directory.create_domain(acme, &domain).await.unwrap();
    let department = async |name: &str, parent| {
        let new = NewDepartment {
            name: name.to_owned(),
            parent,
            rank: 0,
        };
        directory.create_department(acme, &new).await.unwrap().id
    };
    let sales = department("Sales", DepartmentId::ROOT).await;
    let east = department("East", sales).await;
    let tech = department("Tech", DepartmentId::ROOT).await;
    let tag = NewTag {
        name: "Drivers".to_owned(),
        departments: vec![tech],
    };
    let drivers = directory.create_tag(acme, &tag).await.unwrap().id;
    let member = async |local: &str, departments: Vec<DepartmentId>, tags: Vec<TagId>| {
        let address = Address::try_from(format!("{local}@a.test").as_str()).unwrap();
        let new = NewAccount {
            departments,
            tags,
            ..NewAccount::at(address)
        };
        directory.create_account(&new).await.unwrap()
    };
    let profiles = Profiles::new(&directory);
    let all = [
        link("wiki"),
        Link {
            departments: vec![sales],
            ..link("crm")
        },
        Link {
            tags: vec![drivers],
            ..link("cars")
        },
    ];
    let set = profiles.set_links(acme, &all, None).await.unwrap();
    assert_eq!(profiles.links(acme).await.unwrap(), set);
    for (local, departments, tags, expect) in [
        ("none", vec![], vec![], "wiki"),
        ("east", vec![east], vec![], "wiki crm"),
        ("tech", vec![tech], vec![], "wiki cars"),
        ("both", vec![sales], vec![drivers], "wiki crm cars"),
    ] {
        let account = member(local, departments, tags).await;
        let seen = profiles.links_of(&account).await.unwrap();
        let names: Vec<&str> = seen.iter().map(|link| link.name.as_str()).collect();
        assert_eq!(names.join(" "), expect, "{local}");
    }
    // The order is theirs; whoever has looked at an earlier list changes nothing; there are not too many.
    let etag = etag_of_links(&set);
    let turned: Vec<Link> = set.iter().rev().cloned().collect();
    profiles.set_links(acme, &turned, Some(etag)).await.unwrap();
    assert_eq!(profiles.links(acme).await.unwrap(), turned);
    let late = profiles.set_links(acme, &[], Some(etag)).await;
    assert!(
        matches!(late, Err(ProfileError::Directory(Error::Changed { .. }))),
        "{late:?}"
    );
    let many: Vec<Link> = (0..5).map(|n| link(&format!("x{n}"))).collect();
    let many = profiles.set_links(acme, &many, None).await;
    let is_limit = matches!(
        many,
        Err(ProfileError::Directory(Error::Limit {
            setting: "links_per_tenant_max",
            max: 4,
            used: 5
        }))
    );
    assert!(is_limit, "{many:?}");
    let nowhere = Link {
        departments: vec![DepartmentId(99)],
        ..link("x")
    };
    let missing = profiles.set_links(acme, &[nowhere], None).await;
    assert!(
        matches!(missing, Err(ProfileError::Directory(Error::NotFound { .. }))),
        "{missing:?}"
    );
    profiles.set_links(acme, &[], None).await.unwrap();
    assert_eq!(profiles.links(acme).await.unwrap(), []);
}
