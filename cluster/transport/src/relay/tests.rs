//! Three nodes of a simulated network, two of which are cut from each other.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::{BoxFuture, Env, SimulatedHost, SimulatedNetwork, ZoneDns};
use parking_lot::Mutex;

use super::*;
use crate::{CallError, NodeId, Service, ServiceId, SimNetwork, Stream, StreamError, Transport};

const SERVICE: ServiceId = ServiceId(9);
const ONE: NodeId = NodeId(1);
const TWO: NodeId = NodeId(2);
const THREE: NodeId = NodeId(3);
const LONG: Duration = Duration::from_secs(60);
/// What the promise leaves of two seconds when the callers' own pauses are taken off.
const SOON: Duration = Duration::from_millis(1_500);

/// Answers who asks; counts how often what was asked.
#[derive(Default)]
struct Clerk(Mutex<Vec<Bytes>>);

impl Service for Clerk {
    fn call(&self, from: NodeId, payload: Bytes, within: Duration) -> BoxFuture<'_, Bytes> {
        assert!(within <= LONG);
        self.0.lock().push(payload);
        Box::pin(std::future::ready(Bytes::from(from.to_string())))
    }
    fn stream(&self, from: NodeId, payload: Bytes, mut stream: Stream) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let head = [from.to_string().as_bytes(), &payload].concat();
            if stream.sender.send(head.into()).await.is_err() {
                return;
            }
            while let Ok(Some(piece)) = stream.receiver.recv().await {
                if stream.sender.send(piece).await.is_err() {
                    return;
                }
            }
            stream.sender.finish();
        })
    }
}

struct Trio {
    network: SimNetwork,
    nodes: Vec<Arc<RelayTransport>>,
    clerks: Vec<Arc<Clerk>>,
}

