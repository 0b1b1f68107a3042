//! A node in miniature with JMAP, and a client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hongyan_actor::EntityOptions;
use hongyan_delivery::{Delivery, DeliveryParts, DeliverySettings};
use hongyan_env::{BoxFuture, Env};
use hongyan_http_front::{Front, FrontParts, FrontSettings};
use hongyan_http_jmap::{JmapServices, JmapSettings, Letter, PushDoor, PushError, routes};
use hongyan_listener::{Listener, TlsMode};
use hongyan_mailbox::{FolderPath, FolderRef};
use hongyan_miniature::{Miniature, Options, PASSWORD, USER};
use hongyan_queue::{Alone, QueueEntity, QueueServices, RetrySchedule};
use hongyan_types::Domain;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// The web: everything is taken, and handed to the test.
struct Web {
    posted: mpsc::UnboundedSender<Letter>,
    is_gone: Arc<AtomicBool>,
}

impl PushDoor for Web {
    fn post(&self, letter: Letter) -> BoxFuture<'_, Result<(), PushError>> {
        let is_gone = self.is_gone.load(Ordering::Relaxed);
        // A test that does not look is no reason to fail.
        let _ = self.posted.send(letter);
        Box::pin(async move { if is_gone { Err(PushError::Gone) } else { Ok(()) } })
    }
    fn public_key(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async { Some("key".to_owned()) })
    }
}

/// A client of the one account, signed in with its password on every request.
pub struct Client {
    pub node: Miniature,
    pub delivery: Delivery,
    /// What is posted to places on the web.
    pub web: mpsc::UnboundedReceiver<Letter>,
    /// Whether those places are gone.
    pub is_gone: Arc<AtomicBool>,
    listener: Listener,
    services: JmapServices,
    settings: JmapSettings,
}

impl Client {
    pub async fn start() -> Self {
        Self::start_with(JmapSettings::default()).await
    }
    pub async fn start_with(settings: JmapSettings) -> Self {
        Self::start_on(&Options::default(), settings).await
    }
    pub async fn start_on(options: &Options, settings: JmapSettings) -> Self {
        let node = Miniature::start(options).await;
        let delivery = Delivery::new(DeliveryParts {
            env: node.env.clone(),
            mailboxes: Arc::new(node.router.clone()),
            router: node.router.clone(),
            directory: node.directory.clone(),
            database: node.database.clone(),
            blobs: node.blobs.clone(),
            settings: DeliverySettings::new(Domain::try_from("mx.example.test").unwrap()),
        });
        let queue = QueueServices {
            database: node.database.clone(),
            blobs: node.blobs.clone(),
            env: node.env.clone(),
            hints: node.router.hints(),
            schedule: RetrySchedule::default(),
            holders: Arc::new(Alone::new(node.env.random_u64())),
        };
        node.router.serve::<QueueEntity>(queue, EntityOptions::default());
        let (sender, web) = mpsc::unbounded_channel();
        let is_gone = Arc::new(AtomicBool::new(false));
        let services = JmapServices {
            env: node.env.clone(),
            database: node.database.clone(),
            blobs: node.blobs.clone(),
            router: node.router.clone(),
            directory: node.directory.clone(),
            delivery: delivery.clone(),
            push: Arc::new(Web {
                posted: sender,
                is_gone: Arc::clone(&is_gone),
            }),
        };
        let listener = listen(&node, &services, &settings).await;
        Self {
            node,
            delivery,
            web,
            is_gone,
            listener,
            services,
            settings,
        }
    }
    /// From now on another life of the server answers: what the one before had in memory is gone.
    pub async fn forget(&mut self) {
        self.listener = listen(&self.node, &self.services, &self.settings).await;
    }
    pub async fn stop(self) {
        drop(self.listener);
        self.node.stop().await;
    }
    /// A request as it stands, over a connection of its own.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Response<hyper::body::Incoming> {
        send(&self.node.env, self.listener.local_address(), request).await
    }
    /// The same over a connection that may become another protocol's.
    pub async fn send_upgrade(&self, request: Request<Full<Bytes>>) -> Response<hyper::body::Incoming> {
        let stream = self.node.env.connect(self.listener.local_address()).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection.with_upgrades());
        sender.send_request(request).await.unwrap()
    }
    /// A signed-in request with a body.
    pub fn request(method: &str, path: &str, kind: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        use base64::Engine;
        let proof = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Basic {proof}"))
            .header("content-type", kind)
            .body(Full::new(body.into()))
            .unwrap()
    }
    /// Status and text of what a signed-in request is answered.
    pub async fn ask(&self, method: &str, path: &str, kind: &str, body: impl Into<Bytes>) -> (u16, Bytes) {
        let response = self.send(Self::request(method, path, kind, body)).await;
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    }
    /// The answers to a list of method calls, `accountId` being filled in where it is `$account`.
    pub async fn call(&mut self, calls: &str) -> Value {
        let calls = calls.replace("\"$account\"", &format!("\"{}\"", self.account()));
        let calls: Value = serde_json::from_str(&calls).unwrap_or_else(|error| panic!("{error} in {calls}"));
        let using = [
            "core",
            "mail",
            "submission",
            "vacationresponse",
            "blob",
            "quota",
            "mdn",
            "principals",
        ];
        let using = using.map(|name| format!("urn:ietf:params:jmap:{name}"));
        let using = [
            &using[..],
            &["deleted", "replies", "sending"].map(|name| format!("urn:x-hongyan:jmap:{name}")),
        ]
        .concat();
        let request = json!({"using": using, "methodCalls": calls});
        let (status, text) = self
            .ask("POST", "/jmap/api", "application/json", request.to_string())
            .await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&text));
        let response: Value = serde_json::from_slice(&text).unwrap();
        response["methodResponses"].clone()
    }
    pub fn account(&self) -> String {
        format!("A{:08x}", self.node.mailbox.account.0)
    }
    pub async fn append(&self, folder: &str, days: i64, mail: &str) {
        let path = FolderPath::try_from(folder).unwrap();
        self.node.append(FolderRef::Path(path), mail.as_bytes(), days).await;
    }
}

async fn send(
    env: &Env,
    address: std::net::SocketAddr,
    request: Request<Full<Bytes>>,
) -> Response<hyper::body::Incoming> {
    let stream = env.connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

async fn listen(node: &Miniature, services: &JmapServices, settings: &JmapSettings) -> Listener {
    let jmap = routes(services.clone(), settings.clone());
    node.arbiters.spawn(0, move || jmap.pushing);
    let front = Front::new(FrontParts {
        env: node.env.clone(),
        access: node.access.clone(),
        routes: jmap.router,
        settings: FrontSettings {
            clear_passwords: true,
            ..FrontSettings::default()
        },
    });
    node.listen(front, TlsMode::Never).await
}
