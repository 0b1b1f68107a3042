//! One migration, at ("migration", "task", migration).

use bytes::Bytes;
use hongyan_audit::{Author, AuthorKind};
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, TenantId, Timestamp};
use minicbor::{Decode, Encode};

use super::{at, place};
use crate::{MigrationId, Protocol, Source, Tls};

/// How far a migration is (MIG-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationState {
    /// It moves what can be moved.
    Moving,
    /// Someone stopped it for a while.
    Paused,
    /// It is over; what was moved stays.
    Ended,
}

impl MigrationState {
    /// Its word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Moving => "moving",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }
}

/// How an administrator's account of the source names the account that it reads (MIG-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delegation {
    /// SASL PLAIN with the account as the identity to act as (RFC 4616).
    Authzid,
    /// LOGIN `administrator\account`, as Exchange has it.
    Backslash,
    /// LOGIN `account*administrator`, as Dovecot has it.
    Star,
}

impl Delegation {
    /// Its word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Authzid => "authzid",
            Self::Backslash => "backslash",
            Self::Star => "star",
        }
    }
}

/// A migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its identifier.
    pub id: MigrationId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Who asked for it.
    pub author: Author,
    /// How far it is.
    pub state: MigrationState,
    /// Where mail comes from.
    pub source: Source,
    /// The domain of the addresses there.
    pub source_domain: String,
    /// The domain here whose accounts get it.
    pub target_domain: String,
    /// The administrator's account of the source that reads all others, if there is one.
    pub delegated: Option<(String, Delegation)>,
    /// Accounts that come while passwords are taken are taken in too (MIG-1).
    pub takes_new: bool,
    /// Members are told by mail when they are taken in (MIG-4).
    pub tells: bool,
    /// When it was asked for.
    pub created: Timestamp,
    /// Until when accounts and passwords are taken.
    pub accepts_until: Timestamp,
    /// When it came to its end.
    pub ended: Option<Timestamp>,
    /// The last account that was looked at, to be taken in or not.
    pub enrolled: AccountId,
    /// All accounts that there were at the beginning have been looked at.
    pub is_enrolled: bool,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    tenant: u64,
    #[n(1)]
    author: (u8, Option<u64>, String, String),
    #[n(2)]
    state: u8,
    #[n(3)]
    source: (u8, String, u16, u8),
    #[n(4)]
    source_domain: String,
    #[n(5)]
    target_domain: String,
    #[n(6)]
    delegated: Option<(String, u8)>,
    #[n(7)]
    takes_new: bool,
    #[n(8)]
    tells: bool,
    #[n(9)]
    created_millis: i64,
    #[n(10)]
    accepts_until_millis: i64,
    #[n(11)]
    ended_millis: Option<i64>,
    #[n(12)]
    enrolled: u64,
    #[n(13)]
    is_enrolled: bool,
}

enum Stored {
    V1(V1),
}

const STATES: [MigrationState; 3] = [MigrationState::Moving, MigrationState::Paused, MigrationState::Ended];
const AUTHORS: [AuthorKind; 4] = [
    AuthorKind::System,
    AuthorKind::Operator,
    AuthorKind::Member,
    AuthorKind::Token,
];
const PROTOCOLS: [Protocol; 2] = [Protocol::Imap, Protocol::Pop3];
const TLS: [Tls; 3] = [Tls::Implicit, Tls::Upgrade, Tls::None];
const DELEGATIONS: [Delegation; 3] = [Delegation::Authzid, Delegation::Backslash, Delegation::Star];

pub(crate) fn encode(migration: &Migration) -> Bytes {
    let (author, source) = (&migration.author, &migration.source);
    let body = V1 {
        tenant: migration.tenant.0,
        author: (
            place(&AUTHORS, &author.kind),
            author.id,
            author.name.clone(),
            author.from.clone(),
        ),
        state: place(&STATES, &migration.state),
        source: (
            place(&PROTOCOLS, &source.protocol),
            source.host.clone(),
            source.port,
            place(&TLS, &source.tls),
        ),
        source_domain: migration.source_domain.clone(),
        target_domain: migration.target_domain.clone(),
        delegated: migration
            .delegated
            .as_ref()
            .map(|(login, form)| (login.clone(), place(&DELEGATIONS, form))),
        takes_new: migration.takes_new,
        tells: migration.tells,
        created_millis: migration.created.millis,
        accepts_until_millis: migration.accepts_until.millis,
        ended_millis: migration.ended.map(|ended| ended.millis),
        enrolled: migration.enrolled.0,
        is_enrolled: migration.is_enrolled,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(id: MigrationId, stored: &[u8]) -> Result<Migration, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let (kind, author, name, from) = body.author;
    let (protocol, host, port, tls) = body.source;
    let delegated = body.delegated.map(|(login, form)| Ok((login, at(&DELEGATIONS, form)?)));
    Ok(Migration {
        id,
        tenant: TenantId(body.tenant),
        author: Author {
            kind: at(&AUTHORS, kind)?,
            id: author,
            name,
            from,
        },
        state: at(&STATES, body.state)?,
        source: Source {
            protocol: at(&PROTOCOLS, protocol)?,
            host,
            port,
            tls: at(&TLS, tls)?,
        },
        source_domain: body.source_domain,
        target_domain: body.target_domain,
        delegated: delegated.transpose()?,
        takes_new: body.takes_new,
        tells: body.tells,
        created: Timestamp {
            millis: body.created_millis,
        },
        accepts_until: Timestamp {
            millis: body.accepts_until_millis,
        },
        ended: body.ended_millis.map(|millis| Timestamp { millis }),
        enrolled: AccountId(body.enrolled),
        is_enrolled: body.is_enrolled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let migration = Migration {
            id: MigrationId(5),
            tenant: TenantId(3),
            author: Author {
                kind: AuthorKind::Member,
                id: Some(7),
                name: "a".to_owned(),
                from: "::1".to_owned(),
            },
            state: MigrationState::Paused,
            source: Source {
                protocol: Protocol::Imap,
                host: "h".to_owned(),
                port: 993,
                tls: Tls::Implicit,
            },
            source_domain: "s".to_owned(),
            target_domain: "t".to_owned(),
            delegated: Some(("b".to_owned(), Delegation::Star)),
            takes_new: true,
            tells: false,
            created: Timestamp { millis: 1 },
            accepts_until: Timestamp { millis: 2 },
            ended: None,
            enrolled: AccountId(9),
            is_enrolled: true,
        };
        let stored = encode(&migration);
        assert_eq!(
            crate::record::hex(&stored),
            "0100018e0384020761 61633a3a31018400 6168 1903e100 6173 6174 82616202 f5f4 0102 f609f5".replace(' ', "")
        );
        assert_eq!(decode(MigrationId(5), &stored), Ok(migration));
    }
}
