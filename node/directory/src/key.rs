//! The keys of the directory. Layout, each a tuple:
//!
//! ("dir", "version")                        the count of changes; watched by every node
//! ("dir", "change", version)                record/change.rs, the latest only
//! ("dir", "next", kind)                     last identifier given out: kinds tenant, account, group, token
//! ("dir", "tenant", tenant)                 record/tenant.rs
//! ("dir", "tenant-name", name)              tenant
//! ("dir", "domain", domain)                 record/domain.rs
//! ("dir", "tenant-domain", tenant, domain)  empty
//! ("dir", "special-domain", tenant, domain) empty, see record/domain.rs
//! ("dir", "claim", domain, tenant), ("dir", "tenant-claim", ..)  record/claim.rs
//! ("dir", "domain-check", domain)           record/domain_check.rs
//! ("dir", "plan", folded name)              record/plan.rs; ("dir", "plan-use", tenant) record/plan_use.rs
//! ("dir", "quota-due", millis, tenant, account)  see transaction/quota_due.rs
//! ("dir", "seat", tenant, account)          empty, for those with an advanced seat
//! ("dir", "shared-mailbox", tenant, account)  empty
//! ("dir", "account", tenant, account)       record/account.rs
//! ("dir", "account-tenant", account)        tenant
//! ("dir", "credential", account)            record/credential.rs
//! ("dir", "factors", account)               record/factors.rs
//! ("dir", "address", domain, local key)     record/target.rs
//! ("dir", "group", tenant, group)           record/group.rs
//! ("dir", "member", group, address key)     the member's address as written
//! ("dir", "member-of", ..), ("dir", "group-names", ..)  see naming.rs
//! ("dir", "role", tenant, account)          the name of the account's role
//! ("dir", "employee-id", tenant, id)        account; ("dir", "mobile", tenant, digits) likewise
//! ("dir", "external-id", tenant, id)        account
//! ("dir", "group-external-id", tenant, id)  group
//! ("dir", "department", tenant, department) record/department.rs
//! ("dir", "department-name", tenant, parent, name)  department
//! ("dir", "department-member", tenant, department, account)  empty
//! ("dir", "tag", tenant, tag)               record/tag.rs
//! ("dir", "tag-name", tenant, name)         tag
//! ("dir", "tag-member", tenant, tag, account)  empty
//! ("dir", "next-of", tenant, kind)          last identifier given out in a tenant: kinds department, tag
//! ("dir", "recycled", ..), ("dir", "recycled-due", ..)  record/recycled.rs
//! ("dir", "grant", ..), ("dir", "granted", ..)  record/grant.rs
//! ("dir", "grant-ends", millis, account, kind, id)  empty: the day before it ends, both are told; then, that it is over
//! ("dir", "asked", principal, asker)        record/delegation_request.rs; ("dir", "asks", asker, principal) empty
//! ("dir", "sign-in-policy", tenant)         record/sign_in_policy.rs; ("dir", "page", tenant) record/page.rs
//! ("dir", "terms", tenant)                  record/terms.rs; those of the installation are those of tenant 0
//! ("dir", "phone", number, tenant)          the account that proved it, if its factors have it still
//! ("dir", "of-account", account, ..), ("dir", "of-tenant", tenant, ..)  what others keep, removed with it; record/share_notice.rs
//! ("dir", "of-tenant", tenant, "hand-over") record/hand_over.rs
//! ("dir", "of-tenant", tenant, "mx-elsewhere") record/mx_elsewhere.rs
//! ("dir", "token", token)                   record/token.rs; ("dir", "token-use", token) record/token_use.rs
//! ("dir", "token-hash", hash)               token
//! ("dir", "tenant-token", tenant, token)    account, 0 for the operator; the operator's are those of tenant 0
//! ("dir", "invitation", tenant, invitation) record/invitation.rs; ("dir", "invitation-hash", hash) tenant and invitation
//! ("dir", "application", tenant, application) record/application.rs
//! ("dir", "visibility", tenant)             record/visibility.rs
//! ("dir", "sanction", tenant, number)       record/sanction.rs
//! ("dir", "operator-request", number)       record/operator_request.rs; ("dir", "operator-request-of", tenant, number) empty
//! ("dir", "operator-document", number, document, part)  a piece of a file
//! ("dir", "service-end", tenant)            days before the end that were told last, big-endian; empty: none
//! ("dir", "verification-end", tenant)       the same of the end of a verification
//! ("dir", "feed", tenant, number)           record/feed.rs, the latest only; ("dir", "feed-end", tenant) the last number
//! ("dir", "request", key)                   record/request.rs; ("dir", "request-at", millis, key) empty

