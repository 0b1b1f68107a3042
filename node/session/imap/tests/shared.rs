//! Mailboxes of others over IMAP: seen, worked in and lost by those who may use them.

mod support;

use hongyan_directory::{
    AccountKind, FolderNumber, GrantRights, Grantee, NewAccount, NewFolderShares, NewGrant, Sending, ShareNotices,
};
use hongyan_env::Stream;
use hongyan_mailbox::ListFolders;
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
        assert_eq!(rights, ["* MYRIGHTS INBOX lrswipkxtea"]);
        let acl = told(&mut client, &format!("GETACL \"{INFO}/INBOX\"")).await;
        assert!(
            acl[0].contains("anna@example.test") && acl[0].ends_with("lrswikxte"),
            "{acl:?}"
        );
        refused(&mut client, &format!("SETACL \"{INFO}/INBOX\" ben lrs")).await;
        refused(&mut client, "MYRIGHTS Shared/ben@example.test/INBOX").await;
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
                rights: vec![(ben.id, FolderRights::read("lr").unwrap())],
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
