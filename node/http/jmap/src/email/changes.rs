//! Email/changes (RFC 8621 §4.3).

use std::collections::BTreeMap;

use hongyan_jmap::method::Changes as Arguments;
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
    let reply = page.reply(&call.account.id, arguments.since_state, |id| ids::email(EmailId(id)));
    call.answer(&reply)
}
