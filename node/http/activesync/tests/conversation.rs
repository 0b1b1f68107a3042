//! Whole conversations of a phone over the real entry, built from WBXML.

use std::sync::Arc;

use base64::Engine;
use hongyan_access::{NewAppPassword, Protocol};
use hongyan_activesync::command::find::{FindQuery, FindRequest, FindResponse, FindResult};
use hongyan_activesync::command::folder_create::FolderCreateRequest;
use hongyan_activesync::command::folder_delete::FolderDeleteRequest;
use hongyan_activesync::command::folder_sync::FolderType;
use hongyan_activesync::command::folder_update::FolderUpdateRequest;
use hongyan_activesync::command::get_item_estimate::{
    EstimateCollection, EstimateStatus, GetItemEstimateRequest, GetItemEstimateResponse,
};
use hongyan_activesync::command::item_operations::{
    AttachmentData, FetchSource, Fetched, ItemFetch, ItemOperation, ItemOperationsRequest, ItemOperationsResponse,
    ItemOutcome, ItemStatus, OctetRange, parts,
};
use hongyan_activesync::command::meeting_response::{MeetingResponseRequest, MeetingResponseResponse, MeetingStatus};
use hongyan_activesync::command::ping::{PingFolder, PingRequest};
use hongyan_activesync::command::resolve_recipients::{
    ResolveRecipientsRequest, ResolveRecipientsResponse, ResolveStatus,
};
use hongyan_activesync::command::search::{
    MailQuery, ResultRange, SearchQuery, SearchRequest, SearchResponse, SearchResult, SearchStatus,
};
use hongyan_activesync::command::send_mail::SendMailRequest;
use hongyan_activesync::command::settings::{
    Oof, OofAudience, OofMessage, OofRequest, OofState, SettingsRequest, SettingsResponse, SettingsStatus,
};
use hongyan_activesync::command::sync::MailForm;
use hongyan_activesync::command::validate_cert::{CertificateStatus, ValidateCertRequest, ValidateCertResponse};
use hongyan_activesync::page::{
    air_sync, air_sync_base, compose_mail, email, folder_hierarchy, item_operations, move_items, ping, provision,
    settings,
};
use hongyan_activesync::{Element, ProtocolVersion, RequestLine, WbxmlLimits, request_line, wbxml};
use hongyan_actor::EntityOptions;
use hongyan_delivery::{Delivery, DeliveryParts, DeliverySettings};
use hongyan_directory::{
    AccountChange, AccountSettings, DepartmentId, DisplayNames, Field, NewAccount, NewDepartment, NewGroup,
    OrganisationPage, Profile, SignInPolicy, Visibility,
};
use hongyan_http_activesync::{ActiveSyncServices, ActiveSyncSettings, Devices, Wipe, routes};
use hongyan_http_front::{Front, FrontParts, FrontSettings};
use hongyan_listener::{Listener, TlsMode};
use hongyan_mailbox::{FlagAction, FolderRef, FolderView, ListFolders, OpenFolder, SpecialUse, StoreFlags};
use hongyan_miniature::{Miniature, Options, PASSWORD, USER, WITHIN};
use hongyan_queue::{Alone, QueueEntity, QueueServices, RetrySchedule};
use hongyan_types::{Address, Domain, Flag, SystemFlag, UidSet};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

#[path = "conversation/agreement.rs"]
mod agreement;
#[path = "conversation/commands.rs"]
mod commands;
#[path = "conversation/limits.rs"]
mod limits;

const MAIL: &str = "From: Bob <bob@far.test>\r\nTo: anna@example.test\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>One &amp; two</p>\r\n\
    --x\r\nContent-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nfile\r\n--x--\r\n";

/// A phone.
struct Phone {
    node: Miniature,
    listener: Listener,
    device: &'static str,
    version: &'static str,
    password: String,
    key: u32,
}

