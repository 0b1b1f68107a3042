//! Keys: all below ("acme").

use bytes::Bytes;
use hongyan_kv::{KeyRange, Tuple};

fn root() -> Tuple {
    Tuple::new().string("acme")
}

/// Grows with every change that nodes show.
pub(crate) fn version() -> Bytes {
    root().string("version").pack()
}

/// Grows with every change of a certificate.
pub(crate) fn certificates_version() -> Bytes {
    root().string("certificates").pack()
}

pub(crate) fn accounts() -> Tuple {
    root().string("account")
}

/// Our account with an authority.
pub(crate) fn account(directory: &str) -> Bytes {
    accounts().string(directory).pack()
}

pub(crate) fn certificates() -> Tuple {
    root().string("certificate")
}

/// The certificate of a subject.
pub(crate) fn certificate(subject: &str) -> Bytes {
    certificates().string(subject).pack()
}

pub(crate) fn own() -> Tuple {
    root().string("own")
}

/// The certificate that was brought for a domain.
pub(crate) fn own_of(subject: &str) -> Bytes {
    own().string(subject).pack()
}

/// What was told last of the end of a subject's certificate.
pub(crate) fn told(subject: &str) -> Bytes {
    root().string("told").string(subject).pack()
}

pub(crate) fn failures() -> Tuple {
    root().string("failure")
}

/// What failed last for a subject.
pub(crate) fn failure(subject: &str) -> Bytes {
    failures().string(subject).pack()
}

pub(crate) fn challenges() -> Tuple {
    root().string("challenge")
}

/// What the authority is answered that asks for `token`.
pub(crate) fn challenge(token: &str) -> Bytes {
    challenges().string(token).pack()
}

/// The last part of a key below `folder`.
pub(crate) fn last(folder: &Tuple, key: &[u8]) -> Option<String> {
    let mut reader = folder.reader(key).ok()?;
    reader.string().ok()
}

/// All keys below `folder`.
pub(crate) fn all(folder: &Tuple) -> KeyRange {
    folder.range()
}
