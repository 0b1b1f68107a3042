//! Terms that members accept, and phones that lead to accounts.

use std::sync::Arc;

use hongyan_kv::{RangeQuery, ReadMode};
use hongyan_types::{AccountId, TenantId};

use crate::lookup::Lookup;
use crate::record::terms;
use crate::transaction::{self as tx, read_int};
use crate::{AccountRecord, Directory, Result, Terms, key};

/// Tenants in which one phone may belong to somebody, as many as are looked at.
const PHONE_ACCOUNTS_MAX: usize = 32;

/// A version of terms that has to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TermsVersion {
    /// Whose; none for those of the installation.
    pub of: Option<TenantId>,
    /// Which.
    pub version: u32,
}

impl Directory {
    /// The terms of a tenant, or of the installation.
    ///
    /// # Errors
    /// The store's only.
    pub async fn terms(&self, of: Option<TenantId>) -> Result<Terms> {
        let (_, stored) = self.lookup().value(key::terms(of)).await?;
        Ok(stored
            .map(|stored| terms::decode(&stored))
            .transpose()?
            .unwrap_or_default())
    }

    /// Sets terms, in English and Chinese; without either nothing is asked for any more. `NotFound`, `Limit`.
    ///
    /// # Errors
    /// Those, and the store's.
    pub async fn set_terms(&self, of: Option<TenantId>, english: &str, chinese: &str) -> Result<Terms> {
        let (english, chinese, now) = (english.to_owned(), chinese.to_owned(), self.now());
        self.change(async move |t| tx::set_terms::run(t, of, (&english, &chinese), now).await)
            .await
    }

    /// The accounts to which a phone is bound: one of a tenant at most.
    ///
    /// # Errors
    /// The store's only.
    pub async fn accounts_of_phone(&self, number: &str) -> Result<Vec<Arc<AccountRecord>>> {
        let mut lookup = self.lookup();
        let query = RangeQuery {
            limit: PHONE_ACCOUNTS_MAX,
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(key::phones_of(number).range())
        };
        let (_, pairs) = lookup
            .read(async move |reading| Ok(reading.get_range_all(query.clone()).await?))
            .await?;
        let mut found = Vec::new();
        for pair in pairs {
            let account = AccountId(read_int(&pair.value)?);
            let factors = lookup.factors(account).await?;
            if factors.phone.as_deref() == Some(number)
                && let Some(account) = lookup.account(account).await?
            {
                found.push(account);
            }
        }
        Ok(found)
    }
}

impl Lookup<'_> {
    /// What members of a tenant have to accept.
    pub(crate) async fn terms_asked(&mut self, id: TenantId) -> Result<Arc<Vec<TermsVersion>>> {
        if let Some(hit) = self.cache.get(|tables| tables.asked_terms.get(&id)) {
            return Ok(hit);
        }
        let mut asked = Vec::new();
        let mut generation = 0;
        for of in [Some(id), None] {
            let (read_in, stored) = self.value(key::terms(of)).await?;
            generation = read_in;
            let terms = stored.map(|stored| terms::decode(&stored)).transpose()?;
            if let Some(terms) = terms.filter(Terms::is_asked) {
                asked.push(TermsVersion {
                    of,
                    version: terms.version,
                });
            }
        }
        let asked = Arc::new(asked);
        self.cache
            .put(generation, |tables| tables.asked_terms.insert(id, Arc::clone(&asked)));
        Ok(asked)
    }
}
