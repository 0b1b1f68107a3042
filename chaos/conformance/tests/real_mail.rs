//! Real and hostile mail in through SMTP and APPEND, out through IMAP and POP3, octet for octet; and its structure as
//! Python's email package sees it.
//!
//! Fields compared with Python, for messages in which it finds no defect: the tree of media types, charset of text parts,
//! Content-Transfer-Encoding and Content-ID of each part; Subject, Message-ID, In-Reply-To and Date of the envelope.

use anyhow::{Context, Result, ensure};
use hongyan_conformance::corpus::{self, Sample, is_delivered_form, with_crlf};
use hongyan_conformance::imap::{Imap, Value};
use hongyan_conformance::node::Node;
use hongyan_conformance::pop3::Pop3;
use hongyan_conformance::smtp::Smtp;
use hongyan_conformance::{note, program, skip};
use serde::Deserialize;

const FROM: &str = "sender@elsewhere.test";
const BY_SMTP: &str = "user1@example.test";
const BY_APPEND: &str = "user2@example.test";
/// Messages fetched by one command.
const BLOCK: usize = 100;

#[test]
fn mail_of_our_own_is_read_as_it_was_sent() -> Result<()> {
    check(&corpus::own())
}

#[test]
fn the_corpus_is_read_as_it_was_sent() -> Result<()> {
    match corpus::corpus() {
        Some(samples) => check(&samples),
        None => {
            skip(
                "the corpus through SMTP, APPEND, IMAP and POP3",
                "no folder ../shared/corpus beside the repository",
            );
            Ok(())
        }
    }
}

fn check(samples: &[Sample]) -> Result<()> {
    ensure!(!samples.is_empty(), "no messages");
    let node = Node::start()?;
    let accepted = send(&node, samples)?;
    append(&node, samples)?;

    let delivered = fetch(&node, BY_SMTP)?;
    ensure!(
        delivered.len() == accepted.len(),
        "{} of {}",
        delivered.len(),
        accepted.len()
    );
    for (stored, sample) in delivered.iter().zip(&accepted) {
        let sent = with_crlf(&sample.bytes);
        ensure!(
            is_delivered_form(stored, &sent),
            "{} came back changed after SMTP",
            sample.name
        );
    }
    let appended = fetch(&node, BY_APPEND)?;
    ensure!(
        appended.len() == samples.len(),
        "{} of {}",
        appended.len(),
        samples.len()
    );
    for (stored, sample) in appended.iter().zip(samples) {
        ensure!(
            *stored == sample.bytes,
            "{} came back changed after APPEND",
            sample.name
        );
    }
    retrieve(&node, BY_SMTP, &delivered)?;
    retrieve(&node, BY_APPEND, &appended)?;
    compare_structure(&node, samples)?;
    ensure!(node.errors().is_empty(), "{:#?}", node.errors());
    Ok(())
}

/// Sends all by SMTP; those accepted. Only a mail loop may be refused.
fn send<'a>(node: &Node, samples: &'a [Sample]) -> Result<Vec<&'a Sample>> {
    let mut accepted = Vec::new();
    let mut smtp = Smtp::hello(node.port(25))?;
    for (index, sample) in samples.iter().enumerate() {
        if index % BLOCK == BLOCK - 1 {
            smtp.expect("QUIT", 221)?;
            smtp = Smtp::hello(node.port(25))?;
        }
        let reply = smtp
            .send(FROM, &[BY_SMTP], &with_crlf(&sample.bytes))
            .with_context(|| sample.name.clone())?;
        if reply.code == 250 {
            accepted.push(sample);
        } else {
            ensure!(reply.text.contains("5.4.6"), "{}: {reply:?}", sample.name);
        }
    }
    Ok(accepted)
}

fn append(node: &Node, samples: &[Sample]) -> Result<()> {
    let mut imap = Imap::login(node.port(143), BY_APPEND)?;
    for sample in samples {
        imap.append("INBOX", &sample.bytes)
            .with_context(|| sample.name.clone())?;
    }
    Ok(())
}

/// All messages of INBOX.
fn fetch(node: &Node, user: &str) -> Result<Vec<Vec<u8>>> {
    let mut imap = Imap::login(node.port(143), user)?;
    let count = usize::try_from(imap.select("INBOX")?)?;
    let mut bodies = Vec::new();
    for first in (1..=count).step_by(BLOCK) {
        let last = count.min(first + BLOCK - 1);
        bodies.extend(imap.bodies(&format!("{first}:{last}"))?);
    }
    Ok(bodies)
}

