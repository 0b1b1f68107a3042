//! Limits by name: what each is, at which levels it may be set, and what holds for a tenant (GEN-5).
//!
//! The installation's settings hold where nothing else is said; a plan, and then the operator for one organisation, say
//! otherwise, to more or to less. What an organisation's own administrators set, for all or for one member, only tightens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::record::plan_use::PlanUse;
use crate::{DirectoryOptions, Error, PlanRecord, Result, TenantRecord};

/// Values of limits.
pub type Limits = BTreeMap<Limit, u64>;

/// A limit that plans and organisations may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Members and shared mailboxes (ORG-5).
    AccountsPerTenantMax,
    /// Domains, claims too (DOM-2).
    DomainsPerTenantMax,
    /// Aliases of one account (MEM-18, SBX-7).
    AliasesPerAccountMax,
    /// Shared mailboxes (SBX-5).
    SharedMailboxesPerTenantMax,
    /// Mail groups.
    GroupsPerTenantMax,
    /// Octets of mail in a mailbox without an advanced seat (RS-9).
    MailboxOctetsMax,
    /// App passwords of one account (AUTH-21).
    AppPasswordsPerAccountMax,
    /// Tokens of programs.
    TokensPerTenantMax,
    /// Octets of one message, sent, taken or uploaded; never more than the installation's.
    MessageOctetsMax,
    /// Recipients of one message that a member sends.
    RecipientsPerMessageMax,
    /// Folders of one mailbox (FLD-6).
    FoldersPerAccountMax,
    /// Levels of folders (FLD-6).
    FolderLevelsMax,
    /// Sessions of one account at the same time, on each node.
    SessionsPerAccountMax,
    /// Days for which logs are kept (STAT-3 to STAT-9).
    LogDays,
}

/// Who set a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitLevel {
    /// The settings of the installation.
    Installation,
    /// The organisation's plan.
    Plan,
    /// The operator or the administrators, for the organisation.
    Organisation,
    /// The administrators, for one member.
    Member,
}

impl LimitLevel {
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Installation => "installation",
            Self::Plan => "plan",
            Self::Organisation => "organisation",
            Self::Member => "member",
        }
    }
}

