//! What an address leads to, at ("dir", "address", domain, local key).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, TenantId};
use minicbor::{Decode, Encode};

use crate::GroupId;

/// What an address leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// An account, by its main address or an alias.
    Account {
        tenant: TenantId,
        account: AccountId,
        alias: bool,
    },
    /// A group.
    Group { tenant: TenantId, group: GroupId },
}

#[derive(Encode, Decode)]
enum V1 {
    #[n(0)]
    Account(#[n(0)] u64, #[n(1)] u64, #[n(2)] bool),
    #[n(1)]
    Group(#[n(0)] u64, #[n(1)] u64),
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(target: Target) -> Bytes {
    let body = match target {
        Target::Account { tenant, account, alias } => V1::Account(tenant.0, account.0, alias),
        Target::Group { tenant, group } => V1::Group(tenant.0, group.0),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Target, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    Ok(match stored {
        Stored::V1(V1::Account(tenant, account, alias)) => Target::Account {
            tenant: TenantId(tenant),
            account: AccountId(account),
            alias,
        },
        Stored::V1(V1::Group(tenant, group)) => Target::Group {
            tenant: TenantId(tenant),
            group: GroupId(group),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let check = |target, expect: &str| {
            let stored = encode(target);
            assert_eq!(crate::record::hex(&stored), expect);
            assert_eq!(decode(&stored), Ok(target));
        };
        let (tenant, account) = (TenantId(3), AccountId(7));
        check(
            Target::Account {
                tenant,
                account,
                alias: true,
            },
            "0100018200830307f5",
        );
        check(
            Target::Group {
                tenant,
                group: GroupId(8),
            },
            "0100018201820308",
        );
    }
}
