//! Mails from files.

use hongyan_migration::{ImportFormat, NewImport};
use hongyan_miniature::Options;

use crate::support::{Here, mail, options};

#[test]
fn mig_13_an_mbox_comes_once_with_its_flags_into_its_folder() {
    hongyan_actor::run(0, async {
        let here = Here::start(options(), &Options::default()).await;
        let account = here
            .node
            .directory
            .account(here.node.mailbox.account)
            .await
            .unwrap()
            .unwrap();
        let mut file = Vec::new();
        for number in 0..3 {
            file.extend_from_slice(b"From a@b.test Thu Jan  1 10:00:00 2026\n");
            let octets = if number == 1 { 400_000 } else { 0 };
            file.extend(mail(number, octets).iter().filter(|octet| **octet != b'\r'));
            file.push(b'\n');
        }
        file.extend_from_slice(b"From a@b.test Thu Jan  1 10:00:00 2026\nno mail\n");
        let migrations = here.migrations.clone().with_blobs(here.node.blobs.clone());
        for (imported, present) in [(3, 0), (0, 3)] {
            let new = NewImport {
                folder: "Old/2025".to_owned(),
                flags: vec!["\\Seen".try_into().unwrap()],
                ..NewImport::default()
            };
            let mut import = migrations.import(&account, ImportFormat::Mbox, new).await.unwrap();
            for piece in file.chunks(1_000) {
                import.push(piece).await.unwrap();
            }
            let done = import.finish().await.unwrap();
            assert_eq!(
                (done.imported, done.present, done.failed),
                (imported, present, 1),
                "{done:?}"
            );
        }
        let seen = |number| format!("m{number} seen");
        assert_eq!(
            here.content().await,
            [("Old/2025".to_owned(), vec![seen(0), seen(1), seen(2)])]
        );
        here.stop().await;
    });
}
