//! Mailbox/query and Mailbox/queryChanges (RFC 8621 §2.3, §2.4).

use std::cmp::Ordering;
use std::collections::BTreeSet;

use hongyan_jmap::method::{AddedItem, Comparator, Filter, QueryChangesReply};
use hongyan_jmap::object::{MailboxCondition, MailboxQuery, MailboxQueryChanges};
use hongyan_jmap::{MethodError, MethodErrorType};
use hongyan_mailbox::{FolderId, FolderInfo};

use super::get::{name, parent, role, sort_order};
use crate::call::Call;
use crate::changes::changes_between;
use crate::error::Outcome;
use crate::ids;
use crate::results::Results;
use crate::snapshot::Snapshot;
use crate::state::ClientState;

/// Which mailboxes, in which order.
struct Wanted<'a> {
    filter: Option<&'a Filter<MailboxCondition>>,
    sort: &'a [Comparator],
    sort_as_tree: bool,
    filter_as_tree: bool,
}

pub(crate) async fn query(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: MailboxQuery = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let wanted = Wanted {
        filter: arguments.filter.as_ref(),
        sort: arguments.sort.as_deref().unwrap_or_default(),
        sort_as_tree: arguments.sort_as_tree,
        filter_as_tree: arguments.filter_as_tree,
    };
    let snapshot = call.jmap.snapshot_in_order(call.account).await?;
    let found = wanted.find(&snapshot)?;
    let results = Results {
        found: &found,
        state: call.account.state(snapshot.modseq),
        window: arguments.window(),
        calculate_total: arguments.calculate_total,
    };
    results.answer(call, |folder| ids::folder(*folder), ids::read_folder)
}

/// Mailboxes are few: if one of them has another name, place or subscription, all of the results are told.
pub(crate) async fn query_changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: MailboxQueryChanges = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let wanted = Wanted {
        filter: arguments.filter.as_ref(),
        sort: arguments.sort.as_deref().unwrap_or_default(),
        sort_as_tree: arguments.sort_as_tree,
        filter_as_tree: arguments.filter_as_tree,
    };
    let ClientState::At(since) = call.account.read_state(&arguments.since_query_state)? else {
        return Err(MethodErrorType::CannotCalculateChanges.into());
    };
    let snapshot = call.jmap.snapshot_in_order(call.account).await?;
    let found = wanted.find(&snapshot)?;
    let changes = changes_between(call, since, snapshot.modseq, u64::MAX).await?;
    let mut reply = QueryChangesReply {
        account_id: &call.account.id,
        old_query_state: arguments.since_query_state,
        new_query_state: call.account.state(snapshot.modseq),
        total: arguments.calculate_total.then_some(found.len() as u64),
        removed: Vec::new(),
        added: Vec::new(),
    };
    if !(changes.made.is_empty() && changes.changed.is_empty() && changes.gone.is_empty()) {
        let all: BTreeSet<FolderId> = snapshot
            .folders
            .iter()
            .map(|folder| folder.id)
            .chain(changes.gone)
            .collect();
        reply.removed = all.into_iter().map(ids::folder).collect();
        let indexed = found.iter().zip(0..);
        reply.added = indexed
            .map(|(folder, index)| AddedItem {
                id: ids::folder(*folder),
                index,
            })
            .collect();
    }
    let count = reply.removed.len().max(reply.added.len()) as u64;
    if arguments.max_changes.is_some_and(|max| count > max) {
        return Err(MethodErrorType::TooManyChanges.into());
    }
    call.answer(&reply)
}

impl Wanted<'_> {
    /// The mailboxes in order.
    fn find(&self, snapshot: &Snapshot) -> Result<Vec<FolderId>, MethodError> {
        for comparator in self.sort {
            if !matches!(comparator.property.as_str(), "name" | "sortOrder") {
                let words = format!("no sort by {}", comparator.property);
                return Err(MethodError::with(MethodErrorType::UnsupportedSort, words));
            }
        }
        let mut folders: Vec<&FolderInfo> = snapshot.folders.iter().collect();
        folders.sort_by(|a, b| self.compare(snapshot, a, b));
        if self.sort_as_tree {
            let mut tree = Vec::with_capacity(folders.len());
            grow(snapshot, &folders, None, &mut tree);
            folders = tree;
        }
        let matches = |folder: &FolderInfo| {
            let fulfils = |condition: &_| fulfils(snapshot, condition, folder);
            self.filter.is_none_or(|filter| filter.holds(&fulfils))
        };
        let found = folders.into_iter().filter(|folder| {
            let mut above =
                std::iter::successors(parent(snapshot, folder), |id| parent(snapshot, snapshot.folder(*id)?));
            matches(folder) && (!self.filter_as_tree || above.all(|id| snapshot.folder(id).is_some_and(matches)))
        });
        Ok(found.map(|folder| folder.id).collect())
    }
    fn compare(&self, snapshot: &Snapshot, a: &FolderInfo, b: &FolderInfo) -> Ordering {
        let order = Comparator::order(self.sort, |property| match property {
            "name" => name(a).to_lowercase().cmp(&name(b).to_lowercase()),
            _ => sort_order(snapshot, a).cmp(&sort_order(snapshot, b)),
        });
        order.then_with(|| a.id.cmp(&b.id))
    }
}

/// Puts those inside `above` into `tree`, each followed by those inside it.
fn grow<'f>(snapshot: &Snapshot, folders: &[&'f FolderInfo], above: Option<FolderId>, tree: &mut Vec<&'f FolderInfo>) {
    for folder in folders {
        if parent(snapshot, folder) == above {
            tree.push(folder);
            if folder.has_children {
                grow(snapshot, folders, Some(folder.id), tree);
            }
        }
    }
}

fn fulfils(snapshot: &Snapshot, condition: &MailboxCondition, folder: &FolderInfo) -> bool {
    let role = role(folder);
    let role_name = role.and_then(|role| serde_json::to_value(role).ok()?.as_str().map(str::to_owned));
    let parent_id = || parent(snapshot, folder).map(ids::folder);
    condition.parent_id.as_ref().is_none_or(|wanted| *wanted == parent_id())
        && condition
            .name
            .as_ref()
            .is_none_or(|part| name(folder).to_lowercase().contains(&part.to_lowercase()))
        && condition.role.as_ref().is_none_or(|wanted| *wanted == role_name)
        && condition.has_any_role.is_none_or(|wanted| wanted == role.is_some())
        && condition.is_subscribed.is_none_or(|wanted| wanted == folder.subscribed)
}
