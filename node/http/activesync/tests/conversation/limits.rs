//! What ends waiting, what is left out, and where limits are.

use super::commands::{folder_changes, folder_key, looked_for};
use super::*;

#[test]
fn gen_6_a_mail_that_was_not_noted_as_sent_leaves_once() {
    run(async {
        let mut phone = Phone::ready().await;
        let send = |text: &str, save_in_sent_items: bool| {
            let mail = format!("From: anna@example.test\r\nTo: anna@example.test\r\nSubject: To me\r\n\r\n{text}\r\n");
            SendMailRequest {
                client_id: "a".to_owned(),
                account_id: None,
                save_in_sent_items,
                mime: mail.into_bytes(),
            }
            .write()
        };
        let count = async |phone: &Phone| {
            let folders = phone.node.router.ask(&phone.node.mailbox, ListFolders, WITHIN).await;
            let folders = folders.unwrap().unwrap().folders;
            let in_sent = |folder: &&hongyan_mailbox::FolderInfo| folder.special_use == Some(SpecialUse::Sent);
            let sent = folders.iter().find(in_sent).map_or(0, |folder| folder.messages);
            (phone.inbox().await.len(), sent)
        };
        let devices = Devices::new(&phone.node.directory);
        let account = phone.node.directory.account(phone.node.mailbox.account).await;
        let account = account.unwrap().unwrap();
        assert_eq!(phone.post("SendMail", Some(&send("hi", true))).await, (200, None));
        assert_eq!(count(&phone).await, (1, 1));
        // All that was noted is forgotten, as if the node had gone down in between.
        devices.remove(&account, phone.device).await.unwrap();
        phone.provision().await;
        assert_eq!(phone.post("SendMail", Some(&send("hi", true))).await, (200, None));
        assert_eq!(count(&phone).await, (1, 1));
        // Another mail under that name is another mail; without a copy, as the phone says.
        devices.remove(&account, phone.device).await.unwrap();
        phone.provision().await;
        assert_eq!(phone.post("SendMail", Some(&send("other", false))).await, (200, None));
        assert_eq!(count(&phone).await, (2, 1));
        // ACC-13 is for clients that can put a copy there themselves, which a phone cannot.
        let settings = AccountSettings {
            keep_sent: false,
            ..account.settings
        };
        let change = AccountChange {
            settings: Field::Set(settings),
            ..AccountChange::default()
        };
        phone.node.directory.change_account(account.id, &change).await.unwrap();
        devices.remove(&account, phone.device).await.unwrap();
        phone.provision().await;
        assert_eq!(phone.post("SendMail", Some(&send("third", true))).await, (200, None));
        assert_eq!(count(&phone).await, (3, 2));
        phone.stop().await;
    });
}

impl Phone {
    /// A password for clients, for these ways in.
    async fn app_password(&self, protocols: &[Protocol], read_only: bool) -> String {
        let new = NewAppPassword {
            name: "Phone".to_owned(),
            protocols: protocols.iter().copied().collect(),
            read_only,
            days: None,
        };
        let (directory, account) = (&self.node.directory, self.node.mailbox.account);
        let made = self.node.access.add_app_password(directory, account, &new).await;
        made.unwrap().password.reveal().to_owned()
    }
    /// The status of a question that changes nothing.
    async fn knock(&self) -> u16 {
        self.request("OPTIONS", "", Vec::new()).await.status().as_u16()
    }
}

#[test]
fn auth_21_an_app_password_opens_it_that_names_it() {
    run(async {
        let mut phone = Phone::ready().await;
        phone.password = phone.app_password(&[Protocol::Imap], false).await;
        assert_ne!(phone.knock().await, 200);
        phone.password = phone.app_password(&[Protocol::ActiveSync], false).await;
        assert_eq!(phone.knock().await, 200);
        let policy = SignInPolicy {
            opened: [Protocol::ActiveSync].into(),
            secure_login: true,
            ..SignInPolicy::default()
        };
        let (directory, tenant) = (&phone.node.directory, phone.node.mailbox.tenant);
        directory.set_sign_in_policy(tenant, &policy, None).await.unwrap();
        assert_eq!(phone.knock().await, 200);
        PASSWORD.clone_into(&mut phone.password);
        assert_ne!(phone.knock().await, 200, "with secure login only an app password does");
        phone.stop().await;
    });
}

