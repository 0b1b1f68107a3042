//! ShareNotification (RFC 9670 §5): what of others' was opened to the person, opened otherwise, or closed. The directory writes
//! them with its own changes; the person reads them, and removes what they have seen. A whole mailbox that is opened is told
//! of as its inbox.

use std::cmp::Ordering;

use hongyan_directory::{AccountState, GrantRights, Opened, Sending, ShareNotice, ShareNotices};
use hongyan_jmap::method::{
    AddedItem, Changes as Arguments, Comparator, Filter, Get, Query, QueryChanges, QueryChangesReply, Set, SetReply,
};
use hongyan_jmap::object::{MailboxRights, ShareEntity, ShareNotification, ShareNotificationCondition};
use hongyan_jmap::{Id, IdOrCreation, MethodError, MethodErrorType, SetError, SetErrorType, UtcDate};
use hongyan_kv::Transaction;
use hongyan_mailbox::FolderId;
use hongyan_types::FolderRights;

use crate::account::directory_failed;
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::ledgers::{Attempts, answer_changes, answer_get, changes_max, read_state};
use crate::results::Results;

const PREFIX: char = 'N';

fn of(call: &Call<'_>) -> ShareNotices {
    ShareNotices::of(call.account.record.id)
}

/// Removes what was kept for long enough, and begins to read.
async fn begin(call: &Call<'_>) -> Outcome<Transaction> {
    let (database, directory) = (&call.jmap.services.database, &call.jmap.services.directory);
    let (since, max) = (directory.share_notices_since(), directory.options().share_notices_max);
    let mut attempts = Attempts::default();
    loop {
        let mut transaction = database.begin();
        if !of(call).expire(&mut transaction, since, max).await? {
            return Ok(transaction);
        }
        if !attempts.again(transaction.commit().await)? {
            return Ok(database.begin());
        }
    }
}

/// Rights to a whole mailbox, as those to its inbox.
fn whole(rights: GrantRights) -> MailboxRights {
    MailboxRights {
        may_read_items: rights.read,
        may_add_items: rights.write,
        may_remove_items: rights.write,
        may_set_seen: rights.write,
        may_set_keywords: rights.write,
        may_create_child: rights.write,
        may_rename: false,
        may_delete: false,
        may_submit: rights.write && rights.send > Sending::No,
        may_share: false,
    }
}

/// The mailbox that a notice is about, and what could and can be done with it.
fn opened(notice: &ShareNotice) -> (FolderId, [Option<MailboxRights>; 2]) {
    match notice.opened {
        Opened::Folder { folder, before, after } => {
            let shown = |rights: FolderRights| (!rights.is_empty()).then(|| crate::reach::shown(rights));
            (FolderId(folder.0), [shown(before), shown(after)])
        }
        Opened::Whole { before, after } => {
            let shown = |rights: GrantRights| rights.read.then(|| whole(rights));
            (FolderId::INBOX, [shown(before), shown(after)])
        }
    }
}

async fn show(call: &Call<'_>, all: Vec<(u64, ShareNotice)>) -> Outcome<Vec<(Id, ShareNotification)>> {
    let directory = &call.jmap.services.directory;
    let failed = |error| directory_failed(&error);
    let sight = directory.sight_of(&call.account.person).await.map_err(failed)?;
    let mut shown = Vec::with_capacity(all.len());
    for (number, notice) in all {
        // ORG-11: who is hidden is no principal.
        let principal = match notice.by.account {
            None => None,
            Some(id) => directory.account(id).await.map_err(failed)?,
        };
        let principal = principal.filter(|account| account.state == AccountState::Active && sight.sees(account));
        let (folder, [old_rights, new_rights]) = opened(&notice);
        let notification = ShareNotification {
            id: ids::numbered(PREFIX, number),
            created: UtcDate(notice.at),
            changed_by: ShareEntity {
                name: notice.by.name,
                email: notice.by.address,
                principal_id: principal.map(|account| ids::principal(account.id)),
            },
            object_account_id: ids::account(notice.account),
            object_id: ids::folder(folder),
            old_rights,
            new_rights,
            name: notice.name,
        };
        shown.push((notification.id.clone(), notification));
    }
    Ok(shown)
}

/// ShareNotification/get (RFC 9670 §5.3).
pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Get = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let mut transaction = begin(call).await?;
    let state = of(call).state(&mut transaction).await?;
    let all = of(call).all(&mut transaction).await?;
    let shown = show(call, all).await?;
    answer_get(call, arguments, state.to_string(), shown)
}

/// ShareNotification/changes (RFC 9670 §5.4).
pub(crate) async fn changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Arguments = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let max = changes_max(call, arguments.max_changes)?;
    let since = read_state(&arguments.since_state)?;
    let changes = of(call).changes(&mut begin(call).await?, since, max).await?;
    answer_changes(call, arguments, changes, |number| ids::numbered(PREFIX, number))
}

/// ShareNotification/query (RFC 9670 §5.6).
pub(crate) async fn query(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Query<ShareNotificationCondition> = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let mut transaction = begin(call).await?;
    let state = of(call).state(&mut transaction).await?;
    let all = of(call).all(&mut transaction).await?;
    let found = find(all, arguments.filter.as_ref(), arguments.sort.as_deref())?;
    let results = Results {
        found: &found,
        state: state.to_string(),
        window: arguments.window(),
        calculate_total: arguments.calculate_total,
    };
    let read = |anchor: &_| ids::read_numbered(PREFIX, anchor);
    results.answer(call, |number| ids::numbered(PREFIX, *number), read)
}

