//! What others count on a member for: listed before it is deleted or disabled, to be given to someone else or given up (MEM).

use std::fmt;

use hongyan_types::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::transaction as tx;
use crate::{Directory, Result};

/// What someone counts on a member for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UseKind {
    /// It sends in the name of a group (GRP-6).
    Representative,
    /// It gets what comes back from a group.
    GroupOwner,
    /// It gets mail for unknown addresses of a domain.
    CatchAll,
    /// It gets mail for postmaster.
    Postmaster,
    /// It acts for another member (DLG).
    Secretary,
    /// It uses a shared mailbox (SBX-4).
    SharedMailbox,
}

/// One use of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemberUse {
    /// What for.
    pub kind: UseKind,
    /// Whose or what: an address or a domain; empty for the organisation's.
    pub of: String,
}

impl fmt::Display for MemberUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = &self.of;
        match self.kind {
            UseKind::Representative => write!(f, "it speaks for the group {of}"),
            UseKind::GroupOwner => write!(f, "it owns the group {of}"),
            UseKind::CatchAll => write!(f, "it gets mail for unknown addresses of {of}"),
            UseKind::Postmaster => write!(f, "it gets mail for postmaster"),
            UseKind::Secretary => write!(f, "it acts for {of}"),
            UseKind::SharedMailbox => write!(f, "it uses the shared mailbox {of}"),
        }
    }
}

/// All of them in one sentence.
pub(crate) fn told(uses: &[MemberUse]) -> String {
    uses.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Directory {
    /// What others count on an account for.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn uses_of(&self, id: AccountId) -> Result<Vec<MemberUse>> {
        let now = self.now();
        // Reads only: nothing is touched, so nothing is told.
        self.try_out(async move |t| tx::member_uses::of(t, id, now).await).await
    }
}
