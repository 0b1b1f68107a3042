//! A directory over the memory store, through a real port.

use std::collections::BTreeSet;
use std::time::Duration;

use hongyan_access::{NewAppPassword, Protocol, SessionFilter};
use hongyan_directory::{
    AccountChange, AccountState, DepartmentId, DisplayNames, Field, NewAccount, NewDepartment, NewGroup,
    OrganisationPage, Profile, SignInPolicy, Visibility,
};
use hongyan_env::Stream;
use hongyan_ldap_wire::client::{self, Entry, Operation, Response, SearchRequest};
use hongyan_ldap_wire::{Filter, frame};
use hongyan_listener::{Listener, TlsMode};
use hongyan_miniature::{Miniature, Options, PASSWORD, USER};
use hongyan_session_ldap::{LdapServerSettings, LdapService, Parts};
use hongyan_types::{AccountId, Address};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const BASE: &str = "dc=example,dc=test";

struct Node {
    miniature: Miniature,
    listener: Listener,
}

impl std::ops::Deref for Node {
    type Target = Miniature;
    fn deref(&self) -> &Miniature {
        &self.miniature
    }
}

impl Node {
    async fn start(settings: LdapServerSettings, tls: TlsMode) -> Self {
        let miniature = Miniature::start(&Options::default()).await;
        let parts = Parts {
            env: miniature.env.clone(),
            directory: miniature.directory.clone(),
            access: miniature.access.clone(),
            settings,
        };
        let listener = miniature.listen(LdapService::new(parts), tls).await;
        Self { miniature, listener }
    }

    async fn add(&self, local: &str, name: &str, departments: &[DepartmentId], profile: Profile) -> AccountId {
        let address = Address::try_from(format!("{local}@example.test")).unwrap();
        let new = NewAccount {
            display_name: name.to_owned(),
            departments: departments.to_vec(),
            profile,
            ..NewAccount::at(address)
        };
        self.directory.create_account(&new).await.unwrap().id
    }

    async fn department(&self, name: &str) -> DepartmentId {
        let new = NewDepartment {
            name: name.to_owned(),
            parent: DepartmentId::ROOT,
            rank: 0,
        };
        let made = self.directory.create_department(self.mailbox.tenant, &new).await;
        made.unwrap().id
    }

    async fn show(&self, rules: &Visibility) {
        let set = self.directory.set_visibility(self.mailbox.tenant, rules, None);
        set.await.unwrap();
    }

    async fn connect(&self) -> Ldap {
        Ldap {
            stream: self.env.connect(self.listener.local_address()).await.unwrap(),
            received: Vec::new(),
            last_id: 0,
        }
    }

    async fn login(&self) -> Ldap {
        let mut ldap = self.connect().await;
        assert_eq!(ldap.bind(USER, PASSWORD).await, 0);
        ldap
    }

    async fn stop(self) {
        drop(self.listener);
        self.miniature.stop().await;
    }
}

/// A client that asks one thing after another.
struct Ldap {
    stream: Stream,
    received: Vec<u8>,
    last_id: u32,
}

/// What a search gave: the entries, the code, and where the next page begins.
struct Page {
    entries: Vec<Entry>,
    code: u32,
    cookie: Vec<u8>,
}

impl Page {
    /// Local parts of who was found, in order of the alphabet.
    fn people(&self) -> String {
        let people = self.entries.iter().filter_map(|entry| entry.name.strip_prefix("uid="));
        let mut people: Vec<_> = people.filter_map(|name| name.split(',').next()).collect();
        people.sort_unstable();
        people.join(" ")
    }
}

