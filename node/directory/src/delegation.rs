//! Members who act for one another (DLG): what each appoints, asks for, accepts, and is told.

use hongyan_kv::Transaction;
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_types::AccountId;

use crate::day::day;
use crate::transaction as tx;
use crate::{AccountRecord, DelegationRequest, Directory, GrantRecord, Grantee, NewGrant, Result};

/// How long before its end both are told of a delegation: a day.
pub(crate) const TOLD_BEFORE_MILLIS: i64 = 86_400_000;
/// Delegations told of in one transaction.
const TOLD_AT_ONCE: usize = 100;

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Lets a member act for another from now on, in place of what they might before; they are told. `NotFound`, `Invalid`,
    /// `Limit`, `Refused` for who is not active.
    pub async fn appoint(&self, principal: &AccountRecord, to: &AccountRecord, new: &NewGrant) -> Result<GrantRecord> {
        let until = new.until.map(day).unwrap_or_default();
        let name = &principal.address;
        let notice = self.notice(
            Recipient::Member(to.id),
            "delegation.given",
            Text::new(
                &format!("You may act for {name} until {until}"),
                &format!("{name} lets you act in their name until {until}.\n"),
            ),
            Text::new(
                &format!("{name} 已指定您代办，至 {until}"),
                &format!("{name} 已指定您代其办理邮件，有效期至 {until}。\n"),
            ),
        );
        let (new, now) = (new.clone(), self.now());
        self.change(async move |t| tx::delegation::appoint(t, &new, Some(&notice), now).await)
            .await
    }
    /// Stops what a member may do for another; it is still to be seen. `NotFound`.
    pub async fn stop_delegation(&self, principal: AccountId, to: AccountId) -> Result<()> {
        self.change(async move |t| tx::grant::stop(t, principal, Grantee::Account(to)).await)
            .await
    }
    /// Asks a member to be allowed to act for them; they are told. `NotFound`, `Invalid`, `Limit`, `Refused`.
    pub async fn ask_to_act(
        &self,
        principal: &AccountRecord,
        by: &AccountRecord,
        request: &DelegationRequest,
    ) -> Result<()> {
        let (name, days) = (&by.address, request.days);
        let notice = self.notice(
            Recipient::Member(principal.id),
            "delegation.asked",
            Text::new(
                &format!("{name} asks to act for you"),
                &format!("{name} asks to act in your name for {days} days. Accept or refuse it in your settings.\n"),
            ),
            Text::new(
                &format!("{name} 申请为您代办"),
                &format!("{name} 申请为您代办邮件 {days} 天，请在设置中接受或拒绝。\n"),
            ),
        );
        let request = *request;
        self.change(async move |t| tx::delegation::ask(t, &request, &notice).await)
            .await
    }
    /// Turns down what was asked, or takes it back; who asked is told of the former. `NotFound`.
    pub async fn turn_down(&self, principal: AccountId, by: AccountId, told_of: Option<&AccountRecord>) -> Result<()> {
        let notice = told_of.map(|principal| {
            let name = &principal.address;
            self.notice(
                Recipient::Member(by),
                "delegation.refused",
                Text::new(
                    &format!("{name} has declined"),
                    &format!("{name} does not want you to act for them.\n"),
                ),
                Text::new(&format!("{name} 已拒绝"), &format!("{name} 拒绝了您的代办申请。\n")),
            )
        });
        self.change(async move |t| tx::delegation::turn_down(t, principal, by, notice.as_ref()).await)
            .await
    }
    /// What others ask of a member.
    pub async fn requests_to(&self, principal: AccountId) -> Result<Vec<DelegationRequest>> {
        self.read(async move |t: &mut Transaction| tx::delegation::requests_to(t, principal).await)
            .await
    }
    /// What a member asks of others.
    pub async fn requests_by(&self, asker: AccountId) -> Result<Vec<DelegationRequest>> {
        self.read(async move |t: &mut Transaction| tx::delegation::requests_by(t, asker).await)
            .await
    }
    /// What was granted to a member by others, what is over too.
    pub async fn grants_to(&self, account: &AccountRecord) -> Result<Vec<GrantRecord>> {
        let (tenant, to) = (account.tenant, Grantee::Account(account.id));
        self.read(async move |t: &mut Transaction| tx::grant::to(t, tenant, to).await)
            .await
    }

    /// Tells both of each delegation that ends within a day, once, and who has one that it is over; whatever node does it.
    /// Gives how many there were.
    pub async fn tell_of_ends(&self) -> Result<usize> {
        let (now, this) = (self.now(), self.clone());
        self.change(async move |t| {
            let ending = tx::delegation::take_ending(t, now, TOLD_AT_ONCE).await?;
            for grant in &ending.soon {
                for notice in this.end_notices(t, grant).await? {
                    t.send(&notice);
                }
            }
            Ok(ending.soon.len() + ending.over)
        })
        .await
    }

    async fn end_notices(&self, transaction: &mut Transaction, grant: &GrantRecord) -> Result<Vec<Notice>> {
        let (Grantee::Account(to), Some(until)) = (grant.to, grant.until) else {
            return Ok(Vec::new());
        };
        let principal = tx::read_account(transaction, grant.account).await?;
        let (Some(principal), Some(to)) = (principal, tx::read_account(transaction, to).await?) else {
            return Ok(Vec::new());
        };
        let until = day(until);
        let told = [(principal.id, &principal, &to), (to.id, &principal, &to)];
        let notices = told.map(|(id, principal, to)| {
            let (principal, to) = (&principal.address, &to.address);
            self.notice(
                Recipient::Member(id),
                "delegation.ends",
                Text::new(
                    &format!("{to} acts for {principal} until {until} only"),
                    &format!("What {to} may do for {principal} ends on {until}.\n"),
                ),
                Text::new(
                    &format!("{to} 为 {principal} 的代办将于 {until} 到期"),
                    &format!("{to} 为 {principal} 代办的授权将于 {until} 到期。\n"),
                ),
            )
        });
        Ok(notices.into())
    }
}

#[cfg(test)]
#[path = "delegation_test.rs"]
mod tests;
