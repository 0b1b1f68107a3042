//! Email/set (RFC 8621 §4.6): keywords and mailboxes of an email in one step each.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use hongyan_jmap::method::Set;
use hongyan_jmap::{Id, IdOrCreation, MethodErrorType, PatchObject, RawValue, SetError, SetErrorType};
use hongyan_mailbox::{EmailId, FolderId, MailboxError, UpdateEmail};

use super::create;
use super::keywords;
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::refused::{Changed, Refused};
use crate::set_answers::SetAnswers;
use crate::snapshot::Snapshot;

/// Changes that are on their way to the mailbox together: it commits them together.
const TOGETHER: usize = 64;
/// How often a change is tried when the email moves meanwhile.
const TRIES: usize = 3;

pub(super) fn refused(error: MailboxError) -> Refused {
    match error {
        MailboxError::NoSuchMessage => SetErrorType::NotFound.into(),
        MailboxError::NoPermission => SetError::with(SetErrorType::Forbidden, error.to_string()).into(),
        MailboxError::OverQuota => SetErrorType::OverQuota.into(),
        MailboxError::TooManyKeywords => SetErrorType::TooManyKeywords.into(),
        MailboxError::NoSuchFolder | MailboxError::UidsExhausted => {
            SetError::properties(["mailboxIds"], error.to_string()).into()
        }
        error => Refused::Failed(error.into()),
    }
}

pub(crate) async fn set(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Set = call.arguments()?;
    set_as(call, "Email/set", arguments).await
}

/// The same for arguments that came otherwise, answered under `name`.
pub(crate) async fn set_as(call: &mut Call<'_>, name: &str, arguments: Set) -> Outcome<()> {
    call.account.check(&arguments.account_id)?;
    arguments.check(call.jmap.settings.core.set_objects_max)?;
    let snapshot = call.jmap.snapshot(call.account).await?;
    let old_state = call.account.state(snapshot.modseq);
    if arguments.if_in_state.as_ref().is_some_and(|state| *state != old_state) {
        return Err(MethodErrorType::StateMismatch.into());
    }
    let account_id = call.account.id.clone();
    let mut answers = SetAnswers::new(&account_id, old_state);
    for (creation, text) in arguments.create.unwrap_or_default() {
        let outcome = create::create(call, &text).await;
        if let Ok(created) = &outcome {
            call.created.insert(creation.clone(), created.id.clone());
        }
        answers.created(creation, outcome);
    }
    let destroy = arguments.destroy.unwrap_or_default();
    let doomed: BTreeSet<&Id> = destroy.iter().filter_map(|id| id.resolve(call.created)).collect();
    let update = arguments.update.unwrap_or_default();
    let outcomes = update_all(call, &update, &doomed).await;
    for (id, outcome) in update.keys().zip(outcomes) {
        answers.updated(call.shown(id), outcome);
    }
    let outcomes = destroy_all(call, &destroy).await;
    for (id, outcome) in destroy.iter().zip(outcomes) {
        answers.destroyed(call.shown(id), outcome);
    }
    let mut reply = answers.end()?;
    reply.new_state = call.account.state(call.jmap.snapshot(call.account).await?.modseq);
    call.answer_as(name, &reply)
}

async fn update_all(
    call: &Call<'_>,
    update: &BTreeMap<IdOrCreation, PatchObject>,
    doomed: &BTreeSet<&Id>,
) -> Vec<Changed<()>> {
    let updates: Vec<(&IdOrCreation, &PatchObject)> = update.iter().collect();
    let mut outcomes = Vec::with_capacity(updates.len());
    for some in updates.chunks(TOGETHER) {
        let some = some.iter().map(|(id, patch)| update_one(call, id, patch, doomed));
        outcomes.extend(join_all(some).await);
    }
    outcomes
}

async fn update_one(call: &Call<'_>, id: &IdOrCreation, patch: &PatchObject, doomed: &BTreeSet<&Id>) -> Changed<()> {
    let id = id.resolve(call.created).ok_or(SetErrorType::NotFound)?;
    if doomed.contains(id) {
        return Err(SetErrorType::WillDestroy.into());
    }
    let email = ids::read_email(id).ok_or(SetErrorType::NotFound)?;
    change(call, email, |snapshot| wanted(call, snapshot, email, patch)).await
}

pub(super) async fn destroy_all(call: &Call<'_>, destroy: &[IdOrCreation]) -> Vec<Changed<()>> {
    let mut outcomes = Vec::with_capacity(destroy.len());
    for some in destroy.chunks(TOGETHER) {
        outcomes.extend(join_all(some.iter().map(|id| destroy_one(call, id))).await);
    }
    outcomes
}

async fn destroy_one(call: &Call<'_>, id: &IdOrCreation) -> Changed<()> {
    let id = id.resolve(call.created).ok_or(SetErrorType::NotFound)?;
    let email = ids::read_email(id).ok_or(SetErrorType::NotFound)?;
    change(call, email, |snapshot| {
        let places = snapshot.places(email);
        Ok(UpdateEmail {
            take_from: places.iter().map(|place| place.folder).collect(),
            ..unchanged(snapshot, email)
        })
    })
    .await
}