impl Ldap {
    async fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
    }
    /// The next answer; none at the end.
    async fn receive(&mut self) -> Option<Response> {
        loop {
            if let Some(whole) = frame(&self.received).unwrap()
                && whole <= self.received.len()
            {
                let message: Vec<u8> = self.received.drain(..whole).collect();
                return Some(Response::read(&message).unwrap());
            }
            let mut octets = [0; 4096];
            match self.stream.read(&mut octets).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.received.extend_from_slice(&octets[..count]),
            }
        }
    }
    async fn outcome(&mut self) -> (u32, u32, String) {
        let response = self.receive().await.unwrap();
        match response.operation {
            Operation::Bound(outcome) | Operation::Searched(outcome) | Operation::Extended(outcome) => {
                (response.id, outcome.code.0, outcome.text)
            }
            other => panic!("{other:?}"),
        }
    }
    async fn bind(&mut self, name: &str, password: &str) -> u32 {
        self.last_id += 1;
        self.send(&client::bind(self.last_id, name, password)).await;
        self.outcome().await.1
    }
    async fn page(&mut self, base: &str, filter: &str, size: u32, cookie: &[u8]) -> Page {
        self.last_id += 1;
        let filter = Filter::read(filter).unwrap();
        let request = SearchRequest {
            base,
            filter: &filter,
            attributes: &[],
            page: size,
            cookie,
            within_secs: 0,
        };
        self.send(&client::search(self.last_id, &request)).await;
        let mut entries = Vec::new();
        loop {
            let response = self.receive().await.unwrap();
            match response.operation {
                Operation::Entry(entry) => entries.push(entry),
                Operation::Searched(outcome) => {
                    return Page {
                        entries,
                        code: outcome.code.0,
                        cookie: response.cookie,
                    };
                }
                other => panic!("{other:?}"),
            }
        }
    }
    async fn find(&mut self, filter: &str) -> Page {
        let page = self.page(BASE, filter, 100, b"").await;
        assert_eq!(page.code, 0, "{filter}");
        assert_eq!(page.cookie, b"");
        page
    }
}

fn open() -> LdapServerSettings {
    LdapServerSettings {
        clear_passwords_on_loopback: true,
        ..LdapServerSettings::default()
    }
}

fn on_node(test: impl AsyncFnOnce(&Node)) {
    hongyan_actor::run(0, async {
        let node = Node::start(open(), TlsMode::Never).await;
        test(&node).await;
        node.stop().await;
    });
}

#[test]
fn acc_20_colleagues_are_found_by_name_address_pinyin_and_initials() {
    on_node(async |node| {
        node.add("zs", "张三", &[], Profile::default()).await;
        let known = Profile {
            nickname: "Bobby".to_owned(),
            family_name: "O'Hara".to_owned(),
            given_name: "Robert".to_owned(),
            ..Profile::default()
        };
        node.add("ben", "Ben Lee", &[], known).await;
        let mut ldap = node.login().await;
        let mut check = async |filter: &str, expect: &str| {
            assert_eq!(ldap.find(filter).await.people(), expect, "{filter}");
        };
        let thunderbird = |text: &str| format!("(|(mail=*{text}*)(cn=*{text}*)(givenName=*{text}*)(sn=*{text}*))");
        check(&thunderbird("zhangs"), "zs").await;
        check(&thunderbird("张"), "zs").await;
        check(&thunderbird("ZS"), "zs").await;
        check(&thunderbird("LEE"), "ben").await;
        check(&thunderbird("robert"), "ben").await;
        check(&thunderbird("hara"), "ben").await;
        check(&thunderbird("@example"), "anna ben zs").await;
        check(&thunderbird("nobody"), "").await;
        check("(&(mail=*)(|(mail=be*)(cn=be*)(sn=be*)))", "ben").await;
        check("(cn=ben  lee)", "ben").await;
        check("(cn=ben)", "").await;
        check("(displayName~=lee)", "ben").await;
        check("(uid=ben)", "ben").await;
        check("(&(objectClass=inetOrgPerson)(!(cn=ben*)))", "anna zs").await;
        check("(objectClass=group)", "").await;
        check("(unknown=ben)", "").await;
        check("(!(unknown=ben))", "").await;
        check("(cn>=a)", "").await;
        let page = ldap.find("(uid=ben)").await;
        let ben = &page.entries[0];
        assert_eq!(ben.name, "uid=ben,ou=people,dc=example,dc=test");
        let texts = |name: &str| {
            let values = ben.attributes.get(name).into_iter().flatten();
            let values = values.map(|value| String::from_utf8(value.clone()).unwrap());
            values.collect::<Vec<_>>().join("|")
        };
        assert_eq!(texts("objectclass"), "top|person|organizationalPerson|inetOrgPerson");
        assert_eq!(
            (texts("sn"), texts("givenname")),
            ("O'Hara".to_owned(), "Robert".to_owned())
        );
        assert_eq!(texts("mail"), "ben@example.test");
    });
}

