//! Mail vocabulary that every protocol shares: identifiers, times, addresses, flags, sets of UIDs.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::as_conversions,
        clippy::panic
    )
)]

mod address;
mod address_ranges;
mod domain;
mod flag;
mod folder_rights;
mod local_part;
mod network;
mod number;
mod time;
mod uid_set;

pub use address::{ADDRESS_OCTETS_MAX, Address, AddressError};
pub use address_ranges::{AddressRanges, AddressRangesError};
pub use domain::{DOMAIN_OCTETS_MAX, Domain, DomainError, LABEL_OCTETS_MAX};
pub use flag::{Flag, FlagError, KEYWORD_OCTETS_MAX, Keyword, SystemFlag, SystemFlags};
pub use folder_rights::{FolderRight, FolderRights, NotGiven};
pub use local_part::{LOCAL_PART_OCTETS_MAX, LocalPart, LocalPartError};
pub use network::{Network, NetworkError};
pub use number::{AccountId, ModSeq, Octets, SeqNum, TenantId, Uid, UidValidity};
pub use time::{Instant, Timestamp};
pub use uid_set::{UidRange, UidSet};
