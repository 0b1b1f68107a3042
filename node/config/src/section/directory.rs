//! Tenants and what they may have.

use crate::section::section;

section! {
    /// What tenants may have, unless a tenant's own limit says otherwise.
    Directory = "directory" {
        /// Aliases of one account.
        aliases_per_account_max: u32 = 5, "aliases", "0 to 1000", "restart";
        /// Accounts of one tenant.
        accounts_per_tenant_max: u64 = 1_000_000, "accounts", "1 and up", "restart";
        /// Domains of one tenant.
        domains_per_tenant_max: u64 = 1_000, "domains", "1 and up", "restart";
        /// Groups of one tenant.
        groups_per_tenant_max: u64 = 100_000, "groups", "1 and up", "restart";
        /// Direct members of one group.
        group_members_max: u64 = 10_000, "members", "1 and up", "restart";
        /// Recipients of one group with nested groups expanded.
        group_expansion_max: usize = 10_000, "recipients", "1 and up", "restart";
        /// Days that the mailbox of a deleted member stays in the recycle bin.
        recycle_deleted_days: u64 = 30, "days", "1 to 3650", "restart";
        /// Days that a mailbox taken from its person stays there.
        recycle_unbound_days: u64 = 60, "days", "1 to 3650", "restart";
        /// Days that a shared mailbox that was taken back stays there.
        recycle_reclaimed_days: u64 = 60, "days", "1 to 3650", "restart";
        /// Days that logs and statistics are kept, unless a plan or an organisation says otherwise.
        log_days: u64 = 180, "days", "1 to 3650", "restart";
        /// Members and groups of all tenants together that a node keeps in memory for lists and searches; the tenants used least lately go first.
        index_members_max: usize = 2_000_000, "members", "1 and up", "restart";
        /// Those of them whom a node reads when it starts, of the largest tenants; others are read when somebody lists them.
        index_ahead_members_max: usize = 300_000, "members", "0 and up", "restart";
        /// Links to other systems that one tenant shows its members.
        links_per_tenant_max: usize = 50, "links", "0 to 500", "restart";
        /// Octets of a document that an organisation sends to the operator, such as a signed letter.
        request_document_octets_max: usize = 5 << 20, "octets", "65536 to 8388608", "restart";
        /// Days after the end of an organisation's service at which its members and mail are removed for good; 0: never.
        purge_ended_days: u64 = 0, "days", "0 to 3650", "restart";
        /// Days that mail for all domains of an organisation goes elsewhere before it counts as ended and is suspended, where the operator has
        /// switched that on for it.
        mx_elsewhere_days: u64 = 30, "days", "1 to 3650", "restart";
        /// Days that it goes on to do so before the organisation is removed, where that is switched on too.
        mx_elsewhere_purge_days: u64 = 30, "days", "1 to 3650", "restart";
        /// The domain below which new organisations get one to try, `t<id>.<parent>`, until they have their own; its DNS leads any name below it
        /// here. Empty: they get none.
        trial_parent: String = String::new(), "", "a domain", "restart";
        /// The domain of a login name without `@`; empty: such names are refused.
        default_domain: String = String::new(), "", "a domain", "restart";
    }
}
