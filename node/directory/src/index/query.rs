//! What the index is asked for.

use std::collections::HashSet;
use std::sync::Arc;

use hongyan_types::AccountId;

use crate::{AccountKind, AccountRecord, AccountState, DepartmentId, Seat, Sight, TagId};

/// Which members; all of what is said must hold.
#[derive(Debug, Clone, Default)]
pub struct MemberQuery {
    /// Words that must each occur in name, address, pinyin, initials, employee id, phone or title; for whoever asks as a member
    /// (`sight`), in what they are shown of these.
    pub text: String,
    /// Who belong to this department; the organisation itself has those without one.
    pub department: Option<DepartmentId>,
    /// And to all below it.
    pub deep: bool,
    /// Who bear this tag, themselves or by a department.
    pub tag: Option<TagId>,
    /// In this state.
    pub state: Option<AccountState>,
    /// Of this kind.
    pub kind: Option<AccountKind>,
    /// With this seat.
    pub seat: Option<Seat>,
    /// Who have this address outside, without regard to case.
    pub private_address: Option<String>,
    /// Who have a role.
    pub administrators: bool,
    /// Who belong to one of these departments or below: what the asker may see.
    pub within: Option<Vec<DepartmentId>>,
    /// Whom the asker sees as a member, and what of them.
    pub sight: Option<Sight>,
    /// What else must hold.
    pub sieve: Option<Sieve>,
}

/// What must hold of a member, for askers whose question is no list of words: it lets through whoever may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sieve {
    /// This text, as [`crate::folded`] has it, is part of what the member is found by.
    Has(String),
    /// This text, but for capital letters, is part of a name, of a part of one, or of an address here or outside, as they are written;
    /// to whoever asks as a member it is as [`Sieve::Has`].
    Written(String),
    /// Mail is taken for the member ([`AccountState::takes_mail`]); or else not.
    TakesMail(bool),
    /// The member belongs to one of these departments.
    In(HashSet<DepartmentId>),
    /// All of these hold; of none it is true.
    All(Vec<Sieve>),
    /// One of these holds; of none it is false.
    Any(Vec<Sieve>),
}

impl Sieve {
    /// What everybody passes.
    #[must_use]
    pub fn everybody() -> Self {
        Self::All(Vec::new())
    }
    /// What nobody passes.
    #[must_use]
    pub fn nobody() -> Self {
        Self::Any(Vec::new())
    }
}

impl MemberQuery {
    /// What those whom it takes are listed by.
    pub(crate) fn order(&self) -> MemberOrder {
        self.sight.as_ref().map_or(MemberOrder::Name, Sight::order)
    }
}

/// What a list is ordered by, as it is pronounced, and by identifiers where that is the same. Members' lists are ordered by what
/// they are shown of each other, and by that alone (ORG-8): a place among names that are not shown would tell of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberOrder {
    /// The name, or the address of who has none: what administrators see.
    Name,
    /// What begins with the name; alias or address of who has none.
    ShownName,
    /// What begins with the alias; name or address of who has none.
    ShownAlias,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPlace {
    /// What the list is ordered by.
    pub by: MemberOrder,
    /// What the last one was ordered by, which whoever gets the list has been shown.
    pub order: String,
    /// The last one.
    pub id: AccountId,
}

/// Part of a list.
#[derive(Debug, Clone)]
pub struct MemberPage {
    /// In the order of the list.
    pub accounts: Vec<Arc<AccountRecord>>,
    /// How many there are on all pages.
    pub total: usize,
    /// What to ask for as `after`; nothing at the end.
    pub next: Option<MemberPlace>,
}

/// What an index found.
pub(crate) struct Found {
    pub(crate) ids: Vec<AccountId>,
    pub(crate) total: usize,
    pub(crate) next: Option<MemberPlace>,
}
