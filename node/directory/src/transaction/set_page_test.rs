use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{AccountId, Address, Domain, TenantId, Timestamp};

use crate::{
    AccountChange, AccountRecord, Directory, DirectoryOptions, DisplayNames, Error, Field, NewAccount, NewTenant,
    OrganisationPage, Profile, Welcome,
};

async fn directory() -> (Directory, TenantId) {
    let (env, _) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database, env, DirectoryOptions::default());
    let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
    let domain = Domain::try_from("example.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    (directory, tenant)
}

async fn member(directory: &Directory, local: &str) -> AccountId {
    let address = Address::try_from(format!("{local}@example.test").as_str()).unwrap();
    directory.create_account(&NewAccount::at(address)).await.unwrap().id
}

#[tokio::test]
async fn org_8_names_are_shown_by_one_rule() {
    let (directory, tenant) = directory().await;
    let anna = member(&directory, "anna").await;
    let change = AccountChange {
        display_name: Field::Set("Anna Li".to_owned()),
        profile: Field::Set(Profile {
            nickname: "Annie".to_owned(),
            ..Profile::default()
        }),
        ..AccountChange::default()
    };
    let anna = directory.change_account(anna, &change).await.unwrap();
    let rules = [
        (DisplayNames::Name, "Anna Li"),
        (DisplayNames::Alias, "Annie"),
        (DisplayNames::NameAlias, "Anna Li (Annie)"),
        (DisplayNames::AliasName, "Annie (Anna Li)"),
    ];
    for (display_names, shown) in rules {
        let page = OrganisationPage {
            display_names,
            ..OrganisationPage::default()
        };
        directory.set_page(tenant, &page, None).await.unwrap();
        assert_eq!(directory.shown_name(&anna).await.unwrap(), shown);
    }
    let nameless = AccountRecord {
        profile: Profile::default(),
        ..anna
    };
    assert_eq!(
        directory.shown_name(&nameless).await.unwrap(),
        "Anna Li",
        "without alias just the name"
    );
}

#[tokio::test]
async fn org_10_new_members_find_a_letter() {
    let (directory, tenant) = directory().await;
    let letters = async || {
        let end = Timestamp { millis: i64::MAX - 1 };
        let mut transaction = directory.database().begin();
        let due = hongyan_notice::due(&mut transaction, end, 10).await.unwrap();
        due.into_iter().map(|due| due.notice).collect::<Vec<_>>()
    };
    member(&directory, "anna").await;
    assert_eq!(letters().await, [], "none unless it is wanted");
    let page = |welcome| OrganisationPage {
        welcome,
        ..OrganisationPage::default()
    };
    directory
        .set_page(tenant, &page(Welcome::Standard), None)
        .await
        .unwrap();
    let ben = member(&directory, "ben").await;
    let [letter] = letters().await.try_into().unwrap();
    assert_eq!(letter.to, hongyan_notice::Recipient::Member(ben));
    assert!(letter.english.body.contains("ben@"), "{}", letter.english.body);
    assert!(letter.chinese.subject.starts_with("欢迎加入"));
    let own = Welcome::Own {
        subject: "Hello".to_owned(),
        text: "Come to room 5.\n".to_owned(),
    };
    directory.set_page(tenant, &page(own), None).await.unwrap();
    let cleo = member(&directory, "cleo").await;
    let letter = letters()
        .await
        .into_iter()
        .find(|letter| letter.to == hongyan_notice::Recipient::Member(cleo));
    assert_eq!(letter.unwrap().chinese.body, "Come to room 5.\n");
    let empty = Welcome::Own {
        subject: " ".to_owned(),
        text: "x".to_owned(),
    };
    let refused = directory.set_page(tenant, &page(empty), None).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let nowhere = OrganisationPage {
        time_zone: "Mars/Base".to_owned(),
        ..OrganisationPage::default()
    };
    let refused = directory.set_page(tenant, &nowhere, None).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}