#[test]
fn org_11_and_12_what_is_hidden_is_found_by_nobody() {
    on_node(async |node| {
        let (board, sales) = (node.department("Board").await, node.department("Sales").await);
        let profile = |title: &str| Profile {
            title: title.to_owned(),
            mobile: String::new(),
            landline: "010-1234 5678".to_owned(),
            ..Profile::default()
        };
        node.add("chair", "Chair", &[board], profile("Chairman")).await;
        node.add("seller", "Seller", &[sales], profile("Agent")).await;
        let mut ldap = node.login().await;
        assert_eq!(ldap.find("(cn=*)").await.people(), "anna chair seller");
        for hidden in ["(title=Agent)", "(ou=Sales)", "(telephoneNumber=*)", "(department=*)"] {
            assert_eq!(ldap.find(hidden).await.people(), "", "{hidden}");
        }
        // What is not shown is not there, whatever it is.
        assert_eq!(ldap.find("(!(title=Agent))").await.people(), "anna chair seller");
        let rules = Visibility {
            hidden_departments: vec![board],
            show_department: true,
            show_title: true,
            show_phones: true,
            ..Visibility::default()
        };
        node.show(&rules).await;
        for filter in [
            "(title=AGENT)",
            "(ou=sal*)",
            "(telephoneNumber=01012345678)",
            "(telephoneNumber=*3456*)",
            "(department=Sales)",
        ] {
            assert_eq!(ldap.find(filter).await.people(), "seller", "{filter}");
        }
        assert_eq!(ldap.find("(cn=*)").await.people(), "anna seller");
        assert_eq!(ldap.find("(ou=Board)").await.people(), "");
        let page = ldap
            .page("uid=chair,ou=people,dc=example,dc=test", "(cn=*)", 9, b"")
            .await;
        assert_eq!(page.code, 32, "no sign of who is not seen");
    });
}

#[test]
fn org_8_and_12_names_are_found_as_they_are_shown() {
    on_node(async |node| {
        let profile = Profile {
            nickname: "Finn".to_owned(),
            family_name: "Berg".to_owned(),
            given_name: "Ulrich".to_owned(),
            employee_id: "E4711".to_owned(),
            title: "Agent".to_owned(),
            ..Profile::default()
        };
        node.add("seller", "Ulrich Berg", &[], profile).await;
        let mut ldap = node.login().await;
        let name = ["(cn=ulrich*)", "(sn=Berg)", "(givenName=Ulrich)"];
        let alias = ["(cn=Finn)", "(displayName=fin*)", "(sn=Finn)"];
        let never = [
            "(employeeNumber=E4711)",
            "(cn=*E4711*)",
            "(title=Agent)",
            "(mail=*Agent*)",
        ];
        for (names, found) in [(DisplayNames::Name, name), (DisplayNames::Alias, alias)] {
            let page = OrganisationPage {
                display_names: names,
                ..OrganisationPage::default()
            };
            node.directory.set_page(node.mailbox.tenant, &page, None).await.unwrap();
            for filter in name.iter().chain(&alias).chain(&never) {
                let expect = if found.contains(filter) { "seller" } else { "" };
                assert_eq!(ldap.find(filter).await.people(), expect, "{filter}: {names:?}");
            }
        }
    });
}

