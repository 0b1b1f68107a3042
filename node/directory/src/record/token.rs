//! One token of a program, at ("dir", "token", token). Its text is not kept: who shows it is found by its hash, at
//! ("dir", "token-hash", hash).

use std::collections::BTreeSet;

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Network, TenantId, Timestamp};
use minicbor::{Decode, Encode};

/// A token; never 0, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub u64);

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// BLAKE3 over a token's text, which is random and long: no slower hash is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// In whose name a token acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOwner {
    /// In the operator's.
    Operator,
    /// In a member's, who may do no more than it may.
    Account {
        /// Whose member.
        tenant: TenantId,
        /// The member.
        account: AccountId,
    },
}

impl TokenOwner {
    /// The tenant whose token it is.
    #[must_use]
    pub fn tenant(self) -> Option<TenantId> {
        match self {
            Self::Operator => None,
            Self::Account { tenant, .. } => Some(tenant),
        }
    }
}

/// What a program proves itself with (API).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its identifier.
    pub id: TokenId,
    /// In whose name it acts.
    pub owner: TokenOwner,
    /// What it is for, for people.
    pub name: String,
    /// What it may be used for, such as `members:read`.
    pub scopes: BTreeSet<String>,
    /// Where it may be used; everywhere, when there is none.
    pub networks: Vec<Network>,
    /// When it was made, or its text last replaced.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// Who shows a text with this hash has it.
    pub hash: TokenHash,
}

impl TokenRecord {
    /// Whether it is over.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    name: String,
    #[n(1)]
    tenant: Option<u64>,
    #[n(2)]
    account: Option<u64>,
    #[n(3)]
    scopes: Vec<String>,
    #[n(4)]
    networks: Vec<String>,
    #[n(5)]
    created_millis: i64,
    #[n(6)]
    expires_millis: Option<i64>,
    #[cbor(n(7), with = "minicbor::bytes")]
    hash: Vec<u8>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(token: &TokenRecord) -> Bytes {
    let (tenant, account) = match token.owner {
        TokenOwner::Operator => (None, None),
        TokenOwner::Account { tenant, account } => (Some(tenant.0), Some(account.0)),
    };
    let body = V1 {
        name: token.name.clone(),
        tenant,
        account,
        scopes: token.scopes.iter().cloned().collect(),
        networks: token.networks.iter().map(ToString::to_string).collect(),
        created_millis: token.created.millis,
        expires_millis: token.expires.map(|expires| expires.millis),
        hash: token.hash.0.to_vec(),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(id: TokenId, stored: &[u8]) -> Result<TokenRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let corrupt = |what: &str| RecordError::Body(what.to_owned());
    let networks = body.networks.iter().map(|text| text.parse());
    Ok(TokenRecord {
        id,
        owner: match (body.tenant, body.account) {
            (Some(tenant), Some(account)) => TokenOwner::Account {
                tenant: TenantId(tenant),
                account: AccountId(account),
            },
            _ => TokenOwner::Operator,
        },
        name: body.name,
        scopes: body.scopes.into_iter().collect(),
        networks: networks
            .collect::<Result<_, _>>()
            .map_err(|_| corrupt("network of a token"))?,
        created: Timestamp {
            millis: body.created_millis,
        },
        expires: body.expires_millis.map(|millis| Timestamp { millis }),
        hash: TokenHash(body.hash.try_into().map_err(|_| corrupt("hash of a token"))?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let token = TokenRecord {
            id: TokenId(4),
            owner: TokenOwner::Account {
                tenant: TenantId(3),
                account: AccountId(7),
            },
            name: "sync".to_owned(),
            scopes: BTreeSet::from(["members:read".to_owned()]),
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            created: Timestamp { millis: 1_000 },
            expires: Some(Timestamp { millis: 2_000 }),
            hash: TokenHash([1; 32]),
        };
        let stored = encode(&token);
        let hash = "01".repeat(32);
        assert_eq!(
            crate::record::hex(&stored),
            format!("010001886473796e630307816c6d656d626572733a72656164816a31302e302e302e302f381903e81907d05820{hash}")
        );
        assert_eq!(decode(TokenId(4), &stored).as_ref(), Ok(&token));
        let operators = TokenRecord {
            owner: TokenOwner::Operator,
            expires: None,
            ..token
        };
        assert_eq!(decode(TokenId(4), &encode(&operators)), Ok(operators));
    }
}
