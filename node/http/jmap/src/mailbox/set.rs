//! Mailbox/set (RFC 8621 §2.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_directory::{FolderNumber, Inheritance};
use hongyan_jmap::method::Set;
use hongyan_jmap::object::MailboxRole;
use hongyan_jmap::{Id, IdOrCreation, MethodErrorType, PatchObject, RawValue, SetError, SetErrorType};
use hongyan_mailbox::{
    CreateFolder, DeleteFolder, FolderId, FolderInfo, FolderPath, ListFolders, MailboxError, OrderFolder, RenameFolder,
    SEPARATOR, SpecialUse, SubscribeFolder,
};
use hongyan_types::FolderRight;
use serde::{Deserialize, Serialize};

use super::get::{name, parent, role, sort_order};
use super::share::Sharing;
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::reach::Reach;
use crate::refused::{Changed, Refused};
use crate::set_answers::SetAnswers;
use crate::snapshot::Snapshot;

fn refused(error: MailboxError) -> Refused {
    let words = error.to_string();
    match error {
        MailboxError::NoSuchFolder => SetErrorType::NotFound.into(),
        MailboxError::InvalidName(_) => SetError::properties(["name"], words).into(),
        MailboxError::FolderExists => SetError::with(SetErrorType::AlreadyExists, words).into(),
        MailboxError::UseTaken => SetError::properties(["role"], words).into(),
        MailboxError::TooManyFolders => SetError::with(SetErrorType::OverQuota, words).into(),
        MailboxError::NoPermission | MailboxError::SystemFolder => {
            SetError::with(SetErrorType::Forbidden, words).into()
        }
        MailboxError::HasChildren => SetErrorType::MailboxHasChild.into(),
        error => Refused::Failed(error.into()),
    }
}

/// RFC 8621 §2: siblings have different names.
fn exists(snapshot: &Snapshot, path: &FolderPath, error: MailboxError) -> Refused {
    let existing = snapshot.folders.iter().find(|folder| *folder.path == *path);
    match (error, existing) {
        (MailboxError::FolderExists, Some(folder)) => SetError::already_exists(ids::folder(folder.id).as_str()).into(),
        (error, _) => refused(error),
    }
}

/// What a client sets of a new mailbox.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewMailbox {
    name: String,
    #[serde(default)]
    parent_id: Option<IdOrCreation>,
    #[serde(default)]
    role: Option<MailboxRole>,
    #[serde(default)]
    sort_order: Option<u32>,
    #[serde(default)]
    is_subscribed: bool,
    #[serde(default)]
    share_with: Option<Box<RawValue>>,
}

/// What the server set of a new mailbox.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    id: Id,
    sort_order: u32,
    total_emails: u64,
    unread_emails: u64,
    total_threads: u64,
    unread_threads: u64,
    my_rights: hongyan_jmap::object::MailboxRights,
}

pub(crate) async fn set(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Set = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    arguments.check(call.jmap.settings.core.set_objects_max)?;
    let snapshot = call.jmap.snapshot(call.account).await?;
    let old_state = call.account.state(snapshot.modseq);
    if arguments.if_in_state.as_ref().is_some_and(|state| *state != old_state) {
        return Err(MethodErrorType::StateMismatch.into());
    }
    let account_id = call.account.id.clone();
    let mut answers = SetAnswers::new(&account_id, old_state);
    create_all(call, arguments.create.unwrap_or_default(), &mut answers).await;
    let destroy = arguments.destroy.unwrap_or_default();
    for (id, patch) in arguments.update.unwrap_or_default() {
        let outcome = if destroy.contains(&id) {
            Err(SetErrorType::WillDestroy.into())
        } else {
            update(call, &id, &patch).await
        };
        answers.updated(call.shown(&id), outcome);
    }
    for id in deepest_first(call, &snapshot, destroy) {
        let outcome = self::destroy(call, &id, arguments.on_destroy_remove_emails).await;
        answers.destroyed(call.shown(&id), outcome);
    }
    let mut reply = answers.end()?;
    reply.new_state = call.account.state(call.jmap.snapshot(call.account).await?.modseq);
    call.answer(&reply)
}

/// Makes what can be made; a mailbox may be inside one that is made by the same call, in whatever order they come.
async fn create_all(call: &mut Call<'_>, create: BTreeMap<Id, Box<RawValue>>, answers: &mut SetAnswers<'_, Created>) {
    let mut waiting = create;
    loop {
        let before = waiting.len();
        for (creation, text) in std::mem::take(&mut waiting) {
            let outcome = self::create(call, &text).await;
            match &outcome {
                Ok(created) => {
                    call.created.insert(creation.clone(), created.id.clone());
                }
                Err(Refused::Set(error)) if error.properties == ["parentId"] => {
                    waiting.insert(creation.clone(), text);
                }
                Err(_) => {}
            }
            answers.created(creation, outcome);
        }
        if waiting.is_empty() || waiting.len() == before {
            break;
        }
    }
    let reply = &mut answers.reply;
    reply
        .not_created
        .retain(|creation, _| !reply.created.contains_key(creation));
}

