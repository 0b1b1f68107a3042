//! The simulated network: order, delay, interruption, end and reset of connections, and that a seed repeats.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hongyan_env::{Env, Latency, Listener, SimulatedHost, SimulatedNetwork, Stream, ZoneDns};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const A: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const B: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(work)
}

fn host(network: &SimulatedNetwork, address: IpAddr, clock_rate_ppm: i32) -> Env {
    Env::simulated(SimulatedHost {
        network: network.clone(),
        address,
        seed: 1,
        clock_rate_ppm,
        wall_ahead_millis: 0,
        dns: Arc::new(ZoneDns::default()),
    })
}

struct Pair {
    network: SimulatedNetwork,
    a: Env,
    b: Env,
    client: Stream,
    server: Stream,
    listener: Listener,
}

async fn pair(seed: u64) -> Pair {
    let network = SimulatedNetwork::new(seed);
    let (a, b) = (host(&network, A, 0), host(&network, B, 0));
    let listener = b.listen(SocketAddr::new(B, 25)).await.unwrap();
    let (client, server) = tokio::join!(a.connect(SocketAddr::new(B, 25)), listener.accept());
    let (client, (server, peer)) = (client.unwrap(), server.unwrap());
    assert_eq!(peer, client.local_address().unwrap());
    assert_eq!(peer.ip(), A);
    Pair {
        network,
        a,
        b,
        client,
        server,
        listener,
    }
}

#[test]
fn octets_arrive_in_order_after_a_delay() {
    run(async {
        let mut pair = pair(1).await;
        pair.network.set_latency(Latency {
            micros_min: 5_000,
            micros_max: 50_000,
        });
        pair.network.set_fragments(500);
        let start = pair.b.now_micros();
        for number in 0..100u8 {
            pair.client.write_all(&[number; 10]).await.unwrap();
        }
        pair.client.shutdown().await.unwrap();
        let mut all = Vec::new();
        pair.server.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), 1000);
        assert!(all.is_sorted());
        assert!(pair.b.now_micros() - start >= 5_000);
        // A half-closed connection still carries the other direction.
        pair.server.write_all(b"bye").await.unwrap();
        let mut three = [0; 3];
        pair.client.read_exact(&mut three).await.unwrap();
        assert_eq!(&three, b"bye");
    });
}

#[test]
fn a_blocked_link_holds_back_and_loses_nothing() {
    run(async {
        let mut pair = pair(2).await;
        pair.network.block(A, B);
        pair.client.write_all(b"x").await.unwrap();
        let mut one = [0; 1];
        let late = pair
            .b
            .timeout(Duration::from_secs(60), pair.server.read_exact(&mut one))
            .await;
        assert!(late.is_none());
        pair.network.open(A, B);
        pair.server.read_exact(&mut one).await.unwrap();
        assert_eq!(&one, b"x");
        pair.network.block(A, B);
        let refused = pair
            .a
            .timeout(Duration::from_secs(60), pair.a.connect(SocketAddr::new(B, 25)))
            .await;
        assert!(refused.is_none());
        pair.network.heal();
        pair.a.connect(SocketAddr::new(B, 25)).await.unwrap();
    });
}

#[test]
fn a_slow_reader_makes_the_writer_wait() {
    run(async {
        let mut pair = pair(3).await;
        pair.network.set_window(10);
        let writing = pair
            .a
            .timeout(Duration::from_secs(5), pair.client.write_all(&[7; 25]))
            .await;
        assert!(writing.is_none());
        let mut all = vec![0; 10];
        pair.server.read_exact(&mut all).await.unwrap();
        pair.client.write_all(&[8; 5]).await.unwrap();
    });
}

#[test]
fn a_cut_resets_both_ends_and_a_closed_end_resets_the_writer() {
    run(async {
        let mut first = pair(4).await;
        assert_eq!(first.network.cut_host(B), 1);
        let mut one = [0; 1];
        assert_eq!(
            first.client.read(&mut one).await.unwrap_err().kind(),
            ErrorKind::ConnectionReset
        );
        assert_eq!(
            first.server.write(b"x").await.unwrap_err().kind(),
            ErrorKind::ConnectionReset
        );
        let mut second = pair(5).await;
        drop(second.server);
        assert_eq!(second.client.read(&mut one).await.unwrap(), 0);
        // The first write goes into the void and finds out.
        second.client.write_all(b"x").await.unwrap();
        assert_eq!(
            second.client.write(b"y").await.unwrap_err().kind(),
            ErrorKind::ConnectionReset
        );
        drop(second.client);
        assert_eq!(second.network.connections(), 0);
        drop(second.listener);
        let gone = second.a.connect(SocketAddr::new(B, 25)).await;
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn clocks_run_at_their_own_rates() {
    run(async {
        let network = SimulatedNetwork::new(1);
        let (exact, fast) = (host(&network, A, 0), host(&network, B, 100_000));
        exact.sleep(Duration::from_secs(100)).await;
        assert_eq!(fast.now_micros() / 1_000_000, 110);
        let (before, began) = (fast.now_micros(), exact.now_micros());
        fast.sleep(Duration::from_secs(11)).await;
        assert!(fast.now_micros() - before >= 11_000_000);
        assert!((9_999_000..=10_002_000).contains(&(exact.now_micros() - began)));
        assert_eq!(fast.timeout(Duration::MAX, async { 1 }).await, Some(1));
    });
}

#[test]
fn a_seed_repeats_to_the_bit_and_another_differs() {
    let digest = |seed| {
        run(async move {
            let mut pair = pair(seed).await;
            for number in 0..50u8 {
                pair.client.write_all(&[number; 3]).await.unwrap();
                let mut three = [0; 3];
                pair.server.read_exact(&mut three).await.unwrap();
                pair.server.write_all(&three).await.unwrap();
                pair.client.read_exact(&mut three).await.unwrap();
            }
            pair.network.digest()
        })
    };
    assert_eq!(digest(7), digest(7));
    assert_ne!(digest(7), digest(8));
}