#[test]
fn org_8_pages_are_in_the_order_of_what_is_shown_and_their_cookies_tell_no_more() {
    on_node(async |node| {
        for (local, name, alias) in [
            ("p1", "Ulrich", "Quentin"),
            ("p2", "Viola", "Olga"),
            ("p3", "Wanda", "Pia"),
            ("p4", "Xaver", "Rosa"),
        ] {
            let profile = Profile {
                nickname: alias.to_owned(),
                ..Profile::default()
            };
            node.add(local, name, &[], profile).await;
        }
        let show = async |names| {
            let page = OrganisationPage {
                display_names: names,
                ..OrganisationPage::default()
            };
            node.directory.set_page(node.mailbox.tenant, &page, None).await.unwrap();
        };
        let (names, aliases) = (
            ["ulrich", "viola", "wanda", "xaver"],
            ["quentin", "olga", "pia", "rosa"],
        );
        let (by_name, by_alias) = (["p1", "p2", "p3", "p4"], ["p2", "p3", "p1", "p4"]);
        let nothing: &[&str] = &[];
        let filter = "(mail=p*)";
        for (rule, expect, hidden) in [
            (DisplayNames::Name, by_name, &aliases[..]),
            (DisplayNames::Alias, by_alias, &names),
            (DisplayNames::NameAlias, by_name, nothing),
            (DisplayNames::AliasName, by_alias, nothing),
        ] {
            show(rule).await;
            for size in 1..=3 {
                let (mut cookie, mut found) = (Vec::new(), Vec::new());
                loop {
                    // Each page over a connection of its own: nothing is kept between them.
                    let page = node.login().await.page(BASE, filter, size, &cookie).await;
                    assert_eq!(page.code, 0);
                    let people = page
                        .entries
                        .iter()
                        .map(|entry| entry.name.get(4..6).unwrap().to_owned());
                    found.extend(people);
                    cookie = page.cookie;
                    let told = String::from_utf8_lossy(&cookie).to_lowercase();
                    assert!(hidden.iter().all(|hidden| !told.contains(hidden)), "{rule:?}: {told}");
                    if cookie.is_empty() {
                        break;
                    }
                }
                assert_eq!(found, expect, "{rule:?}, {size} a page");
            }
        }
        // Of another order, or of a release before.
        let mut ldap = node.login().await;
        let of_aliases = ldap.page(BASE, filter, 1, b"").await.cookie;
        assert_eq!(ldap.page(BASE, filter, 1, &of_aliases).await.code, 0);
        show(DisplayNames::Name).await;
        let of_before = [&of_aliases[..16], b"viola"].concat();
        for cookie in [of_aliases, of_before] {
            let page = ldap.page(BASE, filter, 1, &cookie).await;
            assert_eq!((page.code, page.entries.len()), (53, 0), "{cookie:?}");
        }
    });
}

#[test]
fn acc_20_the_tree_and_what_is_not_in_it() {
    on_node(async |node| {
        let mut ldap = node.login().await;
        let check = async |ldap: &mut Ldap, base: &str, code: u32, count: usize| {
            let page = ldap.page(base, "(objectClass=*)", 9, b"").await;
            assert_eq!((page.code, page.entries.len()), (code, count), "{base}");
        };
        check(&mut ldap, BASE, 0, 4).await;
        check(&mut ldap, "", 0, 4).await;
        check(&mut ldap, "OU=People, DC=Example,DC=test", 0, 2).await;
        check(&mut ldap, "uid=anna,ou=people,dc=example,dc=test", 0, 1).await;
        check(&mut ldap, "uid=nobody,ou=people,dc=example,dc=test", 32, 0).await;
        check(&mut ldap, "dc=other,dc=test", 32, 0).await;
        check(&mut ldap, "no name", 34, 0).await;
        assert_eq!(ldap.page(BASE, "(cn=*)", 9, b"wrong").await.code, 53);
    });
}

