//! The nodes of a simulated network, and calls between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::{BoxFuture, Env};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use super::link::{Dice, LinkOptions};
use super::pipe;
use crate::{CallError, NodeId, Service, ServiceId, Stream, Transport};

/// Payloads above this are refused, as the real transport does.
const PAYLOAD_OCTETS_MAX: usize = 16 << 20;

/// The network. Clones share it.
#[derive(Clone)]
pub struct SimNetwork(Arc<Inner>);

struct Inner {
    env: Env,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    nodes: BTreeMap<NodeId, Arc<Host>>,
    ordinary: LinkOptions,
    links: BTreeMap<(NodeId, NodeId), LinkOptions>,
    cuts: BTreeSet<(NodeId, NodeId)>,
}

/// One life of a node: gone after a crash, new after a restart.
pub(super) struct Host {
    node: NodeId,
    services: Mutex<BTreeMap<ServiceId, Arc<dyn Service>>>,
    tasks: mpsc::UnboundedSender<BoxFuture<'static, ()>>,
    has_crashed: AtomicBool,
    crashed: Notify,
}

impl Host {
    fn is_alive(&self) -> bool {
        !self.has_crashed.load(Ordering::SeqCst)
    }
    /// Resolves when this life ends.
    pub(super) async fn ended(&self) {
        let crashed = self.crashed.notified();
        tokio::pin!(crashed);
        // Heard from now on, so that a crash between the look and the wait is not missed.
        crashed.as_mut().enable();
        if self.is_alive() {
            crashed.await;
        }
    }
    /// Runs `task` until it ends or the node crashes.
    pub(super) fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let host = Arc::clone(self);
        let task = Box::pin(async move {
            tokio::select! {
                biased;
                () = host.ended() => {}
                () = task => {}
            }
        });
        // What ran them may be gone with the node: then the task goes too, as in a crash.
        let _ = self.tasks.send(task);
    }
    fn service(&self, id: ServiceId) -> Option<Arc<dyn Service>> {
        self.services.lock().get(&id).cloned()
    }
}

/// What happens to one message between two nodes.
pub(super) enum Passage {
    /// Arrives after so long.
    After(Duration),
    /// Never arrives.
    Lost,
}

impl SimNetwork {
    /// A network without nodes. `env` gives the time; all choices come from `seed`.
    #[must_use]
    pub fn new(env: Env, seed: u64) -> Self {
        Self(Arc::new(Inner {
            env,
            state: Mutex::new(State {
                dice: Dice::new(seed),
                nodes: BTreeMap::new(),
                ordinary: LinkOptions::default(),
                links: BTreeMap::new(),
                cuts: BTreeSet::new(),
            }),
        }))
    }
    /// Starts a life of `node` whose services run on the present runtime; an earlier one crashes.
    #[must_use]
    pub fn join(&self, node: NodeId) -> Arc<SimTransport> {
        let (transport, mut tasks) = self.start(node);
        tokio::spawn(async move {
            while let Some(task) = tasks.recv().await {
                tokio::spawn(task);
            }
        });
        transport
    }
    /// As [`Self::join`], with the services on the `tokio::task::LocalSet` of the caller, where entities of one thread live.
    #[must_use]
    pub fn join_local(&self, node: NodeId) -> Arc<SimTransport> {
        let (transport, mut tasks) = self.start(node);
        tokio::task::spawn_local(async move {
            while let Some(task) = tasks.recv().await {
                tokio::task::spawn_local(task);
            }
        });
        transport
    }
    /// A second process that says it is `node`, which lives on: it can call, and nobody calls it, as the address book of the
    /// others names the first.
    #[must_use]
    pub fn join_uncalled(&self, node: NodeId) -> Arc<SimTransport> {
        // Nothing is ever given to it to serve.
        self.new_host(node).0
    }
    fn start(&self, node: NodeId) -> (Arc<SimTransport>, mpsc::UnboundedReceiver<BoxFuture<'static, ()>>) {
        self.crash(node);
        let (transport, receiver) = self.new_host(node);
        self.0.state.lock().nodes.insert(node, Arc::clone(&transport.host));
        (transport, receiver)
    }
    fn new_host(&self, node: NodeId) -> (Arc<SimTransport>, mpsc::UnboundedReceiver<BoxFuture<'static, ()>>) {
        let (tasks, receiver) = mpsc::unbounded_channel();
        let host = Arc::new(Host {
            node,
            services: Mutex::default(),
            tasks,
            has_crashed: AtomicBool::new(false),
            crashed: Notify::new(),
        });
        let transport = SimTransport {
            network: self.clone(),
            host,
        };
        (Arc::new(transport), receiver)
    }
    /// Ends the present life of `node`: its services stop where they stand, its calls and streams break.
    pub fn crash(&self, node: NodeId) {
        let gone = self.0.state.lock().nodes.remove(&node);
        if let Some(host) = gone {
            host.has_crashed.store(true, Ordering::SeqCst);
            host.crashed.notify_waiters();
            host.services.lock().clear();
        }
    }
    /// What links are like unless set otherwise.
    pub fn set_ordinary_link(&self, link: LinkOptions) {
        self.0.state.lock().ordinary = link;
    }
    /// What the way from `from` to `to` is like; `None` makes it ordinary again.
    pub fn set_link(&self, from: NodeId, to: NodeId, link: Option<LinkOptions>) {
        let links = &mut self.0.state.lock().links;
        match link {
            Some(link) => links.insert((from, to), link),
            None => links.remove(&(from, to)),
        };
    }
    /// Nothing passes from `from` to `to` any more; the other way is as it was.
    pub fn cut(&self, from: NodeId, to: NodeId) {
        self.0.state.lock().cuts.insert((from, to));
    }
    /// Nothing passes between `node` and the others.
    pub fn isolate(&self, node: NodeId) {
        let mut state = self.0.state.lock();
        let others: Vec<NodeId> = state.nodes.keys().copied().filter(|other| *other != node).collect();
        for other in others {
            state.cuts.insert((node, other));
            state.cuts.insert((other, node));
        }
    }
    /// Mends the way from `from` to `to`.
    pub fn heal(&self, from: NodeId, to: NodeId) {
        self.0.state.lock().cuts.remove(&(from, to));
    }
    /// Mends every cut.
    pub fn heal_all(&self) {
        self.0.state.lock().cuts.clear();
    }
    pub(super) fn env(&self) -> &Env {
        &self.0.env
    }
    /// Whether something may pass from `from` to `to` now.
    pub(super) fn is_open(&self, from: NodeId, to: NodeId) -> bool {
        !self.0.state.lock().cuts.contains(&(from, to))
    }
    pub(super) fn passage(&self, from: NodeId, to: NodeId, octets: usize) -> Passage {
        let state = &mut *self.0.state.lock();
        if state.cuts.contains(&(from, to)) {
            return Passage::Lost;
        }
        if from == to {
            return Passage::After(Duration::ZERO);
        }
        let link = state.links.get(&(from, to)).unwrap_or(&state.ordinary);
        if state.dice.is_lost(link) {
            return Passage::Lost;
        }
        Passage::After(state.dice.delay(link, octets))
    }
    fn host(&self, node: NodeId) -> Option<Arc<Host>> {
        self.0.state.lock().nodes.get(&node).cloned()
    }
    /// Lets one message pass, or never returns.
    async fn pass(&self, from: NodeId, to: NodeId, octets: usize) -> Result<(), CallError> {
        match self.passage(from, to, octets) {
            Passage::After(delay) => self.0.env.sleep(delay).await,
            Passage::Lost => self.lose().await?,
        }
        Ok(())
    }
    /// A broken connection is noticed sometimes, soon; else the deadline tells.
    async fn lose(&self) -> Result<(), CallError> {
        let noticed = {
            let dice = &mut self.0.state.lock().dice;
            (dice.below(2) == 0).then(|| Duration::from_millis(dice.below(1000)))
        };
        match noticed {
            Some(delay) => self.0.env.sleep(delay).await,
            None => std::future::pending().await,
        }
        Err(CallError::Unreachable)
    }
}

