//! What sign-in tells every node with a change of the directory: a lock, or the end of sessions on nodes that could not be
//! called. Part of what is stored, so it is versioned as records are.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_transport::NodeId;
use hongyan_types::{AccountId, TenantId};
use minicbor::{Decode, Encode};

use crate::failures::{Guarded, GuardedKind};
use crate::{SessionFilter, SessionId};

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Sessions of `nodes` that were there before this notice have to end.
    Ended { filter: SessionFilter, nodes: Vec<NodeId> },
    /// A name or an address is locked.
    Locked { guarded: Guarded, until_wall_millis: i64 },
    /// A web session is gone.
    WebEnded { account: AccountId, id: SessionId },
    /// What a mail client was granted is gone.
    GrantEnded { account: AccountId, id: u64 },
    /// A sign-in waits to be confirmed on another device.
    ApprovalAsked { account: AccountId },
}

#[derive(Encode, Decode)]
enum V1 {
    #[n(0)]
    Ended(#[n(0)] V1Filter, #[n(1)] Vec<u64>),
    #[n(1)]
    Locked(
        #[n(0)] u8,
        #[n(1)]
        #[cbor(with = "minicbor::bytes")]
        [u8; 16],
        #[n(2)] i64,
    ),
    #[n(2)]
    WebEnded(#[n(0)] u64, #[n(1)] u64),
    #[n(3)]
    GrantEnded(#[n(0)] u64, #[n(1)] u64),
    #[n(4)]
    ApprovalAsked(#[n(0)] u64),
}

#[derive(Encode, Decode)]
enum V1Filter {
    #[n(0)]
    All,
    #[n(1)]
    Tenant(#[n(0)] u64),
    #[n(2)]
    Account(#[n(0)] u64),
    #[n(3)]
    One(#[n(0)] u64),
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(notice: &Notice) -> Bytes {
    let body = match notice {
        Notice::Ended { filter, nodes } => {
            let filter = match filter {
                SessionFilter::All => V1Filter::All,
                SessionFilter::Tenant(tenant) => V1Filter::Tenant(tenant.0),
                SessionFilter::Account(account) => V1Filter::Account(account.0),
                SessionFilter::One(id) => V1Filter::One(id.0),
            };
            V1::Ended(filter, nodes.iter().map(|node| node.0).collect())
        }
        Notice::Locked {
            guarded,
            until_wall_millis,
        } => V1::Locked(guarded.kind.number(), guarded.digest, *until_wall_millis),
        Notice::WebEnded { account, id } => V1::WebEnded(account.0, id.0),
        Notice::GrantEnded { account, id } => V1::GrantEnded(account.0, *id),
        Notice::ApprovalAsked { account } => V1::ApprovalAsked(account.0),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Notice, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    Ok(match stored {
        Stored::V1(V1::Ended(filter, nodes)) => Notice::Ended {
            filter: match filter {
                V1Filter::All => SessionFilter::All,
                V1Filter::Tenant(tenant) => SessionFilter::Tenant(TenantId(tenant)),
                V1Filter::Account(account) => SessionFilter::Account(AccountId(account)),
                V1Filter::One(id) => SessionFilter::One(SessionId(id)),
            },
            nodes: nodes.into_iter().map(NodeId).collect(),
        },
        Stored::V1(V1::WebEnded(account, id)) => Notice::WebEnded {
            account: AccountId(account),
            id: SessionId(id),
        },
        Stored::V1(V1::GrantEnded(account, id)) => Notice::GrantEnded {
            account: AccountId(account),
            id,
        },
        Stored::V1(V1::ApprovalAsked(account)) => Notice::ApprovalAsked {
            account: AccountId(account),
        },
        Stored::V1(V1::Locked(kind, digest, until_wall_millis)) => Notice::Locked {
            guarded: Guarded {
                kind: GuardedKind::from_number(kind)
                    .ok_or_else(|| RecordError::Body("a lock of an unknown kind".to_owned()))?,
                digest,
            },
            until_wall_millis,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let check = |notice: Notice, expect: &str| {
            let stored = encode(&notice);
            let shown: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(shown, expect);
            assert_eq!(decode(&stored), Ok(notice));
        };
        let ended = |filter| Notice::Ended {
            filter,
            nodes: vec![NodeId(2)],
        };
        check(ended(SessionFilter::All), "0100018200828200808102");
        check(ended(SessionFilter::Tenant(TenantId(3))), "010001820082820181038102");
        check(ended(SessionFilter::Account(AccountId(7))), "010001820082820281078102");
        check(ended(SessionFilter::One(SessionId(9))), "010001820082820381098102");
        let locked = Notice::Locked {
            guarded: Guarded {
                kind: GuardedKind::Address,
                digest: [1; 16],
            },
            until_wall_millis: 1_000,
        };
        let web = Notice::WebEnded {
            account: AccountId(7),
            id: SessionId(9),
        };
        let grant = Notice::GrantEnded {
            account: AccountId(7),
            id: 9,
        };
        check(grant, "0100018203820709");
        let asked = Notice::ApprovalAsked { account: AccountId(7) };
        check(asked, "01000182048107");
        check(web, "010001820282 0709".replace(' ', "").as_str());
        check(locked, "0100018201830150010101010101010101010101010101011903e8");
    }
}
