use bytes::Bytes;
use hongyan_message::TextReader;
use hongyan_types::{Address, Timestamp};

use super::*;
use crate::report::Status;

fn recipient(address: &str, action: Action, status: Status) -> ReportRecipient {
    ReportRecipient {
        address: address.to_owned(),
        original: Some(("rfc822".to_owned(), "old@b.test".to_owned())),
        action,
        status,
        diagnostic: Some("550 5.1.1 no\r\nsuch user".to_owned()),
        remote_host: Some("mx.b.test".to_owned()),
        last_attempt: Some(Timestamp { millis: 0 }),
    }
}

fn report(recipients: Vec<ReportRecipient>, returned: Returned, language: Language) -> String {
    let report = Report {
        host_name: "mx.a.test".to_owned(),
        to: Address::try_from("me@a.test").unwrap(),
        arrived: Timestamp { millis: 0 },
        now: Timestamp { millis: 60_000 },
        envelope_id: Some("env".to_owned()),
        recipients,
        returned,
        help_link: Some("https://help.a.test/bounce".to_owned()),
        unique: 7,
    };
    String::from_utf8(build(&report, language)).unwrap()
}

fn original() -> Returned {
    let bytes = b"Subject: =?utf-8?B?5L2g5aW9?=\r\nMessage-ID: <1@a.test>\r\n\r\nbody\r\n";
    Returned::Full(Bytes::from_static(bytes))
}

/// The text for people, decoded.
fn text_of(mail: &str) -> String {
    let structure = hongyan_message::parse(mail.as_bytes());
    let part = &structure.root.children()[0];
    let start = usize::try_from(part.body_offset()).unwrap();
    let end = start + usize::try_from(part.body_octets).unwrap();
    let mut text = String::new();
    let mut reader = TextReader::new(part).unwrap();
    reader.push(&mail.as_bytes()[start..end], &mut text);
    reader.finish(&mut text);
    text
}

const PROGRAMS: &str = "Content-Type: message/delivery-status\r\n\r\n\
Reporting-MTA: dns; mx.a.test\r\n\
Original-Envelope-Id: env\r\n\
Arrival-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\
\r\n\
Original-Recipient: rfc822;old@b.test\r\n\
Final-Recipient: rfc822;gone@b.test\r\n\
Action: failed\r\n\
Status: 5.1.1\r\n\
Remote-MTA: dns; mx.b.test\r\n\
Diagnostic-Code: smtp; 550 5.1.1 no  such user\r\n\
Last-Attempt-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\
\r\n--=_part_0\r\n\
Content-Type: message/rfc822\r\n\
\r\n\
Subject: =?utf-8?B?5L2g5aW9?=\r\n\
Message-ID: <1@a.test>\r\n\
\r\n\
body\r\n\
\r\n\
--=_part_0--\r\n";

#[test]
fn rs_13_in_english() {
    let failed = recipient("gone@b.test", Action::Failed, Status(5, 1, 1));
    let mail = report(vec![failed], original(), Language::English);
    let header = "From: Mail delivery <postmaster@mx.a.test>\r\n\
To: <me@a.test>\r\n\
Subject: =?utf-8?B?Tm90IGRlbGl2ZXJlZDog5L2g5aW9?=\r\n\
Date: Thu, 1 Jan 1970 00:01:00 +0000\r\n\
Message-ID: <0000000000000007.report@mx.a.test>\r\n\
Auto-Submitted: auto-replied\r\n\
Content-Language: en\r\n\
In-Reply-To: <1@a.test>\r\n\
References: <1@a.test>\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/report; report-type=\"delivery-status\";\r\n boundary=\"=_part_0\"\r\n\
\r\n\
--=_part_0\r\n\
Content-Type: text/plain; charset=\"utf-8\"\r\n";
    assert!(mail.starts_with(header), "{mail}");
    assert!(mail.ends_with(PROGRAMS), "{mail}");
    assert_eq!(
        text_of(&mail),
        "Your message could not be delivered to everybody it was meant for.\r\n\
\r\n\
Sent:    Thu, 1 Jan 1970 00:00:00 +0000\r\n\
Subject: 你好\r\n\
\r\n\
To:      gone@b.test\r\n\
Reason:  There is no mailbox with this address.\r\n\
To do:   Check the spelling, or ask the recipient for the current address,\r\n         and send again.\r\n\
Answer of mx.b.test: 550 5.1.1 no  such user\r\n\
\r\n\
More about this: https://help.a.test/bounce\r\n"
    );
}

#[test]
fn rs_13_in_chinese() {
    let failed = recipient("gone@b.test", Action::Failed, Status(5, 1, 1));
    let mail = report(vec![failed], original(), Language::Chinese);
    assert!(mail.is_ascii(), "{mail}");
    assert!(mail.contains("\r\nContent-Language: zh-CN\r\n"));
    let field = |name: &str| fields::find(mail.as_bytes(), name).unwrap().text();
    assert_eq!(field("From"), "邮件投递系统 <postmaster@mx.a.test>");
    assert_eq!(field("Subject"), "投递失败：你好");
    assert!(mail.ends_with(PROGRAMS), "{mail}");
    assert_eq!(
        text_of(&mail),
        "您的邮件未能送达全部收件人。\r\n\
\r\n\
发送时间：1970年1月1日 00:00（世界协调时）\r\n\
主　　题：你好\r\n\
\r\n\
收 件 人：gone@b.test\r\n\
原　　因：此地址没有对应的邮箱。\r\n\
建　　议：请检查地址拼写，或向收件人询问最新地址后重新发送。\r\n\
mx.b.test 的答复：550 5.1.1 no  such user\r\n\
\r\n\
更多说明：https://help.a.test/bounce\r\n"
    );
}

#[test]
fn structure_is_that_of_rfc_3464() {
    let delayed = Action::Delayed {
        retry_until: Some(Timestamp { millis: 0 }),
    };
    for (language, until) in [
        (Language::English, "Tried until: Thu, 1 Jan 1970"),
        (Language::Chinese, "尝试投递至：1970年1月1日"),
    ] {
        let recipients = vec![
            recipient("slow@b.test", delayed, Status(4, 4, 1)),
            recipient("用户@b.test", Action::Delivered, Status(2, 0, 0)),
        ];
        let returned = Returned::Header(Bytes::from_static(b"Subject: x\nTo: y\r"));
        let mail = report(recipients, returned, language);
        assert!(text_of(&mail).contains(until));
        assert!(mail.contains("Will-Retry-Until: Thu, 1 Jan 1970"));
        assert!(mail.contains("Final-Recipient: utf-8;用户@b.test\r\nAction: delivered\r\n"));
        let lines = mail.replace("\r\n", "");
        assert!(lines.bytes().all(|byte| byte != b'\r' && byte != b'\n'));
        let structure = hongyan_message::parse(mail.as_bytes());
        let parts: Vec<_> = structure
            .root
            .children()
            .iter()
            .map(|part| part.media.subtype.clone())
            .collect();
        assert_eq!(parts, ["plain", "delivery-status", "rfc822-headers"]);
    }
}

#[test]
fn a_message_without_a_subject_has_a_report_with_one() {
    let returned = Returned::Header(Bytes::from_static(b"To: y\r\n\r\n"));
    let recipients = vec![recipient("a@b.test", Action::Relayed, Status(2, 0, 0))];
    let mail = report(recipients, returned, Language::English);
    assert!(mail.contains("\r\nSubject: Sent on\r\n"), "{mail}");
    assert!(text_of(&mail).contains("Subject: (none)\r\n"));
}