#[test]
fn auth_21_a_password_that_only_reads_changes_nothing() {
    run(async {
        let mut phone = Phone::ready().await;
        phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 1).await;
        phone.password = phone.app_password(&[Protocol::ActiveSync], true).await;
        let folders = folder_key(&phone.folders("0").await);
        let told_all = phone.sync(asked(&phone.begin("0").await)).await.unwrap();
        assert_eq!(told(&told_all), ["Add 1:1"]);
        let data = Element::new(air_sync::APPLICATION_DATA).text(email::READ, "1");
        let change = Element::new(air_sync::CHANGE)
            .text(air_sync::SERVER_ID, "1:1")
            .with(data);
        let delete = Element::new(air_sync::DELETE).text(air_sync::SERVER_ID, "1:1");
        let commands = Element::new(air_sync::COMMANDS).with(change).with(delete);
        let answer = phone.sync(asked(&key(&told_all)).with(commands)).await.unwrap();
        let replies = answer.child(air_sync::RESPONSES).unwrap().elements();
        let statuses: Vec<_> = replies.map(|reply| reply.text_of(air_sync::STATUS).unwrap()).collect();
        assert_eq!(statuses, ["130", "130"]);
        let create = FolderCreateRequest {
            sync_key: folders,
            parent_id: "0".to_owned(),
            display_name: "Work".to_owned(),
            kind: FolderType::UserMail,
        };
        let refused = phone.ask("FolderCreate", &create.write()).await;
        assert_eq!(refused.text_of(folder_hierarchy::STATUS), Some("130"));
        let send = SendMailRequest {
            client_id: "a".to_owned(),
            account_id: None,
            save_in_sent_items: true,
            mime: b"To: anna@example.test\r\n\r\nhi\r\n".to_vec(),
        };
        let refused = phone.ask("SendMail", &send.write()).await;
        assert_eq!(refused.text_of(compose_mail::STATUS), Some("130"));
        let empty = ItemOperationsRequest {
            operations: vec![ItemOperation::EmptyFolder {
                collection_id: "1".to_owned(),
                delete_sub_folders: false,
            }],
        };
        let answer = phone.ask("ItemOperations", &empty.write()).await;
        let expect = ItemOutcome::EmptyFolder {
            collection_id: "1".to_owned(),
            status: ItemStatus::AccessDenied,
        };
        assert_eq!(ItemOperationsResponse::read(&answer).unwrap().outcomes, [expect]);
        let view = phone.inbox().await;
        let entry = view.iter().next().unwrap();
        assert!(view.len() == 1 && !entry.flags.contains(SystemFlag::Seen));
        phone.stop().await;
    });
}

/// A Ping of the inbox.
fn pinged(secs: u32) -> Element {
    let folder = PingFolder {
        id: "1".to_owned(),
        class: "Email".to_owned(),
    };
    PingRequest {
        heartbeat_secs: Some(secs),
        folders: vec![folder],
    }
    .write()
}

#[test]
fn acc_4_what_a_phone_waits_for_is_cut_when_it_is_wiped_or_removed() {
    run(async {
        let mut phone = Phone::ready().await;
        let devices = Devices::new(&phone.node.directory);
        let account = phone.node.directory.account(phone.node.mailbox.account).await;
        let account = account.unwrap().unwrap();
        phone.version = "16.1";
        for (is_wiped, status) in [(false, "142"), (true, "140")] {
            let begun = phone.begin("0").await;
            assert_eq!(phone.sync(asked(&begun)).await, None);
            let (before, request) = (phone.waiting(), pinged(3_000));
            let (answer, ()) = tokio::join!(phone.ask("Ping", &request), async {
                phone.waits(before).await;
                if is_wiped {
                    devices.set_wipe(&account, phone.device, true).await.unwrap();
                } else {
                    devices.remove(&account, phone.device).await.unwrap();
                }
            });
            assert_eq!(answer.text_of(ping::STATUS), Some(status));
            if !is_wiped {
                phone.provision().await;
            }
        }
        phone.stop().await;
    });
}

