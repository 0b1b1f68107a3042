//! What one change of the directory touched, at ("dir", "change", version): how every node learns what to forget.
//!
//! The version is the count of changes; ("dir", "version") holds the last one. Only the latest are kept; whoever missed
//! more than those, or finds one that it cannot read, forgets everything.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Domain, TenantId};
use minicbor::{Decode, Encode};

use crate::{DepartmentId, TagId, TokenHash};

/// One thing that a change touched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Touched {
    /// A tenant: its state, its limits.
    Tenant(TenantId),
    /// A tenant, but only the numbers of what it owns.
    TenantCounts(TenantId),
    /// A domain.
    Domain(Domain),
    /// Where an address leads, by the address's key.
    Address(String),
    /// An account or its credential.
    Account { tenant: TenantId, account: AccountId },
    /// A group or its members.
    Group,
    /// A department.
    Department { tenant: TenantId, department: DepartmentId },
    /// A tag.
    Tag { tenant: TenantId, tag: TagId },
    /// What was shown for a token.
    Token(TokenHash),
    /// Nothing of the directory's own: what another part has to tell all nodes.
    Notice(Bytes),
    /// More than a record holds.
    Everything,
}

/// A change as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeRecord {
    /// Whoever made it finds it by this again: random.
    pub(crate) by: u64,
    pub(crate) touched: Vec<Touched>,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    by: u64,
    #[n(1)]
    touched: Vec<V1Touched>,
}

#[derive(Encode, Decode)]
enum V1Touched {
    #[n(0)]
    Tenant(#[n(0)] u64),
    #[n(1)]
    TenantCounts(#[n(0)] u64),
    #[n(2)]
    Domain(#[n(0)] String),
    #[n(3)]
    Address(#[n(0)] String),
    #[n(4)]
    Account(#[n(0)] u64, #[n(1)] u64),
    #[n(5)]
    Group,
    #[n(6)]
    Notice(
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        Vec<u8>,
    ),
    #[n(7)]
    Everything,
    #[n(8)]
    Department(#[n(0)] u64, #[n(1)] u32),
    #[n(9)]
    Tag(#[n(0)] u64, #[n(1)] u32),
    #[n(10)]
    Token(
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        Vec<u8>,
    ),
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(change: &ChangeRecord) -> Bytes {
    let touched = change.touched.iter().map(|touched| match touched {
        Touched::Tenant(tenant) => V1Touched::Tenant(tenant.0),
        Touched::TenantCounts(tenant) => V1Touched::TenantCounts(tenant.0),
        Touched::Domain(domain) => V1Touched::Domain(domain.as_str().to_owned()),
        Touched::Address(key) => V1Touched::Address(key.clone()),
        Touched::Account { tenant, account } => V1Touched::Account(tenant.0, account.0),
        Touched::Group => V1Touched::Group,
        Touched::Token(hash) => V1Touched::Token(hash.0.to_vec()),
        Touched::Notice(notice) => V1Touched::Notice(notice.to_vec()),
        Touched::Everything => V1Touched::Everything,
        Touched::Department { tenant, department } => V1Touched::Department(tenant.0, department.0),
        Touched::Tag { tenant, tag } => V1Touched::Tag(tenant.0, tag.0),
    });
    let body = V1 {
        by: change.by,
        touched: touched.collect(),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<ChangeRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let touched = body.touched.into_iter().map(|touched| {
        Ok(match touched {
            V1Touched::Tenant(tenant) => Touched::Tenant(TenantId(tenant)),
            V1Touched::TenantCounts(tenant) => Touched::TenantCounts(TenantId(tenant)),
            V1Touched::Domain(name) => Touched::Domain(super::read_domain(&name)?),
            V1Touched::Address(key) => Touched::Address(key),
            V1Touched::Account(tenant, account) => Touched::Account {
                tenant: TenantId(tenant),
                account: AccountId(account),
            },
            V1Touched::Group => Touched::Group,
            V1Touched::Token(hash) => {
                let hash = hash.try_into();
                Touched::Token(TokenHash(
                    hash.map_err(|_| RecordError::Body("hash of a token".to_owned()))?,
                ))
            }
            V1Touched::Notice(notice) => Touched::Notice(notice.into()),
            V1Touched::Everything => Touched::Everything,
            V1Touched::Department(tenant, department) => Touched::Department {
                tenant: TenantId(tenant),
                department: DepartmentId(department),
            },
            V1Touched::Tag(tenant, tag) => Touched::Tag {
                tenant: TenantId(tenant),
                tag: TagId(tag),
            },
        })
    });
    Ok(ChangeRecord {
        by: body.by,
        touched: touched.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let change = ChangeRecord {
            by: 9,
            touched: vec![
                Touched::Tenant(TenantId(3)),
                Touched::TenantCounts(TenantId(3)),
                Touched::Domain(Domain::try_from("a.test").unwrap()),
                Touched::Address("b@a.test".to_owned()),
                Touched::Account {
                    tenant: TenantId(3),
                    account: AccountId(7),
                },
                Touched::Group,
                Touched::Notice(Bytes::from_static(b"n")),
                Touched::Everything,
            ],
        };
        let stored = encode(&change);
        assert_eq!(
            crate::record::hex(&stored),
            "010001820988820081038201810382028166612e74657374820381686240612e746573748204820307820580820681416e820780"
        );
        assert_eq!(decode(&stored), Ok(change));
        let change = ChangeRecord {
            by: 9,
            touched: vec![
                Touched::Department {
                    tenant: TenantId(3),
                    department: DepartmentId(4),
                },
                Touched::Tag {
                    tenant: TenantId(3),
                    tag: TagId(5),
                },
            ],
        };
        let stored = encode(&change);
        assert_eq!(crate::record::hex(&stored), "01000182098282088203048209820305");
        assert_eq!(decode(&stored), Ok(change));
        let change = ChangeRecord {
            by: 9,
            touched: vec![Touched::Token(TokenHash([2; 32]))],
        };
        let stored = encode(&change);
        let hash = "02".repeat(32);
        assert_eq!(crate::record::hex(&stored), format!("010001820981820a815820{hash}"));
        assert_eq!(decode(&stored), Ok(change));
    }
}
