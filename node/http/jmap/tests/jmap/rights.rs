//! RFC 4314 §4, RFC 8621 §2, RFC 9670: what each right to a single folder opens, over IMAP and over JMAP alike.

use hongyan_directory::{FolderNumber, NewAccount, NewFolderShares, NewGroup, Sharee};
use hongyan_listener::Listener;
use hongyan_mailbox::{
    Append, AppendMessage, CreateFolder, DeleteFolder, FolderId, FolderPath, MailboxId, MessageWriter,
};
use hongyan_miniature::{PASSWORD, USER, WITHIN};
use hongyan_types::{AccountId, Address, FolderRights};
use serde_json::{Value, json};

use crate::agreement::{Imap, imap_port};
use crate::support::Client;

const MAIL: &str = "Subject: plan\r\nFrom: a@b.test\r\n\r\ntext\r\n";

/// What is tried, and the rights that it takes.
const ACTIONS: [(&str, &str); 10] = [
    ("see", "l"),
    ("read", "lr"),
    ("seen", "lrs"),
    ("flag", "lrw"),
    ("add", "li"),
    ("remove", "lrte"),
    ("make", "lk"),
    ("rename", "lx"),
    ("delete", "lx"),
    ("share", "lra"),
];

struct Ground<'c> {
    place: &'c mut Client,
    port: Listener,
    ben: AccountId,
    carl: AccountId,
    folders: u32,
}

/// A folder of ben's with one mail, of which anna may see this much.
struct Shared {
    id: FolderId,
    name: String,
    mail: String,
}

