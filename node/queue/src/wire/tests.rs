//! What version 1 says, byte by byte, and that whatever is written is read.

use hongyan_blob::NewBlob;
use hongyan_router::Ask;
use hongyan_transport::codec;

use super::*;
use crate::record::{Recipient, RecipientState};

const GOLDEN: &str = include_str!("golden_v1.txt");

fn attempt() -> Attempt {
    Attempt {
        host: "mx.b.test".to_owned(),
        peer: "192.0.2.1".to_owned(),
        code: 450,
        status: "4.2.1".to_owned(),
        text: "later".to_owned(),
        relayed_dsn: true,
    }
}

fn entry() -> Entry {
    Entry {
        tenant: 1,
        blob: vec![0xAB; 4],
        octets: 9,
        sender: None,
        envelope_id: None,
        return_content: None,
        body: BodyKind::SevenBit,
        smtputf8: false,
        destination: Destination::Local,
        recipients: vec![Recipient {
            address: "x@b.test".to_owned(),
            original: None,
            notify: Notify::default(),
            state: RecipientState::Pending,
            last: Some(attempt()),
            owed: None,
            notify_asked: false,
        }],
        accepted_millis: 5,
        due_millis: 6,
        attempts: 2,
        held: false,
        delay_reported: false,
        subject: "s".to_owned(),
        delivery_id: b"d".to_vec(),
        submission: None,
    }
}

fn requests() -> Vec<QueueRequest> {
    let travel = [
        &b"\x01\x00\x01\x84\x07\x58\x20"[..],
        &[0xAB; 32],
        b"\x05\x82\x00\x81\x42\x00x",
    ]
    .concat();
    let new = |destination, body, return_content, notify| NewEntry {
        sender: Some("a@a.test".to_owned()),
        envelope_id: Some("id".to_owned()),
        return_content,
        body,
        smtputf8: true,
        destination,
        recipients: vec![NewRecipient {
            address: "x@b.test".to_owned(),
            original: Some("rfc822;y@b.test".to_owned()),
            notify,
        }],
        not_before_millis: -1,
        subject: "中".to_owned(),
        submission: None,
    };
    let domain = Destination::Domain("b.test".to_owned());
    let accept = Accept {
        delivery_id: b"one".to_vec(),
        blob: NewBlob::from_travel(&travel).unwrap(),
        entries: vec![
            new(domain.clone(), BodyKind::SevenBit, None, None),
            new(domain, BodyKind::EightBit, Some(ReturnContent::Full), None),
            new(
                Destination::Local,
                BodyKind::Binary,
                Some(ReturnContent::Headers),
                Some(Notify::default()),
            ),
        ],
    };
    let outcomes = vec![
        (0, Outcome::Delivered(attempt())),
        (1, Outcome::Deferred(attempt())),
        (2, Outcome::Bounced(attempt())),
    ];
    let kinds = [ReportKind::Failure, ReportKind::Delay, ReportKind::Success];
    let mut requests = vec![
        accept.into_request(),
        Due {
            limit: 300,
            holder: Holder { node: 2, life: 9 },
        }
        .into_request(),
        Reported { number: 7, outcomes }.into_request(),
        List { after: 5, limit: 10 }.into_request(),
        Show { number: 7 }.into_request(),
        Retry { number: 7 }.into_request(),
        Hold { number: 7 }.into_request(),
        Release { number: 7 }.into_request(),
        Delete { number: 7 }.into_request(),
    ];
    for kind in kinds {
        let (number, sent) = (7, kind == ReportKind::Delay);
        requests.push(ReportSent { number, kind, sent }.into_request());
    }
    for due_millis in [None, Some(-7)] {
        requests.push(PutBack { number: 7, due_millis }.into_request());
    }
    requests.push(Withdraw { numbers: vec![7, 300] }.into_request());
    let submission = Some(SubmissionId {
        tenant: TenantId(1),
        account: AccountId(2),
        number: 3,
    });
    let entry = new(Destination::Local, BodyKind::SevenBit, None, None);
    let submitted = Accept {
        delivery_id: b"two".to_vec(),
        blob: NewBlob::from_travel(&travel).unwrap(),
        entries: vec![entry.clone(), NewEntry { submission, ..entry }],
    };
    requests.push(submitted.into_request());
    let numbers = vec![7, 300];
    let not_before_millis = -7;
    let postpone = Postpone {
        numbers,
        not_before_millis,
    };
    requests.push(postpone.into_request());
    if let Some(submission) = submission {
        let (after, limit) = (300, 2);
        let recall = Recall {
            submission,
            after,
            limit,
        };
        requests.push(recall.into_request());
    }
    let put_off = PutOff {
        number: 7,
        due_millis: -7,
        reason: attempt(),
    };
    requests.push(put_off.into_request());
    requests
}

