//! SEARCH (RFC 9051 §6.4.4) with ESEARCH, SEARCHRES (RFC 5182), WITHIN (RFC 5032), MODSEQ (RFC 7162 §3.1.5), OBJECTID
//! (RFC 8474 §6), SAVEDATE (RFC 8514 §4.3):
//! `"SEARCH" [SP "RETURN" SP "(" return-opts ")"] [SP "CHARSET" SP charset] 1*(SP search-key)`.

use hongyan_types::{Keyword, SystemFlag};

use crate::flag::parse_keyword;
use crate::parser::{Parsed, Parser};
use crate::{Code, Date, Refusal, SequenceSet};

/// Looks for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Answer with UIDs.
    pub uid: bool,
    /// What to return; `None` without RETURN.
    pub returns: Option<SearchReturn>,
    /// What must hold.
    pub key: SearchKey,
}

/// RETURN options (RFC 9051 §6.4.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SearchReturn {
    /// MIN
    pub min: bool,
    /// MAX
    pub max: bool,
    /// ALL
    pub all: bool,
    /// COUNT
    pub count: bool,
    /// SAVE: remember the result as `$`
    pub save: bool,
}

/// A condition on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchKey {
    /// Every message.
    All,
    /// All of these.
    And(Vec<SearchKey>),
    /// One of two.
    Or(Box<SearchKey>, Box<SearchKey>),
    /// Not this.
    Not(Box<SearchKey>),
    /// Sequence numbers.
    Sequence(SequenceSet),
    /// UIDs.
    Uid(SequenceSet),
    /// A system flag is set.
    Flag(SystemFlag),
    /// A keyword is set.
    Keyword(Keyword),
    /// Internal date: before this day.
    Before(Date),
    /// Internal date: on this day.
    On(Date),
    /// Internal date: on this day or later.
    Since(Date),
    /// Date field: before this day.
    SentBefore(Date),
    /// Date field: on this day.
    SentOn(Date),
    /// Date field: on this day or later.
    SentSince(Date),
    /// Save date: before this day.
    SavedBefore(Date),
    /// Save date: on this day.
    SavedOn(Date),
    /// Save date: on this day or later.
    SavedSince(Date),
    /// Internal date more than this many seconds ago.
    Older(u32),
    /// Internal date at most this many seconds ago.
    Younger(u32),
    /// Larger than this many octets.
    Larger(u64),
    /// Smaller than this many octets.
    Smaller(u64),
    /// A header field contains the text; all messages with the field when the text is empty.
    Header(String, String),
    /// The text of the body contains this.
    Body(String),
    /// Header or body contains this.
    Text(String),
    /// Changed at this modseq or later.
    ModSeq(u64),
    /// EMAILID
    EmailId(String),
    /// THREADID
    ThreadId(String),
}

impl SearchKey {
    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Whether a MODSEQ condition occurs: the answer then tells a modseq and CONDSTORE is enabled.
    #[must_use]
    pub fn uses_mod_seq(&self) -> bool {
        match self {
            Self::ModSeq(_) => true,
            Self::And(keys) => keys.iter().any(Self::uses_mod_seq),
            Self::Or(left, right) => left.uses_mod_seq() || right.uses_mod_seq(),
            Self::Not(key) => key.uses_mod_seq(),
            _ => false,
        }
    }

    /// Whether a condition on sequence numbers occurs.
    #[must_use]
    pub fn uses_sequence(&self) -> bool {
        match self {
            Self::Sequence(_) => true,
            Self::And(keys) => keys.iter().any(Self::uses_sequence),
            Self::Or(left, right) => left.uses_sequence() || right.uses_sequence(),
            Self::Not(key) => key.uses_sequence(),
            _ => false,
        }
    }
}

/// What is left of the limits while keys are parsed.
struct Budget {
    keys: usize,
    depth: usize,
}

/// All keys up to the end of the command, as one.
pub(crate) fn parse_keys(parser: &mut Parser<'_>) -> Parsed<SearchKey> {
    let mut budget = Budget {
        keys: parser.limits.search_keys_max,
        depth: parser.limits.search_depth_max,
    };
    let mut keys = vec![key(parser, &mut budget)?];
    while parser.skip(b' ') && !parser.is_empty() {
        keys.push(key(parser, &mut budget)?);
    }
    Ok(joined(keys))
}

