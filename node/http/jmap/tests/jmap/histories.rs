//! Random histories, made over IMAP and JMAP by several sessions on one mailbox: after each step both show the same, what
//! changed since any earlier state leads to the present one, and a session that stays selected has followed.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_listener::Listener;
use hongyan_miniature::{PASSWORD, USER};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::agreement::{Imap, imap_port, keyword, listed};
use crate::support::Client;

const FLAGS: [&str; 4] = ["\\Seen", "\\Flagged", "Work", "\\Draft"];
const NAMES: [&str; 3] = ["A", "B", "C"];

/// Numbers pick from what is there when the step is made.
#[derive(Debug, Clone)]
enum Step {
    Deliver(u8),
    Append(u8, u8),
    Import(u8, u8),
    Store(u8, u8, u8, u8),
    Keyword(u8, u8, bool),
    Copy(u8, u8, u8),
    Move(u8, u8, u8),
    Mailboxes(u8, u8),
    Expunge(u8, u8),
    Destroy(u8),
    Create(bool, u8, u8),
    Rename(bool, u8, u8, u8),
    Delete(bool, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let n = any::<u8>;
    let step = prop_oneof![
        3 => n().prop_map(Step::Deliver),
        2 => (n(), n()).prop_map(|(a, b)| Step::Append(a, b)),
        2 => (n(), n()).prop_map(|(a, b)| Step::Import(a, b)),
        3 => (n(), n(), n(), n()).prop_map(|(a, b, c, d)| Step::Store(a, b, c, d)),
        2 => (n(), n(), any::<bool>()).prop_map(|(a, b, c)| Step::Keyword(a, b, c)),
        2 => (n(), n(), n()).prop_map(|(a, b, c)| Step::Copy(a, b, c)),
        2 => (n(), n(), n()).prop_map(|(a, b, c)| Step::Move(a, b, c)),
        3 => (n(), n()).prop_map(|(a, b)| Step::Mailboxes(a, b)),
        2 => (n(), n()).prop_map(|(a, b)| Step::Expunge(a, b)),
        1 => n().prop_map(Step::Destroy),
        2 => (any::<bool>(), n(), n()).prop_map(|(a, b, c)| Step::Create(a, b, c)),
        1 => (any::<bool>(), n(), n(), n()).prop_map(|(a, b, c, d)| Step::Rename(a, b, c, d)),
        1 => (any::<bool>(), n()).prop_map(|(a, b)| Step::Delete(a, b)),
    ];
    proptest::collection::vec(step, 1..22)
}

fn pick<T>(list: &[T], number: u8) -> Option<&T> {
    list.get(usize::from(number).checked_rem(list.len())?)
}

/// An email: thread, size, keywords, mailboxes.
type Shown = (String, u64, BTreeSet<String>, BTreeSet<String>);

/// Everything that one protocol shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct View {
    emails: BTreeMap<String, Shown>,
    /// Path and number of emails by id of the mailbox.
    mailboxes: BTreeMap<String, (String, u64)>,
}

/// What JMAP says beside that, at one moment.
#[derive(Debug, Clone)]
struct Moment {
    view: View,
    state: String,
    /// Each mailbox as it is shown.
    mailboxes: BTreeMap<String, Value>,
    threads: BTreeMap<String, BTreeSet<String>>,
    /// State and ids of each query.
    queries: Vec<(String, Vec<String>)>,
}

struct World {
    place: Client,
    port: Listener,
    imap: Imap,
    /// Another session, which stays in INBOX.
    other: Imap,
    /// What it knows: flags by sequence number.
    followed: Vec<BTreeSet<String>>,
    moments: Vec<Moment>,
    mails: u32,
}

