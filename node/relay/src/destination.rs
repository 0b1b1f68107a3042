//! One destination: how many connections it has, and those that wait for another message.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use hongyan_queue::{Attempt, Entry, Outcome};
use tokio::sync::Semaphore;

use crate::connection::{Connection, OpenError};
use crate::envelope::pending;
use crate::route::{hopeful, targets};
use crate::runner::Shared;
use crate::transfer::{Order, Transfer, transfer};

/// Where mail for one domain goes.
pub(crate) struct DestinationState {
    domain: String,
    permits: Semaphore,
    idle: RefCell<Vec<Connection>>,
    /// Deliveries that hold or wait for a permit.
    waiting: Cell<usize>,
    /// Until when, in microseconds, it is known to be out of reach, and why.
    unreachable: RefCell<Option<(u64, Outcome)>>,
}

/// What a delivery came to.
pub(crate) enum Delivery {
    /// One outcome for each pending recipient.
    Tried(Vec<(usize, Outcome)>),
    /// Too much waits for this destination already, or the node is leaving.
    NotTried,
    /// Before the message was sent it was no longer sure that it is in this node's hands.
    Lost,
}

impl From<Transfer> for Delivery {
    fn from(transfer: Transfer) -> Self {
        if transfer.was_lost {
            Self::Lost
        } else {
            Self::Tried(transfer.outcomes)
        }
    }
}

