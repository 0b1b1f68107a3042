//! Mailboxes of others over IMAP: seen, worked in and lost by those who may use them.

mod support;

use hongyan_directory::{
    AccountKind, FolderNumber, GrantRights, Grantee, NewAccount, NewFolderShares, NewGrant, NewGroup, Sending,
    ShareNotices,
};
use hongyan_env::Stream;
use hongyan_mailbox::{CreateFolder, FolderPath, ListFolders, MailboxId};
use hongyan_types::{AccountId, Address, FolderRights};
use support::{Client, Node, Options, WITHIN};

const INFO: &str = "Shared/info@example.test";
const MAIL: &[u8] = b"From: x@far.test\r\nSubject: question\r\n\r\nWhen?\r\n";
const READ: GrantRights = GrantRights {
    read: true,
    write: false,
    send: Sending::No,
};

fn on_node(test: impl AsyncFnOnce(&Node)) {
    hongyan_actor::run(0, async {
        let node = Node::start(Options::default()).await;
        test(&node).await;
        node.stop().await;
    });
}

/// Another account, open to anna with these rights.
async fn open(node: &Node, local: &str, kind: AccountKind, rights: GrantRights) -> AccountId {
    let address = Address::try_from(format!("{local}@example.test").as_str()).unwrap();
    let account = match node.directory.account_at(&address).await {
        Ok(account) => account.id,
        Err(_) => {
            let new = NewAccount {
                kind,
                ..NewAccount::at(address)
            };
            node.directory.create_account(&new).await.unwrap().id
        }
    };
    let grant = NewGrant {
        account,
        to: Grantee::Account(node.mailbox.account),
        rights,
        until: None,
    };
    node.directory.grant(&grant).await.unwrap();
    account
}

async fn refused(client: &mut Client<Stream>, command: &str) -> String {
    let answer = client.ask(command).await.pop().unwrap();
    assert!(answer.contains(" NO "), "{command}: {answer}");
    answer
}

/// The untagged lines that a command leads to.
async fn told(client: &mut Client<Stream>, command: &str) -> Vec<String> {
    let mut lines = client.ok(command).await;
    lines.pop();
    lines
}

#[test]
fn sbx_9_a_shared_mailbox_is_found_beside_the_own() {
    on_node(async |node| {
        let mut client = node.login().await;
        assert_eq!(
            told(&mut client, "NAMESPACE").await,
            ["* NAMESPACE ((\"\" \"/\")) NIL NIL"]
        );
        open(node, "info", AccountKind::Shared, GrantRights::FULL).await;
        open(node, "boss", AccountKind::Member, READ).await;
        assert_eq!(
            told(&mut client, "NAMESPACE").await,
            ["* NAMESPACE ((\"\" \"/\")) ((\"Users/\" \"/\")) ((\"Shared/\" \"/\"))"]
        );
        let listed = told(&mut client, "LIST \"\" \"*\"").await;
        for line in [
            "* LIST (\\Noselect \\HasChildren) \"/\" Shared",
            "* LIST (\\Noselect \\HasChildren) \"/\" Shared/info@example.test",
            "* LIST (\\HasNoChildren) \"/\" Shared/info@example.test/INBOX",
            "* LIST (\\HasNoChildren) \"/\" Users/boss@example.test/Sent",
        ] {
            let plain = |listed: &String| listed.replace("\"Shared", "Shared").replace("\"Users", "Users");
            let found = listed.iter().any(|listed| plain(listed).trim_end_matches('"') == line);
            assert!(found, "{line}: {listed:?}");
        }
        let top = told(&mut client, "LIST \"\" \"%\"").await;
        assert!(top.iter().any(|line| line.contains("Shared")) && !top.iter().any(|line| line.contains("info@")));
        client.ok(&format!("SUBSCRIBE \"{INFO}/INBOX\"")).await;
        let subscribed = told(&mut client, "LIST (SUBSCRIBED) \"\" \"Shared/*\"").await;
        let inbox = |line: &&String| line.contains("info@example.test/INBOX");
        let subscribed = subscribed.iter().find(inbox).unwrap();
        assert!(subscribed.contains("\\Subscribed") && !subscribed.contains("NonExistent"));
        let lsub = told(&mut client, "LSUB \"\" \"Shared/*\"").await;
        assert!(lsub.iter().any(|line| inbox(&line)), "{lsub:?}");
        client.ok(&format!("UNSUBSCRIBE \"{INFO}/INBOX\"")).await;
        let lsub = told(&mut client, "LSUB \"\" \"Shared/*\"").await;
        assert!(!lsub.iter().any(|line| inbox(&line)), "{lsub:?}");
        let rights = told(&mut client, "MYRIGHTS \"Users/BOSS@example.test/inbox\"").await;
        assert!(rights[0].ends_with(" lr"), "{rights:?}");
        let rights = told(&mut client, "MYRIGHTS INBOX").await;
        assert_eq!(rights, ["* MYRIGHTS INBOX lrswipkxteacd"]);
        let acl = told(&mut client, &format!("GETACL \"{INFO}/INBOX\"")).await;
        assert!(
            acl[0].contains("anna@example.test") && acl[0].ends_with("lrswipkxtecd"),
            "{acl:?}"
        );
        refused(&mut client, &format!("SETACL \"{INFO}/INBOX\" ben lrs")).await;
        refused(&mut client, "MYRIGHTS Shared/ben@example.test/INBOX").await;
    });
}

