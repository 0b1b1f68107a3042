//! Streams: order, credit, endings.

use bytes::Bytes;
use hongyan_transport::{ServiceId, Stream, StreamError, Transport};

use crate::harness::*;

#[tokio::test]
async fn a_stream_keeps_its_order_and_ends_well() {
    let (_authority, one, _two) = pair().await;
    let opened = one.transport.open(TWO, ECHO, Bytes::from_static(&[0])).await.unwrap();
    let Stream {
        mut sender,
        mut receiver,
    } = opened;
    let writer = async move {
        for number in 1..=250_u8 {
            sender.send(Bytes::from(vec![number; 20_000])).await.unwrap();
        }
        sender.finish();
    };
    let reader = async {
        for number in 0..=250_u8 {
            let piece = receiver.recv().await.unwrap().unwrap();
            assert_eq!((piece[0], piece.len()), (number, if number == 0 { 1 } else { 20_000 }));
        }
        assert_eq!(receiver.recv().await, Ok(None));
    };
    tokio::join!(writer, reader);
}

#[tokio::test]
async fn a_receiver_that_does_not_read_holds_its_own_stream_back_and_no_other() {
    let (_authority, one, _two) = pair().await;
    let mut slow = one.transport.open(TWO, ECHO, Bytes::new()).await.unwrap();
    let mut sent = 0;
    // Both directions' windows, and what the echo has in its hand: then nothing moves, however long one waits.
    while sent < 8 {
        slow.sender.send(Bytes::from(vec![1; 50_000])).await.unwrap();
        sent += 1;
    }
    let stuck = async {
        loop {
            slow.sender.send(Bytes::from(vec![1; 50_000])).await.unwrap();
        }
    };
    let other = async {
        let mut quick = one.transport.open(TWO, ECHO, Bytes::from_static(b"go")).await.unwrap();
        assert_eq!(quick.receiver.recv().await, Ok(Some(Bytes::from_static(b"go"))));
        for _ in 0..100 {
            quick.sender.send(Bytes::from(vec![2; 50_000])).await.unwrap();
            assert_eq!(quick.receiver.recv().await.unwrap().unwrap().len(), 50_000);
        }
        let reply = one.transport.call(TWO, ECHO, Bytes::from_static(b"ab"), WITHIN).await;
        assert_eq!(reply.unwrap(), &b"ba"[..]);
    };
    tokio::select! {
        () = stuck => {}
        () = other => {}
    }
    let too_large = slow.sender.send(Bytes::from(vec![0; 70_000])).await;
    assert_eq!(too_large, Err(StreamError::TooLarge));
}

#[tokio::test]
async fn an_end_that_lets_go_breaks_the_stream_and_an_unknown_service_too() {
    let (_authority, one, two) = pair().await;
    let mut refused = one.transport.open(TWO, ServiceId(99), Bytes::new()).await.unwrap();
    assert_eq!(refused.receiver.recv().await, Err(StreamError::Broken));
    let mut stream = one.transport.open(TWO, ECHO, Bytes::new()).await.unwrap();
    stream.receiver.recv().await.unwrap();
    two.transport.forget(ONE);
    assert_eq!(stream.receiver.recv().await, Err(StreamError::Broken));
    assert!(stream.sender.is_broken());
    assert_eq!(stream.sender.send(Bytes::new()).await, Err(StreamError::Broken));
}

#[tokio::test]
async fn the_number_of_streams_is_bounded() {
    let authority = Authority::new("test");
    let few = hongyan_transport::TransportOptions {
        streams_max: 2,
        ..options()
    };
    let one = start_with(&authority, ONE, 1, options()).await;
    let two = start_with(&authority, TWO, 1, few).await;
    introduce(&one, &two);
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = one.transport.open(TWO, ECHO, Bytes::new()).await.unwrap();
        assert_eq!(stream.receiver.recv().await, Ok(Some(Bytes::new())));
        streams.push(stream);
    }
    let mut third = one.transport.open(TWO, ECHO, Bytes::new()).await.unwrap();
    assert_eq!(third.receiver.recv().await, Err(StreamError::Broken));
    drop(streams);
    // The places are free again once the other node has heard of it.
    loop {
        let mut again = one.transport.open(TWO, ECHO, Bytes::new()).await.unwrap();
        if again.receiver.recv().await.is_ok() {
            break;
        }
    }
}