impl Phone {
    async fn start() -> Self {
        Self::start_with(ActiveSyncSettings::default()).await
    }
    async fn start_with(limits: ActiveSyncSettings) -> Self {
        let node = Miniature::start(&Options::default()).await;
        let delivery = Delivery::new(DeliveryParts {
            env: node.env.clone(),
            mailboxes: Arc::new(node.router.clone()),
            router: node.router.clone(),
            directory: node.directory.clone(),
            database: node.database.clone(),
            blobs: node.blobs.clone(),
            settings: DeliverySettings::new(Domain::try_from("mx.example.test").unwrap()),
        });
        let queue = QueueServices {
            database: node.database.clone(),
            blobs: node.blobs.clone(),
            env: node.env.clone(),
            hints: node.router.hints(),
            schedule: RetrySchedule::default(),
            holders: Arc::new(Alone::new(node.env.random_u64())),
        };
        node.router.serve::<QueueEntity>(queue, EntityOptions::default());
        let services = ActiveSyncServices {
            env: node.env.clone(),
            database: node.database.clone(),
            blobs: node.blobs.clone(),
            router: node.router.clone(),
            directory: node.directory.clone(),
            delivery,
        };
        let front = Front::new(FrontParts {
            env: node.env.clone(),
            access: node.access.clone(),
            routes: routes(services, limits),
            settings: FrontSettings {
                clear_passwords: true,
                ..FrontSettings::default()
            },
        });
        let listener = node.listen(front, TlsMode::Never).await;
        // As on a node that runs: changes of the directory are heard of.
        tokio::spawn(node.access.clone().follow());
        Self {
            node,
            listener,
            device: "phone1",
            version: "14.1",
            password: PASSWORD.to_owned(),
            key: 0,
        }
    }
    /// The organisation opens or closes it.
    async fn open(&self, is_open: bool) {
        let mut policy = SignInPolicy::default();
        if is_open {
            policy.opened.insert(Protocol::ActiveSync);
        }
        let directory = &self.node.directory;
        directory
            .set_sign_in_policy(self.node.mailbox.tenant, &policy, None)
            .await
            .unwrap();
    }
    async fn request(&self, method: &str, query: &str, body: Vec<u8>) -> Response<hyper::body::Incoming> {
        self.try_request(method, query, body).await.unwrap()
    }
    async fn try_request(
        &self,
        method: &str,
        query: &str,
        body: Vec<u8>,
    ) -> hyper::Result<Response<hyper::body::Incoming>> {
        let proof = base64::engine::general_purpose::STANDARD.encode(format!("EXAMPLE\\{USER}:{}", self.password));
        let request = Request::builder()
            .method(method)
            .uri(format!("/Microsoft-Server-ActiveSync{query}"))
            .header("host", "localhost")
            .header("authorization", format!("Basic {proof}"))
            .header("ms-asprotocolversion", self.version)
            .header("x-ms-policykey", self.key.to_string())
            .header("user-agent", "Test/1")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let stream = self.node.env.connect(self.listener.local_address()).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await
    }
    /// Status, and the tree of the answer if there is one.
    async fn post(&self, command: &str, body: Option<&Element>) -> (u16, Option<Element>) {
        let query = format!("?Cmd={command}&User=anna&DeviceId={}&DeviceType=Test", self.device);
        let octets = body.map(wbxml::encode).unwrap_or_default();
        let response = self.request("POST", &query, octets).await;
        let status = response.status().as_u16();
        let octets = response.into_body().collect().await.unwrap().to_bytes();
        let tree =
            (status == 200 && !octets.is_empty()).then(|| wbxml::decode(&octets, &WbxmlLimits::default()).unwrap());
        (status, tree)
    }
    async fn ask(&self, command: &str, body: &Element) -> Element {
        let (status, tree) = self.post(command, Some(body)).await;
        assert_eq!(status, 200, "{command}");
        tree.unwrap_or_else(|| panic!("{command}: nothing was answered"))
    }
    /// Takes the policy.
    async fn provision(&mut self) {
        let policy = |key: Option<&str>| {
            let policy = Element::new(provision::POLICY)
                .text(provision::POLICY_TYPE, "MS-EAS-Provisioning-WBXML")
                .text_if(provision::POLICY_KEY, key)
                .text_if(provision::STATUS, key.map(|_| "1"));
            Element::new(provision::POLICIES).with(policy)
        };
        let set = Element::new(settings::SET).text(settings::MODEL, "Model 1");
        let first = Element::new(provision::PROVISION)
            .with(Element::new(settings::DEVICE_INFORMATION).with(set))
            .with(policy(None));
        let given = key_of(&self.ask("Provision", &first).await);
        let second = Element::new(provision::PROVISION).with(policy(Some(&given)));
        let last = key_of(&self.ask("Provision", &second).await);
        assert_ne!(given, last);
        self.key = last.parse().unwrap();
    }
    /// The folders by name, with types.
    async fn folders(&self, key: &str) -> Element {
        let request = Element::new(folder_hierarchy::FOLDER_SYNC).text(folder_hierarchy::SYNC_KEY, key);
        self.ask("FolderSync", &request).await
    }
    async fn ready() -> Self {
        let mut phone = Self::start().await;
        phone.open(true).await;
        phone.provision().await;
        phone
    }
    /// One folder of a Sync, `None` for an empty answer.
    async fn sync(&self, collection: Element) -> Option<Element> {
        let request = Element::new(air_sync::SYNC).with(Element::new(air_sync::COLLECTIONS).with(collection));
        let (status, tree) = self.post("Sync", Some(&request)).await;
        assert_eq!(status, 200);
        let collections = tree?.child(air_sync::COLLECTIONS).unwrap().clone();
        collections.child(air_sync::COLLECTION).cloned()
    }
    async fn begin(&self, filter: &str) -> String {
        let begun = self.sync(asked("0").with(options(filter))).await.unwrap();
        key(&begun)
    }
    async fn inbox(&self) -> FolderView {
        let folder = FolderRef::INBOX;
        let asked = self
            .node
            .router
            .ask(&self.node.mailbox, OpenFolder { folder }, WITHIN)
            .await;
        asked.unwrap().unwrap().view
    }
    /// Waits until as many wait for news of mailboxes as before and one more.
    async fn waits(&self, before: usize) {
        while self.node.router.hints().subscribed_count() <= before {
            tokio::task::yield_now().await;
        }
    }
    fn waiting(&self) -> usize {
        self.node.router.hints().subscribed_count()
    }
    async fn stop(self) {
        drop(self.listener);
        self.node.stop().await;
    }
}

