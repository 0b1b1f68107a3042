//! RFC 4314 §4: whoever may use single folders only is held to what they may do, whatever is asked.

use std::sync::Arc;

use hongyan_types::{AccountId, Flag, FolderRights, SystemFlag, Uid, UidSet};

use crate::harness::*;
use hongyan_mailbox::*;

const MAIL: &str = "From: A <a@b.test>\r\nSubject: mail\r\nMessage-ID: <1@x>\r\n\r\nx\r\n";

fn path(text: &str) -> FolderPath {
    FolderPath::try_from(text).unwrap()
}
fn first() -> UidSet {
    let uid = Uid::new(1).unwrap();
    UidSet::from_range(uid, uid)
}
fn flag(text: &str) -> Flag {
    Flag::try_from(text).unwrap()
}

/// What someone may do in INBOX, and nowhere else.
fn visit<R>(request: R, letters: &str) -> Acting<R> {
    let rights = FolderRights::read(letters).unwrap();
    let permit = Permit::new([(FolderId::INBOX, rights)]);
    Acting::new(request, Some(AccountId(9))).within(Some(Arc::new(permit)))
}

fn store(action: FlagAction, flags: &[&str]) -> StoreFlags {
    StoreFlags {
        folder: FolderId::INBOX,
        uids: first(),
        action,
        flags: flags.iter().map(|name| flag(name)).collect(),
        unchanged_since: None,
    }
}

#[test]
fn what_is_not_open_looks_missing_and_what_is_not_allowed_is_refused() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap();
        let secret = CreateFolder {
            path: path("Secret"),
            special_use: None,
        };
        let secret = bench.ask(secret).await.unwrap().folder.id;
        let listed = bench.ask(visit(ListFolders, "lr")).await.unwrap();
        let names: Vec<&str> = listed.folders.iter().map(|folder| folder.path.as_str()).collect();
        assert_eq!(names, ["INBOX"]);
        assert_eq!(listed.folders[0].messages, 1);
        let listed = bench.ask(visit(ListFolders, "li")).await.unwrap();
        assert_eq!(listed.folders[0].messages, 0, "what may not be read is not counted");

        let open = |folder: FolderRef| OpenFolder { folder };
        for folder in [secret.into(), path("Secret").into(), SpecialUse::Junk.into()] {
            let refused = bench.ask(visit(open(folder), "lrswite")).await.err();
            assert_eq!(refused, Some(MailboxError::NoSuchFolder));
        }
        let refused = bench.ask(visit(open(FolderRef::INBOX), "li")).await.err();
        assert_eq!(refused, Some(MailboxError::NoPermission));
        assert!(bench.ask(visit(open(FolderRef::INBOX), "lr")).await.is_ok());

        let copy = |from, to: FolderId| CopyMessages {
            from,
            uids: first(),
            to: to.into(),
        };
        let refused = bench.ask(visit(copy(FolderId::INBOX, secret), "lrswite")).await.err();
        assert_eq!(refused, Some(MailboxError::NoSuchFolder));
        let refused = bench
            .ask(visit(copy(FolderId::INBOX, FolderId::INBOX), "lr"))
            .await
            .err();
        assert_eq!(refused, Some(MailboxError::NoPermission));
        let expunge = |folder| Expunge {
            folder,
            uids: None,
            deleted_only: false,
        };
        let refused = bench.ask(visit(expunge(FolderId::INBOX), "lrswit")).await.err();
        assert_eq!(refused, Some(MailboxError::NoPermission));
        let refused = bench.ask(visit(expunge(secret), "lrswite")).await.err();
        assert_eq!(refused, Some(MailboxError::NoSuchFolder));

        // What is about the mailbox as a whole is its owner's.
        let all = "lrswite";
        assert_eq!(
            bench.ask(visit(GetQuota, all)).await.err(),
            Some(MailboxError::NoPermission)
        );
        let made = CreateFolder {
            path: path("INBOX/Mine"),
            special_use: None,
        };
        assert_eq!(
            bench.ask(visit(made, all)).await.err(),
            Some(MailboxError::NoPermission)
        );
        let gone = DeleteFolder { folder: secret.into() };
        assert_eq!(
            bench.ask(visit(gone, all)).await.err(),
            Some(MailboxError::NoSuchFolder)
        );
        let renamed = RenameFolder {
            from: path("INBOX"),
            to: path("Elsewhere"),
        };
        assert_eq!(
            bench.ask(visit(renamed.clone(), all)).await.err(),
            Some(MailboxError::NoPermission)
        );
        // What every mailbox has stays, whoever may delete folders.
        assert_eq!(
            bench.ask(visit(renamed, "lrx")).await.err(),
            Some(MailboxError::NoPermission)
        );
        let gone = DeleteFolder {
            folder: FolderRef::INBOX,
        };
        assert_eq!(
            bench.ask(visit(gone, "lrx")).await.err(),
            Some(MailboxError::SystemFolder)
        );
        let child = |special_use| CreateFolder {
            path: path("INBOX/Mine"),
            special_use,
        };
        let refused = bench.ask(visit(child(Some(SpecialUse::Archive)), "lk")).await.err();
        assert_eq!(refused, Some(MailboxError::NoPermission));
        assert!(bench.ask(visit(child(None), "lk")).await.is_ok());
        let taken = Expunge {
            folder: FolderId::INBOX,
            uids: None,
            deleted_only: false,
        };
        let refused = bench.ask(visit(taken, "lre")).await.err();
        assert_eq!(refused, Some(MailboxError::NoPermission), "it takes what is not marked");
        assert!(bench.ask(visit(expunge(FolderId::INBOX), all)).await.is_ok());
    });
}

