//! How a tenant lets its accounts sign in, at ("dir", "sign-in-policy", tenant) (LGN-1, LGN-8 to LGN-10, LGN-12). Kept to by
//! `node/access`.

use std::collections::BTreeSet;

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, AddressRanges, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::record::{protocols, read_protocols, read_ranges};
use crate::{DepartmentId, Etag, Protocol};

/// Of whom a second factor is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// Those with a role.
    Administrators,
    /// All members.
    Everyone,
}

/// A second factor is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactorRule {
    /// Of whom.
    pub of: Demand,
    /// Since when; a member who came later has the days from then.
    pub since: Timestamp,
    /// Days in which to set one up.
    pub grace_days: u32,
}

/// How a tenant lets its accounts sign in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignInPolicy {
    /// The ways in that are closed to all members; the web stays open to administrators.
    pub closed: BTreeSet<Protocol>,
    /// Those of [`Protocol::CLOSED_AT_FIRST`] that members may use.
    pub opened: BTreeSet<Protocol>,
    /// From where one signs in; from anywhere when there are none.
    pub networks: AddressRanges,
    /// From where those with a role sign in, whatever else is said.
    pub administrator_networks: AddressRanges,
    /// Accounts to which `networks` do not apply.
    pub exempt_accounts: BTreeSet<AccountId>,
    /// Departments, with all below them, to whose members `networks` do not apply.
    pub exempt_departments: BTreeSet<DepartmentId>,
    /// Whether and of whom a second factor is demanded.
    pub second_factor: Option<SecondFactorRule>,
    /// Whether clients of all members need an app password (LGN-12).
    pub secure_login: bool,
    /// Where signing out leads, a URL below a domain of the tenant (LGN-10).
    pub exit_page: Option<String>,
}

impl SignInPolicy {
    /// Changes whenever the policy does.
    #[must_use]
    pub fn etag(&self) -> Etag {
        Etag::of(&encode(self))
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    closed: Vec<u8>,
    #[n(1)]
    networks: Vec<String>,
    #[n(2)]
    administrator_networks: Vec<String>,
    #[n(3)]
    exempt_accounts: Vec<u64>,
    #[n(4)]
    exempt_departments: Vec<u32>,
    #[n(5)]
    second_factor: Option<SecondFactorV1>,
    #[n(6)]
    secure_login: bool,
    #[n(7)]
    exit_page: Option<String>,
    /// Absent unless there are some.
    #[n(8)]
    opened: Option<Vec<u8>>,
}

#[derive(Encode, Decode)]
struct SecondFactorV1 {
    #[n(0)]
    everyone: bool,
    #[n(1)]
    since_millis: i64,
    #[n(2)]
    grace_days: u32,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(policy: &SignInPolicy) -> Bytes {
    let body = V1 {
        closed: protocols(&policy.closed),
        networks: policy.networks.entries(),
        administrator_networks: policy.administrator_networks.entries(),
        exempt_accounts: policy.exempt_accounts.iter().map(|account| account.0).collect(),
        exempt_departments: policy
            .exempt_departments
            .iter()
            .map(|department| department.0)
            .collect(),
        second_factor: policy.second_factor.map(|rule| SecondFactorV1 {
            everyone: rule.of == Demand::Everyone,
            since_millis: rule.since.millis,
            grace_days: rule.grace_days,
        }),
        secure_login: policy.secure_login,
        exit_page: policy.exit_page.clone(),
        opened: (!policy.opened.is_empty()).then(|| protocols(&policy.opened)),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<SignInPolicy, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(SignInPolicy {
        closed: read_protocols(body.closed),
        opened: read_protocols(body.opened.unwrap_or_default()),
        networks: read_ranges(&body.networks)?,
        administrator_networks: read_ranges(&body.administrator_networks)?,
        exempt_accounts: body.exempt_accounts.into_iter().map(AccountId).collect(),
        exempt_departments: body.exempt_departments.into_iter().map(DepartmentId).collect(),
        second_factor: body.second_factor.map(|rule| SecondFactorRule {
            of: if rule.everyone {
                Demand::Everyone
            } else {
                Demand::Administrators
            },
            since: Timestamp {
                millis: rule.since_millis,
            },
            grace_days: rule.grace_days,
        }),
        secure_login: body.secure_login,
        exit_page: body.exit_page,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let ranges = |entries: &[&str]| AddressRanges::read(entries).unwrap().0;
        let policy = SignInPolicy {
            closed: BTreeSet::from([Protocol::Pop3, Protocol::Web]),
            opened: BTreeSet::new(),
            networks: ranges(&["10.0.0.0/8"]),
            administrator_networks: ranges(&["::1"]),
            exempt_accounts: BTreeSet::from([AccountId(7)]),
            exempt_departments: BTreeSet::from([DepartmentId(5)]),
            second_factor: Some(SecondFactorRule {
                of: Demand::Everyone,
                since: Timestamp { millis: 1_000 },
                grace_days: 7,
            }),
            secure_login: true,
            exit_page: None,
        };
        let stored = encode(&policy);
        assert_eq!(
            crate::record::hex(&stored),
            "010001878201 04816a31302e302e302e302f3881633a3a3181078105 83f51903e807f5".replace(' ', "")
        );
        assert_eq!(decode(&stored).as_ref(), Ok(&policy));
        let leading = SignInPolicy {
            exit_page: Some("https://a.test/".to_owned()),
            ..policy
        };
        let stored = encode(&leading);
        let hex = crate::record::hex(&stored);
        assert!(
            hex.starts_with("01000188") && hex.ends_with("f56f68747470733a2f2f612e746573742f"),
            "{hex}"
        );
        assert_eq!(decode(&stored), Ok(leading));
        let none = SignInPolicy::default();
        assert_eq!(decode(&encode(&none)), Ok(none));
    }
}