/// Counts one delivery as long as it exists.
struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn enter(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl DestinationState {
    pub(crate) fn new(domain: String, connections_max: usize) -> Self {
        Self {
            domain,
            permits: Semaphore::new(connections_max.max(1)),
            idle: RefCell::default(),
            waiting: Cell::new(0),
            unreachable: RefCell::default(),
        }
    }
    /// Tries to deliver `entry`, when its turn has come.
    pub(crate) async fn deliver(self: &Rc<Self>, shared: &Shared, entry: &Entry, standing: u64) -> Delivery {
        if self.waiting.get() >= shared.settings.destination_waiting_max {
            return Delivery::NotTried;
        }
        let _waiting = Waiting::enter(&self.waiting);
        let (Ok(_mine), Ok(_total)) = (self.permits.acquire().await, shared.permits.acquire().await) else {
            return Delivery::NotTried;
        };
        if shared.shutdown.is_requested() {
            return Delivery::NotTried;
        }
        self.attempt(shared, entry, standing).await
    }
    async fn attempt(self: &Rc<Self>, shared: &Shared, entry: &Entry, standing: u64) -> Delivery {
        let chosen = pending(entry);
        let all = |outcome: &Outcome| Delivery::Tried(chosen.iter().map(|index| (*index, outcome.clone())).collect());
        let order = Order {
            entry,
            chosen: &chosen,
            standing,
        };
        if let Some(connection) = self.idle_connection(shared) {
            shared.metrics.connections.with_label_values(&["reused"]).inc();
            let exchange = self.exchange(shared, connection, &order).await;
            // A server may have closed while the connection waited; that is no attempt.
            if !exchange.was_dead {
                return exchange.into();
            }
        }
        let now = shared.env.now_micros();
        if let Some((until, outcome)) = &*self.unreachable.borrow()
            && now < *until
        {
            return all(outcome);
        }
        match self.connect(shared).await {
            Ok(connection) => self.exchange(shared, connection, &order).await.into(),
            Err(outcome) => {
                if matches!(outcome, Outcome::Deferred(_)) {
                    // What waits behind this message need not find out one by one.
                    let until = shared.env.now_micros() + shared.settings.unreachable.as_micros() as u64;
                    *self.unreachable.borrow_mut() = Some((until, outcome.clone()));
                }
                all(&outcome)
            }
        }
    }
    /// Sends over one connection, as many recipients at a time as its server takes.
    async fn exchange(self: &Rc<Self>, shared: &Shared, mut connection: Connection, order: &Order<'_>) -> Transfer {
        shared.metrics.open.inc();
        let start = shared.env.now_micros();
        let batch = connection
            .session
            .extensions()
            .recipients_max
            .map_or(100, |max| max as usize)
            .clamp(1, 1000);
        let mut whole = Transfer {
            outcomes: Vec::with_capacity(order.chosen.len()),
            was_dead: false,
            was_lost: false,
        };
        for part in order.chosen.chunks(batch) {
            let transfer = transfer(shared, &mut connection, &order.of(part)).await;
            whole.was_dead = transfer.was_dead && whole.outcomes.is_empty();
            // What some have already been sent must be said all the same; the others are deferred then.
            whole.was_lost = transfer.was_lost && whole.outcomes.is_empty();
            whole.outcomes.extend(transfer.outcomes);
            if !connection.session.is_idle() {
                break;
            }
        }
        shared.metrics.open.dec();
        shared
            .metrics
            .transfers
            .observe((shared.env.now_micros() - start) as f64 / 1e6);
        connection.messages += 1;
        self.keep(shared, connection);
        whole
    }
    /// Opens a connection to the first host that lets us in.
    async fn connect(&self, shared: &Shared) -> Result<Connection, Outcome> {
        let dns = shared.env.dns();
        let targets = targets(&*dns, &shared.settings, &self.domain, shared.env.random_u64()).await?;
        let mut last = None;
        for target in &targets {
            match Connection::open(&shared.env, &shared.settings, &shared.tls, target).await {
                Ok(connection) => {
                    shared.metrics.connections.with_label_values(&["opened"]).inc();
                    return Ok(connection);
                }
                Err(error) => {
                    shared.metrics.connections.with_label_values(&["failed"]).inc();
                    last = Some(hopeful(last, outcome_of(target, error)));
                }
            }
        }
        Err(last.unwrap_or_else(|| crate::route::nowhere(true, "4.4.4", "no host to try".to_owned())))
    }
    /// The connection used last, if one waits that is not too old.
    fn idle_connection(&self, shared: &Shared) -> Option<Connection> {
        let now = shared.env.now_micros();
        let idle_micros = shared.settings.idle.as_micros() as u64;
        let mut idle = self.idle.borrow_mut();
        while let Some(connection) = idle.pop() {
            if now.saturating_sub(connection.idle_since_micros) < idle_micros {
                return Some(connection);
            }
        }
        None
    }
    fn keep(self: &Rc<Self>, shared: &Shared, mut connection: Connection) {
        if !connection.session.is_idle() {
            return;
        }
        if connection.messages >= shared.settings.connection_messages_max {
            tokio::task::spawn_local(connection.close());
            return;
        }
        connection.idle_since_micros = shared.env.now_micros();
        self.idle.borrow_mut().push(connection);
        let (this, env, idle) = (Rc::downgrade(self), shared.env.clone(), shared.settings.idle);
        tokio::task::spawn_local(async move {
            env.sleep(idle).await;
            let Some(this) = this.upgrade() else { return };
            let now = env.now_micros();
            let idle_micros = idle.as_micros() as u64;
            let old: Vec<_> = {
                let mut waiting = this.idle.borrow_mut();
                waiting
                    .extract_if(.., |held| now.saturating_sub(held.idle_since_micros) >= idle_micros)
                    .collect()
            };
            for connection in old {
                connection.close().await;
            }
        });
    }
    /// Whether nothing would be lost by forgetting it.
    pub(crate) fn is_unused(self: &Rc<Self>) -> bool {
        Rc::strong_count(self) == 1 && self.idle.borrow().is_empty()
    }
}

fn outcome_of(target: &crate::route::Target, error: OpenError) -> Outcome {
    let attempt = |code, status: String, text: String| Attempt {
        host: target.host.clone(),
        peer: target.address.ip().to_string(),
        code,
        status,
        text,
        relayed_dsn: false,
    };
    match error {
        OpenError::Refused(reply) => {
            let status = reply
                .enhanced
                .as_ref()
                .map(|status| format!("{}.{}.{}", status.0, status.1, status.2));
            let attempt = attempt(
                reply.code,
                status.unwrap_or_else(|| "4.3.2".to_owned()),
                reply.text.clone().into_owned(),
            );
            if reply.is_permanent() {
                Outcome::Bounced(attempt)
            } else {
                Outcome::Deferred(attempt)
            }
        }
        OpenError::Unreachable(text) => Outcome::Deferred(attempt(0, "4.4.1".to_owned(), text)),
        OpenError::Unsafe(text) => Outcome::Deferred(attempt(0, "4.7.5".to_owned(), text)),
    }
}
