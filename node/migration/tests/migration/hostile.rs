//! Sources that break off, lie and never end: a bounded, clear failure, or patience.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hongyan_env::{Env, Stream};
use hongyan_migration::{MigrationOptions, Moving, MovingState, Protocol, Source};
use hongyan_miniature::Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Here, LOGIN, OLD_PASSWORD, options, source};

/// What a server of the test answers: to each line of a client some octets; nothing ends the connection.
trait Script: Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static {}
impl<F: Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static> Script for F {}

async fn serve(env: &Env, greeting: &'static str, script: impl Script) -> u16 {
    let listener = env.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let port = listener.local_address().unwrap().port();
    let script = Arc::new(script);
    hongyan_env::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let script = Arc::clone(&script);
            hongyan_env::spawn(async move { converse(stream, greeting, &*script).await });
        }
    });
    port
}

async fn converse(mut stream: Stream, greeting: &str, script: &impl Script) {
    let mut input = Vec::new();
    let mut octets = [0; 4096];
    if stream.write_all(greeting.as_bytes()).await.is_err() {
        return;
    }
    loop {
        while let Some(end) = input.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = input.drain(..=end).collect();
            let Some(answer) = script(String::from_utf8_lossy(&line).trim_end()) else {
                return;
            };
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
        match stream.read(&mut octets).await {
            Ok(count @ 1..) => input.extend_from_slice(&octets[..count]),
            _ => return,
        }
    }
}

