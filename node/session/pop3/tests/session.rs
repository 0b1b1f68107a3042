//! A maildrop over real mailboxes on the memory store, through a real port.

use std::time::Duration;

use hongyan_access::SessionFilter;
use hongyan_directory::{AccountSettings, FetchRange};
use hongyan_env::Stream;
use hongyan_listener::{Listener, TlsMode};
use hongyan_mailbox::{CreateFolder, FolderId, FolderPath, FolderRef, MoveMessages, SpecialUse};
use hongyan_miniature::{Miniature, Options, USER, WITHIN};
use hongyan_pop3::ResponseCode;
use hongyan_pop3::client::{self, Response};
use hongyan_sasl::{Client, Credentials, Mechanism, Secret};
use hongyan_session_pop3::{Parts, Pop3Service, Pop3Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// POP3 on a node in miniature.
struct Node {
    miniature: Miniature,
    listener: Listener,
}

impl std::ops::Deref for Node {
    type Target = Miniature;
    fn deref(&self) -> &Miniature {
        &self.miniature
    }
}

impl Node {
    async fn start(account: AccountSettings) -> Self {
        let options = Options {
            account,
            ..Options::default()
        };
        let miniature = Miniature::start(&options).await;
        let parts = Parts {
            env: miniature.env.clone(),
            database: miniature.database.clone(),
            blobs: miniature.blobs.clone(),
            router: miniature.router.clone(),
            access: miniature.access.clone(),
            host: "mail.example.test".to_owned(),
            settings: Pop3Settings {
                clear_passwords_on_loopback: true,
                ..Pop3Settings::default()
            },
        };
        let listener = miniature.listen(Pop3Service::new(parts), TlsMode::Never).await;
        Self { miniature, listener }
    }
    async fn append(&self, mail: &[u8], days_old: i64) {
        self.miniature.append(FolderRef::INBOX, mail, days_old).await;
    }
    async fn make_folder(&self, path: &str) -> FolderRef {
        let request = CreateFolder {
            path: FolderPath::try_from(path).unwrap(),
            special_use: None,
        };
        let made = self.router.ask(&self.mailbox, request, WITHIN).await.unwrap().unwrap();
        FolderRef::Id(made.folder.id)
    }
    async fn connect(&self) -> Pop3 {
        let mut pop3 = Pop3 {
            stream: self.env.connect(self.listener.local_address()).await.unwrap(),
            session: client::Session::default(),
        };
        assert!(pop3.response().await.is_ok);
        pop3
    }
    async fn login(&self) -> Pop3 {
        let mut pop3 = self.connect().await;
        assert!(pop3.say(&format!("USER {USER}")).await.is_ok);
        let response = pop3.say("PASS pass").await;
        assert!(response.is_ok, "{response:?}");
        pop3
    }
    async fn stop(self) {
        drop(self.listener);
        self.miniature.stop().await;
    }
}

struct Pop3 {
    stream: Stream,
    session: client::Session,
}

impl Pop3 {
    async fn say(&mut self, line: &str) -> Response {
        self.session.send(line);
        self.response().await
    }
    async fn send(&mut self) {
        let mut out = Vec::new();
        self.session.poll_output(&mut out);
        self.stream.write_all(&out).await.unwrap();
    }
    /// What the server says of its own accord.
    async fn response_to_nothing(&mut self) -> Response {
        self.session.send("");
        self.session.poll_output(&mut Vec::new());
        self.response().await
    }
    async fn response(&mut self) -> Response {
        self.send().await;
        loop {
            if let Some(response) = self.session.poll_response() {
                return response;
            }
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).await.unwrap();
            assert!(count > 0, "the connection was closed");
            self.session.receive(&bytes[..count]);
        }
    }
    async fn body(&mut self, line: &str) -> String {
        let response = self.say(line).await;
        String::from_utf8(response.body.unwrap_or_else(|| panic!("{line}: {}", response.text))).unwrap()
    }
}

fn all() -> AccountSettings {
    AccountSettings {
        pop_range: FetchRange::All,
        ..AccountSettings::default()
    }
}

