//! What a look-up answers.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use hongyan_types::{AccountId, Address, AddressRanges, TenantId, Timestamp};

use crate::{AccountRecord, Credential, Demand, Factors, GroupId, Posting, Protocol, SignInPolicy, TermsVersion};

const DAY_MILLIS: i64 = 86_400_000;

/// Where mail for an address goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// To one mailbox.
    Account(Recipient),
    /// To everyone in a group.
    Group(Arc<GroupTargets>),
    /// The group has more recipients than `group_expansion_max`, once expanded.
    GroupTooLarge(GroupId),
    /// The group has nobody in it who gets mail.
    GroupEmpty(GroupId),
    /// The domain is not one of ours.
    NotLocal,
    /// The domain is ours, and nobody has the address.
    NoSuchUser,
    /// The account or its tenant is suspended.
    Suspended,
}

/// How an address led to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By its main address.
    Address,
    /// By an alias.
    Alias,
    /// Nobody else has the address.
    CatchAll,
    /// `postmaster@` (RFC 5321 §4.5.1).
    Postmaster,
}

/// One mailbox that mail goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Whose mailbox.
    pub account: Arc<AccountRecord>,
    /// What followed the `+` (RFC 5233 §1).
    pub detail: Option<String>,
    /// How the address led here.
    pub via: Via,
}

/// A group expanded, nested groups and all; everyone is in it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupTargets {
    /// Which group.
    pub id: GroupId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its address.
    pub address: Address,
    /// Its name, for people.
    pub display_name: String,
    /// Members with a mailbox here; suspended ones are left out.
    pub accounts: Vec<Arc<AccountRecord>>,
    /// Members elsewhere.
    pub remote: Vec<Address>,
    /// Who may write to it.
    pub posting: Posting,
    /// Those who may, where they are named one by one.
    pub(crate) posters: Posters,
    /// Who gets what comes back: its owner, else a representative.
    pub owner: Option<Arc<AccountRecord>>,
}

/// Those who may write to a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Posters {
    /// Accounts of its tenant.
    pub(crate) accounts: BTreeSet<AccountId>,
    /// Their addresses, by key: a person may write as a mailbox that they use.
    inside: BTreeSet<String>,
    /// Addresses of others, by key.
    outside: BTreeSet<String>,
}

impl Posters {
    pub(crate) fn add<'a>(
        &mut self,
        tenant: TenantId,
        accounts: impl Iterator<Item = &'a Arc<AccountRecord>>,
        remote: impl Iterator<Item = &'a String>,
    ) {
        for account in accounts {
            let keys = account.addresses().map(Address::key);
            if account.tenant == tenant {
                self.accounts.insert(account.id);
                self.inside.extend(keys);
            } else {
                self.outside.extend(keys);
            }
        }
        self.outside.extend(remote.cloned());
    }
}

/// Who writes to a group.
#[derive(Debug, Clone, Copy)]
pub struct Poster<'p> {
    /// The account that signed in, if one did.
    pub account: Option<&'p AccountRecord>,
    /// The envelope's sender; `None` is the null sender.
    pub sender: Option<&'p Address>,
}

impl GroupTargets {
    /// Whether mail from `poster` goes to the group (GRP-4). An address inside counts for nothing without a sign-in: anyone
    /// can write it on an envelope.
    #[must_use]
    pub fn takes_from(&self, poster: Poster<'_>) -> bool {
        match self.posting {
            Posting::Anyone => return true,
            Posting::Unset => return false,
            Posting::Organisation | Posting::Members | Posting::Custom => {}
        }
        let among = |set: &BTreeSet<String>| poster.sender.is_some_and(|sender| set.contains(&sender.key()));
        match poster.account {
            Some(account) if account.tenant == self.tenant => {
                self.posting == Posting::Organisation
                    || self.posters.accounts.contains(&account.id)
                    || among(&self.posters.inside)
            }
            _ => among(&self.posters.outside),
        }
    }
}

/// What is needed to sign someone in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account.
    pub account: Arc<AccountRecord>,
    /// Its password's hashes, unless it has none yet.
    pub credential: Option<Arc<Credential>>,
    /// What proves it beside its password.
    pub factors: Arc<Factors>,
    /// Whether account and tenant are active.
    pub active: bool,
    /// How its organisation lets its accounts sign in.
    pub policy: Arc<SignInPolicy>,
    /// Whether the organisation's networks do not apply to it.
    pub exempt: bool,
    /// Terms that have to be accepted (AUTH-29).
    pub terms: Arc<Vec<TermsVersion>>,
}

impl Login {
    /// The account's identifier.
    #[must_use]
    pub fn id(&self) -> AccountId {
        self.account.id
    }

    /// Whether this way in is open: to the account by its own settings, and by what administrators decided of it and of all
    /// (ACC-15, LGN-1).
    #[must_use]
    pub fn is_open(&self, protocol: Protocol) -> bool {
        // It is the way to the console: closed to administrators, nobody could open it again.
        if protocol == Protocol::Web && self.account.role.is_some() {
            return true;
        }
        let (settings, rule) = (&self.account.settings, &self.factors.rule);
        let own = match protocol {
            Protocol::Imap => settings.imap,
            Protocol::Pop3 => settings.pop3,
            Protocol::Submission => settings.submission,
            Protocol::ActiveSync => settings.active_sync,
            Protocol::Http | Protocol::Web | Protocol::Ldap => true,
        };
        let offered = !Protocol::CLOSED_AT_FIRST.contains(&protocol) || self.policy.opened.contains(&protocol);
        own && offered && !rule.closed.contains(&protocol) && !self.policy.closed.contains(&protocol)
    }

    /// Whether it signs in from `peer` (LGN-8, LGN-9).
    #[must_use]
    pub fn is_let_in_from(&self, peer: IpAddr) -> bool {
        let allows = |networks: &AddressRanges| networks.is_empty() || networks.contains(peer);
        if self.account.role.is_some() && !allows(&self.policy.administrator_networks) {
            return false;
        }
        match &self.factors.rule.networks {
            own if !own.is_empty() => own.contains(peer),
            _ => self.exempt || allows(&self.policy.networks),
        }
    }

    /// Whether its clients need an app password (AUTH-24, LGN-12).
    #[must_use]
    pub fn needs_app_password(&self) -> bool {
        self.factors.secure_login
            || self.factors.has_second_factor()
            || self.factors.rule.secure_login
            || self.policy.secure_login
    }

    /// Terms that it has to accept and has not: in the order of tenant and installation.
    #[must_use]
    pub fn terms_missing(&self) -> Vec<TermsVersion> {
        let accepted = &self.factors.accepted;
        let is_accepted = |asked: &TermsVersion| {
            let mut accepted = accepted.iter();
            accepted.any(|known| known.of == asked.of && known.version == asked.version)
        };
        self.terms.iter().filter(|asked| !is_accepted(asked)).copied().collect()
    }

    /// From when on a second factor that is demanded and is not there keeps it from everything but setting one up.
    #[must_use]
    pub fn second_factor_due(&self) -> Option<Timestamp> {
        let rule = self.policy.second_factor?;
        let is_meant = rule.of == Demand::Everyone || self.account.role.is_some();
        if !is_meant || self.factors.has_second_factor() {
            return None;
        }
        let from = rule.since.max(self.account.created);
        Some(Timestamp {
            millis: from.millis.saturating_add(i64::from(rule.grace_days) * DAY_MILLIS),
        })
    }
}
