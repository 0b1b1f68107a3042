//! The actor around one shard: takes a batch, runs it as one transaction, answers after the commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use hongyan_actor::{ActivateError, Entity, Envelope, Replier, RequestId, Tenure};
use hongyan_blob::BlobStore;
use hongyan_env::Env;
use hongyan_kv::fence::Fence;
use hongyan_kv::{Database, Transaction};
use hongyan_router::Hints;

use crate::done::Done;
use crate::metrics::Metrics;
use crate::queue::{HandOut, Queue};
use crate::{Holders, QueueError, QueueId, QueueReply, QueueRequest, RetrySchedule};

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
    /// Who may be at work on what was handed out.
    pub holders: Arc<dyn Holders>,
}

/// A request in a batch.
struct Asked {
    ask: Request,
    replier: Replier<QueueReply>,
}

/// A request with its id.
struct Request {
    id: RequestId,
    body: QueueRequest,
}

impl Request {
    /// Whether it is remembered that it is done.
    fn is_remembered(&self) -> bool {
        let reads = matches!(self.body, QueueRequest::List(_) | QueueRequest::Show(_));
        let known_otherwise = matches!(
            self.body,
            QueueRequest::Accept(_) | QueueRequest::Due(_) | QueueRequest::Recall(_)
        );
        self.id != RequestId::ONCE && !reads && !known_otherwise
    }
}

/// What a request led to.
struct Answer {
    reply: QueueReply,
    /// It was done before, and did nothing now.
    is_repeat: bool,
}

