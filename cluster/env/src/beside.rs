//! Work that runs beside its asker, on a thread of a small pool: computing, and storage reads that complete at once.
//!
//! There are few places. Who gets none does the work where it is: nothing waits for a place, and nothing depends on it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Places for each processor: one at work while another one starts.
const PLACES_PER_CORE: usize = 2;

/// Where work beside its asker runs.
pub(crate) enum Pool {
    /// On threads, so many at a time.
    Threads(Arc<Semaphore>),
    /// On the asker's own runtime, for tests and simulations.
    Tasks,
}

impl Pool {
    pub(crate) fn threads() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::Threads(Arc::new(Semaphore::new(cores * PLACES_PER_CORE)))
    }

    pub(crate) fn try_run<F>(&self, work: F) -> Result<Beside<F::Output>, F>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let Self::Threads(places) = self else {
            return Ok(Beside(tokio::spawn(work)));
        };
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            return Err(work);
        };
        let runtime = tokio::runtime::Handle::current();
        #[expect(clippy::disallowed_methods, reason = "the seam itself")]
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            runtime.block_on(work)
        });
        Ok(Beside(work))
    }
}

/// Work under way; resolves to its result, or to `None` when it panicked. Dropping it does not stop the work.
#[derive(Debug)]
pub struct Beside<T>(JoinHandle<T>);

impl<T> Future for Beside<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }
}

#[cfg(test)]
mod tests {
    use crate::Env;

    #[tokio::test]
    async fn works_beside_and_hands_back_what_finds_no_place() {
        let env = Env::real();
        let (release, held) = tokio::sync::watch::channel(false);
        let hold = |mut held: tokio::sync::watch::Receiver<bool>| async move {
            let _ = held.wait_for(|released| *released).await;
            7
        };
        let mut running = Vec::new();
        while let Ok(beside) = env.try_beside(hold(held.clone())) {
            running.push(beside);
        }
        assert!(running.len() >= 2);
        release.send_replace(true);
        for beside in running {
            assert_eq!(beside.await, Some(7));
        }
        assert_eq!(env.try_beside(async { 8 }).ok().unwrap().await, Some(8));
    }

    #[tokio::test]
    async fn a_panic_beside_is_told() {
        for env in [Env::real(), Env::manual(1).0] {
            let beside = env.try_beside(async { panic!("beside") }).ok().unwrap();
            let outcome: Option<()> = beside.await;
            assert_eq!(outcome, None);
        }
    }
}
