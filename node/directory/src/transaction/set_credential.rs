//! Sets the hashes of an account's password.

use hongyan_audit::Event;
use hongyan_types::AccountId;

use super::{need_account, record_account, touch_account};
use crate::record::credential;
use crate::{Change, Credential, Result, key};

pub(crate) async fn run(transaction: &mut Change, id: AccountId, new: &Credential) -> Result<()> {
    let account = need_account(transaction, id).await?;
    transaction.set(key::credential(id), credential::encode(new));
    touch_account(transaction, &account);
    let event = Event::new("member.set-password", &account.address);
    record_account(transaction, &account, event);
    Ok(())
}
