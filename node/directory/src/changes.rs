//! What the admin API asks the directory to make or change.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_types::{AccountId, Address, Domain, Network, Timestamp};

use crate::{
    AcceptedTerms, AccountKind, AccountSettings, AccountState, AppPassword, Credential, DepartmentId, Etag,
    GrantRights, Grantee, Language, Limit, MxElsewhere, Parties, Passkey, Posting, Profile, Quota, Role, Seat,
    SignInRule, SmsScope, TagId, TenantState, TokenHash, TokenOwner, TotpKey, Welcome,
};

/// A change of one field: leave it or set it. Distinguishes "leave" from "set to nothing".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// Stays as it is.
    #[default]
    Keep,
    /// Becomes this.
    Set(T),
}

impl<T> Field<T> {
    pub(crate) fn apply(self, to: &mut T) {
        if let Self::Set(value) = self {
            *to = value;
        }
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

/// A tenant to make.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Its name, 1 to 64 characters, unique without regard to case.
    pub name: String,
    /// Own limit of accounts.
    pub accounts_max: Option<u64>,
    /// Own limit of aliases an account.
    pub aliases_per_account_max: Option<u32>,
    /// What new accounts start with.
    pub account_settings: AccountSettings,
    /// The language of what the system writes.
    pub language: Option<Language>,
    /// What new members find in their mailbox.
    pub welcome: Welcome,
    /// Whether it gets a domain to try, where the installation has such (DOM-1).
    pub trial_domain: bool,
}

impl NewTenant {
    /// A tenant with default limits and settings.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            accounts_max: None,
            aliases_per_account_max: None,
            account_settings: AccountSettings::default(),
            language: None,
            welcome: Welcome::None,
            trial_domain: false,
        }
    }
}

/// Changes of a tenant.
#[derive(Debug, Clone, Default)]
pub struct TenantChange {
    /// Its state.
    pub state: Field<TenantState>,
    /// Who gets `postmaster@`.
    pub postmaster: Field<Option<AccountId>>,
    /// Own limit of accounts.
    pub accounts_max: Field<Option<u64>>,
    /// Own limit of aliases an account.
    pub aliases_per_account_max: Field<Option<u32>>,
    /// What new accounts start with.
    pub account_settings: Field<AccountSettings>,
    /// The language of what the system writes.
    pub language: Field<Option<Language>>,
    /// Where new addresses are made when no domain is said.
    pub default_domain: Field<Option<Domain>>,
    /// When its service ends.
    pub service_until: Field<Option<Timestamp>>,
    /// What follows when its mail goes elsewhere.
    pub mx_elsewhere: Field<MxElsewhere>,
    /// What the tenant was when the change was thought of; `None` for whatever it is.
    pub expect: Option<Etag>,
}

/// An account to make. Its tenant is the one that owns the address's domain.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its main address.
    pub address: Address,
    /// The person's name; at most 128 characters, may be empty.
    pub display_name: String,
    /// Its password's hashes; without them nobody can sign in yet.
    pub credential: Option<Credential>,
    /// Room in its mailbox.
    pub quota: Quota,
    /// What it may do with mail clients; `None` takes the tenant's.
    pub settings: Option<AccountSettings>,
    /// Whether it may manage its tenant: the first who may is the creator, others are super administrators.
    pub administrator: bool,
    /// The language of what the system writes to it; `None` is the tenant's.
    pub language: Option<Language>,
    /// What it is for.
    pub kind: AccountKind,
    /// Whether it works at once: `Active`, or `Invited` until its person comes.
    pub state: AccountState,
    /// Its person's data.
    pub profile: Profile,
    /// Where it belongs.
    pub departments: Vec<DepartmentId>,
    /// The tags it bears.
    pub tags: Vec<TagId>,
    /// Its place in the plan.
    pub seat: Seat,
    /// Whether the address was made from the name, and may be changed once (MEM-1, MEM-11).
    pub address_made_up: bool,
}

impl NewAccount {
    /// An account with defaults and no password.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self {
            address,
            display_name: String::new(),
            credential: None,
            quota: Quota::default(),
            settings: None,
            administrator: false,
            language: None,
            kind: AccountKind::Member,
            state: AccountState::Active,
            profile: Profile::default(),
            departments: Vec::new(),
            tags: Vec::new(),
            seat: Seat::Standard,
            address_made_up: false,
        }
    }
}

