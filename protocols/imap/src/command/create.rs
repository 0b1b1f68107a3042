//! CREATE (RFC 9051 §6.3.4) with a special use (RFC 6154 §3): `"CREATE" SP mailbox [SP "(USE (" [use-attr ..] "))"]`.

use crate::parser::{Parsed, Parser};
use crate::{Code, MailboxName, Refusal};

/// Creates a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// Its name; a trailing separator, which only says that children will follow, is gone.
    pub mailbox: MailboxName,
    /// Special uses such as `\Sent`.
    pub special_uses: Vec<SpecialUse>,
}

/// What a mailbox is for (RFC 6154 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpecialUse {
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// Every use with its attribute.
    pub const NAMES: [(Self, &'static str); 5] = [
        (Self::Archive, "\\Archive"),
        (Self::Drafts, "\\Drafts"),
        (Self::Junk, "\\Junk"),
        (Self::Sent, "\\Sent"),
        (Self::Trash, "\\Trash"),
    ];

    /// The attribute on the wire.
    #[must_use]
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }
}

impl Create {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.space()?;
        let octets = parser.astring()?;
        let octets = octets.strip_suffix(b"/").unwrap_or(&octets);
        let mailbox = MailboxName::from_wire(octets, parser.utf8, parser.limits.mailbox_name_octets_max)
            .map_err(|_| Refusal::no(Code::Cannot, "Not a valid mailbox name"))?;
        let mut special_uses = Vec::new();
        if parser.skip(b' ') {
            parser.list(|parser| {
                if !parser.word("USE") {
                    return Err(Refusal::bad("Unknown CREATE parameter"));
                }
                parser.space()?;
                parser.list(|parser| {
                    special_uses.push(special_use(parser)?);
                    Ok(())
                })
            })?;
        }
        Ok(Self { mailbox, special_uses })
    }
}

fn special_use(parser: &mut Parser<'_>) -> Parsed<SpecialUse> {
    parser.expect(b'\\', "Expected a special use")?;
    let name = parser.atom()?;
    SpecialUse::NAMES
        .iter()
        .find(|(_, known)| {
            known
                .as_bytes()
                .get(1..)
                .is_some_and(|known| known.eq_ignore_ascii_case(name))
        })
        .map(|(special_use, _)| *special_use)
        // RFC 6154 §3: a use we do not support is USEATTR.
        .ok_or(Refusal::no(Code::UseAttr, "No such special use"))
}