#[test]
fn auth_21_an_app_password_that_only_reads_leaves_the_mail() {
    hongyan_actor::run(0, async {
        let node = Node::start(AccountSettings::default()).await;
        node.append(b"Subject: one\r\n\r\nx", 0).await;
        let new = hongyan_access::NewAppPassword {
            name: "Reader".to_owned(),
            protocols: std::collections::BTreeSet::from([hongyan_access::Protocol::Pop3]),
            read_only: true,
            days: None,
        };
        let account = node.mailbox.account;
        let made = node
            .access
            .add_app_password(&node.directory, account, &new)
            .await
            .unwrap();
        let set = node.access.set_secure_login(&node.directory, account, true);
        set.await.unwrap();
        let login = async |password: &str| {
            let mut pop3 = node.connect().await;
            assert!(pop3.say(&format!("USER {USER}")).await.is_ok);
            let answer = pop3.say(&format!("PASS {password}")).await;
            (pop3, answer)
        };
        let (_, refused) = login("pass").await;
        assert_eq!(refused.code, Some(ResponseCode::Auth), "{refused:?}");
        assert!(refused.text.contains("takes an app password"), "{refused:?}");
        for _ in 0..2 {
            let (mut pop3, answer) = login(made.password.reveal()).await;
            assert!(answer.text.starts_with("1 messages"), "{answer:?}");
            assert!(pop3.say("DELE 1").await.is_ok);
            assert!(pop3.say("QUIT").await.is_ok);
        }
        node.stop().await;
    });
}

#[test]
fn acc_2_messages_are_listed_read_and_deleted_by_quit() {
    hongyan_actor::run(0, async {
        let node = Node::start(all()).await;
        let large = format!(
            "Subject: large\r\n\r\n{}",
            ".a line that begins with a dot\r\n".repeat(30_000)
        );
        node.append(b"Subject: one\r\n\r\n.dot\r\nend\r\n", 0).await;
        node.append(large.as_bytes(), 0).await;
        node.append(b"Subject: three\r\n\r\nno line end", 0).await;
        let mut pop3 = node.login().await;
        let octets = 27 + large.len() + 29;
        assert_eq!(pop3.say("STAT").await.text, format!("3 {octets}"));
        assert_eq!(
            pop3.body("LIST").await,
            format!("1 27\r\n2 {}\r\n3 29\r\n", large.len())
        );
        assert_eq!(pop3.body("RETR 1").await, "Subject: one\r\n\r\n.dot\r\nend\r\n");
        assert_eq!(pop3.body("RETR 2").await, large);
        assert_eq!(pop3.body("RETR 3").await, "Subject: three\r\n\r\nno line end\r\n");
        assert_eq!(pop3.body("TOP 1 1").await, "Subject: one\r\n\r\n.dot\r\n");
        let names = pop3.body("UIDL").await;
        assert!(pop3.say("DELE 1").await.is_ok);
        assert!(!pop3.say("RETR 1").await.is_ok);
        assert!(!pop3.say("RETR 4").await.is_ok);
        assert_eq!(pop3.say("STAT").await.text, format!("2 {}", octets - 27));
        assert!(pop3.say("RSET").await.is_ok);
        assert!(pop3.say("DELE 3").await.is_ok);
        // Gone without QUIT: nothing is deleted.
        drop(pop3);
        let mut pop3 = loop {
            let mut pop3 = node.connect().await;
            pop3.say(&format!("USER {USER}")).await;
            if pop3.say("PASS pass").await.is_ok {
                break pop3;
            }
        };
        assert_eq!(pop3.body("UIDL").await, names);
        assert!(pop3.say("DELE 2").await.is_ok);
        assert!(pop3.say("QUIT").await.is_ok);
        let mut pop3 = node.login().await;
        let left: Vec<_> = names.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert_eq!(pop3.body("UIDL").await, format!("1 {}\r\n2 {}\r\n", left[0], left[2]));
        node.stop().await;
    });
}

