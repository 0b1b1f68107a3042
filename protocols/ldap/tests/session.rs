//! The server's session against our own client side, and against octets that are wrong.

use std::time::Duration;

use hongyan_ldap_wire::client::{self, Operation, Response, SearchRequest};
use hongyan_ldap_wire::server::{Command, Options, Reply, Session};
use hongyan_ldap_wire::{Answer, Attribute, Filter, Found, Limits, PAGED, ResultCode, Scope};
use hongyan_types::Instant;
use proptest::prelude::*;

const NOW: Instant = Instant { micros: 0 };

fn options() -> Options {
    Options {
        tls: true,
        start_tls: true,
        clear_passwords: false,
        limits: Limits::default(),
    }
}

fn session() -> Session {
    Session::new(options(), NOW)
}

/// What the session has to say.
fn answers(session: &mut Session) -> Vec<Response> {
    let mut out = Vec::new();
    session.poll_output(&mut out);
    let (mut rest, mut answers) = (out.as_slice(), Vec::new());
    while !rest.is_empty() {
        let whole = hongyan_ldap_wire::frame(rest).unwrap().unwrap();
        answers.push(Response::read(&rest[..whole]).unwrap());
        rest = &rest[whole..];
    }
    answers
}

/// Number and code of each answer.
fn codes(session: &mut Session) -> Vec<(u32, u32)> {
    let answers = answers(session).into_iter();
    let code = |response: Response| match response.operation {
        Operation::Bound(outcome) | Operation::Searched(outcome) | Operation::Extended(outcome) => outcome.code.0,
        other => panic!("{other:?}"),
    };
    answers.map(|response| (response.id, code(response))).collect()
}

fn signed_in() -> Session {
    let mut session = session();
    session.receive(NOW, &client::bind(1, "anna@example.test", "pass"));
    let (id, command) = session.poll_command(NOW).unwrap();
    assert!(matches!(command, Command::Bind { .. }), "{command:?}");
    let authorization = "dn:uid=anna".to_owned();
    session.reply(NOW, id, Reply::SignedIn { authorization });
    assert_eq!(codes(&mut session), [(1, 0)]);
    session
}

fn search(id: u32, filter: &str) -> Vec<u8> {
    let filter = Filter::read(filter).unwrap();
    client::search(
        id,
        &SearchRequest {
            base: "dc=example,dc=test",
            filter: &filter,
            attributes: &["cn".to_owned()],
            page: 10,
            cookie: b"x",
            within_secs: 3,
        },
    )
}

/// An extended request.
fn extended(id: u8, name: &str) -> Vec<u8> {
    let name_octets = u8::try_from(name.len()).unwrap();
    let mut octets = vec![
        0x30,
        name_octets + 7,
        2,
        1,
        id,
        0x77,
        name_octets + 2,
        0x80,
        name_octets,
    ];
    octets.extend(name.as_bytes());
    octets
}

#[test]
fn acc_20_a_search_there_and_back() {
    let mut session = signed_in();
    session.receive(NOW, &search(2, "(|(cn=*ab*)(mail=ab*))"));
    let (id, command) = session.poll_command(NOW).unwrap();
    let Command::Search(asked) = command else {
        panic!("{command:?}")
    };
    assert_eq!(asked.base, "dc=example,dc=test");
    assert_eq!(
        (asked.scope, asked.size_limit, asked.time_limit_secs),
        (Scope::Sub, 0, 3)
    );
    assert_eq!(asked.filter, Filter::read("(|(cn=*ab*)(mail=ab*))").unwrap());
    let page = asked.page.unwrap();
    assert_eq!((page.size, page.cookie.as_slice()), (10, &b"x"[..]));
    let found = Found {
        name: "uid=a".to_owned(),
        attributes: vec![Attribute {
            name: "cn",
            values: vec!["张三".to_owned(), "x".to_owned()],
        }],
    };
    assert!(session.push(id, &found));
    let cookie = b"next".to_vec();
    let answer = Answer::success();
    session.reply(NOW, id, Reply::Page { answer, cookie });
    let answers = answers(&mut session);
    let Operation::Entry(entry) = &answers[0].operation else {
        panic!("{answers:?}")
    };
    assert_eq!(entry.name, "uid=a");
    assert_eq!(entry.attributes["cn"], ["张三".as_bytes().to_vec(), b"x".to_vec()]);
    assert_eq!(answers[1].cookie, b"next");
    assert_eq!(session.poll_command(NOW), None);
}

