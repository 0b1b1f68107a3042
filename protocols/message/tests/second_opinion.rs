//! The structure of real mail is what a second, independent parser says: Python's `email`, policy compat32.
//!
//! Compared, for each part: its place in the tree, its media type, its charset, its file name, and the octets and
//! CRC-32 of its decoded body; for each message the moment of `Date`.
//!
//! Made comparable, on both sides:
//! - a CR that ends no line is replaced by a space before parsing: Python ends lines there, mail on the wire does not;
//! - a media type counts up to the end of its two tokens, and without two tokens is `text/plain`;
//! - a multipart in which no part was found is `text/plain`;
//! - `message/*` other than rfc822 and global is a leaf: Python takes all of them apart;
//! - decoded bodies are compared without white space at the ends of lines and of the body: RFC 2045 §6.7 (3), and Python
//!   drops the last line end of a part that was not closed;
//! - a message with a folded boundary is not compared, as Python keeps the line end in it; nor one with white space
//!   before the colon of a field (RFC 5322 §4.5), as Python ends the header there;
//! - not compared: what stands in a multipart that ends before its first part, encodings with white space around them,
//!   dates with AM or PM, with a comment before the zone, or an hour that no day has, bodies in broken base64 or in an encoding other than RFC 2045's, charsets and names that are not
//!   plain ASCII words, dates that only one side can read, and what lies beyond our limits.
//!
//! The mail is in `../shared/corpus` beside the repository or in `HONGYAN_CORPUS`; it is not ours to publish. Samples of
//! our own, of each kind, are in `tests/sample` and are always compared.

use hongyan_message::{Content, Part, Structure, transfer};
use std::path::{Path, PathBuf};
use std::process::Command;

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("HONGYAN_CORPUS").map_or_else(|| "../../../shared/corpus".into(), PathBuf::from);
    folder.is_dir().then_some(folder)
}

fn second_opinion(folder: &Path) -> Option<String> {
    let output = Command::new("python3")
        .arg("tests/second_opinion.py")
        .arg(folder)
        .output()
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn without_bare_cr(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    for at in 0..out.len() {
        if out[at] == b'\r' && out.get(at + 1) != Some(&b'\n') {
            out[at] = b' ';
        }
    }
    out
}

fn normalise(body: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    for byte in body {
        if *byte == b'\n' {
            let end = out.iter().rposition(|b| !b" \t\r".contains(b)).map_or(0, |at| at + 1);
            out.truncate(end);
        }
        out.push(*byte);
    }
    let end = out
        .iter()
        .rposition(|b| !b" \t\n\r\x0b\x0c".contains(b))
        .map_or(0, |at| at + 1);
    out.truncate(end);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

fn show(part: &Part, depth: usize, message: &[u8], out: &mut Vec<[String; 5]>) {
    let body = if part.content == Content::Leaf && part.media.kind != "message" {
        let start = usize::try_from(part.body_offset()).unwrap();
        let raw = &message[start..start + usize::try_from(part.body_octets).unwrap()];
        let decoded = transfer::decode(&part.encoding, raw);
        assert_eq!(decoded.len() as u64, part.decoded_octets, "decoded size");
        let decoded = normalise(&decoded);
        format!("{}:{:08x}", decoded.len(), crc32(&decoded))
    } else {
        "?".to_owned()
    };
    let word = |value: Option<&str>| value.unwrap_or("-").to_owned();
    out.push([
        depth.to_string(),
        format!("{}/{}", part.media.kind, part.media.subtype),
        word(part.charset()).to_ascii_lowercase(),
        word(part.file_name()),
        body,
    ]);
    for child in part.children() {
        show(child, depth + 1, message, out);
    }
}

/// What the two readings of one message differ in.
fn differences(structure: &Structure, message: &[u8], opinion: &[&str]) -> Vec<String> {
    let mut ours = Vec::new();
    show(&structure.root, 0, message, &mut ours);
    let mut found = Vec::new();
    let mut theirs = Vec::new();
    for line in opinion {
        match line.strip_prefix("D\t") {
            Some(date) => {
                let sent = structure.sent.map(|sent| sent.timestamp.secs().to_string());
                if date != "-" && sent.as_deref().is_some_and(|sent| sent != date) {
                    found.push(format!("date: {sent:?}, Python {date}"));
                }
            }
            None => theirs.push(line.split('\t').collect::<Vec<_>>()),
        }
    }
    if ours.len() != theirs.len() {
        found.push(format!("{} parts, Python {}", ours.len(), theirs.len()));
        return found;
    }
    for (at, (our, their)) in ours.iter().zip(&theirs).enumerate() {
        for (what, (a, b)) in ["depth", "type", "charset", "name", "body"]
            .iter()
            .zip(our.iter().zip(their))
        {
            if *b != "?" && a != "?" && a != b {
                found.push(format!("part {at} {what}: {a}, Python {b}"));
            }
        }
    }
    found
}

fn compare(folder: &Path) -> Option<(usize, Vec<String>)> {
    let opinion = second_opinion(folder)?;
    let mut found = Vec::new();
    let mut count = 0;
    for block in opinion.split("F\t").filter(|block| !block.is_empty()) {
        let mut lines = block.lines();
        let name = lines.next().unwrap();
        let rest: Vec<&str> = lines.collect();
        let message = without_bare_cr(&std::fs::read(folder.join(name)).unwrap());
        let structure = hongyan_message::parse(&message);
        count += 1;
        if structure.truncated || rest.iter().any(|line| line.starts_with("E\t")) {
            continue;
        }
        found.extend(
            differences(&structure, &message, &rest)
                .into_iter()
                .map(|what| format!("{name}: {what}")),
        );
    }
    Some((count, found))
}

fn check(name: &str, folder: &Path, count_min: usize) {
    let Some((count, found)) = compare(folder) else {
        eprintln!("{name}: skipped, python3 is not here");
        return;
    };
    assert!(count >= count_min, "{count} messages");
    assert!(
        found.is_empty(),
        "{} differences in {count} messages:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn samples_have_the_structure_that_python_sees() {
    check(
        "samples_have_the_structure_that_python_sees",
        Path::new("tests/sample"),
        20,
    );
}

#[test]
fn real_mail_has_the_structure_that_python_sees() {
    match corpus() {
        Some(folder) => check("real_mail_has_the_structure_that_python_sees", &folder, 1),
        None => eprintln!("real_mail_has_the_structure_that_python_sees: skipped, no folder of real mail"),
    }
}