#[test]
fn auth_a_revoked_session_deletes_nothing_and_frees_the_maildrop() {
    hongyan_actor::run(0, async {
        let node = Node::start(all()).await;
        let large = format!("Subject: one\r\n\r\n{}", "a line of some length\r\n".repeat(500_000));
        node.append(large.as_bytes(), 0).await;
        let mut pop3 = node.login().await;
        assert!(pop3.say("DELE 1").await.is_ok);
        let account = SessionFilter::Account(node.mailbox.account);
        assert_eq!(node.access.revoke_sessions(account), 1);
        let goodbye = pop3.response_to_nothing().await;
        assert_eq!((goodbye.is_ok, goodbye.code), (false, Some(ResponseCode::SysTemp)));

        // One that asks for much and reads nothing is cut off, and its lock goes with it.
        let mut stuck = node.login().await;
        stuck.session.send("RETR 1");
        stuck.send().await;
        assert_eq!(node.access.revoke_sessions(account), 1);
        let mut pop3 = loop {
            let mut pop3 = node.connect().await;
            pop3.say(&format!("USER {USER}")).await;
            if pop3.say("PASS pass").await.is_ok {
                break pop3;
            }
            node.env.sleep(Duration::from_millis(20)).await;
        };
        assert!(pop3.say("STAT").await.text.starts_with("1 "));
        node.stop().await;
    });
}

#[test]
fn a_session_that_lost_the_maildrop_with_its_node_deletes_nothing() {
    hongyan_actor::run(0, async {
        let node = Node::start(all()).await;
        node.append(b"Subject: one\r\n\r\ntext\r\n", 0).await;
        let mut alone = node.login().await;
        assert!(alone.say("DELE 1").await.is_ok);
        assert!(alone.say("RSET").await.is_ok);
        let mut first = alone;
        assert!(first.say("DELE 1").await.is_ok);
        node.move_mailbox();
        let mut second = node.login().await;
        let goodbye = first.say("QUIT").await;
        assert_eq!((goodbye.is_ok, goodbye.code), (false, Some(ResponseCode::InUse)));
        assert!(second.say("STAT").await.text.starts_with("1 "));
        // Nobody came between: the lock is taken again, and all goes on.
        assert!(second.say("DELE 1").await.is_ok);
        node.move_mailbox();
        assert!(second.say("QUIT").await.is_ok);
        let mut third = node.login().await;
        assert!(third.say("STAT").await.text.starts_with("0 "));
        node.stop().await;
    });
}

#[test]
fn one_session_at_a_time_has_the_maildrop() {
    hongyan_actor::run(0, async {
        let node = Node::start(all()).await;
        let mut first = node.login().await;
        let mut second = node.connect().await;
        second.say(&format!("USER {USER}")).await;
        assert_eq!(second.say("PASS pass").await.code, Some(ResponseCode::InUse));
        assert!(first.say("QUIT").await.is_ok);
        second.say(&format!("USER {USER}")).await;
        assert!(
            second.say("PASS pass").await.is_ok,
            "the lock is back before QUIT is answered"
        );
        node.stop().await;
    });
}

#[test]
fn acc_10_only_the_range_is_offered_and_names_stay() {
    hongyan_actor::run(0, async {
        let node = Node::start(AccountSettings::default()).await;
        for days_old in [30, 8, 6, 0] {
            node.append(format!("Subject: {days_old}\r\n\r\n").as_bytes(), days_old)
                .await;
        }
        let mut pop3 = node.login().await;
        assert_eq!(pop3.body("RETR 1").await, "Subject: 6\r\n\r\n");
        assert_eq!(pop3.body("RETR 2").await, "Subject: 0\r\n\r\n");
        assert!(!pop3.say("RETR 3").await.is_ok);
        let names = pop3.body("UIDL").await;
        assert!(names.starts_with("1 ") && names.contains("00000003\r\n"), "{names}");
        node.stop().await;
    });
}

/// The subjects on offer, in the order of their numbers.
async fn subjects(pop3: &mut Pop3) -> Vec<String> {
    let mut subjects = Vec::new();
    for line in pop3.body("LIST").await.lines() {
        let number = line.split(' ').next().unwrap();
        let top = pop3.body(&format!("TOP {number} 0")).await;
        subjects.push(top.trim_start_matches("Subject: ").trim_end().to_owned());
    }
    subjects
}