fn replies() -> Vec<QueueReply> {
    let id = EntryId {
        queue: QueueId { shard: 31 },
        number: 300,
    };
    let due = |work| DueEntry {
        id,
        entry: entry(),
        work,
    };
    let broken = || hongyan_kv::Error::Corrupt("broken".to_owned());
    vec![
        QueueReply::Accept(Ok(AcceptReply { entries: vec![id, id] })),
        QueueReply::Due(Ok(DueReply {
            entries: vec![due(Work::Deliver), due(Work::Report(ReportKind::Success))],
            next_millis: Some(900),
        })),
        QueueReply::List(Ok(ListReply {
            entries: vec![(id, entry())],
        })),
        QueueReply::Entry(Ok(Box::new(entry()))),
        QueueReply::Done(Ok(())),
        QueueReply::Done(Err(QueueError::NoSuchEntry)),
        QueueReply::Due(Err(hongyan_kv::Error::Unavailable("full".to_owned()).into())),
        QueueReply::Accept(Err(broken().into())),
        QueueReply::Recall(Ok(RecallReply {
            recalled: vec!["x@b.test".to_owned()],
            leaving: vec!["y@b.test".to_owned()],
            next: Some(300),
        })),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn golden_bytes() {
    let mut written = String::new();
    for request in requests() {
        written += &format!("> {}\n", hex(&codec::encode(&write_request(&request)).unwrap()));
    }
    for reply in replies() {
        written += &format!("< {}\n", hex(&codec::encode(&write_reply(&reply)).unwrap()));
    }
    assert_eq!(written, GOLDEN, "\n{written}");
}

#[test]
fn whatever_is_written_is_read() {
    for line in GOLDEN.lines() {
        let bytes = unhex(&line[2..]);
        let read = |bytes: &[u8]| -> Result<Bytes, WireError> {
            if line.starts_with('>') {
                codec::encode(&write_request(&read_request(codec::decode(bytes).map_err(wrong)?)?)).map_err(wrong)
            } else {
                codec::encode(&write_reply(&read_reply(codec::decode(bytes).map_err(wrong)?)?)).map_err(wrong)
            }
        };
        assert_eq!(hex(&read(&bytes).unwrap()), line[2..]);
        assert!(read(&bytes[..bytes.len() - 1]).is_err(), "{line}");
    }
    for request in requests() {
        let read = read_request(write_request(&request)).unwrap();
        assert_eq!(format!("{read:?}"), format!("{request:?}"));
    }
    let (mut replies, refused): (Vec<_>, Vec<_>) = replies()
        .into_iter()
        .enumerate()
        .partition(|(at, _)| *at < 6 || *at == 8);
    for (_, reply) in replies.drain(..) {
        let read = read_reply(write_reply(&reply)).unwrap();
        assert_eq!(format!("{read:?}"), format!("{reply:?}"));
    }
    for (_, reply) in refused {
        let is_temporary = |reply: &QueueReply| match reply {
            QueueReply::Accept(Err(error)) | QueueReply::Due(Err(error)) => error.is_temporary(),
            _ => panic!("an error"),
        };
        let read = read_reply(write_reply(&reply)).unwrap();
        assert_eq!(is_temporary(&read), is_temporary(&reply));
    }
}