impl Limit {
    /// All there are.
    pub const ALL: [Self; 14] = [
        Self::AccountsPerTenantMax,
        Self::DomainsPerTenantMax,
        Self::AliasesPerAccountMax,
        Self::SharedMailboxesPerTenantMax,
        Self::GroupsPerTenantMax,
        Self::MailboxOctetsMax,
        Self::AppPasswordsPerAccountMax,
        Self::TokensPerTenantMax,
        Self::MessageOctetsMax,
        Self::RecipientsPerMessageMax,
        Self::FoldersPerAccountMax,
        Self::FolderLevelsMax,
        Self::SessionsPerAccountMax,
        Self::LogDays,
    ];
    /// Its name, that of the setting.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountsPerTenantMax => "accounts_per_tenant_max",
            Self::DomainsPerTenantMax => "domains_per_tenant_max",
            Self::AliasesPerAccountMax => "aliases_per_account_max",
            Self::SharedMailboxesPerTenantMax => "shared_mailboxes_per_tenant_max",
            Self::GroupsPerTenantMax => "groups_per_tenant_max",
            Self::MailboxOctetsMax => "mailbox_octets_max",
            Self::AppPasswordsPerAccountMax => "app_passwords_per_account_max",
            Self::TokensPerTenantMax => "tokens_per_tenant_max",
            Self::MessageOctetsMax => "message_octets_max",
            Self::RecipientsPerMessageMax => "recipients_per_message_max",
            Self::FoldersPerAccountMax => "folders_per_account_max",
            Self::FolderLevelsMax => "folder_levels_max",
            Self::SessionsPerAccountMax => "sessions_per_account_max",
            Self::LogDays => "log_days",
        }
    }
    /// The limit of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.name() == name)
    }
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::AccountsPerTenantMax => 0,
            Self::DomainsPerTenantMax => 1,
            Self::AliasesPerAccountMax => 2,
            Self::SharedMailboxesPerTenantMax => 3,
            Self::GroupsPerTenantMax => 4,
            Self::MailboxOctetsMax => 5,
            Self::AppPasswordsPerAccountMax => 6,
            Self::TokensPerTenantMax => 7,
            Self::MessageOctetsMax => 13,
            Self::RecipientsPerMessageMax => 9,
            Self::FoldersPerAccountMax => 10,
            Self::FolderLevelsMax => 11,
            Self::SessionsPerAccountMax => 12,
            Self::LogDays => 8,
        }
    }
    /// What a later release knew is none here.
    pub(crate) fn stored(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.code() == code)
    }
    /// The values that it may have.
    #[must_use]
    pub fn range(self) -> std::ops::RangeInclusive<u64> {
        match self {
            Self::AccountsPerTenantMax => 1..=10_000_000,
            Self::DomainsPerTenantMax => 1..=100_000,
            Self::AliasesPerAccountMax | Self::AppPasswordsPerAccountMax => 0..=1_000,
            Self::SharedMailboxesPerTenantMax | Self::GroupsPerTenantMax => 0..=1_000_000,
            Self::MailboxOctetsMax => (1 << 20)..=(1 << 60),
            Self::TokensPerTenantMax | Self::SessionsPerAccountMax => 0..=100_000,
            Self::MessageOctetsMax => 65_536..=(4 << 30),
            Self::RecipientsPerMessageMax => 1..=100_000,
            Self::FoldersPerAccountMax => 10..=300,
            Self::FolderLevelsMax => 1..=10,
            Self::LogDays => 1..=3_650,
        }
    }
    /// The lowest level at which it may be set.
    #[must_use]
    pub fn lowest(self) -> LimitLevel {
        match self {
            Self::DomainsPerTenantMax
            | Self::AliasesPerAccountMax
            | Self::SharedMailboxesPerTenantMax
            | Self::GroupsPerTenantMax
            | Self::TokensPerTenantMax
            | Self::FoldersPerAccountMax => LimitLevel::Plan,
            Self::AccountsPerTenantMax | Self::FolderLevelsMax | Self::LogDays => LimitLevel::Organisation,
            Self::MailboxOctetsMax
            | Self::AppPasswordsPerAccountMax
            | Self::MessageOctetsMax
            | Self::RecipientsPerMessageMax
            | Self::SessionsPerAccountMax => LimitLevel::Member,
        }
    }
    /// Whether administrators may tighten it for their organisation; others are the operator's.
    #[must_use]
    pub fn is_organisations(self) -> bool {
        self.lowest() > LimitLevel::Plan
    }
    /// Whether it may be set for one member. The room of a mailbox is among them, as its quota.
    #[must_use]
    pub fn is_members(self) -> bool {
        self.lowest() == LimitLevel::Member && self != Self::MailboxOctetsMax
    }
    /// Whether nobody gets more than the installation has.
    fn has_ceiling(self) -> bool {
        matches!(
            self,
            Self::MessageOctetsMax
                | Self::FoldersPerAccountMax
                | Self::FolderLevelsMax
                | Self::AppPasswordsPerAccountMax
                | Self::SessionsPerAccountMax
        )
    }
    /// What the installation's settings say; none is no limit.
    fn shipped(self, options: &DirectoryOptions) -> Option<u64> {
        match self {
            Self::AccountsPerTenantMax => Some(options.accounts_per_tenant_max),
            Self::DomainsPerTenantMax => Some(options.domains_per_tenant_max),
            Self::AliasesPerAccountMax => Some(u64::from(options.aliases_per_account_max)),
            Self::GroupsPerTenantMax => Some(options.groups_per_tenant_max),
            Self::TokensPerTenantMax => Some(options.tokens_per_tenant_max),
            Self::AppPasswordsPerAccountMax => Some(options.app_passwords_per_account_max),
            Self::MessageOctetsMax => Some(options.message_octets_max),
            Self::RecipientsPerMessageMax => Some(options.recipients_per_message_max),
            Self::FoldersPerAccountMax => Some(options.folders_per_account_max),
            Self::FolderLevelsMax => Some(options.folder_levels_max),
            Self::SessionsPerAccountMax => Some(options.sessions_per_account_max),
            Self::LogDays => Some(options.log_days),
            Self::SharedMailboxesPerTenantMax | Self::MailboxOctetsMax => None,
        }
    }
}

/// What holds for a tenant, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// Which.
    pub limit: Limit,
    /// Its value; none is no limit.
    pub max: Option<u64>,
    /// Who set it.
    pub level: LimitLevel,
}

impl InForce {
    /// Its name and, where it is not the installation's, who set it.
    #[must_use]
    pub fn label(&self) -> String {
        let name = self.limit.name();
        match self.level {
            LimitLevel::Installation => name.to_owned(),
            level => format!("{name} (set for the {})", level.label()),
        }
    }
    /// Its value; the largest there is when there is none.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.max.unwrap_or(u64::MAX)
    }
    /// What to say to whoever wants `wanted`, if that is more than it allows.
    #[must_use]
    pub fn excess(&self, wanted: u64) -> Option<String> {
        let max = self.max.filter(|max| wanted > *max)?;
        Some(format!("{} is {max}, asked for were {wanted}", self.label()))
    }
    /// Refuses one more than it allows.
    pub(crate) fn check(self, used: u64) -> Result<()> {
        match self.max {
            Some(max) if used >= max => Err(self.refusal(max, used)),
            _ => Ok(()),
        }
    }
    pub(crate) fn refusal(self, max: u64, used: u64) -> Error {
        let setting = self.limit.name();
        match self.level {
            LimitLevel::Installation => Error::Limit { setting, max, used },
            level => Error::LimitAt {
                setting,
                max,
                used,
                level,
            },
        }
    }
    /// The tighter of two, where `other` was set by those who may only tighten.
    pub(crate) fn tightened(self, other: Option<u64>, level: LimitLevel) -> Self {
        match other {
            Some(other) if self.max.is_none_or(|max| other < max) => Self {
                max: Some(other),
                level,
                ..self
            },
            _ => self,
        }
    }
}