#[test]
fn acc_20_grp_9_groups_are_found_without_their_members() {
    on_node(async |node| {
        let team = Address::try_from("team@example.test").unwrap();
        let new = NewGroup {
            display_name: "开发组".to_owned(),
            ..NewGroup::at(team.clone())
        };
        node.directory.create_group(&new).await.unwrap();
        node.directory
            .add_member(&team, &Address::try_from(USER).unwrap())
            .await
            .unwrap();
        let mut ldap = node.login().await;
        for filter in [
            "(mail=team@*)",
            "(cn=*发组)",
            "(&(objectClass=group)(cn=kaifazu))",
            "(uid=TEAM)",
        ] {
            let page = ldap.find(filter).await;
            assert_eq!(page.people(), "team", "{filter}");
            let told = &page.entries[0].attributes;
            assert!(!told.contains_key("member"), "{told:?}");
        }
        assert_eq!(ldap.find("(objectClass=person)").await.people(), "anna");
        let group = "uid=team,ou=groups,dc=example,dc=test";
        for (base, code, found) in [
            (group, 0, "team"),
            ("ou=groups,dc=example,dc=test", 0, "team"),
            ("ou=people,dc=example,dc=test", 0, "anna"),
            ("uid=none,ou=groups,dc=example,dc=test", 32, ""),
            ("uid=anna,ou=groups,dc=example,dc=test", 32, ""),
            ("uid=team,ou=people,dc=example,dc=test", 32, ""),
        ] {
            let page = ldap.page(base, "(mail=*)", 9, b"").await;
            assert_eq!((page.code, page.people().as_str()), (code, found), "{base}");
        }
        // Page by page, over the border between groups and people.
        let (mut cookie, mut found) = (Vec::new(), Vec::new());
        loop {
            let page = ldap.page(BASE, "(mail=*)", 1, &cookie).await;
            found.push(page.people());
            cookie = page.cookie;
            if cookie.is_empty() {
                break;
            }
        }
        found.retain(|name| !name.is_empty());
        assert_eq!(found, ["team", "anna"]);
    });
}

#[test]
fn rfc_2696_pages_have_everybody_once() {
    on_node(async |node| {
        for number in 0..11 {
            node.add(
                &format!("p{number}"),
                &format!("Person {number}"),
                &[],
                Profile::default(),
            )
            .await;
        }
        for size in [1, 2, 5, 14, 15, 100] {
            // Each page over a connection of its own: nothing is kept between them.
            let (mut cookie, mut names, mut pages) = (Vec::new(), Vec::new(), 0);
            loop {
                let page = node.login().await.page(BASE, "(objectClass=*)", size, &cookie).await;
                assert_eq!(page.code, 0);
                assert!(page.entries.len() <= usize::try_from(size).unwrap());
                names.extend(page.entries.into_iter().map(|entry| entry.name));
                (cookie, pages) = (page.cookie, pages + 1);
                if cookie.is_empty() {
                    break;
                }
            }
            let once: BTreeSet<_> = names.iter().collect();
            assert_eq!(
                (names.len(), once.len()),
                (15, 15),
                "domain, people, groups, anna and 11, {size} a page"
            );
            assert!(pages <= 15 / size + 1, "{pages} pages of {size}");
        }
    });
}

