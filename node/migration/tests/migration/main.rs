//! Mail comes from a node of ours, as from any other system: once, whole, with flags and dates, whatever breaks.

mod dovecot;
mod hostile;
mod import;
mod support;

use hongyan_mailbox::{CreateFolder, FolderId, FolderPath, FolderRef, SpecialUse, StoreFlags};
use hongyan_migration::{MigrationState, MovingState, Protocol};
use hongyan_miniature::{Options, WITHIN};
use support::{Here, LOGIN, OLD_PASSWORD, There, mail, options};

async fn make(there: &There, path: &str) -> FolderRef {
    let request = CreateFolder {
        path: FolderPath::try_from(path).unwrap(),
        special_use: None,
    };
    let node = &there.node;
    let made = node.router.ask(&node.mailbox, request, WITHIN).await.unwrap().unwrap();
    FolderRef::Id(made.folder.id)
}

#[test]
fn mig_3_5_7_11_all_folders_come_with_flags_and_dates_and_the_source_stays() {
    hongyan_actor::run(0, async {
        let there = There::start().await;
        there.put(FolderRef::INBOX, 1, 0).await;
        there.put(FolderRef::INBOX, 2, 700_000).await;
        let work = make(&there, "Work/中文").await;
        there.put(work, 3, 0).await;
        there.put(FolderRef::Use(SpecialUse::Sent), 4, 0).await;
        let flag = StoreFlags {
            folder: FolderId::INBOX,
            uids: [1_u32].into_iter().filter_map(hongyan_types::Uid::new).collect(),
            action: hongyan_mailbox::FlagAction::Add,
            flags: ["\\Flagged", "$Custom"].map(|flag| flag.try_into().unwrap()).to_vec(),
            unchanged_since: None,
        };
        let node = &there.node;
        node.router.ask(&node.mailbox, flag, WITHIN).await.unwrap().unwrap();
        let before = support::content(&there.node).await;
        let here = Here::start(options(), &Options::default()).await;
        let source = there.source(Protocol::Imap);
        let secret = hongyan_sasl::Secret::new(OLD_PASSWORD);
        let tested = here.migrations.test(&source, LOGIN, &secret, None).await.unwrap();
        assert_eq!((tested.good, tested.messages), (true, Some(2)), "{tested:?}");
        let wrong = hongyan_sasl::Secret::new("wrong");
        let tested = here.migrations.test(&source, LOGIN, &wrong, None).await.unwrap();
        assert!(!tested.good && tested.reason.contains("does not let"), "{tested:?}");
        let migration = here.create(source).await;
        here.give(&migration, LOGIN, OLD_PASSWORD).await;
        let done = here.over(&migration).await;
        assert_eq!(done.state, MovingState::Done, "{done:?}");
        assert_eq!((done.total, done.imported, done.present, done.failed), (4, 4, 0, 0));
        assert_eq!(here.content().await, before);
        assert_eq!(
            support::content(&there.node).await,
            before,
            "the source stays as it was"
        );
        let tenant = here.node.mailbox.tenant;
        let troubles = here.migrations.troubles(tenant, (migration.id, done.account), 0, 10);
        assert_eq!(troubles.await.unwrap(), []);
        here.stop().await;
        there.stop().await;
    });
}

