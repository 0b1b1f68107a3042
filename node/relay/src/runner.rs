//! Runs the queue on this node: asks each shard what is due, sees it done, says what became of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hongyan_actor::{Arbiters, SessionIntake, Shutdown};
use hongyan_blob::BlobStore;
use hongyan_env::Env;
use hongyan_queue::{
    Destination, Due, DueEntry, DueReply, EntryId, LocalDelivery, Outcome, PutBack, QueueId, ReportSent, Reported,
    Reporter, Work,
};
use hongyan_router::{Ask, Router};
use tokio::sync::{Notify, Semaphore};

use crate::destination::{Delivery, DestinationState};
use crate::metrics::Metrics;
use crate::settings::RelaySettings;
use crate::tls::ClientTls;

/// How long a shard may take to answer.
const WITHIN: Duration = Duration::from_secs(30);
/// Entries of one shard under way at a time, at most.
const SHARD_ENTRIES_MAX: usize = 200;
/// An entry that was not tried is looked at again after this time.
const PUT_BACK: Duration = Duration::from_secs(5);
/// An entry whose attempt crashed is tried again after this time: soon, but not at once.
const AFTER_CRASH: Duration = Duration::from_secs(300);
/// A shard is asked again after this time even without a hint: a hint may be lost with a node.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// What outbound delivery works with.
#[derive(Clone)]
pub struct RelayServices {
    /// Clock, sockets, DNS.
    pub env: Env,
    /// The way to the queue.
    pub router: Router,
    /// Messages' bytes.
    pub blobs: BlobStore,
    /// Writes reports.
    pub reporter: Arc<dyn Reporter>,
    /// Delivers to mailboxes of ours.
    pub local: Arc<dyn LocalDelivery>,
}

/// Outbound delivery, running.
pub struct Runner;

impl Runner {
    /// Starts it on the arbiters. When those are to stop it begins nothing new, and counts as a session until what is
    /// under way has ended.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn start(arbiters: &Arbiters, services: RelayServices, settings: RelaySettings) -> Result<(), rustls::Error> {
        let tls = ClientTls::new()?;
        let shutdown = arbiters.shutdown();
        // It takes no requests; what it has to do it asks for.
        let _ = arbiters.spawn_session(services.env.random_u64(), 1, move |_: SessionIntake<()>| async move {
            let shared = Rc::new(Shared {
                env: services.env,
                router: services.router,
                blobs: services.blobs,
                reporter: services.reporter,
                local: services.local,
                permits: Semaphore::new(settings.connections_max.max(1)),
                shutdown,
                settings,
                tls,
                metrics: Metrics::new(),
                destinations: RefCell::default(),
            });
            let shards = QueueId::all().map(|queue| run_shard(shared.clone(), queue));
            futures_util::future::join_all(shards).await;
        });
        Ok(())
    }
}

/// What all deliveries share.
pub(crate) struct Shared {
    pub(crate) env: Env,
    router: Router,
    pub(crate) blobs: BlobStore,
    reporter: Arc<dyn Reporter>,
    local: Arc<dyn LocalDelivery>,
    pub(crate) settings: RelaySettings,
    pub(crate) tls: ClientTls,
    pub(crate) permits: Semaphore,
    pub(crate) shutdown: Shutdown,
    pub(crate) metrics: Metrics,
    destinations: RefCell<HashMap<String, Rc<DestinationState>>>,
}

/// Whether an entry was handed out again while somebody worked on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Yes,
    No,
}

async fn run_shard(shared: Rc<Shared>, queue: QueueId) {
    let shutdown = shared.shutdown.clone();
    let mut hints = shared.router.subscribe(&queue);
    // Entries this node works on: a shard whose node died has forgotten that it handed them out.
    // Handed out a second time, one is given back when the present work has ended, for what was read then may be stale.
    let under_way: Rc<RefCell<HashMap<u64, Again>>> = Rc::default();
    let finished = Rc::new(Notify::new());
    while !shutdown.is_requested() {
        let room = SHARD_ENTRIES_MAX.saturating_sub(under_way.borrow().len());
        let reply = if room == 0 {
            DueReply::default()
        } else {
            due(&shared, queue, room).await
        };
        let got = reply.entries.len();
        for entry in reply.entries {
            if let Some(again) = under_way.borrow_mut().get_mut(&entry.id.number) {
                *again = Again::Yes;
                continue;
            }
            under_way.borrow_mut().insert(entry.id.number, Again::No);
            let (shared, under_way, finished) = (shared.clone(), under_way.clone(), finished.clone());
            tokio::task::spawn_local(async move {
                let id = entry.id;
                let worker = shared.clone();
                let task = tokio::task::spawn_local(async move { work(&worker, entry).await });
                if task.await.is_err() {
                    tracing::error!(entry = %id, "attempt crashed");
                    put_back(&shared, id, Some(AFTER_CRASH)).await;
                }
                let again = under_way.borrow_mut().remove(&id.number);
                if again == Some(Again::Yes) {
                    put_back(&shared, id, None).await;
                }
                finished.notify_one();
            });
        }
        if got > 0 && got == room {
            continue;
        }
        let wait = reply.next_millis.map_or(LOOK_AGAIN, |next| {
            let millis = u64::try_from(next.saturating_sub(shared.env.wall_millis())).unwrap_or(0);
            Duration::from_millis(millis.max(1)).min(LOOK_AGAIN)
        });
        tokio::select! {
            biased;
            _ = hints.changed() => {}
            () = shared.env.sleep(wait) => {}
            () = finished.notified(), if room == 0 => {}
            () = shutdown.requested() => {}
        }
    }
    while !under_way.borrow().is_empty() {
        finished.notified().await;
    }
}

