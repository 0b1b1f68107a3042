//! What can be done, and what it takes.

use std::collections::BTreeSet;
use std::fmt;

use hongyan_directory::Function;

/// Something that someone may want to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Make or remove organisations, list them, suspend them, set their limits.
    ManageOrganisations,
    /// Look at one's organisation.
    ReadOrganisation,
    /// Change what its administrators may.
    ChangeOrganisation,
    /// Offer the creator's role to a member.
    HandOver,
    /// Take it, or decline: whoever it is offered to.
    TakeOver,
    /// Look at roles.
    ReadRoles,
    /// Give and take roles.
    ChangeRoles,
    /// Look at how the organisation's members sign in.
    ReadSignInPolicy,
    /// Say from where, by what and with what its members sign in.
    ChangeSignInPolicy,
    /// Look at domains.
    ReadDomains,
    /// Change domains.
    ChangeDomains,
    /// Look at departments and tags.
    ReadStructure,
    /// Change departments.
    ChangeDepartments,
    /// Change tags, which reach over departments.
    ChangeTags,
    /// Look at members.
    ReadMembers,
    /// Make and change members.
    ChangeMembers,
    /// Set a member's password, disable or delete one.
    ControlMembers,
    /// Look at how a member signs in: app passwords, second factor.
    ReadFactors,
    /// Make an app password, set up a second factor: everyone for themselves.
    ChangeFactors,
    /// Say who acts for oneself, ask to act for others: everyone for themselves.
    ChangeDelegations,
    /// Take app passwords back, remove a second factor.
    ResetFactors,
    /// Look at how a member likes to work.
    ReadPreferences,
    /// Change it: everyone for themselves.
    ChangePreferences,
    /// End the use of a mailbox: everyone of their own.
    LeaveMailbox,
    /// Look at what a member has sent and what became of it.
    ReadSentMails,
    /// Take mail back that a member has sent.
    RecallMails,
    /// Scan a mailbox for old and large mails, and delete those that were chosen.
    CleanMails,
    /// Look at a member's running sessions.
    ReadSessions,
    /// End them.
    EndSessions,
    /// Look at members and groups as an outside directory does (SCIM).
    ReadScim,
    /// Bring members and groups from one.
    ChangeScim,
    /// Look at how mail of members comes from other systems.
    ReadMigrations,
    /// Have it come, give old passwords: everyone for themselves.
    ChangeMigrations,
    /// Look at groups.
    ReadGroups,
    /// Change groups.
    ChangeGroups,
    /// Look at shared mailboxes.
    ReadShared,
    /// Make, change and remove shared mailboxes.
    ChangeShared,
    /// Read the organisation's audit log.
    ReadAudit,
    /// Follow the organisation's changes.
    ReadChanges,
    /// Look at the tokens of programs.
    ReadTokens,
    /// Make, renew and remove them.
    ChangeTokens,
    /// Look at webhooks and what they have posted.
    ReadWebhooks,
    /// Make, change, try and remove them.
    ChangeWebhooks,
    /// Register mail clients (OAuth).
    ManageOauthClients,
    /// Look at what mail clients' tokens are good for.
    ReadOauthTokens,
    /// The queue of mail.
    ManageQueue,
    /// Nodes and settings of the cluster.
    ManageCluster,
    /// The installation's audit log.
    ReadInstallationAudit,
}

/// What an action takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// To run the installation.
    Operator,
    /// To be the creator.
    Creator,
    /// To be a super administrator.
    Super,
    /// To be an administrator with this function.
    Function(Function),
    /// To be the one whom it is about.
    Oneself,
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operator => "the operator",
            Self::Creator => "the creator of the organisation",
            Self::Super => "a super administrator",
            Self::Oneself => "the member, who alone may",
            Self::Function(Function::Announcements) => "an administrator with the function announcements",
            Self::Function(Function::Members) => "an administrator with the function members",
            Self::Function(Function::Groups) => "an administrator with the function groups",
            Self::Function(Function::OutsideSending) => "an administrator with the function outside-sending",
            Self::Function(Function::Logs) => "an administrator with the function logs",
        })
    }
}

