//! A port with a service that echoes: limits, silence, PROXY headers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hongyan_actor::Arbiters;
use hongyan_env::{Env, Stream};
use hongyan_listener::{
    Connection, ConnectionLimits, Listener, ListenerParts, ListenerSettings, Refusal, Service, TlsConfig, TlsMode,
    self_signed,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Echo;

impl Service for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }
    fn refusal(&self, _refusal: Refusal) -> &'static [u8] {
        b"421 too many\r\n"
    }
    async fn serve(self: Arc<Self>, mut connection: Connection) {
        let hello = format!("{}\n", connection.peer());
        if connection.send(hello.as_bytes()).await.is_err() {
            return;
        }
        loop {
            let mut bytes = Vec::new();
            match connection.receive(|part| bytes.extend_from_slice(part)).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            assert!(bytes != b"panic", "this session only");
            if connection.send(&bytes).await.is_err() {
                return;
            }
        }
    }
}

struct Port {
    env: Env,
    arbiters: Arbiters,
    listener: Listener,
    limits: ConnectionLimits,
}

impl Port {
    async fn open(tls: TlsMode, limits: ConnectionLimits, settings: ListenerSettings) -> Self {
        let env = Env::real();
        let arbiters = Arbiters::start(2);
        let listener = Listener::start(ListenerParts {
            env: env.clone(),
            arbiters: arbiters.clone(),
            address: ([127, 0, 0, 1], 0).into(),
            tls,
            service: Arc::new(Echo),
            limits: limits.clone(),
            settings,
        })
        .await
        .unwrap();
        Self {
            env,
            arbiters,
            listener,
            limits,
        }
    }
    async fn connect(&self) -> Stream {
        self.env.connect(self.listener.local_address()).await.unwrap()
    }
    async fn close(self) {
        drop(self.listener);
        self.arbiters.stop(&self.env, Duration::ZERO).await;
    }
    async fn until_open(&self, count: usize) {
        while self.limits.open() != count {
            self.env.sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn line(stream: &mut Stream) -> String {
    let mut text = String::new();
    while !text.ends_with('\n') {
        match stream.read_u8().await {
            Ok(octet) => text.push(char::from(octet)),
            Err(_) => break,
        }
    }
    text
}

#[test]
fn connections_over_the_limit_are_refused_and_the_others_stay() {
    hongyan_actor::run(0, async {
        let port = Port::open(
            TlsMode::Never,
            ConnectionLimits::strict(10, 2),
            ListenerSettings::default(),
        )
        .await;
        let mut first = port.connect().await;
        let mut second = port.connect().await;
        assert!(line(&mut first).await.starts_with("127.0.0.1:"));
        line(&mut second).await;
        let mut third = port.connect().await;
        assert_eq!(line(&mut third).await, "421 too many\r\n");
        assert_eq!(line(&mut third).await, "", "and closed");
        first.write_all(b"still here\n").await.unwrap();
        assert_eq!(line(&mut first).await, "still here\n");
        drop(second);
        port.until_open(1).await;
        let mut fourth = port.connect().await;
        assert!(line(&mut fourth).await.starts_with("127.0.0.1:"));
        port.close().await;
    });
}

#[test]
fn a_panic_ends_one_session_and_gives_its_place_back() {
    hongyan_actor::run(0, async {
        let port = Port::open(
            TlsMode::Never,
            ConnectionLimits::new(10, 10),
            ListenerSettings::default(),
        )
        .await;
        let mut first = port.connect().await;
        let mut second = port.connect().await;
        line(&mut first).await;
        line(&mut second).await;
        first.write_all(b"panic").await.unwrap();
        assert_eq!(line(&mut first).await, "");
        port.until_open(1).await;
        second.write_all(b"well\n").await.unwrap();
        assert_eq!(line(&mut second).await, "well\n");
        port.close().await;
    });
}

#[test]
fn silent_clients_of_an_implicit_port_are_closed_and_block_nobody() {
    hongyan_actor::run(0, async {
        let pem = self_signed(&["mail.test".to_owned()]).unwrap();
        let settings = ListenerSettings {
            handshake_timeout: Duration::from_millis(200),
            handshakes_max: 1,
            ..ListenerSettings::default()
        };
        let tls = TlsMode::Implicit(TlsConfig::from_pem(&[pem]).unwrap());
        let port = Port::open(tls, ConnectionLimits::new(100, 100), settings).await;
        let mut silent = Vec::new();
        for _ in 0..50 {
            silent.push(port.connect().await);
        }
        let mut garbage = port.connect().await;
        garbage.write_all(b"EHLO no.tls.test\r\n").await.unwrap();
        let mut answer = Vec::new();
        garbage.read_to_end(&mut answer).await.unwrap();
        for mut stream in silent {
            assert_eq!(line(&mut stream).await, "");
        }
        port.until_open(0).await;
        port.close().await;
    });
}

#[test]
fn a_trusted_balancer_names_the_client() {
    hongyan_actor::run(0, async {
        let settings = ListenerSettings {
            proxy_networks: vec!["127.0.0.0/8".parse().unwrap()],
            ..ListenerSettings::default()
        };
        let port = Port::open(TlsMode::Never, ConnectionLimits::new(10, 10), settings).await;
        let mut named = port.connect().await;
        named
            .write_all(b"PROXY TCP4 192.0.2.7 198.51.100.1 4000 25\r\nhello\n")
            .await
            .unwrap();
        let peer: SocketAddr = "192.0.2.7:4000".parse().unwrap();
        assert_eq!(line(&mut named).await, format!("{peer}\n"));
        assert_eq!(line(&mut named).await, "hello\n");
        let mut nameless = port.connect().await;
        nameless.write_all(b"EHLO mail.test and more\r\n").await.unwrap();
        assert_eq!(line(&mut nameless).await, "", "no header, no session");
        port.close().await;
    });
}
