use super::*;
use crate::BodyType;
use crate::command::testing::{octets, tree};
use crate::page::email;

fn collection(sync_key: &str) -> SyncCollection {
    SyncCollection {
        sync_key: sync_key.to_owned(),
        collection_id: "F1".to_owned(),
        deletes_as_moves: true,
        get_changes: None,
        window_size: None,
        conversation_mode: None,
        options: Vec::new(),
        commands: Vec::new(),
    }
}

#[test]
fn acc_4_requests_both_ways() {
    let first = SyncRequest {
        collections: vec![collection("0")],
        ..SyncRequest::default()
    };
    let golden = b"\x03\x01\x6a\x00\x45\x5c\x4f\x4b\x030\x00\x01\x52\x03F1\x00\x01\x01\x01\x01";
    assert_eq!(octets(&first.write()), golden);
    assert_eq!(SyncRequest::read(&tree(golden), ProtocolVersion::V14_1), Ok(first));
    let data = Element::new(page::APPLICATION_DATA).text(email::READ, "1");
    let full = SyncRequest {
        collections: vec![SyncCollection {
            deletes_as_moves: false,
            get_changes: Some(false),
            window_size: Some(25),
            conversation_mode: Some(true),
            options: vec![SyncOptions {
                class: Some("Email".to_owned()),
                filter: FilterType::OneMonth,
                server_wins: Some(true),
                mime_support: MimeSupport::SmimeOnly,
                mime_truncation: Some(1),
                max_items: Some(5),
                body_preferences: vec![BodyPreference {
                    kind: BodyType::Plain,
                    truncation_size: Some(512),
                    all_or_none: false,
                    preview: None,
                }],
            }],
            commands: vec![
                SyncCommand::Add {
                    client_id: "c1".to_owned(),
                    class: None,
                    data: data.clone(),
                },
                SyncCommand::Change {
                    server_id: "M1".to_owned(),
                    data,
                },
                SyncCommand::Delete {
                    server_id: "M2".to_owned(),
                },
                SyncCommand::Fetch {
                    server_id: "M3".to_owned(),
                },
            ],
            ..collection("5")
        }],
        wait: Some(SyncWait::Seconds(600)),
        window_size: Some(512),
        partial: true,
    };
    assert_eq!(
        SyncRequest::read(&full.write(), ProtocolVersion::V16_1),
        Ok(full.clone())
    );
    assert_eq!(full.collections[0].options[0].mime_octets_max(), Some(4_096));
    assert!(!full.collections[0].wants_changes() && !collection("0").wants_changes());
    assert!(collection("1").wants_changes());
}

#[test]
fn numbers_mean_what_the_documents_say() {
    let read = |body: Element| SyncRequest::read(&body, ProtocolVersion::V14_1);
    let body = Element::new(page::SYNC)
        .text(page::WAIT, "10")
        .text(page::WINDOW_SIZE, "0");
    let request = read(body).unwrap();
    assert_eq!(
        (request.wait, request.window_size),
        (Some(SyncWait::Minutes(10)), Some(512))
    );
    assert_eq!((SyncWait::Minutes(10).secs(), SyncWait::Minutes(1).limit(90)), (600, 1));
    assert_eq!(SyncRequest::read(&request.write(), ProtocolVersion::V14_1), Ok(request));
    let body = Element::new(page::SYNC).text(page::WINDOW_SIZE, "100000");
    assert_eq!(read(body).unwrap().window_size, Some(512));
    let in_collection = |element: Element| {
        let collection = Element::new(page::COLLECTION)
            .text(page::SYNC_KEY, "1")
            .text(page::COLLECTION_ID, "F1")
            .with(element);
        Element::new(page::SYNC).with(Element::new(page::COLLECTIONS).with(collection))
    };
    // An empty element says yes.
    let empty = read(in_collection(Element::new(page::GET_CHANGES))).unwrap();
    assert_eq!(empty.collections[0].get_changes, Some(true));
    let options = |tag, text: &str| in_collection(Element::new(page::OPTIONS).text(tag, text));
    for (body, status) in [
        (Element::new(page::SYNC).text(page::WAIT, "x"), 4),
        (
            Element::new(page::SYNC)
                .text(page::WAIT, "1")
                .text(page::HEARTBEAT_INTERVAL, "60"),
            4,
        ),
        (
            Element::new(page::SYNC).with(Element::new(page::COLLECTIONS).flag(page::COLLECTION)),
            4,
        ),
        (Element::new(page::PARTIAL), 101),
        (options(page::FILTER_TYPE, "9"), 4),
        (options(page::CONFLICT, "2"), 4),
        (options(page::MIME_SUPPORT, "3"), 103),
        (options(page::MIME_TRUNCATION, "9"), 4),
        (in_collection(Element::new(page::COMMANDS).flag(page::DELETE)), 4),
        (in_collection(Element::new(page::COMMANDS).flag(page::SOFT_DELETE)), 4),
    ] {
        assert_eq!(read(body.clone()).unwrap_err().status, status, "{body:?}");
    }
}

