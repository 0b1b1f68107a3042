//! Nodes that go away, come back, or fall silent.

use std::time::Duration;

use bytes::Bytes;
use hongyan_env::Env;
use hongyan_transport::{CallError, Transport, TransportOptions};
use tokio::io::AsyncWriteExt;

use crate::harness::*;

const HI: Bytes = Bytes::from_static(b"hi");

/// Calls until there is an answer.
async fn call_until_answered(node: &Node) {
    while node.transport.call(TWO, ECHO, HI, WITHIN).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_node_that_restarts_is_dialled_again() {
    let (authority, one, two) = pair().await;
    call_until_answered(&one).await;
    let address = two.address;
    let hang = one.transport.call(TWO, ECHO, Bytes::from_static(b"hang"), WITHIN);
    let restart = async {
        use std::sync::atomic::Ordering;
        while two.echo.calls.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        two.transport.stop();
    };
    let (broken, ()) = tokio::join!(hang, restart);
    assert_eq!(broken, Err(CallError::Unreachable));
    drop(two);
    let two = start_on(&authority, TWO, 2, options(), address).await;
    call_until_answered(&one).await;
    assert!(one.transport.status(TWO).is_connected);
    drop(two);
}

#[tokio::test]
async fn a_node_that_calls_is_back_and_dialled_at_once() {
    let patient = || TransportOptions {
        backoff_min: Duration::from_secs(3600),
        backoff_max: Duration::from_secs(3600),
        ..options()
    };
    let authority = Authority::new("test");
    let one = start_with(&authority, ONE, 1, patient()).await;
    let gone = start(&authority, TWO).await;
    let address = gone.address;
    gone.transport.stop();
    drop(gone);
    one.transport.set_address(TWO, address);
    let call = || one.transport.call(TWO, ECHO, HI, WITHIN);
    while call().await.is_ok() {
        tokio::task::yield_now().await;
    }
    let two = start_on(&authority, TWO, 2, options(), address).await;
    assert_eq!(call().await, Err(CallError::Unreachable));
    two.transport.set_address(ONE, one.address);
    two.transport.call(ONE, ECHO, HI, WITHIN).await.unwrap();
    call().await.unwrap();
}

#[tokio::test]
async fn a_node_that_moved_is_found_at_its_new_address() {
    let (authority, one, two) = pair().await;
    call_until_answered(&one).await;
    let moved = start_with(&authority, TWO, 2, options()).await;
    one.transport.set_address(TWO, moved.address);
    call_until_answered(&one).await;
    drop(two);
    call_until_answered(&one).await;
}

#[tokio::test]
async fn a_silent_node_is_given_up_long_before_the_deadline() {
    let authority = Authority::new("test");
    let impatient = TransportOptions {
        ping_every: Duration::from_millis(20),
        dead_after: Duration::from_millis(500),
        ..options()
    };
    let one = start_with(&authority, ONE, 1, impatient).await;
    let two = start(&authority, TWO).await;
    let link = Link::to(two.address).await;
    one.transport.set_address(TWO, link.address);
    call_until_answered(&one).await;
    let mut stream = one.transport.open(TWO, ECHO, HI).await.unwrap();
    stream.receiver.recv().await.unwrap();
    link.silence();
    let lost = one.transport.call(TWO, ECHO, HI, Duration::from_secs(3600)).await;
    assert_eq!(lost, Err(CallError::Unreachable));
    assert!(stream.receiver.recv().await.is_err());
    let said = one.transport.status(TWO).last_error;
    assert_eq!(said.as_deref(), Some("the other node is silent"));
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_opened_again() {
    let authority = Authority::new("test");
    let brief = TransportOptions {
        ping_every: Duration::from_millis(5),
        idle: Duration::from_millis(10),
        ..options()
    };
    let one = start_with(&authority, ONE, 1, brief).await;
    let two = start(&authority, TWO).await;
    introduce(&one, &two);
    call_until_answered(&one).await;
    while one.transport.status(TWO).is_connected {
        tokio::task::yield_now().await;
    }
    call_until_answered(&one).await;
}

#[tokio::test]
async fn what_is_no_node_does_no_harm() {
    let (_authority, one, two) = pair().await;
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 4096]] {
        let mut socket = Env::real().connect(two.address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        // The end of a refused connection, whichever way it comes.
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut rest).await;
    }
    call_until_answered(&one).await;
}

#[tokio::test]
async fn a_node_that_stops_while_it_dials_calls_nobody_any_more() {
    let authority = Authority::new("test");
    let (one, two) = (start(&authority, ONE).await, start(&authority, TWO).await);
    let listener = Env::real().listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    one.transport.set_address(TWO, listener.local_address().unwrap());
    let link = async {
        let (mut near, _) = listener.accept().await.unwrap();
        one.transport.stop();
        let mut far = Env::real().connect(two.address).await.unwrap();
        // Until the one that has stopped hangs up, which it does with what it has dialled.
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    };
    let (called, ()) = tokio::join!(one.transport.call(TWO, ECHO, HI, WITHIN), link);
    assert_eq!(called, Err(CallError::Unreachable));
    assert_eq!(
        one.transport.call(TWO, ECHO, HI, WITHIN).await,
        Err(CallError::Unreachable)
    );
    assert!(!one.transport.status(TWO).is_connected);
    assert_eq!(two.echo.calls.load(std::sync::atomic::Ordering::SeqCst), 0);
}
