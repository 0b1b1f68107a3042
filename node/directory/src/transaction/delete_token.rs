//! Removes a token: who shows it is nobody any more.

use hongyan_audit::Event;
use hongyan_kv::RangeQuery;

use super::{clear_token_hash, last_int, need_token, read_int, token_chain};
use crate::{AccountRecord, Change, Result, TokenId, key};

pub(crate) async fn run(transaction: &mut Change, id: TokenId) -> Result<()> {
    let token = need_token(transaction, id).await?;
    clear_token_hash(transaction, &token);
    transaction.clear(&key::token(id));
    transaction.clear(&key::token_use(id));
    transaction.clear(&key::tenant_tokens(token.owner.tenant()).int(id.0).pack());
    transaction.record(token_chain(&token), Event::new("token.delete", &token.name).id(id.0));
    Ok(())
}

/// Removes the tokens of an account that goes.
pub(super) async fn all_of(transaction: &mut Change, account: &AccountRecord) -> Result<()> {
    let prefix = key::tenant_tokens(Some(account.tenant));
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        if read_int(&pair.value)? == account.id.0 {
            run(transaction, TokenId(last_int(&prefix, &pair.key)?)).await?;
        }
    }
    Ok(())
}
