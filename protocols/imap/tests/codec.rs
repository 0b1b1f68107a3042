//! What one side writes, the other reads: sets of numbers, commands with literals, responses with literals.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::sync::Arc;

use hongyan_imap::{Client, ClientEvent, Command, Output, Ranges, Reply, Session, Settings, State, Status};
use hongyan_types::Instant;
use proptest::prelude::*;

fn server() -> Session {
    let mut session = Session::new(Arc::new(Settings::default()), Instant::default());
    session.poll_output(&mut Vec::new());
    session.enter(State::Selected);
    session
}

/// The command that `line` is, as the server reads it.
fn read(line: &[u8]) -> Option<Command> {
    let mut session = server();
    session.receive(Instant::default(), line);
    session.poll_command().map(|(_, command)| command)
}

fn written(ranges: &Ranges) -> String {
    let mut output = Output::default();
    ranges.write(&mut output);
    String::from_utf8(output.waiting().to_vec()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sets_come_back(numbers in proptest::collection::btree_set(1..400_u32, 1..80)) {
        let ranges: Ranges = numbers.iter().copied().collect();
        let line = format!("a UID COPY {} b\r\n", written(&ranges));
        let Some(Command::Copy(copy)) = read(line.as_bytes()) else {
            return Err(TestCaseError::fail("not read"));
        };
        let back = copy.set.resolve(1_000, &Ranges::new());
        prop_assert_eq!(&back, &ranges);
        prop_assert_eq!(back.numbers().collect::<Vec<_>>(), numbers.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(back.count(), u64::try_from(numbers.len()).unwrap());
    }

    #[test]
    fn sets_are_sets(left in proptest::collection::vec(1..200_u32, 0..60), right in proptest::collection::vec(1..200_u32, 0..60)) {
        let (a, b): (Ranges, Ranges) = (left.iter().copied().collect(), right.iter().copied().collect());
        let both = a.intersect(&b);
        for number in 1..200 {
            prop_assert_eq!(a.contains(number), left.contains(&number));
            prop_assert_eq!(both.contains(number), left.contains(&number) && right.contains(&number));
        }
    }

    #[test]
    fn what_the_client_sends_the_server_reads(user in "[^\0]{0,40}", password in "[^\0]{0,40}") {
        let mut session = Session::new(Arc::new(Settings::default()), Instant::default());
        let mut client = Client::new();
        client.command("LOGIN {} {}", &[user.as_bytes(), password.as_bytes()]);
        for _ in 0..4 {
            let (mut sent, mut said) = (Vec::new(), Vec::new());
            client.poll_output(&mut sent);
            session.receive(Instant::default(), &sent);
            if let Some((_, command)) = session.poll_command() {
                let Command::Login(login) = command else {
                    return Err(TestCaseError::fail("another command"));
                };
                prop_assert_eq!(login.user, user);
                prop_assert_eq!(login.password, password);
                return Ok(());
            }
            session.poll_output(&mut said);
            client.receive(&said);
            while client.poll_event().is_some() {}
        }
        prop_assert!(false, "never complete");
    }

    #[test]
    fn what_the_server_says_the_client_reads(texts in proptest::collection::vec("[^\0]{0,60}", 0..6), piece in 1..20_usize) {
        let mut session = server();
        session.receive(Instant::default(), b"t NOOP\r\n");
        let (id, _) = session.poll_command().unwrap();
        for text in &texts {
            session.output().fetch_begin(1);
            session.output().fetch_preview(Some(text));
            session.output().fetch_end();
        }
        session.reply(id, Reply::Done(Status::ok("done")));
        let mut said = Vec::new();
        session.poll_output(&mut said);
        let mut client = Client::new();
        let mut events = Vec::new();
        for octets in said.chunks(piece) {
            client.receive(octets);
            while let Some(event) = client.poll_event() {
                events.push(event);
            }
        }
        prop_assert_eq!(events.pop(), Some(ClientEvent::Tagged("t".to_owned(), "OK done".to_owned())));
        prop_assert_eq!(events.len(), texts.len());
    }
}

#[test]
fn a_refused_literal_is_not_sent() {
    let mut session = server();
    let mut client = Client::new();
    client.command("APPEND INBOX {}", &[&[b'x'; 10]]);
    let second = client.command("NOOP", &[]);
    let (mut sent, mut said) = (Vec::new(), Vec::new());
    client.poll_output(&mut sent);
    session.receive(Instant::default(), &sent);
    let (id, _) = session.poll_command().unwrap();
    session.reply(id, Reply::Done(Status::no("no room")));
    session.poll_output(&mut said);
    client.receive(&said);
    assert!(matches!(client.poll_event(), Some(ClientEvent::Tagged(..))));
    sent.clear();
    client.poll_output(&mut sent);
    assert_eq!(sent, format!("{second} NOOP\r\n").into_bytes());
}
