//! VacationResponse (RFC 8621 §8): what delivery answers while the person is away.

use hongyan_delivery::Vacation;
use hongyan_jmap::method::{Get, Set, SetReply};
use hongyan_jmap::object::VacationResponse;
use hongyan_jmap::{Id, IdOrCreation, MethodErrorType, PatchObject, RawValue, SetError, SetErrorType, UtcDate};
use hongyan_types::Timestamp;
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::error::Outcome;
use crate::ledgers::answer_get;

/// How often a change is tried when somebody else makes one at the same time.
const TRIES: usize = 5;

pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Get = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let vacation = call.jmap.services.delivery.vacation(call.account.mailbox).await?;
    let state = vacation.version.to_string();
    answer_get(call, arguments, state, vec![(singleton(), show(vacation))])
}

fn singleton() -> Id {
    Id::try_from(VacationResponse::ID).expect("it is an id")
}

fn show(vacation: Vacation) -> VacationResponse {
    let date = |millis: i64| UtcDate(Timestamp { millis });
    VacationResponse {
        is_enabled: vacation.is_enabled,
        from_date: vacation.from_millis.map(date),
        to_date: vacation.to_millis.map(date),
        subject: vacation.subject,
        text_body: vacation.text,
        html_body: vacation.html,
    }
}

pub(crate) async fn set(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Set = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    arguments.check(call.jmap.settings.core.set_objects_max)?;
    let delivery = call.jmap.services.delivery.clone();
    for _ in 0..TRIES {
        let before = delivery.vacation(call.account.mailbox).await?;
        let account_id = call.account.id.clone();
        let mut reply: SetReply<'_, ()> = SetReply::new(&account_id, before.version.to_string());
        if arguments
            .if_in_state
            .as_ref()
            .is_some_and(|state| Some(state) != reply.old_state.as_ref())
        {
            return Err(MethodErrorType::StateMismatch.into());
        }
        for creation in arguments.create.iter().flatten().map(|(creation, _)| creation) {
            reply
                .not_created
                .insert(creation.clone(), SetErrorType::Singleton.into());
        }
        for id in arguments.destroy.iter().flatten() {
            reply
                .not_destroyed
                .insert(id.to_string(), SetErrorType::Singleton.into());
        }
        let mut vacation = before.clone();
        for (id, patch) in arguments.update.iter().flatten() {
            let characters_max = call.jmap.settings.vacation_characters_max;
            match patched(id, vacation.clone(), patch, characters_max) {
                Ok(changed) => {
                    vacation = changed;
                    reply.updated.insert(id.to_string(), None);
                }
                Err(error) => {
                    reply.not_updated.insert(id.to_string(), error);
                }
            }
        }
        if vacation != before {
            let Some(set) = delivery.set_vacation(call.account.mailbox, vacation).await? else {
                continue;
            };
            reply.new_state = set.version.to_string();
        }
        return call.answer(&reply);
    }
    Err(MethodErrorType::ServerUnavailable.into())
}

fn patched(
    id: &IdOrCreation,
    mut vacation: Vacation,
    patch: &PatchObject,
    characters_max: usize,
) -> Result<Vacation, SetError> {
    if *id != IdOrCreation::Id(singleton()) {
        return Err(SetErrorType::NotFound.into());
    }
    for (path, value) in patch.entries()? {
        if !path.inside().is_empty() {
            return Err(SetErrorType::InvalidPatch.into());
        }
        let property = path.property();
        let millis = |date: Option<UtcDate>| date.map(|date| date.0.millis);
        match property {
            "isEnabled" => vacation.is_enabled = value_of(property, value)?,
            "fromDate" => vacation.from_millis = millis(value_of(property, value)?),
            "toDate" => vacation.to_millis = millis(value_of(property, value)?),
            "subject" => vacation.subject = text_of(property, value, characters_max)?,
            "textBody" => vacation.text = text_of(property, value, characters_max)?,
            "htmlBody" => vacation.html = text_of(property, value, characters_max)?,
            "id" if value_of::<String>(property, value)? == VacationResponse::ID => {}
            property => return Err(SetError::properties([property], "no such property of the answer")),
        }
    }
    Ok(vacation)
}

fn value_of<T: DeserializeOwned>(property: &str, value: &RawValue) -> Result<T, SetError> {
    let wrong = |error: serde_json::Error| SetError::properties([property], error.to_string());
    serde_json::from_str(value.get()).map_err(wrong)
}

fn text_of(property: &str, value: &RawValue, characters_max: usize) -> Result<Option<String>, SetError> {
    let text: Option<String> = value_of(property, value)?;
    match &text {
        Some(text) if text.chars().count() > characters_max => {
            let words = format!("at most {characters_max} characters");
            Err(SetError::properties([property], words))
        }
        _ => Ok(text),
    }
}
