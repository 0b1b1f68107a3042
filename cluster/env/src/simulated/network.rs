//! The network: links with their delays and interruptions, listening sockets, connections.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Notify;

use super::pipe::Pipe;
use super::{SimulatedListener, SimulatedStream};

/// Octets that a connection holds in each direction before its writer waits.
const WINDOW_OCTETS: usize = 64 * 1024;
/// First port that is handed out to those who do not care.
const EPHEMERAL_PORT_FIRST: u16 = 49_152;

/// How long octets travel: each time by chance between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// At least.
    pub micros_min: u64,
    /// At most.
    pub micros_max: u64,
}

/// The network between simulated hosts. Clones share it.
#[derive(Clone)]
pub struct SimulatedNetwork {
    pub(super) state: Arc<Mutex<State>>,
    /// Told whenever a link opens.
    pub(super) opened: Arc<Notify>,
}

pub(super) struct Listening {
    pub(super) waiting: VecDeque<SimulatedStream>,
    pub(super) waker: Option<Waker>,
}

pub(super) struct State {
    start: tokio::time::Instant,
    random: StdRng,
    latency: Latency,
    window_octets: usize,
    /// Reads that get only part of what is there, in cases of a thousand.
    fragment_per_mille: u32,
    blocked: BTreeSet<(IpAddr, IpAddr)>,
    pub(super) listening: BTreeMap<SocketAddr, Listening>,
    pub(super) pipes: BTreeMap<u64, Pipe>,
    next_pipe: u64,
    next_port: u16,
    digest: DefaultHasher,
    segments: u64,
}

impl SimulatedNetwork {
    /// A network without hosts, where everything takes between 0 and 2 ms. Must be called inside the runtime of the simulation, whose time it takes as its own.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the seam itself: tokio's time, which simulation pauses"
    )]
    pub fn new(seed: u64) -> Self {
        let state = State {
            start: tokio::time::Instant::now(),
            random: StdRng::seed_from_u64(seed),
            latency: Latency {
                micros_min: 0,
                micros_max: 2000,
            },
            window_octets: WINDOW_OCTETS,
            fragment_per_mille: 0,
            blocked: BTreeSet::new(),
            listening: BTreeMap::new(),
            pipes: BTreeMap::new(),
            next_pipe: 0,
            next_port: EPHEMERAL_PORT_FIRST,
            digest: DefaultHasher::new(),
            segments: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            opened: Arc::default(),
        }
    }
    /// From now on octets travel so long.
    pub fn set_latency(&self, latency: Latency) {
        self.state.lock().latency = latency;
    }
    /// From now on a writer waits when so many octets are under way.
    pub fn set_window(&self, octets: usize) {
        self.state.lock().window_octets = octets.max(1);
    }
    /// From now on so many reads of a thousand get only part of what has arrived.
    pub fn set_fragments(&self, per_mille: u32) {
        self.state.lock().fragment_per_mille = per_mille;
    }
    /// Nothing passes from one host to the other until [`Self::open`] or [`Self::heal`]; nothing is lost either.
    pub fn block(&self, from: IpAddr, to: IpAddr) {
        self.state.lock().blocked.insert((from, to));
    }
    /// Ends one [`Self::block`].
    pub fn open(&self, from: IpAddr, to: IpAddr) {
        let mut state = self.state.lock();
        state.blocked.remove(&(from, to));
        state.wake_all();
        self.opened.notify_waiters();
    }
    /// Opens all links.
    pub fn heal(&self) {
        let mut state = self.state.lock();
        state.blocked.clear();
        state.wake_all();
        self.opened.notify_waiters();
    }
    /// Whether octets pass from one host to the other.
    #[must_use]
    pub fn is_open(&self, from: IpAddr, to: IpAddr) -> bool {
        !self.state.lock().blocked.contains(&(from, to))
    }
    /// Resets every connection that has an end at `host`; how many that were.
    pub fn cut_host(&self, host: IpAddr) -> usize {
        self.cut(|from, to| from.ip() == host || to.ip() == host)
    }
    /// Resets the connections with such ends, named from either side; how many that were.
    pub fn cut(&self, chosen: impl Fn(SocketAddr, SocketAddr) -> bool) -> usize {
        let mut state = self.state.lock();
        let mut count = 0;
        for pipe in state.pipes.values_mut() {
            if !pipe.is_reset && (chosen(pipe.from, pipe.to) || chosen(pipe.to, pipe.from)) {
                pipe.reset();
                count += 1;
            }
        }
        count / 2
    }
    /// Socket pairs alive.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.lock().pipes.len().div_ceil(2)
    }
    /// The number of segments sent so far, and a hash of all of them with their times: equal runs have equal digests.
    #[must_use]
    pub fn digest(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.segments, state.digest.finish())
    }

    pub(crate) fn listen(&self, mut address: SocketAddr) -> io::Result<SimulatedListener> {
        let mut state = self.state.lock();
        if address.port() == 0 {
            address.set_port(state.port());
        }
        if state.listening.contains_key(&address) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        state.listening.insert(
            address,
            Listening {
                waiting: VecDeque::new(),
                waker: None,
            },
        );
        Ok(SimulatedListener::new(self.clone(), address))
    }
    pub(crate) async fn connect(&self, from: SocketAddr, to: SocketAddr) -> io::Result<SimulatedStream> {
        let there = self.pass(from.ip(), to.ip());
        there.await;
        let connected = {
            let mut state = self.state.lock();
            state.connect(self, from, to)
        };
        self.pass(to.ip(), from.ip()).await;
        connected
    }
    /// Waits as a packet does that goes from one host to the other.
    async fn pass(&self, from: IpAddr, to: IpAddr) {
        loop {
            let opened = self.opened.notified();
            let latency = {
                let mut state = self.state.lock();
                (!state.blocked.contains(&(from, to))).then(|| state.latency())
            };
            let Some(micros) = latency else {
                opened.await;
                continue;
            };
            if micros > 0 {
                tokio::time::sleep(Duration::from_micros(micros)).await;
            }
            return;
        }
    }
}

