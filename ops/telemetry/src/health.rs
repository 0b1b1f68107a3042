//! Is the process alive, may traffic come: `/healthz`, `/readyz` and `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use parking_lot::Mutex;

/// What must be well before the node asks for traffic: named conditions, each with a reason while it is not met. Beside
/// them notes: what a person should see to, though traffic may come.
#[derive(Clone, Default)]
pub struct Health {
    missing: Arc<Mutex<BTreeMap<&'static str, String>>>,
    notes: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Health {
    /// Says that `condition` is not met, and why.
    pub fn not_ready(&self, condition: &'static str, reason: impl Into<String>) {
        self.missing.lock().insert(condition, reason.into());
    }
    /// Says that `condition` is met.
    pub fn ready(&self, condition: &'static str) {
        self.missing.lock().remove(condition);
    }
    /// Whether no condition is missing.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.missing.lock().is_empty()
    }
    /// One line for each condition that is not met.
    #[must_use]
    pub fn missing(&self) -> String {
        lines("", &self.missing.lock())
    }
    /// Puts a note, or with `None` takes it away.
    pub fn note(&self, subject: &'static str, text: Option<String>) {
        let mut notes = self.notes.lock();
        match text {
            Some(text) => notes.insert(subject, text),
            None => notes.remove(subject),
        };
    }
    /// One line for each note.
    #[must_use]
    pub fn notes(&self) -> String {
        lines("note: ", &self.notes.lock())
    }
}

fn lines(before: &str, subjects: &BTreeMap<&'static str, String>) -> String {
    let line = |(subject, text): (&&str, &String)| format!("{before}{subject}: {text}\n");
    subjects.iter().map(line).collect()
}

/// `/metrics` (Prometheus), `/healthz` (200 while the process runs), `/readyz` (200, or 503 with the reasons, and notes).
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics))
        .route(
            "/readyz",
            get(move || async move {
                if health.is_ready() {
                    (StatusCode::OK, "ready\n".to_owned() + &health.notes())
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, health.missing() + &health.notes())
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
        health.note("store", Some("one copy is missing".to_owned()));
        assert!(health.is_ready(), "traffic may come");
        assert_eq!(health.notes(), "note: store: one copy is missing\n");
        health.note("store", None);
        assert_eq!(health.notes(), "");
    }
}
