//! How the page to sign in looks.

use hongyan_directory::{DirectoryOptions, NewTenant};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;

use super::*;

fn page(title: &str) -> SignInPage {
    SignInPage {
        title: title.to_owned(),
        ..SignInPage::default()
    }
}

#[test]
fn golden_bytes() {
    let full = SignInPage {
        title: "A".to_owned(),
        title_zh_cn: "甲".to_owned(),
        colour: Some("#0a5c36".to_owned()),
        layout: SignInLayout::Right,
    };
    let stored = encode(&full);
    let hex: String = stored.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(hex, "010001a40061410163e794b2026723306135633336 0302".replace(' ', ""));
    assert_eq!(decode(&stored), Ok(full));
    assert_eq!(decode(&encode(&SignInPage::default())), Ok(SignInPage::default()));
}

#[test]
fn lgn_4_a_look_is_texts_and_a_colour() {
    let check = |page: SignInPage, expect: bool| assert_eq!(cleaned(&page).is_ok(), expect, "{page:?}");
    check(page("Acme"), true);
    check(page(&"x".repeat(61)), false);
    check(page("a\nb"), false);
    for (colour, expect) in [
        ("#0A5C36", true),
        ("red", false),
        ("#fff", false),
        ("#12345g", false),
        ("#1234567", false),
    ] {
        let coloured = SignInPage {
            colour: Some(colour.to_owned()),
            ..SignInPage::default()
        };
        check(coloured, expect);
    }
}

#[tokio::test]
async fn lgn_2_one_look_for_all_domains_or_one_of_its_own() {
    let (env, _) = Env::manual(1);
    let directory = Directory::new(Database::new(MemoryStore::default()), env, DirectoryOptions::default());
    let acme = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let other = directory.create_tenant(&NewTenant::named("Other")).await.unwrap().id;
    let [a, b, o] = ["a.test", "b.test", "o.test"].map(|name| Domain::try_from(name).unwrap());
    for (tenant, domain) in [(acme, &a), (acme, &b), (other, &o)] {
        directory.create_domain(tenant, domain).await.unwrap();
    }
    let profiles = Profiles::new(&directory);
    assert_eq!(profiles.shown_sign_in_page(&a).await.unwrap(), None);
    let early = profiles
        .set_sign_in_picture(acme, None, SignInPicture::Logo, Some(b"x"))
        .await;
    assert!(matches!(early, Err(ProfileError::NotFound(_))), "{early:?}");
    profiles.set_sign_in_page(acme, None, &page("All")).await.unwrap();
    profiles.set_sign_in_page(acme, Some(&b), &page("Bee")).await.unwrap();
    let foreign = profiles.set_sign_in_page(acme, Some(&o), &page("No")).await;
    assert!(matches!(foreign, Err(ProfileError::NotFound(_))), "{foreign:?}");
    profiles
        .set_sign_in_picture(acme, Some(&b), SignInPicture::Background, Some(b"jpeg"))
        .await
        .unwrap();
    let shown = async |domain| profiles.shown_sign_in_page(domain).await.unwrap();
    let title = async |domain| shown(domain).await.map(|shown| shown.page.title);
    assert_eq!(title(&a).await.as_deref(), Some("All"));
    assert_eq!(title(&b).await.as_deref(), Some("Bee"));
    assert_eq!(title(&o).await, None);
    let bee = shown(&b).await.unwrap();
    assert_eq!((bee.has_logo, bee.has_picture), (false, true));
    let file = profiles.sign_in_picture(&bee, SignInPicture::Background).await.unwrap();
    assert_eq!(file, b"jpeg");
    profiles.remove_sign_in_page(acme, Some(&b)).await.unwrap();
    assert_eq!(title(&b).await.as_deref(), Some("All"));
}