/// ShareNotification/queryChanges (RFC 9670 §5.7).
pub(crate) async fn query_changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: QueryChanges<ShareNotificationCondition> = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let since = read_state(&arguments.since_query_state)?;
    let mut transaction = begin(call).await?;
    let changes = of(call).changes(&mut transaction, since, usize::MAX).await?;
    let changes = changes.ok_or(MethodErrorType::CannotCalculateChanges)?;
    let all = of(call).all(&mut transaction).await?;
    let found = find(all, arguments.filter.as_ref(), arguments.sort.as_deref())?;
    let id = |number: &u64| ids::numbered(PREFIX, *number);
    let added = found.iter().zip(0..);
    let added = added.filter(|(number, _)| changes.fates.contains_key(number));
    let reply = QueryChangesReply {
        account_id: &call.account.id.clone(),
        old_query_state: arguments.since_query_state,
        new_query_state: changes.state.to_string(),
        total: arguments.calculate_total.then_some(found.len() as u64),
        removed: changes.fates.keys().map(id).collect(),
        added: added
            .map(|(number, index)| AddedItem { id: id(number), index })
            .collect(),
    };
    reply.check(arguments.max_changes)?;
    call.answer(&reply)
}

fn find(
    mut all: Vec<(u64, ShareNotice)>,
    filter: Option<&Filter<ShareNotificationCondition>>,
    sort: Option<&[Comparator]>,
) -> Result<Vec<u64>, MethodError> {
    let sort = sort.unwrap_or_default();
    if let Some(other) = sort.iter().find(|comparator| comparator.property != "created") {
        let words = format!("no sort by {}", other.property);
        return Err(MethodError::with(MethodErrorType::UnsupportedSort, words));
    }
    all.retain(|(_, notice)| filter.is_none_or(|filter| filter.holds(&|condition| holds(condition, notice))));
    all.sort_by(|(a_number, a), (b_number, b)| -> Ordering {
        let order = Comparator::order(sort, |_| a.at.cmp(&b.at));
        order.then_with(|| a_number.cmp(b_number))
    });
    Ok(all.into_iter().map(|(number, _)| number).collect())
}

fn holds(condition: &ShareNotificationCondition, notice: &ShareNotice) -> bool {
    let is_account = |id: &Id| *id == ids::account(notice.account);
    condition.after.is_none_or(|after| notice.at >= after.0)
        && condition.before.is_none_or(|before| notice.at < before.0)
        && condition
            .object_type
            .as_ref()
            .is_none_or(|kind| kind == ShareNotification::OBJECT_TYPE)
        && condition.object_account_id.as_ref().is_none_or(is_account)
}

type Reply<'a> = SetReply<'a, ()>;

/// ShareNotification/set (RFC 9670 §5.5): they go, and nothing else becomes of them.
pub(crate) async fn set(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Set = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    arguments.check(call.jmap.settings.core.set_objects_max)?;
    let account_id = call.account.id.clone();
    drop(begin(call).await?);
    let mut attempts = Attempts::default();
    let reply = loop {
        let mut transaction = call.jmap.services.database.begin();
        let reply = set_in(call, &mut transaction, &arguments, &account_id).await?;
        if !attempts.again(transaction.commit().await)? {
            break reply;
        }
    };
    if !reply.destroyed.is_empty() {
        call.jmap.services.directory.wake(call.account.record.id);
    }
    call.answer(&reply)
}

async fn set_in<'a>(
    call: &Call<'_>,
    transaction: &mut Transaction,
    arguments: &Set,
    account_id: &'a Id,
) -> Outcome<Reply<'a>> {
    let notices = of(call);
    let state = notices.state(transaction).await?.to_string();
    if arguments.if_in_state.as_ref().is_some_and(|wanted| *wanted != state) {
        return Err(MethodErrorType::StateMismatch.into());
    }
    let mut reply = Reply::new(account_id, state);
    let forbidden = |words: &'static str| SetError::with(SetErrorType::Forbidden, words);
    for creation in arguments.create.iter().flatten().map(|(creation, _)| creation) {
        let error = forbidden("the server makes notifications");
        reply.not_created.insert(creation.clone(), error);
    }
    for id in arguments.update.iter().flatten().map(|(id, _)| id) {
        let error = forbidden("a notification does not change");
        reply.not_updated.insert(call.shown(id), error);
    }
    for id in arguments.destroy.iter().flatten() {
        let number = IdOrCreation::resolve(id, call.created).and_then(|id| ids::read_numbered(PREFIX, id));
        let is_gone = match number {
            Some(number) => notices.remove(transaction, number).await?,
            None => false,
        };
        match is_gone {
            true => reply.destroyed.push(call.shown(id)),
            false => {
                reply
                    .not_destroyed
                    .insert(call.shown(id), SetErrorType::NotFound.into());
            }
        }
    }
    reply.new_state = notices.state(transaction).await?.to_string();
    Ok(reply)
}