#[test]
fn where_mailboxes_of_others_are_no_own_folder_begins() {
    on_node(async |node| {
        let mut client = node.login().await;
        client.ok("CREATE Plans").await;
        for command in [
            "CREATE Users/boss@example.test/Plans",
            "CREATE Shared/info@example.test",
            "RENAME Plans Users/boss@example.test/Plans",
        ] {
            let answer = refused(&mut client, command).await;
            assert!(answer.contains("[CANNOT]"), "{command}: {answer}");
        }
        open(node, "boss", AccountKind::Member, GrantRights::FULL).await;
        client.ok("CREATE Users/boss@example.test/Plans").await;
        // An own folder of the name was there first, and goes on.
        client.ok("CREATE Shared").await;
        client.ok("CREATE Shared/Letters").await;
        client.ok("RENAME Plans Shared/Plans").await;
        let listed = told(&mut client, "LIST \"\" \"Shared/*\"").await;
        assert_eq!(listed.len(), 2, "{listed:?}");
    });
}

#[test]
fn sbx_mail_is_read_answered_and_moved_between_mailboxes() {
    on_node(async |node| {
        open(node, "info", AccountKind::Shared, GrantRights::FULL).await;
        let mut client = node.login().await;
        let mut other = node.login().await;
        let inbox = format!("\"{INFO}/INBOX\"");
        for _ in 0..2 {
            let appended = client.append(&inbox, MAIL).await;
            assert!(appended.contains("APPENDUID"), "{appended}");
        }
        let status = told(&mut client, &format!("STATUS {inbox} (MESSAGES UNSEEN)")).await;
        assert!(status[0].ends_with("(MESSAGES 2 UNSEEN 2)"), "{status:?}");
        other.ok(&format!("SELECT {inbox}")).await;
        client.ok(&format!("SELECT {inbox}")).await;
        let body = told(&mut client, "UID FETCH 1 BODY[TEXT]").await;
        assert!(body.iter().any(|line| line.contains("When?")), "{body:?}");
        let seen = told(&mut other, "NOOP").await;
        assert!(
            seen.iter().any(|line| line.contains("\\Seen")),
            "the read state is common: {seen:?}"
        );
        client.ok("UID STORE 1 +FLAGS (\\Answered todo)").await;
        let copied = client.ok("UID COPY 1 INBOX").await;
        assert!(copied[0].contains("COPYUID"), "{copied:?}");
        let moved = told(&mut client, "UID MOVE 2 Archive").await;
        assert!(moved.iter().any(|line| line.contains("COPYUID")), "{moved:?}");
        assert!(moved.iter().any(|line| line == "* 2 EXPUNGE"), "{moved:?}");
        client.ok("CREATE \"Shared/info@example.test/Cases\"").await;
        refused(&mut client, "RENAME \"Shared/info@example.test/Cases\" Mine").await;
        client.ok("SELECT INBOX").await;
        let mine = told(&mut client, "FETCH 1 (FLAGS INTERNALDATE)").await;
        assert!(mine[0].contains("\\Answered") && mine[0].contains("todo"), "{mine:?}");
        client.ok("UID COPY 1 \"Shared/info@example.test/Cases\"").await;
        refused(&mut client, "UID COPY 1 \"Shared/info@example.test/None\"").await;
        let status = told(&mut client, &format!("STATUS \"{INFO}/Cases\" (MESSAGES)")).await;
        assert!(status[0].ends_with("(MESSAGES 1)"), "{status:?}");
        let root = told(&mut client, &format!("GETQUOTAROOT {inbox}")).await;
        assert!(root[0].contains("info@example.test/"), "{root:?}");
        client.ok("DELETE \"Shared/info@example.test/Cases\"").await;
    });
}

