//! The actor system a process runs in.

use actix_rt::System;

/// Runs `main` to its end in an actor system, whose own tokio runtime has `worker_threads` threads (0: the calling thread
/// only, for tests). Arbiters started inside have threads of their own.
///
/// # Panics
/// When the operating system gives no threads.
pub fn run<T>(worker_threads: usize, main: impl Future<Output = T>) -> T {
    let runtime = move || {
        let mut builder = if worker_threads == 0 {
            tokio::runtime::Builder::new_current_thread()
        } else {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(worker_threads);
            builder
        };
        builder
            .enable_all()
            .build()
            .expect("the operating system gives threads and polling")
    };
    System::with_tokio_rt(runtime).block_on(main)
}
