//! Who is told that a sign-in waits to be confirmed (AUTH-18): those who listen on this node, each node hearing it with the
//! directory's changes, and devices that are pushed to.

use std::sync::{Arc, OnceLock};

use hongyan_directory::AccountRecord;
use hongyan_env::BoxFuture;
use hongyan_types::AccountId;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

use crate::Access;

/// Rings that a slow listener may be behind; further behind, it looks anyway.
const BEHIND_MAX: usize = 256;

/// Pushes to devices that nobody looks at: told once, on the node where somebody waits.
pub trait Doorbell: Send + Sync + 'static {
    /// A sign-in of that account waits.
    fn ring(&self, account: Arc<AccountRecord>) -> BoxFuture<'_, ()>;
}

/// What rings.
pub(crate) struct Bells {
    here: Sender<AccountId>,
    outside: OnceLock<Arc<dyn Doorbell>>,
}

impl Default for Bells {
    fn default() -> Self {
        Self {
            here: Sender::new(BEHIND_MAX),
            outside: OnceLock::new(),
        }
    }
}

impl Bells {
    /// Whoever listens on this node looks again.
    pub(crate) fn ring_here(&self, account: AccountId) {
        // Nobody may be listening.
        let _ = self.here.send(account);
    }
}

/// Hears of sign-ins of one account that wait.
pub struct ApprovalWatch {
    account: AccountId,
    heard: Receiver<AccountId>,
}

impl ApprovalWatch {
    /// Waits until what waits may be different.
    pub async fn changed(&mut self) {
        loop {
            match self.heard.recv().await {
                Ok(account) if account != self.account => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                // The node ends.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl Access {
    /// From now on devices are pushed to by `doorbell`; the first one stays.
    pub fn set_doorbell(&self, doorbell: Arc<dyn Doorbell>) {
        let _ = self.0.bells.outside.set(doorbell);
    }

    /// Hears from now on of sign-ins of an account that wait.
    #[must_use]
    pub fn watch_approvals(&self, account: AccountId) -> ApprovalWatch {
        ApprovalWatch {
            account,
            heard: self.0.bells.here.subscribe(),
        }
    }

    /// Rings at devices; whoever waits does not wait for that.
    pub(super) fn ring_outside(&self, account: &Arc<AccountRecord>) {
        if let Some(doorbell) = self.0.bells.outside.get() {
            let (doorbell, account) = (Arc::clone(doorbell), Arc::clone(account));
            hongyan_env::spawn(async move { doorbell.ring(account).await });
        }
    }
}
