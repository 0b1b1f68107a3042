//! What a device changed: read and flagged, deleted, fetched ([MS-ASCMD] §2.2.3.32).

use hongyan_activesync::command::sync::{SyncCommand, SyncOptions, SyncReply, SyncReplyKind, SyncStatus};
use hongyan_activesync::{Element, EmailChange, FlagStatus, Status};
use hongyan_mailbox::{
    Expunge, FlagAction, FolderRef, FolderView, MailboxError, MessageEntry, MoveMessages, SpecialUse, StoreFlags,
};
use hongyan_types::{Flag, SystemFlag, Uid, UidSet};

use crate::answer::{Found, Stop};
use crate::asking::{Asking, folder_name};
use crate::mail::email_data;
use crate::position::Position;
use crate::record::DoneRecord;

const ACCESS_DENIED: SyncStatus = SyncStatus::Common(Status::AccessDenied);

/// What came of a device's changes.
pub(crate) struct Applied {
    /// The folder after them.
    pub(crate) view: FolderView,
    pub(crate) responses: Vec<SyncReply>,
    pub(crate) done: Vec<DoneRecord>,
    /// Messages that the device knows to be gone.
    pub(crate) removed: UidSet,
}

impl Applied {
    pub(crate) fn nothing(view: FolderView) -> Self {
        Self {
            view,
            responses: Vec::new(),
            done: Vec::new(),
            removed: UidSet::new(),
        }
    }
}

/// A message by what devices call it, if it is of this folder.
pub(crate) fn read_message(view: &FolderView, name: &str) -> Option<Uid> {
    let (folder, uid) = name.split_once(':')?;
    if folder != folder_name(view.folder()) {
        return None;
    }
    uid.parse().ok().and_then(Uid::new)
}

/// What a device wants of a message.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Wanted {
    seen: Option<bool>,
    flagged: Option<bool>,
}

impl Wanted {
    fn of(change: &EmailChange) -> Self {
        Self {
            seen: change.read,
            // What is done is flagged no more.
            flagged: change.flag.as_ref().map(|flag| flag.status == FlagStatus::Active),
        }
    }
    fn read(asking: &Asking<'_>, data: &Element) -> Option<Self> {
        EmailChange::read(data, asking.version).ok().as_ref().map(Self::of)
    }
    fn differs(self, entry: &MessageEntry) -> bool {
        let has = |flag| entry.flags.contains(flag);
        self.seen.is_some_and(|seen| seen != has(SystemFlag::Seen))
            || self.flagged.is_some_and(|flagged| flagged != has(SystemFlag::Flagged))
    }
}

/// What is done together.
#[derive(Default)]
struct Together {
    seen: UidSet,
    unseen: UidSet,
    flagged: UidSet,
    unflagged: UidSet,
    deleted: UidSet,
}

impl Together {
    fn add(&mut self, uid: Uid, wanted: Wanted) {
        // The last word on a message holds.
        let pairs = [
            (wanted.seen, &mut self.seen, &mut self.unseen),
            (wanted.flagged, &mut self.flagged, &mut self.unflagged),
        ];
        for (value, on, off) in pairs {
            let Some(value) = value else { continue };
            let (into, from) = if value { (on, off) } else { (off, on) };
            into.insert(uid);
            from.remove(uid);
        }
    }
}

/// Does what a device wants. What it did before under the same key is in `again`, and is not done twice.
pub(crate) async fn apply(
    asking: &Asking<'_>,
    commands: &[SyncCommand],
    (base, options, moves, again): (&mut Position, &SyncOptions, bool, Option<&[DoneRecord]>),
    view: FolderView,
) -> Found<Applied> {
    if commands.len() > asking.service.settings.commands_max {
        return Err(Stop::Http(
            axum::http::StatusCode::PAYLOAD_TOO_LARGE,
            "more changes than active_sync.commands_max",
        ));
    }
    let mut applied = Applied::nothing(view);
    let mut together = Together::default();
    let mut fetched = Vec::new();
    for (at, command) in (0_u32..).zip(commands) {
        if let SyncCommand::Fetch { server_id } = command {
            fetched.push(server_id);
            continue;
        }
        let before = again.and_then(|again| again.iter().find(|done| done.at == at));
        let status = match before {
            Some(done) => {
                let status = SyncStatus::from_number(done.status.into()).unwrap_or(SyncStatus::ServerError);
                if status == SyncStatus::Success {
                    known(asking, command, base, &mut applied);
                }
                status
            }
            None => decide(asking, command, (&applied.view, base, options), &mut together),
        };
        applied.done.push(DoneRecord {
            at,
            // All statuses there are are less than 256.
            status: u8::try_from(status.number()).unwrap_or(u8::MAX),
        });
        applied.responses.extend(reply(command, status));
    }
    store(asking, &together, base, &mut applied).await?;
    delete(asking, &together.deleted, moves, &mut applied).await?;
    for server_id in fetched {
        let reply = fetch(asking, server_id, &applied.view, options).await?;
        applied.responses.push(reply);
    }
    Ok(applied)
}

