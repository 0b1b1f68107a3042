//! What nodes ask each other about sessions: service 5 of the wire protocol. Enums grow at their end.

use std::net::SocketAddr;

use bytes::Bytes;
use hongyan_transport::NodeId;
use hongyan_transport::codec::{self, CodecError};
use hongyan_types::{AccountId, TenantId};
use serde::{Deserialize, Serialize};

use crate::{Protocol, SessionFilter, SessionId, SessionInfo};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WireFilter {
    All,
    Tenant(u64),
    Account(u64),
    One(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WireProtocol {
    Imap,
    Pop3,
    Submission,
    Http,
    Web,
    Ldap,
    ActiveSync,
}

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Question {
    /// Look at the directory now and end what may not go on.
    Look,
    /// Which sessions are there?
    List {
        filter: WireFilter,
        after: Option<u64>,
        limit: u32,
    },
    /// End these at an operator's wish.
    Revoke { filter: WireFilter },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireSession {
    id: u64,
    tenant: u64,
    account: u64,
    protocol: WireProtocol,
    peer: SocketAddr,
    client: String,
    since_millis: i64,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// So many were told to end.
    Ended(u64),
    /// Those there are.
    Sessions(Vec<WireSession>),
    /// It cannot say now.
    Failed,
    /// It does not know the question: another release.
    Unknown,
}

impl From<SessionFilter> for WireFilter {
    fn from(filter: SessionFilter) -> Self {
        match filter {
            SessionFilter::All => Self::All,
            SessionFilter::Tenant(tenant) => Self::Tenant(tenant.0),
            SessionFilter::Account(account) => Self::Account(account.0),
            SessionFilter::One(id) => Self::One(id.0),
        }
    }
}

impl From<WireFilter> for SessionFilter {
    fn from(filter: WireFilter) -> Self {
        match filter {
            WireFilter::All => Self::All,
            WireFilter::Tenant(tenant) => Self::Tenant(TenantId(tenant)),
            WireFilter::Account(account) => Self::Account(AccountId(account)),
            WireFilter::One(id) => Self::One(SessionId(id)),
        }
    }
}

impl WireSession {
    pub(crate) fn of(session: SessionInfo) -> Self {
        Self {
            id: session.id.0,
            tenant: session.tenant.0,
            account: session.account.0,
            protocol: match session.protocol {
                Protocol::Imap => WireProtocol::Imap,
                Protocol::Pop3 => WireProtocol::Pop3,
                Protocol::Submission => WireProtocol::Submission,
                Protocol::Http => WireProtocol::Http,
                Protocol::Web => WireProtocol::Web,
                Protocol::Ldap => WireProtocol::Ldap,
                Protocol::ActiveSync => WireProtocol::ActiveSync,
            },
            peer: session.peer,
            client: session.client,
            since_millis: session.since_millis,
        }
    }
    pub(crate) fn on(self, node: NodeId) -> SessionInfo {
        SessionInfo {
            id: SessionId(self.id),
            node: Some(node),
            tenant: TenantId(self.tenant),
            account: AccountId(self.account),
            protocol: match self.protocol {
                WireProtocol::Imap => Protocol::Imap,
                WireProtocol::Pop3 => Protocol::Pop3,
                WireProtocol::Submission => Protocol::Submission,
                WireProtocol::Http => Protocol::Http,
                WireProtocol::Web => Protocol::Web,
                WireProtocol::Ldap => Protocol::Ldap,
                WireProtocol::ActiveSync => Protocol::ActiveSync,
            },
            peer: self.peer,
            client: self.client,
            since_millis: self.since_millis,
        }
    }
}

pub(crate) fn encode(value: &impl Serialize) -> Bytes {
    // Plain numbers and text: it can always be written. What is empty is no answer to anybody.
    codec::encode(value).unwrap_or_default()
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    codec::decode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, expect: &str) {
        let bytes = encode(value);
        let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, expect);
        assert_eq!(&decode::<T>(&bytes).unwrap(), value);
        assert!(bytes.is_empty() || decode::<T>(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn recorded_bytes() {
        check(&Question::Look, "00");
        let list = |filter, after| Question::List {
            filter,
            after,
            limit: 100,
        };
        check(&list(WireFilter::All, None), "01000064");
        check(&list(WireFilter::Tenant(3), Some(9)), "010103010964");
        check(&list(WireFilter::Account(7), None), "0102070064");
        check(
            &Question::Revoke {
                filter: WireFilter::One(9),
            },
            "020309",
        );
        let session = |protocol, peer: &str| WireSession {
            id: 9,
            tenant: 3,
            account: 7,
            protocol,
            peer: peer.parse().unwrap(),
            client: "Reader".to_owned(),
            since_millis: 1_000,
        };
        check(&Answer::Ended(2), "0002");
        check(
            &Answer::Sessions(vec![
                session(WireProtocol::Imap, "192.0.2.1:4711"),
                session(WireProtocol::Pop3, "[2001:db8::1]:4711"),
                session(WireProtocol::Submission, "192.0.2.1:1"),
            ]),
            "01030903070000c0000201fb671206526561646572fbd007090307010120010db8000000000000000000000001fb671206526561646572fbd0070903070200c00002010106526561646572fbd007",
        );
        check(
            &Answer::Sessions(vec![session(WireProtocol::Ldap, "192.0.2.1:1")]),
            "01010903070500c00002010106526561646572fbd007",
        );
        check(&Answer::Failed, "02");
        check(&Answer::Unknown, "03");
    }
}
