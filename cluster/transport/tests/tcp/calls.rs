//! Calls side by side on one connection.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use hongyan_transport::{CallError, NodeId, ServiceId, Transport, TransportOptions};

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
