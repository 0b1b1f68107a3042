//! Message ids and lists of them (RFC 5322 §3.6.4), as threading needs them: without angle brackets and white space.

/// How many ids of a `References` field are kept: the first, which names the thread, and the last.
pub const REFERENCES_MAX: usize = 50;
/// The longest id that is kept.
pub const MESSAGE_ID_OCTETS_MAX: usize = 998;

/// The ids of a `References`, `In-Reply-To` or `Message-ID` field, in order, without repetition next to each other.
///
/// Words outside of angle brackets are skipped, as RFC 5322 §4.5.4 says of phrases; but when there are no angle
/// brackets at all, words with an `@` count.
#[must_use]
pub fn list(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let end = after.find(['>', '<']).unwrap_or(after.len());
        let (inner, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        push(&mut ids, inner);
        rest = tail.strip_prefix('>').unwrap_or(tail);
    }
    if ids.is_empty() {
        for word in text.split_ascii_whitespace().filter(|word| word.contains('@')) {
            push(&mut ids, word.trim_matches(['<', '>', ',', ';']));
        }
    }
    if ids.len() > REFERENCES_MAX {
        ids.drain(1..=ids.len().saturating_sub(REFERENCES_MAX));
    }
    ids
}

/// The first id of a field.
#[must_use]
pub fn first(text: &str) -> Option<String> {
    list(text).into_iter().next()
}

fn push(ids: &mut Vec<String>, raw: &str) {
    let id: String = raw.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let is_new = ids.last().is_none_or(|last| *last != id);
    // Twice the bound while reading, so that a hostile field stays bounded and the last ids survive.
    if !id.is_empty() && id.len() <= MESSAGE_ID_OCTETS_MAX && is_new {
        if ids.len() >= REFERENCES_MAX * 2 {
            ids.drain(1..=REFERENCES_MAX);
        }
        ids.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists() {
        assert_eq!(list("<a@x> <b@y>\r\n\t<b@y><c@z>"), ["a@x", "b@y", "c@z"]);
        assert_eq!(list("Your message of Monday <a@x>"), ["a@x"]);
        assert_eq!(list("a@x, b@y"), ["a@x", "b@y"]);
        assert_eq!(list("<a @ x>"), ["a@x"]);
        assert_eq!(list("<a@x <b@y>"), ["a@x", "b@y"]);
        assert_eq!(list("<a@x"), ["a@x"]);
        assert!(list("<> < >").is_empty());
        assert!(list("").is_empty());
    }

    #[test]
    fn keeps_the_first_and_the_last() {
        let many: String = (0..500).map(|n| format!("<{n}@x>")).collect();
        let ids = list(&many);
        assert_eq!(ids.len(), REFERENCES_MAX);
        assert_eq!(ids[0], "0@x");
        assert_eq!(ids[REFERENCES_MAX - 1], "499@x");
    }
}