#[test]
fn rfc_4511_recorded_octets() {
    let mut session = signed_in();
    session.receive(NOW, &extended(2, "1.3.6.1.4.1.4203.1.11.3"));
    assert_eq!(session.poll_command(NOW), None);
    let mut out = Vec::new();
    session.poll_output(&mut out);
    // RFC 4532 §2.2: the answer has no name, and the authorization in its value.
    assert_eq!(
        out,
        b"\x30\x19\x02\x01\x02\x78\x14\x0a\x01\x00\x04\x00\x04\x00\x8b\x0bdn:uid=anna"
    );
    session.close(ResultCode::UNAVAILABLE, "bye");
    out.clear();
    session.poll_output(&mut out);
    let mut expect = b"\x30\x27\x02\x01\x00\x78\x22\x0a\x01\x34\x04\x00\x04\x03bye\x8a\x16".to_vec();
    expect.extend(b"1.3.6.1.4.1.1466.20036");
    assert_eq!(out, expect);
    assert!(session.is_closing());
}

#[test]
fn rfc_4513_binds_that_prove_nothing() {
    let check = |octets: &[u8], tls: bool, expect: u32| {
        let options = Options { tls, ..options() };
        let mut session = Session::new(options, NOW);
        session.receive(NOW, octets);
        assert_eq!(session.poll_command(NOW), None);
        assert_eq!(codes(&mut session), [(1, expect)], "{octets:?}");
        assert!(!session.is_signed_in());
    };
    check(&client::bind(1, "anna", ""), true, 53);
    check(&client::bind(1, "", "pass"), true, 49);
    check(&client::bind(1, "anna", "pass"), false, 13);
    // Version 2.
    check(
        b"\x30\x11\x02\x01\x01\x60\x0c\x02\x01\x02\x04\x04cn=a\x80\x01p",
        true,
        2,
    );
    // Kerberos of version 2.
    check(
        b"\x30\x11\x02\x01\x01\x60\x0c\x02\x01\x03\x04\x04cn=a\x81\x01p",
        true,
        7,
    );
    let sasl = |mechanism: &[u8; 5]| {
        let mut octets = b"\x30\x10\x02\x01\x01\x60\x0b\x02\x01\x03\x04\x00\xa3\x07\x04\x05".to_vec();
        octets.extend(mechanism);
        octets[1] = 0x13;
        octets[6] = 0x0e;
        octets
    };
    check(&sasl(b"OTHER"), true, 7);
    check(&sasl(b"PLAIN"), true, 14);
    check(&sasl(b"PLAIN"), false, 13);
    let mut session = session();
    session.receive(NOW, &client::bind(1, "", ""));
    let (id, command) = session.poll_command(NOW).unwrap();
    assert_eq!(command, Command::Anonymous);
    session.reply(NOW, id, Reply::Done(Answer::success()));
    assert_eq!(codes(&mut session), [(1, 0)]);
    session.receive(NOW, &search(2, "(cn=x)"));
    assert_eq!(session.poll_command(NOW), None);
    assert_eq!(codes(&mut session), [(2, 8)], "RFC 4511: strongerAuthRequired");
}