fn options(filter: &str) -> Element {
    let body = Element::new(air_sync_base::BODY_PREFERENCE)
        .text(air_sync_base::TYPE, "2")
        .text(air_sync_base::TRUNCATION_SIZE, "8");
    Element::new(air_sync::OPTIONS)
        .text(air_sync::FILTER_TYPE, filter)
        .with(body)
}

fn asked(key: &str) -> Element {
    Element::new(air_sync::COLLECTION)
        .text(air_sync::SYNC_KEY, key)
        .text(air_sync::COLLECTION_ID, "1")
}

fn key(collection: &Element) -> String {
    assert_eq!(collection.text_of(air_sync::STATUS), Some("1"), "{collection:?}");
    collection.text_of(air_sync::SYNC_KEY).unwrap().to_owned()
}

fn key_of(answer: &Element) -> String {
    let policy = answer
        .child(provision::POLICIES)
        .unwrap()
        .child(provision::POLICY)
        .unwrap();
    assert_eq!(policy.text_of(provision::STATUS), Some("1"));
    policy.text_of(provision::POLICY_KEY).unwrap().to_owned()
}

/// What a Sync tells, by kind and message.
fn told(collection: &Element) -> Vec<String> {
    let commands = collection.child(air_sync::COMMANDS);
    let commands = commands.into_iter().flat_map(Element::elements);
    let name = |command: &Element| {
        let server_id = command.text_of(air_sync::SERVER_ID).unwrap().to_owned();
        format!("{} {server_id}", command.tag.name().unwrap())
    };
    commands.map(name).collect()
}

fn run<F: Future<Output = ()>>(test: F) {
    hongyan_actor::run(1, test);
}

#[test]
fn acc_4_it_is_closed_until_the_organisation_opens_it() {
    run(async {
        let phone = Phone::start().await;
        assert_eq!(phone.request("OPTIONS", "", Vec::new()).await.status(), 403);
        phone.open(true).await;
        let response = phone.request("OPTIONS", "", Vec::new()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["ms-asprotocolversions"], "14.0,14.1,16.0,16.1");
        let commands = response.headers()["ms-asprotocolcommands"].to_str().unwrap().to_owned();
        assert!(
            commands.contains("Sync") && !commands.contains("GetAttachment"),
            "{commands}"
        );
        let (status, _) = phone.post("Nonsense", None).await;
        assert_eq!(status, 501);
        let query = "?Cmd=FolderSync&User=anna&DeviceId=d&DeviceType=t";
        assert_eq!(phone.request("POST", query, vec![1, 2, 3]).await.status(), 400);
        phone.stop().await;
    });
}

