//! The standard methods (RFC 8620 §5): what is the same for all kinds of records.

mod changes;
mod get;
mod query;
mod query_changes;
mod set;

pub use changes::{Changes, ChangesReply};
pub use get::{Get, GetReply};
pub use query::{Comparator, Filter, FilterOperator, Query, QueryReply, Window, WindowError, filter_conditions};
pub use query_changes::{AddedItem, QueryChanges, QueryChangesReply};
pub use set::{Set, SetReply};

use serde::de::DeserializeOwned;

use crate::MethodError;

/// Reads the arguments of a method.
///
/// # Errors
/// `invalidArguments`.
pub fn read<T: DeserializeOwned>(arguments: &str) -> Result<T, MethodError> {
    serde_json::from_str(arguments).map_err(|error| MethodError::arguments(error.to_string()))
}