/// Another main address for an account whose own was made up.
#[derive(Debug, Clone)]
pub struct AddressChange {
    /// The new one.
    pub address: Address,
    /// The old one is free for others; otherwise it becomes an alias.
    pub release: bool,
    /// What the account was when the change was thought of; `None` for whatever it is.
    pub expect: Option<Etag>,
}

/// Changes of an account.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// Its state.
    pub state: Field<AccountState>,
    /// The person's name.
    pub display_name: Field<String>,
    /// Room in its mailbox.
    pub quota: Field<Quota>,
    /// What it may do with mail clients.
    pub settings: Field<AccountSettings>,
    /// What it may do for its tenant. Whoever becomes creator takes the role from who has it, who stays a super administrator.
    pub role: Field<Option<Role>>,
    /// The language of what the system writes to it.
    pub language: Field<Option<Language>>,
    /// Its person's data.
    pub profile: Field<Profile>,
    /// Where it belongs.
    pub departments: Field<Vec<DepartmentId>>,
    /// The tags it bears.
    pub tags: Field<Vec<TagId>>,
    /// Its place in the plan.
    pub seat: Field<Seat>,
    /// Limits of it alone, tighter than its organisation's; none takes one away.
    pub limits: BTreeMap<Limit, Option<u64>>,
    /// It is disabled even when others count on it.
    pub confirm_uses: bool,
    /// What the account was when the change was thought of; `None` for whatever it is.
    pub expect: Option<Etag>,
}

/// A change of what proves an account beside its password.
#[derive(Debug, Clone)]
pub enum FactorsChange {
    /// One app password more, unless there are `max`; it gets the next number.
    AddAppPassword {
        /// What is kept of it.
        password: Box<AppPassword>,
        /// How many there may be.
        max: u64,
    },
    /// The app password of that number goes.
    RemoveAppPassword(u32),
    /// Clients need an app password, or need none.
    SecureLogin(bool),
    /// An authenticator app is offered.
    OfferTotp(TotpKey),
    /// The app that was offered counts from `since` on, with these recovery codes.
    ConfirmTotp {
        /// What was offered; it must still be what is.
        offered: TotpKey,
        /// Since when.
        since: Timestamp,
        /// Keyed hashes.
        recovery_codes: Vec<[u8; 32]>,
    },
    /// Other recovery codes, as keyed hashes.
    RenewRecoveryCodes(Vec<[u8; 32]>),
    /// The recovery code of that keyed hash goes.
    UseRecoveryCode([u8; 32]),
    /// No second factor any more: neither an app, nor passkeys, nor recovery codes.
    RemoveSecondFactor,
    /// No authenticator app any more; recovery codes go along unless there are passkeys.
    RemoveTotp,
    /// One passkey more, unless there are `max`; it gets the next number.
    AddPasskey {
        /// What is kept of it.
        passkey: Box<Passkey>,
        /// How many there may be.
        max: u64,
        /// Keyed hashes: they count where there was no second factor.
        recovery_codes: Vec<[u8; 32]>,
    },
    /// A passkey is called something else.
    RenamePasskey {
        /// Its number.
        id: u32,
        /// Its new name.
        name: String,
    },
    /// The passkey of that number goes; recovery codes go along with the last second factor.
    RemovePasskey(u32),
    /// The password has to be changed at the next sign-in, or not.
    MustChange(bool),
    /// What administrators decide.
    Rule(SignInRule),
    /// The outside mailbox that was proved, or none any more.
    RecoveryMailbox(Option<Address>),
    /// The phone that was proved, or none any more, and then it protects nothing.
    Phone(Option<String>),
    /// What codes sent to the phone protect.
    Sms {
        /// Nothing switches them off.
        scopes: BTreeSet<SmsScope>,
        /// Keyed hashes: they count where there was no second factor and is one now.
        recovery_codes: Vec<[u8; 32]>,
    },
    /// Terms are accepted; they must be those that are asked for.
    AcceptTerms(AcceptedTerms),
}