#[test]
fn acc_4_no_command_before_the_policy() {
    run(async {
        let mut phone = Phone::start().await;
        phone.open(true).await;
        let status = |answer: &Element| answer.text_of(folder_hierarchy::STATUS).map(str::to_owned);
        assert_eq!(status(&phone.folders("0").await).as_deref(), Some("142"));
        phone.provision().await;
        assert_eq!(status(&phone.folders("0").await).as_deref(), Some("1"));
        phone.key += 1;
        assert_eq!(status(&phone.folders("0").await).as_deref(), Some("144"));
        let devices = Devices::new(&phone.node.directory);
        let known = devices.list(phone.node.mailbox.account).await.unwrap();
        assert_eq!(
            (known[0].model.as_str(), known[0].version.as_str()),
            ("Model 1", "14.1")
        );
        phone.stop().await;
    });
}

#[test]
fn acc_4_folders_come_with_their_types_and_changes_after() {
    run(async {
        let phone = Phone::ready().await;
        let all = phone.folders("0").await;
        let changes = all.child(folder_hierarchy::CHANGES).unwrap();
        let types: Vec<_> = changes
            .children(folder_hierarchy::ADD)
            .map(|add| {
                let text = |tag| add.text_of(tag).unwrap().to_owned();
                (text(folder_hierarchy::DISPLAY_NAME), text(folder_hierarchy::TYPE))
            })
            .collect();
        for expect in [
            ("Inbox", "2"),
            ("Drafts", "3"),
            ("Trash", "4"),
            ("Sent", "5"),
            ("Junk", "12"),
        ] {
            let expect = (expect.0.to_owned(), expect.1.to_owned());
            assert!(types.contains(&expect), "{types:?}");
        }
        let first = all.text_of(folder_hierarchy::SYNC_KEY).unwrap().to_owned();
        let path = hongyan_mailbox::FolderPath::try_from("Work/Deep").unwrap();
        let make = hongyan_mailbox::CreateFolder {
            path,
            special_use: None,
        };
        phone
            .node
            .router
            .ask(&phone.node.mailbox, make, WITHIN)
            .await
            .unwrap()
            .unwrap();
        let more = phone.folders(&first).await;
        let added = more
            .child(folder_hierarchy::CHANGES)
            .unwrap()
            .children(folder_hierarchy::ADD);
        let parents: Vec<_> = added
            .map(|add| add.text_of(folder_hierarchy::PARENT_ID).unwrap().to_owned())
            .collect();
        assert_eq!(parents.len(), 2);
        assert_eq!(parents[0], "0");
        assert_ne!(parents[1], "0");
        let second = more.text_of(folder_hierarchy::SYNC_KEY).unwrap().to_owned();
        // The answer got lost: the same again.
        assert_eq!(phone.folders(&first).await, more);
        let none = phone.folders(&second).await;
        assert_eq!(
            none.child(folder_hierarchy::CHANGES)
                .unwrap()
                .text_of(folder_hierarchy::COUNT),
            Some("0")
        );
        let unknown = phone.folders("1-1").await;
        assert_eq!(unknown.text_of(folder_hierarchy::STATUS), Some("9"));
        phone.stop().await;
    });
}

