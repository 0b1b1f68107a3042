//! Why something of a profile is not kept.

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// What was sent is wrong.
    #[error("{0}")]
    Invalid(String),
    /// It is not there.
    #[error("there is no {0}")]
    NotFound(&'static str),
    /// The directory's answer.
    #[error(transparent)]
    Directory(#[from] hongyan_directory::Error),
}
