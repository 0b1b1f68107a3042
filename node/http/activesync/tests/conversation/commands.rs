//! Folders, estimates, absence, attachments, searches.

use super::*;

/// The sync key of an answer about folders, which must be a success.
pub(super) fn folder_key(answer: &Element) -> String {
    assert_eq!(answer.text_of(folder_hierarchy::STATUS), Some("1"), "{answer:?}");
    answer.text_of(folder_hierarchy::SYNC_KEY).unwrap().to_owned()
}

/// What FolderSync tells, by kind and name or identifier.
pub(super) fn folder_changes(answer: &Element) -> Vec<String> {
    let changes = answer.child(folder_hierarchy::CHANGES).unwrap().elements();
    let changes = changes.filter(|change| change.tag != folder_hierarchy::COUNT);
    let name = |change: &Element| {
        let name = change.text_of(folder_hierarchy::DISPLAY_NAME);
        let name = name.or(change.text_of(folder_hierarchy::SERVER_ID)).unwrap();
        format!("{} {name}", change.tag.name().unwrap())
    };
    changes.map(name).collect()
}

#[test]
fn acc_4_phones_make_rename_and_remove_folders() {
    run(async {
        let phone = Phone::ready().await;
        let begun = folder_key(&phone.folders("0").await);
        let create = |key: &str, parent: &str, name: &str, kind: FolderType| {
            FolderCreateRequest {
                sync_key: key.to_owned(),
                parent_id: parent.to_owned(),
                display_name: name.to_owned(),
                kind,
            }
            .write()
        };
        let made = create(&begun, "0", "Work", FolderType::UserMail);
        let answer = phone.ask("FolderCreate", &made).await;
        let work = answer.text_of(folder_hierarchy::SERVER_ID).unwrap().to_owned();
        let first = folder_key(&answer);
        // The answer got lost: the same again, and one folder.
        assert_eq!(phone.ask("FolderCreate", &made).await, answer);
        assert_eq!(folder_changes(&phone.folders(&first).await), Vec::<String>::new());
        let refused = async |command: &str, request: Element, status: &str| {
            let answer = phone.ask(command, &request).await;
            assert_eq!(answer.text_of(folder_hierarchy::STATUS), Some(status), "{command}");
        };
        for (request, status) in [
            (create(&first, "0", "Work", FolderType::UserMail), "2"),
            (create(&first, "99", "Lost", FolderType::UserMail), "5"),
            (create(&first, "0", "a/b", FolderType::UserMail), "10"),
            (create(&first, "0", "People", FolderType::UserContacts), "10"),
            (create("7-7", "0", "Late", FolderType::UserMail), "9"),
        ] {
            refused("FolderCreate", request, status).await;
        }
        let deep = phone
            .ask("FolderCreate", &create(&first, &work, "Deep", FolderType::UserMail))
            .await;
        let second = folder_key(&deep);
        let update = |key: &str, id: &str, name: &str| {
            FolderUpdateRequest {
                sync_key: key.to_owned(),
                server_id: id.to_owned(),
                parent_id: "0".to_owned(),
                display_name: name.to_owned(),
            }
            .write()
        };
        let renamed = phone.ask("FolderUpdate", &update(&second, &work, "Office")).await;
        let third = folder_key(&renamed);
        assert_eq!(
            phone.ask("FolderUpdate", &update(&second, &work, "Office")).await,
            renamed
        );
        refused("FolderUpdate", update(&third, "1", "Other"), "3").await;
        refused("FolderUpdate", update(&third, "99", "Other"), "4").await;
        assert_eq!(folder_changes(&phone.folders(&third).await), Vec::<String>::new());
        let delete = |key: &str, id: &str| {
            FolderDeleteRequest {
                sync_key: key.to_owned(),
                server_id: id.to_owned(),
            }
            .write()
        };
        refused("FolderDelete", delete(&third, "1"), "3").await;
        let gone = phone.ask("FolderDelete", &delete(&third, &work)).await;
        let fourth = folder_key(&gone);
        assert_eq!(phone.ask("FolderDelete", &delete(&third, &work)).await, gone);
        refused("FolderDelete", delete(&fourth, &work), "4").await;
        // What was in it went with it, and nobody has to be told.
        assert_eq!(folder_changes(&phone.folders(&fourth).await), Vec::<String>::new());
        let folders = phone.node.router.ask(&phone.node.mailbox, ListFolders, WITHIN).await;
        let folders = folders.unwrap().unwrap().folders;
        assert!(folders.iter().all(|info| !info.path.as_str().starts_with("Office")));
        phone.stop().await;
    });
}

