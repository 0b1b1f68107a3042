//! What mail clients ask about their set-up.

use hongyan_http_discovery::AutodiscoverRequest;

/// Bytes of a mail client: never a panic, and what is read is bounded by what came.
pub fn autodiscover(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(request) = AutodiscoverRequest::parse(&text) {
        // Nothing grows: there are no entities that stand for more than themselves.
        assert!(request.address.len() <= text.len() && request.schema.len() <= text.len());
    }
}
