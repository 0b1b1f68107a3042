//! The parts of JMAP, and its routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post};
use hongyan_blob::BlobStore;
use hongyan_delivery::Delivery;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_telemetry::{CounterVec, HistogramVec, counter_vec, histogram_vec};

use crate::account::Places;
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
}

/// All that requests share.
pub(crate) struct Jmap {
    pub(crate) services: JmapServices,
    pub(crate) settings: JmapSettings,
    pub(crate) snapshots: Snapshots,
    pub(crate) requests: Places,
    pub(crate) uploads: Places,
    pub(crate) streams: Places,
    pub(crate) metrics: Metrics,
}

pub(crate) struct Metrics {
    pub(crate) calls: CounterVec,
    pub(crate) seconds: HistogramVec,
}

/// The routes of JMAP, for the entry.
pub fn routes(services: JmapServices, settings: JmapSettings) -> Router {
    let jmap = Jmap {
        snapshots: Snapshots::new(&settings),
        requests: Places::new(settings.core.requests_max),
        uploads: Places::new(settings.core.uploads_max),
        streams: Places::new(settings.event_streams_max),
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
    Router::new()
        .route("/.well-known/jmap", get(session_object::session))
        .route("/jmap/session", get(session_object::session))
        .route("/jmap/api", post(api::api))
        .route("/jmap/upload/{account}", post(blob::upload))
        .route("/jmap/download/{account}/{blob}/{name}", get(blob::download))
        .route("/jmap/events", get(push::events))
        .route("/jmap/socket", any(push::socket))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(jmap))
}
