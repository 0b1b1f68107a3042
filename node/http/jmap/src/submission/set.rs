//! EmailSubmission/set (RFC 8621 §7.5): sends, takes back what has not left, forgets; then does with the mails what the
//! client wants done when that succeeds.

use std::collections::BTreeMap;

use hongyan_actor::Entity;
use hongyan_jmap::method::Set;
use hongyan_jmap::object::{EmailSubmissionSet, UndoStatus};
use hongyan_jmap::{Id, IdOrCreation, MethodErrorType, PatchObject, SetError, SetErrorType, UtcDate};
use hongyan_mailbox::EmailId;
use hongyan_queue::{Postpone, QueueError, QueueId, Withdraw};
use hongyan_router::Ask;
use hongyan_trail::{Progress, Submission};

use super::create::{Created, create};
use super::get::{of, undo_status};
use crate::call::Call;
use crate::error::{Failure, Outcome};
use crate::ids;
use crate::ledgers::Attempts;
use crate::refused::{Changed, Refused};
use crate::set_answers::SetAnswers;

/// The mails of what succeeded, by the name that the client has for the submission.
type Succeeded = BTreeMap<String, EmailId>;

pub(crate) async fn set(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: EmailSubmissionSet = call.arguments()?;
    let mut plain = Set {
        account_id: arguments.account_id,
        if_in_state: arguments.if_in_state,
        create: arguments.create,
        update: arguments.update,
        destroy: arguments.destroy,
        on_destroy_remove_emails: false,
    };
    call.account.check(&plain.account_id)?;
    plain.check(call.jmap.settings.core.set_objects_max)?;
    let old_state = state(call).await?;
    if plain.if_in_state.as_ref().is_some_and(|state| *state != old_state) {
        return Err(MethodErrorType::StateMismatch.into());
    }
    let account_id = call.account.id.clone();
    let mut answers = SetAnswers::new(&account_id, old_state);
    let mut succeeded = Succeeded::new();
    for (creation, text) in plain.create.take().unwrap_or_default() {
        let outcome = create(call, &text).await.map(|(created, email)| {
            call.created.insert(creation.clone(), created.id.clone());
            succeeded.insert(format!("#{creation}"), email);
            succeeded.insert(created.id.to_string(), email);
            created
        });
        answers.created(creation, outcome);
    }
    change_all(call, &plain, &mut answers, &mut succeeded).await;
    let mut reply = answers.end()?;
    reply.new_state = state(call).await?;
    call.answer(&reply)?;
    let emails = (arguments.on_success_update_email, arguments.on_success_destroy_email);
    change_emails(call, &account_id, emails, &succeeded).await
}

pub(super) async fn state(call: &Call<'_>) -> Outcome<String> {
    let mut transaction = call.jmap.services.database.begin();
    Ok(of(call).state(&mut transaction).await?.to_string())
}

async fn change_all(call: &Call<'_>, plain: &Set, answers: &mut SetAnswers<'_, Created>, succeeded: &mut Succeeded) {
    let destroyed = plain.destroy.as_deref().unwrap_or_default();
    for (id, patch) in plain.update.iter().flatten() {
        let shown = call.shown(id);
        let is_doomed = destroyed.iter().any(|other| call.shown(other) == shown);
        let outcome = if is_doomed {
            Err(SetErrorType::WillDestroy.into())
        } else {
            update(call, id, patch).await
        };
        let outcome = outcome.map(|email| {
            succeeded.insert(shown.clone(), email);
        });
        answers.updated(shown, outcome);
    }
    for id in destroyed {
        let shown = call.shown(id);
        let outcome = destroy(call, id).await;
        let outcome = outcome.map(|email| {
            succeeded.insert(shown.clone(), email);
        });
        answers.destroyed(shown, outcome);
    }
}

pub(super) async fn find(call: &Call<'_>, id: &IdOrCreation) -> Changed<(u64, Submission)> {
    let number = id.resolve(call.created).and_then(|id| ids::read_numbered('S', id));
    let number = number.ok_or(SetErrorType::NotFound)?;
    let mut transaction = call.jmap.services.database.begin();
    let found = of(call).get(&mut transaction, number).await.map_err(Failure::from)?;
    Ok((number, found.ok_or(SetErrorType::NotFound)?))
}

async fn update(call: &Call<'_>, id: &IdOrCreation, patch: &PatchObject) -> Changed<EmailId> {
    let (number, mut submission) = find(call, id).await?;
    let now = call.jmap.services.env.wall_millis();
    for (path, value) in patch.entries()? {
        if path.property() == "sendAt" && path.inside().is_empty() {
            let wrong = |error: serde_json::Error| SetError::properties(["sendAt"], error.to_string());
            let wanted: UtcDate = serde_json::from_str(value.get()).map_err(wrong)?;
            submission = postpone(call, number, submission, wanted.0.millis).await?;
            continue;
        }
        if path.property() != "undoStatus" || !path.inside().is_empty() {
            let words = "only undoStatus and sendAt of a submission change";
            return Err(SetError::properties([path.property()], words).into());
        }
        let wrong = |error: serde_json::Error| SetError::properties(["undoStatus"], error.to_string());
        let wanted: UndoStatus = serde_json::from_str(value.get()).map_err(wrong)?;
        match (undo_status(&submission, now), wanted) {
            (is, wanted) if is == wanted => {}
            (UndoStatus::Pending, UndoStatus::Canceled) => cancel(call, number, &submission).await?,
            (UndoStatus::Final, UndoStatus::Canceled) => return Err(SetErrorType::CannotUnsend.into()),
            _ => return Err(SetError::properties(["undoStatus"], "it can only be canceled").into()),
        }
    }
    Ok(EmailId(submission.email))
}