#[test]
fn acc_4_an_estimate_says_how_much_sync_would_tell() {
    run(async {
        let phone = Phone::ready().await;
        for days in [40, 2, 1] {
            phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), days).await;
        }
        let estimate = async |key: &str, folder: &str| {
            let request = GetItemEstimateRequest {
                collections: vec![EstimateCollection {
                    sync_key: key.to_owned(),
                    collection_id: folder.to_owned(),
                    conversation_mode: None,
                    options: Vec::new(),
                }],
            };
            let answer = phone.ask("GetItemEstimate", &request.write()).await;
            GetItemEstimateResponse::read(&answer)
                .unwrap()
                .estimates
                .remove(0)
                .outcome
        };
        assert_eq!(estimate("1-1", "1").await, Err(EstimateStatus::NotPrimed));
        let begun = phone.begin("5").await;
        assert_eq!(estimate(&begun, "1").await, Ok(2));
        assert_eq!(estimate("7-7", "1").await, Err(EstimateStatus::InvalidSyncKey));
        assert_eq!(estimate(&begun, "99").await, Err(EstimateStatus::InvalidCollection));
        let told = phone.sync(asked(&begun)).await.unwrap();
        assert_eq!(estimate(&key(&told), "1").await, Ok(0));
        phone.stop().await;
    });
}

#[test]
fn acc_4_absence_is_what_delivery_answers() {
    run(async {
        let phone = Phone::ready().await;
        let ask = async |oof: OofRequest| {
            let request = SettingsRequest {
                oof: Some(oof),
                ..SettingsRequest::default()
            };
            let answer = phone.ask("Settings", &request.write()).await;
            SettingsResponse::read(&answer).unwrap().oof.unwrap()
        };
        let get = || OofRequest::Get {
            body_type: "TEXT".to_owned(),
        };
        let (status, absence) = ask(get()).await;
        assert_eq!(
            (status, absence.unwrap().state),
            (SettingsStatus::Success, OofState::Disabled)
        );
        let message = |audience, enabled| OofMessage {
            audience,
            enabled,
            reply: Some("away".to_owned()),
            body_type: Some("TEXT".to_owned()),
        };
        let set = |external: bool| {
            OofRequest::Set(Oof {
                state: OofState::Global,
                messages: vec![
                    message(OofAudience::Internal, true),
                    message(OofAudience::ExternalUnknown, external),
                ],
            })
        };
        assert_eq!(ask(set(false)).await.0, SettingsStatus::ConflictingArguments);
        assert_eq!(ask(set(true)).await.0, SettingsStatus::Success);
        let (_, absence) = ask(get()).await;
        let absence = absence.unwrap();
        assert_eq!(absence.state, OofState::Global);
        assert_eq!(absence.messages[0], message(OofAudience::Internal, true));
        phone.stop().await;
    });
}

#[test]
fn acc_4_what_is_not_here_is_refused_by_status() {
    run(async {
        let phone = Phone::ready().await;
        let request = MeetingResponseRequest {
            answers: vec![(Some("1:1".to_owned()), 1)],
        };
        let answer = phone.ask("MeetingResponse", &request.write()).await;
        let results = MeetingResponseResponse::read(&answer).unwrap().results;
        assert_eq!(results, [(Some("1:1".to_owned()), MeetingStatus::InvalidRequest)]);
        let request = ValidateCertRequest {
            chain: Vec::new(),
            certificates: vec![b"certificate".to_vec()],
            check_crl: false,
        };
        let answer = phone.ask("ValidateCert", &request.write()).await;
        let certificates = ValidateCertResponse::read(&answer).unwrap().certificates;
        assert_eq!(certificates, [CertificateStatus::Untrusted]);
        let moved = |always| ItemOperation::Move {
            conversation_id: vec![1; 16],
            folder_id: "1".to_owned(),
            always,
        };
        let request = ItemOperationsRequest {
            operations: vec![moved(true), moved(false)],
        };
        let answer = phone.ask("ItemOperations", &request.write()).await;
        let outcomes = ItemOperationsResponse::read(&answer).unwrap().outcomes;
        let statuses = outcomes.iter().map(|outcome| match outcome {
            ItemOutcome::Move { status, .. } => status.number(),
            other => panic!("{other:?}"),
        });
        assert_eq!(statuses.collect::<Vec<_>>(), [154, 155]);
        phone.stop().await;
    });
}

