//! A node of the next release, and one that means harm: both written by hand over TLS.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use hongyan_env::{Env, Stream};
use hongyan_transport::frame::{Frame, Parser, RefuseReason, RejectReason};
use hongyan_transport::{CallError, NodeId, RelayOptions, RelayTransport, ServiceId, Transport};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::harness::*;

const THREE: NodeId = NodeId(3);

struct Double {
    socket: TlsStream<Stream>,
    parser: Parser,
}

impl Double {
    async fn dial(authority: &Authority, to: &Node) -> Self {
        let credentials = authority.credentials(THREE);
        let mut roots = RootCertStore::empty();
        roots.add(credentials.authorities[0].clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(credentials.chain, credentials.key)
            .unwrap();
        let name = ServerName::try_from(authority.cluster.node_name(TWO)).unwrap();
        let socket = Env::real().connect(to.address).await.unwrap();
        let socket = TlsConnector::from(Arc::new(config))
            .connect(name, socket)
            .await
            .unwrap();
        Self {
            socket: TlsStream::Client(socket),
            parser: Parser::default(),
        }
    }
    async fn accept(authority: &Authority, socket: Stream) -> Self {
        let credentials = authority.credentials(THREE);
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(credentials.chain, credentials.key)
            .unwrap();
        let socket = TlsAcceptor::from(Arc::new(config)).accept(socket).await.unwrap();
        Self {
            socket: TlsStream::Server(socket),
            parser: Parser::default(),
        }
    }
    async fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
        self.socket.flush().await.unwrap();
    }
    async fn send_frame(&mut self, frame: &Frame) {
        let mut out = BytesMut::new();
        frame.write(&mut out);
        self.send(&out).await;
    }
    /// The next frame but pings; `None` when the connection is over.
    async fn recv(&mut self) -> Option<Frame> {
        loop {
            match self.parser.next_frame().unwrap() {
                Some(Frame::Ping(_)) => continue,
                Some(frame) => return Some(frame),
                None => {}
            }
            if !matches!(self.socket.read_buf(self.parser.buffer()).await, Ok(1..)) {
                return None;
            }
        }
    }
    /// A hello of a release with one more field in it.
    async fn greet(&mut self, min: u16, max: u16) {
        let mut body = BytesMut::new();
        body.put_u8(1);
        body.put_u64(0);
        body.put_u16(min);
        body.put_u16(max);
        body.put_u64(THREE.0);
        body.put_u64(1);
        body.put_u16(4);
        body.put_slice(b"test");
        body.put_slice(b"\x07a later field");
        let mut out = BytesMut::new();
        out.put_u32(u32::try_from(body.len()).unwrap());
        out.put_slice(&body);
        self.send(&out).await;
    }
    async fn greeted(authority: &Authority, to: &Node) -> Self {
        let mut double = Self::dial(authority, to).await;
        double.greet(1, 1).await;
        assert!(matches!(double.recv().await, Some(Frame::Hello(_))));
        double
    }
}

fn call(stream: u64, total: u32, payload: &'static [u8]) -> Frame {
    Frame::Call {
        stream,
        service: ECHO,
        within_micros: 1_000_000,
        total,
        payload: Bytes::from_static(payload),
    }
}

#[tokio::test]
async fn a_node_of_the_next_version_calls_this_one() {
    let (authority, _one, two) = pair().await;
    let mut double = Double::dial(&authority, &two).await;
    double.greet(1, 2).await;
    let Some(Frame::Hello(hello)) = double.recv().await else {
        panic!("no hello");
    };
    assert_eq!((hello.node, hello.versions.max), (TWO, 1));
    // What it may add even to version 1: kinds that can be skipped.
    double.send_frame(&Frame::Skipped(200)).await;
    double.send_frame(&call(1, 3, b"abc")).await;
    let reply = Frame::Reply {
        stream: 1,
        total: 3,
        payload: Bytes::from_static(b"cba"),
    };
    assert_eq!(double.recv().await, Some(reply));
}

