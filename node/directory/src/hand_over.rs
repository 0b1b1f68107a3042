//! The creator hands the role over: offers it, and who is to have it takes it (ADM-7).

use std::time::Duration;

use hongyan_kv::Transaction;
use hongyan_notice::{Recipient, Text};
use hongyan_types::{TenantId, Timestamp};

use crate::transaction as tx;
use crate::{AccountRecord, Directory, HandOver, Result};

/// How long an offer counts.
const OFFERED: Duration = Duration::from_secs(7 * 86_400);

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// What the creator has offered and nobody has answered.
    pub async fn hand_over(&self, tenant: TenantId) -> Result<Option<HandOver>> {
        let now = self.now();
        self.read(async move |t: &mut Transaction| tx::hand_over::read(t, tenant, now).await)
            .await
    }
    /// Offers the creator's role to a member, who is told. `NotFound`, `Refused`.
    pub async fn offer_creator(&self, by: &AccountRecord, to: &AccountRecord) -> Result<HandOver> {
        let lasts = i64::try_from(OFFERED.as_millis()).unwrap_or(i64::MAX);
        let offer = HandOver {
            by: by.id,
            to: to.id,
            until: Timestamp {
                millis: self.now().millis.saturating_add(lasts),
            },
        };
        let name = &by.address;
        let notice = self.notice(
            Recipient::Member(to.id),
            "role.offered",
            Text::new(
                &format!("{name} offers you the creator's role"),
                &format!(
                    "{name} wants to hand the role of the organisation's creator over to you. Accept or decline within 7 days in \
                     the administration; you are asked for your password or another proof.\n"
                ),
            ),
            Text::new(
                &format!("{name} 拟将创建者身份移交给您"),
                &format!("{name} 拟将企业创建者身份移交给您。请在 7 天内于管理端接受或拒绝，届时需验证您的身份。\n"),
            ),
        );
        self.change(async move |t| tx::hand_over::offer(t, &offer, &notice).await)
            .await?;
        Ok(offer)
    }
    /// Takes the offer back, or turns it down. `NotFound`.
    pub async fn withdraw_creator(&self, tenant: TenantId) -> Result<()> {
        let now = self.now();
        self.change(async move |t| tx::hand_over::withdraw(t, tenant, now).await)
            .await
    }
    /// Makes the member creator to whom the role is offered; administrators are told. `NotFound`, `Refused`.
    pub async fn accept_creator(&self, to: &AccountRecord) -> Result<AccountRecord> {
        let (this, now, tenant, id, name) = (self.clone(), self.now(), to.tenant, to.id, &to.address);
        let notice = self.notice(
            Recipient::Administrators(tenant),
            "role.handed-over",
            Text::new(
                &format!("{name} is the creator now"),
                &format!("{name} has taken over the role of the organisation's creator. Who had it stays a super administrator.\n"),
            ),
            Text::new(
                &format!("{name} 已成为创建者"),
                &format!("{name} 已接任企业创建者，原创建者改任超级管理员。\n"),
            ),
        );
        self.change(async move |t| tx::hand_over::accept(t, (tenant, id), &notice, this.options(), now).await)
            .await
    }
}

#[cfg(test)]
#[path = "hand_over_test.rs"]
mod tests;
