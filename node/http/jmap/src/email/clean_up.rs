//! Email/cleanUp (`ops/docs/jmap.md`): old, large or otherwise chosen mails are counted, and go in steps (RS-11).

use hongyan_jmap::method::Comparator;
use hongyan_jmap::object::EmailCleanUp;
use hongyan_jmap::{Id, IdOrCreation};
use hongyan_mailbox::EmailId;
use serde::Serialize;

use super::query::Asked;
use super::set::destroy_all;
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::refused::Refused;
use crate::snapshot::Snapshot;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    account_id: &'a Id,
    old_state: String,
    new_state: String,
    /// Emails that were found, and their octets.
    total: usize,
    total_size: u64,
    destroyed: Vec<Id>,
    destroyed_size: u64,
    /// How many of those that were found are still there.
    left: usize,
}

fn octets(snapshot: &Snapshot, emails: &[EmailId]) -> u64 {
    let octets = |email: &EmailId| snapshot.find(*email).map_or(0, |found| found.first.octets.0);
    emails.iter().map(octets).sum()
}

pub(crate) async fn clean_up(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: EmailCleanUp = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let max = call.jmap.settings.clean_up_emails_max;
    let limit = match arguments.count_only {
        true => 0,
        false => usize::try_from(arguments.limit.unwrap_or(u64::MAX)).map_or(max, |limit| limit.min(max)),
    };
    // The oldest go first, so that the next step goes on where this one ends.
    let oldest = [Comparator {
        property: "receivedAt".to_owned(),
        is_ascending: true,
        collation: None,
        keyword: None,
    }];
    let asked = Asked::new(Some(&arguments.filter), Some(&oldest), false)?;
    let kept = call.jmap.kept(call.account).await?;
    let found = asked.find(call, &kept).await?;
    let doomed = found.get(..limit.min(found.len())).unwrap_or_default();
    let wanted: Vec<IdOrCreation> = doomed
        .iter()
        .map(|email| IdOrCreation::Id(ids::email(*email)))
        .collect();
    let outcomes = destroy_all(call, &wanted).await;
    let mut destroyed = Vec::with_capacity(doomed.len());
    for (email, outcome) in doomed.iter().zip(outcomes) {
        match outcome {
            Ok(()) => destroyed.push(*email),
            // What went meanwhile is not there any more, which is all that is wanted.
            Err(Refused::Set(_)) => {}
            Err(Refused::Failed(failure)) if destroyed.is_empty() => return Err(failure),
            // The next step has them.
            Err(Refused::Failed(_)) => {}
        }
    }
    let new_state = call.account.state(call.jmap.snapshot(call.account).await?.modseq);
    let account_id = call.account.id.clone();
    call.answer(&Reply {
        account_id: &account_id,
        old_state: call.account.state(kept.snapshot.modseq),
        new_state,
        total: found.len(),
        total_size: octets(&kept.snapshot, &found),
        destroyed_size: octets(&kept.snapshot, &destroyed),
        left: found.len() - destroyed.len(),
        destroyed: destroyed.into_iter().map(ids::email).collect(),
    })
}