/// Works out what holds for a tenant.
pub(crate) fn in_force(
    limit: Limit,
    options: &DirectoryOptions,
    plan: Option<&PlanRecord>,
    used: &PlanUse,
    owner: &TenantRecord,
) -> InForce {
    let mut now = InForce {
        limit,
        max: limit.shipped(options),
        level: LimitLevel::Installation,
    };
    let by_plan = plan.and_then(|plan| plan.limits.get(&limit));
    let by_operator = match limit {
        Limit::AccountsPerTenantMax => owner.accounts_max,
        Limit::AliasesPerAccountMax => owner.aliases_per_account_max.map(u64::from),
        _ => used.by_operator.get(&limit).copied(),
    };
    for (value, level) in [
        (by_plan.copied(), LimitLevel::Plan),
        (by_operator, LimitLevel::Organisation),
    ] {
        let ceiling = now.max.filter(|_| limit.has_ceiling());
        if value.is_some_and(|value| ceiling.is_none_or(|ceiling| value < ceiling)) {
            now.max = value;
            now.level = level;
        }
    }
    now.tightened(used.by_administrators.get(&limit).copied(), LimitLevel::Organisation)
}

/// What holds for one account.
#[derive(Debug, Clone)]
pub struct AccountLimits {
    of_tenant: Vec<InForce>,
    own: Limits,
}

impl AccountLimits {
    pub(crate) fn new(of_tenant: Vec<InForce>, own: Limits) -> Self {
        Self { of_tenant, own }
    }
    /// What holds now.
    #[must_use]
    pub fn of(&self, limit: Limit) -> InForce {
        let found = self.of_tenant.iter().find(|in_force| in_force.limit == limit).copied();
        let in_force = found.unwrap_or(InForce {
            limit,
            max: None,
            level: LimitLevel::Installation,
        });
        in_force.tightened(self.own.get(&limit).copied(), LimitLevel::Member)
    }
    /// Whether a folder may lie `levels` deep in a mailbox that would then have `folders`; else what to say (FLD-6).
    #[must_use]
    pub fn folders_excess(&self, levels: usize, folders: usize) -> Option<String> {
        let (deep, many) = (self.of(Limit::FolderLevelsMax), self.of(Limit::FoldersPerAccountMax));
        let excess = deep.excess(u64::try_from(levels).unwrap_or(u64::MAX));
        excess.or_else(|| many.excess(u64::try_from(folders).unwrap_or(u64::MAX)))
    }
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = InForce> {
        Limit::ALL.into_iter().map(|limit| self.of(limit))
    }
}

/// Refuses values outside their range.
pub(crate) fn check_values(limits: &Limits) -> Result<()> {
    for (limit, value) in limits {
        let range = limit.range();
        if !range.contains(value) {
            let (name, min, max) = (limit.name(), range.start(), range.end());
            return Err(Error::Invalid(format!("{name} is {min} to {max}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gen_5_every_limit_has_a_name_a_code_and_a_range() {
        for limit in Limit::ALL {
            assert_eq!(Limit::named(limit.name()), Some(limit));
            assert_eq!(Limit::stored(limit.code()), Some(limit));
            let shipped = limit.shipped(&DirectoryOptions::default());
            assert!(shipped.is_none_or(|value| limit.range().contains(&value)), "{limit:?}");
            let json = serde_json_name(limit);
            assert_eq!(json, limit.name());
        }
        assert_eq!(Limit::named("nothing"), None);
    }

    #[test]
    fn gen_5_a_member_s_limit_tightens_and_never_widens() {
        let in_force = |max| InForce {
            limit: Limit::MessageOctetsMax,
            max: Some(max),
            level: LimitLevel::Plan,
        };
        let limits = |own| AccountLimits::new(vec![in_force(200_000)], Limits::from([(Limit::MessageOctetsMax, own)]));
        let tighter = limits(100_000).of(Limit::MessageOctetsMax);
        assert_eq!((tighter.max, tighter.level), (Some(100_000), LimitLevel::Member));
        assert_eq!(
            tighter.excess(100_001).as_deref(),
            Some("message_octets_max (set for the member) is 100000, asked for were 100001")
        );
        assert_eq!(tighter.excess(100_000), None);
        let wider = limits(300_000).of(Limit::MessageOctetsMax);
        assert_eq!((wider.max, wider.level), (Some(200_000), LimitLevel::Plan));
        assert_eq!(limits(1).of(Limit::LogDays).max, None, "others are not touched");
    }

    /// As serde writes it, without a JSON library: `#[serde(rename_all = "snake_case")]` over the name in the code.
    fn serde_json_name(limit: Limit) -> String {
        let mut name = String::new();
        for letter in format!("{limit:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.extend(letter.to_lowercase());
        }
        name
    }
}
