//! What a device changed: read and flagged, deleted, fetched ([MS-ASCMD] §2.2.3.32).

use hongyan_activesync::Element;
use hongyan_activesync::page::{air_sync as page, email};
use hongyan_mailbox::{
    Expunge, FlagAction, FolderRef, FolderView, MailboxError, MessageEntry, MoveMessages, SpecialUse, StoreFlags,
};
use hongyan_types::{Flag, SystemFlag, Uid, UidSet};

use crate::answer::{Found, Stop};
use crate::asking::{Asking, folder_name};
use crate::mail::application_data;
use crate::position::Position;
use crate::record::{DoneRecord, WishesRecord};

/// [MS-ASCMD] §2.2.3.177.17.
const SUCCESS: u8 = 1;
const CONVERSION: u8 = 6;
const CONFLICT: u8 = 7;
const NOT_FOUND: u8 = 8;
/// [MS-ASCMD] §2.2.2: the member may not do this.
const ACCESS_DENIED: u8 = 130;

/// The client wins ([MS-ASCMD] §2.2.3.35).
const CLIENT_WINS: u8 = 0;

/// What came of a device's changes.
pub(crate) struct Applied {
    /// The folder after them.
    pub(crate) view: FolderView,
    pub(crate) responses: Vec<Element>,
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
    fn read(data: &Element) -> Self {
        let flag = data.child(email::FLAG);
        Self {
            seen: data.text_of(email::READ).map(|read| read.trim() == "1"),
            // [MS-ASEMAIL] §2.2.2.34: 2 is flagged, 1 done; without a status there is no flag.
            flagged: flag.map(|flag| flag.text_of(email::STATUS).map(str::trim) == Some("2")),
        }
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
    commands: &Element,
    (base, wishes, moves, again): (&mut Position, &WishesRecord, bool, Option<&[DoneRecord]>),
    view: FolderView,
) -> Found<Applied> {
    let mut applied = Applied::nothing(view);
    let mut together = Together::default();
    let mut fetched = Vec::new();
    let mut count: usize = 0;
    for (at, command) in (0_u32..).zip(commands.elements()) {
        count += 1;
        if count > asking.service.settings.commands_max {
            return Err(Stop::Http(
                axum::http::StatusCode::PAYLOAD_TOO_LARGE,
                "more changes than active_sync.commands_max",
            ));
        }
        let name = command.text_of(page::SERVER_ID).unwrap_or_default();
        let uid = read_message(&applied.view, name);
        if command.tag == page::FETCH {
            fetched.push((name, uid));
            continue;
        }
        let before = again.and_then(|again| again.iter().find(|done| done.at == at));
        let status = match before {
            Some(done) => {
                if done.status == SUCCESS {
                    known(command, uid, base, &mut applied);
                }
                done.status
            }
            None => decide(asking, command, uid, (&applied.view, base, wishes), &mut together),
        };
        applied.done.push(DoneRecord { at, status });
        if let Some(response) = response(command, name, status) {
            applied.responses.push(response);
        }
    }
    store(asking, &together, base, &mut applied).await?;
    delete(asking, &together.deleted, moves, &mut applied).await?;
    for (name, uid) in fetched {
        let response = fetch(asking, (name, uid), &applied.view, wishes).await?;
        applied.responses.push(response);
    }
    Ok(applied)
}

/// What is answered to a change; to one that was done, nothing but for what was made.
fn response(command: &Element, name: &str, status: u8) -> Option<Element> {
    if command.tag == page::ADD {
        let client_id = command.text_of(page::CLIENT_ID).unwrap_or_default();
        let response = Element::new(page::ADD).text(page::CLIENT_ID, client_id);
        return Some(response.number(page::STATUS, status));
    }
    let response = Element::new(command.tag).text(page::SERVER_ID, name);
    (status != SUCCESS).then(|| response.number(page::STATUS, status))
}

/// What a device did before under the same key it need not hear.
fn known(command: &Element, uid: Option<Uid>, base: &mut Position, applied: &mut Applied) {
    let Some(uid) = uid else { return };
    if command.tag == page::DELETE {
        applied.removed.insert(uid);
    }
    let wanted = command.child(page::APPLICATION_DATA).map(Wanted::read);
    if let (Some(wanted), Some(entry)) = (wanted, applied.view.get(uid))
        && !wanted.differs(entry)
    {
        base.did(entry);
    }
}

fn decide(
    asking: &Asking<'_>,
    command: &Element,
    uid: Option<Uid>,
    (view, base, wishes): (&FolderView, &Position, &WishesRecord),
    together: &mut Together,
) -> u8 {
    if asking.read_only {
        return ACCESS_DENIED;
    }
    if command.tag == page::ADD {
        // Mails are made by sending them; drafts of devices are not taken yet.
        return CONVERSION;
    }
    let Some((uid, entry)) = uid.and_then(|uid| Some((uid, view.get(uid)?))) else {
        return NOT_FOUND;
    };
    if command.tag == page::DELETE {
        together.deleted.insert(uid);
        return SUCCESS;
    }
    if command.tag != page::CHANGE {
        return CONVERSION;
    }
    let wanted = command
        .child(page::APPLICATION_DATA)
        .map(Wanted::read)
        .unwrap_or_default();
    if wanted == Wanted::default() {
        return CONVERSION;
    }
    if wishes.conflict != CLIENT_WINS && base.is_behind(entry) && wanted.differs(entry) {
        return CONFLICT;
    }
    together.add(uid, wanted);
    SUCCESS
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

async fn fetch(
    asking: &Asking<'_>,
    (name, uid): (&str, Option<Uid>),
    view: &FolderView,
    wishes: &WishesRecord,
) -> Found<Element> {
    let response = Element::new(page::FETCH).text(page::SERVER_ID, name);
    let data = match uid.and_then(|uid| view.get(uid)) {
        Some(entry) => application_data(asking, view, entry, wishes).await?,
        None => None,
    };
    Ok(match data {
        Some((data, _)) => response.number(page::STATUS, SUCCESS).with(data),
        None => response.number(page::STATUS, NOT_FOUND),
    })
}
