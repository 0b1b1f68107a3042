//! Looks after plans: administrators are told before one ends, the next one holds then, and mailboxes learn their room
//! (PLAN-5, PLAN-6). A reconciler, as [`crate::purge`] is.

use std::time::Duration;

use hongyan_directory::{AccountRecord, Directory, Error, QuotaDue};
use hongyan_env::Env;
use hongyan_mailbox::{MailboxId, QuotaLimits, SetQuota};
use hongyan_router::Router;
use hongyan_types::{AccountId, TenantId};

/// Organisations, mailboxes and changes of room looked at in one go.
const AT_ONCE: usize = 100;
/// How long a mailbox may take; it is asked again at the next look.
const WITHIN: Duration = Duration::from_secs(30);
/// Filling at which people are warned, in percent.
const WARNING_PERCENT: u8 = 90;

/// Looks until the end of the node, every `period`, while `is_mine` says that this node does: drop the future to stop.
pub async fn plans(env: Env, router: Router, directory: Directory, period: Duration, is_mine: impl Fn() -> bool) {
    loop {
        if is_mine() {
            if let Err(error) = look_at_plans(&directory).await {
                tracing::debug!(event = "plans_not_read", %error);
            }
            if let Err(error) = look_at_services(&directory).await {
                tracing::debug!(event = "services_not_read", %error);
            }
            if let Err(error) = look_at_verifications(&directory).await {
                tracing::debug!(event = "verifications_not_read", %error);
            }
            if let Err(error) = spread_quotas(&router, &directory).await {
                tracing::debug!(event = "quotas_not_spread", %error);
            }
        }
        env.sleep(period).await;
    }
}

async fn look_at_plans(directory: &Directory) -> Result<(), Error> {
    let mut after = None;
    loop {
        let tenants = directory.tenants_with_plan(after, AT_ONCE).await?;
        for tenant in &tenants {
            directory.look_at_plan(*tenant).await?;
        }
        match tenants.last() {
            Some(last) if tenants.len() == AT_ONCE => after = Some(*last),
            _ => return Ok(()),
        }
    }
}

/// Organisations whose service ends (ORG-15).
async fn look_at_services(directory: &Directory) -> Result<(), Error> {
    let mut after = None;
    loop {
        let tenants = directory.ending_services(after, AT_ONCE).await?;
        for tenant in &tenants {
            directory.look_at_service(*tenant).await?;
        }
        match tenants.last() {
            Some(last) if tenants.len() == AT_ONCE => after = Some(*last),
            _ => return Ok(()),
        }
    }
}

/// Organisations whose verification ends (ORG-4).
async fn look_at_verifications(directory: &Directory) -> Result<(), Error> {
    let mut after = None;
    loop {
        let tenants = directory.ending_verifications(after, AT_ONCE).await?;
        for tenant in &tenants {
            directory.look_at_verification(*tenant).await?;
        }
        match tenants.last() {
            Some(last) if tenants.len() == AT_ONCE => after = Some(*last),
            _ => return Ok(()),
        }
    }
}

async fn spread_quotas(router: &Router, directory: &Directory) -> Result<(), Error> {
    for due in directory.due_for_quota(AT_ONCE).await? {
        match due.account {
            Some(account) => {
                let told = match directory.account(account).await? {
                    Some(account) => tell(router, directory, &account).await?,
                    None => true,
                };
                if told {
                    directory.quota_told(&due, None).await?;
                }
            }
            None => spread_over(router, directory, due).await?,
        }
    }
    Ok(())
}

/// Tells all mailboxes of a tenant, page by page; one that cannot be told now is where the next look begins.
async fn spread_over(router: &Router, directory: &Directory, due: QuotaDue) -> Result<(), Error> {
    let mut after = due.after;
    loop {
        let from = Some(after).filter(|after| after.0 != 0);
        let accounts = directory.accounts(due.tenant, from, AT_ONCE).await?;
        for account in &accounts {
            if !tell(router, directory, account).await? {
                return directory.quota_told(&due, Some(after)).await;
            }
            after = account.id;
        }
        if accounts.len() < AT_ONCE {
            return directory.quota_told(&due, None).await;
        }
        directory.quota_told(&due, Some(after)).await?;
    }
}

async fn tell(router: &Router, directory: &Directory, account: &AccountRecord) -> Result<bool, Error> {
    let quota = directory.quota_of(account).await?;
    let limits = QuotaLimits {
        octets_max: quota.octets_max.unwrap_or(0),
        messages_max: quota.messages_max.unwrap_or(0),
        warning_percent: WARNING_PERCENT,
    };
    let mailbox = mailbox_of(account.tenant, account.id);
    Ok(matches!(
        router.ask(&mailbox, SetQuota { limits }, WITHIN).await,
        Ok(Ok(_))
    ))
}

fn mailbox_of(tenant: TenantId, account: AccountId) -> MailboxId {
    MailboxId { tenant, account }
}
