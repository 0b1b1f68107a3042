//! What transcripts cannot say: hostile clients, limits, other transports, ranges of accounts, large folders.

mod support;

use std::time::Duration;

use hongyan_directory::{AccountSettings, FetchRange};
use hongyan_sasl::{Credentials, Mechanism, Secret};
use support::{Node, Options, USER};

fn on_node<T>(options: Options, test: impl AsyncFnOnce(&Node) -> T) -> T {
    hongyan_actor::run(0, async {
        let node = Node::start(options).await;
        let result = test(&node).await;
        node.stop().await;
        result
    })
}

#[test]
fn a_node_that_goes_down_takes_the_mail_that_is_coming_in() {
    on_node(Options::default(), async |node| {
        let (mut appending, mut resting) = (node.login().await, node.login().await);
        appending.send(b"a APPEND INBOX {20}\r\n").await;
        assert!(appending.line().await.starts_with("+ "));
        node.arbiters.shutdown().request();
        assert_eq!(resting.line().await, "* BYE [UNAVAILABLE] The server is going down");
        appending.send(b"Subject: one\r\n\r\nBody\r\n").await;
        let line = appending.line().await;
        assert!(line.starts_with("a OK [APPENDUID "), "{line}");
        assert_eq!(appending.line().await, "* BYE [UNAVAILABLE] The server is going down");
        assert_eq!(appending.line().await, "", "the connection is closed");
    });
}

#[test]
fn acc_10_only_the_range_is_shown() {
    let options = Options {
        node: hongyan_miniature::Options {
            account: AccountSettings {
                imap_range: FetchRange::Month,
                ..AccountSettings::default()
            },
            ..Default::default()
        },
        ..Options::default()
    };
    on_node(options, async |node| {
        node.put(b"Subject: old\r\n\r\nx\r\n", 40).await;
        node.deliver("new").await;
        let mut client = node.login().await;
        let lines = client.ok("SELECT INBOX").await;
        assert!(lines.contains(&"* 1 EXISTS".to_owned()), "{lines:?}");
        assert_eq!(client.ok("FETCH 1:* (UID)").await[0], "* 1 FETCH (UID 2)");
        assert_eq!(client.ok("UID FETCH 1 (FLAGS)").await.len(), 1);
        let lines = client.ok("STATUS INBOX (MESSAGES)").await;
        assert_eq!(lines[0], "* STATUS INBOX (MESSAGES 1)");
        // Hidden messages are not touched by what clients do to all.
        client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
        client.ok("CLOSE").await;
        node.deliver("newer").await;
        let lines = client.ok("SELECT INBOX").await;
        assert!(lines.contains(&"* 1 EXISTS".to_owned()), "{lines:?}");
    });
}

#[test]
fn acc_sessions_beyond_the_limit_are_refused_politely() {
    let options = Options {
        node: hongyan_miniature::Options {
            sessions_max: Some(2),
            ..Default::default()
        },
        ..Options::default()
    };
    on_node(options, async |node| {
        let mut first = node.login().await;
        let _second = node.login().await;
        let mut third = node.connect().await;
        third.line().await;
        let answer = third.ask("LOGIN anna@example.test pass").await;
        assert!(answer[0].contains("NO [LIMIT]"), "{answer:?}");
        first.ok("NOOP").await;
        first.ask("LOGOUT").await;
        // The place is free again; the session is gone shortly after LOGOUT's answer.
        for _ in 0..200 {
            if third.ask("LOGIN anna@example.test pass").await[0].contains(" OK ") {
                return;
            }
            node.env.sleep(Duration::from_millis(10)).await;
        }
        panic!("the place was never given back");
    });
}

#[test]
fn acc_19_wrong_password_and_closed_protocol_are_refused() {
    let options = Options {
        node: hongyan_miniature::Options {
            account: AccountSettings {
                imap: false,
                ..AccountSettings::default()
            },
            ..Default::default()
        },
        ..Options::default()
    };
    on_node(options, async |node| {
        let mut client = node.connect().await;
        client.line().await;
        let wrong = client.ask("LOGIN anna@example.test wrong").await;
        let unknown = client.ask("LOGIN nobody@example.test wrong").await;
        assert!(wrong[0].contains("NO [AUTHENTICATIONFAILED]"), "{wrong:?}");
        assert_eq!(
            wrong[0].split_once(' ').unwrap().1,
            unknown[0].split_once(' ').unwrap().1
        );
        let closed = client.ask("LOGIN anna@example.test pass").await;
        assert!(closed[0].contains("NO [AUTHORIZATIONFAILED] IMAP is"), "{closed:?}");
    });
}

