//! New mail on its way to webhooks (API-3): delivery says in whose mailbox there is some; a webhook that wants to know has it
//! written down, one note an account however many mails come.
//!
//! What delivery says is held in memory until the runner's next look, so that it costs a delivery next to nothing. A node
//! that dies in between leaves a note unwritten: the account's next mail tells the number of unread ones all the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_kv::{Database, Transaction};
use hongyan_types::{AccountId, TenantId};
use parking_lot::{Mutex, RwLock};

use crate::{WebhookId, key};

/// Accounts held in memory between two looks; what is beyond is told with the next mail.
const HELD_MAX: usize = 100_000;
/// Notes written at once.
const NOTES_AT_ONCE: usize = 500;

type Wanting = BTreeMap<TenantId, Vec<WebhookId>>;

/// Which webhooks want to know, and what they are to be told; clones share it.
#[derive(Clone)]
pub struct NewMail {
    database: Database,
    wanting: Arc<RwLock<Wanting>>,
    held: Arc<Mutex<BTreeMap<(TenantId, AccountId), i64>>>,
}

impl NewMail {
    /// For webhooks kept in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self {
            database,
            wanting: Arc::default(),
            held: Arc::default(),
        }
    }
    /// Who wants to know from now on.
    pub(crate) fn want(&self, wanting: Wanting) {
        let is_same = *self.wanting.read() == wanting;
        if !is_same {
            *self.wanting.write() = wanting;
        }
    }
    /// There is new mail in the mailbox of an account.
    pub fn came(&self, tenant: TenantId, account: AccountId, at_millis: i64) {
        // A look at memory: the mail of those who have no webhook costs no more.
        if !self.wanting.read().contains_key(&tenant) {
            return;
        }
        let mut held = self.held.lock();
        if held.len() < HELD_MAX {
            held.insert((tenant, account), at_millis);
        }
    }
    /// Writes down what is held. What cannot be written is held on.
    pub(crate) async fn write(&self) {
        let held = std::mem::take(&mut *self.held.lock());
        let wanting = self.wanting.read().clone();
        let notes = held.iter().flat_map(|((tenant, account), at)| {
            let webhooks = wanting.get(tenant).into_iter().flatten();
            webhooks.map(|id| (key::mail(*id).int(account.0).pack(), at.to_le_bytes().to_vec()))
        });
        let notes: Vec<_> = notes.collect();
        for some in notes.chunks(NOTES_AT_ONCE) {
            let write = async |transaction: &mut Transaction| -> hongyan_kv::Result<()> {
                for (key, at) in some {
                    transaction.set(key.clone(), at.clone());
                }
                Ok(())
            };
            if let Err(error) = self.database.run(write).await {
                tracing::debug!(event = "new_mail_not_noted", %error);
                let mut present = self.held.lock();
                for (place, at) in held {
                    present.entry(place).or_insert(at);
                }
                return;
            }
        }
    }
}
