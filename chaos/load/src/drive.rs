//! Drives a load: opens its sessions, repeats its operation on each until time or count is up, and measures.

use crate::connect::Connector;
use crate::cpu;
use crate::options::Options;
use crate::report::{Report, Samples};
use anyhow::{Context, Result, bail};
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// Errors in a row after which a worker gives up.
const ERRORS_MAX: u64 = 20;

/// An operation that many connections repeat.
pub trait Load {
    type Session;
    /// Prepares the session of the worker `worker`; not measured.
    async fn open(&self, worker: usize) -> Result<Self::Session>;
    /// Does one operation, the `number`th of all.
    async fn operate(&self, session: &mut Self::Session, number: u64) -> Result<()>;
}

/// Runs `load` and reports.
pub async fn drive<L: Load>(options: &Options, connector: &Connector, name: &str, load: &L) -> Result<Report> {
    let env = &connector.env;
    let mut sessions = Vec::with_capacity(options.connections);
    for worker in 0..options.connections {
        let opened = env.timeout(options.operation_limit(), load.open(worker)).await;
        sessions.push(opened.context("open a session in time")??);
    }
    let cpu_before = cpu::millis(&options.pid);
    let start = env.now_micros();
    let run = Run {
        options,
        connector,
        load,
        next: Cell::new(0),
        end: start + options.seconds * 1_000_000,
        samples: RefCell::default(),
        errors: Cell::new(0),
        last_error: RefCell::default(),
    };
    let workers = sessions
        .into_iter()
        .enumerate()
        .map(|(worker, session)| run.work(worker, session));
    let sessions = futures_util::future::join_all(workers).await;
    let micros = env.now_micros() - start;
    // Before the sessions end: a process of the server that ends with them may not be accounted for yet.
    let cpu_after = cpu::millis(&options.pid);
    drop(sessions);
    if let Some(error) = run.last_error.into_inner() {
        eprintln!("{} errors, the last: {error:#}", run.errors.get());
    }
    let samples = run.samples.into_inner();
    if samples.0.is_empty() {
        bail!("no operation succeeded");
    }
    let mut report = Report::new(options, name, samples, micros);
    report.errors = run.errors.get();
    report.set_cpu(cpu_after.zip(cpu_before).map(|(after, before)| after - before));
    Ok(report)
}

struct Run<'a, L> {
    options: &'a Options,
    connector: &'a Connector,
    load: &'a L,
    next: Cell<u64>,
    end: u64,
    samples: RefCell<Samples>,
    errors: Cell<u64>,
    last_error: RefCell<Option<anyhow::Error>>,
}

impl<L: Load> Run<'_, L> {
    async fn work(&self, worker: usize, session: L::Session) -> Option<L::Session> {
        let env = &self.connector.env;
        let mut session = Some(session);
        let mut errors_in_a_row = 0;
        loop {
            let number = self.next.get();
            let start = env.now_micros();
            if self.options.count.is_some_and(|count| number >= count) || start >= self.end {
                return session;
            }
            self.next.set(number + 1);
            let done = env
                .timeout(self.options.operation_limit(), self.once(worker, number, &mut session))
                .await
                .unwrap_or_else(|| Err(anyhow::anyhow!("no answer in time")));
            match done {
                Ok(()) => {
                    errors_in_a_row = 0;
                    self.samples.borrow_mut().0.push(env.now_micros() - start);
                }
                Err(error) => {
                    session = None;
                    errors_in_a_row += 1;
                    self.errors.set(self.errors.get() + 1);
                    *self.last_error.borrow_mut() = Some(error);
                    if errors_in_a_row >= ERRORS_MAX {
                        return None;
                    }
                    env.sleep(Duration::from_millis(10 * errors_in_a_row)).await;
                }
            }
        }
    }

    async fn once(&self, worker: usize, number: u64, session: &mut Option<L::Session>) -> Result<()> {
        let session = match session {
            Some(session) => session,
            None => session.insert(self.load.open(worker).await?),
        };
        self.load.operate(session, number).await
    }
}