impl Ground<'_> {
    async fn share(&self, folder: FolderId, to: impl Into<Sharee>, letters: &str) {
        let directory = &self.place.node.directory;
        let new = NewFolderShares {
            account: self.ben,
            folder: FolderNumber(folder.0),
            path: "Work/Plans".to_owned(),
            rights: vec![(to.into(), FolderRights::read(letters).unwrap())],
        };
        let owner = directory.account(self.ben).await.unwrap().unwrap();
        directory.share_folder(&owner, &new).await.unwrap();
    }
    async fn folder(&mut self, letters: &str) -> Shared {
        self.folders += 1;
        let name = format!("P{}", self.folders);
        let node = &self.place.node;
        let mailbox = MailboxId {
            account: self.ben,
            ..node.mailbox
        };
        let path = FolderPath::try_from(format!("Work/{name}").as_str()).unwrap();
        let request = CreateFolder {
            path,
            special_use: None,
        };
        let made = node.router.ask(&mailbox, request, WITHIN).await.unwrap().unwrap();
        let mut writer = MessageWriter::new(&node.blobs, mailbox.tenant);
        writer.push(MAIL.as_bytes()).await.unwrap();
        let request = Append {
            folder: made.folder.id.into(),
            messages: vec![AppendMessage {
                message: writer.finish().await.unwrap(),
                flags: Vec::new(),
                internal_date: None,
            }],
        };
        let appended = node.router.ask(&mailbox, request, WITHIN).await.unwrap().unwrap();
        self.share(made.folder.id, node.mailbox.account, letters).await;
        Shared {
            id: made.folder.id,
            name,
            mail: format!("M{:012x}", appended.emails[0].0),
        }
    }
    /// Takes a folder away, with what it is shared with.
    async fn clear(&self, folder: &Shared) {
        let node = &self.place.node;
        self.share(folder.id, node.mailbox.account, "").await;
        let mailbox = MailboxId {
            account: self.ben,
            ..node.mailbox
        };
        let folder = folder.id.into();
        // One that was deleted already, or holds what was made in it, is none to care for.
        let _ = node
            .router
            .ask(&mailbox, DeleteFolder { folder }, WITHIN)
            .await
            .unwrap();
    }
    async fn imap(&self) -> Imap {
        let mut imap = Imap::connect(self.place, &self.port).await;
        imap.say(&format!("LOGIN {USER} {PASSWORD}")).await;
        imap
    }
    async fn jmap(&mut self, method: &str, mut arguments: Value) -> Value {
        arguments["accountId"] = json!(format!("A{:08x}", self.ben.0));
        let calls = json!([[method, arguments, "0"]]);
        self.place.call(&calls.to_string()).await[0][1].clone()
    }

    async fn by_imap(&mut self, action: &str, folder: &Shared) -> bool {
        let mut imap = self.imap().await;
        let name = format!("Users/ben@example.test/Work/{}", folder.name);
        let commands: Vec<String> = match action {
            "see" => {
                let listed = imap.say("LIST \"\" \"Users/*\"").await;
                return listed.iter().any(|line| line.ends_with(&format!("/{}", folder.name)));
            }
            "read" => vec![format!("EXAMINE {name}"), "FETCH 1 BODY.PEEK[]".to_owned()],
            "seen" => vec![format!("SELECT {name}"), "STORE 1 +FLAGS (\\Seen)".to_owned()],
            "flag" => vec![format!("SELECT {name}"), "STORE 1 +FLAGS (\\Flagged)".to_owned()],
            "add" => vec![format!("APPEND {name} {{{}+}}\r\n{MAIL}", MAIL.len())],
            "remove" => vec![
                format!("SELECT {name}"),
                "STORE 1 +FLAGS (\\Deleted)".to_owned(),
                "EXPUNGE".to_owned(),
            ],
            "make" => vec![format!("CREATE {name}/Child")],
            "rename" => vec![format!("RENAME {name} {name}b")],
            "delete" => vec![format!("DELETE {name}")],
            _ => vec![format!("SETACL {name} carl@example.test lr")],
        };
        for command in commands {
            let (_, done) = imap.told(&command).await;
            assert!(!done.starts_with("BAD"), "{command}: {done}");
            if !done.starts_with("OK") {
                return false;
            }
        }
        true
    }

    async fn by_jmap(&mut self, action: &str, folder: &Shared) -> bool {
        let id = format!("F{:08x}", folder.id.0);
        let mail = &folder.mail;
        let set = |patch: Value| json!({"update": {mail: patch}});
        let (method, arguments) = match action {
            "see" => ("Mailbox/get", json!({"ids": [id]})),
            "read" => ("Email/get", json!({"ids": [mail], "properties": ["subject"]})),
            "seen" => ("Email/set", set(json!({"keywords/$seen": true}))),
            "flag" => ("Email/set", set(json!({"keywords/$flagged": true}))),
            "add" => (
                "Email/set",
                json!({"create": {"n": {"mailboxIds": {&id: true}, "subject": "new"}}}),
            ),
            "remove" => ("Email/set", json!({"destroy": [mail]})),
            "make" => (
                "Mailbox/set",
                json!({"create": {"n": {"name": "Child", "parentId": id}}}),
            ),
            "rename" => (
                "Mailbox/set",
                json!({"update": {&id: {"name": format!("{}b", folder.name)}}}),
            ),
            "delete" => ("Mailbox/set", json!({"destroy": [id], "onDestroyRemoveEmails": true})),
            _ => {
                let to = format!("shareWith/P{:012x}", self.carl.0);
                ("Mailbox/set", json!({"update": {&id: {to: {"mayReadItems": true}}}}))
            }
        };
        let answer = self.jmap(method, arguments).await;
        ["list", "updated", "created", "destroyed"].iter().any(|done| {
            let done = &answer[*done];
            done.as_array().is_some_and(|all| !all.is_empty()) || done.as_object().is_some_and(|all| !all.is_empty())
        })
    }
}