#[test]
fn sbx_who_may_only_read_changes_nothing() {
    on_node(async |node| {
        open(node, "info", AccountKind::Shared, GrantRights::FULL).await;
        let mut client = node.login().await;
        let inbox = format!("\"{INFO}/INBOX\"");
        client.append(&inbox, MAIL).await;
        open(node, "info", AccountKind::Shared, READ).await;
        let selected = client.ok(&format!("SELECT {inbox}")).await;
        assert!(selected.last().unwrap().contains("[READ-ONLY]"), "{selected:?}");
        client.ok("FETCH 1 BODY[]").await;
        for command in [
            "STORE 1 +FLAGS (\\Seen)",
            "EXPUNGE",
            "MOVE 1 Archive",
            "CREATE \"Shared/info@example.test/New\"",
            "DELETE \"Shared/info@example.test/Archive\"",
            "COPY 1 \"Shared/info@example.test/Archive\"",
        ] {
            refused(&mut client, command).await;
        }
        assert!(client.append(&inbox, MAIL).await.contains(" NO "));
        client.ok("COPY 1 INBOX").await;
        let status = told(&mut client, &format!("STATUS {inbox} (MESSAGES UNSEEN)")).await;
        assert!(status[0].ends_with("(MESSAGES 1 UNSEEN 1)"), "{status:?}");
    });
}

#[test]
fn sbx_8_who_is_no_longer_allowed_loses_it_at_once() {
    on_node(async |node| {
        let info = open(node, "info", AccountKind::Shared, GrantRights::FULL).await;
        let (mut idling, mut working) = (node.login().await, node.login().await);
        for client in [&mut idling, &mut working] {
            client.ok(&format!("SELECT \"{INFO}/INBOX\"")).await;
        }
        idling.send(b"i IDLE\r\n").await;
        assert!(idling.line().await.starts_with("+ "));
        let from = Grantee::Account(node.mailbox.account);
        node.directory.withdraw(info, from).await.unwrap();
        let told = idling.line().await;
        assert!(told.starts_with("* BYE") && told.contains("no longer open"), "{told}");
        let told = working.ask("FETCH 1 BODY[]").await;
        assert!(told[0].starts_with("* BYE"), "{told:?}");
        let mut again = node.login().await;
        refused(&mut again, &format!("SELECT \"{INFO}/INBOX\"")).await;
        again.ok("SELECT INBOX").await;
    });
}

#[test]
fn rfc_9670_a_folder_is_shared_whatever_it_is_called_until_it_is_deleted() {
    on_node(async |node| {
        let new = NewAccount::at(Address::try_from("ben@example.test").unwrap());
        let ben = node.directory.create_account(&new).await.unwrap();
        let mut client = node.login().await;
        client.ok("CREATE Plans").await;
        client.ok("CREATE Other").await;
        let listed = node
            .router
            .ask(&node.mailbox, ListFolders, WITHIN)
            .await
            .unwrap()
            .unwrap();
        let owner = node.directory.account(node.mailbox.account).await.unwrap().unwrap();
        for name in ["Plans", "Other"] {
            let folder = listed.folders.iter().find(|folder| folder.path.as_str() == name);
            let shares = NewFolderShares {
                account: owner.id,
                folder: FolderNumber(folder.unwrap().id.0),
                path: name.to_owned(),
                rights: vec![(ben.id.into(), FolderRights::read("lr").unwrap())],
            };
            node.directory.share_folder(&owner, &shares).await.unwrap();
        }
        let before = node.directory.folder_shares_of(owner.id).await.unwrap();
        client.ok("RENAME Plans Work/Later").await;
        assert_eq!(node.directory.folder_shares_of(owner.id).await.unwrap(), before);
        refused(&mut client, "DELETE Work").await;
        assert_eq!(node.directory.folder_shares_of(owner.id).await.unwrap(), before);
        client.ok("DELETE Work/Later").await;
        let left = node.directory.folder_shares_of(owner.id).await.unwrap();
        assert_eq!((left.len(), left.first()), (1, before.get(1)));
        let mut transaction = node.database.begin();
        let told = ShareNotices::of(ben.id).all(&mut transaction).await.unwrap();
        let names: Vec<&str> = told.iter().map(|(_, notice)| notice.name.as_str()).collect();
        assert_eq!(names, ["Plans", "Other", "Later"]);
    });
}