#[test]
fn scram_and_plain_sign_in() {
    on_node(Options::default(), async |node| {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        for mechanism in [Mechanism::ScramSha256, Mechanism::Plain] {
            let credentials = Credentials {
                authzid: None,
                authcid: USER.to_owned(),
                password: Secret::new("pass"),
            };
            let mut sasl = hongyan_sasl::Client::start(mechanism, credentials, None, [7; 18]).unwrap();
            let mut client = node.connect().await;
            client.line().await;
            client
                .send(format!("a AUTHENTICATE {}\r\n", mechanism.name()).as_bytes())
                .await;
            loop {
                let line = client.line().await;
                if let Some(rest) = line.strip_prefix("a ") {
                    assert!(rest.starts_with("OK [CAPABILITY"), "{rest}");
                    break;
                }
                let challenge = STANDARD.decode(line.strip_prefix("+ ").unwrap_or("")).unwrap();
                let response = if challenge.is_empty() {
                    sasl.initial().unwrap()
                } else {
                    sasl.respond(&challenge).unwrap()
                };
                client
                    .send(format!("{}\r\n", STANDARD.encode(response)).as_bytes())
                    .await;
            }
        }
    });
}

#[test]
fn quota_is_answered() {
    let options = Options {
        node: hongyan_miniature::Options {
            quota_octets: Some(2_048),
            ..Default::default()
        },
        ..Options::default()
    };
    on_node(options, async |node| {
        let mut client = node.login().await;
        let mail = [b"Subject: x\r\n\r\n".as_slice(), &[b'x'; 1_500]].concat();
        assert!(client.append("INBOX", &mail).await.contains("OK [APPENDUID"));
        let refused = client.append("INBOX", &mail).await;
        assert!(refused.contains("NO [OVERQUOTA]"), "{refused}");
        let lines = client.ok("GETQUOTAROOT INBOX").await;
        assert_eq!(lines[1], "* QUOTA \"\" (STORAGE 2 2)");
    });
}

#[test]
fn large_messages_stream_in_and_out() {
    on_node(Options::default(), async |node| {
        let mut client = node.login().await;
        let line = b"All work and no play makes a dull mail, said the line.\r\n";
        let mut mail = b"Subject: long\r\n\r\n".to_vec();
        while mail.len() < 3_000_000 {
            mail.extend_from_slice(line);
        }
        let answer = client.append("INBOX", &mail).await;
        assert!(answer.contains("OK [APPENDUID"), "{answer}");
        client.ok("SELECT INBOX").await;
        client.send(b"x FETCH 1 BODY.PEEK[]\r\n").await;
        assert_eq!(client.line().await, format!("* 1 FETCH (BODY[] {{{}}}", mail.len()));
        assert!(client.octets(mail.len()).await == mail, "the same octets");
        assert_eq!(client.line().await, ")");
        assert!(client.line().await.starts_with("x OK"));
        client.send(b"y FETCH 1 BODY.PEEK[TEXT]<2000000.10>\r\n").await;
        assert_eq!(client.line().await, "* 1 FETCH (BODY[TEXT]<2000000> {10}");
        assert_eq!(client.octets(10).await, &mail[17 + 2_000_000..][..10]);
        client.line().await;
        client.line().await;
        // Text is found at the end of a message that is read in pieces.
        assert_eq!(client.ok("SEARCH BODY \"dull mail\"").await[0], "* SEARCH 1");
    });
}

