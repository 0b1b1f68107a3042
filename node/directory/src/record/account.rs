//! One account, at ("dir", "account", tenant, account).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Address, TenantId, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::record::language::Language;
use crate::record::plan::{read_limits, stored_limits};
use crate::record::profile::ProfileV1;
use crate::record::read_address;
use crate::record::role::RoleV1;
use crate::{DepartmentId, Etag, Limits, Profile, Restrictions, Role, TagId};

/// Whether an account works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccountState {
    /// Signs in and gets mail.
    Active,
    /// Neither, by order of the operator (ORG-16); the mail it has stays.
    Suspended,
    /// Gets mail; its person has not come yet.
    Invited,
    /// Neither, as its administrators want (MEM-15); the mail it has stays.
    Disabled,
}

impl AccountState {
    /// Whether mail is taken for it.
    #[must_use]
    pub fn takes_mail(self) -> bool {
        matches!(self, Self::Active | Self::Invited)
    }
    fn code(self) -> Option<u8> {
        match self {
            Self::Active | Self::Suspended => None,
            Self::Invited => Some(1),
            Self::Disabled => Some(2),
        }
    }
    /// `suspended` is all that the first releases knew.
    fn stored(suspended: bool, code: Option<u8>) -> Self {
        match (code, suspended) {
            (Some(1), false) => Self::Invited,
            (Some(2), true) => Self::Disabled,
            (_, true) => Self::Suspended,
            (_, false) => Self::Active,
        }
    }
}

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    /// A person.
    #[default]
    Member,
    /// A mailbox that several people use (SBX-1).
    Shared,
}

/// What a member's place in the plan includes (PLAN-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Seat {
    /// What every member has.
    #[default]
    Standard,
    /// Everything (PLAN-3).
    Advanced,
}

/// How far back clients may fetch (ACC-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FetchRange {
    /// 7 days.
    Week,
    /// 14 days.
    TwoWeeks,
    /// 30 days.
    Month,
    /// 90 days.
    ThreeMonths,
    /// 365 days.
    Year,
    /// 730 days.
    TwoYears,
    /// No limit.
    All,
}

impl FetchRange {
    /// Days back from now, or `None` for all.
    #[must_use]
    pub fn days(self) -> Option<u32> {
        match self {
            Self::Week => Some(7),
            Self::TwoWeeks => Some(14),
            Self::Month => Some(30),
            Self::ThreeMonths => Some(90),
            Self::Year => Some(365),
            Self::TwoYears => Some(730),
            Self::All => None,
        }
    }
    /// The oldest moment fetched when it is `now`, or `None` for all.
    #[must_use]
    pub fn since(self, now: Timestamp) -> Option<Timestamp> {
        let days = self.days()?;
        Some(Timestamp {
            millis: now.millis.saturating_sub(i64::from(days) * 86_400_000),
        })
    }
    fn code(self) -> u8 {
        match self {
            Self::All => 0,
            Self::Week => 1,
            Self::TwoWeeks => 2,
            Self::Month => 3,
            Self::ThreeMonths => 4,
            Self::Year => 5,
            Self::TwoYears => 6,
        }
    }
    fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Week,
            2 => Self::TwoWeeks,
            3 => Self::Month,
            4 => Self::ThreeMonths,
            5 => Self::Year,
            6 => Self::TwoYears,
            _ => Self::All,
        }
    }
}

/// Room in a mailbox; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Octets of mail.
    pub octets_max: Option<u64>,
    /// Number of messages.
    pub messages_max: Option<u64>,
}