#[test]
fn acc_4_a_session_that_ends_ends_what_it_waits_for() {
    run(async {
        let phone = Phone::ready().await;
        let begun = phone.begin("0").await;
        assert_eq!(phone.sync(asked(&begun)).await, None);
        let before = phone.waiting();
        let query = "?Cmd=Ping&User=anna&DeviceId=phone1&DeviceType=Test";
        let body = wbxml::encode(&pinged(3_000));
        let (ended, ()) = tokio::join!(phone.try_request("POST", query, body), async {
            phone.waits(before).await;
            phone.open(false).await;
        });
        // Refused, or cut off: nothing that was waited for is told.
        assert!(ended.is_err() || ended.is_ok_and(|response| response.status() != 200));
        phone.stop().await;
    });
}

#[test]
fn acc_11_own_folders_are_not_offered_where_they_are_off() {
    run(async {
        let phone = Phone::ready().await;
        let begun = folder_key(&phone.folders("0").await);
        let create = |key: &str, name: &str| {
            FolderCreateRequest {
                sync_key: key.to_owned(),
                parent_id: "0".to_owned(),
                display_name: name.to_owned(),
                kind: FolderType::UserMail,
            }
            .write()
        };
        let made = phone.ask("FolderCreate", &create(&begun, "Work")).await;
        let work = made.text_of(folder_hierarchy::SERVER_ID).unwrap().to_owned();
        let directory = &phone.node.directory;
        let account = directory.account(phone.node.mailbox.account).await.unwrap().unwrap();
        let settings = AccountSettings {
            active_sync_own_folders: false,
            ..account.settings
        };
        let change = AccountChange {
            settings: Field::Set(settings),
            ..AccountChange::default()
        };
        directory.change_account(account.id, &change).await.unwrap();
        let all = phone.folders("0").await;
        assert!(!folder_changes(&all).contains(&"Add Work".to_owned()));
        let refused = phone.ask("FolderCreate", &create(&folder_key(&all), "More")).await;
        assert_eq!(refused.text_of(folder_hierarchy::STATUS), Some("130"));
        let collection = Element::new(air_sync::COLLECTION)
            .text(air_sync::SYNC_KEY, "0")
            .text(air_sync::COLLECTION_ID, work);
        let refused = phone.sync(collection).await.unwrap();
        assert_eq!(refused.text_of(air_sync::STATUS), Some("12"));
        phone.stop().await;
    });
}

#[test]
fn acc_4_where_both_sides_change_a_mail_the_side_holds_that_the_phone_says() {
    run(async {
        let phone = Phone::ready().await;
        let uid = hongyan_types::Uid::new(1).unwrap();
        for (conflict, status) in [("1", Some("7")), ("0", None)] {
            phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 1).await;
            let begun = phone
                .sync(asked("0").with(options("0").text(air_sync::CONFLICT, conflict)))
                .await;
            let told = phone.sync(asked(&key(&begun.unwrap()))).await.unwrap();
            for action in [FlagAction::Add, FlagAction::Remove] {
                let store = StoreFlags {
                    folder: hongyan_mailbox::FolderId::INBOX,
                    uids: UidSet::from_range(uid, uid),
                    action,
                    flags: vec![Flag::System(SystemFlag::Flagged)],
                    unchanged_since: None,
                };
                let stored = phone.node.router.ask(&phone.node.mailbox, store, WITHIN).await;
                stored.unwrap().unwrap();
            }
            let data = Element::new(air_sync::APPLICATION_DATA).text(email::READ, "1");
            let change = Element::new(air_sync::CHANGE)
                .text(air_sync::SERVER_ID, "1:1")
                .with(data);
            let request = asked(&key(&told)).with(Element::new(air_sync::COMMANDS).with(change));
            let answer = phone.sync(request).await.unwrap();
            let reply = answer
                .child(air_sync::RESPONSES)
                .and_then(|all| all.child(air_sync::CHANGE));
            assert_eq!(reply.and_then(|reply| reply.text_of(air_sync::STATUS)), status);
            let is_seen = phone.inbox().await.get(uid).unwrap().flags.contains(SystemFlag::Seen);
            assert_eq!(is_seen, status.is_none());
        }
        phone.stop().await;
    });
}