async fn create(call: &Call<'_>, text: &RawValue) -> Changed<Created> {
    let snapshot = call.jmap.snapshot_in_order(call.account).await?;
    let wrong = |error: serde_json::Error| SetError::with(SetErrorType::InvalidProperties, error.to_string());
    let new: NewMailbox = serde_json::from_str(text.get()).map_err(wrong)?;
    new.sort_order.map(checked_order).transpose()?;
    let above = match &new.parent_id {
        None => None,
        Some(id) => Some(folder(call, &snapshot, id).ok_or_else(no_parent)?),
    };
    let path = path(above, &new.name)?;
    let special_use = match new.role {
        None => None,
        Some(role) => Some(special_use(role).ok_or_else(|| SetError::properties(["role"], "there is one inbox"))?),
    };
    let sharing = sharing(call, new.share_with.as_deref())?;
    check_limits(call, &snapshot, None, &path).await?;
    let request = CreateFolder {
        path: path.clone(),
        special_use,
    };
    let created = call.ask(request).await?;
    let folder = created.map_err(|error| exists(&snapshot, &path, error))?.folder;
    let shared = match (sharing, above) {
        (Some(sharing), _) => sharing.apply(call, &folder).await,
        (None, Some(above)) if call.account.permit().is_some() => inherit(call, above.id, &folder).await,
        (None, _) => Ok(()),
    };
    if let Err(refused) = shared {
        // RFC 8620 §5.3: what cannot be made as it was asked for is not made.
        let delete = DeleteFolder {
            folder: folder.id.into(),
        };
        if let Err(error) = call.jmap.ask(call.account.mailbox, delete).await? {
            tracing::warn!(event = "jmap_folder_not_taken_back", %error);
        }
        return Err(refused);
    }
    let wanted_order = new
        .sort_order
        .filter(|wanted| *wanted != sort_order(&snapshot, &folder));
    if let Some(wanted) = wanted_order {
        order(call, folder.id, wanted).await?;
    }
    if new.is_subscribed && call.account.permit().is_none() {
        let request = SubscribeFolder { path, subscribed: true };
        call.ask(request).await?.map_err(refused)?;
    }
    // It has the rights of the one that it is in.
    let inherited = call.account.permit().zip(above);
    let inherited = inherited.map(|(permit, above)| crate::reach::shown(permit.rights(above.id)));
    let shown = super::get::mailbox(call.account, &snapshot, &folder, super::counts::Counts::default(), None);
    Ok(Created {
        id: shown.id,
        sort_order: wanted_order.unwrap_or(shown.sort_order),
        total_emails: 0,
        unread_emails: 0,
        total_threads: 0,
        unread_threads: 0,
        my_rights: inherited.unwrap_or(shown.my_rights),
    })
}

/// Shares a new mailbox as the one that it is in.
async fn inherit(call: &Call<'_>, above: FolderId, folder: &FolderInfo) -> Changed<()> {
    let new = Inheritance {
        account: call.account.record.id,
        above: FolderNumber(above.0),
        folder: FolderNumber(folder.id.0),
        path: folder.path.as_str().to_owned(),
    };
    let directory = &call.jmap.services.directory;
    let inherited = directory.inherit_shares(&call.account.person, &new).await;
    inherited.map_err(|error| Refused::Failed(crate::account::directory_failed(&error)))
}

/// With whom a new mailbox shall be shared.
fn sharing(call: &Call<'_>, wanted: Option<&RawValue>) -> Changed<Option<Sharing>> {
    let Some(wanted) = wanted else { return Ok(None) };
    let mut sharing = Sharing::new();
    sharing.patch(&[], wanted)?;
    match sharing.is_any() && !call.account.is_own() {
        true => Err(SetErrorType::Forbidden.into()),
        false => Ok(Some(sharing)),
    }
}

/// Refuses a mailbox beyond what its account may have (FLD-6): one at `to`, which is new or was at `from`.
async fn check_limits(call: &Call<'_>, snapshot: &Snapshot, from: Option<&FolderPath>, to: &FolderPath) -> Changed<()> {
    let levels = |path: &FolderPath| path.as_str().split(SEPARATOR).count();
    // All count, seen or not.
    let all = match call.account.permit() {
        Some(_) => {
            call.jmap
                .ask(call.account.mailbox, ListFolders)
                .await?
                .map_err(refused)?
                .folders
        }
        None => Arc::clone(&snapshot.folders),
    };
    let below = from.map_or(0, |from| {
        let inside = all.iter().filter(|folder| folder.path.is_inside(from));
        let deepest = inside.map(|folder| levels(&folder.path)).max();
        deepest.map_or(0, |deepest| deepest.saturating_sub(levels(from)))
    });
    let own = all.len().saturating_sub(SpecialUse::ALL.len() + 1);
    let limits = call.jmap.limits(&call.account.record).await?;
    let folders = own + usize::from(from.is_none());
    match limits.folders_excess(levels(to) + below, folders) {
        Some(words) => Err(SetError::with(SetErrorType::OverQuota, words).into()),
        None => Ok(()),
    }
}

