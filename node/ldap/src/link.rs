//! What members are in the directory that they came from.

use std::collections::BTreeMap;

use hongyan_directory::{Change, Directory};
use hongyan_kv::Transaction;
use hongyan_types::AccountId;

use crate::record::{self, LinkRecord};
use crate::{Ldap, LdapError};

/// Members that are looked at in one transaction.
const AT_ONCE: usize = 500;
/// Tells what came from LDAP from what other outside directories call theirs.
const PREFIX: &str = "ldap:";

/// What members are there, by account.
pub(crate) type Links = BTreeMap<AccountId, LinkRecord>;

/// What an entry is called among all outside directories' names.
pub(crate) fn external_id(identifier: &str) -> String {
    format!("{PREFIX}{identifier}")
}

/// Whether that is what an entry of LDAP is called.
pub(crate) fn is_ours(external_id: &str) -> bool {
    external_id.starts_with(PREFIX)
}

impl Ldap {
    pub(crate) async fn links(&self, accounts: &[AccountId]) -> Result<Links, LdapError> {
        let mut links = Links::new();
        for some in accounts.chunks(AT_ONCE) {
            let some = some.to_vec();
            let read = async move |transaction: &mut Transaction| {
                let mut found = Vec::new();
                for account in &some {
                    if let Some(stored) = transaction.get_snapshot(&record::link_key(*account)).await? {
                        found.push((*account, record::decode::<LinkRecord>(&stored)?));
                    }
                }
                Ok::<_, hongyan_kv::Error>(found)
            };
            links.extend(self.0.database.run(read).await?);
        }
        Ok(links)
    }

    pub(crate) async fn link(&self, account: AccountId) -> Result<Option<LinkRecord>, LdapError> {
        Ok(self.links(&[account]).await?.remove(&account))
    }

    pub(crate) async fn set_link(
        &self,
        directory: &Directory,
        account: AccountId,
        link: &LinkRecord,
    ) -> Result<(), LdapError> {
        let stored = record::encode(link);
        let set = async move |change: &mut Change| {
            change.set(record::link_key(account), stored.clone());
            Ok(())
        };
        Ok(directory.transact(set).await?)
    }
}
