//! Blob (RFC 9404): bytes made, read and looked up inside of requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Id;

/// Arguments of `Blob/upload`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlobUpload {
    /// Which account.
    pub account_id: Id,
    /// New blobs by creation id.
    pub create: BTreeMap<Id, Box<RawValue>>,
}

/// A blob to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadObject {
    /// Its pieces in order.
    pub data: Vec<DataSourceObject>,
    /// A media type, which is only told back.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// A piece of a blob: one of text, base64 and another blob.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataSourceObject {
    /// Octets of UTF-8 text.
    #[serde(default, rename = "data:asText")]
    pub text: Option<String>,
    /// Octets in base64.
    #[serde(default, rename = "data:asBase64")]
    pub base64: Option<String>,
    /// A stretch of another blob, by id or creation id.
    #[serde(default)]
    pub blob_id: Option<String>,
    /// Where the stretch begins.
    #[serde(default)]
    pub offset: Option<u64>,
    /// How long it is.
    #[serde(default)]
    pub length: Option<u64>,
}

/// A blob that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UploadedBlob {
    /// Its id.
    pub id: Id,
    /// What was told.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its octets.
    pub size: u64,
}

/// Arguments of `Blob/get`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlobGet {
    /// Which account.
    pub account_id: Id,
    /// Which blobs.
    pub ids: Vec<Id>,
    /// `data`, `data:asText`, `data:asBase64`, `size`, `digest:sha`, `digest:sha-256`.
    #[serde(default)]
    pub properties: Option<Vec<String>>,
    /// Where the stretch begins.
    #[serde(default)]
    pub offset: Option<u64>,
    /// How long it is.
    #[serde(default)]
    pub length: Option<u64>,
}

/// Arguments of `Blob/lookup`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlobLookup {
    /// Which account.
    pub account_id: Id,
    /// Kinds of records to look in.
    pub type_names: Vec<String>,
    /// Which blobs.
    pub ids: Vec<Id>,
}

/// Where a blob is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlobInfo {
    /// The blob.
    pub id: Id,
    /// Records by kind.
    pub matched_ids: BTreeMap<String, Vec<Id>>,
}
