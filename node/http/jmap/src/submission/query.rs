//! EmailSubmission/query and /queryChanges (RFC 8621 §7.3, §7.4).

use std::cmp::Ordering;

use hongyan_jmap::method::{AddedItem, Comparator, Filter, Query, QueryChanges, QueryChangesReply};
use hongyan_jmap::object::EmailSubmissionCondition;
use hongyan_jmap::{MethodError, MethodErrorType};
use hongyan_mailbox::{EmailId, ThreadId};
use hongyan_trail::Submission;

use super::get::{of, undo_status, with_identities};
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::ledgers::read_state;
use crate::results::Results;

/// Which submissions, in which order.
struct Wanted<'a> {
    filter: Option<&'a Filter<EmailSubmissionCondition>>,
    sort: &'a [Comparator],
    now_millis: i64,
}

pub(crate) async fn query(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Query<EmailSubmissionCondition> = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let wanted = Wanted {
        filter: arguments.filter.as_ref(),
        sort: arguments.sort.as_deref().unwrap_or_default(),
        now_millis: call.jmap.services.env.wall_millis(),
    };
    let mut transaction = call.jmap.services.database.begin();
    let state = of(call).state(&mut transaction).await?;
    let all = with_identities(call, of(call).all(&mut transaction).await?).await?;
    let found = wanted.find(all)?;
    let results = Results {
        found: &found,
        state: state.to_string(),
        window: arguments.window(),
        calculate_total: arguments.calculate_total,
    };
    let read = |anchor: &_| ids::read_numbered('S', anchor);
    results.answer(call, |number| ids::numbered('S', *number), read)
}

pub(crate) async fn query_changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: QueryChanges<EmailSubmissionCondition> = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let wanted = Wanted {
        filter: arguments.filter.as_ref(),
        sort: arguments.sort.as_deref().unwrap_or_default(),
        now_millis: call.jmap.services.env.wall_millis(),
    };
    let since = read_state(&arguments.since_query_state)?;
    let mut transaction = call.jmap.services.database.begin();
    let changes = of(call).changes(&mut transaction, since, usize::MAX).await?;
    let changes = changes.ok_or(MethodErrorType::CannotCalculateChanges)?;
    let all = with_identities(call, of(call).all(&mut transaction).await?).await?;
    let found = wanted.find(all)?;
    let added = found
        .iter()
        .zip(0..)
        .filter(|(number, _)| changes.fates.contains_key(number));
    let reply = QueryChangesReply {
        account_id: &call.account.id.clone(),
        old_query_state: arguments.since_query_state,
        new_query_state: changes.state.to_string(),
        total: arguments.calculate_total.then_some(found.len() as u64),
        removed: changes.fates.keys().map(|number| ids::numbered('S', *number)).collect(),
        added: added
            .map(|(number, index)| AddedItem {
                id: ids::numbered('S', *number),
                index,
            })
            .collect(),
    };
    reply.check(arguments.max_changes)?;
    call.answer(&reply)
}

impl Wanted<'_> {
    /// The submissions in order.
    fn find(&self, all: Vec<(u64, Submission)>) -> Result<Vec<u64>, MethodError> {
        for comparator in self.sort {
            // RFC 8621 §7.3 calls the property sentAt; the record calls it sendAt.
            if !matches!(
                comparator.property.as_str(),
                "emailId" | "threadId" | "sentAt" | "sendAt"
            ) {
                let words = format!("no sort by {}", comparator.property);
                return Err(MethodError::with(MethodErrorType::UnsupportedSort, words));
            }
        }
        let mut found: Vec<(u64, Submission)> = all
            .into_iter()
            .filter(|(_, submission)| {
                let matches = |condition: &_| self.matches(condition, submission);
                self.filter.is_none_or(|filter| filter.holds(&matches))
            })
            .collect();
        found.sort_by(|a, b| self.compare(a, b));
        Ok(found.into_iter().map(|(number, _)| number).collect())
    }
    fn matches(&self, condition: &EmailSubmissionCondition, submission: &Submission) -> bool {
        let among = |ids: &Option<Vec<hongyan_jmap::Id>>, id: hongyan_jmap::Id| {
            ids.as_ref().is_none_or(|ids| ids.contains(&id))
        };
        among(&condition.identity_ids, ids::numbered('I', submission.identity))
            && among(&condition.email_ids, ids::email(EmailId(submission.email)))
            && among(&condition.thread_ids, ids::thread(ThreadId(submission.thread)))
            && condition
                .undo_status
                .is_none_or(|status| status == undo_status(submission, self.now_millis))
            && condition
                .before
                .is_none_or(|before| submission.send_at_millis < before.0.millis)
            && condition
                .after
                .is_none_or(|after| submission.send_at_millis >= after.0.millis)
    }
    fn compare(&self, a: &(u64, Submission), b: &(u64, Submission)) -> Ordering {
        let order = Comparator::order(self.sort, |property| match property {
            "emailId" => a.1.email.cmp(&b.1.email),
            "threadId" => a.1.thread.cmp(&b.1.thread),
            _ => a.1.send_at_millis.cmp(&b.1.send_at_millis),
        });
        order.then_with(|| a.0.cmp(&b.0))
    }
}
