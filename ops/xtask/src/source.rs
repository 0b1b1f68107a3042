//! Rules about Rust source that no lint of the compiler knows.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::Finding;

/// Words that must not stand in source below a folder, with what to do instead.
const BANNED: &[(&str, &str, &str)] = &[
    ("", ".do_send(", "ignores the intake's bound: use ask or try_tell"),
    ("", "#[ignore", "a test runs, or says by name that it skipped"),
    ("protocols/", "async fn", "a protocol crate is sans-IO"),
    ("protocols/", "std::net::Tcp", "a protocol crate has no sockets"),
    ("protocols/", "std::thread", "a protocol crate has no threads"),
    (
        "protocols/",
        "std::time::Instant",
        "time is an argument: hongyan_types::Instant",
    ),
    (
        "protocols/",
        "SystemTime",
        "time is an argument: hongyan_types::Timestamp",
    ),
    ("protocols/", "tokio::", "a protocol crate is sans-IO"),
    ("protocols/", "tracing::", "a protocol crate does not log"),
    ("node/", "tokio::net", "sockets come from cluster/env"),
    ("node/", "thread::sleep", "time comes from cluster/env"),
    ("cluster/", "thread::sleep", "time comes from cluster/env"),
    ("node/", "tokio::time", "time comes from cluster/env"),
];

/// Folders whose code runs in simulation, where two runs of one seed are equal to the bit.
const SIMULATED: &[&str] = &["cluster/", "node/", "storage/kv/", "storage/memory/", "storage/blob/"];

/// Folder names that say nothing about what they own.
const VAGUE: &[&str] = &["common", "util", "utils", "helper", "helpers", "misc"];

pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let listed = listed_rfcs(root)?;
    let mut findings = Vec::new();
    for layer in ["protocols", "storage", "cluster", "node", "ops", "chaos"] {
        for file in files(&root.join(layer))? {
            let place = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
            if place.starts_with("ops/xtask/") {
                continue;
            }
            let text = fs::read_to_string(&file).with_context(|| format!("read {place}"))?;
            if place.split(['/', '.']).any(|part| VAGUE.contains(&part)) {
                findings.push(Finding {
                    place: place.clone(),
                    rule: "name it for the noun it owns".to_owned(),
                });
            }
            let in_tests = place.contains("/tests/");
            if SIMULATED.iter().any(|folder| place.starts_with(folder)) && !in_tests {
                findings.extend(unordered_selects(&place, &text));
            }
            for (number, line) in text.lines().enumerate() {
                let place = format!("{place}:{}", number + 1);
                findings.extend(line_findings(&place, line, &listed));
            }
        }
    }
    Ok(findings)
}

fn line_findings(place: &str, line: &str, listed: &[String]) -> Vec<Finding> {
    let finding = |rule: String| Finding {
        place: place.to_owned(),
        rule,
    };
    let mut findings = Vec::new();
    for (folder, word, instead) in BANNED {
        // A test plays the outside itself, and the admin socket is a file, which no simulation replaces.
        let in_test = place.contains("/tests/") && !word.starts_with('.');
        let outside = *word == "tokio::net" && line.contains("UnixListener");
        if place.starts_with(folder) && line.contains(word) && !in_test && !outside {
            findings.push(finding(format!("`{word}`: {instead}")));
        }
    }
    for rfc in cited(line) {
        if !listed.contains(&rfc) {
            findings.push(finding(format!(
                "RFC {rfc} is cited but not listed in protocols/rfc.tsv"
            )));
        }
    }
    if is_indented_doc(line) {
        findings.push(finding(
            "rustdoc takes indented lines for Rust and compiles them: use a list or ```text".to_owned(),
        ));
    }
    if line.contains(concat!("TO", "DO")) && !line.contains(concat!("TO", "DO(RFC ")) {
        findings.push(finding("finish it, or write it with its RFC and section".to_owned()));
    }
    findings
}

/// Whether a line of documentation is indented by four columns or more.
fn is_indented_doc(line: &str) -> bool {
    let line = line.trim_start();
    let text = line.strip_prefix("//!").or_else(|| line.strip_prefix("///"));
    text.is_some_and(|text| text.starts_with("     ") && !text.trim().is_empty())
}

/// Places where `select!` takes its branches in an order that tokio draws by chance.
fn unordered_selects(place: &str, text: &str) -> Vec<Finding> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let opens = |(_, line): &(usize, &&str)| line.contains("select! {") && !line.starts_with("//");
    let unordered = lines.iter().enumerate().filter(opens).filter(|(at, line)| {
        let next = lines.get(at + 1).copied().unwrap_or_default();
        !line.contains("biased;") && next != "biased;"
    });
    unordered
        .map(|(at, _)| Finding {
            place: format!("{place}:{}", at + 1),
            rule: "`select!` is `biased;`, so that simulation repeats".to_owned(),
        })
        .collect()
}

/// The numbers of the RFCs that `line` names.
fn cited(line: &str) -> Vec<String> {
    line.match_indices("RFC ")
        .map(|(at, word)| {
            line[at + word.len()..]
                .chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        })
        .filter(|digits| !digits.is_empty())
        .collect()
}

fn listed_rfcs(root: &Path) -> Result<Vec<String>> {
    let table = fs::read_to_string(root.join("protocols/rfc.tsv")).context("read protocols/rfc.tsv")?;
    Ok(table
        .lines()
        .skip(1)
        .filter_map(|row| row.split('\t').next())
        .map(str::to_owned)
        .collect())
}

/// All Rust files below `folder`, in order of name.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("list {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(|| format!("list {}", folder.display()))?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                found.extend(files(&path)?);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{cited, is_indented_doc, line_findings, unordered_selects};

    #[test]
    fn a_select_says_its_order() {
        assert_eq!(unordered_selects("x", "tokio::select! {\n    biased;\n").len(), 0);
        assert_eq!(unordered_selects("x", "tokio::select! {\n    a = b => {}\n").len(), 1);
    }

    #[test]
    fn tables_by_indentation_are_found_in_documentation() {
        assert!(is_indented_doc("//!     key   value"));
        assert!(is_indented_doc("    ///     key"));
        assert!(!is_indented_doc("//! - key"));
        assert!(!is_indented_doc("//!   its second line"));
        assert!(!is_indented_doc("    //     key"));
    }

    #[test]
    fn citations_are_found() {
        assert_eq!(cited("// RFC 9051 §6.4.6 and RFC 7162: x, RFC x"), ["9051", "7162"]);
    }

    #[test]
    fn banned_words_are_found_where_they_are_banned() {
        let listed = ["9051".to_owned()];
        let count = |place: &str, line: &str| line_findings(place, line, &listed).len();
        assert_eq!(count("node/mailbox/src/lib.rs:1", "address.do_send(x)"), 1);
        assert_eq!(count("protocols/imap/src/lib.rs:1", "async fn f() {}"), 1);
        assert_eq!(count("node/mailbox/src/lib.rs:1", "async fn f() {}"), 0);
        assert_eq!(count("node/mailbox/src/lib.rs:1", "// RFC 9051 §1"), 0);
        assert_eq!(count("node/mailbox/src/lib.rs:1", "// RFC 1 §1"), 1);
    }
}
