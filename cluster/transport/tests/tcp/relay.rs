//! A link between two of three nodes that swallows everything.

use std::sync::Arc;

use bytes::Bytes;
use hongyan_env::Env;
use hongyan_transport::{NodeId, RelayOptions, RelayTransport, Transport};

use crate::harness::*;

const THREE: NodeId = NodeId(3);

#[tokio::test]
async fn a_silent_link_is_gone_round_and_taken_again() {
    let authority = Authority::new("test");
    let nodes = [
        start(&authority, ONE).await,
        start(&authority, TWO).await,
        start(&authority, THREE).await,
    ];
    let [one, two, three] = &nodes;
    introduce(one, three);
    introduce(two, three);
    let links = [Link::to(one.address).await, Link::to(two.address).await];
    two.transport.set_address(ONE, links[0].address);
    one.transport.set_address(TWO, links[1].address);
    let relays = nodes.map(|node| {
        let relay = RelayTransport::start(Env::real(), Arc::new(node.transport), RelayOptions::default());
        relay.serve(ECHO, node.echo);
        relay
    });
    let ask = async |to: NodeId, payload: &'static [u8]| {
        loop {
            // The third has to be known to carry for others.
            let carrier = relays[0].call(THREE, ECHO, Bytes::new(), WITHIN).await;
            assert!(carrier.is_ok());
            if let Ok(reply) = relays[0].call(to, ECHO, Bytes::from_static(payload), WITHIN).await {
                return reply;
            }
        }
    };
    assert_eq!(ask(TWO, b"who").await, "1");
    for link in &links {
        link.silence();
    }
    // Only what goes round arrives.
    assert_eq!(ask(TWO, b"who").await, "1");
    let large = Bytes::from(vec![7; 3 << 20]);
    let mut reply = relays[0].call(TWO, ECHO, large.clone(), WITHIN).await;
    while reply.is_err() {
        reply = relays[0].call(TWO, ECHO, large.clone(), WITHIN).await;
    }
    assert_eq!(reply.unwrap(), large);
    let mut stream = relays[0].open(TWO, ECHO, Bytes::from_static(b"topic")).await.unwrap();
    assert_eq!(stream.receiver.recv().await.unwrap().unwrap(), &b"topic"[..]);
    for link in &links {
        link.heal();
    }
    // It breaks when the direct way has worked for a while; somebody has to use that for it to be looked at.
    let broken = async { while let Ok(Some(_)) = stream.receiver.recv().await {} };
    let chat = async {
        loop {
            ask(TWO, b"hi").await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = broken => {}
        () = chat => {}
    }
    assert_eq!(ask(TWO, b"who").await, "1");
}