fn retrieve(node: &Node, user: &str, stored: &[Vec<u8>]) -> Result<()> {
    let mut pop3 = Pop3::login(node.port(110), user)?;
    ensure!(pop3.command("STAT")?.starts_with(&format!("{} ", stored.len())));
    let names = pop3.body("UIDL")?;
    ensure!(names.split(|octet| *octet == b'\n').count() == stored.len() + 1);
    for (index, stored) in stored.iter().enumerate() {
        let got = pop3.body(&format!("RETR {}", index + 1))?;
        // POP3 ends the last line, whether it was ended or not.
        let ended = if stored.ends_with(b"\r\n") {
            b"".as_slice()
        } else {
            b"\r\n"
        };
        ensure!(got == [stored, ended].concat(), "message {} differs by POP3", index + 1);
    }
    pop3.command("QUIT")?;
    Ok(())
}

#[derive(Deserialize)]
struct Seen {
    defects: usize,
    tree: Tree,
    subject: String,
    message_id: String,
    in_reply_to: String,
    date: String,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Tree {
    #[serde(rename = "type")]
    media_type: String,
    charset: String,
    encoding: String,
    id: String,
    children: Vec<Tree>,
}

fn compare_structure(node: &Node, samples: &[Sample]) -> Result<()> {
    if !program::is_there("python3", "comparing structure with Python's email package") {
        return Ok(());
    }
    let paths: Vec<_> = samples.iter().map(|sample| sample.path.to_string_lossy()).collect();
    let script = corpus::crate_folder().join("tests/structure.py");
    let output = program::run(node.folder(), "python3", &[&script], paths.join("\n").as_bytes())?;
    let output = String::from_utf8(output)?;
    let seen = output
        .lines()
        .map(serde_json::from_str::<Seen>)
        .collect::<Result<Vec<_>, _>>()?;
    ensure!(seen.len() == samples.len());

    let mut imap = Imap::login(node.port(143), BY_APPEND)?;
    imap.select("INBOX")?;
    let (mut compared, mut differ) = (0, Vec::new());
    for (index, (sample, seen)) in samples.iter().zip(&seen).enumerate() {
        if seen.defects > 0 || !sample.bytes.is_ascii() {
            continue;
        }
        let items = imap.fetch(&(index + 1).to_string(), "(ENVELOPE BODYSTRUCTURE)")?;
        let items = items.first().context("find the FETCH answer")?;
        compared += 1;
        if let Err(error) = compare(items, seen) {
            differ.push(format!("{}: {error:#}", sample.name));
        }
    }
    note(&format!(
        "structure compared with Python: {compared} messages, {} differ",
        differ.len()
    ));
    ensure!(differ.is_empty(), "{:#?}", differ);
    Ok(())
}

fn compare(items: &Value, seen: &Seen) -> Result<()> {
    let envelope = items.item("ENVELOPE").context("find ENVELOPE")?.list();
    let field = |index: usize| {
        let text = envelope.get(index).and_then(Value::text).unwrap_or_default();
        text.replace(['\r', '\n'], "").trim().to_owned()
    };
    for (index, name, expect) in [
        (0, "date", &seen.date),
        (1, "subject", &seen.subject),
        (8, "in-reply-to", &seen.in_reply_to),
        (9, "message-id", &seen.message_id),
    ] {
        let (ours, theirs) = (squeeze(&field(index)), squeeze(expect));
        ensure!(ours == theirs, "{name}: {ours:?}, Python {theirs:?}");
    }
    let tree = tree(items.item("BODYSTRUCTURE").context("find BODYSTRUCTURE")?)?;
    ensure!(tree == seen.tree, "{tree:?}, Python {:?}", seen.tree);
    Ok(())
}

/// Runs of white space count as one: unfolding may keep or drop some of it.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// RFC 9051 §7.5.2.
fn tree(body: &Value) -> Result<Tree> {
    let list = body.list();
    let lower = |value: Option<&Value>| value.and_then(Value::text).unwrap_or_default().to_lowercase();
    if let Some(Value::List(_)) = list.first() {
        let parts: Vec<_> = list
            .iter()
            .take_while(|value| matches!(value, Value::List(_)))
            .collect();
        return Ok(Tree {
            media_type: format!("multipart/{}", lower(list.get(parts.len()))),
            charset: String::new(),
            encoding: String::new(),
            id: String::new(),
            children: parts.into_iter().map(tree).collect::<Result<_>>()?,
        });
    }
    let media_type = format!("{}/{}", lower(list.first()), lower(list.get(1)));
    let charset = match list.get(2).and_then(|parameters| parameters.item_text("charset")) {
        Some(charset) if media_type.starts_with("text/") => charset.to_lowercase(),
        None if media_type.starts_with("text/") => "us-ascii".to_owned(),
        _ => String::new(),
    };
    let children = if media_type == "message/rfc822" {
        vec![tree(list.get(8).context("find the inner structure")?)?]
    } else {
        Vec::new()
    };
    Ok(Tree {
        media_type,
        charset,
        encoding: lower(list.get(5)),
        id: list.get(3).and_then(Value::text).unwrap_or_default(),
        children,
    })
}
