//! What callers may rely on, whatever the network does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::{BoxFuture, Env};

use super::*;
use crate::{CallError, NodeId, Service, ServiceId, Stream, StreamError, Transport};

const SERVICE: ServiceId = ServiceId(9);
const WITHIN: Duration = Duration::from_secs(1);
const ONE: NodeId = NodeId(1);
const TWO: NodeId = NodeId(2);

/// Answers with what it was asked; streams go back piece by piece.
#[derive(Default)]
struct Echo {
    calls: AtomicUsize,
}

impl Service for Echo {
    fn call(&self, _: NodeId, payload: Bytes, _: Duration) -> BoxFuture<'_, Bytes> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(payload))
    }
    fn stream(&self, _: NodeId, first: Bytes, mut stream: Stream) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if stream.sender.send(first).await.is_err() {
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

fn pair(seed: u64) -> (SimNetwork, Arc<SimTransport>, Arc<SimTransport>, Arc<Echo>) {
    let network = SimNetwork::new(Env::real(), seed);
    let (one, two) = (network.join(ONE), network.join(TWO));
    let echo = Arc::new(Echo::default());
    two.serve(SERVICE, Arc::<Echo>::clone(&echo));
    (network, one, two, echo)
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_and_an_unknown_service_or_node_is_told_apart() {
    let (network, one, _two, _) = pair(1);
    let hello = Bytes::from_static(b"hello");
    assert_eq!(one.call(TWO, SERVICE, hello.clone(), WITHIN).await, Ok(hello.clone()));
    let refused = one.call(TWO, ServiceId(77), hello.clone(), WITHIN).await;
    assert_eq!(refused, Err(CallError::Refused));
    network.crash(TWO);
    let gone = one.call(TWO, SERVICE, hello, WITHIN).await;
    assert_eq!(gone, Err(CallError::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn a_one_way_cut_loses_the_request_or_only_the_reply() {
    let (network, one, _two, echo) = pair(2);
    network.cut(TWO, ONE);
    assert!(one.call(TWO, SERVICE, Bytes::new(), WITHIN).await.is_err());
    assert_eq!(
        echo.calls.load(Ordering::SeqCst),
        1,
        "the effect is there, the reply is not"
    );
    network.heal_all();
    network.cut(ONE, TWO);
    assert!(one.call(TWO, SERVICE, Bytes::new(), WITHIN).await.is_err());
    assert_eq!(echo.calls.load(Ordering::SeqCst), 1);
    network.heal_all();
    assert!(one.call(TWO, SERVICE, Bytes::new(), WITHIN).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_stream_keeps_its_order_and_ends_well() {
    let (_network, one, _two, _) = pair(3);
    let stream = one.open(TWO, SERVICE, Bytes::from_static(&[0])).await.unwrap();
    let Stream {
        mut sender,
        mut receiver,
    } = stream;
    let writer = tokio::spawn(async move {
        for number in 1..200_u8 {
            sender.send(Bytes::from(vec![number; 10_000])).await.unwrap();
        }
        sender.finish();
    });
    for number in 0..200_u8 {
        assert_eq!(receiver.recv().await.unwrap().unwrap()[0], number);
    }
    assert_eq!(receiver.recv().await, Ok(None));
    writer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_does_not_read_holds_the_sender_back() {
    let (_network, one, _two, _) = pair(4);
    let mut stream = one.open(TWO, SERVICE, Bytes::new()).await.unwrap();
    let mut sent = 0;
    while let Ok(done) = tokio::time::timeout(WITHIN, stream.sender.send(Bytes::from(vec![0; 60_000]))).await {
        done.unwrap();
        sent += 1;
    }
    // The window of each direction, and what the echo has in its hand.
    assert!((4..=13).contains(&sent), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn a_crash_and_a_cut_break_streams() {
    let (network, one, _two, _) = pair(5);
    let mut stream = one.open(TWO, SERVICE, Bytes::new()).await.unwrap();
    stream.receiver.recv().await.unwrap();
    network.crash(TWO);
    assert_eq!(stream.receiver.recv().await, Err(StreamError::Broken));
    let (network, one, _two, _) = pair(6);
    let mut stream = one.open(TWO, SERVICE, Bytes::new()).await.unwrap();
    stream.receiver.recv().await.unwrap();
    network.isolate(TWO);
    stream.sender.send(Bytes::new()).await.unwrap();
    assert_eq!(stream.receiver.recv().await, Err(StreamError::Broken));
}

#[tokio::test(start_paused = true)]
async fn a_seed_repeats_its_run() {
    async fn run(seed: u64) -> Vec<(bool, Duration)> {
        let (network, one, _two, _) = pair(seed);
        network.set_ordinary_link(LinkOptions {
            loss_per_million: 200_000,
            has_outliers: true,
            ..LinkOptions::default()
        });
        let mut history = Vec::new();
        let sleeper = tokio::time::sleep(Duration::ZERO);
        let start = sleeper.deadline();
        for _ in 0..50 {
            let ok = one.call(TWO, SERVICE, Bytes::new(), WITHIN).await.is_ok();
            history.push((ok, tokio::time::sleep(Duration::ZERO).deadline() - start));
        }
        history
    }
    let first = run(7).await;
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
    assert!(first.iter().any(|(ok, _)| *ok) && first.iter().any(|(ok, _)| !ok));
}
