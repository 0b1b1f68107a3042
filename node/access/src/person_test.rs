use std::collections::BTreeSet;

use hongyan_directory::{Protocol, Recycle, Restore};

use super::*;
use crate::fixture::{ANNA, Fixture, PEER, cheap};
use crate::{LoginFilter, LoginsOf, NewAppPassword};

#[tokio::test]
async fn mem_13_the_next_person_finds_nothing_of_how_the_one_before_signed_in() {
    let world = Fixture::new(cheap(), "pass").await;
    let phone = NewAppPassword {
        name: "Phone".to_owned(),
        protocols: BTreeSet::from([Protocol::Imap]),
        read_only: false,
        days: None,
    };
    let add = async || {
        let added = world
            .access
            .add_app_password(&world.directory, world.anna, &phone)
            .await;
        added.unwrap()
    };
    let made = add().await;
    let proved = world
        .access
        .verify_password(Protocol::Imap, ANNA, &made.password, PEER)
        .await;
    proved.unwrap();
    world.access.write_logins().await;
    // What is written where another way would take a browser.
    let beside = [
        web::devices(world.anna).int(1_u64).pack(),
        web::waiting_key(world.anna),
        second_factor::taken_key(world.anna),
        passkey::uses(world.anna).int(1_u64).pack(),
    ];
    let leave_traces = async || {
        let body = async |change: &mut hongyan_directory::Change| {
            for key in &beside {
                change.set(key.clone(), vec![0]);
            }
            Ok(())
        };
        world.directory.transact(body).await.unwrap();
    };
    leave_traces().await;
    let traces = async || {
        let body = async |change: &mut hongyan_directory::Change| {
            let mut traces = 0;
            for key in &beside {
                traces += usize::from(change.get(key).await?.is_some());
            }
            let marks = hongyan_kv::RangeQuery::all(unusual::marks_of(world.anna).range());
            traces += usize::from(!change.get_range_all(marks).await?.is_empty());
            Ok(traces)
        };
        let filter = LoginFilter::default();
        let logins = async |of| world.access.logins(of, &filter, None, 9).await.unwrap().entries.len();
        let (own, all) = (
            logins(LoginsOf::Account(world.anna)).await,
            logins(LoginsOf::Tenant(world.tenant)).await,
        );
        (world.directory.try_out(body).await.unwrap(), own, all)
    };
    assert_eq!(traces().await, (5, 1, 1));
    let used = world.access.app_passwords(world.anna).await.unwrap();
    assert!(used[0].1.is_some());
    let give = async |unbind: bool, another: bool| {
        let asked = Recycle {
            unbind,
            confirmed: true,
            ..Recycle::default()
        };
        world.directory.recycle(world.anna, &asked).await.unwrap();
        let restore = Restore::Member {
            name: None,
            profile: None,
            credential: None,
            invited: false,
            another,
        };
        let restored = world.directory.restore(world.tenant, world.anna, &restore).await;
        restored.unwrap();
    };
    give(false, false).await;
    assert_eq!(traces().await, (5, 1, 1), "MEM-14: whoever comes back is who they were");
    give(true, false).await;
    assert_eq!(traces().await, (0, 0, 1), "the organisation's log has what was");
    let again = add().await;
    assert_eq!(again.kept.id, made.kept.id, "it is numbered as the one before");
    let unused = world.access.app_passwords(world.anna).await.unwrap();
    assert!(unused[0].1.is_none(), "and was not used yet");
    leave_traces().await;
    give(false, true).await;
    assert_eq!(traces().await, (0, 0, 1));
}