#[tokio::test]
async fn this_node_calls_one_of_the_next_version() {
    let (authority, one, _two) = pair().await;
    let listener = Env::real().listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    one.transport.set_address(THREE, listener.local_address().unwrap());
    let double = async {
        let (socket, _) = listener.accept().await.unwrap();
        let mut double = Double::accept(&authority, socket).await;
        assert!(matches!(double.recv().await, Some(Frame::Hello(_))));
        double.greet(1, 2).await;
        double.send_frame(&Frame::Skipped(201)).await;
        let Some(Frame::Call { stream, payload, .. }) = double.recv().await else {
            panic!("no call");
        };
        assert_eq!(payload, &b"hi"[..]);
        let payload = Bytes::from_static(b"yes");
        double
            .send_frame(&Frame::Reply {
                stream,
                total: 3,
                payload,
            })
            .await;
    };
    let call = one.transport.call(THREE, ECHO, Bytes::from_static(b"hi"), WITHIN);
    let (reply, ()) = tokio::join!(call, double);
    assert_eq!(reply.unwrap(), &b"yes"[..]);
}

#[tokio::test]
async fn one_of_a_release_without_relaying_is_asked_no_more_than_whether_it_knows() {
    let (authority, one, two) = pair().await;
    let listener = Env::real().listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    one.transport.set_address(THREE, listener.local_address().unwrap());
    // Of the second nothing ever comes back: the third is the only one that could carry for it.
    let link = Link::to(two.address).await;
    link.silence();
    one.transport.set_address(TWO, link.address);
    let relay = RelayTransport::start(Env::real(), Arc::new(one.transport), RelayOptions::default());
    let double = async {
        let (socket, _) = listener.accept().await.unwrap();
        let mut double = Double::accept(&authority, socket).await;
        assert!(matches!(double.recv().await, Some(Frame::Hello(_))));
        double.greet(1, 1).await;
        for _ in 0..10 {
            let Some(Frame::Call {
                stream,
                service,
                payload,
                ..
            }) = double.recv().await
            else {
                panic!("no call");
            };
            let answer = if service == ServiceId::WAYS {
                assert_eq!(payload, &b"\0\x01\0"[..], "whether it lives");
                Frame::Refuse {
                    stream,
                    reason: RefuseReason::NoService,
                }
            } else {
                let payload = Bytes::from_static(b"yes");
                Frame::Reply {
                    stream,
                    total: 3,
                    payload,
                }
            };
            double.send_frame(&answer).await;
        }
    };
    let call = async {
        loop {
            let lost = relay.call(TWO, ECHO, Bytes::new(), std::time::Duration::from_millis(300));
            let (_, answered) = tokio::join!(lost, relay.call(THREE, ECHO, Bytes::new(), WITHIN));
            assert_eq!(answered.unwrap(), &b"yes"[..]);
        }
    };
    tokio::select! {
        () = call => {}
        () = double => {}
    }
}

#[tokio::test]
async fn releases_that_are_too_far_apart_say_so() {
    let (authority, one, two) = pair().await;
    let mut double = Double::dial(&authority, &two).await;
    double.greet(2, 3).await;
    let Some(Frame::Reject(reject)) = double.recv().await else {
        panic!("not refused");
    };
    assert_eq!(reject.reason, RejectReason::Version);
    assert!(
        reject.text.ends_with("upgrade one release at a time"),
        "{}",
        reject.text
    );
    assert_eq!(double.recv().await, None);
    let listener = Env::real().listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    one.transport.set_address(THREE, listener.local_address().unwrap());
    let double = async {
        let (socket, _) = listener.accept().await.unwrap();
        let mut double = Double::accept(&authority, socket).await;
        double.recv().await;
        double.greet(2, 3).await;
    };
    let call = one.transport.call(THREE, ECHO, Bytes::new(), WITHIN);
    assert_eq!(tokio::join!(call, double).0, Err(CallError::Unreachable));
    let said = one.transport.status(THREE).last_error.unwrap();
    assert!(said.ends_with("upgrade one release at a time"), "{said}");
}