fn joined(mut keys: Vec<SearchKey>) -> SearchKey {
    match (keys.pop(), keys.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            keys.push(last);
            SearchKey::And(keys)
        }
        (None, _) => SearchKey::All,
    }
}

fn nested(parser: &mut Parser<'_>, budget: &mut Budget) -> Parsed<SearchKey> {
    budget.depth = budget
        .depth
        .checked_sub(1)
        .ok_or(Refusal::bad_with(Code::Limit, "Search nested too deep"))?;
    let key = key(parser, budget);
    budget.depth += 1;
    key
}

fn key(parser: &mut Parser<'_>, budget: &mut Budget) -> Parsed<SearchKey> {
    budget.keys = budget
        .keys
        .checked_sub(1)
        .ok_or(Refusal::bad_with(Code::Limit, "Too many search keys"))?;
    match parser.peek() {
        Some(b'(') => {
            let mut keys = Vec::new();
            parser.list(|parser| {
                keys.push(nested(parser, budget)?);
                Ok(())
            })?;
            if keys.is_empty() {
                return Err(Refusal::bad("Expected a search key"));
            }
            return Ok(joined(keys));
        }
        Some(b'0'..=b'9' | b'*' | b'$') => return Ok(SearchKey::Sequence(SequenceSet::parse(parser)?)),
        _ => {}
    }
    let name = parser.atom_str()?.to_ascii_uppercase();
    match name.as_str() {
        "NOT" => {
            parser.space()?;
            Ok(nested(parser, budget)?.not())
        }
        "OR" => {
            parser.space()?;
            let left = nested(parser, budget)?;
            parser.space()?;
            let right = nested(parser, budget)?;
            Ok(SearchKey::Or(Box::new(left), Box::new(right)))
        }
        name => match flag_key(name) {
            Some(key) => Ok(key),
            None => argument_key(name, parser),
        },
    }
}

fn flag_key(name: &str) -> Option<SearchKey> {
    let flag = SearchKey::Flag;
    Some(match name {
        "ALL" => SearchKey::All,
        "ANSWERED" => flag(SystemFlag::Answered),
        "DELETED" => flag(SystemFlag::Deleted),
        "DRAFT" => flag(SystemFlag::Draft),
        "FLAGGED" => flag(SystemFlag::Flagged),
        "SEEN" => flag(SystemFlag::Seen),
        "UNANSWERED" => flag(SystemFlag::Answered).not(),
        "UNDELETED" => flag(SystemFlag::Deleted).not(),
        "UNDRAFT" => flag(SystemFlag::Draft).not(),
        "UNFLAGGED" => flag(SystemFlag::Flagged).not(),
        "UNSEEN" => flag(SystemFlag::Seen).not(),
        // RFC 3501 §6.4.4: no message is ever recent here, so all are old and none is new.
        "NEW" | "RECENT" => SearchKey::All.not(),
        "OLD" => SearchKey::All,
        // RFC 8514 §4.3: every mailbox keeps save dates.
        "SAVEDATESUPPORTED" => SearchKey::All,
        _ => return None,
    })
}

