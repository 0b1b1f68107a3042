//! Tokens of programs: made, found by what is shown, told of their use.

use std::sync::Arc;

use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_types::{TenantId, Timestamp};

use crate::lookup::Lookup;
use crate::record::{token, token_use};
use crate::transaction::{self as tx, last_int};
use crate::{Directory, Error, NewToken, Result, TokenHash, TokenId, TokenRecord, TokenUse, key};

/// How long a further use of a token is not noted.
const USE_NOTED_MILLIS: i64 = 60_000;

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Makes a token. `NotFound` for its account, `Limit`, `Invalid`.
    pub async fn create_token(&self, new: &NewToken) -> Result<TokenRecord> {
        let (new, now, this) = (new.clone(), self.now(), self.clone());
        self.change(async move |t| tx::create_token::run(t, &new, this.options(), now).await)
            .await
    }
    /// Replaces what has to be shown for a token, and when it ends. `NotFound`, `Invalid`.
    pub async fn rotate_token(&self, id: TokenId, hash: TokenHash, expires: Option<Timestamp>) -> Result<TokenRecord> {
        let now = self.now();
        self.change(async move |t| tx::rotate_token::run(t, id, hash, expires, now).await)
            .await
    }
    /// Removes a token. `NotFound`.
    pub async fn delete_token(&self, id: TokenId) -> Result<()> {
        self.change(async move |t| tx::delete_token::run(t, id).await).await
    }
    /// A token. `NotFound`.
    pub async fn token(&self, id: TokenId) -> Result<TokenRecord> {
        self.read(async move |t: &mut Transaction| tx::need_token(t, id).await)
            .await
    }
    /// Tokens of a tenant, or of the operator, by identifier, after `after`, at most `limit`; each with its last use.
    pub async fn tokens(
        &self,
        tenant: Option<TenantId>,
        after: Option<TokenId>,
        limit: usize,
    ) -> Result<Vec<(TokenRecord, Option<TokenUse>)>> {
        self.read(async move |t: &mut Transaction| {
            let prefix = key::tenant_tokens(tenant);
            let mut query = RangeQuery {
                limit: limit.max(1),
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(prefix.range())
            };
            if let Some(after) = after {
                query.range.begin = hongyan_kv::KeyRange::key(&prefix.clone().int(after.0).pack()).end;
            }
            let mut tokens = Vec::new();
            for pair in t.get_range_all(query).await? {
                let id = TokenId(last_int(&prefix, &pair.key)?);
                let used = t.get_snapshot(&key::token_use(id)).await?;
                let used = used.map(|stored| token_use::decode(&stored)).transpose()?;
                tokens.push((tx::need_token(t, id).await?, used));
            }
            Ok(tokens)
        })
        .await
    }

    /// The token that someone shows who shows a text with that hash.
    pub async fn token_shown(&self, hash: TokenHash) -> Result<Option<Arc<TokenRecord>>> {
        self.lookup().token(hash).await
    }

    /// Notes that a token is used, unless it was noted within the last minute.
    pub async fn token_used(&self, id: TokenId, from: &str) -> Result<()> {
        let used = TokenUse {
            at: self.now(),
            from: from.to_owned(),
        };
        let note = async move |t: &mut Transaction| {
            let key = key::token_use(id);
            let known = t.get(&key).await?;
            let known = known.map(|stored| token_use::decode(&stored)).transpose()?;
            let fresh = |known: TokenUse| used.at.millis.abs_diff(known.at.millis) < USE_NOTED_MILLIS.unsigned_abs();
            if !known.is_some_and(fresh) && t.get(&key::token(id)).await?.is_some() {
                t.set(key, token_use::encode(&used));
            }
            Ok(())
        };
        match self.database().run(note).await {
            // Noted or not, the next use finds out.
            Err(Error::Storage(hongyan_kv::Error::CommitUnknown)) => Ok(()),
            noted => noted,
        }
    }
}

impl Lookup<'_> {
    async fn token(&mut self, hash: TokenHash) -> Result<Option<Arc<TokenRecord>>> {
        if let Some(hit) = self.cache.get(|tables| tables.tokens.get(&hash)) {
            return Ok(hit);
        }
        let (generation, stored) = self.value(key::token_hash(&hash)).await?;
        let found = match stored {
            Some(stored) => {
                let id = TokenId(tx::read_int(&stored)?);
                let (_, stored) = self.value(key::token(id)).await?;
                stored.map(|stored| token::decode(id, &stored)).transpose()?
            }
            None => None,
        };
        // A text that was rotated away between the two reads.
        let found = found.filter(|token| token.hash == hash).map(Arc::new);
        if found.is_some() {
            self.cache
                .put(generation, |tables| tables.tokens.insert(hash, found.clone()));
        }
        Ok(found)
    }
}

#[cfg(test)]
#[path = "token_test.rs"]
mod tests;
