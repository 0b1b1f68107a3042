//! Limits of the directory, as settings.

use std::time::Duration;

use hongyan_kv::Transaction;
use hongyan_types::{AccountId, Domain, TenantId};

/// Clears what another crate keeps of an account's person, in the transaction in which the mailbox is taken from them (MEM-13).
pub type ForgetPerson = fn(&mut Transaction, TenantId, AccountId);

/// Named limits; a tenant's own, where it has one, goes before them.
#[derive(Debug, Clone)]
pub struct DirectoryOptions {
    /// Aliases an account may have.
    pub aliases_per_account_max: u32,
    /// Accounts a tenant may have.
    pub accounts_per_tenant_max: u64,
    /// Domains a tenant may have.
    pub domains_per_tenant_max: u64,
    /// How long a domain that someone says is theirs is looked for by itself (DOM-3).
    pub domain_claim: Duration,
    /// How long whoever has a domain can object after others have proved that it is theirs.
    pub domain_contest: Duration,
    /// How long the removal of a domain can be undone.
    pub domain_removal: Duration,
    /// Addresses that a domain may have for another's to move there.
    pub domain_move_into_max: usize,
    /// Addresses that move or go in one step.
    pub domain_step_max: usize,
    /// Names of this server, which are nobody's mail domains.
    pub own_hosts: Vec<Domain>,
    /// Groups a tenant may have.
    pub groups_per_tenant_max: u64,
    /// Direct members a group may have.
    pub group_members_max: u64,
    /// Recipients a group may have once nested groups, departments and tags are expanded.
    pub group_expansion_max: usize,
    /// Departments a tenant may have.
    pub departments_per_tenant_max: u64,
    /// Levels of departments below the organisation (ORG-6).
    pub department_levels_max: usize,
    /// Departments a member may belong to.
    pub departments_per_member_max: usize,
    /// Members that leave a department in one step when it is deleted.
    pub members_moved_at_once_max: usize,
    /// Tags a tenant may have.
    pub tags_per_tenant_max: u64,
    /// Tags a member may bear, and departments a tag may be given to.
    pub tags_per_member_max: usize,
    /// How long the mailbox of a deleted member stays in the recycle bin (MEM-14).
    pub recycle_deleted: Duration,
    /// How long one that was taken from its person does (MEM-13).
    pub recycle_unbound: Duration,
    /// How long a shared one that was taken back does (SBX-8).
    pub recycle_reclaimed: Duration,
    /// How long before mailboxes get less room their people are told.
    pub quota_notice: Duration,
    /// Tokens of programs a tenant may have.
    pub tokens_per_tenant_max: u64,
    /// Links to other systems that a tenant may show its members (API-6).
    pub links_per_tenant_max: usize,
    /// Octets of a document that an organisation sends to the operator (ORG-5).
    pub request_document_octets_max: usize,
    /// How long after its end an organisation's members and mail are kept; none: for ever.
    pub purge_ended: Option<Duration>,
    /// How long mail for all of a tenant's domains goes elsewhere before it counts as ended, where that is switched on (ORG-15).
    pub mx_elsewhere: Duration,
    /// How much longer it does before the tenant is removed, where that is switched on too.
    pub mx_elsewhere_purge: Duration,
    /// App passwords of an account.
    pub app_passwords_per_account_max: u64,
    /// Octets of one message.
    pub message_octets_max: u64,
    /// Recipients of one message that a member sends.
    pub recipients_per_message_max: u64,
    /// Folders of one mailbox.
    pub folders_per_account_max: u64,
    /// Levels of folders.
    pub folder_levels_max: u64,
    /// Sessions of one account at the same time, on each node.
    pub sessions_per_account_max: u64,
    /// Members and groups with whom one folder is shared.
    pub folder_shares_max: u64,
    /// Groups with which the members of one organisation share folders.
    pub shared_with_groups_max: u64,
    /// Notifications of what others share that are kept for a member; the oldest go first.
    pub share_notices_max: usize,
    /// How long they are kept.
    pub share_notices_kept: Duration,
    /// Members whom one change tells of what is opened or closed to them.
    pub share_notified_members_max: usize,
    /// Days for which logs are kept.
    pub log_days: u64,
    /// Members and groups of all tenants together that a node's index holds; the tenants used least lately are forgotten first.
    pub index_members_max: usize,
    /// Those of them that are read before they are asked for: of the largest tenants.
    pub index_ahead_members_max: usize,
    /// How long the answer to a request with a key is kept for whoever asks again.
    pub requests_kept: Duration,
    /// Entries each of the caches keeps; twice as many just before the older half is forgotten.
    pub cache_entries_max: usize,
    /// How often a node looks for changes that others made, beside the watch that tells it of them.
    pub look_period: Duration,
    /// How long what is remembered is trusted after a look: a node that cannot reach the store answers from memory no
    /// longer than this.
    pub stale_max: Duration,
    /// Below this, tenants get a domain to try (DOM-1); none: they get none.
    pub trial_parent: Option<Domain>,
    /// The domain of a login name that has none.
    pub default_domain: Option<Domain>,
    /// Those who keep something of an account's person elsewhere than below [`crate::of_account`]: asked when the mailbox is taken from
    /// its person, and when it goes for good.
    pub forget_person: Vec<ForgetPerson>,
}

impl Default for DirectoryOptions {
    fn default() -> Self {
        Self {
            aliases_per_account_max: 5,
            accounts_per_tenant_max: 1_000_000,
            domains_per_tenant_max: 1_000,
            domain_claim: Duration::from_secs(30 * 24 * 3600),
            domain_contest: Duration::from_secs(7 * 24 * 3600),
            domain_removal: Duration::from_secs(7 * 24 * 3600),
            domain_move_into_max: 10_000,
            domain_step_max: 200,
            own_hosts: Vec::new(),
            groups_per_tenant_max: 100_000,
            group_members_max: 10_000,
            group_expansion_max: 10_000,
            departments_per_tenant_max: 20_000,
            department_levels_max: 15,
            departments_per_member_max: 50,
            members_moved_at_once_max: 500,
            tags_per_tenant_max: 1_000,
            tags_per_member_max: 100,
            recycle_deleted: Duration::from_secs(30 * 24 * 3600),
            recycle_unbound: Duration::from_secs(60 * 24 * 3600),
            recycle_reclaimed: Duration::from_secs(60 * 24 * 3600),
            quota_notice: Duration::from_secs(30 * 24 * 3600),
            tokens_per_tenant_max: 1_000,
            links_per_tenant_max: 50,
            request_document_octets_max: 5 << 20,
            purge_ended: None,
            mx_elsewhere: Duration::from_secs(30 * 24 * 3600),
            mx_elsewhere_purge: Duration::from_secs(30 * 24 * 3600),
            app_passwords_per_account_max: 20,
            message_octets_max: 100 << 20,
            recipients_per_message_max: 1_000,
            folders_per_account_max: 300,
            folder_levels_max: 10,
            sessions_per_account_max: 100_000,
            folder_shares_max: 100,
            shared_with_groups_max: 100,
            share_notices_max: 100,
            share_notices_kept: Duration::from_secs(30 * 24 * 3600),
            share_notified_members_max: 100,
            log_days: 180,
            index_members_max: 2_000_000,
            index_ahead_members_max: 300_000,
            requests_kept: Duration::from_secs(24 * 3600),
            cache_entries_max: 100_000,
            look_period: Duration::from_millis(400),
            stale_max: Duration::from_secs(2),
            trial_parent: None,
            default_domain: None,
            forget_person: Vec::new(),
        }
    }
}
