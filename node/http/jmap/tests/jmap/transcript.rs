//! Transcripts: requests of a client and what it must be answered, one file a subject.
//!
//! `C:` is a list of method calls, `S:` what the list of answers must contain: members of objects that are not named may
//! be anything, `"*"` too, and `"$name"` is remembered, to stand in later calls. `APPEND folder days`, with the mail up to
//! a line of `.`, puts a mail into a folder as if it had come so many days ago; `FLAG folder uid flag` flags one.

use std::collections::BTreeMap;

use crate::support::Client;
use hongyan_mailbox::{FlagAction, FolderPath, FolderRef, OpenFolder, StoreFlags};
use hongyan_miniature::WITHIN;
use hongyan_types::{Flag, Uid, UidSet};
use serde_json::Value;

/// Runs one file; the names that it remembers are its own.
fn run(name: &str, text: &str) {
    hongyan_actor::run(1, async {
        let mut place = Client::start().await;
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        let mut answer = Value::Null;
        for step in steps(text) {
            match step.0 {
                "C:" => {
                    let mut calls = step.1.clone();
                    for (name, value) in &known {
                        calls = calls.replace(&format!("\"${name}\""), &format!("\"{value}\""));
                    }
                    answer = place.call(&calls).await;
                }
                "S:" => {
                    let mut expect = step.1.clone();
                    for (name, value) in &known {
                        expect = expect.replace(&format!("\"${name}\""), &format!("\"{value}\""));
                    }
                    let expect: Value = serde_json::from_str(&expect).unwrap_or_else(|error| {
                        panic!("{name}: {error} in {}", step.1);
                    });
                    if let Err(place) = matches(&expect, &answer, &mut known) {
                        panic!("{name}: at {place}\nexpected {expect:#}\ngot {answer:#}");
                    }
                }
                "APPEND" => {
                    let (head, mail) = step.1.split_once('\n').unwrap();
                    let (folder, days) = head.split_once(' ').unwrap();
                    place.append(folder, days.parse().unwrap(), mail).await;
                }
                "FLAG" => {
                    let words: Vec<&str> = step.1.split(' ').collect();
                    flag(&place, words[0], words[1].parse().unwrap(), words[2]).await;
                }
                other => panic!("{name}: {other}"),
            }
        }
        place.stop().await;
    });
}

/// Flags a message of a folder.
async fn flag(place: &Client, folder: &str, uid: u32, flag: &str) {
    let path = FolderPath::try_from(folder).unwrap();
    let (router, mailbox) = (&place.node.router, &place.node.mailbox);
    let open = OpenFolder {
        folder: FolderRef::Path(path),
    };
    let folder = router.ask(mailbox, open, WITHIN).await.unwrap().unwrap().info.id;
    let uid = Uid::new(uid).unwrap();
    let store = StoreFlags {
        folder,
        uids: UidSet::from_range(uid, uid),
        action: FlagAction::Add,
        flags: vec![Flag::try_from(flag).unwrap()],
        unchanged_since: None,
    };
    router.ask(mailbox, store, WITHIN).await.unwrap().unwrap();
}

/// The steps of a file with their texts.
fn steps(text: &str) -> Vec<(&str, String)> {
    let mut steps: Vec<(&str, String)> = Vec::new();
    let mut in_mail = false;
    for line in text.lines() {
        if in_mail {
            let mail = &mut steps.last_mut().unwrap().1;
            if line == "." {
                in_mail = false;
            } else {
                mail.push_str(line);
                mail.push_str("\r\n");
            }
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "C:" | "S:" | "FLAG" => steps.push((word, rest.to_owned())),
            "APPEND" => {
                steps.push((word, format!("{rest}\n")));
                in_mail = true;
            }
            _ if line.trim().is_empty() || line.starts_with('#') => {}
            _ => {
                let last = &mut steps.last_mut().unwrap().1;
                last.push_str(line.trim());
            }
        }
    }
    steps
}

/// Whether `actual` has all of `expect`; else where it has not.
fn matches(expect: &Value, actual: &Value, known: &mut BTreeMap<String, String>) -> Result<(), String> {
    match (expect, actual) {
        (Value::String(text), _) if text == "*" => Ok(()),
        (Value::String(text), Value::String(value))
            if text.starts_with('$') && !text[1..].contains('$') && !KEYWORDS.contains(&text.as_str()) =>
        {
            let name = text[1..].to_owned();
            match known.get(&name) {
                Some(before) if before != value => Err(format!("{name}: {before} became {value}")),
                _ => {
                    known.insert(name, value.clone());
                    Ok(())
                }
            }
        }
        (Value::Object(expect), Value::Object(actual)) => expect.iter().try_for_each(|(name, expect)| {
            let value = actual.get(name).ok_or_else(|| name.clone())?;
            matches(expect, value, known).map_err(|place| format!("{name}/{place}"))
        }),
        (Value::Array(expect), Value::Array(actual)) if expect.len() == actual.len() => {
            let pairs = expect.iter().zip(actual).enumerate();
            pairs.into_iter().try_for_each(|(at, (expect, actual))| {
                matches(expect, actual, known).map_err(|place| format!("{at}/{place}"))
            })
        }
        (expect, actual) if expect == actual => Ok(()),
        (expect, actual) => Err(format!("{expect} is {actual}")),
    }
}

const KEYWORDS: [&str; 6] = ["$label", "$mdnsent", "$seen", "$flagged", "$answered", "$draft"];

macro_rules! transcripts {
    ($($name:ident,)*) => {$(
        #[test]
        fn $name() {
            run(stringify!($name), include_str!(concat!("transcript/", stringify!($name), ".txt")));
        }
    )*};
}
transcripts! {
    core,
    mailboxes,
    emails,
    email_query,
    changes,
    sets,
    snippets,
    parse,
    identities,
    submissions,
    vacation,
    blobs,
    quota,
    receipts,
    deleted,
}
