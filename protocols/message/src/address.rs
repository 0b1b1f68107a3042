//! Address lists of header fields (RFC 5322 §3.4, §4.4), read so that nothing real senders write is lost, in the shape
//! that ENVELOPE wants (RFC 9051 §7.5.2): mailboxes, and groups as a start and an end.
//!
//! These are texts as they stand in a header, not addresses mail can be sent to: for that see
//! [`AddressItem::to_address`].

use hongyan_types::Address;

/// An entry of an address list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressItem {
    /// One mailbox.
    Mailbox(Mailbox),
    /// A group begins; its display name.
    GroupStart(String),
    /// The group ends.
    GroupEnd,
}

/// A mailbox of a header field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mailbox {
    /// The display name without quotes, encoded words kept; a comment after the address when there is no name.
    pub name: Option<String>,
    /// The source route (RFC 5322 §4.4), such as `@a,@b`.
    pub route: Option<String>,
    /// The local part without quotes; may be empty in a broken field.
    pub local: String,
    /// The domain as it stands there; `None` when the address has no `@`.
    pub domain: Option<String>,
}

impl AddressItem {
    /// The address mail could be sent to, if this is a valid one.
    #[must_use]
    pub fn to_address(&self) -> Option<Address> {
        let Self::Mailbox(mailbox) = self else {
            return None;
        };
        let local = hongyan_types::LocalPart::from_unquoted(&mailbox.local).ok()?;
        let domain = hongyan_types::Domain::try_from(mailbox.domain.as_deref()?).ok()?;
        Some(Address::new(local, domain))
    }
}

/// Reads the value of an address field. Never fails: what cannot be understood becomes a mailbox without a domain.
#[must_use]
pub fn parse_list(text: &str) -> Vec<AddressItem> {
    parse_list_bounded(text, usize::MAX)
}

/// As [`parse_list`], but reads no more than `items_max` entries.
#[must_use]
pub fn parse_list_bounded(text: &str, items_max: usize) -> Vec<AddressItem> {
    let mut parser = Parser::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if parser.items.len() >= items_max {
            parser.items.truncate(items_max);
            parser.entry = Entry::default();
            break;
        }
        rest = parser.step(c, rest);
    }
    parser.finish()
}

/// What has been read of the current entry.
#[derive(Default)]
struct Entry {
    /// Words before `<`, or the bare address.
    words: String,
    /// Quoted words only, as they are when they are a local part: where a bare address has its last `@`.
    has_quotes: bool,
    /// Position of the last unquoted `@` in `words`.
    at: Option<usize>,
    /// The address inside `<>`.
    angle: Option<Angle>,
    comment: Option<String>,
    pending_space: bool,
}

#[derive(Default)]
struct Angle {
    text: String,
    /// Position of the last unquoted `@`.
    at: Option<usize>,
    /// Position of the `:` that ends a route.
    route_end: Option<usize>,
}

#[derive(Default)]
struct Parser {
    items: Vec<AddressItem>,
    entry: Entry,
    in_group: bool,
}

impl Parser {
    fn step<'a>(&mut self, c: char, rest: &'a str) -> &'a str {
        let tail = rest.get(c.len_utf8()..).unwrap_or("");
        match c {
            '"' => {
                let (value, tail) = quoted(tail);
                self.entry.push_words(&value);
                self.entry.has_quotes = true;
                return tail;
            }
            '(' => {
                let (value, tail) = comment(tail);
                if !value.is_empty() && self.entry.comment.is_none() {
                    self.entry.comment = Some(value);
                }
                self.entry.pending_space = true;
                return tail;
            }
            '<' => return self.entry.read_angle(tail),
            ',' => self.end_entry(),
            ';' => {
                self.end_entry();
                if self.in_group {
                    self.items.push(AddressItem::GroupEnd);
                    self.in_group = false;
                }
            }
            ':' if !self.in_group && self.entry.angle.is_none() && self.entry.at.is_none() => {
                let name = std::mem::take(&mut self.entry).words;
                self.items.push(AddressItem::GroupStart(name));
                self.in_group = true;
            }
            '[' if self.entry.at.is_some() => {
                // A domain literal may have colons.
                let end = tail.find(']').map_or(tail.len(), |at| at.saturating_add(1));
                let (inner, tail) = tail.split_at_checked(end).unwrap_or((tail, ""));
                self.entry.push_words("[");
                self.entry.words.push_str(inner);
                return tail;
            }
            c if c.is_whitespace() || c.is_control() => self.entry.pending_space = true,
            '@' => {
                self.entry.push_char('@');
                self.entry.at = Some(self.entry.words.len().saturating_sub(1));
            }
            '\\' => {
                let escaped = tail.chars().next();
                self.entry.push_char(escaped.unwrap_or('\\'));
                return tail.get(escaped.map_or(0, char::len_utf8)..).unwrap_or("");
            }
            c => self.entry.push_char(c),
        }
        tail
    }

    fn end_entry(&mut self) {
        if let Some(mailbox) = std::mem::take(&mut self.entry).into_mailbox() {
            self.items.push(AddressItem::Mailbox(mailbox));
        }
    }

    fn finish(mut self) -> Vec<AddressItem> {
        self.end_entry();
        if self.in_group {
            self.items.push(AddressItem::GroupEnd);
        }
        self.items
    }
}

