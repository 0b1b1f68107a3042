//! What is shared of folders that are gone ends, on a small node with real mailboxes.

use std::time::Duration;

use hongyan_directory::{FolderNumber, NewAccount, NewFolderShares};
use hongyan_mailbox::{CreateFolder, DeleteFolder, FolderPath};
use hongyan_miniature::{Miniature, Options, WITHIN};
use hongyan_types::{Address, FolderRights};

#[test]
fn rfc_9670_what_is_shared_of_no_folder_ends() {
    hongyan_actor::run(1, async {
        let node = Miniature::start(&Options::default()).await;
        let directory = &node.directory;
        let ben = NewAccount::at(Address::try_from("ben@example.test").unwrap());
        let ben = directory.create_account(&ben).await.unwrap().id;
        let anna = directory.account(node.mailbox.account).await.unwrap().unwrap();
        let mut made = Vec::new();
        for name in ["Kept", "Gone"] {
            let request = CreateFolder {
                path: FolderPath::try_from(name).unwrap(),
                special_use: None,
            };
            let reply = node.router.ask(&node.mailbox, request, WITHIN).await.unwrap().unwrap();
            let folder = reply.folder.id;
            let new = NewFolderShares {
                account: anna.id,
                folder: FolderNumber(folder.0),
                path: name.to_owned(),
                rights: vec![(ben.into(), FolderRights::read("lr").unwrap())],
            };
            directory.share_folder(&anna, &new).await.unwrap();
            made.push(folder);
        }
        // As if who deleted it had ended there.
        let folder = made[1].into();
        let deleted = node.router.ask(&node.mailbox, DeleteFolder { folder }, WITHIN).await;
        deleted.unwrap().unwrap();
        let looking = hongyan_upkeep::end_lost_shares(
            node.env.clone(),
            node.router.clone(),
            directory.clone(),
            Duration::from_millis(10),
        );
        let test = async {
            loop {
                let left = directory.folder_shares_of(anna.id).await.unwrap();
                if left.len() == 1 {
                    assert_eq!(left[0].folder.0, made[0].0);
                    break;
                }
                node.env.sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            () = looking => {}
            () = test => {}
        }
        node.stop().await;
    });
}