#[test]
fn acc_4_what_is_large_comes_beside_the_body() {
    run(async {
        let phone = Phone::ready().await;
        phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 1).await;
        let fetch = |source: FetchSource, range: Option<OctetRange>| {
            ItemOperation::Fetch(ItemFetch {
                store: "Mailbox".to_owned(),
                source,
                range,
                form: MailForm::default(),
            })
        };
        let attachment = || FetchSource::Attachment {
            file_reference: "1:1:2".to_owned(),
        };
        let item = FetchSource::Item {
            collection_id: "1".to_owned(),
            server_id: "1:1".to_owned(),
        };
        let request = ItemOperationsRequest {
            operations: vec![
                fetch(attachment(), Some(OctetRange { first: 1, last: 2 })),
                fetch(item, None),
                fetch(attachment(), Some(OctetRange { first: 9, last: 9 })),
            ],
        };
        let line = RequestLine {
            accept_multi_part: true,
            protocol_version: Some(ProtocolVersion::V14_1),
            policy_key: Some(phone.key),
            ..request_line::parse("Cmd=ItemOperations&DeviceId=phone1&DeviceType=Test").unwrap()
        };
        let query = format!("?{}", line.base64().unwrap());
        let response = phone.request("POST", &query, wbxml::encode(&request.write())).await;
        assert_eq!(response.headers()["content-type"], parts::CONTENT_TYPE);
        let octets = response.into_body().collect().await.unwrap().to_bytes();
        let found = parts::read(&octets).unwrap();
        assert_eq!((found.len(), found[1]), (3, &b"il"[..]));
        assert_eq!(std::str::from_utf8(found[2]).unwrap().trim(), "One & two");
        let tree = wbxml::decode(found[0], &WbxmlLimits::default()).unwrap();
        let outcomes = ItemOperationsResponse::read(&tree).unwrap().outcomes;
        let fetched = |outcome: &ItemOutcome| match outcome {
            ItemOutcome::Fetch { fetched, .. } => fetched.clone(),
            other => panic!("{other:?}"),
        };
        let expect = Fetched::Attachment {
            content_type: "text/plain".to_owned(),
            range: Some((OctetRange { first: 1, last: 2 }, 4)),
            data: AttachmentData::Part(1),
        };
        assert_eq!(fetched(&outcomes[0]), Ok(expect));
        let Ok(Fetched::Item { data, .. }) = fetched(&outcomes[1]) else {
            panic!("{:?}", outcomes[1]);
        };
        let body = data.iter().find(|element| element.tag == air_sync_base::BODY).unwrap();
        assert_eq!(body.text_of(item_operations::PART), Some("2"));
        assert_eq!(fetched(&outcomes[2]), Err(ItemStatus::InvalidRange));
        phone.stop().await;
    });
}

pub(super) fn looked_for(query: SearchQuery, range: Option<ResultRange>) -> SearchRequest {
    SearchRequest {
        query,
        range,
        form: MailForm::default(),
    }
}

