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
    let snapshot = call.jmap.snapshot(call.account).await?;
    let changes = question.changes(call, &snapshot).await?;
    let is_partial = call.account.permit().is_some();
    let touched = touched(&changes, &snapshot).into_iter();
    let fates: BTreeMap<u64, Fate> = touched
        .filter_map(|(email, (_, may_have_hidden))| {
            // Where only some folders are seen, what moved may have come from one that is not.
            let may_have_hidden = may_have_hidden || (is_partial && changes.moved.contains_key(&email));
            email_fate(email, may_have_hidden, &changes, &snapshot).map(|fate| (email.0, fate))
        })
        .collect();
    let page = question.page(fates, &changes, &snapshot);
    let reply = page.reply(call.account, arguments.since_state, |id| ids::email(EmailId(id)));
    call.answer(&reply)
}