#[test]
fn acc_4_mail_comes_in_windows_newest_first() {
    run(async {
        let phone = Phone::ready().await;
        for days in [40, 2, 1] {
            phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), days).await;
        }
        let begun = phone.begin("5").await;
        let window = |key: &str| asked(key).text(air_sync::WINDOW_SIZE, "1");
        let first = phone.sync(window(&begun)).await.unwrap();
        assert_eq!(told(&first), ["Add 1:3"]);
        assert!(first.has(air_sync::MORE_AVAILABLE));
        let add = first.child(air_sync::COMMANDS).unwrap().child(air_sync::ADD).unwrap();
        let data = add.child(air_sync::APPLICATION_DATA).unwrap();
        assert_eq!(data.text_of(email::SUBJECT), Some("Hello"));
        assert_eq!(data.text_of(email::FROM), Some("\"Bob\" <bob@far.test>"));
        assert_eq!(data.text_of(email::READ), Some("0"));
        let body = data.child(air_sync_base::BODY).unwrap();
        assert_eq!(body.text_of(air_sync_base::DATA), Some("<p>One &"));
        assert_eq!(body.text_of(air_sync_base::TRUNCATED), Some("1"));
        let attached = data
            .child(air_sync_base::ATTACHMENTS)
            .unwrap()
            .child(air_sync_base::ATTACHMENT)
            .unwrap();
        assert_eq!(attached.text_of(air_sync_base::DISPLAY_NAME), Some("a.txt"));
        // The answer got lost: the same again.
        assert_eq!(phone.sync(window(&begun)).await.unwrap(), first);
        let second = phone.sync(window(&key(&first))).await.unwrap();
        assert_eq!(told(&second), ["Add 1:2"]);
        assert!(!second.has(air_sync::MORE_AVAILABLE));
        let last = key(&second);
        assert_eq!(phone.sync(window(&last)).await, None);
        // What a filter left out comes when it is taken off.
        let all = phone.sync(asked(&last).with(options("0"))).await.unwrap();
        assert_eq!(told(&all), ["Add 1:1"]);
        // And goes when it is on again.
        let less = phone.sync(asked(&key(&all)).with(options("5"))).await.unwrap();
        assert_eq!(told(&less), ["SoftDelete 1:1"]);
        let unknown = phone.sync(asked("5-7")).await.unwrap();
        assert_eq!(unknown.text_of(air_sync::STATUS), Some("3"));
        let nowhere = Element::new(air_sync::COLLECTION)
            .text(air_sync::SYNC_KEY, "0")
            .text(air_sync::COLLECTION_ID, "99");
        assert_eq!(phone.sync(nowhere).await.unwrap().text_of(air_sync::STATUS), Some("12"));
        phone.stop().await;
    });
}

#[test]
fn acc_4_flags_agree_with_other_clients_both_ways() {
    run(async {
        let phone = Phone::ready().await;
        for _ in 0..3 {
            phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 1).await;
        }
        let begun = phone.begin("0").await;
        let first = phone.sync(asked(&begun)).await.unwrap();
        assert_eq!(told(&first).len(), 3);
        let uid = |number| hongyan_types::Uid::new(number).unwrap();
        let store = StoreFlags {
            folder: hongyan_mailbox::FolderId::INBOX,
            uids: UidSet::from_range(uid(2), uid(2)),
            action: FlagAction::Add,
            flags: vec![Flag::System(SystemFlag::Seen)],
            unchanged_since: None,
        };
        phone
            .node
            .router
            .ask(&phone.node.mailbox, store, WITHIN)
            .await
            .unwrap()
            .unwrap();
        let second = phone.sync(asked(&key(&first))).await.unwrap();
        assert_eq!(told(&second), ["Change 1:2"]);
        let change = |id: &str, read: &str| {
            let data = Element::new(air_sync::APPLICATION_DATA)
                .text(email::READ, read)
                .with(Element::new(email::FLAG).text(email::STATUS, "2"));
            Element::new(air_sync::CHANGE).text(air_sync::SERVER_ID, id).with(data)
        };
        let commands = Element::new(air_sync::COMMANDS)
            .with(change("1:1", "1"))
            .with(change("1:9", "1"))
            .with(Element::new(air_sync::DELETE).text(air_sync::SERVER_ID, "1:3"));
        let request = asked(&key(&second)).with(commands);
        let third = phone.sync(request.clone()).await.unwrap();
        assert_eq!(told(&third), Vec::<String>::new());
        let refused = third
            .child(air_sync::RESPONSES)
            .unwrap()
            .child(air_sync::CHANGE)
            .unwrap();
        assert_eq!(refused.text_of(air_sync::STATUS), Some("8"));
        let view = phone.inbox().await;
        let flags = view.get(uid(1)).unwrap().flags;
        assert!(flags.contains(SystemFlag::Seen) && flags.contains(SystemFlag::Flagged));
        assert_eq!(view.len(), 2);
        let folders = phone
            .node
            .router
            .ask(&phone.node.mailbox, ListFolders, WITHIN)
            .await
            .unwrap()
            .unwrap()
            .folders;
        let trash = folders
            .iter()
            .find(|folder| folder.special_use == Some(SpecialUse::Trash))
            .unwrap();
        assert_eq!(trash.messages, 1);
        // The same once more does nothing more, and is answered the same.
        assert_eq!(phone.sync(request).await.unwrap(), third);
        assert_eq!(phone.sync(asked(&key(&third))).await, None);
        phone.stop().await;
    });
}

