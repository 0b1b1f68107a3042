//! Who may come by themselves: invitations by link, and those who wait to be let in (MEM-3, MEM-5, MEM-6, MEM-8).

use hongyan_kv::Transaction;
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_types::{AccountId, Address, Domain, TenantId, Timestamp};

use crate::transaction::{self as tx, Page};
use crate::{
    AccountRecord, ApplicationId, ApplicationRecord, Credential, DepartmentId, Directory, Error, InvitationId,
    InvitationRecord, InvitationStanding, NewAccount, Profile, Result, TokenHash,
};

/// An invitation to make.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// What it is for, at most 64 characters.
    pub label: String,
    /// Over its text.
    pub hash: TokenHash,
    /// When it ends.
    pub expires: Timestamp,
    /// Where who joins gets an address.
    pub domain: Domain,
    /// Where who joins belongs.
    pub department: Option<DepartmentId>,
    /// Whether an administrator looks at who wants to join.
    pub review: bool,
    /// How many may join by it.
    pub uses_max: Option<u32>,
    /// The member whom it lets in, who is there already.
    pub account: Option<AccountId>,
    /// The mail that brings it.
    pub notice: Option<Notice>,
}

/// Who comes by an invitation.
#[derive(Debug, Clone)]
pub struct Joiner {
    /// Over the text that they show.
    pub hash: TokenHash,
    /// The address that they want; a member who is there already has one.
    pub address: Option<Address>,
    /// Their name.
    pub display_name: String,
    /// Their phone; may be empty.
    pub mobile: String,
    /// Where they can be told outside; may be empty.
    pub private_address: String,
    /// Their password's hashes.
    pub credential: Credential,
    /// What administrators are told when somebody waits for them.
    pub notice: Option<Notice>,
}

