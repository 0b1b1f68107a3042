//! EmailSubmission/recall (`ops/docs/jmap.md`): a mail that its sender wants back (TRK-5).

use std::collections::BTreeMap;

use hongyan_delivery::{RecallError, RecallRules};
use hongyan_jmap::object::EmailSubmissionRecall;
use hongyan_jmap::{Id, IdOrCreation, MethodError, MethodErrorType, SetError, SetErrorType};
use serde::Serialize;

use super::set::{find, state};
use crate::call::Call;
use crate::error::{Failure, Outcome};
use crate::refused::{Changed, Refused};
use crate::settings::JmapSettings;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    account_id: &'a Id,
    old_state: String,
    new_state: String,
    /// By submission, then by recipient.
    recalled: BTreeMap<String, BTreeMap<String, &'static str>>,
    not_recalled: BTreeMap<String, SetError>,
}

fn rules(settings: &JmapSettings) -> RecallRules {
    RecallRules {
        standard: settings.recall_standard,
        advanced: settings.recall_advanced,
        takes_read: settings.recall_takes_read,
        scheduled: settings.scheduled_full_tracking,
    }
}

pub(crate) async fn recall(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: EmailSubmissionRecall = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    if arguments.ids.len() as u64 > call.jmap.settings.core.set_objects_max {
        return Err(MethodError::too_large("maxObjectsInSet").into());
    }
    let old_state = state(call).await?;
    let (mut recalled, mut not_recalled) = (BTreeMap::new(), BTreeMap::new());
    for id in &arguments.ids {
        let shown = call.shown(id);
        match recall_one(call, id).await {
            Ok(results) => drop(recalled.insert(shown, results)),
            Err(Refused::Set(error)) => drop(not_recalled.insert(shown, *error)),
            Err(Refused::Failed(failure)) if recalled.is_empty() => return Err(failure),
            Err(Refused::Failed(_)) => return Err(MethodErrorType::ServerPartialFail.into()),
        }
    }
    let account_id = call.account.id.clone();
    let new_state = state(call).await?;
    call.answer(&Reply {
        account_id: &account_id,
        old_state,
        new_state,
        recalled,
        not_recalled,
    })
}

async fn recall_one(call: &Call<'_>, id: &IdOrCreation) -> Changed<BTreeMap<String, &'static str>> {
    let (number, _) = find(call, id).await?;
    let services = &call.jmap.services;
    let (delivery, sender) = (services.delivery.clone(), call.account.record.clone());
    let rules = rules(&call.jmap.settings);
    // Mailboxes are asked from this arbiter; requests may move.
    let task = tokio::task::spawn_local(async move { delivery.recall(&sender, number, rules).await });
    let results = task.await.map_err(|_| Failure::from(MethodErrorType::ServerFail))?;
    let results = results.map_err(|error| match error {
        RecallError::NoSuchSubmission => Refused::from(SetErrorType::NotFound),
        RecallError::Unavailable => Refused::Failed(MethodErrorType::ServerUnavailable.into()),
        error => SetError::with(SetErrorType::CannotUnsend, error.to_string()).into(),
    })?;
    Ok(results
        .into_iter()
        .map(|(address, result)| (address, result.as_str()))
        .collect())
}
