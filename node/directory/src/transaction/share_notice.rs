//! Tells members what of others' is open to them from now on, or is no more (RFC 9670 §5): written with the change itself.

use hongyan_audit::AuthorKind;
use hongyan_types::{AccountId, Timestamp};

use super::read_account;
use crate::record::change::Touched;
use crate::record::share_notice;
use crate::{AccountRecord, Change, Opened, Result, ShareNotice, ShareNotices, Sharer};

/// What is kept of what a member was told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) max: usize,
    pub(crate) millis: i64,
    /// Members told by one change.
    pub(crate) at_once_max: usize,
}

/// Something that is open otherwise than before.
pub(crate) struct News<'a> {
    /// Whose it is.
    pub(crate) owner: &'a AccountRecord,
    /// By whom; by the change's author, when it is not said.
    pub(crate) by: Option<Sharer>,
    pub(crate) name: &'a str,
    pub(crate) opened: Opened,
}

impl Sharer {
    /// A member.
    pub(crate) fn of(account: &AccountRecord) -> Self {
        Self {
            name: called(account),
            address: Some(account.address.to_string()),
            account: Some(account.id),
        }
    }
}

/// What people call an account.
pub(crate) fn called(account: &AccountRecord) -> String {
    match account.display_name.as_str() {
        "" => account.address.to_string(),
        name => name.to_owned(),
    }
}

/// Tells one member, unless it is their own doing. RFC 9670 §5.1: the oldest goes when there are too many.
pub(crate) async fn tell(transaction: &mut Change, to: AccountId, news: News<'_>) -> Result<()> {
    let by = match news.by {
        Some(by) => by,
        None => author(transaction).await?,
    };
    if by.account == Some(to) {
        return Ok(());
    }
    let (kept, at) = (transaction.share_notices_kept(), transaction.at());
    let notices = ShareNotices::of(to);
    let since = Timestamp {
        millis: at.millis.saturating_sub(kept.millis),
    };
    notices.expire(transaction, since, kept.max.saturating_sub(1)).await?;
    let notice = ShareNotice {
        at,
        by,
        account: news.owner.id,
        name: news.name.to_owned(),
        opened: news.opened,
    };
    notices.add(transaction, share_notice::encode(&notice)).await?;
    transaction.touch(Touched::Account {
        tenant: news.owner.tenant,
        account: to,
    });
    Ok(())
}

async fn author(transaction: &mut Change) -> Result<Sharer> {
    let author = transaction.author().clone();
    if author.kind == AuthorKind::Member
        && let Some(id) = author.id
        && let Some(account) = read_account(transaction, AccountId(id)).await?
    {
        return Ok(Sharer::of(&account));
    }
    Ok(Sharer {
        name: match author.name.as_str() {
            "" => author.kind.label().to_owned(),
            name => name.to_owned(),
        },
        address: None,
        account: None,
    })
}
