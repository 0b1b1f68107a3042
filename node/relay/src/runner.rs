//! Runs the queue on this node: asks each shard what is due, sees it done, says what became of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hongyan_actor::{Arbiters, EntityKey, SessionHandle, SessionIntake, Shutdown};
use hongyan_blob::BlobStore;
use hongyan_env::Env;
use hongyan_queue::{
    Destination, Due, DueEntry, DueReply, EntryId, Holders, LocalDelivery, Outcome, PutBack, PutOff, QUEUE_SHARDS,
    QueueId, ReportSent, Reported, Reporter, Work,
};
use hongyan_router::{Ask, Router};
use tokio::sync::{Notify, Semaphore, oneshot};

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
/// Whether an entry that must not leave may do so by now is asked again after this time.
const HELD: Duration = Duration::from_secs(60);
/// An entry whose attempt crashed is tried again after this time: soon, but not at once.
const AFTER_CRASH: Duration = Duration::from_secs(300);
/// Entries that may wait to be worked on by one arbiter: all that can be under way.
const INTAKE_MAX: usize = SHARD_ENTRIES_MAX * QUEUE_SHARDS as usize;
/// How often a node looks whether a shard has come to it.
const LOOK_FOR_SHARD: Duration = Duration::from_millis(250);
/// How often a node that nobody may take for alive looks whether it is again.
const LOOK_FOR_STANDING: Duration = Duration::from_millis(100);
/// A shard is asked again after this time even without a hint: a hint may be lost with a node.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// What outbound delivery works with.
#[derive(Clone)]
pub struct RelayServices {
    /// Clock, sockets, DNS.
    pub env: Env,
    /// The way to the queue.
    pub router: Router,
    /// Under which name entries are taken.
    pub holders: Arc<dyn Holders>,
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
    /// Shards and work are spread over all arbiters; what goes to one destination goes to one arbiter, which keeps that
    /// destination's connections and its bounds.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn start(arbiters: &Arbiters, services: RelayServices, settings: RelaySettings) -> Result<(), rustls::Error> {
        let tls = ClientTls::new()?;
        let permits = Arc::new(Semaphore::new(settings.connections_max.max(1)));
        let places = arbiters.count() as u64;
        let by_host = settings.relay_host.is_some();
        let mut workers = Vec::new();
        for place in 0..places {
            let (services, settings, shutdown) = (services.clone(), settings.clone(), arbiters.shutdown());
            let (tls, permits) = (tls.clone(), Arc::clone(&permits));
            workers.push(arbiters.spawn_session(place, INTAKE_MAX, move |intake| async move {
                let shared = Rc::new(Shared {
                    queue: Asker::new(&services),
                    env: services.env,
                    blobs: services.blobs,
                    reporter: services.reporter,
                    local: services.local,
                    permits,
                    shutdown,
                    settings,
                    tls,
                    metrics: Metrics::new(),
                    destinations: RefCell::default(),
                });
                run_work(&shared, intake).await;
            }));
        }
        for place in 0..places {
            let (queue, shutdown, workers) = (Asker::new(&services), arbiters.shutdown(), workers.clone());
            // It takes no requests; what it has to do it asks for.
            let _ = arbiters.spawn_session(place, 1, move |_: SessionIntake<()>| async move {
                let shards = Rc::new(Shards {
                    queue,
                    shutdown,
                    workers,
                    by_host,
                });
                let mine = QueueId::all().filter(|queue| u64::from(queue.shard) % places == place);
                futures_util::future::join_all(mine.map(|queue| run_shard(shards.clone(), queue))).await;
            });
        }
        Ok(())
    }
}

/// The way to the queue.
pub(crate) struct Asker {
    env: Env,
    router: Router,
    holders: Arc<dyn Holders>,
}

impl Asker {
    fn new(services: &RelayServices) -> Self {
        Self {
            env: services.env.clone(),
            router: services.router.clone(),
            holders: Arc::clone(&services.holders),
        }
    }
}

/// What the shards of one arbiter share.
struct Shards {
    queue: Asker,
    shutdown: Shutdown,
    /// Who does the work, one an arbiter.
    workers: Vec<SessionHandle<Task>>,
    /// All mail for others goes to one relay host.
    by_host: bool,
}