impl Entry {
    fn push_char(&mut self, c: char) {
        let mut buf = [0; 4];
        self.push_words(c.encode_utf8(&mut buf));
    }

    fn push_words(&mut self, text: &str) {
        // White space inside a bare address is dropped (RFC 5322 §4.4), between words of a name it is one space.
        if std::mem::take(&mut self.pending_space)
            && !self.words.is_empty()
            && !self.words.ends_with('@')
            && !text.starts_with('@')
        {
            self.words.push(' ');
        }
        self.words.push_str(text);
    }

    /// Reads up to `>`; returns what follows it.
    fn read_angle<'a>(&mut self, text: &'a str) -> &'a str {
        let mut angle = Angle::default();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let tail = rest.get(c.len_utf8()..).unwrap_or("");
            rest = tail;
            match c {
                '>' => break,
                // A list that forgot its `>` goes on behind the comma; a route has commas too.
                ',' if !angle.text.starts_with('@') => {
                    rest = text
                        .get(text.len().saturating_sub(tail.len()).saturating_sub(1)..)
                        .unwrap_or("");
                    break;
                }
                '"' => {
                    let (value, tail) = quoted(tail);
                    angle.text.push_str(&value);
                    rest = tail;
                }
                '(' => rest = comment(tail).1,
                '@' => {
                    angle.at = Some(angle.text.len());
                    angle.text.push('@');
                }
                ':' if angle.text.starts_with('@') && angle.route_end.is_none() => {
                    angle.route_end = Some(angle.text.len());
                    angle.text.push(':');
                    angle.at = None;
                }
                c if c.is_whitespace() || c.is_control() || c == '<' => {}
                c => angle.text.push(c),
            }
        }
        // Of `<a@x><b@y>` the first that holds anything counts.
        if self.angle.as_ref().is_none_or(|first| first.text.is_empty()) {
            self.angle = Some(angle);
        }
        self.pending_space = true;
        rest
    }

    fn into_mailbox(self) -> Option<Mailbox> {
        let Some(angle) = self.angle else {
            return bare_mailbox(&self.words, self.at, self.comment);
        };
        let (route, start) = match angle.route_end {
            Some(end) => (angle.text.get(..end), end.saturating_add(1)),
            None => (None, 0),
        };
        let (local, domain) = match angle.at {
            Some(at) => (
                angle.text.get(start..at).unwrap_or(""),
                angle.text.get(at.saturating_add(1)..),
            ),
            None => (angle.text.get(start..).unwrap_or(""), None),
        };
        let name = (!self.words.is_empty()).then_some(self.words).or(self.comment);
        if name.is_none() && local.is_empty() && domain.is_none() {
            return None;
        }
        Some(Mailbox {
            name,
            route: route.map(str::to_owned),
            local: local.to_owned(),
            domain: domain.map(str::to_owned),
        })
    }
}

fn bare_mailbox(words: &str, at: Option<usize>, comment: Option<String>) -> Option<Mailbox> {
    let mailbox = |name: Option<String>, local: &str, domain: Option<&str>| {
        Some(Mailbox {
            name,
            route: None,
            local: local.to_owned(),
            domain: domain.map(str::to_owned),
        })
    };
    match at {
        Some(at) => {
            let local = words.get(..at).unwrap_or("");
            let domain = words.get(at.saturating_add(1)..).unwrap_or("");
            mailbox(comment, local, Some(domain))
        }
        None if words.is_empty() => None,
        None => mailbox(comment, words, None),
    }
}

/// The text up to the closing quote, unescaped, and what follows the quote.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, text.get(at.saturating_add(1)..).unwrap_or("")),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            '\r' | '\n' => {}
            c => value.push(c),
        }
    }
    (value, "")
}

/// The text of a comment up to its closing parenthesis, and what follows it. Nested ones are part of it.
fn comment(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut depth: u32 = 0;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ')' if depth == 0 => {
                return (value.trim().to_owned(), text.get(at.saturating_add(1)..).unwrap_or(""));
            }
            ')' => depth = depth.saturating_sub(1),
            '(' => depth = depth.saturating_add(1),
            '\\' => {
                value.extend(chars.next().map(|(_, c)| c));
                continue;
            }
            '\r' | '\n' => continue,
            _ => {}
        }
        value.push(c);
    }
    (value.trim().to_owned(), "")
}

#[cfg(test)]
#[path = "address_test.rs"]
mod tests;
