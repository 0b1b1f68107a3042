//! A mailbox of the recycle bin into a folder of somebody else's, on a small node with real mailboxes.

use std::collections::BTreeMap;
use std::time::Duration;

use hongyan_actor::EntityOptions;
use hongyan_audit::Author;
use hongyan_directory::{AccountChange, Field, NewAccount, Recycle, RecycledRecord, Restore, Role};
use hongyan_mailbox::{
    Append, AppendMessage, CreateFolder, FolderPath, FolderRef, ListFolders, MailboxId, MessageWriter, OpenFolder,
    QuotaLimits, SetQuota,
};
use hongyan_miniature::{Miniature, Options};
use hongyan_types::{Address, Flag, Keyword, SystemFlag, Timestamp};
use hongyan_upkeep::{
    MailServices, MergeMailbox, TaskEntity, TaskRecord, TaskServices, TaskState, Tasks, UpkeepOptions, Work,
};

const WITHIN: Duration = Duration::from_secs(30);
const MESSAGES: i64 = 120;

struct Ground {
    node: Miniature,
    tasks: Tasks,
    source: MailboxId,
    target: MailboxId,
}

fn address(text: &str) -> Address {
    Address::try_from(text).unwrap()
}

fn path(text: &str) -> FolderPath {
    FolderPath::try_from(text).unwrap()
}

impl Ground {
    /// Anna's mailbox is full of mail and in the recycle bin; Bo has one.
    async fn new() -> Self {
        let node = Miniature::start(&Options::default()).await;
        let directory = node.directory.clone();
        // Another has the creator's role.
        let boss = NewAccount {
            administrator: true,
            ..NewAccount::at(address("boss@example.test"))
        };
        directory.create_account(&boss).await.unwrap();
        let bo = directory
            .create_account(&NewAccount::at(address("bo@example.test")))
            .await
            .unwrap();
        let source = node.mailbox;
        let change = AccountChange {
            role: Field::Set(None::<Role>),
            ..AccountChange::default()
        };
        directory.change_account(source.account, &change).await.unwrap();
        let this = Self {
            tasks: Tasks::new(
                node.env.clone(),
                directory.clone(),
                node.router.clone(),
                UpkeepOptions::default(),
            ),
            source,
            target: MailboxId {
                tenant: source.tenant,
                account: bo.id,
            },
            node,
        };
        this.serve();
        let deep = path("a/b/c/d/e/f/g/h/i/j");
        for folder in [path("Projects/Red"), deep.clone()] {
            let new = CreateFolder {
                path: folder,
                special_use: None,
            };
            this.node.router.ask(&source, new, WITHIN).await.unwrap().unwrap();
        }
        this.fill(FolderRef::INBOX, MESSAGES).await;
        this.fill(FolderRef::Path(path("Projects/Red")), 3).await;
        this.fill(FolderRef::Path(deep), 1).await;
        directory.recycle(source.account, &Recycle::default()).await.unwrap();
        this
    }

    /// From now on another node has the tasks.
    fn serve(&self) {
        let services = TaskServices {
            env: self.node.env.clone(),
            directory: self.node.directory.clone(),
            ldap: None,
            lists: hongyan_upkeep::Lists::default(),
            mail: Some(MailServices {
                database: self.node.database.clone(),
                blobs: self.node.blobs.clone(),
                router: self.node.router.clone(),
            }),
        };
        self.node
            .router
            .serve_everywhere::<TaskEntity>(services, EntityOptions::default());
    }

    async fn fill(&self, folder: FolderRef, count: i64) {
        let mut messages = Vec::new();
        for number in 0..count {
            let mut writer = MessageWriter::new(&self.node.blobs, self.source.tenant);
            let mail = format!("Subject: {number}\r\nMessage-ID: <{number}@x>\r\n\r\n{number}\r\n");
            writer.push(mail.as_bytes()).await.unwrap();
            messages.push(AppendMessage {
                message: writer.finish().await.unwrap(),
                flags: match number % 2 {
                    0 => vec![Flag::System(SystemFlag::Seen)],
                    _ => vec![Flag::Keyword(Keyword::try_from("red").unwrap())],
                },
                internal_date: Some(Timestamp {
                    millis: 1_000_000 * number,
                }),
            });
        }
        let request = Append { folder, messages };
        self.node
            .router
            .ask(&self.source, request, WITHIN)
            .await
            .unwrap()
            .unwrap();
    }

