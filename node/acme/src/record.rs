//! What is kept, one file a record. Private keys are sealed: the store alone does not give them away.

pub(crate) mod account;
pub(crate) mod certificate;
pub(crate) mod challenge;
pub(crate) mod failure;
pub(crate) mod own;

use hongyan_kv::record::RecordError;
use hongyan_seal::SealError;

pub(crate) use account::AccountRecord;
pub(crate) use certificate::CertificateRecord;
pub(crate) use challenge::ChallengeRecord;
pub(crate) use failure::FailureRecord;
pub(crate) use own::{OwnRecord, ToldRecord};

/// Why a record with a secret was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    /// A later release has written it.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Its secret does not open.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// What was sealed is no text.
    #[error("the secret is no text")]
    Text,
}

#[cfg(test)]
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
