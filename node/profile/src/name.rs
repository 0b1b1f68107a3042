//! Names that members choose for themselves.

use crate::ProfileError;

/// The name as it is kept: trimmed and composed; empty is none.
///
/// # Errors
/// [`ProfileError::Invalid`], which says what is wrong with the name.
pub fn sender_name(name: &str) -> Result<String, ProfileError> {
    hongyan_directory::chosen_name("sender_name", name).map_err(|error| ProfileError::Invalid(error.to_string()))
}
