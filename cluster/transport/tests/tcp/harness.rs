//! Nodes of one process on loopback, with an authority of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::{BoxFuture, Env};
use hongyan_transport::{
    ClusterId, Credentials, NodeId, Service, ServiceId, Stream, TcpTransport, TcpTransportParts, TransportOptions,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

pub const WITHIN: Duration = Duration::from_secs(30);
pub const ECHO: ServiceId = ServiceId(9);
pub const ONE: NodeId = NodeId(1);
pub const TWO: NodeId = NodeId(2);

pub struct Authority {
    pub cluster: ClusterId,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(cluster: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self {
            cluster: cluster.parse().unwrap(),
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap(),
        }
    }
    pub fn credentials(&self, node: NodeId) -> Credentials {
        self.named(&self.cluster.node_name(node), 3000)
    }
    pub fn named(&self, name: &str, until_year: i32) -> Credentials {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Credentials::from_pem(&certificate.pem(), &key.serialize_pem(), &self.issuer.pem()).unwrap()
    }
}

/// Answers with what it was asked, in reverse; knows some orders. Streams go back piece by piece.
#[derive(Default)]
pub struct Echo {
    pub calls: AtomicUsize,
}

impl Service for Echo {
    fn call(&self, from: NodeId, payload: Bytes, _: Duration) -> BoxFuture<'_, Bytes> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            match &payload[..] {
                b"who" => Bytes::from(from.to_string()),
                b"panic" => panic!("asked to"),
                b"hang" => std::future::pending().await,
                b"grow" => Bytes::from(vec![0; 40 << 20]),
                _ => payload.iter().rev().copied().collect(),
            }
        })
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

pub struct Node {
    pub transport: TcpTransport,
    pub address: SocketAddr,
    pub echo: Arc<Echo>,
}

/// Impatient, but for what a loaded machine needs.
pub fn options() -> TransportOptions {
    TransportOptions {
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(5),
        dead_after: Duration::from_secs(20),
        connect: Duration::from_secs(20),
        handshake: Duration::from_secs(20),
        ..TransportOptions::default()
    }
}

pub async fn start(authority: &Authority, node: NodeId) -> Node {
    start_with(authority, node, 1, options()).await
}

pub async fn start_with(authority: &Authority, node: NodeId, incarnation: u64, options: TransportOptions) -> Node {
    start_on(authority, node, incarnation, options, ([127, 0, 0, 1], 0).into()).await
}

pub async fn start_on(
    authority: &Authority,
    node: NodeId,
    incarnation: u64,
    options: TransportOptions,
    address: SocketAddr,
) -> Node {
    let env = Env::real();
    let listener = env.listen(address).await.unwrap();
    let address = listener.local_address().unwrap();
    let transport = TcpTransport::start(TcpTransportParts {
        env,
        cluster: authority.cluster.clone(),
        node,
        incarnation,
        credentials: authority.credentials(node),
        options,
    })
    .unwrap();
    let echo = Arc::new(Echo::default());
    hongyan_transport::Transport::serve(&transport, ECHO, Arc::<Echo>::clone(&echo));
    transport.listen(listener);
    Node {
        transport,
        address,
        echo,
    }
}

/// Two nodes of one cluster that know each other.
pub async fn pair() -> (Authority, Node, Node) {
    let authority = Authority::new("test");
    let (one, two) = (start(&authority, ONE).await, start(&authority, TWO).await);
    introduce(&one, &two);
    (authority, one, two)
}

pub fn introduce(one: &Node, two: &Node) {
    one.transport
        .set_address(hongyan_transport::Transport::node(&two.transport), two.address);
    two.transport
        .set_address(hongyan_transport::Transport::node(&one.transport), one.address);
}

/// A way to `to` that can be made to swallow everything, without a word to either end.
pub struct Link {
    pub address: SocketAddr,
    silent: tokio::sync::watch::Sender<bool>,
}

impl Link {
    pub async fn to(to: SocketAddr) -> Self {
        let listener = Env::real().listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_address().unwrap();
        let (silence, silent) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut silent = silent.clone();
                tokio::spawn(async move {
                    let mut far = None;
                    let carry = async {
                        let far = far.insert(Env::real().connect(to).await?);
                        tokio::io::copy_bidirectional(&mut near, far).await
                    };
                    let swallow = async { silent.wait_for(|silent| *silent).await.is_ok() };
                    tokio::select! {
                        biased;
                        true = swallow => {}
                        _ = carry => return,
                    }
                    // What is connected stays so, and hears nothing.
                    std::future::pending::<()>().await;
                });
            }
        });
        Self {
            address,
            silent: silence,
        }
    }
    /// Swallows from now on.
    pub fn silence(&self) {
        self.silent.send_replace(true);
    }
    /// Lets new connections through again.
    pub fn heal(&self) {
        self.silent.send_replace(false);
    }
}
