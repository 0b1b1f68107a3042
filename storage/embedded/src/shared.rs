//! What transactions and the commit thread share.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::RwLock;
use tokio::sync::oneshot;

use hongyan_kv::optimistic::{self, CommitRequest, Watches};
use hongyan_kv::{BoxFuture, CommitVersion, Error, Result};

use crate::options::Clock;
use crate::queue::{Queue, Waiting};
use crate::view::View;

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) waiting_max: usize,
    /// The state after the newest acknowledged commit.
    pub(crate) view: RwLock<Arc<View>>,
    pub(crate) queue: Queue,
    pub(crate) watches: Arc<Watches>,
    /// Whether the store has no engine now, so that reads fail too.
    pub(crate) down: Arc<AtomicBool>,
}

impl optimistic::Engine for Shared {
    type Snapshot = View;

    fn snapshot(&self) -> Arc<View> {
        Arc::clone(&self.view.read())
    }
    fn now_micros(&self) -> u64 {
        (self.clock)()
    }
    fn commit(&self, request: CommitRequest) -> BoxFuture<'static, Result<CommitVersion>> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            request,
            asked_micros: self.now_micros(),
            answer,
        };
        self.queue.push(waiting, self.waiting_max);
        // No answer at all means that the commit thread died on the way.
        Box::pin(async move { answered.await.unwrap_or(Err(Error::CommitUnknown)) })
    }
    fn watches(&self) -> &Arc<Watches> {
        &self.watches
    }
}