async fn on_ground(test: impl AsyncFnOnce(&mut Ground<'_>)) {
    let mut place = Client::start().await;
    let member = async |address: &str| {
        let new = NewAccount::at(Address::try_from(address).unwrap());
        place.node.directory.create_account(&new).await.unwrap().id
    };
    let (ben, carl) = (member("ben@example.test").await, member("carl@example.test").await);
    let port = imap_port(&place).await;
    let mut ground = Ground {
        place: &mut place,
        port,
        ben,
        carl,
        folders: 0,
    };
    test(&mut ground).await;
    drop(ground);
    place.stop().await;
}

#[test]
fn rfc_4314_each_right_opens_the_same_over_imap_and_jmap() {
    hongyan_actor::run(1, async {
        on_ground(async |ground| {
            let each = [
                "l", "lr", "lrs", "lrw", "li", "lk", "lx", "lrt", "lre", "lrte", "la", "lra",
            ];
            for letters in ["lrswikxtea"].into_iter().chain(each) {
                for (action, needed) in ACTIONS {
                    let expect = needed.chars().all(|right| letters.contains(right));
                    let folder = ground.folder(letters).await;
                    let done = ground.by_imap(action, &folder).await;
                    assert_eq!(done, expect, "{action} with {letters:?} over IMAP");
                    ground.clear(&folder).await;
                    let folder = ground.folder(letters).await;
                    let done = ground.by_jmap(action, &folder).await;
                    assert_eq!(done, expect, "{action} with {letters:?} over JMAP");
                    ground.clear(&folder).await;
                }
            }
        })
        .await;
    });
}

#[test]
fn rfc_9670_a_folder_is_shared_with_a_group() {
    hongyan_actor::run(1, async {
        on_ground(async |ground| {
            let own = ground.place.account();
            let directory = ground.place.node.directory.clone();
            let group = NewGroup {
                members: vec![Address::try_from(USER).unwrap(), Address::try_from("ben@example.test").unwrap()],
                ..NewGroup::at(Address::try_from("team@example.test").unwrap())
            };
            let group = directory.create_group(&group).await.unwrap().id;
            let team = format!("G{:012x}", group.0);
            let calls = json!([["Principal/get", {"accountId": own, "ids": [team]}, "0"],
                ["Mailbox/set", {"accountId": own, "update": {"F00000001": {"shareWith": {&team: {"mayReadItems": true}}}}}, "1"],
                ["Mailbox/get", {"accountId": own, "ids": ["F00000001"], "properties": ["shareWith"]}, "2"]]);
            let answer = ground.place.call(&calls.to_string()).await;
            assert_eq!(answer[0][1]["list"][0]["type"], "group", "{answer:#}");
            let shared = &answer[2][1]["list"][0]["shareWith"];
            assert_eq!(shared[&team]["mayReadItems"], true, "{answer:#}");
            let ben = directory.account(ground.ben).await.unwrap().unwrap();
            assert_eq!(directory.folders_open_to(&ben, &[]).await.unwrap().len(), 1);

            // And the other way: what is shared with the group is anna's to see.
            let folder = ground.folder("").await;
            ground.share(folder.id, Sharee::Group(group), "lrs").await;
            assert!(ground.by_jmap("seen", &folder).await && !ground.by_jmap("flag", &folder).await);
            assert!(ground.by_imap("see", &folder).await && !ground.by_imap("flag", &folder).await);
            let member = Address::try_from(USER).unwrap();
            let address = Address::try_from("team@example.test").unwrap();
            directory.remove_member(&address, &member).await.unwrap();
            assert!(!ground.by_jmap("see", &folder).await && !ground.by_imap("see", &folder).await);
        })
        .await;
    });
}

#[test]
fn rfc_4314_nobody_gives_more_than_they_have() {
    hongyan_actor::run(1, async {
        on_ground(async |ground| {
            let folder = ground.folder("lra").await;
            ground.share(folder.id, ground.carl, "lrs").await;
            let name = format!("Users/ben@example.test/Work/{}", folder.name);
            let mut imap = ground.imap().await;
            for rights in ["+w", "lrt", "-s", "lr"] {
                let (_, done) = imap.told(&format!("SETACL {name} carl@example.test {rights}")).await;
                assert!(done.starts_with("NO [NOPERM]"), "{rights}: {done}");
            }
            let (_, done) = imap.told(&format!("DELETEACL {name} carl@example.test")).await;
            assert!(done.starts_with("NO [NOPERM]"), "{done}");
            imap.say(&format!("SETACL {name} carl@example.test +a")).await;
            let acl = imap.say(&format!("GETACL {name}")).await;
            assert!(acl[0].contains("\"carl@example.test\" lrsa"), "{acl:?}");
            assert!(acl[0].contains("\"ben@example.test\" lrswipkxteacd"), "{acl:?}");
            let listed = imap.say(&format!("LISTRIGHTS {name} carl@example.test")).await;
            assert!(listed[0].ends_with(" \"\" l r a"), "{listed:?}");

            let id = format!("F{:08x}", folder.id.0);
            let carl = format!("P{:012x}", ground.carl.0);
            let got = ground.jmap("Mailbox/get", json!({"ids": [id]})).await;
            let of_carl = &got["list"][0]["shareWith"][&carl];
            assert_eq!(
                (&of_carl["mayShare"], &of_carl["maySetSeen"]),
                (&json!(true), &json!(true))
            );
            for (patch, outcome) in [
                (json!({format!("shareWith/{carl}/maySetKeywords"): true}), "forbidden"),
                (json!({format!("shareWith/{carl}/maySetSeen"): false}), "forbidden"),
                (json!({format!("shareWith/{carl}"): null}), "forbidden"),
                (
                    json!({"shareWith": {&carl: {"mayRename": true, "mayDelete": false}}}),
                    "invalidProperties",
                ),
                (json!({"shareWith": {&carl: {"maySubmit": true}}}), "invalidProperties"),
                (json!({"sortOrder": 3}), "forbidden"),
                (json!({format!("shareWith/{carl}/mayShare"): false}), "done"),
            ] {
                let answer = ground
                    .jmap("Mailbox/set", json!({"update": {&id: patch.clone()}}))
                    .await;
                let error = answer["notUpdated"][&id]["type"].as_str().unwrap_or("done");
                assert_eq!(error, outcome, "{patch}: {answer:#}");
            }
        })
        .await;
    });
}

#[test]
fn rfc_4314_a_folder_that_is_made_in_a_shared_one_is_shared_alike() {
    hongyan_actor::run(1, async {
        on_ground(async |ground| {
            let folder = ground.folder("lrswikxte").await;
            ground.share(folder.id, ground.carl, "lr").await;
            let name = format!("Users/ben@example.test/Work/{}", folder.name);
            let mut imap = ground.imap().await;
            imap.say(&format!("CREATE {name}/A")).await;
            let rights = imap.say(&format!("MYRIGHTS {name}/A")).await;
            assert!(rights[0].ends_with(" lrswipkxtecd"), "{rights:?}");
            let new = json!({"name": "B", "parentId": format!("F{:08x}", folder.id.0)});
            let made = ground.jmap("Mailbox/set", json!({"create": {"b": new}})).await;
            let b = made["created"]["b"]["id"].as_str().unwrap().to_owned();
            assert_eq!(made["created"]["b"]["myRights"]["mayDelete"], true, "{made:#}");
            let shares = ground.place.node.directory.folder_shares_of(ground.ben).await.unwrap();
            let of_carl = shares.iter().filter(|share| share.to == Sharee::Account(ground.carl));
            let rights: Vec<String> = of_carl.map(|share| share.rights.to_string()).collect();
            assert_eq!(rights, ["lr", "lr", "lr"]);
            // Nothing is made or moved where there is no right to: neither outside nor at the top.
            for command in [
                "CREATE Users/ben@example.test/Top".to_owned(),
                "CREATE Users/ben@example.test/Work/Top".to_owned(),
                format!("CREATE {name}/A/B/C"),
                format!("RENAME {name}/A Users/ben@example.test/Top"),
            ] {
                let (_, done) = imap.told(&command).await;
                assert!(done.starts_with("NO "), "{command}: {done}");
            }
            imap.say(&format!("RENAME {name}/A {name}/A2")).await;
            let moved = json!({"update": {&b: {"parentId": null}}});
            let answer = ground.jmap("Mailbox/set", moved).await;
            assert_eq!(answer["notUpdated"][&b]["type"], "forbidden", "{answer:#}");
            let made = ground
                .jmap("Mailbox/set", json!({"create": {"t": {"name": "Top"}}}))
                .await;
            assert_eq!(made["notCreated"]["t"]["type"], "forbidden", "{made:#}");
            // What holds others does not go.
            let (_, done) = imap.told(&format!("DELETE {name}")).await;
            assert!(done.starts_with("NO [HASCHILDREN]"), "{done}");
            imap.say(&format!("DELETE {name}/A2")).await;
            let answer = ground.jmap("Mailbox/set", json!({"destroy": [&b]})).await;
            assert_eq!(answer["destroyed"], json!([b]), "{answer:#}");
            let left = ground.place.node.directory.folder_shares_of(ground.ben).await.unwrap();
            assert_eq!(left.len(), 2);
        })
        .await;
    });
}
