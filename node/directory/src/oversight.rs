//! The operator's hand on organisations: sanctions (ORG-16), the end of a service (ORG-15), and what is told of both.

use hongyan_env::Env;
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_types::{AccountId, TenantId, Timestamp};

use crate::day::day;
use crate::transaction as tx;
use crate::{AccountRecord, Directory, Restrictions, Result, SanctionId, SanctionKind, SanctionRecord, TenantRecord};

/// A sanction to impose.
#[derive(Debug, Clone)]
pub struct NewSanction {
    /// On which organisation.
    pub tenant: TenantId,
    /// On which of its members; none is all of it.
    pub account: Option<AccountId>,
    /// How grave.
    pub kind: SanctionKind,
    /// With a limit: what does not work.
    pub restrictions: Restrictions,
    /// Why, as those concerned are told.
    pub reason: String,
}

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Imposes a sanction; administrators, and the member, get a mail with the reason. `NotFound`, `Invalid`.
    pub async fn impose(&self, new: &NewSanction) -> Result<SanctionRecord> {
        let (new, now) = (new.clone(), self.now());
        let notices = imposed(self.env(), &new);
        self.change(async move |t| tx::sanction::impose(t, &new, &notices, now).await)
            .await
    }
    /// Lifts one. `NotFound`, `Invalid`.
    pub async fn lift(&self, tenant: TenantId, id: SanctionId, reason: &str) -> Result<SanctionRecord> {
        let (reason, now) = (reason.to_owned(), self.now());
        self.change(async move |t| tx::sanction::lift(t, tenant, id, &reason, now).await)
            .await
    }
    /// All sanctions of an organisation and its members, lifted ones too, the oldest first.
    pub async fn sanctions(&self, tenant: TenantId) -> Result<Vec<SanctionRecord>> {
        self.read(async move |t| tx::sanction::all(t, tenant).await).await
    }
    /// What the operator has stopped of an account, or of its whole organisation.
    pub async fn restrictions_of(&self, account: &AccountRecord) -> Result<Restrictions> {
        let mut lookup = self.lookup();
        let tenant = lookup.tenant(account.tenant).await?;
        let of_tenant = tenant.as_ref().map(|tenant| tenant.restricted).unwrap_or_default();
        // A session may have read the account long ago.
        let now = lookup.account(account.id).await?;
        let own = now.as_ref().map_or(account.restricted, |now| now.restricted);
        let mut all = own.or(of_tenant);
        // A lent domain stands for the operator: nobody unknown writes to the world with it (DOM-1).
        let address = now.as_ref().map_or(&account.address, |now| &now.address);
        let is_lent = lookup.domain(&address.domain).await?.is_some_and(|domain| domain.trial);
        if is_lent
            && !all.sending_outside
            && let Some(tenant) = &tenant
        {
            all.sending_outside = !self.is_verified(tenant).await?;
        }
        Ok(all)
    }

    /// Organisations whose service ends or has ended, after `after`, at most `limit`.
    pub async fn ending_services(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantId>> {
        self.read(async move |t| tx::service::ending(t, after, limit).await)
            .await
    }
    /// Looks whether a service ends: tells administrators before that, suspends then, purges later if that is switched on.
    pub async fn look_at_service(&self, tenant: TenantId) -> Result<()> {
        let (now, this) = (self.now(), self.clone());
        self.change(async move |t| tx::service::look(t, tenant, this.options(), now).await)
            .await
    }
    /// Whether the operator has found that an organisation is real (ORG-4); the only one of a server counts as that.
    pub async fn is_verified(&self, tenant: &TenantRecord) -> Result<bool> {
        let now = self.now();
        if tenant.verified_until.is_some_and(|until| until > now) {
            return Ok(true);
        }
        Ok(self.tenants(None, 2).await?.len() == 1)
    }
}

fn stopped(restrictions: Restrictions) -> (&'static str, &'static str) {
    match restrictions {
        Restrictions { sending: true, .. } => ("Nothing can be sent.", "暂停发送邮件。"),
        Restrictions {
            sending_outside: true, ..
        } => (
            "Nothing can be sent to other mail systems.",
            "暂停向外部邮件系统发送邮件。",
        ),
        _ => ("", ""),
    }
}

/// The mails of a sanction: to the administrators, and to the member whom it is about.
fn imposed(env: &Env, new: &NewSanction) -> Vec<Notice> {
    let (subject, chinese_subject) = match new.kind {
        SanctionKind::Warning => ("A warning by the operator of this mail system", "邮件系统运营方的警告"),
        SanctionKind::Limit => ("Functions are limited by the operator", "部分功能已被运营方限制"),
        SanctionKind::Suspension => ("Suspended by the operator", "已被运营方停用"),
        SanctionKind::Closure => ("Closed by the operator", "已被运营方关闭"),
    };
    let (what, chinese_what) = stopped(new.restrictions);
    let reason = new.reason.trim();
    let english = Text::new(
        subject,
        &format!("{what}\n\nReason: {reason}\n\nAnswer the operator if you think that is wrong.\n"),
    );
    let chinese = Text::new(
        chinese_subject,
        &format!("{chinese_what}\n\n原因：{reason}\n\n如有异议，请联系运营方。\n"),
    );
    let administrators = Recipient::Administrators(new.tenant);
    let member = new.account.map(Recipient::Member);
    let all = std::iter::once(administrators).chain(member);
    all.map(|to| Notice::new(env, to, "sanction", english.clone(), chinese.clone()))
        .collect()
}

/// The kind of the mail before the end of a service or at it, and what it says.
pub(crate) fn service_ends(until: Timestamp, has_ended: bool) -> (&'static str, Text, Text) {
    let end = day(until);
    match has_ended {
        true => over(&end),
        false => ending(&end),
    }
}

fn ending(end: &str) -> (&'static str, Text, Text) {
    let english = Text::new(
        &format!("The service of your organisation ends on {end}"),
        &format!(
            "The service of your organisation ends on {end} (UTC). From then on nobody signs in and no mail is taken. Export \
             what you want to keep before that: members, mail, contacts.\n"
        ),
    );
    let chinese = Text::new(
        &format!("贵组织的服务将于 {end} 终止"),
        &format!(
            "贵组织的服务将于 {end}（UTC）终止，届时将无法登录，也不再接收邮件。请在此之前导出需要保留的成员、邮件与联系人。\n"
        ),
    );
    ("organisation.ending", english, chinese)
}

fn over(end: &str) -> (&'static str, Text, Text) {
    let english = Text::new(
        "The service of your organisation has ended",
        &format!("The service of your organisation has ended on {end} (UTC). Ask the operator if it shall go on.\n"),
    );
    let chinese = Text::new(
        "贵组织的服务已终止",
        &format!("贵组织的服务已于 {end}（UTC）终止。如需继续，请联系运营方。\n"),
    );
    ("organisation.ended", english, chinese)
}

#[cfg(test)]
#[path = "oversight_test.rs"]
mod tests;