/// An entry to work on, and the way to say that this has ended; dropped without a word when the work crashed.
struct Task {
    due: DueEntry,
    standing: u64,
    ended: oneshot::Sender<()>,
}

impl Shards {
    /// Has `due` worked on; says whether that came to its end.
    async fn work(&self, due: DueEntry, standing: u64) -> bool {
        let place = match (&due.work, &due.entry.destination) {
            (Work::Deliver, Destination::Domain(_)) if self.by_host => 0,
            (Work::Deliver, Destination::Domain(domain)) => domain
                .bytes()
                .fold(7, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(byte.into())),
            _ => due.id.number,
        };
        let worker = usize::try_from(place % self.workers.len() as u64).unwrap_or(0);
        let (ended, end) = oneshot::channel();
        self.workers[worker].try_tell(Task { due, standing, ended }).is_ok() && end.await.is_ok()
    }
}

/// What all deliveries of one arbiter share.
pub(crate) struct Shared {
    queue: Asker,
    pub(crate) env: Env,
    pub(crate) blobs: BlobStore,
    reporter: Arc<dyn Reporter>,
    local: Arc<dyn LocalDelivery>,
    pub(crate) settings: RelaySettings,
    pub(crate) tls: ClientTls,
    /// Connections of all arbiters.
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) shutdown: Shutdown,
    pub(crate) metrics: Metrics,
    destinations: RefCell<HashMap<String, Rc<DestinationState>>>,
}

/// Works on entries until no shard gives any more.
async fn run_work(shared: &Rc<Shared>, mut intake: SessionIntake<Task>) {
    while let Some(task) = intake.recv().await {
        let shared = shared.clone();
        tokio::task::spawn_local(async move {
            work(&shared, task.due, task.standing).await;
            // A shard that is gone has no use for it.
            let _ = task.ended.send(());
        });
    }
}

/// Whether an entry was handed out again while somebody worked on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Yes,
    No,
}

async fn run_shard(shards: Rc<Shards>, queue: QueueId) {
    let (shutdown, env) = (shards.shutdown.clone(), shards.queue.env.clone());
    let mut hints = shards.queue.router.subscribe(&queue);
    // Entries this node works on: a shard whose node died has forgotten that it handed them out.
    // Handed out a second time, one is given back when the present work has ended, for what was read then may be stale.
    let under_way: Rc<RefCell<HashMap<u64, Again>>> = Rc::default();
    let finished = Rc::new(Notify::new());
    while !shutdown.is_requested() {
        // Its work is done where it is, so that it goes on with its next owner, at once. And whatever happens from here on
        // ends the right to what is handed out.
        let is_here = shards.queue.router.is_here(&queue.entity_id());
        let Some(standing) = shards.queue.holders.standing().filter(|_| is_here) else {
            tokio::select! {
                biased;
                () = env.sleep(LOOK_FOR_SHARD) => {}
                () = shutdown.requested() => {}
            }
            continue;
        };
        let room = SHARD_ENTRIES_MAX.saturating_sub(under_way.borrow().len());
        let reply = if room == 0 {
            DueReply::default()
        } else {
            due(&shards.queue, queue, room).await
        };
        let got = reply.entries.len();
        for entry in reply.entries {
            if let Some(again) = under_way.borrow_mut().get_mut(&entry.id.number) {
                *again = Again::Yes;
                continue;
            }
            under_way.borrow_mut().insert(entry.id.number, Again::No);
            let (shards, under_way, finished) = (shards.clone(), under_way.clone(), finished.clone());
            tokio::task::spawn_local(async move {
                let id = entry.id;
                if !shards.work(entry, standing).await {
                    tracing::error!(entry = %id, "attempt crashed");
                    put_back(&shards.queue, id, Some(AFTER_CRASH)).await;
                }
                let again = under_way.borrow_mut().remove(&id.number);
                if again == Some(Again::Yes) {
                    put_back(&shards.queue, id, None).await;
                }
                finished.notify_one();
            });
        }
        if got > 0 && got == room {
            continue;
        }
        let wait = reply.next_millis.map_or(LOOK_AGAIN, |next| {
            let millis = u64::try_from(next.saturating_sub(env.wall_millis())).unwrap_or(0);
            Duration::from_millis(millis.max(1)).min(LOOK_AGAIN)
        });
        tokio::select! {
            biased;
            _ = hints.changed() => {}
            () = env.sleep(wait) => {}
            () = finished.notified(), if room == 0 => {}
            () = shutdown.requested() => {}
        }
    }
    while !under_way.borrow().is_empty() {
        finished.notified().await;
    }
}