/// Another member.
async fn member(node: &Node, local: &str) -> AccountId {
    let address = Address::try_from(format!("{local}@example.test").as_str()).unwrap();
    node.directory
        .create_account(&NewAccount::at(address))
        .await
        .unwrap()
        .id
}

#[test]
fn rfc_4314_owners_say_who_may_do_what_with_a_folder() {
    on_node(async |node| {
        member(node, "ben").await;
        member(node, "carl").await;
        let mut client = node.login().await;
        client.ok("CREATE Plans").await;
        let acl = async |client: &mut Client<Stream>| told(client, "GETACL Plans").await.remove(0);
        client.ok("SETACL Plans ben@example.test lr").await;
        client.ok("SETACL Plans ben@example.test +i").await;
        // What has to come with it is told.
        let more = told(&mut client, "SETACL Plans CARL@example.test d").await;
        let own = "* ACL Plans \"anna@example.test\" lrswipkxteacd";
        let all = format!("{own} \"ben@example.test\" lrip \"carl@example.test\" lrted");
        assert_eq!(more, [all.as_str()]);
        assert_eq!(acl(&mut client).await, all);
        client.ok("SETACL Plans carl@example.test -te").await;
        client.ok("SETACL Plans ben@example.test -p").await;
        let all = format!("{own} \"ben@example.test\" lr \"carl@example.test\" lr");
        assert_eq!(acl(&mut client).await, all);
        client.ok("SETACL Plans carl@example.test \"\"").await;
        client.ok("SETACL Plans ben@example.test c").await;
        assert_eq!(acl(&mut client).await, format!("{own} \"ben@example.test\" lkxc"));
        client.ok("DELETEACL Plans ben@example.test").await;
        client.ok("DELETEACL Plans ben@example.test").await;
        // A group is named by its address too.
        let team = NewGroup::at(Address::try_from("team@example.test").unwrap());
        node.directory.create_group(&team).await.unwrap();
        client.ok("SETACL Plans team@example.test lrs").await;
        assert_eq!(acl(&mut client).await, format!("{own} \"team@example.test\" lrs"));
        client.ok("DELETEACL Plans team@example.test").await;
        assert_eq!(acl(&mut client).await, own);
        assert_eq!(node.directory.folder_shares_of(node.mailbox.account).await.unwrap(), []);
        for (command, answer) in [
            ("LISTRIGHTS Plans ben@example.test", "\"\" l r s w ip k x t e a c d"),
            ("LISTRIGHTS Plans anna@example.test", "lrswipkxteacd"),
        ] {
            let listed = told(&mut client, command).await;
            assert!(listed[0].ends_with(answer), "{listed:?}");
        }
        for (command, code) in [
            ("SETACL Plans eve@example.test lr", "NONEXISTENT"),
            ("SETACL Plans anyone lr", "NONEXISTENT"),
            ("SETACL Plans -ben@example.test lr", "CANNOT"),
            ("SETACL Plans anna@example.test lr", "CANNOT"),
            ("SETACL None ben@example.test lr", "NONEXISTENT"),
            ("DELETEACL Plans eve@example.test", "NONEXISTENT"),
            ("LISTRIGHTS Plans eve@example.test", "NONEXISTENT"),
        ] {
            let answer = refused(&mut client, command).await;
            assert!(answer.contains(code), "{command}: {answer}");
        }
        let answer = client.ask("SETACL Plans ben@example.test lrq").await.pop().unwrap();
        assert!(answer.contains(" BAD "), "{answer}");
    });
}