/// What is answered to a change; to one that was done, nothing but for what was made.
fn reply(command: &SyncCommand, status: SyncStatus) -> Option<SyncReply> {
    let (kind, client_id, server_id) = match command {
        SyncCommand::Add { client_id, .. } => (SyncReplyKind::Add, Some(client_id), None),
        SyncCommand::Change { server_id, .. } => (SyncReplyKind::Change, None, Some(server_id)),
        SyncCommand::Delete { server_id } => (SyncReplyKind::Delete, None, Some(server_id)),
        SyncCommand::Fetch { server_id } => (SyncReplyKind::Fetch, None, Some(server_id)),
    };
    (kind == SyncReplyKind::Add || status != SyncStatus::Success).then(|| SyncReply {
        kind,
        client_id: client_id.cloned(),
        server_id: server_id.cloned(),
        status,
        data: None,
    })
}

/// What a device did before under the same key it need not hear.
fn known(asking: &Asking<'_>, command: &SyncCommand, base: &mut Position, applied: &mut Applied) {
    let Some(uid) = read_message(&applied.view, command.id()) else {
        return;
    };
    match command {
        SyncCommand::Delete { .. } => {
            applied.removed.insert(uid);
        }
        SyncCommand::Change { data, .. } => {
            if let (Some(wanted), Some(entry)) = (Wanted::read(asking, data), applied.view.get(uid))
                && !wanted.differs(entry)
            {
                base.did(entry);
            }
        }
        SyncCommand::Add { .. } | SyncCommand::Fetch { .. } => {}
    }
}

fn decide(
    asking: &Asking<'_>,
    command: &SyncCommand,
    (view, base, options): (&FolderView, &Position, &SyncOptions),
    together: &mut Together,
) -> SyncStatus {
    if asking.read_only {
        return ACCESS_DENIED;
    }
    let found = read_message(view, command.id()).and_then(|uid| Some((uid, view.get(uid)?)));
    let (uid, entry, data) = match (command, found) {
        // Mails are made by sending them; drafts of devices are not taken yet.
        (SyncCommand::Add { .. } | SyncCommand::Fetch { .. }, _) => return SyncStatus::ConversionError,
        (_, None) => return SyncStatus::ObjectNotFound,
        (SyncCommand::Delete { .. }, Some((uid, _))) => {
            together.deleted.insert(uid);
            return SyncStatus::Success;
        }
        (SyncCommand::Change { data, .. }, Some((uid, entry))) => (uid, entry, data),
    };
    let wanted = Wanted::read(asking, data).unwrap_or_default();
    if wanted == Wanted::default() {
        return SyncStatus::ConversionError;
    }
    let server_wins = options.server_wins.unwrap_or(true);
    if server_wins && base.is_behind(entry) && wanted.differs(entry) {
        return SyncStatus::Conflict;
    }
    together.add(uid, wanted);
    SyncStatus::Success
}

async fn store(asking: &Asking<'_>, together: &Together, base: &mut Position, applied: &mut Applied) -> Found<()> {
    let sets = [
        (&together.seen, FlagAction::Add, SystemFlag::Seen),
        (&together.unseen, FlagAction::Remove, SystemFlag::Seen),
        (&together.flagged, FlagAction::Add, SystemFlag::Flagged),
        (&together.unflagged, FlagAction::Remove, SystemFlag::Flagged),
    ];
    let mut touched = UidSet::new();
    for (uids, action, flag) in sets {
        if uids.is_empty() {
            continue;
        }
        let request = StoreFlags {
            folder: applied.view.folder(),
            uids: uids.clone(),
            action,
            flags: vec![Flag::System(flag)],
            unchanged_since: None,
        };
        applied.view = asking.ask(request.knowing(&applied.view)).await?.view;
        touched = touched.union(uids);
    }
    // What the device did itself it need not hear.
    for entry in applied.view.select(&touched) {
        base.did(entry);
    }
    Ok(())
}

async fn delete(asking: &Asking<'_>, uids: &UidSet, moves: bool, applied: &mut Applied) -> Found<()> {
    if uids.is_empty() {
        return Ok(());
    }
    let folder = applied.view.folder();
    applied.removed = applied.removed.union(uids);
    if moves {
        let request = MoveMessages {
            from: folder,
            uids: uids.clone(),
            to: FolderRef::Use(SpecialUse::Trash),
        };
        let trash = asking.folders().await?;
        let is_trash = trash
            .iter()
            .any(|info| info.id == folder && info.special_use == Some(SpecialUse::Trash));
        if !is_trash {
            match asking.ask(request.knowing(&applied.view)).await {
                Ok(moved) => {
                    applied.view = moved.view;
                    return Ok(());
                }
                // Without a Trash there is nowhere to move them to.
                Err(Stop::Mailbox(MailboxError::NoSuchFolder)) => {}
                Err(stop) => return Err(stop),
            }
        }
    }
    let request = Expunge {
        folder,
        uids: Some(uids.clone()),
        deleted_only: false,
    };
    applied.view = asking.ask(request.knowing(&applied.view)).await?.view;
    Ok(())
}

async fn fetch(asking: &Asking<'_>, server_id: &str, view: &FolderView, options: &SyncOptions) -> Found<SyncReply> {
    let data = match read_message(view, server_id).and_then(|uid| view.get(uid)) {
        Some(entry) => email_data(asking, view, entry, options).await?,
        None => None,
    };
    Ok(SyncReply {
        kind: SyncReplyKind::Fetch,
        client_id: None,
        server_id: Some(server_id.to_owned()),
        status: match data {
            Some(_) => SyncStatus::Success,
            None => SyncStatus::ObjectNotFound,
        },
        data: data.map(|(data, _)| data.write(asking.version)),
    })
}