#[test]
fn acc_4_mails_are_found_by_words_folder_and_time() {
    run(async {
        let mut phone = Phone::ready().await;
        phone.node.append(FolderRef::INBOX, MAIL.as_bytes(), 9).await;
        let other = MAIL.replace("Subject: Hello", "Subject: Greeting");
        phone.node.append(FolderRef::INBOX, other.as_bytes(), 1).await;
        let search = async |query: MailQuery, range: Option<ResultRange>| {
            let request = looked_for(SearchQuery::Mails(query), range);
            let found = SearchResponse::read(&phone.ask("Search", &request.write()).await).unwrap();
            let names = found.results.iter().map(|result| match result {
                SearchResult::Mail { long_id, .. } => long_id.clone(),
                other @ SearchResult::Person(_) => panic!("{other:?}"),
            });
            (found.status, names.collect::<Vec<_>>(), found.total)
        };
        let words = |text: &str| MailQuery {
            free_text: Some(text.to_owned()),
            ..MailQuery::default()
        };
        let found = |names: &[&str], total| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            (SearchStatus::Success, names, total)
        };
        assert_eq!(search(words("two bob"), None).await, found(&["1:2", "1:1"], 2));
        assert_eq!(search(words("hello"), None).await, found(&["1:1"], 1));
        assert_eq!(search(words("nowhere"), None).await, found(&[], 0));
        let second = Some(ResultRange { first: 1, last: 1 });
        assert_eq!(search(words("two"), second).await, found(&["1:1"], 2));
        let behind = Some(ResultRange { first: 2, last: 9 });
        assert_eq!(search(words("two"), behind).await.0, SearchStatus::EndOfRange);
        let elsewhere = MailQuery {
            collection_ids: vec!["99".to_owned()],
            ..words("two")
        };
        assert_eq!(search(elsewhere, None).await.0, SearchStatus::FolderHierarchyChanged);
        let now_millis = phone.node.env.wall_millis();
        let lately = MailQuery {
            after: Some(hongyan_types::Timestamp {
                millis: now_millis - 5 * 86_400_000,
            }),
            collection_ids: vec!["1".to_owned()],
            ..MailQuery::default()
        };
        assert_eq!(search(lately, None).await, found(&["1:2"], 1));
        let documents = looked_for(SearchQuery::Other("DocumentLibrary".to_owned()), None);
        let answer = SearchResponse::read(&phone.ask("Search", &documents.write()).await).unwrap();
        assert_eq!(answer.status, SearchStatus::NotFound);
        phone.version = "16.1";
        let looked = |query: MailQuery| FindRequest {
            search_id: "s".to_owned(),
            query: FindQuery::Mails(query),
            range: None,
        };
        let elsewhere = MailQuery {
            collection_ids: vec!["1".to_owned(), "99".to_owned()],
            ..words("greeting")
        };
        let refused = FindResponse::read(&phone.ask("Find", &looked(elsewhere).write()).await);
        assert_eq!(refused.unwrap_err().status, 3);
        let request = looked(words("greeting"));
        let answer = FindResponse::read(&phone.ask("Find", &request.write()).await).unwrap();
        let FindResult::Mail {
            server_id,
            has_attachments,
            preview,
            ..
        } = &answer.results[0]
        else {
            panic!("{answer:?}");
        };
        assert_eq!(
            (server_id.as_str(), *has_attachments, preview.trim()),
            ("1:2", true, "One & two")
        );
        phone.stop().await;
    });
}

