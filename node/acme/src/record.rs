//! What is kept, one file a record. The store holds private keys, as it holds everybody's mail.

pub(crate) mod account;
pub(crate) mod certificate;
pub(crate) mod challenge;
pub(crate) mod failure;

pub(crate) use account::AccountRecord;
pub(crate) use certificate::CertificateRecord;
pub(crate) use challenge::ChallengeRecord;
pub(crate) use failure::FailureRecord;

#[cfg(test)]
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