#[test]
fn mig_a_second_run_brings_what_is_new_and_nothing_twice() {
    hongyan_actor::run(0, async {
        let there = There::start().await;
        for number in 0..30 {
            there.put(FolderRef::INBOX, number, 0).await;
        }
        let here = Here::start(options(), &Options::default()).await;
        // One of them is here by another way.
        here.node
            .append(FolderRef::Use(SpecialUse::Archive), &mail(7, 0), 0)
            .await;
        let first = here.create(there.source(Protocol::Imap)).await;
        here.give(&first, LOGIN, OLD_PASSWORD).await;
        let done = here.over(&first).await;
        assert_eq!((done.imported, done.present), (29, 1), "{done:?}");
        there.put(FolderRef::INBOX, 31, 0).await;
        here.give(&first, LOGIN, OLD_PASSWORD).await;
        let done = here
            .until(&first, |moving| moving.imported == 30 && moving.state.is_over())
            .await;
        assert_eq!(
            (done.present, done.total),
            (1, 31),
            "only what is behind the position is looked at: {done:?}"
        );
        let tenant = here.node.mailbox.tenant;
        let ended = here
            .migrations
            .set_state(tenant, first.id, MigrationState::Ended)
            .await
            .unwrap();
        assert_eq!(ended.0.state, MigrationState::Ended);
        let second = here.create(there.source(Protocol::Pop3)).await;
        here.give(&second, LOGIN, OLD_PASSWORD).await;
        let done = here.over(&second).await;
        assert_eq!(
            (done.state, done.imported, done.present),
            (MovingState::Done, 0, 31),
            "{done:?}"
        );
        here.stop().await;
        there.stop().await;
    });
}

#[test]
fn mig_pop3_brings_the_inbox_alone() {
    hongyan_actor::run(0, async {
        let there = There::start().await;
        there.put(FolderRef::INBOX, 1, 0).await;
        there.put(FolderRef::INBOX, 2, 300_000).await;
        there.put(FolderRef::Use(SpecialUse::Sent), 3, 0).await;
        let here = Here::start(options(), &Options::default()).await;
        let migration = here.create(there.source(Protocol::Pop3)).await;
        here.give(&migration, LOGIN, OLD_PASSWORD).await;
        let done = here.over(&migration).await;
        assert_eq!((done.state, done.imported), (MovingState::Done, 2), "{done:?}");
        assert_eq!(
            here.content().await,
            [("INBOX".to_owned(), vec!["m1".to_owned(), "m2".to_owned()])]
        );
        assert_eq!(support::content(&there.node).await.len(), 2, "nothing was deleted");
        here.stop().await;
        there.stop().await;
    });
}

#[test]
fn mig_another_node_goes_on_in_the_middle_and_nothing_comes_twice() {
    hongyan_actor::run(0, async {
        let there = There::start().await;
        for number in 0..120 {
            there.put(FolderRef::INBOX, number, 0).await;
        }
        let few = hongyan_migration::MigrationOptions {
            batch_messages_max: 3,
            ..options()
        };
        let here = Here::start(few, &Options::default()).await;
        let migration = here.create(there.source(Protocol::Imap)).await;
        here.give(&migration, LOGIN, OLD_PASSWORD).await;
        for part in [10, 40, 80] {
            here.until(&migration, |moving| moving.imported >= part).await;
            here.serve();
        }
        let done = here.over(&migration).await;
        assert_eq!(done.state, MovingState::Done, "{done:?}");
        assert_eq!(done.imported + done.present, 120, "{done:?}");
        assert_eq!(here.content().await[0].1.len(), 120);
        here.stop().await;
        there.stop().await;
    });
}

#[test]
fn mig_8_9_pause_continue_end_and_passwords_that_are_wiped() {
    hongyan_actor::run(0, async {
        let there = There::start().await;
        there.put(FolderRef::INBOX, 1, 0).await;
        let here = Here::start(options(), &Options::default()).await;
        let tenant = here.node.mailbox.tenant;
        let migration = here.create(there.source(Protocol::Imap)).await;
        here.until(&migration, |moving| moving.state == MovingState::NotStarted)
            .await;
        let set = |state| here.migrations.set_state(tenant, migration.id, state);
        set(MigrationState::Paused).await.unwrap();
        here.give(&migration, LOGIN, OLD_PASSWORD).await;
        let waits = here.moving(&migration).await.unwrap();
        assert_eq!(waits.state, MovingState::Preparing, "it is paused");
        assert!(!here.secrets().await.is_empty());
        let kept = here.secrets().await;
        assert!(
            kept.iter()
                .all(|secret| !secret.windows(4).any(|part| part == OLD_PASSWORD.as_bytes()))
        );
        set(MigrationState::Moving).await.unwrap();
        let done = here.over(&migration).await;
        assert_eq!(done.state, MovingState::Done, "{done:?}");
        set(MigrationState::Ended).await.unwrap();
        assert!(here.secrets().await.is_empty(), "passwords go with the end");
        assert!(set(MigrationState::Moving).await.is_err(), "it is for good");
        let kinds = here.notices().await;
        assert!(kinds.iter().any(|kind| kind == "migration.begun"), "{kinds:?}");
        assert!(kinds.iter().any(|kind| kind == "migration.account-ended"), "{kinds:?}");
        here.stop().await;
        there.stop().await;
    });
}

