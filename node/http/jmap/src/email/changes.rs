//! Email/changes (RFC 8621 §4.3).

use std::collections::BTreeMap;

use hongyan_jmap::method::{Changes as Arguments, ChangesReply};
use hongyan_mailbox::EmailId;

use crate::call::Call;
use crate::changes::{Fate, Question, email_fate, touched};
use crate::error::Outcome;
use crate::ids;

pub(crate) async fn changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Arguments = call.arguments()?;
    let question = Question::read(call, &arguments)?;
    let snapshot = call.jmap.snapshot(call.account.mailbox).await?;
    let changes = question.changes(call, &snapshot).await?;
    let touched = touched(&changes, &snapshot).into_iter();
    let fates: BTreeMap<u64, Fate> = touched
        .filter_map(|(email, (_, may_have_hidden))| {
            email_fate(email, may_have_hidden, &changes, &snapshot).map(|fate| (email.0, fate))
        })
        .collect();
    let page = question.page(fates, &changes, &snapshot);
    let of = |fate| {
        let records = page.records.iter().filter(move |(_, other)| *other == fate);
        records.map(|(id, _)| ids::email(EmailId(*id))).collect::<Vec<_>>()
    };
    let reply = ChangesReply {
        account_id: &call.account.id,
        old_state: arguments.since_state,
        new_state: page.new_state.to_string(),
        has_more_changes: page.has_more,
        created: of(Fate::Created),
        updated: of(Fate::Updated),
        destroyed: of(Fate::Destroyed),
        updated_properties: None,
    };
    call.answer(&reply)
}
