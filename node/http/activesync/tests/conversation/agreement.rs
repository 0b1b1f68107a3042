//! A phone and a mail client over IMAP on the same mailbox, each over its own protocol: they agree.

use hongyan_env::Stream;
use hongyan_session_imap::{ImapService, ImapServices, ImapSettings, LoginWithoutTls};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::*;

/// A client that says a command and gets the lines up to the tagged one.
struct Imap(BufReader<Stream>);

async fn imap_port(phone: &Phone) -> Listener {
    let node = &phone.node;
    let services = ImapServices {
        env: node.env.clone(),
        database: node.database.clone(),
        blobs: node.blobs.clone(),
        router: node.router.clone(),
        access: node.access.clone(),
        directory: node.directory.clone(),
    };
    let settings = ImapSettings {
        login_without_tls: LoginWithoutTls::Always,
        ..ImapSettings::default()
    };
    node.listen(ImapService::new(services, settings), TlsMode::Never).await
}

impl Imap {
    async fn login(phone: &Phone, port: &Listener) -> Self {
        let stream = phone.node.env.connect(port.local_address()).await.unwrap();
        let mut imap = Self(BufReader::new(stream));
        imap.line().await;
        imap.ask(&format!("LOGIN {USER} {PASSWORD}")).await;
        imap
    }
    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        assert!(!line.is_empty(), "the connection ended");
        line.trim_end().to_owned()
    }
    async fn ask(&mut self, command: &str) -> Vec<String> {
        self.0.write_all(format!("a {command}\r\n").as_bytes()).await.unwrap();
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            if let Some(end) = line.strip_prefix("a ") {
                assert!(end.starts_with("OK"), "{command}: {line}");
                return lines;
            }
            lines.push(line);
        }
    }
    /// UIDs of a folder that meet a condition.
    async fn found(&mut self, folder: &str, condition: &str) -> String {
        self.ask(&format!("SELECT {folder}")).await;
        let lines = self.ask(&format!("UID SEARCH {condition}")).await;
        let found = lines.iter().find_map(|line| line.strip_prefix("* SEARCH"));
        found.unwrap_or_else(|| panic!("{lines:?}")).trim().to_owned()
    }
}

/// What a Sync tells of a message: whether it is read, and whether it is flagged.
fn marks(collection: &Element, id: &str) -> (Option<bool>, Option<bool>) {
    let commands = collection.child(air_sync::COMMANDS).unwrap();
    let is_meant = |command: &&Element| command.text_of(air_sync::SERVER_ID) == Some(id);
    let data = commands.elements().find(is_meant).unwrap();
    let data = data.child(air_sync::APPLICATION_DATA).unwrap();
    let flag = data
        .child(email::FLAG)
        .map(|flag| flag.text_of(email::STATUS) == Some("2"));
    (data.text_of(email::READ).map(|read| read == "1"), flag)
}

fn changed(id: &str, read: &str, flag: &str) -> Element {
    let flag = Element::new(email::FLAG).text(email::STATUS, flag);
    let data = Element::new(air_sync::APPLICATION_DATA)
        .text(email::READ, read)
        .with(flag);
    Element::new(air_sync::CHANGE).text(air_sync::SERVER_ID, id).with(data)
}