fn no_parent() -> SetError {
    SetError::properties(["parentId"], "no such mailbox")
}

/// RFC 8621 §2: below 2^31.
fn checked_order(order: u32) -> Result<u32, SetError> {
    let is_good = i32::try_from(order).is_ok();
    is_good
        .then_some(order)
        .ok_or_else(|| SetError::properties(["sortOrder"], "a number below 2147483648"))
}

async fn order(call: &Call<'_>, folder: FolderId, order: u32) -> Changed<()> {
    let order = Some(order);
    let request = OrderFolder { folder, order };
    call.ask(request).await?.map_err(refused)?;
    Ok(())
}

fn special_use(role: MailboxRole) -> Option<SpecialUse> {
    Some(match role {
        MailboxRole::Inbox => return None,
        MailboxRole::Archive => SpecialUse::Archive,
        MailboxRole::Drafts => SpecialUse::Drafts,
        MailboxRole::Junk => SpecialUse::Junk,
        MailboxRole::Sent => SpecialUse::Sent,
        MailboxRole::Trash => SpecialUse::Trash,
    })
}

fn folder<'s>(call: &Call<'_>, snapshot: &'s Snapshot, id: &IdOrCreation) -> Option<&'s FolderInfo> {
    snapshot.folder(ids::read_folder(id.resolve(call.created)?)?)
}

fn path(above: Option<&FolderInfo>, name: &str) -> Changed<FolderPath> {
    inside(above.map(|above| &*above.path), name)
}

fn inside(above: Option<&FolderPath>, name: &str) -> Changed<FolderPath> {
    if name.contains(SEPARATOR) {
        let words = format!("a name has no {SEPARATOR}");
        return Err(SetError::properties(["name"], words).into());
    }
    let text = match above {
        Some(above) => format!("{}{SEPARATOR}{name}", above.as_str()),
        None => name.to_owned(),
    };
    let path = FolderPath::try_from(text.as_str());
    Ok(path.map_err(|error| SetError::properties(["name"], error.to_string()))?)
}

/// What a client wants a mailbox to be.
struct Wanted {
    sharing: Option<Sharing>,
    name: String,
    above: Option<FolderId>,
    is_subscribed: bool,
    order: u32,
}

impl Wanted {
    async fn read(call: &Call<'_>, snapshot: &Snapshot, found: &FolderInfo, patch: &PatchObject) -> Changed<Self> {
        let mut wanted = Self {
            sharing: None,
            name: name(found).to_owned(),
            above: parent(snapshot, found),
            is_subscribed: found.subscribed,
            order: sort_order(snapshot, found),
        };
        for (path, value) in patch.entries()? {
            let property = path.property();
            if property == "shareWith" {
                let sharing = match wanted.sharing.take() {
                    Some(sharing) => sharing,
                    None => Sharing::of(call, found.id).await?,
                };
                wanted.sharing.insert(sharing).patch(&path.inside(), value)?;
            } else if path.inside().is_empty() {
                wanted.set(call, snapshot, found, property, value)?;
            } else {
                return Err(SetErrorType::InvalidPatch.into());
            }
        }
        Ok(wanted)
    }
    fn set(
        &mut self,
        call: &Call<'_>,
        snapshot: &Snapshot,
        found: &FolderInfo,
        property: &str,
        value: &RawValue,
    ) -> Changed<()> {
        let wrong = |_| SetError::properties([property], "the value is of another type");
        match property {
            "name" => self.name = serde_json::from_str(value.get()).map_err(wrong)?,
            "isSubscribed" => self.is_subscribed = serde_json::from_str(value.get()).map_err(wrong)?,
            "parentId" => {
                let id: Option<IdOrCreation> = serde_json::from_str(value.get()).map_err(wrong)?;
                self.above = match id {
                    None => None,
                    Some(id) => Some(folder(call, snapshot, &id).ok_or_else(no_parent)?.id),
                };
            }
            "role" => {
                let wanted: Option<MailboxRole> = serde_json::from_str(value.get()).map_err(wrong)?;
                if wanted != role(found) {
                    return Err(SetError::properties(["role"], "the role of a mailbox does not change").into());
                }
            }
            "sortOrder" => {
                let wanted: u32 = serde_json::from_str(value.get()).map_err(wrong)?;
                self.order = checked_order(wanted)?;
            }
            property => {
                let words = "this property of a mailbox does not change by request";
                return Err(SetError::properties([property], words).into());
            }
        }
        Ok(())
    }
    /// The path that it shall have.
    fn path(&self, call: &Call<'_>, snapshot: &Snapshot, found: &FolderInfo) -> Changed<FolderPath> {
        let is_shared = call.account.permit().is_some();
        match self.above.and_then(|id| snapshot.folder(id)) {
            // What it is in is not seen, and stays.
            None if is_shared && parent(snapshot, found).is_none() => inside(found.path.parent().as_ref(), &self.name),
            None if is_shared => Err(refused(MailboxError::NoPermission)),
            above => path(above, &self.name),
        }
    }
}