async fn due(asker: &Asker, queue: QueueId, limit: usize) -> DueReply {
    let holder = asker.holders.me();
    match asker.router.ask(&queue, Due { limit, holder }, WITHIN).await {
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

async fn work(shared: &Rc<Shared>, due: DueEntry, standing: u64) {
    let number = due.id.number;
    match due.work {
        Work::Report(kind) => {
            let result = shared.reporter.report(due.id, &due.entry, kind).await;
            if let Err(error) = &result {
                tracing::warn!(entry = %due.id, error, "delivery report cannot be sent now");
            }
            say(
                &shared.queue,
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
            if let Some(reason) = shared.local.held(&due.entry).await {
                let due_millis = after(&shared.queue.env, HELD);
                let put_off = PutOff {
                    number,
                    due_millis,
                    reason,
                };
                return say(&shared.queue, due.id.queue, put_off).await;
            }
            let outcomes = match &due.entry.destination {
                Destination::Local => shared.local.deliver(due.id, &due.entry).await,
                Destination::Domain(domain) => {
                    let destination = shared.destination(domain);
                    match destination.deliver(shared, &due.entry, standing).await {
                        Delivery::Tried(outcomes) => outcomes,
                        // The next start shall find it due, not handed out.
                        Delivery::NotTried if shared.shutdown.is_requested() => {
                            return put_back(&shared.queue, due.id, None).await;
                        }
                        Delivery::NotTried => return put_back(&shared.queue, due.id, Some(PUT_BACK)).await,
                        Delivery::Lost => return give_up(&shared.queue, due.id, standing).await,
                    }
                }
            };
            log(&due, &outcomes);
            say(&shared.queue, due.id.queue, Reported { number, outcomes }).await;
        }
    }
}

/// This node was not known to live any more when it was about to send: another one may be at it. Once that is known, the
/// entry is given back, or left to whom it was given.
async fn give_up(asker: &Asker, id: EntryId, standing: u64) {
    loop {
        match asker.holders.standing() {
            Some(now) if now == standing => return put_back(asker, id, None).await,
            Some(_) => return,
            None => asker.env.sleep(LOOK_FOR_STANDING).await,
        }
    }
}

/// Gives an entry back to the queue, due `after` so long, or when it was due anyway.
async fn put_back(asker: &Asker, id: EntryId, after: Option<Duration>) {
    let put_back = PutBack {
        number: id.number,
        due_millis: after.map(|wait| self::after(&asker.env, wait)),
    };
    say(asker, id.queue, put_back).await;
}

fn after(env: &Env, wait: Duration) -> i64 {
    let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    env.wall_millis().saturating_add(millis)
}

/// Tells the queue, however long it takes: what was delivered must not be delivered again.
async fn say<R>(asker: &Asker, queue: QueueId, request: R)
where
    R: Ask<Entity = hongyan_queue::QueueEntity, Reply = Result<(), hongyan_queue::QueueError>> + Clone,
{
    let mut wait = Duration::from_millis(50);
    // One id for all of it: an outcome whose reply was lost does not count as another attempt.
    let id = asker.router.request_id();
    loop {
        match asker.router.ask_as(id, &queue, request.clone(), WITHIN).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) if !error.is_temporary() => {
                tracing::error!(shard = queue.shard, %error, "queue refuses the outcome of an attempt");
                return;
            }
            _ => {
                asker.env.sleep(wait).await;
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
    /// Whether what this node was handed under `standing` is in nobody else's hands.
    pub(crate) fn holds(&self, standing: u64) -> bool {
        self.queue.holders.standing() == Some(standing)
    }
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
