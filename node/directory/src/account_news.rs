//! Wakes whoever on this node waits for changes of single accounts: of their records, of what is open to them and of what
//! they are told. It says that there may be something new, not what.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_types::AccountId;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::Directory;
use crate::record::change::Touched;

/// Those that are waited for.
#[derive(Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<BTreeMap<AccountId, watch::Sender<()>>>>);

impl Waiting {
    fn wait(&self, account: AccountId) -> AccountNews {
        let mut all = self.0.lock();
        let heard = all.entry(account).or_default().subscribe();
        AccountNews {
            account,
            heard,
            waiting: self.clone(),
        }
    }
    fn wake(&self, account: AccountId) {
        if let Some(sender) = self.0.lock().get(&account) {
            sender.send_replace(());
        }
    }
    /// Wakes for what a change has touched.
    pub(crate) fn hear(&self, touched: &[Touched]) {
        for touched in touched {
            match touched {
                Touched::Account { account, .. } => self.wake(*account),
                Touched::Everything => {
                    for sender in self.0.lock().values() {
                        sender.send_replace(());
                    }
                }
                _ => {}
            }
        }
    }
}

/// Wakes when something of an account may have changed.
pub struct AccountNews {
    account: AccountId,
    heard: watch::Receiver<()>,
    waiting: Waiting,
}

impl AccountNews {
    /// Waits for the next time; what came since the last one counts.
    pub async fn changed(&mut self) {
        // The sender stays for as long as there is somebody who waits.
        let _ = self.heard.changed().await;
    }
}

impl Drop for AccountNews {
    fn drop(&mut self) {
        let mut all = self.waiting.0.lock();
        if all
            .get(&self.account)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            all.remove(&self.account);
        }
    }
}

impl Directory {
    /// Waits for changes of an account that this node knows of, whoever made them.
    #[must_use]
    pub fn news_of(&self, account: AccountId) -> AccountNews {
        self.waiting().wait(account)
    }
    /// Wakes those who wait here: something beside the directory's own records changed.
    pub fn wake(&self, account: AccountId) {
        self.waiting().wake(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_wait_for_an_account_wake_for_it_alone() {
        let waiting = Waiting::default();
        let (mut first, mut second) = (waiting.wait(AccountId(1)), waiting.wait(AccountId(1)));
        let mut other = waiting.wait(AccountId(2));
        waiting.wake(AccountId(1));
        first.changed().await;
        second.changed().await;
        assert!(!other.heard.has_changed().unwrap());
        waiting.hear(&[Touched::Everything]);
        other.changed().await;
        drop((first, other));
        assert_eq!(waiting.0.lock().len(), 1);
        drop(second);
        assert!(waiting.0.lock().is_empty());
    }
}