/// A department to make.
#[derive(Debug, Clone)]
pub struct NewDepartment {
    /// Its name, 1 to 64 characters, unique among its siblings without regard to case.
    pub name: String,
    /// What it is part of.
    pub parent: DepartmentId,
    /// Its place among its siblings.
    pub rank: i32,
}

/// Changes of a department.
#[derive(Debug, Clone, Default)]
pub struct DepartmentChange {
    /// Its name.
    pub name: Field<String>,
    /// What it is part of: moves it with all below it.
    pub parent: Field<DepartmentId>,
    /// Its place among its siblings.
    pub rank: Field<i32>,
    /// What the department was when the change was thought of; `None` for whatever it is.
    pub expect: Option<Etag>,
}

/// A tag to make.
#[derive(Debug, Clone)]
pub struct NewTag {
    /// Its name, 1 to 64 characters, unique without regard to case.
    pub name: String,
    /// Departments that bear it.
    pub departments: Vec<DepartmentId>,
}

/// Changes of a tag.
#[derive(Debug, Clone, Default)]
pub struct TagChange {
    /// Its name.
    pub name: Field<String>,
    /// Departments that bear it.
    pub departments: Field<Vec<DepartmentId>>,
    /// What the tag was when the change was thought of; `None` for whatever it is.
    pub expect: Option<Etag>,
}

/// A group to make. Its tenant is the one that owns the address's domain.
#[derive(Debug, Clone)]
pub struct NewGroup {
    /// Its address.
    pub address: Address,
    /// Whether nobody chose the address, so that it may be changed once.
    pub address_generated: bool,
    /// Its name, for people.
    pub display_name: String,
    /// Its first members: accounts, other groups, addresses elsewhere.
    pub members: Vec<Address>,
    /// Departments whose members are its members.
    pub member_departments: Vec<DepartmentId>,
    /// Tags whose bearers are its members.
    pub member_tags: Vec<TagId>,
    /// The department that it is the group of.
    pub department: Option<DepartmentId>,
    /// Who may write to it.
    pub posting: Posting,
    /// Who may, when that is a custom set.
    pub posters: Parties,
    /// Who may send in its name.
    pub representatives: Vec<AccountId>,
    /// Who gets what comes back.
    pub owner: Option<AccountId>,
    /// What an outside directory calls it.
    pub external_id: String,
}

impl NewGroup {
    /// A group that anyone may write to, without members.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self {
            address,
            address_generated: false,
            display_name: String::new(),
            members: Vec::new(),
            member_departments: Vec::new(),
            member_tags: Vec::new(),
            department: None,
            posting: Posting::Anyone,
            posters: Parties::default(),
            representatives: Vec::new(),
            owner: None,
            external_id: String::new(),
        }
    }
}

/// Changes of a group.
#[derive(Debug, Clone, Default)]
pub struct GroupChange {
    /// Its name.
    pub display_name: Field<String>,
    /// Its address, where it was made up: once.
    pub address: Field<Address>,
    /// Departments whose members are its members.
    pub member_departments: Field<Vec<DepartmentId>>,
    /// Tags whose bearers are its members.
    pub member_tags: Field<Vec<TagId>>,
    /// Who may write to it.
    pub posting: Field<Posting>,
    /// Who may, when that is a custom set.
    pub posters: Field<Parties>,
    /// Who may send in its name.
    pub representatives: Field<Vec<AccountId>>,
    /// Who gets what comes back.
    pub owner: Field<Option<AccountId>>,
    /// What an outside directory calls it.
    pub external_id: Field<String>,
    /// What the group was when the change was thought of; `None` for whatever it is.
    pub expect: Option<Etag>,
}

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// In whose name it acts.
    pub owner: TokenOwner,
    /// What it is for, 1 to 64 characters.
    pub name: String,
    /// What it may be used for; at least one.
    pub scopes: BTreeSet<String>,
    /// Where it may be used; everywhere, when there is none.
    pub networks: Vec<Network>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// Over the text that has to be shown.
    pub hash: TokenHash,
}

/// Something to let someone do with a mailbox.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// Whose mailbox.
    pub account: AccountId,
    /// Who may.
    pub to: Grantee,
    /// What.
    pub rights: GrantRights,
    /// Until when; `None` is until it is taken back.
    pub until: Option<Timestamp>,
}
