//! What migrations store, one file a kind. Every version once written stays readable.

pub(crate) mod migration;
pub(crate) mod moving;
pub(crate) mod position;
pub(crate) mod trouble;

use hongyan_kv::record::RecordError;

fn place<T: PartialEq>(list: &[T], item: &T) -> u8 {
    let place = list.iter().position(|known| known == item);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

fn at<T: Copy>(list: &[T], place: u8) -> Result<T, RecordError> {
    let found = list.get(usize::from(place)).copied();
    found.ok_or_else(|| RecordError::Body("word of a migration".to_owned()))
}

#[cfg(test)]
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
