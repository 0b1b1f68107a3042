//! What an ask of an entity on another node costs, over loopback with mutual TLS, against one on this node:
//! `cargo bench -p hongyan-router`. Prints median and 99th percentile of single asks, and asks a second of 64 at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_actor::{
    ActivateError, Arbiters, Entity, EntityKey, EntityOptions, Envelope, Epoch, Tenure, WireEntity, WireError,
};
use hongyan_env::Env;
use hongyan_identity::{Authority, Identity, NodeKey};
use hongyan_placement::{Partition, Partitions};
use hongyan_router::{Ask, Cluster, Located, Placement, Router, RouterOptions};
use hongyan_transport::{ClusterId, NodeId, TcpTransport, TcpTransportParts, TransportOptions};
use tokio::sync::watch;

const WITHIN: Duration = Duration::from_secs(10);
const ASKS: usize = 20_000;
const AT_ONCE: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct EchoId(u32);

impl EntityKey for EchoId {
    const KIND: &'static str = "bench-echo";
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(u32::from_be_bytes(bytes.try_into().ok()?)))
    }
}

struct EchoEntity;

#[derive(Clone)]
struct Echo(Bytes);

impl Entity for EchoEntity {
    type Key = EchoId;
    type Request = Echo;
    type Reply = Bytes;
    type Services = ();

    async fn activate((): (), _: EchoId, _: Tenure) -> Result<Self, ActivateError> {
        Ok(Self)
    }
    async fn handle(&mut self, batch: Vec<Envelope<Self>>) {
        for envelope in batch {
            let (Echo(payload), replier) = envelope.split();
            replier.send(payload);
        }
    }
    fn memory_octets(&self) -> usize {
        0
    }
    async fn passivate(&mut self) {}
}

impl WireEntity for EchoEntity {
    fn encode_request((): &(), request: &Echo) -> Result<Bytes, WireError> {
        Ok(request.0.clone())
    }
    fn decode_request((): &(), bytes: Bytes) -> Result<Echo, WireError> {
        Ok(Echo(bytes))
    }
    fn encode_reply((): &(), _: &Echo, reply: &Bytes) -> Result<Bytes, WireError> {
        Ok(reply.clone())
    }
    fn decode_reply((): &(), _: &Echo, bytes: Bytes) -> Result<Bytes, WireError> {
        Ok(bytes)
    }
}

impl Ask for Echo {
    type Entity = EchoEntity;
    type Reply = Bytes;
    fn into_request(self) -> Echo {
        self
    }
    fn from_reply(reply: Bytes) -> Option<Bytes> {
        Some(reply)
    }
}

/// Each partition has one owner, for ever.
struct Fixed {
    own: NodeId,
    owners: BTreeMap<Partition, NodeId>,
    changed: watch::Sender<u64>,
}

impl Placement for Fixed {
    fn partitions(&self) -> Partitions {
        Partitions::default()
    }
    fn locate(&self, partition: Partition) -> Located {
        match self.owners.get(&partition) {
            Some(owner) if *owner == self.own => Located::Here { epoch: Epoch::FIRST },
            Some(owner) => Located::There(*owner),
            None => Located::Unknown,
        }
    }
    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

const HERE: EchoId = EchoId(1);
const THERE: EchoId = EchoId(2);

async fn node(authority: &Authority, cluster: &ClusterId, own: NodeId) -> (Router, Arbiters, Arc<TcpTransport>) {
    let env = Env::real();
    let key = NodeKey::generate().unwrap();
    let request = key.request().unwrap();
    let identity = Identity {
        certificate_pem: authority
            .sign(&env, &request, (cluster, own), Duration::from_secs(3600))
            .unwrap(),
        key_pem: key.to_pem(),
        authority_pem: authority.certificate_pem().to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let transport = {
        let _inside = runtime.enter();
        let parts = TcpTransportParts {
            env: env.clone(),
            cluster: cluster.clone(),
            node: own,
            incarnation: 1,
            credentials: identity.credentials().unwrap(),
            options: TransportOptions::default(),
        };
        Arc::new(TcpTransport::start(parts).unwrap())
    };
    // Lives as long as the bench.
    std::mem::forget(runtime);
    let arbiters = Arbiters::start(1);
    let owners = [(HERE, NodeId(1)), (THERE, NodeId(2))];
    let placement = Fixed {
        own,
        owners: owners
            .into_iter()
            .map(|(id, owner)| (Partitions::default().of_hash(id.entity_id().stable_hash()), owner))
            .collect(),
        changed: watch::Sender::new(0),
    };
    let cluster = Cluster {
        placement: Arc::new(placement),
        transport: Arc::<TcpTransport>::clone(&transport),
        options: RouterOptions::default(),
    };
    let router = Router::clustered(env, arbiters.clone(), cluster);
    router.serve_everywhere::<EchoEntity>((), EntityOptions::default());
    (router, arbiters, transport)
}

async fn measure(router: &Router, name: &str, key: EchoId, octets: usize) {
    let env = Env::real();
    let payload = Bytes::from(vec![7; octets]);
    let mut times = Vec::with_capacity(ASKS);
    for at in 0..ASKS + ASKS / 10 {
        let start = env.now_micros();
        router.ask(&key, Echo(payload.clone()), WITHIN).await.unwrap();
        if at >= ASKS / 10 {
            times.push(env.now_micros() - start);
        }
    }
    times.sort_unstable();
    let start = env.now_micros();
    for _ in 0..ASKS / AT_ONCE {
        let asks = (0..AT_ONCE).map(|_| router.ask(&key, Echo(payload.clone()), WITHIN));
        futures_util::future::join_all(asks).await;
    }
    let took = (env.now_micros() - start) as f64 / 1e6;
    let rate = (ASKS / AT_ONCE * AT_ONCE) as f64 / took;
    println!(
        "{name:>7} {octets:>6} octets: p50 {:>4} us, p99 {:>5} us, {AT_ONCE} at once {rate:>8.0}/s",
        times[ASKS / 2],
        times[ASKS * 99 / 100]
    );
}

fn main() {
    hongyan_actor::run(0, async {
        let env = Env::real();
        let cluster = ClusterId::from_random(env.random_u64());
        let authority = Authority::create(&env, &cluster, Duration::from_secs(3600)).unwrap();
        let (router, arbiters, here) = node(&authority, &cluster, NodeId(1)).await;
        let (_other, _arbiters, there) = node(&authority, &cluster, NodeId(2)).await;
        let listener = env.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_address().unwrap();
        there.listen(listener);
        here.set_address(NodeId(2), address);
        let (done, finished) = tokio::sync::oneshot::channel();
        // As a session does: from an arbiter.
        arbiters.spawn(0, move || async move {
            for octets in [100, 10_000] {
                measure(&router, "local", HERE, octets).await;
                measure(&router, "remote", THERE, octets).await;
            }
            let _ = done.send(());
        });
        finished.await.unwrap();
        arbiters.stop(&env, Duration::ZERO).await;
    });
}
