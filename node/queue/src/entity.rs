//! The actor around one shard: takes a batch, runs it as one transaction, answers after the commit.

use hongyan_actor::{ActivateError, Entity, Envelope, Replier, RequestId, Tenure};
use hongyan_blob::BlobStore;
use hongyan_env::Env;
use hongyan_kv::fence::Fence;
use hongyan_kv::{Database, Transaction};
use hongyan_router::Hints;

use crate::metrics::Metrics;
use crate::queue::{HandOut, Queue};
use crate::recent::Recent;
use crate::{QueueError, QueueId, QueueReply, QueueRequest, RetrySchedule};

/// Octets that the requests of one transaction may add, beside bookkeeping.
const BATCH_OCTETS_MAX: usize = hongyan_kv::TRANSACTION_OCTETS_TARGET / 2;

/// What a shard works with.
#[derive(Clone)]
pub struct QueueServices {
    /// Storage.
    pub database: Database,
    /// Messages' bytes.
    pub blobs: BlobStore,
    /// The clock.
    pub env: Env,
    /// Tells whoever runs the queue that there is something to do.
    pub hints: Hints,
    /// When to try again.
    pub schedule: RetrySchedule,
}

/// A request in a batch.
struct Asked {
    id: RequestId,
    request: QueueRequest,
    replier: Replier<QueueReply>,
}

impl Asked {
    fn is_due(&self) -> bool {
        is_due(&self.request)
    }
}

fn is_due(request: &QueueRequest) -> bool {
    matches!(request, QueueRequest::Due(_))
}

/// One shard of the queue.
pub struct QueueEntity {
    services: QueueServices,
    queue: Queue,
    fence: Fence,
    /// Who waited when it turned out that another node has taken the shard over; they hear of it when this one ends.
    deposed: Option<Vec<Replier<QueueReply>>>,
    recent: Recent,
    metrics: Metrics,
}

impl Drop for QueueEntity {
    /// Whoever has the shard next counts its entries.
    fn drop(&mut self) {
        self.counted(0);
    }
}

impl Entity for QueueEntity {
    type Key = QueueId;
    type Request = QueueRequest;
    type Reply = QueueReply;
    type Services = QueueServices;

    async fn activate(services: QueueServices, key: QueueId, tenure: Tenure) -> Result<Self, ActivateError> {
        let fence = Fence {
            partition: tenure.partition.0,
            epoch: tenure.epoch.0,
        };
        let mut queue = Queue::new(key, services.blobs.clone(), services.schedule);
        let body = async |transaction: &mut Transaction| -> Result<_, QueueError> {
            fence.check(transaction).await?;
            let handed_out = queue.load_handed_out(transaction).await?;
            Ok((queue.count(transaction).await?, handed_out))
        };
        let read = services.database.run(body).await;
        let (count, handed_out) = read.map_err(|error| ActivateError(error.to_string()))?;
        queue.handed_out = handed_out;
        let this = Self {
            services,
            queue,
            fence,
            deposed: None,
            recent: Recent::default(),
            metrics: Metrics::new(),
        };
        this.counted(count);
        Ok(this)
    }
    async fn handle(&mut self, batch: Vec<Envelope<Self>>) {
        let mut group = Vec::new();
        let mut octets = 0;
        let env = self.services.env.clone();
        for envelope in batch.into_iter().filter(|envelope| !envelope.is_expired(&env)) {
            let id = envelope.id;
            let (request, replier) = envelope.split();
            if let Some(reply) = self.recent.repeat(id, &mut self.queue) {
                replier.send(reply);
                continue;
            }
            // What one hands out, the next one must know.
            let is_full = octets > BATCH_OCTETS_MAX || (is_due(&request) && group.iter().any(Asked::is_due));
            if is_full && self.deposed.is_none() {
                self.run(std::mem::take(&mut group)).await;
                octets = 0;
            }
            octets += octets_of(&request);
            group.push(Asked { id, request, replier });
        }
        match &mut self.deposed {
            None => self.run(group).await,
            Some(waiting) => waiting.extend(group.into_iter().map(|asked| asked.replier)),
        }
    }
    fn is_deposed(&self) -> bool {
        self.deposed.is_some()
    }
    fn memory_octets(&self) -> usize {
        1024 + self.queue.handed_out.len() * 32
    }
    /// Whoever works on an entry goes on while the shard is away, so what is handed out is noted.
    async fn passivate(&mut self) {
        let (queue, fence) = (&self.queue, self.fence);
        if queue.handed_out.values().all(HandOut::is_stored) {
            return;
        }
        let body = async |transaction: &mut Transaction| -> Result<(), QueueError> {
            fence.check(transaction).await?;
            queue.store_handed_out(transaction);
            Ok(())
        };
        let stored = match self.services.database.run(body).await {
            Err(QueueError::Storage(hongyan_kv::Error::CommitUnknown)) => self.services.database.run(body).await,
            result => result,
        };
        match stored {
            Ok(()) => self
                .queue
                .handed_out
                .values_mut()
                .for_each(|handed| handed.stored_millis = Some(handed.since_millis)),
            Err(QueueError::Storage(hongyan_kv::Error::Fenced)) => self.deposed = Some(Vec::new()),
            Err(error) => tracing::warn!(shard = self.queue.id.shard, %error, "hand-outs are not noted"),
        }
    }
}

