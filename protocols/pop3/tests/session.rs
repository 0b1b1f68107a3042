//! Transcripts against a maildrop of two messages: whole, and octet by octet.

use std::time::Duration;

use hongyan_pop3::server::{Command, Options, Session};
use hongyan_pop3::{Limits, MessageNumber, Reply, ResponseCode, client};
use hongyan_sasl::Mechanism;
use hongyan_types::Instant;
use proptest::prelude::*;

const NOW: Instant = Instant { micros: 0 };
const MAILS: [(&str, &str, &str); 2] = [
    ("a1", "30", "Subject: one\r\n\r\n.dotted\r\n..\r\n"),
    ("b2", "20", "Subject: two\r\n\r\nno end"),
];

fn options() -> Options {
    Options {
        host: "mail.example.test".to_owned(),
        tls: false,
        stls: true,
        clear_passwords: true,
        mechanisms: vec![Mechanism::ScramSha256Plus, Mechanism::ScramSha256, Mechanism::Plain],
        limits: Limits::default(),
    }
}

/// Answers all commands that are there.
fn serve(session: &mut Session) {
    while let Some((id, command)) = session.poll_command(NOW) {
        let signed_in = Reply::SignedIn("2 messages".to_owned());
        let one = |message: MessageNumber, pick: fn(usize) -> &'static str| match message.index() {
            index if index < MAILS.len() => Reply::Ok(format!("{message} {}", pick(index))),
            _ => Reply::error("no such message"),
        };
        let mut body = None;
        let reply = match command {
            Command::StartTls => return,
            Command::Login { password, .. } if password.reveal() == "pass" => signed_in,
            Command::Login { .. } => Reply::Err(Some(ResponseCode::Auth), "wrong name or password".to_owned()),
            Command::Auth(auth) if auth.initial.is_none() => Reply::Challenge(Vec::new()),
            Command::Auth(_) | Command::AuthResponse(_) => signed_in,
            Command::Stat => Reply::Ok("2 50".to_owned()),
            Command::List(Some(message)) => one(message, |index| MAILS[index].1),
            Command::Uidl(Some(message)) => one(message, |index| MAILS[index].0),
            Command::List(None) => {
                body = Some(format!("1 {}\r\n2 {}\r\n", MAILS[0].1, MAILS[1].1));
                Reply::Begin("listing".to_owned())
            }
            Command::Uidl(None) => {
                body = Some(format!("1 {}\r\n2 {}\r\n", MAILS[0].0, MAILS[1].0));
                Reply::Begin("listing".to_owned())
            }
            Command::Retr(message) | Command::Top(message) => match MAILS.get(message.index()) {
                Some(mail) => {
                    body = Some(mail.2.to_owned());
                    Reply::Begin("message".to_owned())
                }
                None => Reply::error("no such message"),
            },
            Command::Dele(_) => Reply::Ok("marked".to_owned()),
            Command::Rset => Reply::Ok(String::new()),
            Command::Quit => Reply::Ok("bye".to_owned()),
        };
        session.reply(NOW, id, reply);
        if let Some(body) = body {
            for octet in body.bytes() {
                if !session.push(id, &[octet]) {
                    break;
                }
            }
            session.finish(NOW, id);
        }
    }
}

fn output(session: &mut Session) -> String {
    let mut out = Vec::new();
    session.poll_output(&mut out);
    String::from_utf8(out).unwrap()
}

fn check(transcript: &str, piece_octets: usize) {
    let mut session = Session::new(options(), NOW);
    let mut expect = String::new();
    for line in transcript.lines() {
        if let Some(text) = line.strip_prefix("S: ").or((line == "S:").then_some("")) {
            expect.push_str(text);
            expect.push_str("\r\n");
        } else if let Some(text) = line.strip_prefix("C: ") {
            assert_eq!(output(&mut session), expect, "before {text}");
            expect.clear();
            for piece in format!("{text}\r\n").as_bytes().chunks(piece_octets) {
                session.receive(NOW, piece);
                serve(&mut session);
            }
        }
    }
    assert_eq!(output(&mut session), expect);
    assert!(session.is_closing());
}

#[test]
fn transcripts() {
    for transcript in [
        include_str!("transcript/session.txt"),
        include_str!("transcript/authorization.txt"),
    ] {
        check(transcript, usize::MAX);
        check(transcript, 1);
    }
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let mut session = Session::new(options(), NOW);
    output(&mut session);
    session.receive(NOW, b"USER a\r\nPASS pass\r\nSTAT\r\nNOOP\r\nQUIT\r\nSTAT\r\n");
    serve(&mut session);
    assert_eq!(
        output(&mut session),
        "+OK\r\n+OK 2 messages\r\n+OK 2 50\r\n+OK\r\n+OK bye\r\n"
    );
    assert!(session.is_closing());
}

#[test]
fn any_language_is_the_one_the_account_prefers() {
    let mut session = Session::new(options(), NOW);
    output(&mut session);
    session.receive(NOW, b"LANG *\r\nUSER a\r\nPASS pass\r\n");
    serve(&mut session);
    assert!(output(&mut session).starts_with("+OK en language changed\r\n"));
    session.prefer_language("zh-CN");
    session.receive(NOW, b"LANG *\r\nLANG en\r\n");
    serve(&mut session);
    assert_eq!(
        output(&mut session),
        "+OK zh-CN 语言已更改\r\n+OK en language changed\r\n"
    );
}

