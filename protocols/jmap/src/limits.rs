//! The named limits of RFC 8620 §2, as the session object shows them and the server keeps them.

use serde::Serialize;

/// Limits of `urn:ietf:params:jmap:core`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoreLimits {
    /// Octets of one upload.
    #[serde(rename = "maxSizeUpload")]
    pub upload_octets_max: u64,
    /// Uploads of one account at the same time.
    #[serde(rename = "maxConcurrentUpload")]
    pub uploads_max: u64,
    /// Octets of one request.
    #[serde(rename = "maxSizeRequest")]
    pub request_octets_max: u64,
    /// Requests of one account at the same time.
    #[serde(rename = "maxConcurrentRequests")]
    pub requests_max: u64,
    /// Calls in one request.
    #[serde(rename = "maxCallsInRequest")]
    pub calls_max: u64,
    /// Ids in one `/get`.
    #[serde(rename = "maxObjectsInGet")]
    pub get_objects_max: u64,
    /// Records that one `/set` may create, update and destroy together.
    #[serde(rename = "maxObjectsInSet")]
    pub set_objects_max: u64,
    /// Collations that queries can sort by.
    #[serde(rename = "collationAlgorithms")]
    pub collations: Vec<&'static str>,
}

impl Default for CoreLimits {
    fn default() -> Self {
        Self {
            upload_octets_max: 100 * 1024 * 1024,
            uploads_max: 8,
            request_octets_max: 10 * 1024 * 1024,
            requests_max: 16,
            calls_max: 64,
            get_objects_max: 1_000,
            set_objects_max: 1_000,
            collations: vec!["i;ascii-casemap", "i;octet", "i;unicode-casemap"],
        }
    }
}