impl Trio {
    fn new(seed: u64) -> Self {
        let network = SimNetwork::new(env(), seed);
        let (mut nodes, mut clerks) = (Vec::new(), Vec::new());
        for node in [ONE, TWO, THREE] {
            let relay = RelayTransport::start(env(), network.join(node), RelayOptions::default());
            let clerk = Arc::new(Clerk::default());
            relay.serve(SERVICE, Arc::<Clerk>::clone(&clerk));
            nodes.push(relay);
            clerks.push(clerk);
        }
        Self { network, nodes, clerks }
    }
    async fn ask(
        &self,
        from: NodeId,
        to: NodeId,
        payload: &'static [u8],
        within: Duration,
    ) -> Result<Bytes, CallError> {
        let index = usize::try_from(from.0 - 1).unwrap();
        self.nodes[index]
            .call(to, SERVICE, Bytes::from_static(payload), within)
            .await
    }
    /// As members do: everybody has something to say to everybody, all the time.
    fn chat(&self) {
        for from in self.nodes.clone() {
            for to in [ONE, TWO, THREE].into_iter().filter(|to| *to != from.node()) {
                let from = Arc::clone(&from);
                tokio::spawn(async move {
                    loop {
                        let within = Duration::from_millis(200);
                        let _ = from.call(to, SERVICE, Bytes::from_static(b"chat"), within).await;
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                });
            }
        }
    }
    /// Asks until there is an answer; how long that took.
    async fn ask_until_answered(&self, from: NodeId, to: NodeId) -> Duration {
        let clock = env();
        while self.ask(from, to, b"again", LONG).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Duration::from_micros(clock.now_micros())
    }
}

/// A clock that goes with the runtime's.
fn env() -> Env {
    Env::simulated(SimulatedHost {
        network: SimulatedNetwork::new(1),
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        seed: 1,
        clock_rate_ppm: 0,
        wall_ahead_millis: 0,
        dns: Arc::new(ZoneDns::default()),
    })
}

async fn pass(span: Duration) {
    tokio::time::sleep(span).await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_between_two_is_gone_round_whichever_way_it_cuts() {
    for (seed, cuts) in [
        (1, vec![(ONE, TWO), (TWO, ONE)]),
        (2, vec![(ONE, TWO)]),
        (3, vec![(TWO, ONE)]),
    ] {
        let trio = Trio::new(seed);
        trio.chat();
        pass(Duration::from_secs(3)).await;
        for (from, to) in cuts {
            trio.network.cut(from, to);
        }
        for (from, to) in [(ONE, TWO), (TWO, ONE)] {
            let took = trio.ask_until_answered(from, to).await;
            assert!(took < SOON, "{from} to {to} took {took:?}, seed {seed}");
            let who = trio.ask(from, to, b"who", LONG).await.unwrap();
            assert_eq!(who, from.to_string(), "it hears who asks, not who carries");
        }
        trio.network.heal_all();
        pass(Duration::from_secs(10)).await;
        for (node, other) in [(0, TWO), (1, ONE)] {
            assert!(!trio.nodes[node].is_detour(other), "the direct way is taken again");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_calls_one_other_alone_knows_whom_to_ask() {
    let trio = Trio::new(10);
    for node in &trio.nodes {
        node.know(&[ONE, TWO, THREE]);
    }
    pass(Duration::from_secs(3)).await;
    trio.ask_until_answered(ONE, TWO).await;
    trio.network.cut(ONE, TWO);
    trio.network.cut(TWO, ONE);
    let took = trio.ask_until_answered(ONE, TWO).await;
    assert!(took < SOON, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_waits_on_a_cut_way_is_told_and_not_repeated() {
    let trio = Trio::new(4);
    trio.chat();
    pass(Duration::from_secs(1)).await;
    // Only the reply is lost: the effect is there.
    trio.network.cut(TWO, ONE);
    let clock = env();
    assert_eq!(trio.ask(ONE, TWO, b"once", LONG).await, Err(CallError::Unreachable));
    assert!(Duration::from_micros(clock.now_micros()) < SOON);
    let asked = trio.clerks[1]
        .0
        .lock()
        .iter()
        .filter(|payload| &payload[..] == b"once")
        .count();
    assert_eq!(asked, 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_down_is_told_of_as_ever() {
    let trio = Trio::new(5);
    trio.chat();
    pass(Duration::from_secs(1)).await;
    trio.network.crash(TWO);
    assert_eq!(trio.ask(ONE, TWO, b"", LONG).await, Err(CallError::Unreachable));
    pass(Duration::from_secs(5)).await;
    assert_eq!(trio.ask(ONE, TWO, b"", LONG).await, Err(CallError::Unreachable));
    assert!(!trio.nodes[0].is_detour(TWO));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_there_is_told_of_through_another_node_too() {
    let trio = Trio::new(6);
    trio.chat();
    trio.network.cut(ONE, TWO);
    trio.ask_until_answered(ONE, TWO).await;
    let refused = trio.nodes[0].call(TWO, ServiceId(77), Bytes::new(), LONG).await;
    assert_eq!(refused, Err(CallError::Refused));
}

#[tokio::test(start_paused = true)]
async fn streams_break_with_the_way_and_open_round_the_cut_and_come_back() {
    let trio = Trio::new(7);
    trio.chat();
    let open = || trio.nodes[0].open(TWO, SERVICE, Bytes::from_static(b"-topic"));
    let mut stream = open().await.unwrap();
    assert_eq!(stream.receiver.recv().await.unwrap().unwrap(), &b"1-topic"[..]);
    trio.network.cut(ONE, TWO);
    let clock = env();
    assert_eq!(stream.receiver.recv().await, Err(StreamError::Broken));
    assert!(stream.sender.send(Bytes::new()).await.is_err());
    assert!(Duration::from_micros(clock.now_micros()) < SOON);
    let mut stream = open().await.unwrap();
    assert_eq!(stream.receiver.recv().await.unwrap().unwrap(), &b"1-topic"[..]);
    for number in 0..100_u8 {
        stream.sender.send(Bytes::from(vec![number; 30_000])).await.unwrap();
        assert_eq!(stream.receiver.recv().await.unwrap().unwrap()[0], number);
    }
    trio.network.heal_all();
    assert_eq!(
        stream.receiver.recv().await,
        Err(StreamError::Broken),
        "the direct way is better"
    );
    let Stream { sender, mut receiver } = open().await.unwrap();
    assert_eq!(receiver.recv().await.unwrap().unwrap(), &b"1-topic"[..]);
    pass(Duration::from_secs(10)).await;
    sender.finish();
    assert_eq!(receiver.recv().await, Ok(None), "and stays");
}

#[tokio::test(start_paused = true)]
async fn a_stream_through_another_node_ends_well() {
    let trio = Trio::new(8);
    trio.chat();
    trio.network.cut(TWO, ONE);
    trio.ask_until_answered(ONE, TWO).await;
    let Stream {
        mut sender,
        mut receiver,
    } = trio.nodes[0].open(TWO, SERVICE, Bytes::new()).await.unwrap();
    sender.send(Bytes::from_static(b"last")).await.unwrap();
    sender.finish();
    assert_eq!(receiver.recv().await.unwrap().unwrap(), &b"1"[..]);
    assert_eq!(receiver.recv().await.unwrap().unwrap(), &b"last"[..]);
    assert_eq!(receiver.recv().await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_node_of_a_release_without_relaying_carries_nothing_and_is_called_as_ever() {
    let network = SimNetwork::new(env(), 9);
    let one = RelayTransport::start(env(), network.join(ONE), RelayOptions::default());
    let two = RelayTransport::start(env(), network.join(TWO), RelayOptions::default());
    // It knows nothing of service 6.
    let three = network.join(THREE);
    let clerk = Arc::new(Clerk::default());
    two.serve(SERVICE, Arc::<Clerk>::clone(&clerk));
    three.serve(SERVICE, clerk);
    let ask = |to| one.call(to, SERVICE, Bytes::new(), Duration::from_millis(200));
    for _ in 0..30 {
        assert_eq!(ask(TWO).await.unwrap(), "1");
        assert_eq!(ask(THREE).await.unwrap(), "1");
        pass(Duration::from_millis(100)).await;
    }
    network.cut(ONE, TWO);
    for _ in 0..30 {
        assert!(ask(TWO).await.is_err());
        assert_eq!(ask(THREE).await.unwrap(), "1");
    }
    assert!(!one.is_detour(TWO));
    network.heal_all();
    assert_eq!(ask(TWO).await.unwrap(), "1");
}