#[test]
fn acc_11_own_folders_and_junk_are_offered_as_the_account_wants() {
    hongyan_actor::run(0, async {
        for (own, junk, expect) in [
            (true, false, vec!["inbox 1", "own", "inbox 2", "below inbox"]),
            (false, false, vec!["inbox 1", "inbox 2"]),
            (false, true, vec!["inbox 1", "junk", "inbox 2", "below junk"]),
            (
                true,
                true,
                vec!["inbox 1", "own", "junk", "inbox 2", "below inbox", "below junk"],
            ),
        ] {
            let node = Node::start(AccountSettings {
                pop_own_folders: own,
                pop_junk: junk,
                ..all()
            })
            .await;
            let travel = node.make_folder("Reisen").await;
            node.make_folder("Empty").await;
            let below_inbox = node.make_folder("INBOX/more").await;
            let below_junk = node.make_folder("Junk/more").await;
            let thrown_away = node.make_folder("Trash/old").await;
            node.append(b"Subject: inbox 1\r\n\r\n", 0).await;
            node.miniature.append(travel, b"Subject: own\r\n\r\n", 0).await;
            node.miniature
                .append(SpecialUse::Junk.into(), b"Subject: junk\r\n\r\n", 0)
                .await;
            node.miniature
                .append(SpecialUse::Sent.into(), b"Subject: sent\r\n\r\n", 0)
                .await;
            node.miniature
                .append(thrown_away, b"Subject: thrown away\r\n\r\n", 0)
                .await;
            node.append(b"Subject: inbox 2\r\n\r\n", 0).await;
            node.miniature
                .append(below_inbox, b"Subject: below inbox\r\n\r\n", 0)
                .await;
            node.miniature
                .append(below_junk, b"Subject: below junk\r\n\r\n", 0)
                .await;
            let mut pop3 = node.login().await;
            assert_eq!(subjects(&mut pop3).await, expect);
            node.stop().await;
        }
    });
}

#[test]
fn acc_11_marks_count_in_the_folder_of_the_message_and_names_go_with_the_mail() {
    hongyan_actor::run(0, async {
        let node = Node::start(all()).await;
        let travel = node.make_folder("Reisen").await;
        node.append(b"Subject: one\r\n\r\n", 0).await;
        node.miniature.append(travel.clone(), b"Subject: two\r\n\r\n", 0).await;
        node.append(b"Subject: three\r\n\r\n", 0).await;
        let mut pop3 = node.login().await;
        let names = pop3.body("UIDL").await;
        assert!(pop3.say("DELE 2").await.is_ok);
        assert_eq!(subjects(&mut pop3).await, ["one", "three"]);
        assert!(pop3.say("RSET").await.is_ok);
        assert_eq!(subjects(&mut pop3).await, ["one", "two", "three"]);
        assert!(pop3.say("DELE 2").await.is_ok);
        assert!(pop3.say("QUIT").await.is_ok);
        let request = MoveMessages {
            from: FolderId::INBOX,
            uids: [hongyan_types::Uid::new(1).unwrap()].into_iter().collect(),
            to: travel,
        };
        node.router.ask(&node.mailbox, request, WITHIN).await.unwrap().unwrap();
        let mut pop3 = node.login().await;
        assert_eq!(subjects(&mut pop3).await, ["one", "three"]);
        let names: Vec<_> = names.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert_eq!(pop3.body("UIDL").await, format!("1 {}\r\n2 {}\r\n", names[0], names[2]));
        node.stop().await;
    });
}

#[test]
fn clients_without_utf8_get_headers_in_ascii() {
    hongyan_actor::run(0, async {
        let node = Node::start(all()).await;
        let mail = "Subject: 你好\r\nFrom: 王 <用户@example.test>\r\n\r\nhéllo\r\n";
        node.append(mail.as_bytes(), 0).await;
        let mut pop3 = node.login().await;
        let header = "Subject: =?utf-8?B?5L2g5aW9?=\r\n\
            From: =?utf-8?B?546LICjnlKjmiLdAZXhhbXBsZS50ZXN0KQ==?=\r\n <invalid@internationalized-address.invalid>\r\n\r\n";
        assert_eq!(pop3.body("RETR 1").await, format!("{header}héllo\r\n"));
        assert_eq!(pop3.body("TOP 1 0").await, header);
        assert!(pop3.say("QUIT").await.is_ok);
        let mut pop3 = node.connect().await;
        assert!(pop3.say("UTF8").await.is_ok);
        assert!(pop3.say(&format!("USER {USER}")).await.is_ok);
        assert!(pop3.say("PASS pass").await.is_ok);
        assert_eq!(pop3.body("RETR 1").await, mail);
        node.stop().await;
    });
}

