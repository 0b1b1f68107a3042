//! What the log stores, one file a kind. Every version once written stays readable.

pub(crate) mod cut;
pub(crate) mod entry;
pub(crate) mod head;

#[cfg(test)]
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