#[test]
fn without_tls_passwords_may_be_refused() {
    let mut session = Session::new(
        Options {
            clear_passwords: false,
            ..options()
        },
        NOW,
    );
    output(&mut session);
    session.receive(NOW, b"USER a\r\nAUTH PLAIN AGIAcGFzcw==\r\nCAPA\r\n");
    serve(&mut session);
    let text = output(&mut session);
    assert!(text.starts_with("-ERR passwords only under TLS: say STLS first\r\n-ERR mechanism is not offered\r\n"));
    assert!(text.contains("\r\nSASL SCRAM-SHA-256\r\n") && !text.contains("\r\nUSER\r\n"));
}

#[test]
fn nothing_sent_before_tls_is_executed_after_it() {
    let mut session = Session::new(options(), NOW);
    output(&mut session);
    session.receive(NOW, b"STLS\r\nUSER attacker\r\n");
    assert_eq!(session.poll_command(NOW), None);
    assert_eq!(output(&mut session), "-ERR nothing may follow STLS\r\n");
    assert!(session.is_closing());

    let mut session = Session::new(options(), NOW);
    output(&mut session);
    session.receive(NOW, b"USER a\r\nSTLS\r\n");
    assert!(matches!(session.poll_command(NOW), Some((_, Command::StartTls))));
    assert_eq!(output(&mut session), "+OK\r\n+OK begin TLS\r\n");
    session.receive(NOW, b"PASS pass\r\n");
    assert_eq!(session.poll_command(NOW), None);
    session.tls_established(NOW);
    assert_eq!(session.poll_command(NOW), None);
    session.receive(NOW, b"PASS pass\r\nSTLS\r\n");
    serve(&mut session);
    assert_eq!(
        output(&mut session),
        "-ERR say USER first\r\n-ERR STLS is not offered\r\n"
    );
}

#[test]
fn long_lines_and_many_errors_are_bounded() {
    let mut session = Session::new(options(), NOW);
    output(&mut session);
    for _ in 0..1000 {
        session.receive(NOW, &[b'x'; 10_000]);
        serve(&mut session);
    }
    session.receive(NOW, b"\r\nNOOP\r\n");
    serve(&mut session);
    assert_eq!(output(&mut session), "-ERR line too long\r\n+OK\r\n");
    session.receive(NOW, &b"?\r\n".repeat(100));
    serve(&mut session);
    assert!(session.is_closing());
    assert_eq!(output(&mut session).lines().count(), 19);
}

#[test]
fn failed_sign_ins_end_the_session() {
    let mut session = Session::new(options(), NOW);
    output(&mut session);
    session.receive(NOW, &b"USER a\r\nPASS b\r\n".repeat(9));
    serve(&mut session);
    assert!(session.is_closing());
    assert_eq!(output(&mut session).matches("[AUTH]").count(), 5);
}

#[test]
fn silence_ends_the_session() {
    let mut session = Session::new(options(), NOW);
    output(&mut session);
    let due = session.poll_timeout().unwrap();
    assert_eq!(due, NOW.after(Duration::from_secs(120)));
    session.handle_timeout(NOW.after(Duration::from_secs(119)));
    assert!(!session.is_closing());
    session.handle_timeout(due);
    assert!(session.is_closing());
    assert_eq!(output(&mut session), "-ERR silent too long\r\n");
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_served_alike(input in prop::collection::vec(any::<u8>(), 0..400), cut in 0..400_usize) {
        let lines = [&b"USER a\r\nPASS pass\r\n"[..], &input].concat();
        let run = |pieces: &[&[u8]]| {
            let mut session = Session::new(options(), NOW);
            for piece in pieces {
                session.receive(NOW, piece);
                serve(&mut session);
            }
            output(&mut session)
        };
        let (first, second) = lines.split_at(cut.min(lines.len()));
        prop_assert_eq!(run(&[&lines]), run(&[first, second]));
    }

    #[test]
    fn a_body_arrives_as_it_was(body in "([.a\n]|\r\n){0,40}") {
        let body = format!("{body}\r\n");
        let mut session = Session::new(options(), NOW);
        session.receive(NOW, b"USER a\r\nPASS pass\r\n");
        serve(&mut session);
        session.receive(NOW, b"RETR 1\r\n");
        let (id, _) = session.poll_command(NOW).unwrap();
        session.reply(NOW, id, Reply::Begin(String::new()));
        session.push(id, body.as_bytes());
        session.finish(NOW, id);
        let mut client = client::Session::default();
        for line in ["USER a", "PASS pass", "RETR 1"] {
            client.send(line);
        }
        client.receive(output(&mut session).as_bytes());
        for _ in 0..3 {
            prop_assert!(client.poll_response().unwrap().is_ok);
        }
        let response = client.poll_response().unwrap();
        prop_assert_eq!(response.body.unwrap(), body.into_bytes());
    }
}
