//! Gives a token another text; the one before is good no more.

use hongyan_audit::Event;
use hongyan_types::Timestamp;

use super::{clear_token_hash, need_token, token_chain, write_token};
use crate::{Change, Error, Result, TokenHash, TokenId, TokenRecord};

pub(crate) async fn run(
    transaction: &mut Change,
    id: TokenId,
    hash: TokenHash,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<TokenRecord> {
    if expires.is_some_and(|expires| expires <= now) {
        return Err(Error::Invalid("the token would be over at once".to_owned()));
    }
    let mut token = need_token(transaction, id).await?;
    clear_token_hash(transaction, &token);
    token.hash = hash;
    token.created = now;
    token.expires = expires;
    write_token(transaction, &token);
    transaction.record(token_chain(&token), Event::new("token.rotate", &token.name).id(id.0));
    Ok(token)
}
