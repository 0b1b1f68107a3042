//! What a look-up or a change of the directory can fail with.

use hongyan_kv::{AsStorageError, record::RecordError};

/// Result of a directory operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a directory operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What was named is not there.
    #[error("{what} {name} does not exist")]
    NotFound {
        /// Kind of thing: `organisation`, `domain`, `account`, `group`, `address`.
        what: &'static str,
        /// The name asked for.
        name: String,
    },
    /// The name is taken.
    #[error("{what} {name} already exists")]
    Exists {
        /// Kind of thing.
        what: &'static str,
        /// The name asked for.
        name: String,
    },
    /// It cannot go while something depends on it.
    #[error("{what} {name} is still used: {by}")]
    InUse {
        /// Kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// By what.
        by: String,
    },
    /// Others count on a member, and have not been asked.
    #[error("{what} {name} is still used: {}", crate::member_use::told(uses))]
    MemberUsed {
        /// Kind of thing.
        what: &'static str,
        /// Its address.
        name: String,
        /// What for.
        uses: Vec<crate::MemberUse>,
    },
    /// A setting forbids one more.
    #[error("{setting} is {max} and {used} are in use")]
    Limit {
        /// Name of the setting.
        setting: &'static str,
        /// Its value.
        max: u64,
        /// Present use.
        used: u64,
    },
    /// As [`Error::Limit`], where it is not the installation's setting that forbids it.
    #[error("{setting} is {max} (set for the {}) and {used} are in use", level.label())]
    LimitAt {
        /// Name of the limit.
        setting: &'static str,
        /// Its value.
        max: u64,
        /// Present use.
        used: u64,
        /// Who set it.
        level: crate::LimitLevel,
    },
    /// The organisation's plan does not include it.
    #[error("the plan {plan} does not include {feature}")]
    NotInPlan {
        /// Which function.
        feature: &'static str,
        /// Which plan.
        plan: String,
    },
    /// What was to be changed is no longer what the asker saw.
    #[error("{what} {name} was changed by someone else meanwhile")]
    Changed {
        /// Kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A rule forbids it as things are.
    #[error("{0}")]
    Refused(String),
    /// Whoever asks may not do that.
    #[error("{0}")]
    Forbidden(String),
    /// The very same request was carried out before.
    #[error("the request was carried out before")]
    Repeated,
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error("the directory's storage failed")]
    Storage(#[from] hongyan_kv::Error),
}

impl Error {
    pub(crate) fn not_found(what: &'static str, name: impl ToString) -> Self {
        Self::NotFound {
            what,
            name: name.to_string(),
        }
    }
    pub(crate) fn exists(what: &'static str, name: impl ToString) -> Self {
        Self::Exists {
            what,
            name: name.to_string(),
        }
    }
    /// Whether the same call may succeed later (answers 4xx / NO [UNAVAILABLE]).
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_temporary())
    }
    /// Whether the caller asked for something it cannot have, as against a fault of ours.
    #[must_use]
    pub fn is_callers_fault(&self) -> bool {
        !matches!(self, Self::Storage(_))
    }
}

impl From<RecordError> for Error {
    fn from(error: RecordError) -> Self {
        Self::Storage(error.into())
    }
}

impl AsStorageError for Error {
    fn as_storage_error(&self) -> Option<&hongyan_kv::Error> {
        match self {
            Self::Storage(error) => Some(error),
            _ => None,
        }
    }
}