impl QueueEntity {
    /// Runs requests as one transaction; when that fails for a reason of one of them, each by itself.
    async fn run(&mut self, group: Vec<Asked>) {
        if group.is_empty() {
            return;
        }
        let (mut ids, mut requests, mut repliers) = (Vec::new(), Vec::new(), Vec::new());
        for asked in group {
            ids.push(asked.id);
            requests.push(asked.request);
            repliers.push(asked.replier);
        }
        let replies = match self.transact(&requests).await {
            Ok(replies) => replies,
            Err(QueueError::Storage(hongyan_kv::Error::Fenced)) => {
                tracing::info!(
                    shard = self.queue.id.shard,
                    epoch = self.fence.epoch,
                    "queue shard was taken over"
                );
                self.deposed = Some(repliers);
                return;
            }
            Err(error) if requests.len() == 1 => requests.iter().map(|request| refusal(request, &error)).collect(),
            Err(_) => {
                let mut replies = Vec::with_capacity(requests.len());
                for request in &requests {
                    let reply = self.transact(std::slice::from_ref(request)).await;
                    replies.extend(reply.unwrap_or_else(|error| vec![refusal(request, &error)]));
                }
                replies
            }
        };
        for (((id, request), reply), replier) in ids.into_iter().zip(&requests).zip(replies).zip(repliers) {
            self.after(request, &reply);
            self.recent.note(id, &reply);
            replier.send(reply);
        }
    }
    async fn transact(&self, requests: &[QueueRequest]) -> Result<Vec<QueueReply>, QueueError> {
        let now_millis = self.services.env.wall_millis();
        let body = async |transaction: &mut Transaction| -> Result<(Vec<QueueReply>, i64), QueueError> {
            self.fence.check(transaction).await?;
            let mut replies = Vec::with_capacity(requests.len());
            for request in requests {
                replies.push(self.apply(transaction, request, now_millis).await?);
            }
            let count = self.queue.count(transaction).await?;
            Ok((replies, count))
        };
        let (replies, count) = match self.services.database.run(body).await {
            // Accepting is deduplicated by its id, and all else says where things shall be: a repeat is safe.
            Err(QueueError::Storage(hongyan_kv::Error::CommitUnknown)) => self.services.database.run(body).await,
            result => result,
        }?;
        self.counted(count);
        Ok(replies)
    }
    fn counted(&self, count: i64) {
        let shard = self.queue.id.shard.to_string();
        self.metrics.entries.with_label_values(&[&*shard]).set(count);
    }
    async fn apply(
        &self,
        transaction: &mut Transaction,
        request: &QueueRequest,
        now: i64,
    ) -> Result<QueueReply, QueueError> {
        let queue = &self.queue;
        Ok(match request {
            QueueRequest::Accept(request) => QueueReply::Accept(Ok(queue.accept(transaction, request, now).await?)),
            QueueRequest::Due(request) => {
                queue.forget(transaction, now).await?;
                QueueReply::Due(Ok(queue.due(transaction, *request, now).await?))
            }
            QueueRequest::Reported(request) => {
                queue.take_back(transaction, request.number);
                QueueReply::Done(missing_is_done(queue.reported(transaction, request, now).await)?)
            }
            QueueRequest::ReportSent(request) => {
                queue.take_back(transaction, request.number);
                QueueReply::Done(missing_is_done(queue.report_sent(transaction, *request, now).await)?)
            }
            QueueRequest::PutBack(request) => {
                queue.take_back(transaction, request.number);
                QueueReply::Done(missing_is_done(queue.put_back(transaction, *request).await)?)
            }
            QueueRequest::List(request) => QueueReply::List(Ok(queue.list(transaction, *request).await?)),
            QueueRequest::Show(request) => {
                QueueReply::Entry(Ok(Box::new(queue.entry(transaction, request.number).await?)))
            }
            QueueRequest::Retry(request) => {
                QueueReply::Done(Ok(queue.set_held(transaction, request.number, false, now).await?))
            }
            QueueRequest::Release(request) => {
                QueueReply::Done(Ok(queue.set_held(transaction, request.number, false, now).await?))
            }
            QueueRequest::Hold(request) => {
                QueueReply::Done(Ok(queue.set_held(transaction, request.number, true, now).await?))
            }
            QueueRequest::Delete(request) => QueueReply::Done(Ok(queue.delete(transaction, request.number).await?)),
        })
    }
    /// What follows from a committed request: memory, hints, counters.
    fn after(&mut self, request: &QueueRequest, reply: &QueueReply) {
        // The number only has to differ from the one before: it says "look", not what there is.
        let wake = |services: &QueueServices| {
            services.hints.publish(&self.queue.id, services.env.now_micros());
        };
        match (request, reply) {
            (QueueRequest::Accept(_), QueueReply::Accept(Ok(accepted))) => {
                self.metrics.accepted.inc_by(accepted.entries.len() as u64);
                wake(&self.services);
            }
            (QueueRequest::Due(_), QueueReply::Due(Ok(due))) => {
                let now = self.services.env.wall_millis();
                for entry in &due.entries {
                    let handed_out = &mut self.queue.handed_out;
                    let handed = HandOut {
                        since_millis: now,
                        stored_millis: handed_out.get(&entry.id.number).and_then(|old| old.stored_millis),
                    };
                    handed_out.insert(entry.id.number, handed);
                }
            }
            (QueueRequest::Reported(request), _) => {
                self.queue.handed_out.remove(&request.number);
                request
                    .outcomes
                    .iter()
                    .for_each(|(_, outcome)| self.metrics.count(outcome));
                wake(&self.services);
            }
            (QueueRequest::PutBack(request), _) => {
                self.queue.handed_out.remove(&request.number);
                wake(&self.services);
            }
            (QueueRequest::ReportSent(request), _) => {
                self.queue.handed_out.remove(&request.number);
                wake(&self.services);
            }
            (QueueRequest::Retry(_) | QueueRequest::Release(_), QueueReply::Done(Ok(()))) => wake(&self.services),
            _ => {}
        }
    }
}

/// An operator may delete an entry while it is worked on; what became of it then interests nobody.
fn missing_is_done(result: Result<(), QueueError>) -> Result<Result<(), QueueError>, QueueError> {
    match result {
        Err(QueueError::NoSuchEntry) => Ok(Ok(())),
        result => result.map(Ok),
    }
}

fn octets_of(request: &QueueRequest) -> usize {
    match request {
        QueueRequest::Accept(request) => {
            let recipients: usize = request
                .entries
                .iter()
                .map(|entry| 300 + entry.recipients.len() * 200)
                .sum();
            request.blob.attach_octets() + recipients
        }
        _ => 1024,
    }
}

fn refusal(request: &QueueRequest, error: &QueueError) -> QueueReply {
    let error = error.clone();
    match request {
        QueueRequest::Accept(_) => QueueReply::Accept(Err(error)),
        QueueRequest::Due(_) => QueueReply::Due(Err(error)),
        QueueRequest::List(_) => QueueReply::List(Err(error)),
        QueueRequest::Show(_) => QueueReply::Entry(Err(error)),
        _ => QueueReply::Done(Err(error)),
    }
}