/// What an account may do with mail clients (ACC-10 to ACC-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSettings {
    /// May use IMAP.
    pub imap: bool,
    /// May use POP3.
    pub pop3: bool,
    /// May send with clients (submission).
    pub submission: bool,
    /// What IMAP clients see.
    pub imap_range: FetchRange,
    /// What POP3 clients see.
    pub pop_range: FetchRange,
    /// Whether a POP3 client's DELE removes the message (ACC-12: off keeps it).
    pub pop_clients_may_delete: bool,
    /// Whether POP3 offers the account's own folders beside Inbox (ACC-11).
    pub pop_own_folders: bool,
    /// Whether POP3 offers Junk (ACC-11).
    pub pop_junk: bool,
    /// Whether mail sent with clients is kept in Sent (ACC-13).
    pub keep_sent: bool,
    /// Whether it may get back mail that it has deleted for good (MEM-21, RS-12).
    pub recover_deleted: bool,
    /// May use ActiveSync, where its organisation has opened it (ACC-4).
    pub active_sync: bool,
    /// Whether ActiveSync offers the account's own folders beside those of every mailbox (ACC-11).
    pub active_sync_own_folders: bool,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            imap: true,
            pop3: true,
            submission: true,
            imap_range: FetchRange::All,
            pop_range: FetchRange::Week,
            pop_clients_may_delete: true,
            pop_own_folders: true,
            pop_junk: false,
            keep_sent: true,
            recover_deleted: true,
            active_sync: true,
            active_sync_own_folders: true,
        }
    }
}

/// Who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its identifier.
    pub id: AccountId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Whether it works.
    pub state: AccountState,
    /// Its main address, also its login name.
    pub address: Address,
    /// Its other addresses; each is also a login name.
    pub aliases: Vec<Address>,
    /// The person's name.
    pub display_name: String,
    /// What it is for.
    pub kind: AccountKind,
    /// What it may do for its tenant.
    pub role: Option<Role>,
    /// Its person's data.
    pub profile: Profile,
    /// Where it belongs; none is the organisation itself. The first is its main one.
    pub departments: Vec<DepartmentId>,
    /// The tags it bears itself.
    pub tags: Vec<TagId>,
    /// Its place in the plan.
    pub seat: Seat,
    /// Room in its mailbox.
    pub quota: Quota,
    /// What it may do with mail clients.
    pub settings: AccountSettings,
    /// When it was made.
    pub created: Timestamp,
    /// The language the system writes to it in; `None` is the tenant's.
    pub language: Option<Language>,
    /// Limits that administrators set for it alone, tighter than its organisation's.
    pub limits: Limits,
    /// What the operator has stopped (ORG-16).
    pub restricted: Restrictions,
    /// Whether its main address was made up by the system and may be changed once (MEM-1, MEM-11).
    pub address_made_up: bool,
    /// How often it went from one person to another (MEM-13).
    pub handovers: u32,
}

impl AccountRecord {
    /// What other systems know its person by: never that of another, also when the mailbox is given to somebody else
    /// (OpenID Connect Core §2, `sub`; SAML 2.0 Core §8.3.7).
    #[must_use]
    pub fn subject(&self) -> String {
        match self.handovers {
            0 => self.id.0.to_string(),
            handovers => format!("{}-{handovers}", self.id.0),
        }
    }
    /// The account that [`Self::subject`] of one of its persons names; nothing for what is no such text.
    #[must_use]
    pub fn named_by(subject: &str) -> Option<AccountId> {
        let account = subject.split_once('-').map_or(subject, |(account, _)| account);
        account.parse().ok().map(AccountId)
    }
    /// Changes whenever the account does; its password is no part of that.
    #[must_use]
    pub fn etag(&self) -> Etag {
        Etag::of(&encode(self))
    }
    /// The main address, then the aliases.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        std::iter::once(&self.address).chain(&self.aliases)
    }
    /// Whether the account may send as `address`: one of its own, with or without a detail (`user+detail@`).
    #[must_use]
    pub fn owns(&self, address: &Address) -> bool {
        let (key, base) = (address.key(), address.split_detail('+').0.key());
        self.addresses().any(|own| {
            let own = own.key();
            own == key || own == base
        })
    }
}

#[derive(Encode, Decode)]
pub(crate) struct SettingsV1 {
    #[n(0)]
    imap: bool,
    #[n(1)]
    pop3: bool,
    #[n(2)]
    submission: bool,
    #[n(3)]
    imap_range: u8,
    #[n(4)]
    pop_range: u8,
    #[n(5)]
    pop_clients_may_delete: bool,
    #[n(6)]
    pop_own_folders: bool,
    #[n(7)]
    pop_junk: bool,
    #[n(8)]
    keep_sent: bool,
    /// Absent unless it is off.
    #[n(9)]
    recover_deleted: Option<bool>,
    /// Absent unless it is off.
    #[n(10)]
    active_sync: Option<bool>,
    /// Absent unless it is off.
    #[n(11)]
    active_sync_own_folders: Option<bool>,
}

