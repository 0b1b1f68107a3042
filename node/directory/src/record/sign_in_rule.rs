//! What administrators have decided of one account's sign-in (LGN-1, LGN-8, LGN-12): part of record/factors.rs.

use std::collections::BTreeSet;

use hongyan_kv::record::RecordError;
use hongyan_types::AddressRanges;
use minicbor::{Decode, Encode};

use crate::Protocol;
use crate::record::{protocols, read_protocols, read_ranges};

/// What administrators have decided of one account's sign-in, beside what holds for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignInRule {
    /// The ways in that are closed.
    pub closed: BTreeSet<Protocol>,
    /// From where it signs in, instead of the organisation's networks; those when there are none.
    pub networks: AddressRanges,
    /// Whether its clients need an app password, whatever its owner says.
    pub secure_login: bool,
}

#[derive(Encode, Decode)]
pub(crate) struct RuleV1 {
    #[n(0)]
    closed: Vec<u8>,
    #[n(1)]
    networks: Vec<String>,
    #[n(2)]
    secure_login: bool,
}

impl From<&SignInRule> for RuleV1 {
    fn from(rule: &SignInRule) -> Self {
        Self {
            closed: protocols(&rule.closed),
            networks: rule.networks.entries(),
            secure_login: rule.secure_login,
        }
    }
}

impl TryFrom<RuleV1> for SignInRule {
    type Error = RecordError;
    fn try_from(stored: RuleV1) -> Result<Self, RecordError> {
        Ok(Self {
            closed: read_protocols(stored.closed),
            networks: read_ranges(&stored.networks)?,
            secure_login: stored.secure_login,
        })
    }
}