#[test]
fn many_messages_are_searched_in_the_order_of_the_folder() {
    on_node(Options::default(), async |node| {
        for number in 1..=300 {
            let mail = format!("Subject: {}\r\n\r\nword{}\r\n", number % 100, number % 150);
            node.put(mail.as_bytes(), 0).await;
        }
        let mut client = node.login().await;
        client.ok("SELECT INBOX").await;
        client.ok("STORE 20:280 +FLAGS.SILENT (\\Flagged)").await;
        let checks = [
            ("SUBJECT 77", "77 177 277"),
            ("BODY word149", "149 299"),
            ("OR BODY word149 SUBJECT 77", "77 149 177 277 299"),
            ("OR NOT FLAGGED SUBJECT 77", "1:19 77 177 277 281:300"),
            ("FLAGGED BODY word130", "130 280"),
        ];
        for (key, found) in checks {
            let line = client.ok(&format!("SEARCH RETURN (ALL) {key}")).await[0].clone();
            let all = line.rsplit(' ').next().unwrap_or_default();
            assert_eq!(all, found.replace(' ', ","), "{key}: {line}");
        }
    });
}

#[test]
fn a_client_that_never_reads_costs_one_buffer() {
    on_node(Options::default(), async |node| {
        let mail = [b"Subject: big\r\n\r\n".as_slice(), &[b'x'; 200_000]].concat();
        for _ in 0..8 {
            node.put(&mail, 0).await;
        }
        let mut deaf = node.login().await;
        deaf.ok("SELECT INBOX").await;
        for _ in 0..40 {
            deaf.send(b"z UID FETCH 1:* BODY.PEEK[]\r\n").await;
        }
        // Others are served meanwhile.
        let mut other = node.login().await;
        other.ok("SELECT INBOX").await;
        for _ in 0..20 {
            other.ok("NOOP").await;
        }
        drop(deaf);
        other.ask("LOGOUT").await;
    });
}

#[test]
fn hostile_input_is_answered_or_closed() {
    on_node(Options::default(), async |node| {
        let mut client = node.login().await;
        let long = format!("NOOP {}", "x".repeat(100_000));
        assert!(client.ask(&long).await[0].contains("BAD [TOOBIG]"));
        let deep = format!("SEARCH {}ALL{}", "(".repeat(500), ")".repeat(500));
        client.ok("SELECT INBOX").await;
        assert!(client.ask(&deep).await[0].contains("BAD [LIMIT]"));
        client.send(b"x SELECT {5}\r\n").await;
        assert_eq!(client.line().await, "+ OK");
    });
    on_node(Options::default(), async |node| {
        let mut client = node.login().await;
        for _ in 0..49 {
            assert!(client.ask("NONSENSE").await[0].contains("BAD"));
        }
        client.send(b"x NONSENSE\r\n").await;
        assert!(client.line().await.contains("BAD"));
        assert!(client.line().await.starts_with("* BYE"));
        assert_eq!(client.line().await, "");
        // Half-closed and silent ones are simply gone.
        let mut quiet = node.connect().await;
        quiet.send(b"a LOGI").await;
        drop(quiet);
    });
}

#[test]
fn start_tls_then_compress() {
    let pem = hongyan_listener::self_signed(&["localhost".to_owned()]).unwrap();
    let options = Options {
        tls: Some(hongyan_listener::TlsConfig::from_pem(std::slice::from_ref(&pem)).unwrap()),
        ..Options::default()
    };
    on_node(options, async |node| {
        let mut client = node.connect().await;
        assert!(client.line().await.contains("STARTTLS"));
        client.send(b"a STARTTLS\r\n").await;
        assert!(client.line().await.starts_with("a OK"));
        let mut client = client.start_tls(&pem.certificate).await;
        client.send(b"b CAPABILITY\r\n").await;
        let capabilities = client.line().await;
        assert!(!capabilities.contains("STARTTLS"), "{capabilities}");
        assert!(capabilities.contains("AUTH=SCRAM-SHA-256-PLUS"), "{capabilities}");
        client.line().await;
        client.ok("LOGIN anna@example.test pass").await;
        client.ok("COMPRESS DEFLATE").await;
        let mut client = support::Deflated::new(client);
        let said = client.ask("c", "SELECT INBOX").await;
        assert!(said.contains("* 0 EXISTS\r\n"), "{said}");
        let said = client.ask("d", "COMPRESS DEFLATE").await;
        assert!(said.contains("d NO [COMPRESSIONACTIVE]"), "{said}");
    });
}