impl Action {
    /// All there are.
    pub const ALL: [Self; 48] = [
        Self::ManageOrganisations,
        Self::ReadOrganisation,
        Self::ChangeOrganisation,
        Self::HandOver,
        Self::TakeOver,
        Self::ReadRoles,
        Self::ChangeRoles,
        Self::ReadSignInPolicy,
        Self::ChangeSignInPolicy,
        Self::ReadDomains,
        Self::ChangeDomains,
        Self::ReadStructure,
        Self::ChangeDepartments,
        Self::ChangeTags,
        Self::ReadMembers,
        Self::ChangeMembers,
        Self::ControlMembers,
        Self::ReadFactors,
        Self::ChangeFactors,
        Self::ChangeDelegations,
        Self::ResetFactors,
        Self::ReadPreferences,
        Self::ChangePreferences,
        Self::LeaveMailbox,
        Self::ReadSentMails,
        Self::RecallMails,
        Self::CleanMails,
        Self::ReadSessions,
        Self::EndSessions,
        Self::ReadScim,
        Self::ChangeScim,
        Self::ReadMigrations,
        Self::ChangeMigrations,
        Self::ReadGroups,
        Self::ChangeGroups,
        Self::ReadShared,
        Self::ChangeShared,
        Self::ReadAudit,
        Self::ReadChanges,
        Self::ReadTokens,
        Self::ChangeTokens,
        Self::ReadWebhooks,
        Self::ChangeWebhooks,
        Self::ManageOauthClients,
        Self::ReadOauthTokens,
        Self::ManageQueue,
        Self::ManageCluster,
        Self::ReadInstallationAudit,
    ];

    /// What it takes.
    #[must_use]
    pub fn needs(self) -> Needs {
        match self {
            Self::ManageOrganisations
            | Self::ManageOauthClients
            | Self::ManageQueue
            | Self::ManageCluster
            | Self::ReadInstallationAudit => Needs::Operator,
            Self::HandOver => Needs::Creator,
            Self::ReadOrganisation
            | Self::ChangeOrganisation
            | Self::ReadRoles
            | Self::ChangeRoles
            | Self::ReadSignInPolicy
            | Self::ChangeSignInPolicy
            | Self::ReadDomains
            | Self::ChangeDomains
            | Self::ChangeTags
            | Self::ReadChanges
            | Self::ReadTokens
            | Self::ReadOauthTokens
            | Self::ReadWebhooks
            | Self::ChangeWebhooks
            | Self::ChangeTokens => Needs::Super,
            Self::ReadStructure
            | Self::ChangeDepartments
            | Self::ReadMembers
            | Self::ChangeMembers
            | Self::ControlMembers
            | Self::ReadFactors
            | Self::ResetFactors
            | Self::ReadSentMails
            | Self::RecallMails
            | Self::CleanMails
            | Self::ReadSessions
            | Self::EndSessions
            | Self::ReadScim
            | Self::ChangeScim
            | Self::ReadMigrations
            | Self::ChangeMigrations => Needs::Function(Function::Members),
            Self::ChangeFactors
            | Self::ChangeDelegations
            | Self::ReadPreferences
            | Self::ChangePreferences
            | Self::LeaveMailbox
            | Self::TakeOver => Needs::Oneself,
            Self::ReadGroups | Self::ChangeGroups | Self::ReadShared | Self::ChangeShared => {
                Needs::Function(Function::Groups)
            }
            Self::ReadAudit => Needs::Function(Function::Logs),
        }
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn is_change(self) -> bool {
        !matches!(
            self,
            Self::ReadOrganisation
                | Self::ReadRoles
                | Self::ReadSignInPolicy
                | Self::ReadDomains
                | Self::ReadStructure
                | Self::ReadMembers
                | Self::ReadFactors
                | Self::ReadPreferences
                | Self::ReadSentMails
                | Self::ReadSessions
                | Self::ReadScim
                | Self::ReadMigrations
                | Self::ReadGroups
                | Self::ReadShared
                | Self::ReadAudit
                | Self::ReadChanges
                | Self::ReadTokens
                | Self::ReadOauthTokens
                | Self::ReadWebhooks
                | Self::ReadInstallationAudit
        )
    }

    /// Whether it could take from someone what they may do, or give it to oneself.
    pub(super) fn takes_power(self) -> bool {
        matches!(
            self,
            Self::ControlMembers
                | Self::ResetFactors
                | Self::ReadSentMails
                | Self::RecallMails
                | Self::CleanMails
                | Self::ChangeRoles
                | Self::EndSessions
                | Self::ChangeTokens
        )
    }

    /// Whether everyone may do it to their own account.
    pub(super) fn is_own(self) -> bool {
        matches!(
            self,
            Self::ReadFactors
                | Self::ChangeFactors
                | Self::ChangeDelegations
                | Self::ResetFactors
                | Self::ReadMigrations
                | Self::ChangeMigrations
                | Self::ReadPreferences
                | Self::ChangePreferences
                | Self::LeaveMailbox
                | Self::TakeOver
                | Self::ReadSentMails
                | Self::RecallMails
                | Self::CleanMails
        )
    }

    /// All scopes that a token may have.
    #[must_use]
    pub fn scopes() -> BTreeSet<&'static str> {
        Self::ALL.into_iter().map(Self::scope).collect()
    }