impl Asked {
    fn is_due(&self) -> bool {
        is_due(&self.ask.body)
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
    done: Done,
    /// Whether a commit is in doubt, so that what is done is to be read again.
    is_in_doubt: bool,
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
        let mut queue = Queue::new(
            key,
            services.blobs.clone(),
            services.schedule,
            Arc::clone(&services.holders),
        );
        let body = async |transaction: &mut Transaction| -> Result<_, QueueError> {
            fence.check(transaction).await?;
            let handed_out = queue.load_handed_out(transaction).await?;
            let done = Done::load(&queue.keys, transaction).await?;
            Ok((queue.count(transaction).await?, handed_out, done))
        };
        let read = services.database.run(body).await;
        let (count, handed_out, done) = read.map_err(|error| ActivateError(error.to_string()))?;
        queue.handed_out = handed_out;
        let this = Self {
            services,
            queue,
            fence,
            deposed: None,
            done,
            is_in_doubt: false,
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
            let (body, replier) = envelope.split();
            if self.deposed.is_none() && self.done.has(id) {
                replier.send(QueueReply::Done(Ok(())));
                continue;
            }
            if is_due(&body) && id != RequestId::ONCE {
                self.queue.hand_out_again(id);
            }
            // What one hands out, the next one must know.
            let looks_at_hands = is_due(&body)
                || matches!(
                    body,
                    QueueRequest::Withdraw(_) | QueueRequest::Postpone(_) | QueueRequest::Recall(_)
                );
            let is_full = octets > BATCH_OCTETS_MAX || (looks_at_hands && group.iter().any(Asked::is_due));
            if is_full && self.deposed.is_none() {
                self.run(std::mem::take(&mut group)).await;
                octets = 0;
            }
            octets += octets_of(&body);
            let ask = Request { id, body };
            group.push(Asked { ask, replier });
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
        let (requests, repliers): (Vec<_>, Vec<_>) = group.into_iter().map(|asked| (asked.ask, asked.replier)).unzip();
        let now = self.services.env.wall_millis();
        let answers = match self.transact(&requests, now).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(QueueError::Storage(hongyan_kv::Error::Fenced)) => return self.depose(repliers),
            Err(error) if requests.len() == 1 => vec![Err(error)],
            Err(_) => {
                let mut answers = Vec::with_capacity(requests.len());
                for request in &requests {
                    let answer = self.transact(std::slice::from_ref(request), now).await;
                    answers.push(answer.map(|mut answers| answers.swap_remove(0)));
                }
                answers
            }
        };
        let mut cut_off = Vec::new();
        for ((request, answer), replier) in requests.iter().zip(answers).zip(repliers) {
            match answer {
                Ok(answer) => {
                    if !answer.is_repeat {
                        self.after(request, &answer.reply, now);
                    }
                    replier.send(answer.reply);
                }
                Err(QueueError::Storage(hongyan_kv::Error::Fenced)) => cut_off.push(replier),
                // Who waits is answered that nobody can say now, and asks again under the same id while there is time.
                Err(QueueError::Storage(error)) if error.is_temporary() => {
                    tracing::warn!(shard = self.queue.id.shard, %error, "queue shard cannot commit");
                    drop(replier);
                }
                Err(error) => replier.send(refusal(&request.body, &error)),
            }
        }
        if !cut_off.is_empty() {
            self.depose(cut_off);
        }
    }
    fn depose(&mut self, waiting: Vec<Replier<QueueReply>>) {
        tracing::info!(
            shard = self.queue.id.shard,
            epoch = self.fence.epoch,
            "queue shard was taken over"
        );
        self.deposed = Some(waiting);
    }
    async fn transact(&mut self, requests: &[Request], now_millis: i64) -> Result<Vec<Answer>, QueueError> {
        if self.is_in_doubt {
            let (keys, fence) = (&self.queue.keys, self.fence);
            let body = async |transaction: &mut Transaction| -> Result<_, QueueError> {
                fence.check(transaction).await?;
                Done::load(keys, transaction).await
            };
            self.done = self.services.database.run(body).await?;
            self.is_in_doubt = false;
        }
        let (replies, count) = match self.transact_once(requests, now_millis, false).await {
            // What was done is found in storage this time.
            Err(QueueError::Storage(hongyan_kv::Error::CommitUnknown)) => {
                self.transact_once(requests, now_millis, true).await
            }
            result => result,
        }
        .inspect_err(|error| {
            self.is_in_doubt = matches!(error, QueueError::Storage(hongyan_kv::Error::CommitUnknown))
        })?;
        self.counted(count);
        let was_due = requests.iter().any(|request| is_due(&request.body));
        if was_due {
            self.done.forget(now_millis);
        }
        Ok(replies)
    }
    /// One commit; `is_again` after one of unknown result.
    async fn transact_once(
        &self,
        requests: &[Request],
        now_millis: i64,
        is_again: bool,
    ) -> Result<(Vec<Answer>, i64), QueueError> {
        let keys = &self.queue.keys;
        let body = async |transaction: &mut Transaction| -> Result<(Vec<Answer>, i64), QueueError> {
            self.look_ahead(transaction, requests).await?;
            self.fence.check(transaction).await?;
            let mut answers = Vec::with_capacity(requests.len());
            let mut ids = BTreeSet::new();
            for request in requests {
                let is_done = self.done.has(request.id);
                let is_remembered = request.is_remembered();
                let is_repeat = is_remembered
                    && (is_done
                        || !ids.insert(request.id)
                        || (is_again && Done::is_stored(keys, transaction, request.id, now_millis).await?));
                if is_repeat {
                    // After a commit whose result was unknown, what follows from it in memory is still to come.
                    let is_repeat = !is_again;
                    let reply = QueueReply::Done(Ok(()));
                    answers.push(Answer { reply, is_repeat });
                    continue;
                }
                let reply = self.apply(transaction, &request.body, now_millis).await?;
                if is_remembered && matches!(reply, QueueReply::Done(Ok(()))) {
                    Done::store(keys, transaction, request.id, now_millis);
                }
                let is_repeat = false;
                answers.push(Answer { reply, is_repeat });
            }
            let count = self.queue.count(transaction).await?;
            Ok((answers, count))
        };
        self.services.database.run(body).await
    }
    /// Has what these requests are known to read on its way, where reading means waiting.
    async fn look_ahead(&self, transaction: &mut Transaction, requests: &[Request]) -> Result<(), QueueError> {
        if !transaction.is_far() {
            return Ok(());
        }
        let keys = &self.queue.keys;
        self.fence.look_ahead(transaction);
        transaction.look_ahead_snapshot(&keys.count());
        for request in requests {
            match &request.body {
                QueueRequest::Accept(accept) => {
                    transaction.look_ahead(&keys.meta());
                    transaction.look_ahead(&keys.delivery(&accept.delivery_id));
                    accept.blob.look_ahead(transaction);
                }
                QueueRequest::Reported(reported) => transaction.look_ahead(&keys.entry(reported.number)),
                QueueRequest::ReportSent(sent) => transaction.look_ahead(&keys.entry(sent.number)),
                QueueRequest::PutBack(back) => transaction.look_ahead(&keys.entry(back.number)),
                QueueRequest::PutOff(off) => transaction.look_ahead(&keys.entry(off.number)),
                _ => {}
            }
        }
        // What is added to it below is then added to what is here already.
        self.queue.count(transaction).await?;
        Ok(())
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
                if let Some(range) = self.done.to_forget(&queue.keys, now) {
                    transaction.clear_range(range);
                }
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
            QueueRequest::PutOff(request) => {
                queue.take_back(transaction, request.number);
                QueueReply::Done(missing_is_done(queue.put_off(transaction, request).await)?)
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
            QueueRequest::Postpone(request) => QueueReply::Done(Ok(queue.postpone(transaction, request, now).await?)),
            QueueRequest::Recall(request) => QueueReply::Recall(Ok(queue.recall(transaction, request, now).await?)),
            QueueRequest::Withdraw(request) => QueueReply::Done(Ok(queue.withdraw(transaction, request, now).await?)),
        })
    }
    /// What follows from a committed request: memory, hints, counters.
    fn after(&mut self, request: &Request, reply: &QueueReply, now: i64) {
        if request.is_remembered() && matches!(reply, QueueReply::Done(Ok(()))) {
            self.done.note(request.id, now);
        }
        // The number only has to differ from the one before: it says "look", not what there is.
        let wake = |services: &QueueServices| {
            services.hints.publish(&self.queue.id, services.env.now_micros());
        };
        match (&request.body, reply) {
            (QueueRequest::Accept(_), QueueReply::Accept(Ok(accepted))) => {
                self.metrics.accepted.inc_by(accepted.entries.len() as u64);
                wake(&self.services);
            }
            (QueueRequest::Due(asked), QueueReply::Due(Ok(due))) => {
                for entry in &due.entries {
                    let handed_out = &mut self.queue.handed_out;
                    let handed = HandOut {
                        since_millis: now,
                        holder: asked.holder,
                        request: request.id,
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
            (QueueRequest::PutOff(request), _) => {
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
        QueueRequest::Recall(_) => QueueReply::Recall(Err(error)),
        QueueRequest::Show(_) => QueueReply::Entry(Err(error)),
        _ => QueueReply::Done(Err(error)),
    }
}