/// An IMAP server with one message, as far as `special` has no other answer.
fn imap(special: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> impl Script {
    let present = std::sync::Mutex::new((String::new(), String::new()));
    move |line: &str| {
        let mut present = present.lock().unwrap();
        if let Some((tag, rest)) = line.split_once(' ')
            && tag
                .strip_prefix('A')
                .is_some_and(|number| number.parse::<u32>().is_ok())
        {
            *present = (tag.to_owned(), rest.to_owned());
        }
        let (tag, command) = &*present;
        if line.ends_with('}') {
            return Some(b"+ go on\r\n".to_vec());
        }
        let body = special(command).unwrap_or_else(|| {
            let text = match command.split(' ').next().unwrap_or_default() {
                "CAPABILITY" => "* CAPABILITY IMAP4rev1\r\n",
                "LIST" => "* LIST () \"/\" INBOX\r\n",
                "EXAMINE" => "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n",
                "FETCH" => {
                    "* 1 FETCH (UID 5 FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 14 \
                     BODY[HEADER.FIELDS (MESSAGE-ID DATE)] {2}\r\n\r\n)\r\n"
                }
                "UID" => "* 1 FETCH (BODY[] {14}\r\nSubject: x\r\n\r\n UID 5)\r\n",
                _ => "",
            };
            text.as_bytes().to_vec()
        });
        Some([body, format!("{tag} OK done\r\n").into_bytes()].concat())
    }
}

async fn run(source: Source, here: &Here, until: impl Fn(&Moving) -> bool) -> Moving {
    let migration = here.create(source).await;
    here.give(&migration, LOGIN, OLD_PASSWORD).await;
    here.until(&migration, until).await
}

fn tight() -> MigrationOptions {
    MigrationOptions {
        response_octets_max: 64 * 1_024,
        answer_octets_max: 512 * 1_024,
        folders_max: 1_000,
        ..options()
    }
}

#[test]
fn mig_a_hostile_imap_source_gets_a_bounded_clear_failure() {
    hongyan_actor::run(0, async {
        let here = Here::start(tight(), &Options::default()).await;
        let folders = |_: &str| {
            let all: String = (0..100_000).map(|n| format!("* LIST () \"/\" f{n}\r\n")).collect();
            all.into_bytes()
        };
        type Special = Box<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;
        let cases: Vec<(&str, Special)> = vec![
            (
                "lists more folders than folders_max",
                Box::new(move |line| line.starts_with("LIST").then(|| folders(line))),
            ),
            (
                "a response is longer than response_octets_max",
                Box::new(|line| {
                    line.starts_with("LIST")
                        .then(|| [b"* LIST ".to_vec(), vec![b'('; 1 << 20]].concat())
                }),
            ),
            (
                "it answers without end",
                Box::new(|line| {
                    line.starts_with("LIST")
                        .then(|| b"* LIST () \"/\" {9999999999999}\r\n".to_vec())
                }),
            ),
            (
                "it answers without end",
                Box::new(|line| {
                    line.starts_with("CAPABILITY")
                        .then(|| b"* OK still here\r\n".repeat(100_000))
                }),
            ),
            (
                "it ends commands that nobody began",
                Box::new(|line| line.starts_with("CAPABILITY").then(|| b"Z9 OK done\r\n".to_vec())),
            ),
        ];
        for (expect, special) in cases {
            let port = serve(&here.node.env, "* OK hello\r\n", imap(special)).await;
            let failed = run(source(Protocol::Imap, port), &here, |moving| moving.state.is_over()).await;
            assert_eq!(failed.state, MovingState::Failed, "{expect}: {failed:?}");
            assert!(failed.reason.contains(expect), "{expect}: {}", failed.reason);
            here.end_all().await;
        }
        here.stop().await;
    });
}

#[test]
fn mig_a_message_of_other_size_than_told_is_skipped_after_it_was_tried_alone() {
    hongyan_actor::run(0, async {
        let here = Here::start(tight(), &Options::default()).await;
        let port = serve(&here.node.env, "* OK hello\r\n", imap(|_| None)).await;
        let done = run(source(Protocol::Imap, port), &here, |moving| moving.state.is_over()).await;
        assert_eq!((done.state, done.imported), (MovingState::Done, 1), "{done:?}");
        here.end_all().await;
        let endless = imap(|line| {
            let body = || [b"* 1 FETCH (UID 5 BODY[] {99999999}\r\n".to_vec(), vec![b'x'; 4 << 20]].concat();
            line.starts_with("UID").then(body)
        });
        let port = serve(&here.node.env, "* OK hello\r\n", endless).await;
        let other = Here::start(tight(), &Options::default()).await;
        let done = run(source(Protocol::Imap, port), &other, |moving| moving.state.is_over()).await;
        assert_eq!(
            (done.state, done.imported, done.failed),
            (MovingState::Done, 0, 1),
            "{done:?}"
        );
        other.stop().await;
        here.stop().await;
    });
}

#[test]
fn mig_a_hostile_pop3_source_gets_a_bounded_clear_failure() {
    hongyan_actor::run(0, async {
        let here = Here::start(tight(), &Options::default()).await;
        type Special = fn(&str) -> Option<Vec<u8>>;
        let cases: [(&str, Special); 3] = [
            ("a line is longer than line_octets_max", |line| {
                line.starts_with("USER").then(|| vec![b'x'; 1 << 20])
            }),
            ("a line of UIDL cannot be read", |line| {
                (line == "UIDL").then(|| b"+OK\r\nx y\r\n.\r\n".to_vec())
            }),
            ("has no UIDL", |line| {
                (line == "UIDL").then(|| b"-ERR what?\r\n".to_vec())
            }),
        ];
        for (expect, special) in cases {
            let script = move |line: &str| Some(special(line).unwrap_or_else(|| b"+OK\r\n".to_vec()));
            let port = serve(&here.node.env, "+OK hello\r\n", script).await;
            let failed = run(source(Protocol::Pop3, port), &here, |moving| moving.state.is_over()).await;
            assert_eq!(failed.state, MovingState::Failed, "{expect}: {failed:?}");
            assert!(failed.reason.contains(expect), "{expect}: {}", failed.reason);
            here.end_all().await;
        }
        here.stop().await;
    });
}

#[test]
fn mig_a_source_that_is_away_is_waited_for_and_given_up_after_days() {
    hongyan_actor::run(0, async {
        let here = Here::start(options(), &Options::default()).await;
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let busy = move |_: &str| {
            counted.fetch_add(1, Ordering::Relaxed);
            None
        };
        let port = serve(&here.node.env, "* BYE Too many connections\r\n", busy).await;
        let waits = run(source(Protocol::Imap, port), &here, |moving| moving.attempts >= 3).await;
        assert_eq!(waits.state, MovingState::Waiting);
        assert_eq!(waits.reason, "Too many connections");
        assert!(waits.ready.is_some(), "it is tried again");
        here.end_all().await;
        here.stop().await;
        let short = MigrationOptions {
            give_up_after: std::time::Duration::from_millis(60),
            ..options()
        };
        let here = Here::start(short, &Options::default()).await;
        let gone = here.node.env.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let port = gone.local_address().unwrap().port();
        drop(gone);
        let given_up = run(source(Protocol::Imap, port), &here, |moving| moving.state.is_over()).await;
        assert_eq!(given_up.state, MovingState::GivenUp, "{given_up:?}");
        here.stop().await;
    });
}

#[test]
fn mig_connections_that_are_cut_are_made_again() {
    hongyan_actor::run(0, async {
        let there = crate::support::There::start().await;
        for number in 0..60 {
            there.put(hongyan_mailbox::FolderRef::INBOX, number, 2_000).await;
        }
        let few = MigrationOptions {
            batch_messages_max: 3,
            ..options()
        };
        let here = Here::start(few, &Options::default()).await;
        // Each connection is cut after so many octets.
        let target = there.imap.local_address();
        let env = here.node.env.clone();
        let listener = env.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let port = listener.local_address().unwrap().port();
        hongyan_env::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = env.connect(target).await else { return };
                hongyan_env::spawn(cut_after(client, server, 30_000));
            }
        });
        let done = run(source(Protocol::Imap, port), &here, |moving| moving.state.is_over()).await;
        assert_eq!(
            (done.state, done.imported + done.present),
            (MovingState::Done, 60),
            "{done:?}"
        );
        assert_eq!(here.content().await[0].1.len(), 60);
        here.stop().await;
        there.stop().await;
    });
}

async fn cut_after(client: Stream, server: Stream, octets: u64) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (from_server, mut to_server) = tokio::io::split(server);
    let up = tokio::io::copy(&mut from_client, &mut to_server);
    let mut some = from_server.take(octets);
    let down = tokio::io::copy(&mut some, &mut to_client);
    tokio::select! {
        _ = up => {}
        _ = down => {}
    }
}

#[test]
fn mig_3_sources_inside_are_refused_and_so_are_those_without_tls() {
    hongyan_actor::run(0, async {
        let outside = MigrationOptions {
            networks: hongyan_types::AddressRanges::default(),
            ..options()
        };
        let here = Here::start(outside, &Options::default()).await;
        let secret = hongyan_sasl::Secret::new("x");
        let tested = here
            .migrations
            .test(&source(Protocol::Imap, 143), "a", &secret, None)
            .await
            .unwrap();
        assert!(tested.reason.contains("may be asked"), "{tested:?}");
        here.stop().await;
        let strict = MigrationOptions {
            clear_allowed: false,
            ..options()
        };
        let here = Here::start(strict, &Options::default()).await;
        let refused = here
            .migrations
            .test(&source(Protocol::Imap, 143), "a", &secret, None)
            .await;
        assert!(refused.unwrap_err().to_string().contains("clear_allowed"));
        here.stop().await;
    });
}
