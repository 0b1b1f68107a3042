//! Mailbox/get (RFC 8621 §2.1).

use std::collections::BTreeMap;

use hongyan_directory::Sending;
use hongyan_jmap::method::{Get, GetReply};
use hongyan_jmap::object::{Mailbox, MailboxProperty, MailboxRights, MailboxRole, MailboxView, Properties};
use hongyan_jmap::{Id, MethodError};
use hongyan_mailbox::{FolderId, FolderInfo, SpecialUse};

use super::counts::{Counts, count};
use super::share;
use crate::account::Account;
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::reach::shown;
use crate::snapshot::Snapshot;

pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Get = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let properties: Properties<MailboxProperty> = Properties::read(arguments.properties.as_deref())?;
    let snapshot = call.jmap.snapshot_in_order(call.account).await?;
    let needs_counts = properties.iter().any(|property| {
        property.counts_threads() || matches!(property, MailboxProperty::TotalEmails | MailboxProperty::UnreadEmails)
    });
    let counts = if needs_counts {
        count(&snapshot)
    } else {
        BTreeMap::new()
    };
    let wants_shares = properties.has(&MailboxProperty::ShareWith);
    let is_known = |folder: FolderId| wants_shares && share::may_share(call.account, folder);
    let shares = match snapshot.folders.iter().any(|folder| is_known(folder.id)) {
        true => share::all(call).await?,
        false => Vec::new(),
    };
    let show = |folder: &FolderInfo| MailboxView {
        mailbox: mailbox(
            call.account,
            &snapshot,
            folder,
            counts.get(&folder.id).copied().unwrap_or_default(),
            is_known(folder.id).then(|| share::of(&shares, folder.id)),
        ),
        properties: &properties,
    };
    let mut reply = GetReply {
        account_id: &call.account.id,
        state: call.account.state(snapshot.modseq),
        list: Vec::new(),
        not_found: Vec::new(),
    };
    match arguments.ids {
        None => reply.list.extend(snapshot.folders.iter().map(show)),
        Some(ids) => {
            let max = call.jmap.settings.core.get_objects_max;
            if u64::try_from(ids.len()).unwrap_or(u64::MAX) > max {
                return Err(MethodError::too_large("maxObjectsInGet").into());
            }
            for id in ids {
                match ids::read_folder(&id).and_then(|id| snapshot.folder(id)) {
                    Some(folder) => reply.list.push(show(folder)),
                    None => reply.not_found.push(id),
                }
            }
        }
    }
    call.answer(&reply)
}

pub(super) fn role(folder: &FolderInfo) -> Option<MailboxRole> {
    if folder.id == FolderId::INBOX {
        return Some(MailboxRole::Inbox);
    }
    folder.special_use.map(|kind| match kind {
        SpecialUse::Archive => MailboxRole::Archive,
        SpecialUse::Drafts => MailboxRole::Drafts,
        SpecialUse::Junk => MailboxRole::Junk,
        SpecialUse::Sent => MailboxRole::Sent,
        SpecialUse::Trash => MailboxRole::Trash,
    })
}

/// As the person wants it; else the inbox first, then the others with a role, then the user's own.
pub(super) fn sort_order(snapshot: &Snapshot, folder: &FolderInfo) -> u32 {
    let said = snapshot.orders.get(&folder.id).copied();
    said.unwrap_or_else(|| usual_order(folder))
}

fn usual_order(folder: &FolderInfo) -> u32 {
    match role(folder) {
        Some(MailboxRole::Inbox) => 1,
        Some(MailboxRole::Drafts) => 2,
        Some(MailboxRole::Sent) => 3,
        Some(MailboxRole::Archive) => 4,
        Some(MailboxRole::Junk) => 5,
        Some(MailboxRole::Trash) => 6,
        None => 10,
    }
}

/// The last part of its path.
pub(super) fn name(folder: &FolderInfo) -> &str {
    let path = folder.path.as_str();
    path.rsplit_once(hongyan_mailbox::SEPARATOR)
        .map_or(path, |(_, name)| name)
}

pub(super) fn parent(snapshot: &Snapshot, folder: &FolderInfo) -> Option<FolderId> {
    let parent = folder.path.parent()?;
    let found = snapshot.folders.iter().find(|other| *other.path == parent);
    found.map(|found| found.id)
}

/// Its name, for who does not see what it is in: with its path, where another is called the same.
fn shown_name(snapshot: &Snapshot, folder: &FolderInfo) -> String {
    let is_top = |folder: &FolderInfo| parent(snapshot, folder).is_none();
    let is_other = |other: &&FolderInfo| other.id != folder.id && name(other) == name(folder) && is_top(other);
    match is_top(folder) && snapshot.folders.iter().any(|other| is_other(&other)) {
        true => folder.path.as_str().to_owned(),
        false => name(folder).to_owned(),
    }
}

/// Those that every account has stay what they are, whoever else may do things with them.
pub(super) fn within(rights: MailboxRights, role: Option<MailboxRole>) -> MailboxRights {
    MailboxRights {
        may_rename: rights.may_rename && role.is_none(),
        may_delete: rights.may_delete && role.is_none(),
        ..rights
    }
}

pub(super) fn mailbox(
    account: &Account,
    snapshot: &Snapshot,
    folder: &FolderInfo,
    counts: Counts,
    share_with: Option<BTreeMap<Id, MailboxRights>>,
) -> Mailbox {
    let role = role(folder);
    let writes = !account.read_only;
    let may_go = writes && role.is_none();
    Mailbox {
        id: ids::folder(folder.id),
        name: shown_name(snapshot, folder),
        parent_id: parent(snapshot, folder).map(ids::folder),
        role,
        sort_order: sort_order(snapshot, folder),
        total_emails: counts.emails,
        unread_emails: counts.unread_emails,
        total_threads: counts.threads,
        unread_threads: counts.unread_threads,
        my_rights: account
            .permit()
            .map(|permit| within(shown(permit.rights(folder.id)), role))
            .unwrap_or(MailboxRights {
                may_read_items: true,
                may_add_items: writes,
                may_remove_items: writes,
                may_set_seen: writes,
                may_set_keywords: writes,
                may_create_child: writes,
                may_rename: may_go,
                may_delete: may_go,
                may_submit: writes && account.sending > Sending::No,
                may_share: writes && share::may_share(account, folder.id),
            }),
        is_subscribed: folder.subscribed,
        share_with,
    }
}
