//! What is due in the recycle bin goes, with its mail, on a small node with real mailboxes.

use std::time::Duration;

use hongyan_directory::{AccountChange, Field, NewAccount, Recycle, Role};
use hongyan_kv::RangeQuery;
use hongyan_kv::tuple::Tuple;
use hongyan_mailbox::FolderRef;
use hongyan_miniature::{Miniature, Options};
use hongyan_types::Address;

/// Keys of all mailboxes.
async fn mailbox_keys(node: &Miniature) -> usize {
    let range = Tuple::new().string("mbx").range();
    let found = node.database.begin().get_range_all(RangeQuery::all(range)).await;
    found.unwrap().len()
}

#[test]
fn mem_16_what_is_due_goes_with_its_mail() {
    hongyan_actor::run(1, async {
        let node = Miniature::start(&Options::default()).await;
        // Another has the creator's role.
        let boss = NewAccount {
            administrator: true,
            ..NewAccount::at(Address::try_from("boss@example.test").unwrap())
        };
        let directory = &node.directory;
        directory.create_account(&boss).await.unwrap();
        let change = AccountChange {
            role: Field::Set(None::<Role>),
            ..AccountChange::default()
        };
        let (tenant, anna) = (node.mailbox.tenant, node.mailbox.account);
        directory.change_account(anna, &change).await.unwrap();
        for _ in 0..3 {
            let mail = format!("Subject: x\r\n\r\n{}\r\n", "x".repeat(100_000));
            node.append(FolderRef::INBOX, mail.as_bytes(), 0).await;
        }
        directory.recycle(anna, &Recycle::default()).await.unwrap();
        let bin = directory.clone();
        let purging = hongyan_upkeep::purge(node.env.clone(), node.router.clone(), bin, Duration::from_millis(10));
        let test = async {
            node.env.sleep(Duration::from_millis(50)).await;
            assert!(mailbox_keys(&node).await > 0, "what is not due stays");
            directory.purge(tenant, anna).await.unwrap();
            while !directory.recycled(tenant, None, 9).await.unwrap().is_empty() {
                node.env.sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(mailbox_keys(&node).await, 0);
            let again = NewAccount::at(Address::try_from("anna@example.test").unwrap());
            directory.create_account(&again).await.unwrap();
        };
        tokio::select! {
            () = purging => {}
            () = test => {}
        }
        node.stop().await;
    });
}
