use std::time::Duration;

use hongyan_directory::{AccountChange, Field, Profile};
use hongyan_kv::Database;
use hongyan_sasl::Secret;

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};
use crate::{LoginFilter, LoginsOf, Visit};

const PASSWORD: &str = "Correct-horse7";

async fn sign_in(world: &Fixture, peer: &str, client: &str) {
    let visit = Visit {
        peer: peer.parse().unwrap(),
        client,
        device: None,
    };
    let password = Secret::new(PASSWORD);
    world.access.web_sign_in(ANNA, &password, visit).await.unwrap();
    world.access.write_logins().await;
    world.clock.advance(Duration::from_secs(3_600));
}

async fn told(world: &Fixture) -> Vec<Notice> {
    let database: &Database = &world.access.0.database;
    let late = Timestamp { millis: i64::MAX };
    let due = hongyan_notice::due(&mut database.begin(), late, 100).await.unwrap();
    due.into_iter().map(|due| due.notice).collect()
}

async fn unusual(world: &Fixture) -> usize {
    let filter = LoginFilter {
        unusual: true,
        ..LoginFilter::default()
    };
    let of = LoginsOf::Account(world.anna);
    let page = world.access.logins(of, &filter, None, 100).await.unwrap();
    assert!(page.entries.iter().all(|entry| entry.unusual));
    page.entries.len()
}

#[tokio::test]
async fn auth_28_a_member_hears_of_a_sign_in_by_a_stranger() {
    let world = Fixture::new(cheap(), PASSWORD).await;
    let change = AccountChange {
        profile: Field::Set(Profile {
            private_address: "anna@private.test".to_owned(),
            ..Profile::default()
        }),
        ..AccountChange::default()
    };
    world.directory.change_account(world.anna, &change).await.unwrap();
    // The first of all; another address of the same network, a new version, another network, another client.
    sign_in(&world, &PEER.to_string(), "Firefox/151.0").await;
    sign_in(&world, "192.0.2.77", "Firefox/152.0").await;
    sign_in(&world, "198.51.100.1", "Firefox/152.0").await;
    sign_in(&world, "198.51.100.1", "Thunder 1").await;
    // From this very network, whatever it is.
    sign_in(&world, "10.0.0.1", "Curl").await;
    assert!(told(&world).await.is_empty());
    assert_eq!(unusual(&world).await, 0);
    // Network and client are both new: told once, to both mailboxes.
    sign_in(&world, "203.0.113.9", "Evil 1").await;
    let notices = told(&world).await;
    assert_eq!(notices.len(), 2);
    assert!(notices.iter().all(|notice| notice.kind == KIND));
    assert!(notices.iter().any(|notice| notice.to == Recipient::Member(world.anna)));
    let body = &notices[0].english.body;
    assert!(
        body.contains("Address: 203.0.113.9\nClient: Evil 1\n") && body.contains("Place: unknown"),
        "{body}"
    );
    assert!(notices[0].chinese.body.contains("地址：203.0.113.9"));
    sign_in(&world, "203.0.113.10", "Evil 2").await;
    assert_eq!((told(&world).await.len(), unusual(&world).await), (2, 1));
}

#[tokio::test]
async fn auth_28_a_new_country_is_unusual_by_itself() {
    let world = Fixture::new(cheap(), PASSWORD).await;
    let database: &Database = &world.access.0.database;
    let see = async |country: &str, at_millis: i64| {
        let sight = Sight {
            account: world.anna,
            at_millis,
            marks: vec![(NETWORK, "192.0.2".to_owned()), (COUNTRY, country.to_owned())],
            notices: Vec::new(),
        };
        let observe = async move |transaction: &mut Transaction| observe(transaction, &sight).await;
        database.run(observe).await.unwrap()
    };
    assert!(!see("CN", 1).await);
    assert!(!see("CN", 2).await);
    assert!(see("FR", 3).await);
    assert!(!see("FR", 4).await);
}

#[test]
fn times_and_clients_are_written_for_people() {
    let check = |millis: i64, expect: &str| assert_eq!(utc(Timestamp { millis }), expect);
    check(0, "1970-01-01 00:00");
    check(951_782_340_000, "2000-02-28 23:59");
    check(951_868_800_000, "2000-03-01 00:00");
    check(1_795_305_600_000, "2026-11-22 00:00");
    assert_eq!(family("Firefox/151.0 (X11)"), "Firefox/ (X)");
    assert_eq!(network("2001:db8:1:2::3".parse().unwrap()), "2001:db8:1");
}