/// Takes a submission back: all of it, or none.
async fn cancel(call: &Call<'_>, number: u64, submission: &Submission) -> Changed<()> {
    let numbers = submission.entries.iter().map(|(_, number)| *number).collect();
    ask_queue(call, submission, Withdraw { numbers }).await?;
    let canceled = Submission {
        progress: Progress::Canceled,
        ..submission.clone()
    };
    store(call, number, &canceled).await
}

/// Lets a submission that waits leave at another time; at once, when that has passed (MODE-2).
async fn postpone(call: &Call<'_>, number: u64, submission: Submission, millis: i64) -> Changed<Submission> {
    let wrong = |words: String| SetError::properties(["sendAt"], words);
    let now = call.jmap.services.env.wall_millis();
    if undo_status(&submission, now) != UndoStatus::Pending {
        return Err(SetErrorType::CannotUnsend.into());
    }
    let max = call.jmap.settings.delayed_send_max;
    if millis.saturating_sub(now) > i64::try_from(max.as_millis()).unwrap_or(i64::MAX) {
        let words = format!("a mail is sent within {} seconds (maxDelayedSend)", max.as_secs());
        return Err(wrong(words).into());
    }
    let leaves_millis = millis.max(now);
    let request = Postpone {
        numbers: submission.entries.iter().map(|(_, number)| *number).collect(),
        not_before_millis: leaves_millis,
    };
    ask_queue(call, &submission, request).await?;
    let postponed = Submission {
        send_at_millis: leaves_millis,
        ..submission
    };
    store(call, number, &postponed).await?;
    Ok(postponed)
}

/// Asks the shard in which all of a submission waits.
async fn ask_queue<R>(call: &Call<'_>, submission: &Submission, request: R) -> Changed<()>
where
    R: Ask<Reply = Result<(), QueueError>>,
    R::Entity: Entity<Key = QueueId>,
{
    let Some((shard, _)) = submission.entries.first().copied() else {
        return Err(SetErrorType::CannotUnsend.into());
    };
    let (queue, within) = (QueueId { shard }, call.jmap.settings.ask_timeout);
    match call.jmap.services.router.ask(&queue, request, within).await? {
        Ok(()) => Ok(()),
        Err(QueueError::NoSuchEntry) => Err(SetErrorType::CannotUnsend.into()),
        Err(error) => {
            tracing::warn!(event = "jmap_queue_failed", %error);
            Err(Refused::Failed(MethodErrorType::ServerUnavailable.into()))
        }
    }
}

async fn store(call: &Call<'_>, number: u64, submission: &Submission) -> Changed<()> {
    let services = &call.jmap.services;
    let mut attempts = Attempts::default();
    loop {
        let mut transaction = services.database.begin();
        let set = of(call).set(&mut transaction, number, submission).await;
        set.map_err(Failure::from)?;
        if !attempts.again(transaction.commit().await)? {
            return Ok(());
        }
    }
}

async fn destroy(call: &Call<'_>, id: &IdOrCreation) -> Changed<EmailId> {
    let (number, submission) = find(call, id).await?;
    let mut attempts = Attempts::default();
    loop {
        let mut transaction = call.jmap.services.database.begin();
        let removed = of(call).remove(&mut transaction, number).await.map_err(Failure::from)?;
        if !removed {
            return Err(SetErrorType::NotFound.into());
        }
        if !attempts.again(transaction.commit().await)? {
            return Ok(EmailId(submission.email));
        }
    }
}

/// RFC 8621 §7.5: an `Email/set` of its own, answered under the same call id.
async fn change_emails(
    call: &mut Call<'_>,
    account_id: &Id,
    (update, destroy): (Option<BTreeMap<IdOrCreation, PatchObject>>, Option<Vec<IdOrCreation>>),
    succeeded: &Succeeded,
) -> Outcome<()> {
    let email = |id: &IdOrCreation| {
        let email = succeeded.get(&id.to_string())?;
        Some(IdOrCreation::Id(ids::email(*email)))
    };
    let update: BTreeMap<IdOrCreation, PatchObject> = update
        .into_iter()
        .flatten()
        .filter_map(|(id, patch)| Some((email(&id)?, patch)))
        .collect();
    let destroy: Vec<IdOrCreation> = destroy.iter().flatten().filter_map(email).collect();
    if update.is_empty() && destroy.is_empty() {
        return Ok(());
    }
    let set = Set {
        account_id: account_id.clone(),
        if_in_state: None,
        create: None,
        update: Some(update),
        destroy: Some(destroy),
        on_destroy_remove_emails: false,
    };
    crate::email::set_as(call, "Email/set", set).await
}
