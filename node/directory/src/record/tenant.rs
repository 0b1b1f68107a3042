//! One tenant, at ("dir", "tenant", tenant).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Domain, TenantId, Timestamp};
use minicbor::{Decode, Encode};

use crate::record::account::{AccountSettings, SettingsV1};
use crate::record::language::Language;
use crate::record::read_domain;
use crate::{Etag, MxElsewhere, Restrictions};

/// Whether a tenant's people may work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantState {
    /// Everything works.
    Active,
    /// No sign-in, no mail taken.
    Suspended,
}

/// How many of each kind a tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TenantCounts {
    /// Accounts, suspended ones too.
    pub accounts: u64,
    /// Domains.
    pub domains: u64,
    /// Groups.
    pub groups: u64,
    /// Departments.
    pub departments: u64,
    /// Tags.
    pub tags: u64,
}

/// One customer organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantRecord {
    /// Its identifier.
    pub id: TenantId,
    /// Its name, unique without regard to case.
    pub name: String,
    /// Whether its people may work.
    pub state: TenantState,
    /// When it was made.
    pub created: Timestamp,
    /// Who gets `postmaster@` of its domains when no account has that address.
    pub postmaster: Option<AccountId>,
    /// Own limit of accounts.
    pub accounts_max: Option<u64>,
    /// Own limit of aliases an account.
    pub aliases_per_account_max: Option<u32>,
    /// What new accounts start with.
    pub account_settings: AccountSettings,
    /// Present use.
    pub counts: TenantCounts,
    /// The language the system writes to its accounts in; `None` is English.
    pub language: Option<Language>,
    /// The one administrator with every right; none until there is an administrator.
    pub creator: Option<AccountId>,
    /// Where new addresses are made when no domain is said (DOM-9).
    pub default_domain: Option<Domain>,
    /// What the operator has stopped (ORG-16).
    pub restricted: Restrictions,
    /// When its service ends (ORG-15).
    pub service_until: Option<Timestamp>,
    /// When it has ended.
    pub ended: Option<Timestamp>,
    /// Until when the operator has found it to be real (ORG-4).
    pub verified_until: Option<Timestamp>,
    /// What follows when its mail goes elsewhere (ORG-15).
    pub mx_elsewhere: MxElsewhere,
}

