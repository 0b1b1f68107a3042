//! SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3) with CONDSTORE and QRESYNC (RFC 7162 §3.1.8, §3.2.5):
//! `"SELECT" SP mailbox [SP "(" select-param *(SP select-param) ")"]`.

use crate::parser::{Parsed, Parser};
use crate::{MailboxName, Refusal, SequenceSet};

/// Opens a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// Which.
    pub mailbox: MailboxName,
    /// EXAMINE.
    pub read_only: bool,
    /// CONDSTORE was named.
    pub cond_store: bool,
    /// What the client knows already.
    pub q_resync: Option<QResync>,
}

/// `"QRESYNC" SP "(" uidvalidity SP mod-sequence [SP known-uids] [SP "(" sequences SP uids ")"] ")"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QResync {
    /// UIDVALIDITY the client knows.
    pub uid_validity: u32,
    /// Up to where it has seen changes.
    pub mod_seq: u64,
    /// UIDs it has.
    pub known_uids: Option<SequenceSet>,
    /// Sequence numbers and their UIDs.
    pub sequence_match: Option<(SequenceSet, SequenceSet)>,
}

impl Select {
    pub(crate) fn parse(parser: &mut Parser<'_>, read_only: bool) -> Parsed<Self> {
        parser.space()?;
        let mut select = Self {
            mailbox: MailboxName::parse(parser)?,
            read_only,
            cond_store: false,
            q_resync: None,
        };
        if parser.skip(b' ') && !parser.is_empty() {
            parser.list(|parser| {
                if parser.word("CONDSTORE") {
                    select.cond_store = true;
                } else if parser.word("QRESYNC") {
                    parser.space()?;
                    select.q_resync = Some(QResync::parse(parser)?);
                } else {
                    return Err(Refusal::bad("Unknown parameter"));
                }
                Ok(())
            })?;
        }
        Ok(select)
    }
}

impl QResync {
    fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.expect(b'(', "Expected a list")?;
        let uid_validity = parser.non_zero()?;
        parser.space()?;
        let mod_seq = parser.number64()?;
        let mut known_uids = None;
        let mut sequence_match = None;
        let mut more = parser.skip(b' ');
        if more && parser.peek() != Some(b'(') {
            known_uids = Some(plain_set(parser)?);
            more = parser.skip(b' ');
        }
        if more {
            parser.expect(b'(', "Expected a list")?;
            let sequences = plain_set(parser)?;
            parser.space()?;
            let uids = plain_set(parser)?;
            parser.expect(b')', "Expected the end of a list")?;
            sequence_match = Some((sequences, uids));
        }
        parser.expect(b')', "Expected the end of a list")?;
        Ok(Self {
            uid_validity,
            mod_seq,
            known_uids,
            sequence_match,
        })
    }
}

/// RFC 7162 §3.2.5: neither `*` nor `$` is allowed here.
fn plain_set(parser: &mut Parser<'_>) -> Parsed<SequenceSet> {
    let set = SequenceSet::parse(parser)?;
    if set.has_star() || set == SequenceSet::Saved {
        return Err(Refusal::bad("* is not allowed here"));
    }
    Ok(set)
}
