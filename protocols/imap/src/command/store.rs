//! STORE (RFC 9051 §6.4.6) with UNCHANGEDSINCE (RFC 7162 §3.1.3):
//! `"STORE" SP sequence-set [SP "(UNCHANGEDSINCE" SP mod-sequence ")"] SP ["+" / "-"] "FLAGS" [".SILENT"] SP flags`.

use crate::parser::{Parsed, Parser};
use crate::{FlagList, Refusal, SequenceSet};

/// Changes flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The set holds UIDs.
    pub uid: bool,
    /// Which messages.
    pub set: SequenceSet,
    /// Only messages that have not changed since.
    pub unchanged_since: Option<u64>,
    /// How.
    pub mode: StoreMode,
    /// Without a FETCH response for what was asked.
    pub silent: bool,
    /// Which flags.
    pub flags: FlagList,
}

/// What happens with the flags named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreMode {
    /// They replace all others.
    Replace,
    /// They are added.
    Add,
    /// They are removed.
    Remove,
}

impl Store {
    pub(crate) fn parse(parser: &mut Parser<'_>, uid: bool) -> Parsed<Self> {
        parser.space()?;
        let set = SequenceSet::parse(parser)?;
        parser.space()?;
        let mut unchanged_since = None;
        if parser.peek() == Some(b'(') {
            parser.list(|parser| {
                if !parser.word("UNCHANGEDSINCE") {
                    return Err(Refusal::bad("Unknown modifier"));
                }
                parser.space()?;
                unchanged_since = Some(parser.number64()?);
                Ok(())
            })?;
            parser.space()?;
        }
        let mode = if parser.skip(b'+') {
            StoreMode::Add
        } else if parser.skip(b'-') {
            StoreMode::Remove
        } else {
            StoreMode::Replace
        };
        if !parser.prefix("FLAGS") {
            return Err(Refusal::bad("Expected FLAGS"));
        }
        let silent = parser.prefix(".SILENT");
        parser.space()?;
        let flags = FlagList::parse_list_or_plain(parser)?;
        Ok(Self {
            uid,
            set,
            unchanged_since,
            mode,
            silent,
            flags,
        })
    }
}
