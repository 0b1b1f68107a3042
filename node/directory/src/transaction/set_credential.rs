//! Sets the hashes of an account's password.

use hongyan_kv::Transaction;
use hongyan_types::AccountId;

use super::{need_account, touch};
use crate::record::credential;
use crate::{Credential, Result, key};

pub(crate) async fn run(transaction: &mut Transaction, id: AccountId, new: &Credential) -> Result<()> {
    need_account(transaction, id).await?;
    transaction.set(key::credential(id), credential::encode(new));
    touch(transaction);
    Ok(())
}