#[test]
fn rfc_4511_what_is_not_done_here_is_refused_by_name() {
    let mut session = signed_in();
    // Delete, add, modify, modify the name: each has its own answer.
    for (request, answer) in [(0x4a, 0x6b), (0x68, 0x69), (0x66, 0x67), (0x6c, 0x6d)] {
        session.receive(NOW, &[0x30, 8, 2, 1, 7, request, 3, b'a', b'=', b'b']);
        assert_eq!(session.poll_command(NOW), None);
        let mut out = Vec::new();
        session.poll_output(&mut out);
        assert_eq!((out[5], out[9]), (answer, 53), "{out:x?}");
    }
    session.receive(NOW, &extended(3, "1.2.3"));
    session.receive(NOW, &extended(4, "1.3.6.1.4.1.1466.20037"));
    assert_eq!(session.poll_command(NOW), None);
    assert_eq!(codes(&mut session), [(3, 2), (4, 1)]);
}

#[test]
fn rfc_4511_unknown_controls_count_when_they_are_critical() {
    let control = |name: &str, is_critical: bool| {
        let filter = b"\x87\x02cn";
        let mut search = b"\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00".to_vec();
        search.extend(filter);
        search.extend([0x30, 0]);
        let mut one = vec![4, u8::try_from(name.len()).unwrap()];
        one.extend(name.as_bytes());
        if is_critical {
            one.extend([1, 1, 0xff]);
        }
        let octets = |tag: u8, body: &[u8]| [&[tag, u8::try_from(body.len()).unwrap()][..], body].concat();
        let body = [vec![2, 1, 2], octets(0x63, &search), octets(0xa0, &octets(0x30, &one))].concat();
        octets(0x30, &body)
    };
    let mut session = signed_in();
    session.receive(NOW, &control("1.2.3", true));
    assert_eq!(session.poll_command(NOW), None);
    assert_eq!(codes(&mut session), [(2, 12)]);
    session.receive(NOW, &control("1.2.3", false));
    assert!(matches!(session.poll_command(NOW), Some((_, Command::Search(_)))));
    // A page that says nothing of itself is no page.
    let mut session = signed_in();
    session.receive(NOW, &control(PAGED, true));
    assert_eq!(codes(&mut session), [(0, 2)]);
    assert!(session.is_closing());
}

#[test]
fn rfc_4511_octets_that_are_no_ldap_end_the_session() {
    let check = |octets: &[u8]| {
        let mut session = session();
        session.receive(NOW, octets);
        assert_eq!(session.poll_command(NOW), None);
        assert_eq!(codes(&mut session), [(0, 2)], "{octets:x?}");
        assert!(session.is_closing());
    };
    check(b"GET / HTTP/1.1\r\n");
    check(&[0x30, 0x80, 0, 0]);
    check(&[0x30, 0x84, 0, 1, 0, 1]);
    check(b"\x30\x05\x02\x01\x00\x42\x00");
    check(b"\x30\x05\x02\x01\x01\x41\x00");
    check(b"\x30\x05\x02\x01\x01\x60\x00");
    check(b"\x30\x06\x02\x02\x01\x01\x42\x02");
    check(b"\x30\x07\x02\x01\x01\x60\x02\x02\x01");
}

#[test]
fn rfc_4511_abandoned_requests_are_not_answered() {
    let mut session = signed_in();
    session.receive(
        NOW,
        &[search(2, "(cn=a)"), search(3, "(cn=b)"), search(4, "(cn=c)")].concat(),
    );
    let (id, _) = session.poll_command(NOW).unwrap();
    session.receive(NOW, b"\x30\x06\x02\x01\x05\x50\x01\x03");
    assert!(session.is_wanted(id));
    session.receive(NOW, b"\x30\x06\x02\x01\x06\x50\x01\x02");
    assert!(!session.is_wanted(id));
    session.reply(NOW, id, Reply::Done(Answer::success()));
    let (id, _) = session.poll_command(NOW).unwrap();
    session.reply(NOW, id, Reply::Done(Answer::success()));
    assert_eq!(codes(&mut session), [(4, 0)]);
}

