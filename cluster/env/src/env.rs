//! The handle that everything is reached through.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::beside::Pool;
use crate::clock::Clock;
use crate::random::Random;
use crate::{
    Beside, Dns, Listener, LocalListener, ManualClock, ResolverDns, SimulatedHost, SimulatedNetwork, Stream, ZoneDns,
};

/// Clock, randomness, sockets and DNS. Clones share everything.
#[derive(Clone)]
pub struct Env(Arc<Inner>);

struct Inner {
    clock: Clock,
    random: Random,
    dns: Arc<dyn Dns>,
    pool: Pool,
    net: Net,
}

/// Whose sockets.
enum Net {
    Machine,
    Simulated { network: SimulatedNetwork, host: IpAddr },
}

impl Env {
    /// The machine: its clocks, its random source, its sockets, and the name servers of its configuration.
    #[must_use]
    pub fn real() -> Self {
        Self::real_with_dns(Arc::new(ResolverDns::from_system()))
    }
    /// As [`Self::real`] with another resolver.
    #[must_use]
    pub fn real_with_dns(dns: Arc<dyn Dns>) -> Self {
        Self(Arc::new(Inner {
            clock: Clock::real(),
            random: Random::system(),
            dns,
            pool: Pool::threads(),
            net: Net::Machine,
        }))
    }
    /// A clock that stands still until moved, randomness from `seed`, an empty DNS; sockets are the machine's.
    #[must_use]
    pub fn manual(seed: u64) -> (Self, ManualClock) {
        Self::manual_with_dns(seed, Arc::new(ZoneDns::default()))
    }
    /// As [`Self::manual`] with another resolver.
    #[must_use]
    pub fn manual_with_dns(seed: u64, dns: Arc<dyn Dns>) -> (Self, ManualClock) {
        let clock = ManualClock::new();
        let env = Self(Arc::new(Inner {
            clock: Clock::Manual(clock.clone()),
            random: Random::seeded(seed),
            dns,
            pool: Pool::Tasks,
            net: Net::Machine,
        }));
        (env, clock)
    }
    /// A host of a simulation: its clock is tokio's, which the simulation pauses, its sockets are those of the
    /// simulated network, and nothing leaves the thread. Must be called inside the runtime of the simulation.
    #[must_use]
    pub fn simulated(host: SimulatedHost) -> Self {
        Self(Arc::new(Inner {
            clock: Clock::simulated(host.clock_rate_ppm, host.wall_ahead_millis),
            random: Random::seeded(host.seed),
            dns: host.dns,
            pool: Pool::Tasks,
            net: Net::Simulated {
                network: host.network,
                host: host.address,
            },
        }))
    }
    /// Microseconds of the monotonic clock since this `Env` was made.
    #[must_use]
    pub fn now_micros(&self) -> u64 {
        self.0.clock.micros()
    }
    /// Milliseconds of the wall clock since the Unix epoch.
    #[must_use]
    pub fn wall_millis(&self) -> i64 {
        self.0.clock.wall_millis()
    }
    /// Waits until `span` has passed on the monotonic clock.
    pub async fn sleep(&self, span: Duration) {
        self.0.clock.sleep(span).await;
    }
    /// Waits for `future`, at most `span`; `None` when that was too short.
    pub async fn timeout<T>(&self, span: Duration, future: impl Future<Output = T>) -> Option<T> {
        match &self.0.clock {
            Clock::Real { .. } => tokio::time::timeout(span, future).await.ok(),
            Clock::Manual(_) | Clock::Simulated(_) => {
                let sleep = self.sleep(span);
                tokio::select! {
                    biased;
                    value = future => Some(value),
                    () = sleep => None,
                }
            }
        }
    }
    /// Fills `bytes` with randomness fit for keys (but for a seeded `Env`).
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    pub fn fill_random(&self, bytes: &mut [u8]) {
        self.0.random.fill(bytes);
    }
    /// 64 random bits.
    #[must_use]
    pub fn random_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_random(&mut bytes);
        u64::from_le_bytes(bytes)
    }
    /// Listens for TCP connections on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// What the operating system says: in use, not permitted.
    pub async fn listen(&self, address: SocketAddr) -> io::Result<Listener> {
        match &self.0.net {
            Net::Machine => Listener::bind(address),
            Net::Simulated { network, .. } => Listener::simulated(network, address),
        }
    }
    /// Listens on a Unix socket at `path`, which only this user may open; a socket left there by a dead process is replaced.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn listen_local(&self, path: &std::path::Path) -> io::Result<LocalListener> {
        match &self.0.net {
            Net::Machine => LocalListener::bind(path),
            // Programs of the same machine are no part of a simulation.
            Net::Simulated { .. } => Err(io::ErrorKind::Unsupported.into()),
        }
    }
    /// Opens a TCP connection to `address`.
    ///
    /// # Errors
    /// What the operating system says: refused, unreachable. There is no time limit of ours.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<Stream> {
        match &self.0.net {
            Net::Machine => Stream::connect(address, None).await,
            Net::Simulated { network, host } => {
                Stream::connect_simulated(network, SocketAddr::new(*host, 0), address).await
            }
        }
    }
    /// As [`Self::connect`], leaving from the local address `from`.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_from(&self, from: SocketAddr, address: SocketAddr) -> io::Result<Stream> {
        match &self.0.net {
            Net::Machine => Stream::connect(address, Some(from)).await,
            Net::Simulated { network, .. } => Stream::connect_simulated(network, from, address).await,
        }
    }
    /// The address that this machine shows to those beyond its own network. Nothing is sent.
    ///
    /// # Errors
    /// When there is no way out.
    pub fn outward_address(&self) -> io::Result<IpAddr> {
        match &self.0.net {
            Net::Machine => {
                // An address that belongs to nobody: the system chooses the way and nobody is asked.
                let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
                socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
                Ok(socket.local_addr()?.ip())
            }
            Net::Simulated { host, .. } => Ok(*host),
        }
    }
    /// Runs `work`, which keeps a processor busy for long, where nothing else waits for it; in a simulation right here,
    /// since threads would make two runs differ.
    ///
    /// # Errors
    /// [`Crashed`] when `work` panics.
    pub async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Crashed> {
        match &self.0.net {
            #[expect(clippy::disallowed_methods, reason = "the seam itself")]
            Net::Machine => tokio::task::spawn_blocking(work).await.map_err(|_| Crashed),
            Net::Simulated { .. } => Ok(work()),
        }
    }
    /// Runs `work` on a thread beside this one, or hands it back when all places for that are taken: then do it here. For
    /// what computes, and for storage reads; it should not wait long, for it keeps its place.
    ///
    /// # Errors
    /// The work itself, untouched.
    pub fn try_beside<F>(&self, work: F) -> Result<Beside<F::Output>, F>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.pool.try_run(work)
    }
    /// The resolver.
    #[must_use]
    pub fn dns(&self) -> Arc<dyn Dns> {
        Arc::clone(&self.0.dns)
    }
}

