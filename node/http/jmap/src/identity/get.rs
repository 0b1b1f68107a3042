//! Identity/get and Identity/changes (RFC 8621 §6.1, §6.2).

use hongyan_jmap::method::{Changes as Arguments, Get};
use hongyan_jmap::object::{EmailAddress, Identity};

use super::record::{Identities, IdentityRecord, NamedAddress, Senders};
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::ledgers::{Attempts, answer_changes, answer_get, changes_max, read_state};

pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Get = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let (state, all) = read(call).await?;
    let shown = all.into_iter().map(|(number, identity)| {
        let shown = show(number, identity);
        (shown.id.clone(), shown)
    });
    answer_get(call, arguments, state.to_string(), shown.collect())
}

/// The state and the identities as they are now.
async fn read(call: &Call<'_>) -> Outcome<(u64, Vec<(u64, IdentityRecord)>)> {
    read_of(call, &senders(call).await?).await
}

/// As whom it is sent now from the account of a call.
pub(crate) async fn senders<'c>(call: &Call<'c>) -> Outcome<Senders<'c>> {
    let account = call.account;
    let (page, own_name) = account.names(call.jmap).await?;
    Ok(Senders {
        account,
        rights: account.sender_rights(call.jmap).await?,
        page,
        own_name,
    })
}

pub(crate) async fn read_of(call: &Call<'_>, senders: &Senders<'_>) -> Outcome<(u64, Vec<(u64, IdentityRecord)>)> {
    let identities = Identities::of(call.account);
    let mut attempts = Attempts::default();
    loop {
        let mut transaction = call.jmap.services.database.begin();
        let all = identities.all(&mut transaction, senders).await?;
        let state = identities.ledger.state(&mut transaction).await?;
        if !attempts.again(transaction.commit().await)? {
            return Ok((state, all));
        }
    }
}

pub(super) fn show(number: u64, identity: IdentityRecord) -> Identity {
    let list = |list: Option<Vec<NamedAddress>>| {
        let list = list?.into_iter();
        Some(list.map(|(name, email)| EmailAddress { name, email }).collect())
    };
    Identity {
        id: ids::numbered('I', number),
        name: identity.name,
        email: identity.email,
        reply_to: list(identity.reply_to),
        bcc: list(identity.bcc),
        text_signature: identity.text_signature,
        html_signature: identity.html_signature,
        may_delete: !identity.is_given,
    }
}

pub(crate) async fn changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Arguments = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let max = changes_max(call, arguments.max_changes)?;
    let since = read_state(&arguments.since_state)?;
    read(call).await?;
    let identities = Identities::of(call.account);
    let mut transaction = call.jmap.services.database.begin();
    let changes = identities.ledger.changes(&mut transaction, since, max).await?;
    answer_changes(call, arguments, changes, |number| ids::numbered('I', number))
}