/// One node's way into a [`SimNetwork`].
pub struct SimTransport {
    network: SimNetwork,
    host: Arc<Host>,
}

impl SimTransport {
    async fn exchange(
        &self,
        to: NodeId,
        service: ServiceId,
        payload: Bytes,
        within: Duration,
    ) -> Result<Bytes, CallError> {
        let from = self.host.node;
        self.network.pass(from, to, payload.len()).await?;
        let peer = self.network.host(to).ok_or(CallError::Unreachable)?;
        let Some(handler) = peer.service(service) else {
            self.network.pass(to, from, 0).await?;
            return Err(CallError::Refused);
        };
        let (sender, receiver) = tokio::sync::oneshot::channel();
        // A task of its own: the caller may give up, the other node does not hear of it.
        peer.spawn(async move {
            let _ = sender.send(handler.call(from, payload, within).await);
        });
        let reply = receiver.await.map_err(|_| CallError::Unreachable)?;
        if reply.len() > PAYLOAD_OCTETS_MAX {
            return Err(CallError::TooLarge);
        }
        self.network.pass(to, from, reply.len()).await?;
        Ok(reply)
    }
    async fn connect(&self, to: NodeId, service: ServiceId, payload: Bytes) -> Result<Stream, CallError> {
        let from = self.host.node;
        self.network.pass(from, to, payload.len()).await?;
        let peer = self.network.host(to).ok_or(CallError::Unreachable)?;
        let handler = peer.service(service).ok_or(CallError::Refused)?;
        let (ours, theirs) = pipe::connect(&self.network, &self.host, &peer);
        peer.spawn(async move { handler.stream(from, payload, theirs).await });
        Ok(ours)
    }
}

impl Transport for SimTransport {
    fn node(&self) -> NodeId {
        self.host.node
    }
    fn call(
        &self,
        to: NodeId,
        service: ServiceId,
        payload: Bytes,
        within: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>> {
        Box::pin(async move {
            if payload.len() > PAYLOAD_OCTETS_MAX {
                return Err(CallError::TooLarge);
            }
            let exchange = async {
                tokio::select! {
                    biased;
                    () = self.host.ended() => Err(CallError::Unreachable),
                    reply = self.exchange(to, service, payload, within) => reply,
                }
            };
            let reply = self.network.env().timeout(within, exchange).await;
            reply.unwrap_or(Err(CallError::Deadline))
        })
    }
    fn open(&self, to: NodeId, service: ServiceId, payload: Bytes) -> BoxFuture<'_, Result<Stream, CallError>> {
        /// How long an opening may take, as the real transport bounds its connecting.
        const OPEN_WITHIN: Duration = Duration::from_secs(5);
        Box::pin(async move {
            let opening = async {
                tokio::select! {
                    biased;
                    () = self.host.ended() => Err(CallError::Unreachable),
                    stream = self.connect(to, service, payload) => stream,
                }
            };
            let opened = self.network.env().timeout(OPEN_WITHIN, opening).await;
            opened.unwrap_or(Err(CallError::Unreachable))
        })
    }
    fn serve(&self, id: ServiceId, service: Arc<dyn Service>) {
        if self.host.is_alive() {
            self.host.services.lock().insert(id, service);
        }
    }
}

impl Host {
    pub(super) fn node(&self) -> NodeId {
        self.node
    }
}