#[test]
fn commands_before_tls_are_not_executed_after_it() {
    let pem = hongyan_listener::self_signed(&["localhost".to_owned()]).unwrap();
    let options = Options {
        tls: Some(hongyan_listener::TlsConfig::from_pem(std::slice::from_ref(&pem)).unwrap()),
        ..Options::default()
    };
    on_node(options, async |node| {
        let mut client = node.connect().await;
        client.line().await;
        client.send(b"a STARTTLS\r\nb NOOP\r\n").await;
        assert!(client.line().await.starts_with("a OK"));
        let mut client = client.start_tls(&pem.certificate).await;
        client.send(b"c NOOP\r\n").await;
        assert!(client.line().await.starts_with("c OK"));
    });
}

/// A mail of about `octets` that no other number gives.
fn numbered_mail(number: usize, octets: usize) -> Vec<u8> {
    let line = format!("Line of mail {number}, again and again.\r\n");
    format!("Subject: {number}\r\n\r\n{}", line.repeat(octets / line.len())).into_bytes()
}

/// Asks for all of INBOX, whole and by header, and compares octet by octet.
async fn check_whole_folder(node: &Node, mails: &[Vec<u8>]) {
    let mut client = node.login().await;
    client.ok("SELECT INBOX").await;
    client.send(b"w FETCH 1:* (UID BODY.PEEK[])\r\n").await;
    for (sequence, mail) in (1..).zip(mails) {
        let head = format!("* {sequence} FETCH (UID {sequence} BODY[] {{{}}}", mail.len());
        assert_eq!(client.line().await, head);
        assert!(client.octets(mail.len()).await == *mail, "mail {sequence} differs");
        assert_eq!(client.line().await, ")");
    }
    assert!(client.line().await.starts_with("w OK"));
    client
        .send(b"h FETCH 1:* (BODY.PEEK[HEADER] BODY.PEEK[]<3.4>)\r\n")
        .await;
    for (sequence, mail) in (1..).zip(mails) {
        let header = mail.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let head = format!("* {sequence} FETCH (BODY[HEADER] {{{header}}}");
        assert_eq!(client.line().await, head);
        assert_eq!(client.octets(header).await, mail[..header]);
        assert_eq!(client.line().await, " BODY[]<3> {4}");
        assert_eq!(client.octets(4).await, mail[3..7]);
        assert_eq!(client.line().await, ")");
    }
    assert!(client.line().await.starts_with("h OK"));
}

#[test]
fn whole_folders_arrive_in_order_with_and_without_reading_ahead() {
    for batches_ahead_max in [None, Some(1), Some(0)] {
        let options = Options {
            batches_ahead_max,
            ..Options::default()
        };
        on_node(options, async |node| {
            let octets = |number| match number % 50 {
                7 => 300_000,
                20 => 100_000,
                other => 200 + other * 400,
            };
            let mails: Vec<_> = (0..150).map(|number| numbered_mail(number, octets(number))).collect();
            for mail in &mails {
                node.put(mail, 0).await;
            }
            check_whole_folder(node, &mails).await;
        });
    }
}

#[test]
fn messages_gone_from_a_folder_being_read_are_left_out() {
    let mut options = Options::default();
    options.node.deletes_at_once = true;
    on_node(options, async |node| {
        for number in 0..80 {
            node.put(&numbered_mail(number, 9_000), 0).await;
        }
        let mut client = node.login().await;
        client.ok("SELECT INBOX").await;
        let mut other = node.login().await;
        other.ok("SELECT INBOX").await;
        other.ok("STORE 2:70 +FLAGS.SILENT (\\Deleted)").await;
        other.ok("EXPUNGE").await;
        let lines = client.ask("FETCH 1:* (UID BODY.PEEK[])").await;
        let told = |line: &&String| line.contains(" FETCH (UID ");
        assert_eq!(lines.iter().filter(told).count(), 11);
        assert!(
            lines.last().unwrap().contains("NO [EXPUNGEISSUED]"),
            "{:?}",
            lines.last()
        );
    });
}