#[test]
fn org_11_phones_find_those_whom_their_member_sees() {
    run(async {
        let phone = Phone::ready().await;
        let people = async |text: &str| {
            let request = looked_for(SearchQuery::People(text.to_owned()), None);
            let found = SearchResponse::read(&phone.ask("Search", &request.write()).await).unwrap();
            let addresses = found.results.into_iter().map(|result| match result {
                SearchResult::Person(person) => person.email_address.unwrap(),
                other @ SearchResult::Mail { .. } => panic!("{other:?}"),
            });
            addresses.collect::<Vec<_>>()
        };
        let (directory, tenant) = (phone.node.directory.clone(), phone.node.mailbox.tenant);
        let me = directory.account(phone.node.mailbox.account).await.unwrap().unwrap();
        let board = NewDepartment {
            name: "Board".to_owned(),
            parent: DepartmentId::ROOT,
            rank: 0,
        };
        let board = directory.create_department(tenant, &board).await.unwrap().id;
        let chief = NewAccount {
            display_name: "Chief".to_owned(),
            departments: vec![board],
            profile: Profile {
                title: "Director".to_owned(),
                ..Profile::default()
            },
            ..NewAccount::at(Address::try_from("chief@example.test").unwrap())
        };
        directory.create_account(&chief).await.unwrap();
        let set = async |rules: Visibility| directory.set_visibility(tenant, &rules, None).await.unwrap();
        let rules = directory.visibility(tenant).await.unwrap();
        let titles = |show_title| Visibility {
            show_title,
            ..rules.clone()
        };
        set(titles(true)).await;
        assert_eq!(people("director").await, ["chief@example.test"]);
        set(titles(false)).await;
        assert_eq!(people("director").await, Vec::<String>::new(), "by what is not shown");
        assert_eq!(people("chief").await, ["chief@example.test"]);
        set(Visibility {
            hidden_departments: vec![board],
            ..titles(true)
        })
        .await;
        assert_eq!(people("chief").await, Vec::<String>::new());
        let mine = me.address.to_string();
        assert_eq!(people(&me.address.local.to_string()).await, std::slice::from_ref(&mine));
        assert_eq!(people("nobody at all").await, Vec::<String>::new());
        let request = ResolveRecipientsRequest {
            names: vec![mine.clone(), "nobody at all".to_owned()],
            certificates: true,
            ..ResolveRecipientsRequest::default()
        };
        let answer = phone.ask("ResolveRecipients", &request.write()).await;
        let resolved = ResolveRecipientsResponse::read(&answer).unwrap().resolved;
        assert_eq!(resolved[0].status, ResolveStatus::Success);
        assert_eq!(resolved[0].recipients[0].email_address, mine);
        assert_eq!(
            resolved[0].recipients[0].certificates,
            Some(ResolveStatus::NoCertificate)
        );
        assert_eq!((resolved[1].status, resolved[1].count), (ResolveStatus::Nobody, 0));
        let all = NewGroup {
            display_name: "Everyone".to_owned(),
            ..NewGroup::at(Address::try_from("all@example.test").unwrap())
        };
        directory.create_group(&all).await.unwrap();
        assert_eq!(people("everyone").await, ["all@example.test"]);
        assert_eq!(people("all@").await, ["all@example.test"]);
        directory.delete_group(&all.address).await.unwrap();
        set(titles(true)).await;
        let of_several = async |ambiguous_max| {
            let request = ResolveRecipientsRequest {
                names: vec!["example.test".to_owned()],
                ambiguous_max,
                certificates: true,
                ..ResolveRecipientsRequest::default()
            };
            let answer = phone.ask("ResolveRecipients", &request.write()).await;
            let one = ResolveRecipientsResponse::read(&answer).unwrap().resolved.remove(0);
            assert!(one.recipients.iter().all(|recipient| recipient.certificates.is_none()));
            (one.status, one.count, one.recipients.len())
        };
        assert_eq!(of_several(None).await, (ResolveStatus::Ambiguous, 2, 2));
        assert_eq!(of_several(Some(2)).await, (ResolveStatus::Ambiguous, 2, 2));
        assert_eq!(of_several(Some(1)).await, (ResolveStatus::AmbiguousInPart, 2, 1));
        assert_eq!(of_several(Some(0)).await, (ResolveStatus::AmbiguousInPart, 2, 0));
        // ORG-8: in the order of what is shown.
        let first = NewAccount {
            display_name: "Bruno".to_owned(),
            profile: Profile {
                nickname: "Dora".to_owned(),
                ..Profile::default()
            },
            ..NewAccount::at(Address::try_from("bruno@example.test").unwrap())
        };
        directory.create_account(&first).await.unwrap();
        for (display_names, expect) in [
            (DisplayNames::Name, ["bruno@example.test", "chief@example.test"]),
            (DisplayNames::Alias, ["chief@example.test", "bruno@example.test"]),
        ] {
            let page = OrganisationPage {
                display_names,
                ..OrganisationPage::default()
            };
            directory.set_page(tenant, &page, None).await.unwrap();
            let mut found = people("example.test").await;
            found.retain(|address| *address != mine);
            assert_eq!(found, expect, "{display_names:?}");
        }
        phone.stop().await;
    });
}