/// What became of who came.
#[derive(Debug, Clone)]
pub enum Joined {
    /// They are in.
    Member(Box<AccountRecord>),
    /// An administrator looks at it first.
    Waits(Box<ApplicationRecord>),
}

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Makes an invitation. `NotFound` for domain and department, `Limit`, `Invalid`, `Refused` for a member who has come.
    pub async fn create_invitation(&self, tenant: TenantId, new: &NewInvitation) -> Result<InvitationRecord> {
        let made = self.create_invitations(tenant, vec![new.clone()]).await?;
        let made = made.into_iter().next();
        made.ok_or_else(|| Error::not_found("invitation", &new.label))
    }
    /// Makes several invitations at once, all or none; as `create_invitation`. At most 100, so that one transaction carries them.
    pub async fn create_invitations(&self, tenant: TenantId, new: Vec<NewInvitation>) -> Result<Vec<InvitationRecord>> {
        let now = self.now();
        self.change(async move |t| tx::invitation::create(t, tenant, &new, now).await)
            .await
    }
    /// Takes an invitation back; it stays in the list. `NotFound`, also for one that was taken back before.
    pub async fn revoke_invitation(&self, tenant: TenantId, id: InvitationId) -> Result<()> {
        let now = self.now();
        self.change(async move |t| tx::invitation::revoke(t, tenant, id, now).await)
            .await
    }
    /// The invitations of a tenant by identifier, after `after`, at most `limit`; those that let nobody in any more too.
    pub async fn invitations(
        &self,
        tenant: TenantId,
        after: Option<InvitationId>,
        limit: usize,
    ) -> Result<Vec<InvitationRecord>> {
        let page = Page { after, limit };
        self.read(async move |t: &mut Transaction| tx::invitation::some(t, tenant, page).await)
            .await
    }
    /// An invitation. `NotFound`.
    pub async fn invitation(&self, tenant: TenantId, id: InvitationId) -> Result<InvitationRecord> {
        self.read(async move |t: &mut Transaction| tx::invitation::one(t, tenant, id).await)
            .await
    }
    /// The invitation whose text has that hash, and what it is good for; none for one that was taken back.
    pub async fn invitation_found(&self, hash: TokenHash) -> Result<Option<(InvitationRecord, InvitationStanding)>> {
        let now = self.now();
        self.read(async move |t: &mut Transaction| tx::invitation::found(t, &hash, now).await)
            .await
    }
    /// Lets somebody in who shows an invitation, or has them wait. `NotFound` for what is no invitation any more, `Exists` for
    /// an address, `Limit` of accounts at this moment, `Invalid`.
    pub async fn join(&self, joiner: &Joiner) -> Result<Joined> {
        let (joiner, this, now) = (joiner.clone(), self.clone(), self.now());
        self.change(async move |t| tx::invitation::join(t, &joiner, this.options(), now).await)
            .await
    }
    /// Those who wait to be let in, by identifier, after `after`, at most `limit`.
    pub async fn applications(
        &self,
        tenant: TenantId,
        after: Option<ApplicationId>,
        limit: usize,
    ) -> Result<Vec<ApplicationRecord>> {
        let page = Page { after, limit };
        self.read(async move |t: &mut Transaction| tx::invitation::applications(t, tenant, page).await)
            .await
    }
    /// Someone who waits. `NotFound`.
    pub async fn application(&self, tenant: TenantId, id: ApplicationId) -> Result<ApplicationRecord> {
        self.read(async move |t: &mut Transaction| tx::invitation::application(t, tenant, id).await)
            .await
    }
    /// Whether somebody has an address.
    pub async fn is_taken(&self, address: &Address) -> Result<bool> {
        Ok(self.lookup().target(address).await?.is_some())
    }
    /// Takes someone in who waits, at `address`, and tells them. `NotFound`, `Exists` for an address that was taken meanwhile,
    /// `Limit`.
    pub async fn accept_application(
        &self,
        application: &ApplicationRecord,
        address: &Address,
        departments: Vec<DepartmentId>,
    ) -> Result<AccountRecord> {
        let new = NewAccount {
            display_name: application.display_name.clone(),
            credential: Some(application.credential.clone()),
            profile: Profile {
                mobile: application.mobile.clone(),
                private_address: application.private_address.clone(),
                ..Profile::default()
            },
            departments,
            ..NewAccount::at(address.clone())
        };
        let notice = self.answer(
            application,
            "application.accepted",
            Text::new(
                &format!("You have joined: your address is {address}"),
                &format!("You can sign in now as {address} with the password that you chose.\n"),
            ),
            Text::new(
                &format!("您已加入，邮箱地址为 {address}"),
                &format!("您现在可以用 {address} 和您设置的密码登录。\n"),
            ),
        );
        let (application, this, now) = (application.clone(), self.clone(), self.now());
        self.change(async move |t| {
            tx::invitation::accept(t, &application, &new, notice.as_ref(), (this.options(), now)).await
        })
        .await
    }
    /// Turns someone away who waits, and tells them why. `NotFound`.
    pub async fn refuse_application(&self, application: &ApplicationRecord, reason: &str) -> Result<()> {
        let notice = self.answer(
            application,
            "application.refused",
            Text::new("Your application was not accepted", &format!("{reason}\n")),
            Text::new("您的加入申请未通过", &format!("{reason}\n")),
        );
        let (application, reason) = (application.clone(), reason.to_owned());
        self.change(async move |t| tx::invitation::refuse(t, &application, &reason, notice.as_ref()).await)
            .await
    }

    /// What someone who applied is told, where they said how to reach them.
    fn answer(
        &self,
        application: &ApplicationRecord,
        kind: &'static str,
        english: Text,
        chinese: Text,
    ) -> Option<Notice> {
        let to = Recipient::Outside {
            tenant: application.tenant,
            address: Address::try_from(application.private_address.as_str()).ok()?,
            about: None,
        };
        Some(Notice::new(self.env(), to, kind, english, chinese))
    }

    /// A notice of this node's clock; `to` is told of `kind`.
    #[must_use]
    pub fn notice(&self, to: Recipient, kind: &'static str, english: Text, chinese: Text) -> Notice {
        Notice::new(self.env(), to, kind, english, chinese)
    }
}

#[cfg(test)]
#[path = "invitation_test.rs"]
mod tests;
