//! Notices in changes of the directory, and who the administrators are.

use std::sync::Arc;

use hongyan_kv::{RangeQuery, ReadMode};
use hongyan_notice::Notice;
use hongyan_types::{AccountId, TenantId};

use crate::transaction::last_int;
use crate::{AccountRecord, Change, Directory, Result, key};

impl Change {
    /// Has `notice` sent once the change is made (GEN-4).
    pub fn send(&mut self, notice: &Notice) {
        hongyan_notice::write(self, notice);
    }
}

impl Directory {
    /// Has `notice` sent (GEN-4).
    ///
    /// # Errors
    /// The store's only.
    pub async fn send(&self, notice: &Notice) -> Result<()> {
        let notice = notice.clone();
        self.read(async move |transaction: &mut hongyan_kv::Transaction| {
            hongyan_notice::write(transaction, &notice);
            Ok(())
        })
        .await
    }

    /// All who have a role in `tenant`, by account.
    ///
    /// # Errors
    /// The store's only.
    pub async fn administrators(&self, tenant: TenantId) -> Result<Vec<Arc<AccountRecord>>> {
        let roles = key::roles(tenant);
        let query = RangeQuery {
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(roles.range())
        };
        let pairs = self.database().begin().get_range_all(query).await?;
        let ids = pairs.iter().filter_map(|pair| last_int(&roles, &pair.key).ok());
        let ids: Vec<AccountId> = ids.map(AccountId).collect();
        self.lookup().accounts_of(tenant, &ids).await
    }
}

/// What is to be told by now; it counts as told from then on.
#[cfg(test)]
pub(crate) async fn told(directory: &Directory) -> Vec<hongyan_notice::Due> {
    let mut transaction = directory.database().begin();
    let due = hongyan_notice::due(&mut transaction, directory.now(), 100)
        .await
        .unwrap();
    for due in &due {
        hongyan_notice::done(&mut transaction, due);
    }
    transaction.commit().await.unwrap();
    due
}