/// Work ended by a failed assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("work crashed")]
pub struct Crashed;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_when_moved() {
        let (env, clock) = Env::manual(1);
        let wall = env.wall_millis();
        let sleeper = tokio::spawn({
            let env = env.clone();
            async move {
                env.sleep(Duration::from_secs(10)).await;
                env.now_micros()
            }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(4));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(6));
        assert_eq!(sleeper.await.unwrap(), 10_000_000);
        assert_eq!(env.wall_millis() - wall, 10_000);
    }

    #[tokio::test]
    async fn a_timeout_ends_by_the_manual_clock() {
        let (env, clock) = Env::manual(1);
        assert_eq!(env.timeout(Duration::from_secs(1), async { 5 }).await, Some(5));
        let waiter = tokio::spawn({
            let env = env.clone();
            async move { env.timeout(Duration::from_secs(1), std::future::pending::<()>()).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(1));
        assert_eq!(waiter.await.unwrap(), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_randomness() {
        let numbers = |seed| {
            let (env, _) = Env::manual(seed);
            [env.random_u64(), env.random_u64()]
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
    }

    #[tokio::test]
    async fn bytes_pass_between_two_sockets() {
        let env = Env::real();
        let listener = env.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_address().unwrap();
        let mut client = env.connect(address).await.unwrap();
        let (mut server, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_address().unwrap());
        client.write_all(b"hello").await.unwrap();
        let mut bytes = [0; 5];
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"hello");
    }
}
