//! SCIM 2.0 (RFC 7643, RFC 7644): what resources look like, and what clients may say about them.
//!
//! A resource is a JSON object whose names are those of its [`ResourceType`]; [`ResourceType::read`] makes one of what a
//! client sent, [`PatchRequest::apply`] changes one as a whole or not at all, [`Filter::matches`] looks at one,
//! [`Selection::cut`] leaves of one what was asked for. Whose they are and where they are kept is the business of
//! `node/http/scim`.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::as_conversions,
        clippy::panic
    )
)]

mod bulk;
mod error;
mod filter;
mod patch;
mod path;
mod resource;
mod schema;
mod search;
mod selection;

pub use bulk::{BulkMethod, BulkOperation, BulkRequest, bulk_answer};
pub use error::{ScimError, ScimType};
pub use filter::{Filter, Operator};
pub use patch::PatchRequest;
pub use path::{AttributePath, PatchPath};
pub use schema::{
    Attribute, ENTERPRISE_USER, Found, GROUP, GROUP_ADDRESS, Kind, Mutability, ResourceType, Returned, Schema, USER,
    all_schemas,
};
pub use search::{Search, list_answer};
pub use selection::Selection;

/// A resource, or part of one.
pub type Object = serde_json::Map<String, serde_json::Value>;