fn argument_key(name: &str, parser: &mut Parser<'_>) -> Parsed<SearchKey> {
    let known = matches!(
        name,
        "BCC"
            | "CC"
            | "FROM"
            | "SUBJECT"
            | "TO"
            | "BODY"
            | "TEXT"
            | "HEADER"
            | "KEYWORD"
            | "UNKEYWORD"
            | "BEFORE"
            | "ON"
            | "SINCE"
            | "SENTBEFORE"
            | "SENTON"
            | "SENTSINCE"
            | "SAVEDBEFORE"
            | "SAVEDON"
            | "SAVEDSINCE"
            | "OLDER"
            | "YOUNGER"
            | "LARGER"
            | "SMALLER"
            | "UID"
            | "MODSEQ"
            | "EMAILID"
            | "THREADID"
    );
    if !known {
        return Err(Refusal::bad("Unknown search key"));
    }
    parser.space()?;
    Ok(match name {
        "BCC" | "CC" | "FROM" | "SUBJECT" | "TO" => SearchKey::Header(name.to_owned(), parser.astring_utf8()?),
        "BODY" => SearchKey::Body(parser.astring_utf8()?),
        "TEXT" => SearchKey::Text(parser.astring_utf8()?),
        "HEADER" => {
            let field = parser.astring_utf8()?;
            parser.space()?;
            SearchKey::Header(field, parser.astring_utf8()?)
        }
        "KEYWORD" => SearchKey::Keyword(parse_keyword(parser)?),
        "UNKEYWORD" => SearchKey::Keyword(parse_keyword(parser)?).not(),
        "OLDER" => SearchKey::Older(parser.non_zero()?),
        "YOUNGER" => SearchKey::Younger(parser.non_zero()?),
        "LARGER" => SearchKey::Larger(parser.number64()?),
        "SMALLER" => SearchKey::Smaller(parser.number64()?),
        "UID" => SearchKey::Uid(SequenceSet::parse(parser)?),
        "MODSEQ" => mod_seq(parser)?,
        "EMAILID" => SearchKey::EmailId(parser.astring_utf8()?),
        "THREADID" => SearchKey::ThreadId(parser.astring_utf8()?),
        name => date_key(name, Date::parse(parser)?),
    })
}

fn date_key(name: &str, date: Date) -> SearchKey {
    match name {
        "BEFORE" => SearchKey::Before(date),
        "ON" => SearchKey::On(date),
        "SINCE" => SearchKey::Since(date),
        "SENTBEFORE" => SearchKey::SentBefore(date),
        "SENTON" => SearchKey::SentOn(date),
        "SENTSINCE" => SearchKey::SentSince(date),
        "SAVEDBEFORE" => SearchKey::SavedBefore(date),
        "SAVEDON" => SearchKey::SavedOn(date),
        _ => SearchKey::SavedSince(date),
    }
}

/// `MODSEQ [SP entry-name SP entry-type-req] SP mod-sequence`; we keep one modseq per message, whatever the entry.
fn mod_seq(parser: &mut Parser<'_>) -> Parsed<SearchKey> {
    if parser.peek() == Some(b'"') {
        parser.string()?;
        parser.space()?;
        if !(parser.word("priv") || parser.word("shared") || parser.word("all")) {
            return Err(Refusal::bad("Unknown entry type"));
        }
        parser.space()?;
    }
    Ok(SearchKey::ModSeq(parser.number64()?))
}

impl SearchReturn {
    /// `RETURN (..)` if it is next; `RETURN ()` is ALL.
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Option<Self>> {
        if !parser.word("RETURN") {
            return Ok(None);
        }
        parser.space()?;
        let mut returns = Self::default();
        parser.list(|parser| {
            match parser.atom_str()?.to_ascii_uppercase().as_str() {
                "MIN" => returns.min = true,
                "MAX" => returns.max = true,
                "ALL" => returns.all = true,
                "COUNT" => returns.count = true,
                "SAVE" => returns.save = true,
                _ => return Err(Refusal::bad("Unknown return option")),
            }
            Ok(())
        })?;
        if returns == Self::default() {
            returns.all = true;
        }
        Ok(Some(returns))
    }
}

/// A charset name: we read US-ASCII and UTF-8.
pub(crate) fn parse_charset(parser: &mut Parser<'_>) -> Parsed<()> {
    let charset = parser.astring()?;
    if charset.eq_ignore_ascii_case(b"UTF-8") || charset.eq_ignore_ascii_case(b"US-ASCII") {
        Ok(())
    } else {
        Err(Refusal::no(Code::BadCharset, "Unknown charset"))
    }
}

impl Search {
    pub(crate) fn parse(parser: &mut Parser<'_>, uid: bool) -> Parsed<Self> {
        parser.space()?;
        let returns = SearchReturn::parse(parser)?;
        if returns.is_some() {
            parser.space()?;
        }
        if parser.word("CHARSET") {
            parser.space()?;
            parse_charset(parser)?;
            parser.space()?;
        }
        let key = parse_keys(parser)?;
        Ok(Self { uid, returns, key })
    }
}