/// A folder of somebody's with a mail, shared with anna.
async fn shared_folder(node: &Node, owner: AccountId, path: &str, letters: &str) -> FolderNumber {
    let mailbox = MailboxId {
        account: owner,
        ..node.mailbox
    };
    let listed = node.router.ask(&mailbox, ListFolders, WITHIN).await.unwrap().unwrap();
    let found = listed.folders.iter().find(|folder| folder.path.as_str() == path);
    let folder = match found {
        Some(folder) => folder.id,
        None => {
            let request = CreateFolder {
                path: FolderPath::try_from(path).unwrap(),
                special_use: None,
            };
            let made = node.router.ask(&mailbox, request, WITHIN).await.unwrap().unwrap();
            made.folder.id
        }
    };
    let shares = NewFolderShares {
        account: owner,
        folder: FolderNumber(folder.0),
        path: path.to_owned(),
        rights: vec![(node.mailbox.account.into(), FolderRights::read(letters).unwrap())],
    };
    let owner = node.directory.account(owner).await.unwrap().unwrap();
    node.directory.share_folder(&owner, &shares).await.unwrap();
    FolderNumber(folder.0)
}

#[test]
fn rfc_4314_of_a_shared_folder_there_is_the_folder_and_what_is_in_it() {
    on_node(async |node| {
        let ben = member(node, "ben").await;
        let plans = "\"Users/ben@example.test/Work/Plans\"";
        shared_folder(node, ben, "Work/Plans", "lrswite").await;
        let mut client = node.login().await;
        let namespace = told(&mut client, "NAMESPACE").await;
        assert!(namespace[0].contains("Users/"), "{namespace:?}");
        let listed = told(&mut client, "LIST \"\" \"Users/ben@example.test/*\"").await;
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert!(listed[0].contains("Work/Plans"), "{listed:?}");
        assert!(client.append(plans, MAIL).await.contains("APPENDUID"));
        // Each says for themselves whether they want to see it.
        client.ok(&format!("SUBSCRIBE {plans}")).await;
        let listed = told(&mut client, "LIST (SUBSCRIBED) \"\" \"Users/*\"").await;
        assert!(listed.iter().any(|line| line.contains("Work/Plans")), "{listed:?}");
        client.ok(&format!("UNSUBSCRIBE {plans}")).await;
        let listed = told(&mut client, "LIST (SUBSCRIBED) \"\" \"Users/*\"").await;
        assert_eq!(listed, [""; 0]);
        for command in [
            "STATUS \"Users/ben@example.test/INBOX\" (MESSAGES)",
            "SELECT \"Users/ben@example.test/Work\"",
            "CREATE \"Users/ben@example.test/Mine\"",
            "COPY 1 \"Users/ben@example.test/INBOX\"",
        ] {
            client.ask("SELECT INBOX").await;
            let answer = client.ask(command).await.pop().unwrap();
            assert!(!answer.contains(" OK "), "{command}: {answer}");
        }

        // RFC 4314 §5.1.1: what may be changed is told, and what may not be is left out.
        for (letters, flags, mode) in [
            ("lr", "[PERMANENTFLAGS ()]", "[READ-ONLY]"),
            ("lrs", "[PERMANENTFLAGS (\\Seen)]", "[READ-WRITE]"),
            ("lri", "[PERMANENTFLAGS ()]", "[READ-WRITE]"),
            ("lrkxa", "[PERMANENTFLAGS ()]", "[READ-ONLY]"),
        ] {
            shared_folder(node, ben, "Work/Plans", "").await;
            shared_folder(node, ben, "Work/Plans", letters).await;
            let selected = client.ok(&format!("SELECT {plans}")).await;
            assert!(
                selected.iter().any(|line| line.contains(flags)),
                "{letters}: {selected:?}"
            );
            assert!(selected.last().unwrap().contains(mode), "{letters}: {selected:?}");
            // Reading marks nothing where that is not allowed, and fails for nobody.
            client.ok("FETCH 1 BODY[TEXT]").await;
            client.ok("CLOSE").await;
        }
        shared_folder(node, ben, "Work/Plans", "lrwi").await;
        client.ok(&format!("SELECT {plans}")).await;
        client.ok("FETCH 1 BODY[TEXT]").await;
        let stored = told(&mut client, "STORE 1 +FLAGS (\\Deleted \\Flagged)").await;
        assert!(
            stored[0].contains("\\Flagged") && !stored[0].contains("\\Deleted"),
            "{stored:?}"
        );
        let answer = refused(&mut client, "MOVE 1 INBOX").await;
        assert!(answer.contains("NOPERM"), "{answer}");
        client.ok("COPY 1 INBOX").await;
        // Taken back, it is gone at once.
        shared_folder(node, ben, "Work/Plans", "").await;
        let gone = client.ask("FETCH 1 FLAGS").await;
        assert!(gone[0].starts_with("* BYE"), "{gone:?}");
    });
}
