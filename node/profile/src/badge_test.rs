//! Badges: who finds them, and what they show.

use hongyan_directory::{
    AccountChange, AccountState, Directory, DirectoryOptions, Field, NewAccount, NewTenant, TenantChange,
};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain};

use super::*;

const ENGLISH: BadgeLook = BadgeLook {
    language: Language::English,
    shows_name: false,
};

#[test]
fn golden_bytes() {
    let check = |kept: Kept, expect: &str| {
        let stored = encode(&kept);
        let hex: String = stored.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(hex, expect);
        assert_eq!(decode(&stored), Ok(kept));
    };
    let secret = [7; SECRET_OCTETS];
    let plain = Kept { look: ENGLISH, secret };
    check(plain, &format!("010001a10050{}", "07".repeat(16)));
    let look = BadgeLook {
        language: Language::Chinese,
        shows_name: true,
    };
    let full = Kept { look, secret };
    check(full, &format!("010001a30050{}010102f5", "07".repeat(16)));
}

#[test]
fn set_7_what_a_badge_says_is_text_and_fits() {
    let check = |language, shows_name, name: &str, expect: &str| {
        assert_eq!(text(BadgeLook { language, shows_name }, name), expect);
    };
    check(Language::English, false, "Anna", "Mail me");
    check(Language::English, true, "Anna Li", "Mail Anna Li");
    check(Language::English, true, "", "Mail me");
    check(Language::Chinese, false, "安娜", "给我写信");
    check(Language::Chinese, true, "安娜", "给安娜写信");
    let long = format!("Mail {}…", "x".repeat(40));
    check(Language::English, true, &"x".repeat(41), &long);
    let hostile = Badge {
        look: ENGLISH,
        name: String::new(),
        text: "Mail \"></text><script>alert(1)</script>&\u{1}".to_owned(),
    };
    let svg = hostile.svg();
    assert!(!svg.contains("<script") && !svg.contains('\u{1}'), "{svg}");
    assert!(svg.contains("&quot;&gt;&lt;/text&gt;&lt;script&gt;"), "{svg}");
    let wide = |text: &str| Badge {
        text: text.to_owned(),
        ..hostile.clone()
    };
    assert!(wide("ab").svg().contains("width=\"72\" height=\"32\""));
    assert!(wide("写信").svg().contains("width=\"86\" height=\"32\""));
}

#[tokio::test]
async fn set_7_only_a_badge_that_is_switched_on_is_found() {
    let (env, _) = Env::manual(1);
    let directory = Directory::new(Database::new(MemoryStore::default()), env, DirectoryOptions::default());
    let acme = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("a.test").unwrap();
    directory.create_domain(acme, &domain).await.unwrap();
    let make = async |local: &str| {
        let address = Address::try_from(format!("{local}@a.test").as_str()).unwrap();
        let new = NewAccount {
            display_name: local.to_owned(),
            ..NewAccount::at(address)
        };
        directory.create_account(&new).await.unwrap()
    };
    let (anna, ben) = (make("anna").await, make("ben").await);
    let profiles = Profiles::new(&directory);
    let missing = profiles.badge(&anna).await;
    assert!(matches!(missing, Err(ProfileError::NotFound("badge"))), "{missing:?}");
    let on = profiles.set_badge(&anna, ENGLISH).await.unwrap();
    let found = async |name: &str| profiles.badge_named(name).await.unwrap();
    assert_eq!(found(&on.name).await, Some(on.clone()));
    // Another look, the same name; what colleagues see of the name is what it says.
    let named = BadgeLook {
        shows_name: true,
        ..ENGLISH
    };
    let changed = profiles.set_badge(&anna, named).await.unwrap();
    assert_eq!((&changed.name, changed.text.as_str()), (&on.name, "Mail anna"));
    assert_eq!(found(&on.name).await, Some(changed));
    // Nobody is found by their number.
    let guess = |account: AccountId| format!("{:016x}{}", account.0, &on.name[16..]);
    let other = format!("{}{}", &on.name[..47], if on.name.ends_with('0') { '1' } else { '0' });
    for name in [
        "",
        "x",
        &guess(ben.id),
        &guess(AccountId(999)),
        &other,
        &on.name[..47],
        &"é".repeat(24),
    ] {
        assert_eq!(found(name).await, None, "{name}");
    }
    assert_eq!(found(&on.name.to_ascii_uppercase()).await, None);
    // Who gets no mail has none.
    let set = async |state| {
        let change = AccountChange {
            state: Field::Set(state),
            ..AccountChange::default()
        };
        directory.change_account(anna.id, &change).await.unwrap();
    };
    set(AccountState::Disabled).await;
    assert_eq!(found(&on.name).await, None);
    set(AccountState::Active).await;
    let suspended = async |state| {
        let change = TenantChange {
            state: Field::Set(state),
            ..TenantChange::default()
        };
        directory.change_tenant(acme, &change).await.unwrap();
    };
    suspended(TenantState::Suspended).await;
    assert_eq!(found(&on.name).await, None);
    suspended(TenantState::Active).await;
    assert!(found(&on.name).await.is_some());
    // Off, and on again: what was known is of no use any more.
    profiles.remove_badge(&anna).await.unwrap();
    assert_eq!(found(&on.name).await, None);
    let again = profiles.set_badge(&anna, ENGLISH).await.unwrap();
    assert_ne!(again.name, on.name);
    assert_eq!(found(&on.name).await, None);
    profiles.remove_badge(&anna).await.unwrap();
    profiles.remove_badge(&anna).await.unwrap();
}