#[test]
fn too_many_requests_are_answered_with_busy() {
    let limits = Limits {
        operations_max: 2,
        ..Limits::default()
    };
    let mut session = Session::new(Options { limits, ..options() }, NOW);
    for id in 1..=4 {
        session.receive(NOW, &client::bind(id, "a@b", "wrong"));
    }
    assert_eq!(codes(&mut session), [(3, 51), (4, 51)]);
    let refused = || Reply::Done(Answer::new(ResultCode::INVALID_CREDENTIALS, "no"));
    for _ in 0..2 {
        let (id, _) = session.poll_command(NOW).unwrap();
        session.reply(NOW, id, refused());
    }
    assert_eq!(codes(&mut session), [(1, 49), (2, 49)]);
}

#[test]
fn many_refused_binds_end_the_session() {
    let mut session = session();
    for _ in 0..5 {
        session.receive(NOW, &client::bind(1, "a@b", "wrong"));
        let (id, _) = session.poll_command(NOW).unwrap();
        session.reply(NOW, id, Reply::Done(Answer::new(ResultCode::INVALID_CREDENTIALS, "no")));
    }
    let codes = codes(&mut session);
    assert_eq!(codes[4..], [(1, 49), (0, 52)]);
    assert!(session.is_closing());
}

#[test]
fn rfc_4511_nothing_from_before_tls_is_believed() {
    let mut session = Session::new(
        Options {
            tls: false,
            ..options()
        },
        NOW,
    );
    let mut octets = client::start_tls(1);
    let plain = client::bind(2, "a@b", "pass");
    octets.extend(&plain[..9]);
    session.receive(NOW, &octets);
    assert_eq!(session.poll_command(NOW).unwrap().1, Command::StartTls);
    assert_eq!(codes(&mut session), [(1, 0)]);
    session.tls_established(NOW);
    session.receive(NOW, &client::bind(3, "a@b", "pass"));
    assert!(matches!(session.poll_command(NOW), Some((_, Command::Bind { .. }))));
    // With requests behind it, it is out of order.
    let mut session = Session::new(
        Options {
            tls: false,
            ..options()
        },
        NOW,
    );
    session.receive(NOW, &[client::start_tls(1), plain].concat());
    assert_eq!(session.poll_command(NOW), None);
    assert_eq!(codes(&mut session), [(1, 1), (2, 13)]);
}

#[test]
fn silence_and_unbind_end_the_session() {
    let mut session = session();
    let due = session.poll_timeout().unwrap();
    assert_eq!(due, NOW.after(Duration::from_secs(120)));
    session.handle_timeout(due);
    assert_eq!(codes(&mut session), [(0, 52)]);
    let mut session = signed_in();
    assert_eq!(session.poll_timeout(), Some(NOW.after(Duration::from_secs(900))));
    session.receive(NOW, &client::unbind(9));
    assert_eq!(session.poll_command(NOW), None);
    assert!(session.is_closing());
    assert!(codes(&mut session).is_empty());
}

proptest! {
    #[test]
    fn pieces_make_the_same_commands(octets in prop::collection::vec(any::<u8>(), 0..40), cut in 1_usize..9) {
        let mut stream = client::bind(1, "a@b", "pass");
        stream.extend(search(2, "(&(cn=a*b)(!(mail=*)))"));
        stream.extend(octets);
        let commands = |piece: usize| {
            let (mut session, mut commands) = (session(), Vec::new());
            let mut out = Vec::new();
            for bytes in stream.chunks(piece) {
                session.receive(NOW, bytes);
                while let Some((id, command)) = session.poll_command(NOW) {
                    let authorization = "u:a".to_owned();
                    let is_bind = matches!(command, Command::Bind { .. });
                    let reply = if is_bind { Reply::SignedIn { authorization } } else { Reply::Done(Answer::success()) };
                    commands.push(command);
                    session.reply(NOW, id, reply);
                }
                session.poll_output(&mut out);
            }
            (commands, session.is_closing())
        };
        let (some, all) = (commands(cut), commands(stream.len()));
        prop_assert_eq!(some.1, all.1);
        // Requests that come together are not answered between, so an Unbind among them may come before them.
        if !all.1 {
            prop_assert_eq!(some.0, all.0);
        }
    }
}
