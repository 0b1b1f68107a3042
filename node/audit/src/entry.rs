//! What an entry of the log says.

use std::fmt;
use std::str::FromStr;

use hongyan_types::{TenantId, Timestamp};

/// Most characters kept of a value; longer ones are cut, with an ellipsis.
const VALUE_CHARACTERS_MAX: usize = 200;

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    /// What operators do to the whole: nodes, the queue, organisations that come and go.
    Installation,
    /// What happens in a tenant.
    Tenant(TenantId),
}

impl Chain {
    pub(crate) fn code(self) -> u64 {
        match self {
            Self::Installation => 0,
            Self::Tenant(tenant) => tenant.0,
        }
    }
}

/// What kind of someone did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorKind {
    /// The system by itself.
    System,
    /// Who runs the installation.
    Operator,
    /// A member of the tenant.
    Member,
    /// A program, with a token.
    Token,
}

impl AuthorKind {
    /// A short word, stable.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Operator => "operator",
            Self::Member => "member",
            Self::Token => "token",
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// What kind of someone.
    pub kind: AuthorKind,
    /// The account or token, if it is one.
    pub id: Option<u64>,
    /// The address or name at the time.
    pub name: String,
    /// Where the request came from: an address, or `socket`.
    pub from: String,
}

impl Author {
    /// The system by itself.
    #[must_use]
    pub fn system() -> Self {
        Self {
            kind: AuthorKind::System,
            id: None,
            name: String::new(),
            from: String::new(),
        }
    }
}

/// What became of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Which.
    pub field: String,
    /// What it was; nothing when it is new.
    pub before: Option<String>,
    /// What it is; nothing when it is gone.
    pub after: Option<String>,
}

/// Something that was done, before it is known by whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `<object>.<verb>`, such as `member.create`; stable.
    pub action: &'static str,
    /// To what, as people know it: an address, a name.
    pub object: String,
    /// Its identifier, if it has one.
    pub id: Option<u64>,
    /// What became of its fields.
    pub fields: Vec<FieldChange>,
}

impl Event {
    /// `action`, done to `object`.
    #[must_use]
    pub fn new(action: &'static str, object: impl fmt::Display) -> Self {
        Self {
            action,
            object: object.to_string(),
            id: None,
            fields: Vec::new(),
        }
    }
    /// With the object's identifier.
    #[must_use]
    pub fn id(mut self, id: u64) -> Self {
        self.id = Some(id);
        self
    }
    /// With a field that is now `value`.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl fmt::Display) -> Self {
        self.fields.push(FieldChange {
            field: field.to_owned(),
            before: None,
            after: Some(cut(&value.to_string())),
        });
        self
    }
    /// With a field that was `before` and is `after`, unless that is the same.
    #[must_use]
    pub fn changed<T: PartialEq + fmt::Debug>(mut self, field: &str, before: &T, after: &T) -> Self {
        if before != after {
            self.fields.push(FieldChange {
                field: field.to_owned(),
                before: Some(cut(&readable(before))),
                after: Some(cut(&readable(after))),
            });
        }
        self
    }
}

/// A value as people read it: options, identifiers' names, quotes and the brackets around a whole list fall away.
fn readable(value: &impl fmt::Debug) -> String {
    let debug = format!("{value:?}");
    let list = debug.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let (mut text, mut word, mut kept) = (String::new(), String::new(), Vec::new());
    let (mut quoted, mut escaped) = (false, false);
    for char in list.unwrap_or(&debug).chars() {
        if quoted {
            match char {
                '"' if !escaped => quoted = false,
                '\\' if !escaped => {}
                '"' | '\\' => text.push(char),
                // What is no character of its own stays escaped.
                _ if escaped => text.extend(['\\', char]),
                _ => text.push(char),
            }
            escaped = char == '\\' && !escaped;
            continue;
        }
        if char.is_alphanumeric() || char == '_' {
            word.push(char);
            continue;
        }
        let name = std::mem::take(&mut word);
        let is_kept = char != '(' || !(name == "Some" || name.ends_with("Id"));
        if is_kept {
            text.push_str(&name);
        }
        match char {
            '"' => quoted = true,
            '(' => {
                kept.push(is_kept);
                text.extend(is_kept.then_some('('));
            }
            ')' => text.extend(kept.pop().unwrap_or(true).then_some(')')),
            _ => text.push(char),
        }
    }
    text + &word
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Something that was done, by whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub author: Author,
    /// `<object>.<verb>`.
    pub action: String,
    /// To what, as people know it.
    pub object: String,
    /// Its identifier.
    pub id: Option<u64>,
    /// What became of its fields.
    pub fields: Vec<FieldChange>,
}

impl Entry {
    /// What `author` did at `at`.
    #[must_use]
    pub fn new(event: Event, author: Author, at: Timestamp) -> Self {
        Self {
            at,
            author,
            action: event.action.to_owned(),
            object: event.object,
            id: event.id,
            fields: event.fields,
        }
    }
}

/// An entry in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its number, from 1 without gaps.
    pub sequence: u64,
    /// What it says.
    pub entry: Entry,
    /// Over it and all before it.
    pub hash: Hash,
}

/// BLAKE3 over an entry and the hash of the one before; shown as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

/// Not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAHash;

impl fmt::Display for NotAHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hash has 64 hexadecimal digits")
    }
}

impl std::error::Error for NotAHash {}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = NotAHash;
    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or(NotAHash)?;
        let mut hash = [0; 32];
        for (octet, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = pair.iter().fold(0, |octet, digit| octet << 4 | digit);
        }
        Ok(Self(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let event = Event::new("member.change", "a@b")
            .changed("name", &Some("Anna"), &Some("Ann"))
            .changed("title", &1, &1)
            .with("long", "x".repeat(600));
        assert_eq!(event.fields.len(), 2);
        assert_eq!(event.fields[0].before.as_deref(), Some("Anna"));
        assert_eq!(event.fields[0].after.as_deref(), Some("Ann"));
        assert_eq!(event.fields[1].after.as_ref().unwrap().chars().count(), 201);
    }

    #[test]
    fn values_are_told_as_people_read_them() {
        #[derive(Debug)]
        struct TagId(#[expect(dead_code, reason = "it is shown")] u32);
        #[derive(Debug)]
        enum Scope {
            All,
            Below(#[expect(dead_code, reason = "it is shown")] Vec<TagId>),
        }
        let check = |value: &dyn fmt::Debug, expect| assert_eq!(readable(&value), expect);
        check(&vec![TagId(1), TagId(20)], "1, 20");
        check(&Vec::<TagId>::new(), "");
        check(&Some(vec!["a, b", "c"]), "[a, b, c]");
        check(&Scope::Below(vec![TagId(3)]), "Below([3])");
        check(&Scope::All, "All");
        check(&Some("Some(\"x\") \\ \n (TagId(1))"), "Some(\"x\") \\ \\n (TagId(1))");
        check(&None::<u8>, "None");
    }

    #[test]
    fn hashes_are_read_as_they_are_written() {
        let hash = Hash(std::array::from_fn(|n| u8::try_from(n * 7).unwrap()));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("12".parse::<Hash>(), Err(NotAHash));
        assert_eq!("zz".repeat(32).parse::<Hash>(), Err(NotAHash));
    }
}