#[tokio::test]
async fn a_node_that_breaks_the_protocol_is_cut_off() {
    let (authority, one, two) = pair().await;
    let credit = Frame::Credit {
        stream: 1,
        octets: u32::MAX,
    };
    let open = Frame::Open {
        stream: 1,
        service: ECHO,
        payload: Bytes::new(),
    };
    let part = Frame::Part {
        stream: 1,
        payload: Bytes::from(vec![0; 60_000]),
    };
    let reply = Frame::Reply {
        stream: 1,
        total: 0,
        payload: Bytes::new(),
    };
    let piece = Frame::Data {
        stream: 1,
        payload: Bytes::from(vec![0; 65_000]),
    };
    let flood = vec![piece; 40];
    let cases: [Vec<Frame>; 6] = [
        vec![open.clone(), credit],
        vec![call(1, 100, b"x"), part],
        vec![call(1, 1, b"x"), call(1, 1, b"x")],
        vec![open.clone(), open.clone()],
        vec![reply],
        // The echo cannot send it back, for nobody here reads, so it stops to read.
        [vec![open], flood].concat(),
    ];
    for frames in cases {
        let mut double = Double::greeted(&authority, &two).await;
        let mut out = BytesMut::new();
        frames.iter().for_each(|frame| frame.write(&mut out));
        // It may be cut off before all is written.
        let _ = double.socket.write_all(&out).await;
        let _ = double.socket.flush().await;
        while double.recv().await.is_some() {}
    }
    let mut double = Double::greeted(&authority, &two).await;
    double.send(&[0xff; 64]).await;
    assert_eq!(double.recv().await, None);
    assert_eq!(
        one.transport
            .call(TWO, ECHO, Bytes::from_static(b"ok"), WITHIN)
            .await
            .unwrap(),
        &b"ko"[..]
    );
}

#[tokio::test]
async fn a_node_that_asks_and_never_reads_is_cut_off() {
    let authority = Authority::new("test");
    let bounded = hongyan_transport::TransportOptions {
        outbound_octets_max: 10_000,
        ..options()
    };
    let two = start_with(&authority, TWO, 1, bounded).await;
    let mut double = Double::greeted(&authority, &two).await;
    let mut pings = BytesMut::new();
    (0..10_000).for_each(|number| Frame::Ping(number).write(&mut pings));
    // Until the buffers between are full and more answers wait than may.
    while double.socket.write_all(&pings).await.is_ok() {}
}

#[tokio::test]
async fn payloads_that_never_end_hold_bounded_memory() {
    let authority = Authority::new("test");
    let bounded = hongyan_transport::TransportOptions {
        inbound_octets_max: 10_000,
        served_max: 3,
        ..options()
    };
    let two = start_with(&authority, TWO, 1, bounded).await;
    let mut double = Double::greeted(&authority, &two).await;
    let large = 9_000;
    double.send_frame(&call(1, large, b"x")).await;
    double.send_frame(&call(2, large, b"x")).await;
    assert!(matches!(double.recv().await, Some(Frame::Refuse { stream: 2, .. })));
    double.send_frame(&call(3, 1 << 30, b"x")).await;
    assert!(matches!(double.recv().await, Some(Frame::Refuse { stream: 3, .. })));
    // Parts of a refused call are skipped.
    let payload = Bytes::from_static(b"more");
    double.send_frame(&Frame::Part { stream: 2, payload }).await;
    for stream in 4..6 {
        double.send_frame(&call(stream, 2, b"x")).await;
    }
    double.send_frame(&call(6, 1, b"x")).await;
    assert!(matches!(double.recv().await, Some(Frame::Refuse { stream: 6, .. })));
}