fn number(line: &str, name: &str) -> u64 {
    let (_, rest) = line
        .split_once(&format!("{name} "))
        .unwrap_or_else(|| panic!("{name} in {line}"));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().unwrap_or_else(|| panic!("{value}"));
    list.iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn flags(line: &str) -> BTreeSet<String> {
    let all = listed(line, "FLAGS").split_whitespace().map(keyword);
    all.filter(|flag| flag != "$recent").collect()
}

/// The names of mailboxes.
async fn names(imap: &mut Imap) -> Vec<String> {
    let list = imap.say("LIST \"\" \"*\"").await;
    let list = list.iter().filter(|line| line.starts_with("* LIST"));
    list.map(|line| line.split("\"/\" ").nth(1).unwrap().trim_matches('"').to_owned())
        .collect()
}

async fn by_imap(imap: &mut Imap) -> View {
    let mut view = View::default();
    // Flags by email, of each message.
    let mut all: BTreeMap<String, Vec<BTreeSet<String>>> = BTreeMap::new();
    for name in names(imap).await {
        let status = imap
            .say(&format!("STATUS \"{name}\" (MAILBOXID MESSAGES UNSEEN SIZE)"))
            .await;
        let status = status.iter().find(|line| line.starts_with("* STATUS")).unwrap();
        let id = listed(status, "MAILBOXID").to_owned();
        imap.say(&format!("EXAMINE \"{name}\"")).await;
        let fetched = imap.say("UID FETCH 1:* (EMAILID THREADID FLAGS RFC822.SIZE)").await;
        let fetched: Vec<&String> = fetched.iter().filter(|line| line.contains("EMAILID")).collect();
        let (mut inside, mut unseen, mut size) = (BTreeSet::new(), 0, 0);
        for line in &fetched {
            let flags = flags(line);
            unseen += u64::from(!flags.contains("$seen"));
            size += number(line, "RFC822.SIZE");
            let email = listed(line, "EMAILID").to_owned();
            inside.insert(email.clone());
            let shown = view.emails.entry(email.clone()).or_insert_with(|| {
                let thread = listed(line, "THREADID").to_owned();
                (thread, number(line, "RFC822.SIZE"), BTreeSet::new(), BTreeSet::new())
            });
            shown.3.insert(id.clone());
            all.entry(email).or_default().push(flags);
        }
        assert_eq!(number(status, "MESSAGES"), fetched.len() as u64, "{status}");
        assert_eq!(number(status, "UNSEEN"), unseen, "{status}");
        assert_eq!(number(status, "SIZE"), size, "{status}");
        view.mailboxes.insert(id, (name, inside.len() as u64));
    }
    for (email, messages) in all {
        // RFC 8621 §4.1.1: a keyword is there when any message has it, but `$seen` only when all have.
        let mut any: BTreeSet<String> = messages.iter().flatten().cloned().collect();
        any.remove("$deleted");
        if messages.iter().any(|flags| !flags.contains("$seen")) {
            any.remove("$seen");
        }
        view.emails.get_mut(&email).unwrap().2 = any;
    }
    view
}

/// Which emails are asked for, and in which order.
fn queries() -> [Value; 3] {
    [
        json!({"filter": {"inMailbox": "F00000001"}, "sort": [{"property": "receivedAt", "isAscending": false}]}),
        json!({"filter": {"hasKeyword": "$flagged"}, "sort": [{"property": "size"}]}),
        json!({"filter": {"operator": "NOT", "conditions": [{"inMailbox": "F00000001"}]},
            "sort": [{"property": "hasKeyword", "keyword": "$seen"}, {"property": "subject"}]}),
    ]
}

fn with_account(arguments: &Value, more: Value) -> Value {
    let mut all = arguments.as_object().unwrap().clone();
    all.insert("accountId".to_owned(), json!("$account"));
    all.extend(more.as_object().unwrap().clone());
    Value::Object(all)
}

async fn by_jmap(place: &mut Client) -> Moment {
    let mut calls = vec![
        json!(["Mailbox/get", {"accountId": "$account"}, "m"]),
        json!(["Email/get", {"accountId": "$account", "ids": null,
            "properties": ["threadId", "mailboxIds", "keywords", "size"]}, "e"]),
        json!(["Thread/get", {"accountId": "$account", "ids": null}, "t"]),
    ];
    calls.extend(
        queries()
            .iter()
            .map(|query| json!(["Email/query", with_account(query, json!({})), "q"])),
    );
    let answer = place.call(&Value::Array(calls).to_string()).await;
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned();
    let list = |index: usize| {
        answer[index][1]["list"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer:#}"))
    };
    let mut view = View::default();
    for email in list(1) {
        let shown = (
            text(&email["threadId"]),
            email["size"].as_u64().unwrap(),
            keys(&email["keywords"]),
            keys(&email["mailboxIds"]),
        );
        view.emails.insert(text(&email["id"]), shown);
    }
    let mailboxes: BTreeMap<String, Value> = list(0).iter().map(|one| (text(&one["id"]), one.clone())).collect();
    for (id, mailbox) in &mailboxes {
        let (mut path, mut above) = (text(&mailbox["name"]), &mailbox["parentId"]);
        while let Some(parent) = above.as_str() {
            path = format!("{}/{path}", text(&mailboxes[parent]["name"]));
            above = &mailboxes[parent]["parentId"];
        }
        let total = mailbox["totalEmails"].as_u64().unwrap();
        view.mailboxes.insert(id.clone(), (path, total));
        let inside = view.emails.values().filter(|shown| shown.3.contains(id));
        let unread = inside
            .clone()
            .filter(|shown| !shown.2.contains("$seen") && !shown.2.contains("$draft"));
        assert_eq!(mailbox["unreadEmails"], unread.count() as u64, "{mailbox:#}");
        let threads: BTreeSet<&String> = inside.map(|shown| &shown.0).collect();
        assert_eq!(mailbox["totalThreads"], threads.len() as u64, "{mailbox:#}");
    }
    let threads = list(2)
        .iter()
        .map(|thread| (text(&thread["id"]), strings(&thread["emailIds"]).into_iter().collect()));
    let threads: BTreeMap<String, BTreeSet<String>> = threads.collect();
    let mut expect: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, shown) in &view.emails {
        expect.entry(shown.0.clone()).or_default().insert(id.clone());
    }
    assert_eq!(threads, expect, "threads");
    let state = text(&answer[1][1]["state"]);
    assert_eq!(state, text(&answer[0][1]["state"]));
    let queries = (3..3 + queries().len()).map(|index| {
        let reply = &answer[index][1];
        (text(&reply["queryState"]), strings(&reply["ids"]))
    });
    Moment {
        view,
        state,
        mailboxes,
        threads,
        queries: queries.collect(),
    }
}

/// What `changes` says of all that came, changed and went since a state, a few at a time.
async fn changes(place: &mut Client, what: &str, since: &str, max: u64) -> [BTreeSet<String>; 3] {
    let mut all: [BTreeSet<String>; 3] = Default::default();
    let mut state = since.to_owned();
    loop {
        let calls = json!([[format!("{what}/changes"), {"accountId": "$account", "sinceState": state,
            "maxChanges": max}, "0"]]);
        let answer = place.call(&calls.to_string()).await[0][1].clone();
        assert!(answer["newState"].is_string(), "{what} since {since}: {answer:#}");
        for (all, name) in all.iter_mut().zip(["created", "updated", "destroyed"]) {
            all.extend(strings(&answer[name]));
        }
        state = answer["newState"].as_str().unwrap().to_owned();
        if answer["hasMoreChanges"] != true {
            return all;
        }
    }
}

/// That what is told leads from what was to what is.
fn check_changes<T: PartialEq + std::fmt::Debug>(
    what: &str,
    [created, updated, destroyed]: [BTreeSet<String>; 3],
    (was, is): (&BTreeMap<String, T>, &BTreeMap<String, T>),
) {
    for id in was.keys().filter(|id| !is.contains_key(*id)) {
        assert!(destroyed.contains(id), "{what} {id} went and nobody was told");
    }
    for (id, now) in is {
        match was.get(id) {
            None => assert!(created.contains(id), "{what} {id} came and nobody was told"),
            // Whatever may have had `\\Deleted` is told as if it had come.
            Some(before) if before != now => assert!(
                updated.contains(id) || created.contains(id),
                "{what} {id} changed from {before:?} to {now:?} and nobody was told"
            ),
            Some(_) => {}
        }
        assert!(!destroyed.contains(id), "{what} {id} is there");
    }
}

impl World {
    async fn start() -> Self {
        let place = Client::start().await;
        let port = imap_port(&place).await;
        let open = async || {
            let mut imap = Imap::connect(&place, &port).await;
            imap.say(&format!("LOGIN {USER} {PASSWORD}")).await;
            imap
        };
        let (imap, mut other) = (open().await, open().await);
        other.say("SELECT INBOX").await;
        Self {
            place,
            port,
            imap,
            other,
            followed: Vec::new(),
            moments: Vec::new(),
            mails: 0,
        }
    }

    fn mail(&mut self, of: u8) -> String {
        self.mails += 1;
        let id = self.mails;
        let reply = match u32::from(of) % id {
            0 => String::new(),
            other => format!("References: <{other}@a>\r\n"),
        };
        // Subjects of a conversation are the same.
        let text = "x".repeat(usize::from(of % 7));
        format!("Message-ID: <{id}@a>\r\n{reply}Subject: same\r\n\r\n{text}\r\n")
    }

    /// A message of a folder: the command's folder is selected then.
    async fn message(&mut self, folder: u8, message: u8) -> Option<u64> {
        let names = names(&mut self.imap).await;
        let name = pick(&names, folder)?;
        self.imap.say(&format!("SELECT \"{name}\"")).await;
        let fetched = self.imap.say("UID FETCH 1:* (FLAGS)").await;
        let uids: Vec<u64> = fetched
            .iter()
            .filter(|line| line.contains("FETCH"))
            .map(|line| number(line, "UID"))
            .collect();
        pick(&uids, message).copied()
    }

    async fn name(&mut self, folder: u8) -> String {
        let names = names(&mut self.imap).await;
        pick(&names, folder).unwrap().clone()
    }

    /// A place for a folder to come: at the top or in another.
    async fn new_name(&mut self, parent: u8, name: u8) -> (Option<String>, &'static str) {
        let name = pick(&NAMES, name).unwrap();
        let names = names(&mut self.imap).await;
        let parent = pick(&names, parent).filter(|_| parent.is_multiple_of(2));
        (parent.cloned(), name)
    }

    fn mailbox_id(&self, path: &str) -> String {
        let mailboxes = &self.moments.last().unwrap().view.mailboxes;
        let found = mailboxes.iter().find(|(_, (known, _))| known == path);
        found.unwrap_or_else(|| panic!("{path} in {mailboxes:?}")).0.clone()
    }

    fn email(&self, number: u8) -> Option<String> {
        let emails: Vec<&String> = self.moments.last().unwrap().view.emails.keys().collect();
        pick(&emails, number).map(|id| (*id).clone())
    }

    /// Calls one method; what it refuses is refused.
    async fn set(&mut self, method: &str, arguments: Value) {
        let calls = json!([[method, with_account(&arguments, json!({})), "0"]]);
        let answer = self.place.call(&calls.to_string()).await;
        assert_eq!(answer[0][0], method, "{answer:#}");
    }

    async fn make(&mut self, step: &Step) {
        match *step {
            Step::Deliver(of) => {
                let mail = self.mail(of);
                self.place.append("INBOX", i64::from(of % 5), &mail).await;
            }
            Step::Append(folder, of) => {
                let (name, mail) = (self.name(folder).await, self.mail(of));
                let flags = pick(&FLAGS, of).unwrap();
                let command = format!("APPEND \"{name}\" ({flags}) {{{}+}}\r\n{mail}", mail.len());
                self.imap.told(&command).await;
            }
            Step::Import(folder, of) => {
                let (name, mail) = (self.name(folder).await, self.mail(of));
                let path = format!("/jmap/upload/{}", self.place.account());
                let (_, uploaded) = self.place.ask("POST", &path, "message/rfc822", mail).await;
                let uploaded: Value = serde_json::from_slice(&uploaded).unwrap();
                let flag = keyword(pick(&FLAGS, of).unwrap());
                let emails = json!({"i": {"blobId": uploaded["blobId"], "mailboxIds": {self.mailbox_id(&name): true},
                    "keywords": {flag: true}}});
                self.set("Email/import", json!({"emails": emails})).await;
            }
            Step::Store(folder, message, action, flag) => {
                let Some(uid) = self.message(folder, message).await else {
                    return;
                };
                let action = pick(&["+FLAGS", "-FLAGS", "FLAGS"], action).unwrap();
                let flag = pick(&FLAGS, flag).unwrap();
                self.imap.say(&format!("UID STORE {uid} {action} ({flag})")).await;
            }
            Step::Keyword(email, flag, is_on) => {
                let Some(email) = self.email(email) else { return };
                let path = format!("keywords/{}", keyword(pick(&FLAGS, flag).unwrap()));
                let value = if is_on { json!(true) } else { Value::Null };
                self.set("Email/set", json!({"update": {email: {path: value}}})).await;
            }
            Step::Copy(folder, message, to) | Step::Move(folder, message, to) => {
                let to = self.name(to).await;
                let Some(uid) = self.message(folder, message).await else {
                    return;
                };
                let verb = if matches!(step, Step::Copy(..)) { "COPY" } else { "MOVE" };
                self.imap.say(&format!("UID {verb} {uid} \"{to}\"")).await;
            }
            Step::Mailboxes(email, bits) => {
                let Some(email) = self.email(email) else { return };
                let mailboxes = self.moments.last().unwrap().view.mailboxes.keys();
                let chosen = mailboxes.zip(0..).filter(|(_, index)| bits >> (index % 8) & 1 == 1);
                let chosen: BTreeMap<&String, bool> = chosen.map(|(id, _)| (id, true)).collect();
                let patch = json!({"mailboxIds": chosen});
                self.set("Email/set", json!({"update": {email: patch}})).await;
            }
            Step::Expunge(folder, message) => {
                let Some(uid) = self.message(folder, message).await else {
                    return;
                };
                self.imap
                    .say(&format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"))
                    .await;
                self.imap.say(&format!("UID EXPUNGE {uid}")).await;
            }
            Step::Destroy(email) => {
                let Some(email) = self.email(email) else { return };
                self.set("Email/set", json!({"destroy": [email]})).await;
            }
            Step::Create(by_jmap, parent, name) => {
                let (parent, name) = self.new_name(parent, name).await;
                if by_jmap {
                    let parent = parent.map(|parent| self.mailbox_id(&parent));
                    let create = json!({"c": {"name": name, "parentId": parent}});
                    self.set("Mailbox/set", json!({"create": create})).await;
                } else {
                    let path = parent.map_or(name.to_owned(), |parent| format!("{parent}/{name}"));
                    self.imap.told(&format!("CREATE \"{path}\"")).await;
                }
            }
            Step::Rename(by_jmap, folder, parent, name) => {
                let from = self.name(folder).await;
                let (parent, name) = self.new_name(parent, name).await;
                if by_jmap {
                    let parent = parent.map(|parent| self.mailbox_id(&parent));
                    let patch = json!({"name": name, "parentId": parent});
                    let id = self.mailbox_id(&from);
                    self.set("Mailbox/set", json!({"update": {id: patch}})).await;
                } else {
                    let path = parent.map_or(name.to_owned(), |parent| format!("{parent}/{name}"));
                    self.imap.told(&format!("RENAME \"{from}\" \"{path}\"")).await;
                }
            }
            Step::Delete(by_jmap, folder) => {
                let name = self.name(folder).await;
                if by_jmap {
                    let id = self.mailbox_id(&name);
                    let arguments = json!({"destroy": [id], "onDestroyRemoveEmails": true});
                    self.set("Mailbox/set", arguments).await;
                } else {
                    self.imap.say("UNSELECT").await;
                    self.imap.told(&format!("DELETE \"{name}\"")).await;
                }
            }
        }
    }

    /// What the session that stays in INBOX is told.
    async fn follow(&mut self) {
        let mut told = self.other.say("NOOP").await;
        // What is new is fetched, and that may tell more.
        let mut at = 0;
        while at < told.len() {
            let line = told[at].clone();
            at += 1;
            let mut words = line.split(' ').skip(1);
            let seq: Option<usize> = words.next().and_then(|word| word.parse().ok());
            let (Some(seq), Some(word)) = (seq, words.next()) else {
                continue;
            };
            match word {
                "EXPUNGE" => drop(self.followed.remove(seq - 1)),
                "EXISTS" if seq > self.followed.len() => {
                    let first = self.followed.len() + 1;
                    self.followed.resize(seq, BTreeSet::new());
                    told.extend(self.other.say(&format!("FETCH {first}:{seq} (FLAGS)")).await);
                }
                "FETCH" if line.contains("FLAGS (") => self.followed[seq - 1] = flags(&line),
                _ => {}
            }
        }
        self.imap.say("EXAMINE INBOX").await;
        let fetched = self.imap.say("UID FETCH 1:* (FLAGS)").await;
        let now: Vec<BTreeSet<String>> = fetched
            .iter()
            .filter(|line| line.contains("FETCH"))
            .map(|line| flags(line))
            .collect();
        assert_eq!(self.followed, now, "what another session was told of INBOX");
    }

    /// That all agree, and lead from earlier moments to this one.
    async fn check(&mut self) {
        let shown = by_imap(&mut self.imap).await;
        let now = by_jmap(&mut self.place).await;
        assert_eq!(now.view, shown, "JMAP on the left, IMAP on the right");
        self.follow().await;
        let count = self.moments.len();
        let before: BTreeSet<usize> = [count.checked_sub(1), Some(count / 2), Some(0)]
            .into_iter()
            .flatten()
            .collect();
        for (index, was) in self
            .moments
            .iter()
            .enumerate()
            .filter(|(index, _)| before.contains(index))
        {
            let max = [1, 3, 100][index % 3];
            let place = &mut self.place;
            let emails = changes(place, "Email", &was.state, max).await;
            check_changes("Email", emails, (&was.view.emails, &now.view.emails));
            let mailboxes = changes(place, "Mailbox", &was.state, max).await;
            check_changes("Mailbox", mailboxes, (&was.mailboxes, &now.mailboxes));
            let threads = changes(place, "Thread", &was.state, max).await;
            check_changes("Thread", threads, (&was.threads, &now.threads));
            for (query, ((state, ids), (_, present))) in queries().iter().zip(was.queries.iter().zip(&now.queries)) {
                let arguments = with_account(query, json!({"sinceQueryState": state}));
                let answer = place
                    .call(&json!([["Email/queryChanges", arguments, "0"]]).to_string())
                    .await;
                let removed: BTreeSet<String> = strings(&answer[0][1]["removed"]).into_iter().collect();
                let mut list: Vec<String> = ids.iter().filter(|id| !removed.contains(*id)).cloned().collect();
                for added in answer[0][1]["added"].as_array().unwrap() {
                    let at = usize::try_from(added["index"].as_u64().unwrap()).unwrap();
                    assert!(at <= list.len(), "{answer:#} onto {ids:?}");
                    list.insert(at, added["id"].as_str().unwrap().to_owned());
                }
                assert_eq!(&list, present, "{query} since {state}: {answer:#}");
            }
        }
        self.moments.push(now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("HISTORIES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(10),
        max_shrink_iters: 300,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(
            std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4),
        ),
        ..ProptestConfig::default()
    })]

    #[test]
    fn imap_and_jmap_agree_after_every_step(steps in steps()) {
        hongyan_actor::run(1, async {
            let mut world = World::start().await;
            world.check().await;
            for step in &steps {
                world.make(step).await;
                world.check().await;
            }
            let World { place, port, imap, other, .. } = world;
            drop((imap, other, port));
            place.stop().await;
        });
    }
}