impl TenantRecord {
    /// Changes whenever the tenant does; the numbers of what it owns are no part of that.
    #[must_use]
    pub fn etag(&self) -> Etag {
        Etag::of(&encode(&Self {
            counts: TenantCounts::default(),
            ..self.clone()
        }))
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    name: String,
    #[n(1)]
    suspended: bool,
    #[n(2)]
    created_millis: i64,
    #[n(3)]
    postmaster: Option<u64>,
    #[n(4)]
    accounts_max: Option<u64>,
    #[n(5)]
    aliases_per_account_max: Option<u32>,
    #[n(6)]
    account_settings: SettingsV1,
    #[n(7)]
    accounts: u64,
    #[n(8)]
    domains: u64,
    #[n(9)]
    groups: u64,
    /// Absent in what was written before there was one.
    #[n(10)]
    language: Option<String>,
    #[n(11)]
    creator: Option<u64>,
    #[n(12)]
    departments: Option<u64>,
    #[n(13)]
    tags: Option<u64>,
    #[n(14)]
    default_domain: Option<String>,
    #[n(15)]
    restricted: Option<u8>,
    #[n(16)]
    service_until_millis: Option<i64>,
    #[n(17)]
    ended_millis: Option<i64>,
    #[n(18)]
    verified_until_millis: Option<i64>,
    #[n(19)]
    mx_elsewhere: Option<u8>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(tenant: &TenantRecord) -> Bytes {
    let body = V1 {
        name: tenant.name.clone(),
        suspended: tenant.state == TenantState::Suspended,
        created_millis: tenant.created.millis,
        postmaster: tenant.postmaster.map(|account| account.0),
        accounts_max: tenant.accounts_max,
        aliases_per_account_max: tenant.aliases_per_account_max,
        account_settings: SettingsV1::from(&tenant.account_settings),
        accounts: tenant.counts.accounts,
        domains: tenant.counts.domains,
        groups: tenant.counts.groups,
        language: tenant.language.map(|language| language.tag().to_owned()),
        creator: tenant.creator.map(|account| account.0),
        departments: Some(tenant.counts.departments).filter(|count| *count > 0),
        tags: Some(tenant.counts.tags).filter(|count| *count > 0),
        default_domain: tenant.default_domain.as_ref().map(|domain| domain.as_str().to_owned()),
        restricted: Some(tenant.restricted.bits()).filter(|bits| *bits > 0),
        service_until_millis: tenant.service_until.map(|at| at.millis),
        ended_millis: tenant.ended.map(|at| at.millis),
        verified_until_millis: tenant.verified_until.map(|at| at.millis),
        mx_elsewhere: tenant.mx_elsewhere.code(),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(id: TenantId, stored: &[u8]) -> Result<TenantRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(TenantRecord {
        id,
        name: body.name,
        state: if body.suspended {
            TenantState::Suspended
        } else {
            TenantState::Active
        },
        created: Timestamp {
            millis: body.created_millis,
        },
        postmaster: body.postmaster.map(AccountId),
        accounts_max: body.accounts_max,
        aliases_per_account_max: body.aliases_per_account_max,
        account_settings: AccountSettings::from(&body.account_settings),
        counts: TenantCounts {
            accounts: body.accounts,
            domains: body.domains,
            groups: body.groups,
            departments: body.departments.unwrap_or(0),
            tags: body.tags.unwrap_or(0),
        },
        language: Language::stored(body.language.as_deref()),
        creator: body.creator.map(AccountId),
        default_domain: body.default_domain.as_deref().map(read_domain).transpose()?,
        restricted: Restrictions::of_bits(body.restricted.unwrap_or(0)),
        service_until: body.service_until_millis.map(|millis| Timestamp { millis }),
        ended: body.ended_millis.map(|millis| Timestamp { millis }),
        verified_until: body.verified_until_millis.map(|millis| Timestamp { millis }),
        mx_elsewhere: MxElsewhere::of_code(body.mx_elsewhere),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let tenant = TenantRecord {
            id: TenantId(3),
            name: "Acme".to_owned(),
            state: TenantState::Suspended,
            created: Timestamp { millis: 1_000 },
            postmaster: Some(AccountId(9)),
            accounts_max: Some(10),
            aliases_per_account_max: None,
            account_settings: AccountSettings::default(),
            counts: TenantCounts {
                accounts: 1,
                domains: 2,
                groups: 3,
                ..TenantCounts::default()
            },
            language: None,
            creator: None,
            default_domain: None,
            restricted: Restrictions::default(),
            service_until: None,
            ended: None,
            verified_until: None,
            mx_elsewhere: MxElsewhere::Off,
        };
        let stored = encode(&tenant);
        assert_eq!(
            crate::record::hex(&stored),
            "0100018a6441636d65f51903e8090af689f5f5f50001f5f5f4f5010203"
        );
        assert_eq!(decode(TenantId(3), &stored).as_ref(), Ok(&tenant));
        let chinese = TenantRecord {
            language: Some(Language::Chinese),
            ..tenant
        };
        let stored = encode(&chinese);
        assert_eq!(
            crate::record::hex(&stored),
            "0100018b6441636d65f51903e8090af689f5f5f50001f5f5f4f5010203657a682d434e"
        );
        assert_eq!(decode(TenantId(3), &stored).as_ref(), Ok(&chinese));
        let grown = TenantRecord {
            creator: Some(AccountId(9)),
            counts: TenantCounts {
                departments: 4,
                tags: 5,
                ..chinese.counts
            },
            ..chinese
        };
        let stored = encode(&grown);
        assert!(crate::record::hex(&stored).ends_with("657a682d434e090405"));
        assert_eq!(decode(TenantId(3), &stored).as_ref(), Ok(&grown));
        let named = TenantRecord {
            default_domain: Some(Domain::try_from("a.test").unwrap()),
            ..grown
        };
        let stored = encode(&named);
        assert!(crate::record::hex(&stored).ends_with("657a682d434e09040566612e74657374"));
        assert_eq!(decode(TenantId(3), &stored).as_ref(), Ok(&named));
        let ended = TenantRecord {
            restricted: Restrictions {
                sending: true,
                sending_outside: false,
            },
            service_until: Some(Timestamp { millis: 2_000 }),
            ended: Some(Timestamp { millis: 2_001 }),
            verified_until: Some(Timestamp { millis: 3_000 }),
            ..named
        };
        let stored = encode(&ended);
        assert!(crate::record::hex(&stored).ends_with("66612e74657374011907d01907d1190bb8"));
        assert_eq!(decode(TenantId(3), &stored).as_ref(), Ok(&ended));
        let counted = TenantRecord {
            mx_elsewhere: MxElsewhere::Purge,
            ..ended
        };
        let stored = encode(&counted);
        assert!(crate::record::hex(&stored).ends_with("66612e74657374011907d01907d1190bb802"));
        assert_eq!(decode(TenantId(3), &stored), Ok(counted));
    }
}
