//! Sequence sets (RFC 9051 §9), as far as clients write and read them.

use hongyan_invariant::MessageRef;

/// The UIDs of messages, as a set.
#[must_use]
pub fn set_of(messages: &[MessageRef]) -> String {
    let uids: Vec<String> = messages.iter().map(|message| message.uid.to_string()).collect();
    uids.join(",")
}

/// The numbers of a set like `1,3:5`.
#[must_use]
pub fn numbers(set: &str) -> Vec<u32> {
    let range = |part: &str| {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    set.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read() {
        assert_eq!(numbers("1,3:5"), [1, 3, 4, 5]);
    }
}
