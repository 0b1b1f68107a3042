//! Tenants, domains, accounts, aliases and groups, and where mail for an address goes.
//!
//! Everything is in the store under `("dir", ..)`; what is read often is remembered in memory and forgotten when it
//! changes, here or on another node ([`Follower`]). Addresses are compared by [`hongyan_types::Address::key`] only, so case, IDN spelling and composed letters
//! never matter. Holds credentials but never sees a password: that is `node/access`. Called by the sessions, by
//! delivery, by access and by the admin API.

mod account_news;
mod acting;
mod bulk;
mod cache;
mod change;
mod changes;
mod chosen_name;
mod day;
mod delegation;
mod directory;
mod domain;
mod domain_news;
mod error;
mod etag;
mod exit_page;
mod expand;
mod feed;
mod folder_share;
mod follower;
mod grant;
mod group;
mod hand_over;
mod index;
mod invitation;
mod key;
mod limit;
mod lookup;
mod member_use;
mod mx_news;
mod naming;
mod notice;
mod operator_request;
mod options;
mod organisation;
mod oversight;
mod plan;
mod plan_news;
mod protocol;
mod provisioning;
mod record;
mod recycle;
mod request;
mod resolution;
mod share_notice;
mod standing;
mod terms;
mod token;
mod transaction;
mod tree;
mod visibility;

pub use account_news::AccountNews;
pub use acting::RequestKey;
pub use bulk::{Bounded, BulkAct};
pub use change::Change;
pub use changes::{
    AccountChange, AddressChange, DepartmentChange, FactorsChange, Field, GroupChange, NewAccount, NewDepartment,
    NewGrant, NewGroup, NewTag, NewTenant, NewToken, TagChange, TenantChange,
};
pub use chosen_name::chosen_name;
pub use directory::Directory;
pub use domain::{DomainChange, DomainUse, DomainWork, Proved, ProvenBy};
pub use domain_news::DomainNews;
pub use error::{Error, Result};
pub use etag::{Etag, NotAnEtag};
pub use exit_page::web_host;
pub use feed::FeedPage;
pub use folder_share::{FolderOpening, Inheritance, NewFolderShares};
pub use follower::{Changed, Follower};
pub use index::{
    DepartmentView, ListedGroup, MemberOrder, MemberPage, MemberPlace, MemberQuery, Sieve, folded, phone_digits,
    spellings,
};
pub use invitation::{Joined, Joiner, NewInvitation};
pub use key::{of_account, of_tenant};
pub use limit::{AccountLimits, InForce, Limit, LimitLevel, Limits};
pub use member_use::{MemberUse, UseKind};
pub use operator_request::{Answer, NewOperatorRequest};
pub use options::{DirectoryOptions, ForgetPerson};
pub use oversight::NewSanction;
pub use plan::{Affected, LimitsChange, PlanAssignment, PlanChange, QuotaDue, Service};
pub use protocol::Protocol;
pub use provisioning::{GroupProvision, Provision};
pub use record::account::{AccountKind, AccountRecord, AccountSettings, AccountState, FetchRange, Quota, Seat};
pub use record::application::{ApplicationId, ApplicationRecord};
pub use record::claim::ClaimRecord;
pub use record::credential::{Credential, ScramKeys};
pub use record::delegation_request::DelegationRequest;
pub use record::department::{DepartmentId, DepartmentRecord};
pub use record::domain::DomainRecord;
pub use record::domain_check::{DomainCheck, Registration};
pub use record::factors::{AcceptedTerms, AppPassword, FACTOR_SECRETS, Factors, TotpKey, totp_place};
pub use record::feed::{FeedEntry, Subject};
pub use record::folder_share::{FolderNumber, FolderShare, Sharee};
pub use record::grant::{GrantRecord, GrantRights, Grantee, Sending};
pub use record::group::{GroupId, GroupRecord, Parties, Posting};
pub use record::hand_over::HandOver;
pub use record::invitation::{InvitationId, InvitationRecord, InvitationStanding};
pub use record::language::{Language, UnknownLanguage};
pub use record::mx_elsewhere::MxElsewhere;
pub use record::operator_request::{
    Document, DocumentKind, OperatorRequest, OperatorRequestId, OperatorRequestState, Wanted,
};
pub use record::page::{DisplayNames, OrganisationPage, Welcome};
pub use record::passkey::Passkey;
pub use record::plan::{Feature, PlanRecord};
pub use record::plan_use::PlanUse;
pub use record::profile::{Gender, Profile, Rank};
pub use record::recycled::{RecycleKind, RecycledRecord};
pub use record::role::{Function, Role};
pub use record::sanction::{Restrictions, SanctionId, SanctionKind, SanctionRecord};
pub use record::share_notice::{Opened, ShareNotice, Sharer};
pub use record::sign_in_policy::{Demand, SecondFactorRule, SignInPolicy};
pub use record::sign_in_rule::SignInRule;
pub use record::sms_scope::SmsScope;
pub use record::tag::{TagId, TagRecord};
pub use record::tenant::{TenantCounts, TenantRecord, TenantState};
pub use record::terms::Terms;
pub use record::token::{TokenHash, TokenId, TokenOwner, TokenRecord};
pub use record::token_use::TokenUse;
pub use record::visibility::{Confined, Visibility};
pub use recycle::{Recycle, Restore};
pub use request::RequestState;
pub use resolution::{GroupTargets, Login, Poster, Recipient, Resolution, Via};
pub use share_notice::ShareNotices;
pub use standing::{GroupSender, Opening, SenderRights};
pub use terms::TermsVersion;
pub use transaction::faults::Draft;
pub use visibility::{Card, Cards, Sight};
