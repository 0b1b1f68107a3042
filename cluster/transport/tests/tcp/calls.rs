//! Calls side by side on one connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::BoxFuture;
use hongyan_transport::{CallError, NodeId, Service, ServiceId, Transport, TransportOptions};
use tokio::sync::Semaphore;

use crate::harness::*;

#[tokio::test]
async fn a_call_is_answered_and_each_failure_has_its_name() {
    let (_authority, one, two) = pair().await;
    let call =
        |to, service, payload: &'static [u8]| one.transport.call(to, service, Bytes::from_static(payload), WITHIN);
    assert_eq!(call(TWO, ECHO, b"abc").await.unwrap(), &b"cba"[..]);
    assert_eq!(call(TWO, ECHO, b"").await.unwrap(), &b""[..]);
    assert_eq!(call(TWO, ECHO, b"who").await.unwrap(), &b"1"[..]);
    assert_eq!(call(ONE, ECHO, b"who").await.unwrap(), &b"1"[..]);
    assert_eq!(call(TWO, ServiceId(99), b"").await, Err(CallError::Refused));
    assert_eq!(call(NodeId(5), ECHO, b"").await, Err(CallError::Unreachable));
    assert_eq!(call(TWO, ECHO, b"panic").await, Err(CallError::Unreachable));
    assert_eq!(call(TWO, ECHO, b"grow").await, Err(CallError::TooLarge));
    let short = Duration::from_millis(20);
    let hang = one.transport.call(TWO, ECHO, Bytes::from_static(b"hang"), short);
    assert_eq!(hang.await, Err(CallError::Deadline));
    assert!(one.transport.status(TWO).is_connected);
    assert_eq!(
        two.transport
            .call(ONE, ECHO, Bytes::from_static(b"who"), WITHIN)
            .await
            .unwrap(),
        &b"2"[..]
    );
}

#[tokio::test]
async fn long_payloads_arrive_whole_and_short_calls_pass_them() {
    let (_authority, one, _two) = pair().await;
    let long: Bytes = (0..12_000_000_u32).map(|number| (number % 251) as u8).collect();
    let back: Bytes = long.iter().rev().copied().collect();
    let many = (0..3).map(|_| one.transport.call(TWO, ECHO, long.clone(), WITHIN));
    let many = futures_util::future::join_all(many);
    let short = async {
        for _ in 0..50 {
            one.transport
                .call(TWO, ECHO, Bytes::from_static(b"x"), WITHIN)
                .await
                .unwrap();
        }
    };
    let (replies, ()) = tokio::join!(many, short);
    assert!(replies.iter().all(|reply| reply.as_ref() == Ok(&back)));
    let too_long = Bytes::from(vec![0; (16 << 20) + 1]);
    let refused = one.transport.call(TWO, ECHO, too_long, WITHIN).await;
    assert_eq!(refused, Err(CallError::TooLarge));
}

#[tokio::test]
async fn calls_do_not_wait_for_each_other_and_their_number_is_bounded() {
    let authority = Authority::new("test");
    let narrow = TransportOptions {
        calls_max: 10,
        served_max: 6,
        ..options()
    };
    let one = start_with(&authority, ONE, 1, narrow.clone()).await;
    let two = start_with(&authority, TWO, 1, narrow).await;
    introduce(&one, &two);
    let hang = || one.transport.call(TWO, ECHO, Bytes::from_static(b"hang"), WITHIN);
    let mut hanging = Vec::new();
    for at in 0..6 {
        let mut call = hang();
        while two.echo.calls.load(Ordering::SeqCst) <= at {
            assert!(futures_util::poll!(&mut call).is_pending());
            tokio::task::yield_now().await;
        }
        hanging.push(call);
    }
    // The other node serves no more than six of ours; here no more than ten may wait.
    assert_eq!(hang().await, Err(CallError::Overloaded));
    drop(hanging);
    assert_eq!(
        one.transport
            .call(ONE, ECHO, Bytes::from_static(b"ab"), WITHIN)
            .await
            .unwrap(),
        &b"ba"[..]
    );
}

/// Never answers; says when it begins and when it is dropped.
struct Patient {
    is_revocable: bool,
    begun: Arc<Semaphore>,
    dropped: Arc<Semaphore>,
}

/// Adds a permit at its end.
struct Ending(Arc<Semaphore>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Service for Patient {
    fn call(&self, _: NodeId, _: Bytes, _: Duration) -> BoxFuture<'_, Bytes> {
        self.begun.add_permits(1);
        let ending = Ending(Arc::clone(&self.dropped));
        Box::pin(async move {
            let _ending = ending;
            std::future::pending().await
        })
    }
    fn is_revocable(&self) -> bool {
        self.is_revocable
    }
}

#[tokio::test]
async fn who_is_asked_hears_that_the_caller_has_given_up() {
    let (_authority, one, two) = pair().await;
    let (begun, dropped) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    for (id, is_revocable) in [(50, true), (51, false)] {
        let service = Patient {
            is_revocable,
            begun: Arc::clone(&begun),
            dropped: Arc::clone(&dropped),
        };
        two.transport.serve(ServiceId(id), Arc::new(service));
    }
    for service in [51, 50] {
        let call = one.transport.call(TWO, ServiceId(service), Bytes::new(), WITHIN);
        let (call, aborted) = futures_util::future::abortable(call);
        let give_up = async {
            begun.acquire().await.unwrap().forget();
            aborted.abort();
        };
        assert!(tokio::join!(call, give_up).0.is_err());
    }
    dropped.acquire().await.unwrap().forget();
    // The one that may not be dropped early goes on, though it was given up first.
    assert_eq!(dropped.available_permits(), 0);
    assert!(one.transport.status(TWO).is_connected);
    let echoed = one.transport.call(TWO, ECHO, Bytes::from_static(b"ab"), WITHIN).await;
    assert_eq!(echoed.unwrap(), &b"ba"[..]);
}