#[test]
fn acc_4_ping_tells_of_new_mail() {
    run(async {
        let limits = ActiveSyncSettings {
            wait_min: std::time::Duration::from_secs(1),
            ..ActiveSyncSettings::default()
        };
        let mut phone = Phone::start_with(limits).await;
        phone.open(true).await;
        phone.provision().await;
        let begun = phone.begin("0").await;
        assert_eq!(phone.sync(asked(&begun)).await, None);
        let request = |secs: &str| {
            let folder = Element::new(ping::FOLDER)
                .text(ping::ID, "1")
                .text(ping::CLASS, "Email");
            Element::new(ping::PING)
                .text(ping::HEARTBEAT_INTERVAL, secs)
                .with(Element::new(ping::FOLDERS).with(folder))
        };
        let early = phone.ask("Ping", &request("99999")).await;
        assert_eq!(
            (early.text_of(ping::STATUS), early.text_of(ping::HEARTBEAT_INTERVAL)),
            (Some("5"), Some("3540"))
        );
        let nothing = phone.ask("Ping", &request("1")).await;
        assert_eq!(nothing.text_of(ping::STATUS), Some("1"));
        let wait = request("60");
        let (answer, ()) = tokio::join!(phone.ask("Ping", &wait), async {
            tokio::task::yield_now().await;
            phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 0).await;
        });
        assert_eq!(answer.text_of(ping::STATUS), Some("2"));
        // What it said before holds.
        let (_, again) = phone.post("Ping", None).await;
        assert_eq!(again.unwrap().text_of(ping::STATUS), Some("2"));
        phone.stop().await;
    });
}

#[test]
fn gen_6_a_mail_sent_twice_leaves_once() {
    run(async {
        let phone = Phone::ready().await;
        let mail = "From: anna@example.test\r\nTo: anna@example.test\r\nSubject: To me\r\n\r\nhi\r\n";
        let send = |id: &str, mail: &str| {
            Element::new(compose_mail::SEND_MAIL)
                .text(compose_mail::CLIENT_ID, id)
                .flag(compose_mail::SAVE_IN_SENT_ITEMS)
                .opaque(compose_mail::MIME, mail.as_bytes().to_vec())
        };
        assert_eq!(phone.post("SendMail", Some(&send("a", mail))).await, (200, None));
        assert_eq!(phone.inbox().await.len(), 1);
        let again = phone.ask("SendMail", &send("a", mail)).await;
        assert_eq!(again.text_of(compose_mail::STATUS), Some("118"));
        assert_eq!(phone.inbox().await.len(), 1);
        let foreign = mail.replace("From: anna@", "From: boss@");
        let refused = phone.ask("SendMail", &send("b", &foreign)).await;
        assert_eq!(refused.text_of(compose_mail::STATUS), Some("130"));
        let nobody = phone.ask("SendMail", &send("c", "Subject: x\r\n\r\n")).await;
        assert_eq!(nobody.text_of(compose_mail::STATUS), Some("119"));
        phone.stop().await;
    });
}

