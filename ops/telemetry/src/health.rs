//! Is the process alive, may traffic come: `/healthz`, `/readyz` and `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use parking_lot::Mutex;

/// What must be well before the node asks for traffic: named conditions, each with a reason while it is not met.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Health {
    /// Says that `condition` is not met, and why.
    pub fn not_ready(&self, condition: &'static str, reason: impl Into<String>) {
        self.0.lock().insert(condition, reason.into());
    }
    /// Says that `condition` is met.
    pub fn ready(&self, condition: &'static str) {
        self.0.lock().remove(condition);
    }
    /// Whether no condition is missing.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.lock().is_empty()
    }
    /// One line for each condition that is not met.
    #[must_use]
    pub fn missing(&self) -> String {
        self.0
            .lock()
            .iter()
            .map(|(condition, reason)| format!("{condition}: {reason}\n"))
            .collect()
    }
}

/// `/metrics` (Prometheus), `/healthz` (200 while the process runs), `/readyz` (200, or 503 with the reasons).
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics))
        .route(
            "/readyz",
            get(move || async move {
                if health.is_ready() {
                    (StatusCode::OK, "ready\n".to_owned())
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, health.missing())
                }
            }),
        )
}

async fn metrics() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        crate::render(),
    )
}

#[cfg(test)]
mod tests {
    use super::Health;

    #[test]
    fn readiness_names_what_is_missing() {
        let health = Health::default();
        assert!(health.is_ready());
        health.not_ready("storage", "disk is full");
        assert!(!health.is_ready());
        assert_eq!(health.missing(), "storage: disk is full\n");
        health.ready("storage");
        assert!(health.is_ready());
    }
}