    /// The scope that a token needs for it: `<what>:read` or `<what>:write`.
    #[must_use]
    pub fn scope(self) -> &'static str {
        match self {
            Self::ManageOrganisations => "organisations:write",
            Self::ReadOrganisation => "organisation:read",
            Self::ChangeOrganisation | Self::HandOver => "organisation:write",
            Self::ReadRoles => "roles:read",
            Self::ChangeRoles | Self::TakeOver => "roles:write",
            Self::ReadSignInPolicy => "sign-in-policy:read",
            Self::ChangeSignInPolicy => "sign-in-policy:write",
            Self::ReadDomains => "domains:read",
            Self::ChangeDomains => "domains:write",
            Self::ReadStructure => "departments:read",
            Self::ChangeDepartments => "departments:write",
            Self::ChangeTags => "tags:write",
            Self::ReadMembers => "members:read",
            Self::ChangeMembers | Self::ControlMembers => "members:write",
            Self::ReadFactors => "sign-in:read",
            Self::ChangeFactors | Self::ResetFactors | Self::LeaveMailbox => "sign-in:write",
            Self::ChangeDelegations => "delegations:write",
            Self::ReadPreferences => "preferences:read",
            Self::ChangePreferences => "preferences:write",
            Self::ReadSentMails => "sent-mails:read",
            Self::RecallMails => "sent-mails:write",
            Self::CleanMails => "mails:write",
            Self::ReadSessions => "sessions:read",
            Self::EndSessions => "sessions:write",
            Self::ReadMigrations => "migrations:read",
            Self::ChangeMigrations => "migrations:write",
            Self::ReadScim => "scim:read",
            Self::ChangeScim => "scim:write",
            Self::ReadGroups => "groups:read",
            Self::ChangeGroups => "groups:write",
            Self::ReadShared => "shared-mailboxes:read",
            Self::ChangeShared => "shared-mailboxes:write",
            Self::ReadAudit | Self::ReadInstallationAudit => "audit:read",
            Self::ReadChanges => "changes:read",
            Self::ReadTokens => "tokens:read",
            Self::ChangeTokens => "tokens:write",
            Self::ReadWebhooks => "webhooks:read",
            Self::ChangeWebhooks => "webhooks:write",
            Self::ManageOauthClients => "oauth-clients:write",
            Self::ReadOauthTokens => "oauth-tokens:read",
            Self::ManageQueue => "queue:write",
            Self::ManageCluster => "cluster:write",
        }
    }
}