    async fn recycled(&self) -> Option<RecycledRecord> {
        let (tenant, source) = (self.source.tenant, self.source.account);
        self.node.directory.recycled_one(tenant, source).await.unwrap()
    }

    async fn begin(&self) -> TaskRecord {
        let merge = MergeMailbox {
            source: self.source.account.0,
            since_millis: self.recycled().await.unwrap().since.millis,
            target: self.target.account.0,
            folder: "Anna".to_owned(),
        };
        let begun = self.tasks.merge_mailbox(self.source.tenant, Author::system(), merge);
        begun.await.unwrap()
    }

    /// To the end; with `moving`, the task moves to another node all the time.
    async fn end(&self, begun: TaskRecord, moving: bool) -> TaskRecord {
        loop {
            let task = self.tasks.show(self.source.tenant, begun.id).await.unwrap();
            if task.state != TaskState::Running {
                return task;
            }
            if moving {
                self.serve();
            }
            let _ = self.node.router.ask(&begun.id, Work, WITHIN).await;
            self.node.env.sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many messages each folder of Bo's has that has some.
    async fn folders(&self) -> BTreeMap<String, u64> {
        let found = self
            .node
            .router
            .ask(&self.target, ListFolders, WITHIN)
            .await
            .unwrap()
            .unwrap();
        let filled = found.folders.iter().filter(|folder| folder.messages > 0);
        filled
            .map(|folder| (folder.path.as_str().to_owned(), folder.messages))
            .collect()
    }

    async fn limit(&self, octets_max: u64) {
        let limits = QuotaLimits {
            octets_max,
            ..QuotaLimits::default()
        };
        let set = self.node.router.ask(&self.target, SetQuota { limits }, WITHIN).await;
        set.unwrap().unwrap();
    }
}

fn expected() -> BTreeMap<String, u64> {
    // What lies too deep to lie deeper is in the folder itself.
    let folders = [("Anna", 121), ("Anna/Projects/Red", 3)];
    folders.map(|(path, count)| (path.to_owned(), count)).into()
}

fn on_ground<F: Future<Output = Ground>>(test: impl FnOnce(Ground) -> F) {
    hongyan_actor::run(1, async {
        let ground = Ground::new().await;
        test(ground).await.node.stop().await;
    });
}

#[test]
fn mem_16_a_mailbox_goes_into_a_folder_with_flags_and_dates_wherever_the_task_is() {
    on_ground(|ground| async move {
        let begun = ground.begin().await;
        let task = ground.end(begun, true).await;
        assert_eq!(
            (task.state, task.position, task.total),
            (TaskState::Done, 124, 124),
            "{task:?}"
        );
        assert!(task.note.contains("1 folders had no room"), "{}", task.note);
        assert_eq!(ground.folders().await, expected());
        let folder = FolderRef::Path(path("Anna"));
        let opened = ground
            .node
            .router
            .ask(&ground.target, OpenFolder { folder }, WITHIN)
            .await;
        let view = opened.unwrap().unwrap().view;
        for (number, entry) in (0..MESSAGES).zip(view.iter()) {
            assert_eq!(entry.internal_date.millis, 1_000_000 * number);
            assert_eq!(entry.flags.contains(SystemFlag::Seen), number % 2 == 0, "{number}");
            assert_eq!(entry.keywords.ids().len(), usize::from(number % 2 == 1), "{number}");
        }
        // Once more, as if nobody knew: nothing is there twice.
        let again = ground.begin().await;
        assert_eq!(ground.end(again, false).await.state, TaskState::Done);
        assert_eq!(ground.folders().await, expected());
        assert!(ground.recycled().await.is_some(), "it stays until somebody purges it");
        ground
    });
}

#[test]
fn mem_16_a_full_mailbox_is_given_room_and_the_merge_begun_again() {
    on_ground(|ground| async move {
        ground.limit(4_000).await;
        let begun = ground.begin().await;
        let task = ground.end(begun, false).await;
        assert_eq!(task.state, TaskState::Failed);
        assert!(task.note.contains("full"), "{}", task.note);
        ground.limit(0).await;
        let again = ground.begin().await;
        assert_eq!(ground.end(again, false).await.state, TaskState::Done);
        assert_eq!(ground.folders().await, expected());
        ground
    });
}

#[test]
fn mem_16_what_left_the_bin_is_not_merged() {
    on_ground(|ground| async move {
        let (tenant, source) = (ground.source.tenant, ground.source.account);
        let since = ground.recycled().await.unwrap().since.millis;
        let back = Restore::Member {
            name: None,
            profile: None,
            credential: None,
            invited: false,
            another: false,
        };
        let directory = &ground.node.directory;
        directory.restore(tenant, source, &back).await.unwrap();
        let merge = MergeMailbox {
            source: source.0,
            since_millis: since,
            target: ground.target.account.0,
            folder: "Anna".to_owned(),
        };
        let begun = ground.tasks.merge_mailbox(tenant, Author::system(), merge).await;
        assert!(begun.is_err());
        assert!(ground.folders().await.is_empty());
        ground
    });
}

/// The files of an archive: name, and what is in it.
fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut rest = archive;
    while rest.first().is_some_and(|octet| *octet != 0) {
        let (head, after) = rest.split_at(512);
        let name = String::from_utf8(head[..100].to_vec()).unwrap();
        let size = u64::from_str_radix(std::str::from_utf8(&head[124..135]).unwrap(), 8).unwrap();
        let size = usize::try_from(size).unwrap();
        let (content, after) = after.split_at(size);
        files.insert(name.trim_end_matches('\0').to_owned(), content.to_vec());
        rest = &after[size.next_multiple_of(512) - size..];
    }
    assert_eq!(rest, [0; 1_024], "it has an end");
    files
}

#[test]
fn mem_16_all_mail_of_a_mailbox_in_the_bin_is_an_archive() {
    on_ground(|ground| async move {
        let mail = MailServices {
            database: ground.node.database.clone(),
            blobs: ground.node.blobs.clone(),
            router: ground.node.router.clone(),
        };
        let without = ground.tasks.back_up(ground.source, "anna").await;
        assert!(without.is_err(), "no mailboxes here");
        let tasks = ground.tasks.clone().with_mail(mail);
        let mut archive = tasks.back_up(ground.source, "anna@example.test").await.unwrap();
        let mut octets = Vec::new();
        while let Some(piece) = archive.read().await.unwrap() {
            octets.extend_from_slice(&piece);
        }
        let mut files = files(&octets);
        assert!(
            files.contains_key("anna@example.test/new/") && files.contains_key("anna@example.test/Projects/Red/cur/")
        );
        files.retain(|name, _| !name.ends_with('/'));
        let inside = |start: &str| files.keys().filter(|name| name.starts_with(start)).count() as i64;
        assert_eq!(inside("anna@example.test/cur/"), MESSAGES);
        assert_eq!(inside("anna@example.test/Projects/Red/cur/"), 3);
        assert_eq!(inside("anna@example.test/a/b/c/d/e/f/g/h/i/j/cur/"), 1);
        assert_eq!(files.len() as i64, MESSAGES + 4);
        let third = files
            .iter()
            .find(|(name, _)| name.starts_with("anna@example.test/cur/2000."));
        let (name, mail) = third.unwrap();
        assert!(name.ends_with(".hongyan:2,S"), "{name}");
        assert_eq!(
            String::from_utf8_lossy(mail),
            "Subject: 2\r\nMessage-ID: <2@x>\r\n\r\n2\r\n"
        );
        ground
    });
}
