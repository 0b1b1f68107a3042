//! A folder as FETCH shows it.

use std::collections::BTreeSet;

use hongyan_conformance::imap::Value;
use hongyan_invariant::MessageSeen;

use crate::content;

/// The items of a look, with as much of each mail as tells which it is.
pub const ITEMS: &str = "(UID FLAGS MODSEQ RFC822.SIZE BODY.PEEK[HEADER.FIELDS (X-Mail)])";
/// As [`ITEMS`], without any content.
pub const BARE_ITEMS: &str = "(UID FLAGS MODSEQ RFC822.SIZE)";
/// As [`ITEMS`], with the whole mail.
pub const ALL_ITEMS: &str = "(UID FLAGS MODSEQ RFC822.SIZE BODY.PEEK[])";

/// How the content is called in what comes back.
const HEADER_ITEM: &str = "BODY[HEADER.FIELDS (X-Mail)]";
const WHOLE_ITEM: &str = "BODY[]";

/// The messages of a folder by sequence number, as far as they have been shown.
#[derive(Debug)]
pub struct Rows(pub(crate) Vec<Option<MessageSeen>>);

impl Rows {
    /// Of a folder with so many messages, none of which was shown yet.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(vec![None; count])
    }
    /// Whether the message of this sequence number was shown.
    #[must_use]
    pub fn has(&self, number: usize) -> bool {
        let row = number.checked_sub(1).and_then(|at| self.0.get(at));
        row.is_some_and(Option::is_some)
    }
    /// Takes in untagged answers. `is_bare`: content was not asked for, and a message is shown without it.
    pub fn take(&mut self, data: &[Vec<Value>], is_bare: bool) {
        for values in data {
            self.take_one(values, is_bare);
        }
    }
    fn take_one(&mut self, values: &[Value], is_bare: bool) {
        let [Value::Atom(number), Value::Atom(word), items] = values else {
            return;
        };
        let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let Some(row) = at.and_then(|at| self.0.get_mut(at)) else {
            return;
        };
        if word != "FETCH" {
            return;
        }
        let new = message(items);
        if items.item(HEADER_ITEM).is_none() && items.item(WHOLE_ITEM).is_none() && !is_bare {
            // News of flags on the way.
            if let (Some(row), Some(_), Some(_)) = (row, items.item("FLAGS"), items.item("MODSEQ")) {
                (row.flags, row.modseq) = (new.flags, new.modseq);
            }
            return;
        }
        *row = Some(new);
    }
}

/// What a FETCH response says of a message that it names by its UID.
#[must_use]
pub fn row(values: &[Value]) -> Option<MessageSeen> {
    match values {
        [Value::Atom(_), Value::Atom(word), items] if word == "FETCH" => {
            items.item("UID")?;
            Some(message(items))
        }
        _ => None,
    }
}

/// A message as the items of a FETCH response show it; what they do not show is nothing.
fn message(items: &Value) -> MessageSeen {
    let atom = |name: &str| items.item(name).and_then(Value::text);
    let flags: Option<BTreeSet<String>> = items
        .item("FLAGS")
        .map(|flags| flags.list().iter().filter_map(Value::text).collect());
    let modseq = items
        .item("MODSEQ")
        .and_then(|modseq| modseq.list().first()?.text()?.parse().ok());
    let mail = match items.item(WHOLE_ITEM).and_then(Value::octets) {
        Some(whole) => content::whole(whole),
        None => items
            .item(HEADER_ITEM)
            .and_then(Value::octets)
            .and_then(content::number),
    };
    MessageSeen {
        uid: atom("UID").and_then(|uid| uid.parse().ok()).unwrap_or(0),
        mail,
        flags: flags.unwrap_or_default(),
        modseq: modseq.unwrap_or(0),
        octets: atom("RFC822.SIZE").and_then(|octets| octets.parse().ok()).unwrap_or(0),
    }
}
