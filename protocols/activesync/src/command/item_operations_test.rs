use super::*;
use crate::command::sync::MimeSupport;
use crate::command::testing::{octets, tree};
use crate::page::email;

fn fetch(source: FetchSource) -> ItemFetch {
    ItemFetch {
        store: "Mailbox".to_owned(),
        source,
        range: None,
        form: MailForm::default(),
    }
}

fn attachment() -> FetchSource {
    FetchSource::Attachment {
        file_reference: "1:1:2".to_owned(),
    }
}

fn item() -> FetchSource {
    FetchSource::Item {
        collection_id: "1".to_owned(),
        server_id: "1:1".to_owned(),
    }
}

#[test]
fn acc_4_requests_both_ways() {
    let read = |body: &Element| ItemOperationsRequest::read(body, ProtocolVersion::V14_1);
    let empty = ItemOperationsRequest {
        operations: vec![ItemOperation::EmptyFolder {
            collection_id: "3".to_owned(),
            delete_sub_folders: true,
        }],
    };
    let golden = b"\x03\x01\x6a\x00\x00\x14\x45\x52\x00\x00\x52\x033\x00\x01\x00\x14\x48\x13\x01\x01\x01";
    assert_eq!(octets(&empty.write()), golden);
    assert_eq!(read(&tree(golden)), Ok(empty));
    let all = ItemOperationsRequest {
        operations: vec![
            ItemOperation::Fetch(ItemFetch {
                range: Some(OctetRange { first: 0, last: 9 }),
                ..fetch(attachment())
            }),
            ItemOperation::Fetch(ItemFetch {
                form: MailForm {
                    mime_support: MimeSupport::Always,
                    body_preferences: vec![BodyPreference {
                        kind: crate::BodyType::Mime,
                        truncation_size: None,
                        all_or_none: false,
                        preview: None,
                    }],
                },
                ..fetch(item())
            }),
            ItemOperation::Fetch(fetch(FetchSource::Found {
                long_id: "L".to_owned(),
            })),
            ItemOperation::Move {
                conversation_id: vec![0, 255],
                folder_id: "4".to_owned(),
                always: false,
            },
        ],
    };
    assert_eq!(read(&all.write()), Ok(all));
    let asked = |operation: Element| Element::new(page::ITEM_OPERATIONS).with(operation);
    let range = |text: &str| {
        let options = Element::new(page::OPTIONS).text(page::RANGE, text);
        let fetch = Element::new(page::FETCH).text(air_sync_base::FILE_REFERENCE, "x");
        asked(fetch.with(options))
    };
    for (body, status) in [
        (Element::new(page::FETCH), 101),
        (Element::new(page::ITEM_OPERATIONS), 2),
        (asked(Element::new(page::FETCH)), 2),
        (asked(Element::new(page::STORE)), 2),
        (asked(Element::new(page::MOVE)), 2),
        (range("9-0"), 8),
        (range("x"), 8),
    ] {
        assert_eq!(read(&body).unwrap_err().status, status, "{body:?}");
    }
}

#[test]
fn acc_4_responses_both_ways() {
    let fetched = |data, range| ItemOutcome::Fetch {
        source: attachment(),
        fetched: Ok(Fetched::Attachment {
            content_type: "text/plain".to_owned(),
            range,
            data,
        }),
    };
    let inline = ItemOperationsResponse {
        outcomes: vec![fetched(AttachmentData::Inline(b"file".to_vec()), None)],
    };
    let golden = b"\x03\x01\x6a\x00\x00\x14\x45\x4d\x031\x00\x01\x4e\x46\x4d\x031\x00\x01\x00\x11\x51\x031:1:2\x00\x01\
        \x00\x14\x4b\x00\x11\x57\x03text/plain\x00\x01\x00\x14\x4c\x03ZmlsZQ==\x00\x01\x01\x01\x01\x01";
    let written = octets(&inline.write());
    assert_eq!(written, golden, "{}", written.escape_ascii());
    assert_eq!(ItemOperationsResponse::read(&tree(golden)), Ok(inline));
    let range = OctetRange { first: 2, last: 3 };
    let all = ItemOperationsResponse {
        outcomes: vec![
            fetched(AttachmentData::Part(1), Some((range, 4))),
            ItemOutcome::Fetch {
                source: item(),
                fetched: Ok(Fetched::Item {
                    class: "Email".to_owned(),
                    data: vec![Element::of_text(email::SUBJECT, "a")],
                }),
            },
            ItemOutcome::Fetch {
                source: attachment(),
                fetched: Err(ItemStatus::InvalidAttachment),
            },
            ItemOutcome::EmptyFolder {
                collection_id: "3".to_owned(),
                status: ItemStatus::AccessDenied,
            },
            ItemOutcome::Move {
                conversation_id: vec![255],
                status: ItemStatus::Common(crate::Status::FailureInMoveOperation),
            },
        ],
    };
    assert_eq!(ItemOperationsResponse::read(&all.write()), Ok(all));
    let refused = crate::command::refusal(crate::Command::ItemOperations, 142).unwrap();
    assert_eq!(ItemOperationsResponse::read(&refused).unwrap_err().status, 142);
}
