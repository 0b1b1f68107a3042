//! Ends what is shared of folders that are gone (RFC 9670 §4). Who deletes a folder ends it themselves; a node that died in
//! between leaves shares that name nothing. A reconciler: it compares the directory with the mailboxes that are here.

use std::collections::BTreeSet;
use std::time::Duration;

use hongyan_actor::EntityKey;
use hongyan_directory::{Directory, FolderNumber};
use hongyan_env::Env;
use hongyan_mailbox::{ListFolders, MailboxId};
use hongyan_router::Router;

/// Accounts read together.
const AT_ONCE: usize = 100;
/// How long a mailbox may take to answer.
const WITHIN: Duration = Duration::from_secs(30);

/// Looks until the end of the node, every `period`: drop the future to stop.
pub async fn end_lost_shares(env: Env, router: Router, directory: Directory, period: Duration) {
    loop {
        let mut after = None;
        loop {
            let found = directory.accounts_that_share(after, AT_ONCE).await;
            let found = found.unwrap_or_else(|error| {
                tracing::debug!(event = "shares_not_read", %error);
                Vec::new()
            });
            let Some((_, last)) = found.last() else { break };
            after = Some(*last);
            for (tenant, account) in found {
                look_at(&router, &directory, MailboxId { tenant, account }).await;
            }
        }
        env.sleep(period).await;
    }
}

/// Looks at one mailbox, if this node has it.
async fn look_at(router: &Router, directory: &Directory, mailbox: MailboxId) {
    if !router.is_here(&mailbox.entity_id()) {
        return;
    }
    let account = mailbox.account.0;
    // First what is shared, then what there is: a folder is there before it is shared, and its number is never given again.
    let shares = match directory.folder_shares_of(mailbox.account).await {
        Ok(shares) => shares,
        Err(error) => return tracing::debug!(event = "shares_not_read", account, %error),
    };
    let listed = match router.ask(&mailbox, ListFolders, WITHIN).await {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => return tracing::debug!(event = "folders_not_listed", account, %error),
        Err(error) => return tracing::debug!(event = "folders_not_listed", account, %error),
    };
    let there: BTreeSet<u32> = listed.folders.iter().map(|folder| folder.id.0).collect();
    let shared: BTreeSet<FolderNumber> = shares.iter().map(|share| share.folder).collect();
    for folder in shared.into_iter().filter(|folder| !there.contains(&folder.0)) {
        match directory.forget_folder(mailbox.account, folder, None, None).await {
            Ok(()) => tracing::info!(event = "lost_shares_ended", account, folder = folder.0),
            Err(error) => tracing::warn!(event = "lost_shares_not_ended", account, %error),
        }
    }
}