pub(crate) fn unchanged(snapshot: &Snapshot, email: EmailId) -> UpdateEmail {
    let places = snapshot.places(email).iter();
    UpdateEmail {
        email,
        places: places.map(|place| (place.folder, place.uid)).collect(),
        add: Vec::new(),
        remove: Vec::new(),
        put_into: Vec::new(),
        take_from: Vec::new(),
    }
}

/// Makes the change that `plan` finds in the present state; again, when the email was moved in between.
pub(crate) async fn change(
    call: &Call<'_>,
    email: EmailId,
    plan: impl Fn(&Snapshot) -> Changed<UpdateEmail>,
) -> Changed<()> {
    for _ in 0..TRIES {
        let snapshot = call.jmap.snapshot(call.account).await?;
        if snapshot.places(email).is_empty() {
            return Err(SetErrorType::NotFound.into());
        }
        let request = plan(&snapshot)?;
        if request.add.is_empty()
            && request.remove.is_empty()
            && request.put_into.is_empty()
            && request.take_from.is_empty()
        {
            return Ok(());
        }
        match call.ask(request).await? {
            Ok(_) => return Ok(()),
            Err(MailboxError::NoSuchMessage) => {}
            Err(error) => return Err(refused(error)),
        }
    }
    Err(SetErrorType::NotFound.into())
}

/// What a patch asks for, as the mailbox does it.
fn wanted(call: &Call<'_>, snapshot: &Snapshot, email: EmailId, patch: &PatchObject) -> Changed<UpdateEmail> {
    let mut request = unchanged(snapshot, email);
    let found = snapshot.find(email).ok_or(SetErrorType::NotFound)?;
    let had: BTreeSet<String> = keywords::anywhere(snapshot, &found);
    let was: BTreeSet<FolderId> = found.places.iter().map(|place| place.folder).collect();
    let (mut has, mut is) = (had.clone(), was.clone());
    let (mut asked_on, mut asked_off) = (BTreeSet::new(), BTreeSet::new());
    for (path, value) in patch.entries()? {
        match (path.property(), path.inside().as_slice()) {
            ("keywords", []) => {
                has = read_set(value, "keywords")?
                    .into_iter()
                    .map(|name| name.to_ascii_lowercase())
                    .collect();
                asked_on.clone_from(&has);
            }
            ("keywords", [name]) => {
                let name = name.to_ascii_lowercase();
                if read_member(value, "keywords")? {
                    has.insert(name.clone());
                    asked_on.insert(name);
                } else {
                    has.remove(&name);
                    asked_off.insert(name);
                }
            }
            ("mailboxIds", []) => {
                let ids = read_set(value, "mailboxIds")?;
                is = ids
                    .iter()
                    .map(|id| folder(call, snapshot, id))
                    .collect::<Changed<_>>()?;
            }
            ("mailboxIds", [id]) => {
                let is_in = read_member(value, "mailboxIds")?;
                match folder(call, snapshot, id) {
                    Ok(folder) if is_in => is.insert(folder),
                    Ok(folder) => is.remove(&folder),
                    Err(error) => return Err(error),
                };
            }
            (property, _) => {
                let words = "this property of an email does not change";
                return Err(SetError::properties([property], words).into());
            }
        }
    }
    if is.is_empty() {
        return Err(SetError::properties(["mailboxIds"], "an email is in a mailbox").into());
    }
    let flag = |name: &String| keywords::flag(name).ok_or_else(|| bad_keyword(name));
    asked_on.extend(has.difference(&had).cloned());
    asked_off.extend(had.difference(&has).cloned());
    request.add = asked_on.iter().map(flag).collect::<Result<_, _>>()?;
    request.remove = asked_off.iter().map(flag).collect::<Result<_, _>>()?;
    request.put_into = is.difference(&was).copied().collect();
    request.take_from = was.difference(&is).copied().collect();
    Ok(request)
}

pub(super) fn bad_keyword(name: &str) -> SetError {
    SetError::properties(["keywords"], format!("no keyword: {name}"))
}

/// A folder by id or creation id.
pub(super) fn folder(call: &Call<'_>, snapshot: &Snapshot, id: &str) -> Changed<FolderId> {
    let missing = || SetError::properties(["mailboxIds"], format!("no mailbox {id}"));
    let id = IdOrCreation::try_from(id).map_err(|_| missing())?;
    let id = id.resolve(call.created).ok_or_else(missing)?;
    let folder = ids::read_folder(id).filter(|folder| snapshot.folder(*folder).is_some());
    Ok(folder.ok_or_else(missing)?)
}

/// The members of a set: an object of which every value is `true`.
pub(super) fn read_set(value: &RawValue, property: &str) -> Result<Vec<String>, SetError> {
    let wrong = || SetError::properties([property], "every value of the object is true");
    let members: BTreeMap<String, bool> = serde_json::from_str(value.get()).map_err(|_| wrong())?;
    if members.values().any(|is_in| !is_in) {
        return Err(wrong());
    }
    Ok(members.into_keys().collect())
}

/// Whether a member comes (`true`) or goes (`null`).
fn read_member(value: &RawValue, property: &str) -> Result<bool, SetError> {
    match value.get() {
        "true" => Ok(true),
        "null" => Ok(false),
        _ => Err(SetError::properties([property], "a member of a set is true or null")),
    }
}