#[test]
fn acc_19_app_passwords_and_names_of_all_forms() {
    on_node(async |node| {
        let account = node.mailbox.account;
        let app = async |protocol: Protocol| {
            let new = NewAppPassword {
                name: "Reader".to_owned(),
                protocols: BTreeSet::from([protocol]),
                read_only: false,
                days: None,
            };
            let made = node.access.add_app_password(&node.directory, account, &new).await;
            made.unwrap().password.reveal().to_owned()
        };
        let (ldap_only, imap_only) = (app(Protocol::Ldap).await, app(Protocol::Imap).await);
        let set = node.access.set_secure_login(&node.directory, account, true);
        set.await.unwrap();
        let mut ldap = node.connect().await;
        assert_eq!(ldap.bind(USER, PASSWORD).await, 49, "AUTH-24");
        assert_eq!(ldap.bind(USER, &imap_only).await, 49, "AUTH-21");
        for name in [
            USER,
            "mail=anna@example.test",
            "uid=anna,ou=people,dc=example,dc=test",
            "uid=anna@example.test,ou=people,dc=example,dc=test",
        ] {
            assert_eq!(ldap.bind(name, &ldap_only).await, 0, "{name}");
        }
        assert_eq!(ldap.find("(uid=anna)").await.people(), "anna");
        assert_eq!(ldap.bind("cn=anna", &ldap_only).await, 34);
        // RFC 4511 §4.2.1: a bind that fails leaves nobody signed in.
        assert_eq!(ldap.page(BASE, "(uid=anna)", 9, b"").await.code, 8);
    });
}

#[test]
fn lgn_1_ldap_that_is_closed_to_all_says_so() {
    on_node(async |node| {
        let policy = SignInPolicy {
            closed: BTreeSet::from([Protocol::Ldap]),
            ..SignInPolicy::default()
        };
        let set = node.directory.set_sign_in_policy(node.mailbox.tenant, &policy, None);
        set.await.unwrap();
        let mut ldap = node.connect().await;
        ldap.send(&client::bind(1, USER, PASSWORD)).await;
        let (_, code, text) = ldap.outcome().await;
        assert_eq!(code, 53);
        assert!(text.contains("LDAP is switched off"), "{text}");
    });
}

#[test]
fn passwords_are_not_taken_without_tls() {
    hongyan_actor::run(0, async {
        let node = Node::start(LdapServerSettings::default(), TlsMode::Never).await;
        let mut ldap = node.connect().await;
        assert_eq!(ldap.bind(USER, PASSWORD).await, 13);
        assert_eq!(ldap.bind("", "").await, 0);
        assert_eq!(ldap.page(BASE, "(cn=*)", 9, b"").await.code, 8);
        let sessions = node.access.sessions(SessionFilter::All, None, 9);
        assert!(sessions.is_empty());
        node.stop().await;
    });
}

#[test]
fn auth_a_suspension_ends_the_session_with_a_notice() {
    on_node(async |node| {
        let mut ldap = node.login().await;
        let sessions = node.access.sessions(SessionFilter::All, None, 9);
        assert_eq!(sessions.len(), 1);
        assert_eq!(sessions[0].protocol, Protocol::Ldap);
        let change = AccountChange {
            state: Field::Set(AccountState::Suspended),
            ..AccountChange::default()
        };
        let account = node.mailbox.account;
        node.directory.change_account(account, &change).await.unwrap();
        assert_eq!(node.access.account_changed(account).await.unwrap(), 1);
        let notice = (0, 8, "The account is suspended".to_owned());
        assert_eq!(ldap.outcome().await, notice);
        assert!(ldap.receive().await.is_none(), "the connection is closed");
        for _ in 0..500 {
            if node.access.sessions(SessionFilter::All, None, 1).is_empty() {
                return;
            }
            node.env.sleep(Duration::from_millis(20)).await;
        }
        panic!("a revoked session stays");
    });
}

#[test]
fn entries_of_an_answer_are_limited() {
    hongyan_actor::run(0, async {
        let settings = LdapServerSettings {
            entries_max: 3,
            ..open()
        };
        let node = Node::start(settings, TlsMode::Never).await;
        for number in 0..5 {
            node.add(&format!("p{number}"), "Person", &[], Profile::default()).await;
        }
        let mut ldap = node.login().await;
        let page = ldap.page(BASE, "(cn=person)", 100, b"").await;
        assert_eq!((page.code, page.entries.len(), page.cookie.is_empty()), (0, 3, false));
        let rest = ldap.page(BASE, "(cn=person)", 100, &page.cookie).await;
        assert_eq!((rest.code, rest.entries.len(), rest.cookie.is_empty()), (0, 2, true));
        node.stop().await;
    });
}