#[test]
fn acc_4_a_wipe_removes_the_account_and_nothing_else() {
    run(async {
        let mut phone = Phone::ready().await;
        let devices = Devices::new(&phone.node.directory);
        let account = phone
            .node
            .directory
            .account(phone.node.mailbox.account)
            .await
            .unwrap()
            .unwrap();
        let asked = devices.set_wipe(&account, phone.device, true).await.unwrap();
        assert_eq!(asked.wipe, Wipe::Asked);
        let status = |answer: &Element| answer.text_of(folder_hierarchy::STATUS).map(str::to_owned);
        // 14.1 knows only to wipe all there is: it is not asked to, and not served.
        assert_eq!(status(&phone.folders("0").await).as_deref(), Some("129"));
        phone.version = "16.1";
        assert_eq!(status(&phone.folders("0").await).as_deref(), Some("140"));
        let told = phone.ask("Provision", &Element::new(provision::PROVISION)).await;
        assert!(told.has(provision::ACCOUNT_ONLY_REMOTE_WIPE) && !told.has(provision::REMOTE_WIPE));
        let done = Element::new(provision::ACCOUNT_ONLY_REMOTE_WIPE).text(provision::STATUS, "1");
        let done = Element::new(provision::PROVISION).with(done);
        assert_eq!(
            phone.ask("Provision", &done).await.text_of(provision::STATUS),
            Some("1")
        );
        assert_eq!(devices.list(account.id).await.unwrap()[0].wipe, Wipe::Done);
        assert_eq!(status(&phone.folders("0").await).as_deref(), Some("129"));
        devices.remove(&account, phone.device).await.unwrap();
        assert!(devices.remove(&account, phone.device).await.is_err());
        assert_eq!(status(&phone.folders("0").await).as_deref(), Some("142"));
        phone.stop().await;
    });
}

#[test]
fn acc_4_an_account_has_so_many_devices() {
    run(async {
        let limits = ActiveSyncSettings {
            devices_max: 1,
            ..ActiveSyncSettings::default()
        };
        let mut phone = Phone::start_with(limits).await;
        phone.open(true).await;
        phone.provision().await;
        phone.device = "phone2";
        let refused = phone.ask("Provision", &Element::new(provision::PROVISION)).await;
        assert_eq!(refused.text_of(provision::STATUS), Some("177"));
        phone.stop().await;
    });
}

/// The tree of a mail that is answered or forwarded.
fn smart(root: hongyan_activesync::Tag, id: &str, mail: &str) -> Element {
    let source = Element::new(compose_mail::SOURCE)
        .text(compose_mail::FOLDER_ID, "1")
        .text(compose_mail::ITEM_ID, "1:1");
    Element::new(root)
        .text(compose_mail::CLIENT_ID, id)
        .with(source)
        .opaque(compose_mail::MIME, mail.as_bytes().to_vec())
}

#[test]
fn acc_4_replies_and_forwards_have_the_original_with_them() {
    run(async {
        let phone = Phone::ready().await;
        phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 1).await;
        let mail = "To: anna@example.test\r\nSubject: Re: Hello\r\nContent-Type: text/plain\r\n\r\nabove\r\n";
        let reply = smart(compose_mail::SMART_REPLY, "r", mail);
        assert_eq!(phone.post("SmartReply", Some(&reply)).await, (200, None));
        let forward = smart(compose_mail::SMART_FORWARD, "f", mail);
        assert_eq!(phone.post("SmartForward", Some(&forward)).await, (200, None));
        let view = phone.inbox().await;
        let original = view.iter().next().unwrap();
        assert!(original.flags.contains(SystemFlag::Answered));
        let mut parts = Vec::new();
        for entry in view.iter().skip(1) {
            let mail = hongyan_mailbox::read_email(&phone.node.database, phone.node.mailbox, entry.email).await;
            let mut kinds = Vec::new();
            let root = mail.unwrap().unwrap().structure.root;
            root.walk(&mut |part| kinds.push(format!("{}/{}", part.media.kind, part.media.subtype)));
            parts.push(kinds.join(" "));
        }
        let original = "multipart/mixed text/html text/plain";
        assert_eq!(
            parts,
            [
                "multipart/mixed text/plain text/html".to_owned(),
                format!("multipart/mixed text/plain message/rfc822 {original}")
            ]
        );
        let gone = smart(compose_mail::SMART_REPLY, "g", mail);
        let mut gone = wbxml::decode(&wbxml::encode(&gone), &WbxmlLimits::default()).unwrap();
        gone.content.retain(
            |content| !matches!(content, hongyan_activesync::Content::Element(e) if e.tag == compose_mail::SOURCE),
        );
        let refused = phone.ask("SmartReply", &gone).await;
        assert_eq!(refused.text_of(compose_mail::STATUS), Some("103"));
        let source = Element::new(compose_mail::SOURCE)
            .text(compose_mail::FOLDER_ID, "1")
            .text(compose_mail::ITEM_ID, "1:99");
        let refused = phone.ask("SmartReply", &gone.clone().with(source)).await;
        assert_eq!(refused.text_of(compose_mail::STATUS), Some("150"));
        // A mail that a search found.
        let source = Element::new(compose_mail::SOURCE).text(compose_mail::LONG_ID, "1:1");
        assert_eq!(phone.post("SmartReply", Some(&gone.with(source))).await, (200, None));
        phone.stop().await;
    });
}

