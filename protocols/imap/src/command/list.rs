//! LIST (RFC 9051 §6.3.9) with LIST-EXTENDED (RFC 5258), SPECIAL-USE (RFC 6154) and LIST-STATUS (RFC 5819):
//! `"LIST" [SP selection-opts] SP mailbox SP mbox-or-pat [SP "RETURN" SP return-opts]`.

use crate::Refusal;
use crate::mailbox_name::decode_pattern;
use crate::parser::{Parsed, Parser};

use super::status::StatusItems;

/// Most patterns in one command.
const PATTERNS_MAX: usize = 32;

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// Only subscribed names (RFC 5258 §3.1).
    pub select_subscribed: bool,
    /// Names with matching children too.
    pub select_recursive_match: bool,
    /// Only mailboxes with a special use.
    pub select_special_use: bool,
    /// The reference name, in UTF-8.
    pub reference: String,
    /// Patterns with `*` and `%`, in UTF-8.
    pub patterns: Vec<String>,
    /// Say what is subscribed.
    pub return_subscribed: bool,
    /// Say what has children.
    pub return_children: bool,
    /// Say what has a special use.
    pub return_special_use: bool,
    /// Add a STATUS response for each mailbox.
    pub return_status: Option<StatusItems>,
    /// The command used the extended syntax (RFC 5258).
    pub extended: bool,
}

impl List {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        let mut list = Self::default();
        parser.space()?;
        if parser.peek() == Some(b'(') {
            list.extended = true;
            parser.list(|parser| list.selection(parser))?;
            parser.space()?;
        }
        list.reference = decode_pattern(&parser.astring()?, parser.utf8)?;
        parser.space()?;
        if parser.peek() == Some(b'(') {
            list.extended = true;
            let mut patterns = Vec::new();
            parser.list(|parser| {
                if patterns.len() >= PATTERNS_MAX {
                    return Err(Refusal::bad("Too many patterns"));
                }
                patterns.push(pattern(parser)?);
                Ok(())
            })?;
            list.patterns = patterns;
        } else {
            list.patterns.push(pattern(parser)?);
        }
        if parser.skip(b' ') && !parser.is_empty() {
            list.extended = true;
            if !parser.word("RETURN") {
                return Err(Refusal::bad("Expected RETURN"));
            }
            parser.space()?;
            parser.list(|parser| list.return_option(parser))?;
        }
        if list.select_recursive_match && !list.select_subscribed {
            // RFC 5258 §3.1: RECURSIVEMATCH needs an option it can match.
            return Err(Refusal::bad("RECURSIVEMATCH needs another selection option"));
        }
        Ok(list)
    }

    fn selection(&mut self, parser: &mut Parser<'_>) -> Parsed<()> {
        match parser.atom_str()?.to_ascii_uppercase().as_str() {
            "SUBSCRIBED" => self.select_subscribed = true,
            "RECURSIVEMATCH" => self.select_recursive_match = true,
            "SPECIAL-USE" => self.select_special_use = true,
            // All our mailboxes are here: there is nothing remote to add.
            "REMOTE" => {}
            _ => return Err(Refusal::bad("Unknown selection option")),
        }
        Ok(())
    }

    fn return_option(&mut self, parser: &mut Parser<'_>) -> Parsed<()> {
        match parser.atom_str()?.to_ascii_uppercase().as_str() {
            "SUBSCRIBED" => self.return_subscribed = true,
            "CHILDREN" => self.return_children = true,
            "SPECIAL-USE" => self.return_special_use = true,
            "STATUS" => {
                parser.space()?;
                self.return_status = Some(StatusItems::parse(parser)?);
            }
            _ => return Err(Refusal::bad("Unknown return option")),
        }
        Ok(())
    }
}

/// `list-mailbox = 1*list-char / string`: an atom that may hold wildcards.
pub(crate) fn pattern(parser: &mut Parser<'_>) -> Parsed<String> {
    let octets = if parser.at_string() {
        parser.string()?.into_owned()
    } else {
        let text = parser.take_while(|byte| crate::parser::is_astring_char(byte) || matches!(byte, b'%' | b'*'));
        if text.is_empty() {
            return Err(Refusal::bad("Expected a pattern"));
        }
        text.to_vec()
    };
    decode_pattern(&octets, parser.utf8)
}

/// Whether `name` matches `pattern`: `*` is anything, `%` anything within one level (RFC 9051 §6.3.9).
/// Takes time proportional to the product of the lengths at most.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    // `states` holds how many characters of the pattern may have been used up by the name so far.
    let pattern: Vec<char> = pattern.chars().collect();
    let mut states = vec![false; pattern.len() + 1];
    let follow = |states: &mut Vec<bool>| {
        // A wildcard may stand for nothing.
        for (at, character) in pattern.iter().enumerate() {
            if matches!(character, '*' | '%') && states.get(at) == Some(&true) {
                set(states, at + 1);
            }
        }
    };
    set(&mut states, 0);
    follow(&mut states);
    for character in name.chars() {
        let mut next = vec![false; states.len()];
        for (at, wanted) in pattern.iter().enumerate() {
            if states.get(at) != Some(&true) {
                continue;
            }
            match wanted {
                '*' => set(&mut next, at),
                '%' if character != '/' => set(&mut next, at),
                wanted if *wanted == character => set(&mut next, at + 1),
                _ => {}
            }
        }
        follow(&mut next);
        states = next;
    }
    states.last() == Some(&true)
}

fn set(states: &mut [bool], at: usize) {
    if let Some(state) = states.get_mut(at) {
        *state = true;
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn wildcards() {
        assert!(matches("*", "a/b/c"));
        assert!(matches("%", "a"));
        assert!(!matches("%", "a/b"));
        assert!(matches("a/%", "a/b"));
        assert!(!matches("a/%", "a/b/c"));
        assert!(matches("%/%", "a/b"));
        assert!(matches("*b", "a/b"));
        assert!(matches("a*c", "a/b/c"));
        assert!(!matches("a*d", "a/b/c"));
        assert!(matches("INBOX", "INBOX"));
        assert!(!matches("", "a"));
    }
}