#[test]
fn acc_12_what_clients_may_not_delete_stays() {
    hongyan_actor::run(0, async {
        let node = Node::start(AccountSettings {
            pop_clients_may_delete: false,
            ..all()
        })
        .await;
        node.append(b"Subject: kept\r\n\r\n", 0).await;
        let mut pop3 = node.login().await;
        assert!(pop3.say("DELE 1").await.is_ok);
        assert!(pop3.say("QUIT").await.is_ok);
        drop(pop3);
        let mut pop3 = node.login().await;
        assert!(pop3.say("STAT").await.text.starts_with("1 "));
        node.stop().await;
    });
}

#[test]
fn acc_19_wrong_passwords_and_closed_protocols_are_refused() {
    hongyan_actor::run(0, async {
        let node = Node::start(all()).await;
        let mut pop3 = node.connect().await;
        for user in [USER, "nobody@example.test"] {
            pop3.say(&format!("USER {user}")).await;
            let response = pop3.say("PASS wrong").await;
            assert_eq!((response.is_ok, response.code), (false, Some(ResponseCode::Auth)));
        }
        node.stop().await;
        let node = Node::start(AccountSettings { pop3: false, ..all() }).await;
        let mut pop3 = node.connect().await;
        pop3.say(&format!("USER {USER}")).await;
        assert_eq!(pop3.say("PASS pass").await.code, Some(ResponseCode::Auth));
        node.stop().await;
    });
}

/// Signs in with a SASL exchange; the last answer tells how that went.
async fn exchange(node: &Node, mechanism: Mechanism, password: &Secret) -> (Pop3, Response) {
    let mut pop3 = node.connect().await;
    let credentials = Credentials {
        authzid: None,
        authcid: USER.to_owned(),
        password: password.clone(),
    };
    let mut sasl = Client::start(mechanism, credentials, None, [7; 18]).unwrap();
    let mut response = pop3.say(&format!("AUTH {}", mechanism.name())).await;
    let mut answer = sasl.initial();
    while let Some(challenge) = response.challenge.clone() {
        let data = match answer.take() {
            Some(initial) => initial,
            None => sasl.respond(&challenge).unwrap(),
        };
        pop3.session.send_response(&data);
        response = pop3.response().await;
    }
    (pop3, response)
}

#[test]
fn scram_signs_in_and_a_wrong_proof_does_not() {
    hongyan_actor::run(0, async {
        let node = Node::start(all()).await;
        for (password, is_right) in [("wrong", false), ("pass", true)] {
            let (_, response) = exchange(&node, Mechanism::ScramSha256, &Secret::new(password)).await;
            assert_eq!(response.is_ok, is_right, "{response:?}");
        }
        node.stop().await;
    });
}

#[test]
fn lgn_1_pop3_that_is_closed_to_all_says_so() {
    hongyan_actor::run(0, async {
        let node = Node::start(AccountSettings::default()).await;
        let policy = hongyan_directory::SignInPolicy {
            closed: std::collections::BTreeSet::from([hongyan_access::Protocol::Pop3]),
            ..hongyan_directory::SignInPolicy::default()
        };
        let tenant = node.mailbox.tenant;
        node.directory.set_sign_in_policy(tenant, &policy, None).await.unwrap();
        let mut pop3 = node.connect().await;
        assert!(pop3.say(&format!("USER {USER}")).await.is_ok);
        let refused = pop3.say("PASS pass").await;
        assert_eq!(refused.code, Some(ResponseCode::Auth), "{refused:?}");
        assert!(refused.text.contains("POP3 is switched off"), "{refused:?}");
        node.stop().await;
    });
}

#[test]
fn oauth_tokens_open_the_maildrop_and_wrong_ones_are_told_so() {
    hongyan_actor::run(0, async {
        let node = Node::start(AccountSettings::default()).await;
        node.append(b"Subject: one\r\n\r\nx", 0).await;
        let (pop, imap) = (node.tokens("pop3").await, node.tokens("imap").await);
        for mechanism in [Mechanism::OauthBearer, Mechanism::Xoauth2] {
            let (_, refused) = exchange(&node, mechanism, &imap.access).await;
            assert_eq!(refused.code, Some(ResponseCode::Auth), "{refused:?}");
            assert!(refused.text.contains("this token is not for POP3"), "{refused:?}");
            let (mut pop3, opened) = exchange(&node, mechanism, &pop.access).await;
            assert!(opened.is_ok && opened.text.starts_with("1 messages"), "{opened:?}");
            assert!(pop3.say("QUIT").await.is_ok);
        }
        node.stop().await;
    });
}