#[test]
fn acc_4_attachments_and_mails_come_as_a_whole() {
    run(async {
        let phone = Phone::ready().await;
        phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 1).await;
        let fetch = |reference: &str| {
            let fetch = Element::new(item_operations::FETCH)
                .text(item_operations::STORE, "Mailbox")
                .text(air_sync_base::FILE_REFERENCE, reference);
            Element::new(item_operations::ITEM_OPERATIONS).with(fetch)
        };
        let fetched = |answer: &Element| {
            let response = answer.child(item_operations::RESPONSE).unwrap().clone();
            response.child(item_operations::FETCH).unwrap().clone()
        };
        let found = fetched(&phone.ask("ItemOperations", &fetch("1:1:2")).await);
        let properties = found.child(item_operations::PROPERTIES).unwrap();
        assert_eq!(properties.text_of(air_sync_base::CONTENT_TYPE), Some("text/plain"));
        assert_eq!(properties.text_of(item_operations::DATA), Some("ZmlsZQ=="));
        for wrong in ["1:1:9", "1:9:2", "x", "1:1"] {
            let none = fetched(&phone.ask("ItemOperations", &fetch(wrong)).await);
            assert_eq!(none.text_of(item_operations::STATUS), Some("15"), "{wrong}");
        }
        let item = Element::new(item_operations::FETCH)
            .text(air_sync::COLLECTION_ID, "1")
            .text(air_sync::SERVER_ID, "1:1");
        let item = Element::new(item_operations::ITEM_OPERATIONS).with(item);
        let found = fetched(&phone.ask("ItemOperations", &item).await);
        assert_eq!(found.text_of(item_operations::STATUS), Some("1"));
        let properties = found.child(item_operations::PROPERTIES).unwrap();
        assert_eq!(properties.text_of(email::SUBJECT), Some("Hello"));
        phone.stop().await;
    });
}

#[test]
fn acc_4_mails_move_between_folders() {
    run(async {
        let phone = Phone::ready().await;
        phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 1).await;
        let folders = phone
            .node
            .router
            .ask(&phone.node.mailbox, ListFolders, WITHIN)
            .await
            .unwrap()
            .unwrap()
            .folders;
        let junk = folders
            .iter()
            .find(|folder| folder.special_use == Some(SpecialUse::Junk))
            .unwrap();
        let to = junk.id.0.to_string();
        let request = |to: &str| {
            let wanted = Element::new(move_items::MOVE)
                .text(move_items::SRC_MSG_ID, "1:1")
                .text(move_items::SRC_FLD_ID, "1")
                .text(move_items::DST_FLD_ID, to);
            Element::new(move_items::MOVE_ITEMS).with(wanted)
        };
        let answered = |answer: &Element| answer.child(move_items::RESPONSE).unwrap().clone();
        for (to, status) in [("1", "4"), ("99", "2")] {
            let refused = answered(&phone.ask("MoveItems", &request(to)).await);
            assert_eq!(refused.text_of(move_items::STATUS), Some(status));
        }
        let moved = answered(&phone.ask("MoveItems", &request(&to)).await);
        assert_eq!(moved.text_of(move_items::STATUS), Some("3"));
        assert_eq!(moved.text_of(move_items::DST_MSG_ID), Some(format!("{to}:1").as_str()));
        assert!(phone.inbox().await.is_empty());
        let gone = answered(&phone.ask("MoveItems", &request(&to)).await);
        assert_eq!(gone.text_of(move_items::STATUS), Some("1"));
        phone.stop().await;
    });
}
