//! Where tasks go that need no particular thread: to the present runtime, and in a simulation to the host that starts them, so that
//! they stand still and end with it.

use std::cell::Cell;

use tokio::task::JoinHandle;

thread_local! {
    /// Whether a simulated host has the thread at this moment.
    static IS_HOST_TURN: Cell<bool> = const { Cell::new(false) };
}

/// Runs `task` on the present runtime, or beside the others of the simulated host whose turn it is.
pub fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    if IS_HOST_TURN.get() {
        tokio::task::spawn_local(task)
    } else {
        tokio::spawn(task)
    }
}

/// Gives a simulated host its turn: what `turn` spawns belongs to the `tokio::task::LocalSet` that it polls.
pub fn host_turn<T>(turn: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IS_HOST_TURN.set(self.0);
        }
    }
    let _restore = Restore(IS_HOST_TURN.replace(true));
    turn()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Poll;
    use tokio::task::LocalSet;

    #[tokio::test]
    async fn tasks_of_a_simulated_host_run_in_its_turns_and_end_with_it() {
        let count = Arc::new(AtomicU32::new(0));
        let (counter, mut host) = (Arc::clone(&count), LocalSet::new());
        host.spawn_local(async move {
            spawn(async move {
                loop {
                    counter.fetch_add(1, Ordering::AcqRel);
                    tokio::task::yield_now().await;
                }
            });
        });
        let turn = std::future::poll_fn(|cx| {
            let _ = host_turn(|| Pin::new(&mut host).poll(cx));
            Poll::Ready(())
        });
        turn.await;
        let seen = count.load(Ordering::Acquire);
        assert!(seen > 0);
        tokio::task::yield_now().await;
        assert_eq!(count.load(Ordering::Acquire), seen, "it stands still between its turns");
        drop(host);
        tokio::task::yield_now().await;
        assert_eq!(count.load(Ordering::Acquire), seen);
        assert_eq!(spawn(async { 5 }).await.unwrap(), 5);
    }
}
