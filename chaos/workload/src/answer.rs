//! What comes back for an IMAP command.

use hongyan_conformance::imap::Value;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok,
    /// Not done.
    No,
    /// Not understood.
    Bad,
}

/// What came back for a command.
#[derive(Debug, Clone)]
pub struct Answer {
    /// How it ended.
    pub status: Status,
    /// What stands behind the tag.
    pub text: String,
    /// Texts of untagged OK, NO, BAD.
    pub(crate) said: Vec<String>,
    /// All other untagged answers.
    pub data: Vec<Vec<Value>>,
}

impl Answer {
    pub(crate) fn new() -> Self {
        Self {
            status: Status::Bad,
            text: String::new(),
            said: Vec::new(),
            data: Vec::new(),
        }
    }
    /// Takes in what stands behind the tag.
    pub(crate) fn complete(&mut self, text: String) {
        self.status = match text.get(..2) {
            Some("OK") => Status::Ok,
            Some("NO") => Status::No,
            _ => Status::Bad,
        };
        self.text = text;
    }
    /// Whether it was done.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }
    /// Whether it refuses because the message or the folder is gone: it is what others did, not a failure (RFC 2180 §4.1,
    /// RFC 5530 §3).
    #[must_use]
    pub fn is_of_others(&self) -> bool {
        let codes = ["[EXPUNGEISSUED]", "[NONEXISTENT]", "[TRYCREATE]"];
        codes.iter().any(|code| self.text.contains(code))
    }
    /// Whether it refuses for now: that does not say that nothing has happened (RFC 5530 §3).
    #[must_use]
    pub fn is_for_now(&self) -> bool {
        self.text.contains("UNAVAILABLE") || self.text.contains("SERVERBUG")
    }
    /// The words behind a response code, in the tagged answer or before it.
    #[must_use]
    pub fn words(&self, code: &str) -> Option<Vec<String>> {
        let mut texts = std::iter::once(&self.text).chain(&self.said);
        texts.find_map(|text| {
            let (_, rest) = text.split_once(&format!("[{code} "))?;
            let (inside, _) = rest.split_once(']')?;
            Some(inside.split(' ').map(str::to_owned).collect())
        })
    }
    /// The number behind a response code.
    #[must_use]
    pub fn number<N: std::str::FromStr>(&self, code: &str) -> Option<N> {
        self.words(code)?.first()?.parse().ok()
    }
}
