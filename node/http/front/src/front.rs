//! HTTP as a service of the listener.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::{Access, SessionWatch};
use hongyan_listener::{Connection, Refusal, Service};
use hongyan_telemetry::{CounterVec, HistogramVec, counter_vec, histogram_vec};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tower::ServiceExt;

use crate::caller::Caller;
use crate::coding;
use crate::fold;
use crate::problem::Problem;
use crate::settings::FrontSettings;
use crate::sign_in;
use crate::visitor::Visitor;
use crate::watched::watched;
use crate::web;

/// HTTP/2: octets that may be on their way to us on one stream, and on one connection.
const STREAM_WINDOW_OCTETS: u32 = 1 << 20;
const CONNECTION_WINDOW_OCTETS: u32 = 4 << 20;

/// Time that requests have to come to their end when the node goes down; streams of events have none.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// What the entry is made of.
pub struct FrontParts {
    /// Clock.
    pub env: hongyan_env::Env,
    /// Sign-in.
    pub access: Access,
    /// The routes of all crates that have some.
    pub routes: Router,
    /// Limits.
    pub settings: FrontSettings,
}

/// The entry.
pub struct Front {
    env: hongyan_env::Env,
    access: Access,
    routes: Router,
    settings: Arc<FrontSettings>,
    metrics: Metrics,
}

#[derive(Clone)]
struct Metrics {
    requests: CounterVec,
    seconds: HistogramVec,
}

impl Front {
    /// The entry.
    #[must_use]
    pub fn new(parts: FrontParts) -> Self {
        Self {
            env: parts.env,
            access: parts.access,
            routes: coding::coded(
                parts.routes.fallback(nothing_here),
                parts.settings.compressed_octets_min,
            ),
            settings: Arc::new(parts.settings),
            metrics: Metrics {
                requests: counter_vec(
                    "hongyan_http_requests_total",
                    "Requests over HTTPS, by method and status.",
                    &["method", "status"],
                ),
                seconds: histogram_vec(
                    "hongyan_http_request_seconds",
                    "Time from a request over HTTPS to the beginning of its answer.",
                    &["method"],
                ),
            },
        }
    }

    async fn answer(&self, visitor: &Arc<Visitor>, mut request: Request) -> Response {
        let began = self.env.now_micros();
        let method = known_method(request.method().as_str());
        fold::fold(&mut request);
        let mut response = self.answer_caller(visitor, &mut request).await.unwrap_or_else(|| {
            // The session was ended while the request was being worked on.
            Problem::unauthorized("the session was ended").into_response()
        });
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if visitor.is_tls() {
            // RFC 6797 §7.2: never over a connection without TLS.
            let year = HeaderValue::from_static("max-age=31536000");
            headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
        }
        let status = response.status().as_u16().to_string();
        self.metrics.requests.with_label_values(&[method, &status]).inc();
        let micros = self.env.now_micros().saturating_sub(began);
        let seconds = Duration::from_micros(micros).as_secs_f64();
        self.metrics.seconds.with_label_values(&[method]).observe(seconds);
        response
    }

    /// `None` when the caller's session ended meanwhile.
    async fn answer_caller(&self, visitor: &Arc<Visitor>, request: &mut Request) -> Option<Response> {
        request.extensions_mut().insert(Arc::clone(visitor));
        if let Err(problem) = visitor.receive(request) {
            return Some(problem.into_response());
        }
        if let Some(refusal) = coding::prepare(request) {
            return Some(refusal);
        }
        let mut watch: Option<SessionWatch> = None;
        // A program's token is looked at where it is good for something.
        let shown = request.headers().get(header::AUTHORIZATION);
        let is_shown = shown.is_some_and(|shown| sign_in::token(shown).is_none());
        let is_signed_in = is_shown || web::token(request.headers()).is_some();
        if is_signed_in && !web::takes_guests(request.uri().path()) {
            // Signed in before the route is known: what takes no caller costs no more than a look.
            let protocol = web::protocol_of(request.uri().path());
            match Arc::clone(visitor).caller(request.headers(), protocol).await {
                Ok(caller) => {
                    watch = Some(caller.watch().clone());
                    request.extensions_mut().insert(caller.identity().clone());
                    request.extensions_mut().insert::<Caller>(caller);
                }
                // A cookie that is good no more comes along with whatever is asked for.
                Err(_) if !is_shown => {}
                Err(problem) => return Some(problem.into_response()),
            }
        }
        let request = std::mem::take(request);
        let Ok(response) = SessionWatch::work(watch.as_ref(), self.routes.clone().oneshot(request)).await?;
        Some(match watch {
            Some(watch) => response.map(|body| watched(body, watch)),
            None => response,
        })
    }
}

/// Methods as a metric may name them: clients cannot make up new ones.
fn known_method(name: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == name).unwrap_or("other")
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this path")
}

/// Spawns on the arbiter that the connection is on.
#[derive(Clone)]
struct OnArbiter;

impl<F: Future + 'static> hyper::rt::Executor<F> for OnArbiter {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

impl Service for Front {
    fn name(&self) -> &'static str {
        "http"
    }

    fn refusal(&self, _: Refusal) -> &'static [u8] {
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 5\r\nconnection: close\r\n\r\n"
    }

    async fn serve(self: Arc<Self>, connection: Connection) {
        let (peer, is_tls, shutdown) = (connection.peer(), connection.tls().is_some(), connection.shutdown());
        let Some(stream) = connection.into_stream() else { return };
        let visitor = Arc::new(Visitor::new(
            self.access.clone(),
            peer,
            is_tls,
            Arc::clone(&self.settings),
        ));
        let builder = self.builder();
        let front = Arc::clone(&self);
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let (front, visitor) = (Arc::clone(&front), Arc::clone(&visitor));
            async move {
                let response = front.answer(&visitor, request.map(Body::new)).await;
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        tokio::pin!(served);
        let ended = tokio::select! {
            biased;
            ended = served.as_mut() => ended,
            () = shutdown.requested() => {
                served.as_mut().graceful_shutdown();
                self.env.timeout(SHUTDOWN_GRACE, served).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, %peer, "HTTP connection failed");
        }
    }
}

impl Front {
    fn builder(&self) -> auto::Builder<OnArbiter> {
        let settings = &self.settings;
        let mut builder = auto::Builder::new(OnArbiter);
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.idle)
            .max_buf_size(
                usize::try_from(settings.header_octets_max)
                    .unwrap_or(64 * 1024)
                    .max(8_192),
            );
        builder
            .http2()
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW_OCTETS)
            .initial_connection_window_size(CONNECTION_WINDOW_OCTETS)
            .max_concurrent_streams(settings.streams_max)
            .max_header_list_size(settings.header_octets_max)
            .keep_alive_interval(Some(settings.idle / 2))
            .keep_alive_timeout(settings.idle / 4);
        builder
    }
}
