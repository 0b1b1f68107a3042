//! The commands of RFC 4314 §3: `MYRIGHTS`, `GETACL` with a mailbox; `LISTRIGHTS`, `DELETEACL` with an identifier too;
//! `SETACL` with rights behind that: `["+" / "-"] *LOWER-ALPHA`.

use hongyan_types::FolderRights;

use crate::parser::{Parsed, Parser};
use crate::{MailboxName, Refusal};

/// LISTRIGHTS and DELETEACL: about someone's rights to a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclEntry {
    /// Which mailbox.
    pub mailbox: MailboxName,
    /// Who.
    pub identifier: String,
}

impl AclEntry {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.space()?;
        let mailbox = MailboxName::parse(parser)?;
        parser.space()?;
        let identifier = parser.astring_utf8()?;
        if identifier.is_empty() {
            // RFC 4314 §3
            return Err(Refusal::bad("An identifier is not empty"));
        }
        Ok(Self { mailbox, identifier })
    }
}

/// What happens with the rights named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclMode {
    /// They replace those that there are.
    Replace,
    /// They are added.
    Add,
    /// They are taken away.
    Remove,
}

/// SETACL: changes what someone may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAcl {
    /// Of whom, and where.
    pub entry: AclEntry,
    /// How.
    pub mode: AclMode,
    /// Which rights; obsolete ones stand for what they are made of (RFC 4314 §2.1.1).
    pub rights: FolderRights,
    /// Whether `p` is among them.
    pub post: bool,
}

impl SetAcl {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        let entry = AclEntry::parse(parser)?;
        parser.space()?;
        let text = parser.astring_utf8()?;
        let (mode, letters) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(letters), _) => (AclMode::Add, letters),
            (None, Some(letters)) => (AclMode::Remove, letters),
            (None, None) => (AclMode::Replace, text.as_str()),
        };
        // RFC 4314 §3.1: what is not recognised is not ignored.
        let rights = FolderRights::read(&letters.replace('p', ""));
        Ok(Self {
            entry,
            mode,
            rights: rights.map_err(|_| Refusal::bad("There is no such right"))?,
            post: letters.contains('p'),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_added_removed_and_replaced() {
        let limits = crate::Limits::default();
        let read = |text: &str| SetAcl::parse(&mut Parser::new(text.as_bytes(), &limits, false));
        for (text, mode, letters, post) in [
            (" INBOX fred lrs", AclMode::Replace, "lrs", false),
            (" INBOX fred \"\"", AclMode::Replace, "", false),
            (" INBOX fred +cd", AclMode::Add, "kxte", false),
            (" INBOX \"fred\" -pa", AclMode::Remove, "a", true),
        ] {
            let change = read(text).unwrap();
            assert_eq!(change.entry.identifier, "fred");
            assert_eq!(
                (change.mode, change.rights.to_string().as_str(), change.post),
                (mode, letters, post)
            );
        }
        for text in [
            " INBOX fred lrQs",
            " INBOX fred lrqs",
            " INBOX fred l1",
            " INBOX fred",
            " INBOX \"\" l",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