#[test]
fn flags_change_as_far_as_they_may() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap();
        let shown = async || {
            let request = OpenFolder {
                folder: FolderRef::INBOX,
            };
            let view = bench.ask(request).await.unwrap().view;
            let entry = view.get(Uid::new(1).unwrap()).unwrap().clone();
            let mut flags: Vec<String> = SystemFlag::ALL
                .into_iter()
                .filter(|flag| entry.flags.contains(*flag))
                .map(|flag| Flag::System(flag).to_string())
                .collect();
            flags.extend(entry.keywords.ids().iter().map(|_| "keyword".to_owned()));
            flags.sort_unstable();
            flags.join(" ")
        };
        let add = |flags: &[&str]| store(FlagAction::Add, flags);
        let refused = bench.ask(visit(add(&["\\Seen"]), "lrw")).await.err();
        assert_eq!(refused, Some(MailboxError::NoPermission));
        bench
            .ask(visit(add(&["\\Seen", "\\Deleted", "$Mine"]), "lrs"))
            .await
            .unwrap();
        assert_eq!(shown().await, "\\Seen");
        bench
            .ask(visit(add(&["\\Deleted", "\\Flagged", "$Mine"]), "lrw"))
            .await
            .unwrap();
        assert_eq!(shown().await, "\\Flagged \\Seen keyword");
        let refused = bench
            .ask(visit(store(FlagAction::Set, &["\\Seen"]), "lrsw"))
            .await
            .err();
        assert_eq!(
            refused,
            Some(MailboxError::NoPermission),
            "it would take \\Deleted away"
        );
        bench
            .ask(visit(store(FlagAction::Set, &["\\Deleted"]), "lrswt"))
            .await
            .unwrap();
        assert_eq!(shown().await, "\\Deleted");
        bench
            .ask(visit(store(FlagAction::Remove, &["\\Deleted", "\\Seen"]), "lrt"))
            .await
            .unwrap();
        assert_eq!(shown().await, "");
    });
}

#[test]
fn the_log_tells_of_what_is_open_only() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap();
        let since = bench.ask(ListFolders).await.unwrap().modseq;
        bench.append(SpecialUse::Drafts.into(), MAIL, &[]).await.unwrap();
        let until = bench.ask(ListFolders).await.unwrap().modseq;
        let span = ChangesSpan {
            since,
            until,
            objects_max: u64::MAX,
        };
        let permit = Permit::new([(FolderId::INBOX, FolderRights::ALL)]);
        let told = read_changes(&bench.database, ID, span, Some(&permit))
            .await
            .unwrap()
            .unwrap();
        assert!(told.moved.is_empty() && told.counted.is_empty() && told.changed.is_empty());
        assert_eq!(told.until, until);
        let told = read_changes(&bench.database, ID, span, None).await.unwrap().unwrap();
        assert_eq!(told.moved.len(), 1);
    });
}