async fn due(shared: &Shared, queue: QueueId, limit: usize) -> DueReply {
    match shared.router.ask(&queue, Due { limit }, WITHIN).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => {
            tracing::warn!(
                shard = queue.shard,
                error = &error as &dyn std::error::Error,
                "queue shard cannot be read"
            );
            DueReply::default()
        }
        Err(error) => {
            tracing::warn!(shard = queue.shard, %error, "queue shard does not answer");
            DueReply::default()
        }
    }
}

async fn work(shared: &Rc<Shared>, due: DueEntry) {
    let number = due.id.number;
    match due.work {
        Work::Report(kind) => {
            let result = shared.reporter.report(due.id, &due.entry, kind).await;
            if let Err(error) = &result {
                tracing::warn!(entry = %due.id, error, "delivery report cannot be sent now");
            }
            say(
                shared,
                due.id.queue,
                ReportSent {
                    number,
                    kind,
                    sent: result.is_ok(),
                },
            )
            .await;
        }
        Work::Deliver => {
            let outcomes = match &due.entry.destination {
                Destination::Local => shared.local.deliver(due.id, &due.entry).await,
                Destination::Domain(domain) => {
                    let destination = shared.destination(domain);
                    match destination.deliver(shared, &due.entry).await {
                        Delivery::Tried(outcomes) => outcomes,
                        // The next start shall find it due, not handed out.
                        Delivery::NotTried if shared.shutdown.is_requested() => {
                            return put_back(shared, due.id, None).await;
                        }
                        Delivery::NotTried => return put_back(shared, due.id, Some(PUT_BACK)).await,
                    }
                }
            };
            log(&due, &outcomes);
            say(shared, due.id.queue, Reported { number, outcomes }).await;
        }
    }
}

/// Gives an entry back to the queue, due `after` so long, or when it was due anyway.
async fn put_back(shared: &Shared, id: EntryId, after: Option<Duration>) {
    let due = |after: Duration| {
        let after = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        shared.env.wall_millis().saturating_add(after)
    };
    let put_back = PutBack {
        number: id.number,
        due_millis: after.map(due),
    };
    say(shared, id.queue, put_back).await;
}

/// Tells the queue, however long it takes: what was delivered must not be delivered again.
async fn say<R>(shared: &Shared, queue: QueueId, request: R)
where
    R: Ask<Entity = hongyan_queue::QueueEntity, Reply = Result<(), hongyan_queue::QueueError>> + Clone,
{
    let mut wait = Duration::from_millis(50);
    loop {
        match shared.router.ask(&queue, request.clone(), WITHIN).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) if !error.is_temporary() => {
                tracing::error!(shard = queue.shard, %error, "queue refuses the outcome of an attempt");
                return;
            }
            _ => {
                shared.env.sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(10));
            }
        }
    }
}

fn log(due: &DueEntry, outcomes: &[(usize, Outcome)]) {
    for (index, outcome) in outcomes {
        let (event, attempt) = match outcome {
            Outcome::Delivered(attempt) => ("delivered", attempt),
            Outcome::Deferred(attempt) => ("deferred", attempt),
            Outcome::Bounced(attempt) => ("bounced", attempt),
        };
        let recipient = due
            .entry
            .recipients
            .get(*index)
            .map_or("", |recipient| &recipient.address);
        tracing::info!(
            entry = %due.id,
            recipient,
            host = attempt.host,
            code = attempt.code,
            status = attempt.status,
            text = attempt.text,
            "{event}"
        );
    }
}

impl Shared {
    /// The state of a destination; with a relay host there is only that one.
    fn destination(&self, domain: &str) -> Rc<DestinationState> {
        let domain = self.settings.relay_host.as_ref().map_or(domain, |relay| &relay.host);
        let mut destinations = self.destinations.borrow_mut();
        if destinations.len() > 1000 {
            destinations.retain(|_, state| !state.is_unused());
        }
        let make = || DestinationState::new(domain.to_owned(), self.settings.destination_connections_max);
        destinations
            .entry(domain.to_owned())
            .or_insert_with(|| Rc::new(make()))
            .clone()
    }
}
