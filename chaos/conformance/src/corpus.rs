//! The messages to send: the corpus beside the repository, and our own in `mail/`.

use std::path::{Path, PathBuf};

/// One message.
pub struct Sample {
    /// The file's name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// As it is in the file.
    pub bytes: Vec<u8>,
}

/// Messages of our own, one of each kind.
#[must_use]
pub fn own() -> Vec<Sample> {
    read(&crate_folder().join("mail"))
}

/// The corpus: `HONGYAN_CORPUS`, or `../shared/corpus` beside the repository. `None` when it is not there.
#[must_use]
pub fn corpus() -> Option<Vec<Sample>> {
    let folder =
        std::env::var_os("HONGYAN_CORPUS").map_or_else(|| crate_folder().join("../../../shared/corpus"), PathBuf::from);
    folder.is_dir().then(|| read(&folder))
}

/// This crate's folder, as it is where the tests run: with a target folder shared by clones they may have been built in
/// another one.
#[must_use]
pub fn crate_folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

fn read(folder: &Path) -> Vec<Sample> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut samples: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .filter_map(|path| {
            Some(Sample {
                name: path.file_name()?.to_string_lossy().into_owned(),
                bytes: std::fs::read(&path).ok()?,
                path,
            })
        })
        .collect();
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    samples
}

/// The message as SMTP can carry it: every line end is CRLF, and the last line has one.
#[must_use]
pub fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 30);
    let mut octets = bytes.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b'\r' => {
                octets.next_if_eq(&b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            _ => out.push(octet),
        }
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Trace headers a delivery puts before a message.
const TRACE: [&str; 3] = ["return-path", "received", "delivered-to"];

/// Whether `stored` is `sent` with nothing but trace headers before it.
#[must_use]
pub fn is_delivered_form(stored: &[u8], sent: &[u8]) -> bool {
    let Some(added) = stored.strip_suffix(sent) else {
        return false;
    };
    if !(added.is_empty() || added.ends_with(b"\r\n")) {
        return false;
    }
    String::from_utf8_lossy(added).lines().all(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        line.starts_with([' ', '\t']) || TRACE.contains(&name.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_crlf() {
        assert_eq!(with_crlf(b"a\nb\rc\r\nd"), b"a\r\nb\r\nc\r\nd\r\n");
        assert_eq!(with_crlf(b"\r\r\n"), b"\r\n\r\n");
    }

    #[test]
    fn only_trace_headers_may_be_added() {
        let sent = b"Subject: x\r\n\r\n";
        let stored = |added: &str| [added.as_bytes(), sent].concat();
        assert!(is_delivered_form(&stored(""), sent));
        assert!(is_delivered_form(
            &stored("Return-Path: <>\r\nReceived: a\r\n\tb\r\n"),
            sent
        ));
        assert!(!is_delivered_form(&stored("X-Other: a\r\n"), sent));
        assert!(!is_delivered_form(b"Subject: y\r\n\r\n", sent));
    }
}
