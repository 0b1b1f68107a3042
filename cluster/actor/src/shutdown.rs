//! The wish that something ends, seen by many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A switch that goes from off to on once. Clones share it. Those who wait are woken in the order in which they came, in
/// every run of a simulation the same; tokio's watch channel draws that order.
#[derive(Clone, Default)]
pub struct Shutdown(Arc<Switch>);

#[derive(Default)]
struct Switch {
    is_on: AtomicBool,
    switched: Notify,
}

impl Shutdown {
    /// Switches it on; again has no effect.
    pub fn request(&self) {
        if !self.0.is_on.swap(true, Ordering::SeqCst) {
            self.0.switched.notify_waiters();
        }
    }
    /// Whether it is on.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.is_on.load(Ordering::SeqCst)
    }
    /// Waits until it is on.
    pub async fn requested(&self) {
        // Before the look, so that a request between the two is not missed.
        let switched = self.0.switched.notified();
        if !self.is_requested() {
            switched.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shutdown;

    #[tokio::test]
    async fn all_who_wait_are_woken_and_who_comes_later_does_not_wait() {
        let shutdown = Shutdown::default();
        let early = {
            let shutdown = shutdown.clone();
            tokio::spawn(async move { shutdown.requested().await })
        };
        tokio::task::yield_now().await;
        assert!(!early.is_finished());
        shutdown.request();
        shutdown.request();
        early.await.unwrap();
        shutdown.requested().await;
    }
}