#[test]
fn acc_4_one_answer_holds_only_so_much() {
    run(async {
        let limits = ActiveSyncSettings {
            response_octets_max: 1,
            body_octets_max: 5,
            ..ActiveSyncSettings::default()
        };
        let mut phone = Phone::start_with(limits).await;
        phone.open(true).await;
        phone.provision().await;
        for days in [2, 1] {
            phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), days).await;
        }
        let query = MailQuery {
            free_text: Some("two".to_owned()),
            ..MailQuery::default()
        };
        let range = |first, last| Some(ResultRange { first, last });
        for (wanted, told) in [(range(0, 9), range(0, 0)), (range(1, 9), range(1, 1))] {
            let request = looked_for(SearchQuery::Mails(query.clone()), wanted).write();
            let found = SearchResponse::read(&phone.ask("Search", &request).await).unwrap();
            assert_eq!((found.results.len(), found.total, found.range), (1, 2, told));
        }
        let fetch = || {
            ItemOperation::Fetch(ItemFetch {
                store: "Mailbox".to_owned(),
                source: FetchSource::Attachment {
                    file_reference: "1:1:2".to_owned(),
                },
                range: None,
                form: MailForm::default(),
            })
        };
        let request = ItemOperationsRequest {
            operations: vec![fetch(), fetch()],
        };
        let answer = phone.ask("ItemOperations", &request.write()).await;
        let outcomes = ItemOperationsResponse::read(&answer).unwrap().outcomes;
        let statuses = outcomes.iter().map(|outcome| match outcome {
            ItemOutcome::Fetch { fetched, .. } => fetched.as_ref().err().copied(),
            other => panic!("{other:?}"),
        });
        assert_eq!(statuses.collect::<Vec<_>>(), [None, Some(ItemStatus::TooLarge)]);
        phone.stop().await;
    });
}

#[test]
fn acc_4_each_limit_is_kept() {
    run(async {
        let limits = ActiveSyncSettings {
            request_octets_max: 2_000,
            window_max: 1,
            collections_max: 1,
            commands_max: 1,
            requests_max: 1,
            results_max: 1,
            found_max: 2,
            ..ActiveSyncSettings::default()
        };
        let mut phone = Phone::start_with(limits).await;
        phone.open(true).await;
        phone.provision().await;
        for days in [3, 2, 1] {
            phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), days).await;
        }
        let first = phone.sync(asked(&phone.begin("0").await)).await.unwrap();
        assert_eq!(told(&first), ["Add 1:3"], "window_max");
        let two = Element::new(air_sync::COLLECTIONS).with(asked("0")).with(asked("0"));
        let answer = phone.ask("Sync", &Element::new(air_sync::SYNC).with(two)).await;
        assert_eq!(
            (answer.text_of(air_sync::STATUS), answer.text_of(air_sync::LIMIT)),
            (Some("15"), Some("1")),
            "collections_max"
        );
        let delete = || Element::new(air_sync::DELETE).text(air_sync::SERVER_ID, "1:3");
        let commands = Element::new(air_sync::COMMANDS).with(delete()).with(delete());
        let collection = asked(&key(&first)).with(commands);
        let request = Element::new(air_sync::SYNC).with(Element::new(air_sync::COLLECTIONS).with(collection));
        assert_eq!(phone.post("Sync", Some(&request)).await.0, 413, "commands_max");
        assert_eq!(phone.inbox().await.len(), 3);
        let long = Element::new(air_sync::SYNC).text(air_sync::SYNC_KEY, "x".repeat(2_000));
        assert_eq!(phone.post("Sync", Some(&long)).await.0, 413, "request_octets_max");
        let query = MailQuery {
            free_text: Some("two".to_owned()),
            ..MailQuery::default()
        };
        let request = looked_for(SearchQuery::Mails(query), None).write();
        let found = SearchResponse::read(&phone.ask("Search", &request).await).unwrap();
        assert_eq!((found.results.len(), found.total), (1, 2), "results_max and found_max");
        let nothing = phone
            .sync(asked(&key(&first)).text(air_sync::WINDOW_SIZE, "1"))
            .await
            .unwrap();
        let last = phone.sync(asked(&key(&nothing))).await.unwrap();
        assert_eq!(phone.sync(asked(&key(&last))).await, None);
        let (before, request) = (phone.waiting(), pinged(3_000));
        let (ended, busy) = tokio::join!(phone.post("Ping", Some(&request)), async {
            phone.waits(before).await;
            let busy = phone.post("Ping", Some(&request)).await;
            phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 0).await;
            busy
        });
        assert_eq!((ended.0, busy.0), (200, 503), "requests_max");
        phone.stop().await;
    });
}