use bytes::Bytes;
use hongyan_kv::tuple::Tuple;
use hongyan_types::{AccountId, Address, Domain, TenantId};

use crate::{DepartmentId, Grantee, GroupId, OperatorRequestId, RecycledRecord, RequestKey, TagId, TokenHash, TokenId};

fn dir(kind: &str) -> Tuple {
    Tuple::new().string("dir").string(kind)
}
pub(crate) fn version() -> Bytes {
    dir("version").pack()
}
pub(crate) fn changes() -> Tuple {
    dir("change")
}
pub(crate) fn change(version: u64) -> Bytes {
    changes().int(version).pack()
}
pub(crate) fn next(kind: &str) -> Bytes {
    dir("next").string(kind).pack()
}
pub(crate) fn tenants() -> Tuple {
    dir("tenant")
}
pub(crate) fn tenant(tenant: TenantId) -> Bytes {
    tenants().int(tenant.0).pack()
}
pub(crate) fn tenant_name(name: &str) -> Bytes {
    dir("tenant-name").string(&name.to_lowercase()).pack()
}
pub(crate) fn domain(domain: &Domain) -> Bytes {
    dir("domain").string(domain.as_str()).pack()
}
pub(crate) fn tenant_domains(tenant: TenantId) -> Tuple {
    dir("tenant-domain").int(tenant.0)
}
pub(crate) fn special_domains(tenant: TenantId) -> Tuple {
    dir("special-domain").int(tenant.0)
}
pub(crate) fn claims(domain: &Domain) -> Tuple {
    dir("claim").string(domain.as_str())
}
pub(crate) fn claim(domain: &Domain, tenant: TenantId) -> Bytes {
    claims(domain).int(tenant.0).pack()
}
pub(crate) fn tenant_claims(tenant: TenantId) -> Tuple {
    dir("tenant-claim").int(tenant.0)
}
pub(crate) fn domain_check(domain: &Domain) -> Bytes {
    dir("domain-check").string(domain.as_str()).pack()
}
pub(crate) fn plans() -> Tuple {
    dir("plan")
}
pub(crate) fn plan(folded: &str) -> Bytes {
    plans().string(folded).pack()
}
pub(crate) fn plan_uses() -> Tuple {
    dir("plan-use")
}
pub(crate) fn plan_use(tenant: TenantId) -> Bytes {
    plan_uses().int(tenant.0).pack()
}
pub(crate) fn quota_due() -> Tuple {
    dir("quota-due")
}
pub(crate) fn seats(tenant: TenantId) -> Tuple {
    dir("seat").int(tenant.0)
}
pub(crate) fn shared_mailboxes(tenant: TenantId) -> Tuple {
    dir("shared-mailbox").int(tenant.0)
}
pub(crate) fn accounts(tenant: TenantId) -> Tuple {
    dir("account").int(tenant.0)
}
pub(crate) fn account(tenant: TenantId, account: AccountId) -> Bytes {
    accounts(tenant).int(account.0).pack()
}
pub(crate) fn account_tenant(account: AccountId) -> Bytes {
    dir("account-tenant").int(account.0).pack()
}
pub(crate) fn credential(account: AccountId) -> Bytes {
    dir("credential").int(account.0).pack()
}
pub(crate) fn factors(account: AccountId) -> Bytes {
    crate::record::factors::folder().int(account.0).pack()
}
pub(crate) fn addresses(domain: &Domain) -> Tuple {
    dir("address").string(domain.as_str())
}
pub(crate) fn address(address: &Address) -> Bytes {
    addresses(&address.domain).string(&address.local.key()).pack()
}
pub(crate) fn groups(tenant: TenantId) -> Tuple {
    dir("group").int(tenant.0)
}
pub(crate) fn group(tenant: TenantId, group: GroupId) -> Bytes {
    groups(tenant).int(group.0).pack()
}
pub(crate) fn members(group: GroupId) -> Tuple {
    dir("member").int(group.0)
}
pub(crate) fn member(group: GroupId, address: &Address) -> Bytes {
    members(group).string(&address.key()).pack()
}
/// All of a kind in a tenant.
pub(crate) fn all_of(kind: &str, tenant: TenantId) -> Tuple {
    dir(kind).int(tenant.0)
}
pub(crate) fn roles(tenant: TenantId) -> Tuple {
    dir("role").int(tenant.0)
}
pub(crate) fn role(tenant: TenantId, account: AccountId) -> Bytes {
    roles(tenant).int(account.0).pack()
}
/// Where a value that is unique in its tenant leads to the account that has it.
pub(crate) fn unique(kind: &str, tenant: TenantId, value: &str) -> Bytes {
    dir(kind).int(tenant.0).string(value).pack()
}
pub(crate) fn departments(tenant: TenantId) -> Tuple {
    dir("department").int(tenant.0)
}
pub(crate) fn department(tenant: TenantId, department: DepartmentId) -> Bytes {
    departments(tenant).int(u64::from(department.0)).pack()
}
pub(crate) fn department_names(tenant: TenantId, parent: DepartmentId) -> Tuple {
    dir("department-name").int(tenant.0).int(u64::from(parent.0))
}
pub(crate) fn department_members(tenant: TenantId, department: DepartmentId) -> Tuple {
    dir("department-member").int(tenant.0).int(u64::from(department.0))
}
pub(crate) fn tags(tenant: TenantId) -> Tuple {
    dir("tag").int(tenant.0)
}
pub(crate) fn tag(tenant: TenantId, tag: TagId) -> Bytes {
    tags(tenant).int(u64::from(tag.0)).pack()
}
pub(crate) fn tag_name(tenant: TenantId, folded: &str) -> Bytes {
    dir("tag-name").int(tenant.0).string(folded).pack()
}
pub(crate) fn tag_members(tenant: TenantId, tag: TagId) -> Tuple {
    dir("tag-member").int(tenant.0).int(u64::from(tag.0))
}
pub(crate) fn next_of(tenant: TenantId, kind: &str) -> Bytes {
    dir("next-of").int(tenant.0).string(kind).pack()
}
pub(crate) fn grants(account: AccountId) -> Tuple {
    dir("grant").int(account.0)
}
pub(crate) fn grant(account: AccountId, to: Grantee) -> Bytes {
    let (kind, id) = to.code();
    grants(account).int(kind).int(id).pack()
}
/// The grants that end, by the moment when that is told.
pub(crate) fn grant_ends() -> Tuple {
    dir("grant-ends")
}
pub(crate) fn grant_ends_at(grant: &crate::GrantRecord, until: hongyan_types::Timestamp) -> Bytes {
    let told = until.millis.saturating_sub(crate::delegation::TOLD_BEFORE_MILLIS);
    grant_told_at(grant, told)
}
/// The same of one that is over then.
pub(crate) fn grant_over_at(grant: &crate::GrantRecord, until: hongyan_types::Timestamp) -> Bytes {
    grant_told_at(grant, until.millis)
}
fn grant_told_at(grant: &crate::GrantRecord, millis: i64) -> Bytes {
    let (kind, id) = grant.to.code();
    grant_ends().int(millis).int(grant.account.0).int(kind).int(id).pack()
}
/// Those who ask to act for someone.
pub(crate) fn asked(principal: AccountId) -> Tuple {
    dir("asked").int(principal.0)
}
/// Those for whom someone asks to act.
pub(crate) fn asks(asker: AccountId) -> Tuple {
    dir("asks").int(asker.0)
}
/// The accounts that have granted something to someone.
pub(crate) fn granted(tenant: TenantId, to: Grantee) -> Tuple {
    let (kind, id) = to.code();
    dir("granted").int(tenant.0).int(kind).int(id)
}
/// And those that have granted something to departments of a tenant.
pub(crate) fn granted_to_departments(tenant: TenantId) -> Tuple {
    dir("granted").int(tenant.0).int(1_u64)
}
/// What an account lets others do with single folders, by folder.
pub(crate) fn folder_shares(account: AccountId) -> Tuple {
    folders_shared().int(account.0)
}
/// What all accounts do, by account.
pub(crate) fn folders_shared() -> Tuple {
    dir("folder-share")
}
pub(crate) fn folder_share(account: AccountId, folder: crate::FolderNumber, to: crate::Sharee) -> Bytes {
    to.behind(folder_shares(account).int(u64::from(folder.0))).pack()
}
/// The folders that others let someone use, by account and folder.
pub(crate) fn folders_shared_with(tenant: TenantId, to: crate::Sharee) -> Tuple {
    to.behind(dir("folder-shared").int(tenant.0))
}
/// And those that they let groups use, by group.
pub(crate) fn folders_shared_with_groups(tenant: TenantId) -> Tuple {
    dir("folder-shared").int(tenant.0).int(0_u64)
}
pub(crate) fn folder_shared(tenant: TenantId, share: &crate::FolderShare) -> Bytes {
    let key = folders_shared_with(tenant, share.to).int(share.account.0);
    key.int(u64::from(share.folder.0)).pack()
}
pub(crate) fn terms(of: Option<TenantId>) -> Bytes {
    dir("terms").int(of.map_or(0, |tenant| tenant.0)).pack()
}
pub(crate) fn phones_of(number: &str) -> Tuple {
    dir("phone").string(number)
}
pub(crate) fn phone(number: &str, tenant: TenantId) -> Bytes {
    phones_of(number).int(tenant.0).pack()
}
pub(crate) fn sign_in_policy(tenant: TenantId) -> Bytes {
    dir("sign-in-policy").int(tenant.0).pack()
}
pub(crate) fn visibility(tenant: TenantId) -> Bytes {
    dir("visibility").int(tenant.0).pack()
}
pub(crate) fn page(tenant: TenantId) -> Bytes {
    dir("page").int(tenant.0).pack()
}
/// Below this, others keep what is removed together with an account, or when it is taken from its person.
#[must_use]
pub fn of_account(account: AccountId) -> Tuple {
    dir("of-account").int(account.0)
}
/// Below this, others keep what is removed together with a tenant.
#[must_use]
pub fn of_tenant(tenant: TenantId) -> Tuple {
    dir("of-tenant").int(tenant.0)
}
/// The creator's role as it is offered.
pub(crate) fn hand_over(tenant: TenantId) -> Bytes {
    of_tenant(tenant).string("hand-over").pack()
}
/// For how long its mail has gone elsewhere.
pub(crate) fn mx_elsewhere(tenant: TenantId) -> Bytes {
    of_tenant(tenant).string("mx-elsewhere").pack()
}
pub(crate) fn recycled(tenant: TenantId) -> Tuple {
    dir("recycled").int(tenant.0)
}
pub(crate) fn recycled_due() -> Tuple {
    dir("recycled-due")
}
pub(crate) fn recycled_due_at(recycled: &RecycledRecord) -> Bytes {
    let account = &recycled.account;
    let due = recycled_due().int(recycled.until.millis);
    due.int(account.tenant.0).int(account.id.0).pack()
}
pub(crate) fn token(token: TokenId) -> Bytes {
    dir("token").int(token.0).pack()
}
pub(crate) fn token_use(token: TokenId) -> Bytes {
    dir("token-use").int(token.0).pack()
}
pub(crate) fn token_hash(hash: &TokenHash) -> Bytes {
    dir("token-hash").bytes(&hash.0).pack()
}
pub(crate) fn tenant_tokens(tenant: Option<TenantId>) -> Tuple {
    dir("tenant-token").int(tenant.map_or(0, |tenant| tenant.0))
}
pub(crate) fn invitations(tenant: TenantId) -> Tuple {
    dir("invitation").int(tenant.0)
}
pub(crate) fn invitation_hash(hash: &TokenHash) -> Bytes {
    dir("invitation-hash").bytes(&hash.0).pack()
}
pub(crate) fn applications(tenant: TenantId) -> Tuple {
    dir("application").int(tenant.0)
}
pub(crate) fn sanctions(tenant: TenantId) -> Tuple {
    dir("sanction").int(tenant.0)
}
pub(crate) fn operator_requests() -> Tuple {
    dir("operator-request")
}
pub(crate) fn operator_request(id: OperatorRequestId) -> Bytes {
    operator_requests().int(id.0).pack()
}
pub(crate) fn operator_requests_of(tenant: TenantId) -> Tuple {
    dir("operator-request-of").int(tenant.0)
}
pub(crate) fn operator_documents(id: OperatorRequestId) -> Tuple {
    dir("operator-document").int(id.0)
}
pub(crate) fn operator_document(id: OperatorRequestId, number: usize) -> Tuple {
    operator_documents(id).int(number as u64)
}
pub(crate) fn service_ends() -> Tuple {
    dir("service-end")
}
pub(crate) fn service_end(tenant: TenantId) -> Bytes {
    service_ends().int(tenant.0).pack()
}
pub(crate) fn verification_ends() -> Tuple {
    dir("verification-end")
}
pub(crate) fn verification_end(tenant: TenantId) -> Bytes {
    verification_ends().int(tenant.0).pack()
}
pub(crate) fn feed(tenant: TenantId) -> Tuple {
    dir("feed").int(tenant.0)
}
pub(crate) fn feed_end(tenant: TenantId) -> Bytes {
    dir("feed-end").int(tenant.0).pack()
}
pub(crate) fn request(request: &RequestKey) -> Bytes {
    dir("request").bytes(&request.0).pack()
}
pub(crate) fn requests_at() -> Tuple {
    dir("request-at")
}
