//! Mail that people have written, out of a folder of `.eml` files, to measure what generated text cannot tell: how much of
//! the disk it takes.

use anyhow::{Context, Result, bail};
use std::path::Path;

/// Sizes taken: about what a mail of 8 KB is.
const OCTETS: std::ops::RangeInclusive<usize> = 4_096..=16_384;
/// RFC 5321 §4.5.3.1.6, less the line end.
const LINE_OCTETS_MAX: usize = 998;

/// Mails, again and again, each with a line that makes it different from all others.
#[derive(Debug)]
pub struct Corpus {
    mails: Vec<Vec<u8>>,
    count: usize,
}

impl Corpus {
    /// The mails of `folder` that are of a size and can be sent as they are.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).context("read corpus folder")? {
            let path = entry.context("read corpus folder")?.path();
            if path.extension().is_some_and(|extension| extension == "eml") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut mails = Vec::new();
        for path in paths {
            let mail = std::fs::read(path).context("read corpus mail")?;
            if OCTETS.contains(&mail.len()) {
                mails.extend(sendable(&mail));
            }
        }
        if mails.is_empty() {
            bail!("the corpus has no mail of 4 to 16 KB");
        }
        Ok(Self { mails, count: 0 })
    }

    pub fn write(&mut self) -> Vec<u8> {
        let mail = &self.mails[self.count % self.mails.len()];
        self.count += 1;
        let mut written = format!("X-Load-Number: {}\r\n", self.count).into_bytes();
        written.extend_from_slice(mail);
        written
    }
}

/// The mail with CRLF line ends and no line that begins with a dot; nothing when it cannot go out in lines.
fn sendable(mail: &[u8]) -> Option<Vec<u8>> {
    let mut sent = Vec::with_capacity(mail.len() + mail.len() / 16);
    for line in mail.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() >= LINE_OCTETS_MAX || line.iter().any(|byte| matches!(byte, 0 | b'\r')) {
            return None;
        }
        if line.starts_with(b".") {
            sent.push(b' ');
        }
        sent.extend_from_slice(line);
        sent.extend_from_slice(b"\r\n");
    }
    Some(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_become_lines() {
        assert_eq!(sendable(b"a\n.b\r\nc").as_deref(), Some(&b"a\r\n .b\r\nc\r\n"[..]));
        assert_eq!(sendable(b"a\0"), None);
        assert_eq!(sendable(&[b'x'; 1_000]), None);
    }

    #[test]
    fn no_mail_comes_twice() {
        let mut corpus = Corpus {
            mails: vec![b"Subject: a\r\n".to_vec()],
            count: 0,
        };
        assert_ne!(corpus.write(), corpus.write());
    }
}