#[test]
fn acc_4_a_phone_and_a_mail_client_see_the_same_flags() {
    run(async {
        let phone = Phone::ready().await;
        let port = imap_port(&phone).await;
        let mut imap = Imap::login(&phone, &port).await;
        for _ in 0..3 {
            phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 1).await;
        }
        let first = phone.sync(asked(&phone.begin("0").await)).await.unwrap();
        assert_eq!(told(&first).len(), 3);
        assert_eq!(marks(&first, "1:2"), (Some(false), Some(false)));
        // What the mail client marks the phone is told, and nothing else.
        imap.ask("SELECT INBOX").await;
        imap.ask("UID STORE 2 +FLAGS (\\Seen \\Flagged)").await;
        let second = phone.sync(asked(&key(&first))).await.unwrap();
        assert_eq!(told(&second), ["Change 1:2"]);
        assert_eq!(marks(&second, "1:2"), (Some(true), Some(true)));
        imap.ask("UID STORE 2 -FLAGS (\\Seen \\Flagged)").await;
        let third = phone.sync(asked(&key(&second))).await.unwrap();
        assert_eq!(marks(&third, "1:2"), (Some(false), Some(false)));
        // What the phone marks the mail client finds.
        let commands = Element::new(air_sync::COMMANDS)
            .with(changed("1:1", "1", "2"))
            .with(changed("1:3", "1", "0"));
        let fourth = phone.sync(asked(&key(&third)).with(commands)).await.unwrap();
        assert_eq!(told(&fourth), Vec::<String>::new());
        assert_eq!(imap.found("INBOX", "SEEN").await, "1 3");
        assert_eq!(imap.found("INBOX", "FLAGGED").await, "1");
        let commands = Element::new(air_sync::COMMANDS).with(changed("1:1", "0", "0"));
        let fifth = phone.sync(asked(&key(&fourth)).with(commands)).await.unwrap();
        assert_eq!(imap.found("INBOX", "SEEN").await, "3");
        assert_eq!(imap.found("INBOX", "FLAGGED").await, "");
        assert_eq!(phone.sync(asked(&key(&fifth))).await, None);
        drop(port);
        phone.stop().await;
    });
}

#[test]
fn acc_4_what_goes_or_moves_on_one_side_goes_and_moves_on_the_other() {
    run(async {
        let phone = Phone::ready().await;
        let port = imap_port(&phone).await;
        let mut imap = Imap::login(&phone, &port).await;
        for _ in 0..5 {
            phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 1).await;
        }
        let first = phone.sync(asked(&phone.begin("0").await)).await.unwrap();
        assert_eq!(told(&first).len(), 5);
        // Expunged, and moved away, by the mail client.
        imap.ask("SELECT INBOX").await;
        imap.ask("UID STORE 1 +FLAGS (\\Deleted)").await;
        imap.ask("EXPUNGE").await;
        imap.ask("UID MOVE 2 Junk").await;
        let second = phone.sync(asked(&key(&first))).await.unwrap();
        assert_eq!(told(&second), ["Delete 1:1", "Delete 1:2"]);
        // Deleted for good, deleted to Trash, and moved away, by the phone.
        let delete = |id: &str| {
            let delete = Element::new(air_sync::DELETE).text(air_sync::SERVER_ID, id);
            Element::new(air_sync::COMMANDS).with(delete)
        };
        let for_good = asked(&key(&second))
            .text(air_sync::DELETES_AS_MOVES, "0")
            .with(delete("1:3"));
        let third = phone.sync(for_good).await.unwrap();
        assert_eq!(imap.found("INBOX", "ALL").await, "4 5");
        let to_trash = asked(&key(&third)).with(delete("1:4"));
        assert_eq!(told(&phone.sync(to_trash).await.unwrap()), Vec::<String>::new());
        assert_eq!(imap.found("INBOX", "ALL").await, "5");
        assert_eq!(imap.found("Trash", "ALL").await, "1");
        let all = phone.folders("0").await;
        let changes = all.child(folder_hierarchy::CHANGES).unwrap();
        let is_junk = |add: &&Element| add.text_of(folder_hierarchy::DISPLAY_NAME) == Some("Junk");
        let junk = changes.children(folder_hierarchy::ADD).find(is_junk).unwrap();
        let junk = junk.text_of(folder_hierarchy::SERVER_ID).unwrap();
        let wanted = Element::new(move_items::MOVE)
            .text(move_items::SRC_MSG_ID, "1:5")
            .text(move_items::SRC_FLD_ID, "1")
            .text(move_items::DST_FLD_ID, junk);
        let moved = phone
            .ask("MoveItems", &Element::new(move_items::MOVE_ITEMS).with(wanted))
            .await;
        let moved = moved
            .child(move_items::RESPONSE)
            .unwrap()
            .text_of(move_items::DST_MSG_ID);
        assert_eq!(moved, Some(format!("{junk}:2").as_str()));
        assert_eq!(imap.found("INBOX", "ALL").await, "");
        assert_eq!(imap.found("Junk", "ALL").await, "1 2");
        // FolderSync from the top forgot where the phone was; anew it has what the mail client has: nothing in the inbox.
        let begun = phone.begin("0").await;
        assert_eq!(phone.sync(asked(&begun)).await, None);
        drop(port);
        phone.stop().await;
    });
}