#[test]
fn mig_11_a_wrong_password_fails_and_another_begins_anew() {
    hongyan_actor::run(0, async {
        let there = There::start().await;
        there.put(FolderRef::INBOX, 1, 0).await;
        let here = Here::start(options(), &Options::default()).await;
        let migration = here.create(there.source(Protocol::Imap)).await;
        here.give(&migration, LOGIN, "wrong").await;
        let failed = here.over(&migration).await;
        assert_eq!(failed.state, MovingState::Failed);
        assert!(
            failed.reason.contains("does not let the account in"),
            "{}",
            failed.reason
        );
        here.give(&migration, LOGIN, OLD_PASSWORD).await;
        let done = here.until(&migration, |moving| moving.state == MovingState::Done).await;
        assert_eq!(done.imported, 1);
        here.stop().await;
        there.stop().await;
    });
}

#[test]
fn mig_a_full_mailbox_waits_and_goes_on_once_there_is_room() {
    hongyan_actor::run(0, async {
        let there = There::start().await;
        for number in 0..10 {
            there.put(FolderRef::INBOX, number, 10_000).await;
        }
        let small = Options {
            quota_octets: Some(55_000),
            ..Options::default()
        };
        let here = Here::start(options(), &small).await;
        let migration = here.create(there.source(Protocol::Imap)).await;
        here.give(&migration, LOGIN, OLD_PASSWORD).await;
        let waits = here
            .until(&migration, |moving| {
                moving.state == MovingState::Waiting && moving.imported > 0
            })
            .await;
        assert_eq!(waits.reason, "the mailbox is full");
        let limits = hongyan_mailbox::QuotaLimits {
            octets_max: 0,
            messages_max: 0,
            warning_percent: 90,
        };
        let node = &here.node;
        let room = hongyan_mailbox::SetQuota { limits };
        node.router.ask(&node.mailbox, room, WITHIN).await.unwrap().unwrap();
        let done = here.over(&migration).await;
        assert_eq!(
            (done.state, done.imported, done.present),
            (MovingState::Done, 10, 0),
            "{done:?}"
        );
        here.stop().await;
        there.stop().await;
    });
}

#[test]
fn mig_what_is_too_large_is_listed_and_skipped() {
    hongyan_actor::run(0, async {
        let there = There::start().await;
        there.put(FolderRef::INBOX, 1, 0).await;
        there.put(FolderRef::INBOX, 2, 50_000).await;
        there.put(FolderRef::INBOX, 3, 0).await;
        let little = hongyan_migration::MigrationOptions {
            message_octets_max: 20_000,
            ..options()
        };
        let here = Here::start(little, &Options::default()).await;
        for protocol in [Protocol::Imap, Protocol::Pop3] {
            let migration = here.create(there.source(protocol)).await;
            here.give(&migration, LOGIN, OLD_PASSWORD).await;
            let done = here.over(&migration).await;
            assert_eq!(
                (done.state, done.failed, done.imported + done.present),
                (MovingState::Done, 1, 2),
                "{done:?}"
            );
            let tenant = here.node.mailbox.tenant;
            let troubles = here
                .migrations
                .troubles(tenant, (migration.id, done.account), 0, 10)
                .await
                .unwrap();
            assert!(troubles[0].1.reason.contains("message_octets_max"), "{troubles:?}");
            here.migrations
                .set_state(tenant, migration.id, MigrationState::Ended)
                .await
                .unwrap();
        }
        here.stop().await;
        there.stop().await;
    });
}
