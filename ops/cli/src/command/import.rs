//! `hongyan import`: mails from files of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use crate::client::{Client, encode};
use crate::output::{self, Style};

/// Deepest nesting of folders that are looked through.
const DEPTH_MAX: usize = 20;

#[derive(Debug, Args)]
pub struct Import {
    /// Whose mailbox: the member's address.
    #[arg(long)]
    to: String,
    /// The folder that they go to, levels with / between; folders of a Maildir lie inside of it.
    #[arg(long, default_value = "")]
    folder: String,
    /// Files (mbox, EML) and folders (Maildir, or any with such files).
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// A file to send.
struct File {
    path: PathBuf,
    folder: String,
    flags: String,
    kind: &'static str,
}

/// The flags in the name of a file of a Maildir.
fn flags_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let letters = name
        .rsplit_once(",")
        .filter(|(head, _)| head.ends_with("2"))
        .map(|(_, letters)| letters);
    let known = BTreeMap::from([
        ('S', "\\Seen"),
        ('R', "\\Answered"),
        ('F', "\\Flagged"),
        ('T', "\\Deleted"),
        ('D', "\\Draft"),
    ]);
    let flags: Vec<&str> = letters
        .unwrap_or_default()
        .chars()
        .filter_map(|letter| known.get(&letter).copied())
        .collect();
    flags.join(",")
}

fn inside(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

fn is_mbox(path: &Path) -> Result<bool> {
    let mut head = [0; 5];
    let mut file = fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
    let read = file
        .read(&mut head)
        .with_context(|| format!("read {}", path.display()))?;
    Ok(head.get(..read) == Some(b"From "))
}

fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(path).with_context(|| format!("read {}", path.display()))?;
    let mut paths = read
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// All files at a path, with where each goes.
fn collect(path: &Path, folder: &str, depth: usize, files: &mut Vec<File>) -> Result<()> {
    let is_folder = fs::metadata(path)
        .with_context(|| format!("read {}", path.display()))?
        .is_dir();
    if !is_folder {
        let kind = if is_mbox(path)? {
            "application/mbox"
        } else {
            "message/rfc822"
        };
        files.push(File {
            path: path.to_owned(),
            folder: folder.to_owned(),
            flags: String::new(),
            kind,
        });
        return Ok(());
    }
    let is_maildir = path.join("cur").is_dir() && path.join("new").is_dir();
    if is_maildir {
        for part in ["cur", "new"] {
            for file in entries(&path.join(part))? {
                files.push(File {
                    flags: flags_of(&file),
                    path: file,
                    folder: folder.to_owned(),
                    kind: "message/rfc822",
                });
            }
        }
    }
    if depth >= DEPTH_MAX {
        return Ok(());
    }
    for entry in entries(path)? {
        let name = entry
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if is_maildir && matches!(name.as_str(), "cur" | "new" | "tmp") {
            continue;
        }
        if entry.is_dir() {
            // Maildir++ has the levels of a name in the name.
            let levels = name.trim_start_matches('.').replace('.', "/");
            let name = if name.starts_with('.') { levels } else { name };
            collect(&entry, &inside(folder, &name), depth + 1, files)?;
        } else if !is_maildir && (name.ends_with(".eml") || name.ends_with(".mbox") || name == "mbox") {
            collect(&entry, folder, depth + 1, files)?;
        }
    }
    Ok(())
}

pub(crate) async fn run(command: &Import, client: &Client, style: Style) -> Result<()> {
    let mut files = Vec::new();
    for path in &command.paths {
        collect(path, &command.folder, 0, &mut files)?;
    }
    let now = jiff::Timestamp::now().as_millisecond();
    let (mut imported, mut present, mut failed) = (0, 0, 0);
    for file in &files {
        let changed = fs::metadata(&file.path).and_then(|about| about.modified()).ok();
        let received = changed
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
            .filter(|_| !file.flags.is_empty());
        let received = received.map_or_else(String::new, |at| format!("&received_millis={}", at.as_millis()));
        let path = format!(
            "/api/members/{}/mails?since_millis={now}&folder={}&flags={}{received}",
            encode(&command.to),
            encode(&file.folder),
            encode(&file.flags)
        );
        let done = client.upload_file(&path, file.kind, &file.path).await;
        let done = done.with_context(|| format!("import {}", file.path.display()))?;
        imported += done["imported"].as_u64().unwrap_or(0);
        present += done["present"].as_u64().unwrap_or(0);
        failed += done["failed"].as_u64().unwrap_or(0);
        for trouble in done["troubles"].as_array().into_iter().flatten() {
            eprintln!("{}: {}: {}", file.path.display(), trouble["mail"], trouble["reason"]);
        }
    }
    let all = json!({"files": files.len(), "imported": imported, "present": present, "failed": failed});
    output::item(style, &all);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mig_13_flags_of_a_maildir_are_in_the_names() {
        let check = |name: &str, expect: &str| assert_eq!(flags_of(Path::new(name)), expect);
        check("cur/1.host:2,FS", "\\Flagged,\\Seen");
        check("cur/1.host,S=5:2,R", "\\Answered");
        check("new/1.host", "");
        check("cur/1,2,3.host", "");
    }
}