async fn update(call: &Call<'_>, id: &IdOrCreation, patch: &PatchObject) -> Changed<()> {
    let snapshot = call.jmap.snapshot_in_order(call.account).await?;
    let found = folder(call, &snapshot, id).ok_or(SetErrorType::NotFound)?;
    let wanted = Wanted::read(call, &snapshot, found, patch).await?;
    let to = wanted.path(call, &snapshot, found)?;
    if let Some(sharing) = wanted.sharing {
        sharing.apply(call, found).await?;
    }
    if to != *found.path {
        let request = RenameFolder {
            from: FolderPath::clone(&found.path),
            to: to.clone(),
        };
        if found.id == FolderId::INBOX {
            return Err(SetErrorType::Forbidden.into());
        }
        check_limits(call, &snapshot, Some(&found.path), &to).await?;
        let renamed = call.ask(request).await?;
        renamed.map_err(|error| exists(&snapshot, &to, error))?;
    }
    if wanted.order != sort_order(&snapshot, found) {
        order(call, found.id, wanted.order).await?;
    }
    match &call.account.reach {
        _ if wanted.is_subscribed == found.subscribed => Ok(()),
        Some(reach) => subscribe_to_shared(call, reach, found.id, wanted.is_subscribed).await,
        None => {
            let subscribed = wanted.is_subscribed;
            let request = SubscribeFolder { path: to, subscribed };
            call.ask(request).await?.map_err(refused)?;
            Ok(())
        }
    }
}

/// Notes whether the person wants to see a folder that is shared with them.
async fn subscribe_to_shared(call: &Call<'_>, reach: &Reach, folder: FolderId, wanted: bool) -> Changed<()> {
    let Some(share) = reach.share(folder) else {
        return Ok(());
    };
    let directory = &call.jmap.services.directory;
    match directory.subscribe_to_shared(&call.account.person, share, wanted).await {
        Ok(()) => Ok(()),
        Err(hongyan_directory::Error::NotFound { .. }) => Err(SetErrorType::NotFound.into()),
        Err(error) => Err(Refused::Failed(crate::account::directory_failed(&error))),
    }
}

/// Those inside before those they are in, so that a tree can go with one call.
fn deepest_first(call: &Call<'_>, snapshot: &Snapshot, mut destroy: Vec<IdOrCreation>) -> Vec<IdOrCreation> {
    destroy.sort_by_key(|id| {
        let depth = folder(call, snapshot, id).map_or(0, |found| found.path.as_str().matches(SEPARATOR).count());
        std::cmp::Reverse(depth)
    });
    destroy
}

async fn destroy(call: &Call<'_>, id: &IdOrCreation, removes_emails: bool) -> Changed<()> {
    let snapshot = call.jmap.snapshot(call.account).await?;
    let found = folder(call, &snapshot, id).ok_or(SetErrorType::NotFound)?;
    let rights = call.account.permit().map(|permit| permit.rights(found.id));
    if rights.is_some_and(|rights| !rights.has(FolderRight::DeleteFolder)) {
        // Before anything is said of what is in it.
        return Err(refused(MailboxError::NoPermission));
    }
    if found.has_children {
        return Err(SetErrorType::MailboxHasChild.into());
    }
    // What is not seen may hold anything.
    let holds = rights.is_some_and(|rights| !rights.has(FolderRight::Read))
        || snapshot
            .view(found.id)
            .is_some_and(|view| view.iter().any(crate::snapshot::is_visible));
    if holds && !removes_emails {
        return Err(SetErrorType::MailboxHasEmail.into());
    }
    let request = DeleteFolder {
        folder: found.id.into(),
    };
    call.ask(request).await?.map_err(refused)?;
    // Nobody has it any more; should this fail, what is left of it names nothing.
    let directory = &call.jmap.services.directory;
    let number = FolderNumber(found.id.0);
    if let Err(error) = directory
        .forget_folder(
            call.account.record.id,
            number,
            Some(found.path.as_str()),
            Some(&call.account.person),
        )
        .await
    {
        tracing::warn!(event = "jmap_folder_shares_left", %error);
    }
    Ok(())
}
