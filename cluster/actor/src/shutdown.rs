//! The wish that something ends, seen by many.

use std::sync::Arc;

use tokio::sync::watch;

/// A switch that goes from off to on once. Clones share it.
#[derive(Clone)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Shutdown {
    /// Switches it on; again has no effect.
    pub fn request(&self) {
        self.0.send_replace(true);
    }
    /// Whether it is on.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }
    /// Waits until it is on.
    pub async fn requested(&self) {
        let mut switch = self.0.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = switch.wait_for(|on| *on).await;
    }
}
