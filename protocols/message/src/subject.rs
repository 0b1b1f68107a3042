//! The base subject that threads and sorting compare (RFC 5256 §2.1).

use crate::words;

/// What is left of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseSubject {
    /// The text without leaders, blobs and trailers; words decoded, white space collapsed. Compare it without case.
    pub text: String,
    /// Whether anything said that this is a reply or forwarded (RFC 5256 §2.1, for THREAD=REFERENCES).
    pub is_reply: bool,
}

/// Reply marks beside RFC 5256's `re`, `fw`, `fwd`.
///
/// Departs from RFC 5256 §2.1 for the marks of Chinese mailers, without which their threads would fall apart.
const MARKS: [&str; 8] = ["re", "fwd", "fw", "回复", "答复", "回覆", "转发", "轉寄"];

/// The base subject of a `Subject` as it stands in the header.
#[must_use]
pub fn base(subject: &str) -> BaseSubject {
    let decoded = words::decode(subject);
    let collapsed = decoded.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = collapsed.as_str();
    let mut is_reply = false;
    loop {
        text = strip_trailers(text, &mut is_reply);
        text = strip_leaders(text, &mut is_reply);
        // (6): [fwd: ... ] around all of it.
        let inner = text
            .strip_suffix(']')
            .and_then(|inner| strip_prefix_folded(inner, "[fwd:"));
        let Some(inner) = inner else {
            break;
        };
        is_reply = true;
        text = inner;
    }
    BaseSubject {
        text: text.to_owned(),
        is_reply,
    }
}

/// The form under which two base subjects are one.
#[must_use]
pub fn key(base: &BaseSubject) -> String {
    base.text.to_lowercase()
}

// (2): subj-trailer is "(fwd)" or white space.
fn strip_trailers<'a>(text: &'a str, is_reply: &mut bool) -> &'a str {
    let mut text = text.trim();
    while let Some(start) = text.len().checked_sub(5)
        && let Some((rest, "(fwd)")) = text
            .split_at_checked(start)
            .map(|(rest, end)| (rest, end.to_ascii_lowercase()))
            .as_ref()
            .map(|(rest, end)| (*rest, end.as_str()))
    {
        *is_reply = true;
        text = rest.trim_end();
    }
    text
}

// (3) to (5): leaders, and blobs that leave anything behind them.
fn strip_leaders<'a>(text: &'a str, is_reply: &mut bool) -> &'a str {
    let mut text = text;
    loop {
        if let Some(rest) = strip_leader(text) {
            *is_reply = true;
            text = rest;
        } else if let Some(rest) = strip_blob(text).filter(|rest| !rest.is_empty()) {
            text = rest;
        } else {
            return text;
        }
    }
}

/// `subj-leader`: any blobs, then `Re`, `Fw` or `Fwd`, a blob, and a colon.
fn strip_leader(text: &str) -> Option<&str> {
    let mut start = text;
    while let Some(rest) = strip_blob(start) {
        start = rest;
    }
    let after = MARKS.iter().find_map(|mark| strip_mark(start, mark))?;
    Some(after.trim_start())
}

fn strip_mark<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let rest = strip_prefix_folded(text, mark)?.trim_start();
    let rest = strip_blob(rest).unwrap_or(rest);
    rest.strip_prefix(':').or_else(|| rest.strip_prefix('：'))
}

/// `subj-blob`: text in brackets, and the white space behind it.
fn strip_blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(['[', ']'])?;
    let (_, rest) = inner.split_at_checked(end)?;
    Some(rest.strip_prefix(']')?.trim_start())
}

fn strip_prefix_folded<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(subject: &str, text: &str, is_reply: bool) {
        let expect = BaseSubject {
            text: text.to_owned(),
            is_reply,
        };
        assert_eq!(base(subject), expect, "{subject}");
    }

    #[test]
    fn finds_the_base() {
        check("hello", "hello", false);
        check("Re: hello", "hello", true);
        check("RE : re[2]: FWD: hello (fwd) (FWD) ", "hello", true);
        check("[list] Re: [list] hello", "hello", true);
        check("[list] hello", "hello", false);
        check("[only]", "[only]", false);
        check("[Fwd: Re: hello]", "hello", true);
        check("Re: [Fwd: [x] hello (fwd)]", "hello", true);
        check("re:", "", true);
        check("Really: no", "Really: no", false);
        check("[a [b] c", "[a [b] c", false);
        check("=?utf-8?q?Re:_h=C3=A9?=  llo", "hé llo", true);
        check("回复：转发: 报表", "报表", true);
        check("", "", false);
        check("[a][b] c", "c", false);
    }

    proptest! {
        #[test]
        fn the_base_is_its_own_base(subject in "(re|fwd|fw|\\[x\\]|\\[fwd:|\\]|:| |\\(fwd\\)|é|y){0,12}") {
            let once = base(&subject);
            prop_assert_eq!(&base(&once.text).text, &once.text);
        }
    }
}
