//! What tasks store, one file a kind. Every version once written stays readable.

pub(crate) mod bulk;
pub(crate) mod input;
pub(crate) mod problem;
pub(crate) mod task;

#[cfg(test)]
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
