//! Makes a token of which only the hash is kept.

use hongyan_audit::Event;
use hongyan_kv::RangeQuery;
use hongyan_types::Timestamp;

use super::{check_limit, clean_name, need_account, plan, take_id, token_chain, write_token};
use crate::{Change, DirectoryOptions, Error, Feature, Limit, NewToken, Result, TokenId, TokenOwner, TokenRecord, key};

/// Most characters of a token's name.
const NAME_CHARACTERS_MAX: usize = 64;
/// Most networks of a token.
const NETWORKS_MAX: usize = 50;

pub(crate) async fn run(
    transaction: &mut Change,
    new: &NewToken,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<TokenRecord> {
    if new.scopes.is_empty() {
        return Err(Error::Invalid("a token has at least one scope".to_owned()));
    }
    if new.networks.len() > NETWORKS_MAX {
        return Err(Error::Invalid(format!("a token has at most {NETWORKS_MAX} networks")));
    }
    if new.expires.is_some_and(|expires| expires <= now) {
        return Err(Error::Invalid("the token would be over at once".to_owned()));
    }
    let (account, named) = match new.owner {
        TokenOwner::Operator => (0, "operator".to_owned()),
        TokenOwner::Account { tenant, account } => {
            let owner = need_account(transaction, account).await?;
            if owner.tenant != tenant {
                return Err(Error::not_found("account", account.0));
            }
            (account.0, owner.address.to_string())
        }
    };
    let present = transaction
        .get_range_all(RangeQuery::all(key::tenant_tokens(new.owner.tenant()).range()))
        .await?;
    match new.owner.tenant() {
        None => check_limit(
            "tokens_per_tenant_max",
            options.tokens_per_tenant_max,
            present.len() as u64,
        )?,
        Some(tenant) => {
            let bounds = plan::bounds(transaction, tenant, now).await?;
            bounds.need(Feature::Api)?;
            bounds
                .of(Limit::TokensPerTenantMax, options)
                .check(present.len() as u64)?;
        }
    }
    let token = TokenRecord {
        id: TokenId(take_id(transaction, "token").await?),
        owner: new.owner,
        name: clean_name(&new.name, NAME_CHARACTERS_MAX)?,
        scopes: new.scopes.clone(),
        networks: new.networks.clone(),
        created: now,
        expires: new.expires,
        hash: new.hash,
    };
    let listed = key::tenant_tokens(token.owner.tenant()).int(token.id.0).pack();
    transaction.set(listed, account.to_le_bytes().to_vec());
    write_token(transaction, &token);
    let scopes: Vec<&str> = token.scopes.iter().map(String::as_str).collect();
    let event = Event::new("token.create", &token.name)
        .id(token.id.0)
        .with("scopes", scopes.join(" "))
        .with("account", named);
    transaction.record(token_chain(&token), event);
    Ok(token)
}
