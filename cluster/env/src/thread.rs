//! A thread with a run time of its own, for what must never wait behind anything busy: heartbeats and leases.

use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::env::Crashed;

/// A thread that runs what is spawned on it, until the value goes.
#[derive(Debug)]
pub struct OwnThread {
    handle: Handle,
    /// Ends the thread when it is dropped.
    _end: oneshot::Sender<()>,
}

impl OwnThread {
    /// Starts one.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // The sender says nothing: it goes.
            let _ = runtime.block_on(ended);
        })?;
        Ok(Self { handle, _end: end })
    }
    /// Runs `work` there and waits for its result. What it spawns stays there.
    ///
    /// # Errors
    /// [`Crashed`] when it panics.
    pub async fn run<F>(&self, work: F) -> Result<F::Output, Crashed>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.handle.spawn(work).await.map_err(|_| Crashed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn works_on_a_thread_of_its_own() {
        let thread = OwnThread::start("apart").unwrap();
        let name = async { std::thread::current().name().map(str::to_owned) };
        assert_eq!(thread.run(name).await.unwrap().as_deref(), Some("apart"));
        let crash = async { panic!("as planned") };
        let crashed: Result<(), Crashed> = thread.run(crash).await;
        assert!(crashed.is_err(), "a crash of its work is told, and does not end it");
        assert_eq!(thread.run(async { 7 }).await.unwrap(), 7);
    }
}
