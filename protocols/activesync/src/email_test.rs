use super::*;
use crate::body::{AttachmentMethod, BodyData};
use crate::command::testing::octets;
use crate::page::air_sync;
use crate::{BodyType, ProtocolVersion};

fn data(elements: Vec<Element>) -> Element {
    Element::new(air_sync::APPLICATION_DATA).with_all(elements)
}

fn mail() -> EmailData {
    let moment = Some(Timestamp {
        millis: 1_767_323_045_678,
    });
    let text = |text: &str| Some(text.to_owned());
    EmailData {
        to: text("\"Anna\" <anna@example.test>"),
        cc: text("b@example.test"),
        bcc: text("c@example.test"),
        from: text("d@example.test"),
        sender: text("e@example.test"),
        reply_to: text("f@example.test"),
        subject: text("\u{5f20}"),
        date_received: moment,
        display_to: text("Anna"),
        thread_topic: text("x"),
        importance: Some(Importance::High),
        read: Some(false),
        flag: Some(Flag {
            status: FlagStatus::Active,
            kind: text("for Follow Up"),
            start_date: moment,
            due_date: moment,
            complete_time: None,
        }),
        attachments: vec![Attachment {
            display_name: text("a.png"),
            file_reference: "M1:2".to_owned(),
            client_id: None,
            method: AttachmentMethod::Normal,
            estimated_data_size: 7,
            content_id: text("i"),
            content_location: text("http://a.test/"),
            is_inline: true,
        }],
        body: Some(Body {
            kind: BodyType::Html,
            estimated_data_size: Some(9),
            truncated: true,
            data: Some(BodyData::Text("<p>x".to_owned())),
            part: None,
            preview: text("x"),
        }),
        native_body_type: Some(BodyType::Html),
        message_class: text("IPM.Note"),
        internet_cpid: Some(65_001),
        content_class: text("urn:content-classes:message"),
        conversation_id: Some(vec![0, 1, 255]),
        conversation_index: Some(vec![2]),
        is_draft: Some(true),
        last_verb_executed: Some(Verb::Forward),
        last_verb_execution_time: moment,
        categories: Some(vec!["a".to_owned(), "b".to_owned()]),
    }
}

#[test]
fn acc_4_mails_both_ways() {
    let mail = mail();
    assert_eq!(
        EmailData::read(&data(mail.write(ProtocolVersion::V16_0))),
        Ok(mail.clone())
    );
    // Versions of 14 know neither Bcc nor drafts.
    let old = EmailData {
        bcc: None,
        is_draft: None,
        ..mail.clone()
    };
    assert_eq!(EmailData::read(&data(mail.write(ProtocolVersion::V14_1))), Ok(old));
    let empty = EmailData {
        categories: Some(Vec::new()),
        flag: Some(Flag::default()),
        ..EmailData::default()
    };
    assert_eq!(EmailData::read(&data(empty.write(ProtocolVersion::V14_1))), Ok(empty));
}

#[test]
fn acc_4_a_mail_is_written_as_the_documents_say() {
    let mail = EmailData {
        subject: Some("a".to_owned()),
        read: Some(true),
        conversation_id: Some(vec![0xff]),
        body: Some(Body {
            kind: BodyType::Plain,
            estimated_data_size: Some(2),
            truncated: false,
            data: Some(BodyData::Text("hi".to_owned())),
            part: None,
            preview: None,
        }),
        ..EmailData::default()
    };
    let golden = b"\x03\x01\x6a\x00\x5d\x00\x02\x54\x03a\x00\x01\x55\x031\x00\x01\x00\x16\x49\xc3\x01\xff\x01\
        \x00\x11\x4a\x46\x031\x00\x01\x4c\x032\x00\x01\x4b\x03hi\x00\x01\x01\x01";
    assert_eq!(octets(&data(mail.write(ProtocolVersion::V14_1))), golden);
}

#[test]
fn acc_4_changes_both_ways() {
    let change = EmailChange {
        read: Some(true),
        flag: Some(Flag {
            status: FlagStatus::Complete,
            complete_time: Some(Timestamp { millis: 5_000 }),
            ..Flag::default()
        }),
        categories: Some(vec!["a".to_owned()]),
        draft: Some(Draft {
            to: Some("a@b.test".to_owned()),
            subject: Some("s".to_owned()),
            attachments_added: vec![NewAttachment {
                client_id: "1".to_owned(),
                display_name: None,
                content_type: None,
                content_id: None,
                is_inline: false,
                content: b"x".to_vec(),
            }],
            attachments_deleted: vec!["M1:2".to_owned()],
            send: true,
            ..Draft::default()
        }),
    };
    let written = data(change.write(ProtocolVersion::V16_1));
    assert_eq!(EmailChange::read(&written, ProtocolVersion::V16_1), Ok(change.clone()));
    let old = EmailChange { draft: None, ..change };
    assert_eq!(EmailChange::read(&written, ProtocolVersion::V14_1), Ok(old));
    let cleared = data(vec![Element::new(page::FLAG)]);
    let read = EmailChange::read(&cleared, ProtocolVersion::V16_1).unwrap();
    assert_eq!(read.flag, Some(Flag::default()));
    assert_eq!(read.draft, None);
}

#[test]
fn what_is_wrong_with_a_change_is_told() {
    for (element, status) in [
        (Element::new(page::FLAG).text(page::STATUS, "3"), 103),
        (Element::new(page::FLAG).text(page::COMPLETE_TIME, "now"), 104),
        (Element::of_text(page::IMPORTANCE, "9"), 103),
        (
            Element::new(air_sync_base::ATTACHMENTS).flag(air_sync_base::DELETE),
            103,
        ),
    ] {
        let error = EmailChange::read(&data(vec![element]), ProtocolVersion::V16_1).unwrap_err();
        assert_eq!(error.status, status);
    }
}
