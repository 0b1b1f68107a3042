//! The parts of JMAP, and its routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post};
use hongyan_blob::BlobStore;
use hongyan_delivery::Delivery;
use hongyan_directory::Directory;
use hongyan_env::{BoxFuture, Env};
use hongyan_kv::Database;
use hongyan_telemetry::{CounterVec, HistogramVec, counter_vec, histogram_vec};

use tokio::sync::Notify;

use crate::account::Places;
use crate::push::PushDoor;
use crate::settings::JmapSettings;
use crate::snapshots::Snapshots;
use crate::{api, blob, push, session_object};

/// What JMAP uses of the node; wired by `node/server`.
#[derive(Clone)]
pub struct JmapServices {
    /// Clock and randomness.
    pub env: Env,
    /// Where records of mails and the log are read.
    pub database: Database,
    /// Where bytes are read and written.
    pub blobs: BlobStore,
    /// The way to mailboxes and queues.
    pub router: hongyan_router::Router,
    /// Whose address is which.
    pub directory: Directory,
    /// Where mails leave.
    pub delivery: Delivery,
    /// The way to places on the web that are told of new states.
    pub push: Arc<dyn PushDoor>,
}

/// All that requests share.
pub(crate) struct Jmap {
    pub(crate) services: JmapServices,
    pub(crate) settings: JmapSettings,
    pub(crate) snapshots: Snapshots,
    pub(crate) requests: Places,
    pub(crate) uploads: Places,
    pub(crate) streams: Places,
    /// Wakes whoever follows accounts that are pushed for.
    pub(crate) pushing: Notify,
    pub(crate) metrics: Metrics,
}

pub(crate) struct Metrics {
    pub(crate) calls: CounterVec,
    pub(crate) seconds: HistogramVec,
}

/// JMAP, for the entry.
pub struct JmapRoutes {
    /// Its routes.
    pub router: Router,
    /// Tells places on the web of new states, for as long as it is polled.
    pub pushing: BoxFuture<'static, ()>,
}

/// The routes of JMAP, and what goes on beside them.
#[must_use]
pub fn routes(services: JmapServices, settings: JmapSettings) -> JmapRoutes {
    let jmap = Jmap {
        snapshots: Snapshots::new(&settings),
        requests: Places::new(settings.core.requests_max),
        uploads: Places::new(settings.core.uploads_max),
        streams: Places::new(settings.event_streams_max),
        pushing: Notify::new(),
        metrics: Metrics {
            calls: counter_vec(
                "hongyan_jmap_calls_total",
                "JMAP method calls, by method and result.",
                &["method", "result"],
            ),
            seconds: histogram_vec(
                "hongyan_jmap_call_seconds",
                "Time a JMAP method call took.",
                &["method"],
            ),
        },
        services,
        settings,
    };
    let jmap = Arc::new(jmap);
    let pushing = Box::pin(push::follow_all(Arc::clone(&jmap)));
    let router = Router::new()
        .route("/.well-known/jmap", get(session_object::session))
        .route("/jmap/session", get(session_object::session))
        .route("/jmap/api", post(api::api))
        .route("/jmap/upload/{account}", post(blob::upload))
        .route("/jmap/download/{account}/{blob}/{name}", get(blob::download))
        .route("/jmap/events", get(push::events))
        .route("/jmap/socket", any(push::socket))
        .layer(DefaultBodyLimit::disable())
        .with_state(jmap);
    JmapRoutes { router, pushing }
}
