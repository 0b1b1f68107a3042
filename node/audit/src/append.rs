//! Appends to a chain inside the transaction of the change itself.

use hongyan_kv::{Result, Transaction};

use crate::record::{entry, head};
use crate::{Chain, Entry, Head, key};

pub(crate) async fn read_head(transaction: &mut Transaction, chain: Chain) -> Result<Head> {
    match transaction.get(&key::head(chain)).await? {
        Some(stored) => Ok(head::decode(&stored)?),
        None => Ok(Head::START),
    }
}

/// Appends `entries` to a chain, in the transaction that does what they tell. Two at once conflict, and one is repeated.
///
/// # Errors
/// The store's.
pub async fn append(transaction: &mut Transaction, chain: Chain, entries: &[Entry]) -> Result<()> {
    let mut end = read_head(transaction, chain).await?;
    for entry in entries {
        let (next, stored) = entry::seal(chain, end, entry);
        transaction.set(key::entry(chain, next.sequence), stored);
        end = next;
    }
    transaction.set(key::head(chain), head::encode(end));
    Ok(())
}