#[test]
fn acc_4_responses_both_ways() {
    let answer = SyncCollectionResponse {
        sync_key: "2".to_owned(),
        collection_id: "F1".to_owned(),
        status: SyncStatus::Success,
        more_available: true,
        responses: vec![SyncReply {
            kind: SyncReplyKind::Fetch,
            client_id: None,
            server_id: Some("M3".to_owned()),
            status: SyncStatus::ObjectNotFound,
            data: None,
        }],
        commands: vec![
            SyncChange::Add {
                server_id: "M1".to_owned(),
                data: vec![Element::of_text(email::SUBJECT, "a")],
            },
            SyncChange::Delete {
                server_id: "M2".to_owned(),
            },
        ],
    };
    let response = SyncResponse::Collections(vec![answer.clone()]);
    let golden = b"\x03\x01\x6a\x00\x45\x5c\x4f\x4b\x032\x00\x01\x52\x03F1\x00\x01\x4e\x031\x00\x01\x14\
        \x46\x4a\x4d\x03M3\x00\x01\x4e\x038\x00\x01\x01\x01\
        \x56\x47\x4d\x03M1\x00\x01\x5d\x00\x02\x54\x03a\x00\x01\x01\x01\x00\x00\x49\x4d\x03M2\x00\x01\x01\x01\x01\x01\x01";
    assert_eq!(
        octets(&response.write()),
        golden,
        "{}",
        octets(&response.write()).escape_ascii()
    );
    assert_eq!(SyncResponse::read(&tree(golden)), Ok(response));
    let other = SyncResponse::Collections(vec![SyncCollectionResponse {
        more_available: false,
        responses: [SyncReplyKind::Add, SyncReplyKind::Change, SyncReplyKind::Delete]
            .map(|kind| SyncReply {
                kind,
                client_id: Some("c".to_owned()),
                server_id: None,
                status: SyncStatus::ConversionError,
                data: Some(vec![Element::of_text(email::READ, "1")]),
            })
            .to_vec(),
        commands: vec![
            SyncChange::Change {
                server_id: "M1".to_owned(),
                data: Vec::new(),
            },
            SyncChange::SoftDelete {
                server_id: "M2".to_owned(),
            },
        ],
        ..answer
    }]);
    assert_eq!(SyncResponse::read(&other.write()), Ok(other));
    let refused = SyncResponse::Refused {
        status: SyncStatus::InvalidWait,
        limit: Some(59),
    };
    let golden = b"\x03\x01\x6a\x00\x45\x4e\x0314\x00\x01\x65\x0359\x00\x01\x01";
    assert_eq!(octets(&refused.write()), golden);
    assert_eq!(SyncResponse::read(&tree(golden)), Ok(refused));
}

#[test]
fn filters_there_and_back() {
    for number in 0..=9 {
        let filter = FilterType::from_number(number);
        assert_eq!(filter.map(FilterType::number), (number < 9).then_some(number));
    }
    assert_eq!(FilterType::TwoWeeks.days(), Some(14));
    assert_eq!(FilterType::All.days(), None);
}