impl State {
    pub(super) fn now_micros(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
    pub(super) fn instant(&self, micros: u64) -> tokio::time::Instant {
        self.start + Duration::from_micros(micros)
    }
    fn latency(&mut self) -> u64 {
        let Latency { micros_min, micros_max } = self.latency;
        self.random.random_range(micros_min..=micros_max.max(micros_min))
    }
    pub(super) fn is_blocked(&self, pipe: &Pipe) -> bool {
        self.blocked.contains(&(pipe.from.ip(), pipe.to.ip()))
    }
    fn wake_all(&mut self) {
        for pipe in self.pipes.values_mut() {
            pipe.wake();
        }
    }
    fn port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(EPHEMERAL_PORT_FIRST);
        port
    }
    fn connect(
        &mut self,
        network: &SimulatedNetwork,
        mut from: SocketAddr,
        to: SocketAddr,
    ) -> io::Result<SimulatedStream> {
        if !self.listening.contains_key(&to) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        if from.port() == 0 {
            from.set_port(self.port());
        }
        let (there, back) = (self.next_pipe, self.next_pipe + 1);
        self.next_pipe += 2;
        self.pipes.insert(there, Pipe::new(from, to));
        self.pipes.insert(back, Pipe::new(to, from));
        let server = SimulatedStream::new(network.clone(), there, back, to, from);
        if let Some(listening) = self.listening.get_mut(&to) {
            listening.waiting.push_back(server);
            if let Some(waker) = listening.waker.take() {
                waker.wake();
            }
        }
        Ok(SimulatedStream::new(network.clone(), back, there, from, to))
    }
    /// Puts octets on their way; how many, 0 when there is no room.
    pub(super) fn send(&mut self, number: u64, bytes: &[u8]) -> usize {
        let (now, latency, window) = (self.now_micros(), self.latency(), self.window_octets);
        let Some(pipe) = self.pipes.get_mut(&number) else {
            return bytes.len();
        };
        let count = bytes.len().min(window.saturating_sub(pipe.queued));
        if count == 0 {
            return 0;
        }
        let due_micros = pipe.arrival(now, latency);
        let sent = bytes.get(..count).unwrap_or_default();
        (due_micros, pipe.from, pipe.to, sent).hash(&mut self.digest);
        self.segments += 1;
        pipe.queued += count;
        pipe.segments.push_back(super::pipe::Segment {
            due_micros,
            bytes: sent.iter().copied().collect(),
        });
        if let Some(reader) = pipe.reader.take() {
            reader.wake();
        }
        count
    }
    /// Lets the end of the stream follow what was sent.
    pub(super) fn end(&mut self, number: u64) {
        let (now, latency) = (self.now_micros(), self.latency());
        if let Some(pipe) = self.pipes.get_mut(&number)
            && pipe.end_micros.is_none()
        {
            let due = pipe.arrival(now, latency);
            pipe.end_micros = Some(due);
            pipe.wake();
        }
    }
    /// How much of `available` octets a read gets.
    pub(super) fn portion(&mut self, available: usize) -> usize {
        if available > 1 && self.fragment_per_mille > 0 && self.random.random_range(0..1000) < self.fragment_per_mille {
            self.random.random_range(1..available)
        } else {
            available
        }
    }
}