impl From<&AccountSettings> for SettingsV1 {
    fn from(settings: &AccountSettings) -> Self {
        Self {
            imap: settings.imap,
            pop3: settings.pop3,
            submission: settings.submission,
            imap_range: settings.imap_range.code(),
            pop_range: settings.pop_range.code(),
            pop_clients_may_delete: settings.pop_clients_may_delete,
            pop_own_folders: settings.pop_own_folders,
            pop_junk: settings.pop_junk,
            keep_sent: settings.keep_sent,
            recover_deleted: (!settings.recover_deleted).then_some(false),
            active_sync: (!settings.active_sync).then_some(false),
            active_sync_own_folders: (!settings.active_sync_own_folders).then_some(false),
        }
    }
}

impl From<&SettingsV1> for AccountSettings {
    fn from(stored: &SettingsV1) -> Self {
        Self {
            imap: stored.imap,
            pop3: stored.pop3,
            submission: stored.submission,
            imap_range: FetchRange::from_code(stored.imap_range),
            pop_range: FetchRange::from_code(stored.pop_range),
            pop_clients_may_delete: stored.pop_clients_may_delete,
            pop_own_folders: stored.pop_own_folders,
            pop_junk: stored.pop_junk,
            keep_sent: stored.keep_sent,
            recover_deleted: stored.recover_deleted != Some(false),
            active_sync: stored.active_sync != Some(false),
            active_sync_own_folders: stored.active_sync_own_folders != Some(false),
        }
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    suspended: bool,
    #[n(1)]
    address: String,
    #[n(2)]
    aliases: Vec<String>,
    #[n(3)]
    display_name: String,
    #[n(4)]
    octets_max: Option<u64>,
    #[n(5)]
    messages_max: Option<u64>,
    #[n(6)]
    settings: SettingsV1,
    #[n(7)]
    created_millis: i64,
    #[n(8)]
    administrator: bool,
    /// Absent in what was written before there was one.
    #[n(9)]
    language: Option<String>,
    #[n(10)]
    state: Option<u8>,
    #[n(11)]
    shared: Option<bool>,
    /// Absent for whoever the first releases called administrator: a super one.
    #[n(12)]
    role: Option<RoleV1>,
    #[n(13)]
    profile: Option<ProfileV1>,
    #[n(14)]
    departments: Option<Vec<u32>>,
    #[n(15)]
    tags: Option<Vec<u32>>,
    #[n(16)]
    advanced: Option<bool>,
    #[n(17)]
    limits: Option<Vec<(u8, u64)>>,
    #[n(18)]
    restricted: Option<u8>,
    #[n(19)]
    address_made_up: Option<bool>,
    #[n(20)]
    handovers: Option<u32>,
}

enum Stored {
    V1(V1),
}

fn some(numbers: impl Iterator<Item = u32>) -> Option<Vec<u32>> {
    let numbers: Vec<u32> = numbers.collect();
    (!numbers.is_empty()).then_some(numbers)
}

pub(crate) fn encode(account: &AccountRecord) -> Bytes {
    let body = V1 {
        suspended: !account.state.takes_mail(),
        address: account.address.to_string(),
        aliases: account.aliases.iter().map(ToString::to_string).collect(),
        display_name: account.display_name.clone(),
        octets_max: account.quota.octets_max,
        messages_max: account.quota.messages_max,
        settings: SettingsV1::from(&account.settings),
        created_millis: account.created.millis,
        administrator: account.role.is_some(),
        language: account.language.map(|language| language.tag().to_owned()),
        state: account.state.code(),
        shared: (account.kind == AccountKind::Shared).then_some(true),
        role: account
            .role
            .as_ref()
            .filter(|role| **role != Role::Super)
            .map(RoleV1::from),
        profile: (account.profile != Profile::default()).then(|| ProfileV1::from(&account.profile)),
        departments: some(account.departments.iter().map(|department| department.0)),
        tags: some(account.tags.iter().map(|tag| tag.0)),
        advanced: (account.seat == Seat::Advanced).then_some(true),
        limits: Some(stored_limits(&account.limits)).filter(|limits| !limits.is_empty()),
        restricted: Some(account.restricted.bits()).filter(|bits| *bits > 0),
        address_made_up: account.address_made_up.then_some(true),
        handovers: Some(account.handovers).filter(|handovers| *handovers > 0),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(tenant: TenantId, id: AccountId, stored: &[u8]) -> Result<AccountRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(AccountRecord {
        id,
        tenant,
        state: AccountState::stored(body.suspended, body.state),
        address: read_address(&body.address)?,
        aliases: body
            .aliases
            .iter()
            .map(|text| read_address(text))
            .collect::<Result<_, _>>()?,
        display_name: body.display_name,
        kind: match body.shared {
            Some(true) => AccountKind::Shared,
            _ => AccountKind::Member,
        },
        role: match body.role {
            Some(role) => Some(role.into()),
            None => body.administrator.then_some(Role::Super),
        },
        profile: body.profile.map(Profile::from).unwrap_or_default(),
        departments: body
            .departments
            .unwrap_or_default()
            .into_iter()
            .map(DepartmentId)
            .collect(),
        tags: body.tags.unwrap_or_default().into_iter().map(TagId).collect(),
        seat: match body.advanced {
            Some(true) => Seat::Advanced,
            _ => Seat::Standard,
        },
        quota: Quota {
            octets_max: body.octets_max,
            messages_max: body.messages_max,
        },
        settings: AccountSettings::from(&body.settings),
        created: Timestamp {
            millis: body.created_millis,
        },
        language: Language::stored(body.language.as_deref()),
        limits: read_limits(&body.limits.unwrap_or_default()),
        restricted: Restrictions::of_bits(body.restricted.unwrap_or(0)),
        address_made_up: body.address_made_up == Some(true),
        handovers: body.handovers.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> AccountRecord {
        AccountRecord {
            id: AccountId(7),
            tenant: TenantId(3),
            state: AccountState::Active,
            address: Address::try_from("Anna@example.test").unwrap(),
            aliases: vec![Address::try_from("a@example.test").unwrap()],
            display_name: "Anna".to_owned(),
            kind: AccountKind::Member,
            role: Some(Role::Super),
            profile: Profile::default(),
            departments: Vec::new(),
            tags: Vec::new(),
            seat: Seat::Standard,
            quota: Quota {
                octets_max: Some(1_000),
                messages_max: None,
            },
            settings: AccountSettings::default(),
            created: Timestamp { millis: 1_000 },
            language: None,
            limits: Limits::new(),
            restricted: Restrictions::default(),
            address_made_up: false,
            handovers: 0,
        }
    }

    #[test]
    fn no_two_persons_of_an_account_have_one_subject() {
        let first = anna();
        let second = AccountRecord { handovers: 1, ..anna() };
        assert_eq!((first.subject(), second.subject()), ("7".to_owned(), "7-1".to_owned()));
        for subject in [first.subject(), second.subject()] {
            assert_eq!(AccountRecord::named_by(&subject), Some(AccountId(7)));
        }
        assert_eq!(AccountRecord::named_by("anna"), None);
        assert_eq!(AccountRecord::named_by(""), None);
    }

    #[test]
    fn golden_bytes() {
        let stored = encode(&anna());
        assert_eq!(
            crate::record::hex(&stored),
            "01000189f471416e6e61406578616d706c652e74657374816e61406578616d706c652e7465737464416e6e611903e8f689f5f5f50001f5f5f4f51903e8f5"
        );
        assert_eq!(decode(TenantId(3), AccountId(7), &stored), Ok(anna()));
    }

    #[test]
    fn golden_bytes_with_a_language() {
        let anna = AccountRecord {
            language: Some(Language::Chinese),
            ..anna()
        };
        let stored = encode(&anna);
        let hex = crate::record::hex(&stored);
        assert!(
            hex.starts_with("0100018a") && hex.ends_with("1903e8f5657a682d434e"),
            "{hex}"
        );
        assert_eq!(decode(TenantId(3), AccountId(7), &stored), Ok(anna));
    }

    #[test]
    fn golden_bytes_of_a_member() {
        let anna = AccountRecord {
            state: AccountState::Disabled,
            kind: AccountKind::Shared,
            role: Some(Role::Delegated {
                functions: vec![crate::Function::Members],
                departments: vec![DepartmentId(5)],
            }),
            profile: Profile {
                nickname: "Ann".to_owned(),
                rank: crate::Rank::Superior,
                ..Profile::default()
            },
            departments: vec![DepartmentId(5), DepartmentId(6)],
            tags: vec![TagId(2)],
            seat: Seat::Advanced,
            ..anna()
        };
        let stored = encode(&anna);
        let hex = crate::record::hex(&stored);
        assert!(hex.starts_with("01000191f571"), "{hex}");
        assert!(
            hex.ends_with("1903e8f5f602f58302810181058963416e6e60606000600160608205068102f5"),
            "{hex}"
        );
        assert_eq!(decode(TenantId(3), AccountId(7), &stored), Ok(anna));
    }

    #[test]
    fn golden_bytes_of_what_may_not_be_recovered() {
        let anna = AccountRecord {
            settings: AccountSettings {
                recover_deleted: false,
                ..AccountSettings::default()
            },
            ..anna()
        };
        let stored = encode(&anna);
        let hex = crate::record::hex(&stored);
        assert!(hex.ends_with("8af5f5f50001f5f5f4f5f41903e8f5"), "{hex}");
        assert_eq!(decode(TenantId(3), AccountId(7), &stored), Ok(anna));
    }

    #[test]
    fn golden_bytes_with_limits() {
        let anna = AccountRecord {
            limits: Limits::from([(crate::Limit::MessageOctetsMax, 70_000)]),
            ..anna()
        };
        let stored = encode(&anna);
        let hex = crate::record::hex(&stored);
        assert!(
            hex.starts_with("01000192f471") && hex.ends_with("f6f6f6f6f6f6f681820d1a00011170"),
            "{hex}"
        );
        assert_eq!(decode(TenantId(3), AccountId(7), &stored).as_ref(), Ok(&anna));
        let limited = AccountRecord {
            restricted: Restrictions {
                sending: true,
                sending_outside: true,
            },
            ..anna
        };
        let stored = encode(&limited);
        assert!(crate::record::hex(&stored).ends_with("1a0001117003"));
        assert_eq!(decode(TenantId(3), AccountId(7), &stored).as_ref(), Ok(&limited));
        let made_up = AccountRecord {
            address_made_up: true,
            ..limited
        };
        let stored = encode(&made_up);
        assert!(crate::record::hex(&stored).ends_with("1a0001117003f5"));
        assert_eq!(decode(TenantId(3), AccountId(7), &stored).as_ref(), Ok(&made_up));
        let given_on = AccountRecord {
            handovers: 2,
            ..made_up
        };
        let stored = encode(&given_on);
        assert!(crate::record::hex(&stored).ends_with("1a0001117003f502"));
        assert_eq!(decode(TenantId(3), AccountId(7), &stored), Ok(given_on));
    }

    #[test]
    fn every_state_is_read_back() {
        for state in [
            AccountState::Active,
            AccountState::Suspended,
            AccountState::Invited,
            AccountState::Disabled,
        ] {
            assert_eq!(AccountState::stored(!state.takes_mail(), state.code()), state);
        }
    }

    #[test]
    fn acc_10_ranges_count_days_back() {
        let now = Timestamp {
            millis: 10 * 86_400_000,
        };
        assert_eq!(FetchRange::Week.since(now), Some(Timestamp { millis: 3 * 86_400_000 }));
        assert_eq!(FetchRange::All.since(now), None);
        for range in [FetchRange::All, FetchRange::TwoYears, FetchRange::Month] {
            assert_eq!(FetchRange::from_code(range.code()), range);
        }
    }

    #[test]
    fn owns_its_addresses_with_any_detail() {
        let check = |text: &str, expect: bool| {
            assert_eq!(anna().owns(&Address::try_from(text).unwrap()), expect, "{text}");
        };
        check("ANNA@Example.Test", true);
        check("a+lists@example.test", true);
        check("b@example.test", false);
        check("anna@other.test", false);
    }
}
