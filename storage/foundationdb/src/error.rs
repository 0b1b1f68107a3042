//! FoundationDB's error numbers as what a caller can act on, and why a store does not open.

use std::path::PathBuf;

use hongyan_kv::{Error, KEY_OCTETS_MAX, TRANSACTION_OCTETS_MAX, VALUE_OCTETS_MAX};

use crate::cluster_file::ClusterFileError;
use crate::network;
use crate::sys::{Code, Interface, predicate};

/// Why a store did not open: what the person who starts the node has to mend.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The client library is not there or is no such library.
    #[error(
        "load the FoundationDB client library {path}: {reason}; install the foundationdb-clients package or set storage.client_library"
    )]
    Library {
        /// Which library.
        path: String,
        /// What the loader says.
        reason: String,
    },
    /// The client library is of an older release than is spoken here.
    #[error(
        "the FoundationDB client library {path} offers API version {offered}; {wanted} (release 7.3) or later is needed"
    )]
    LibraryTooOld {
        /// Which library.
        path: String,
        /// The newest API version it offers.
        offered: i32,
        /// The one spoken here.
        wanted: i32,
    },
    /// The process already uses another library.
    #[error("this process already uses the FoundationDB client library {0}")]
    OtherLibrary(String),
    /// The client has ended with the last store; the library starts once a process.
    #[error("the FoundationDB client of this process has ended and cannot start again")]
    Stopped,
    /// The library refuses to start.
    #[error("start the FoundationDB client: {what}: {reason}")]
    Client {
        /// What was asked of it.
        what: &'static str,
        /// What it says.
        reason: String,
    },
    /// Its thread cannot be started.
    #[error("start the FoundationDB client's thread")]
    Thread(#[source] std::io::Error),
    /// The cluster file cannot be used.
    #[error("cluster file {path}: {reason}")]
    ClusterFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: ClusterFileError,
    },
    /// An option is out of its range.
    #[error("setting {setting}: {reason}")]
    Option {
        /// Which one.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// No coordinator answers.
    #[error("no FoundationDB coordinator of {coordinators} answered within {seconds} s (cluster file {path})")]
    Unreachable {
        /// Where it was looked for.
        coordinators: String,
        /// How long.
        seconds: u64,
        /// By which file.
        path: PathBuf,
    },
    /// The servers are of another release line than the library.
    #[error(
        "the FoundationDB servers speak protocol {servers}, the client library {library} speaks {client}: both must be of one release line"
    )]
    Incompatible {
        /// The servers' protocol.
        servers: String,
        /// The library's protocol.
        client: String,
        /// The library's release.
        library: String,
    },
    /// Coordinators answer, the database does not.
    #[error(
        "the FoundationDB cluster {coordinators} is reached but serves no transactions within {seconds} s: it is not configured yet, is recovering, or lacks processes (see `status` in fdbcli)"
    )]
    NotServing {
        /// Where it was looked for.
        coordinators: String,
        /// How long.
        seconds: u64,
    },
    /// The database answers with an error.
    #[error("the FoundationDB cluster refuses: {0}")]
    Refused(String),
}

/// When an error came: only a commit can leave its result open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Read,
    Commit,
}

pub(crate) const TRANSACTION_TOO_OLD: Code = 1007;
pub(crate) const NOT_COMMITTED: Code = 1020;
const COMMIT_UNKNOWN_RESULT: Code = 1021;
const TRANSACTION_CANCELLED: Code = 1025;
const TRANSACTION_TIMED_OUT: Code = 1031;
const TOO_MANY_WATCHES: Code = 1032;
const CLUSTER_VERSION_CHANGED: Code = 1039;
const OPERATION_CANCELLED: Code = 1101;
const TRANSACTION_TOO_LARGE: Code = 2101;
const KEY_TOO_LARGE: Code = 2102;
const VALUE_TOO_LARGE: Code = 2103;

/// What is known of an error number beside the number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) maybe_committed: bool,
    pub(crate) retryable_not_committed: bool,
}

/// What the library knows of an error number.
#[allow(unsafe_code, reason = "calls the client library")]
pub(crate) fn kind(interface: &Interface, code: Code) -> Kind {
    // SAFETY: it answers for every number.
    let is = |test| unsafe { (interface.fdb_error_predicate)(test, code) != 0 };
    Kind {
        maybe_committed: is(predicate::MAYBE_COMMITTED),
        retryable_not_committed: is(predicate::RETRYABLE_NOT_COMMITTED),
    }
}

/// The error for a caller. `octets` is the transaction's size, for the one about it.
pub(crate) fn storage_error(interface: &Interface, code: Code, phase: Phase, octets: usize) -> Error {
    sort(code, kind(interface, code), phase, octets)
        .unwrap_or_else(|| Error::Unavailable(network::text(interface, code)))
}

/// `None` for what has no other name than the library's text.
fn sort(code: Code, kind: Kind, phase: Phase, octets: usize) -> Option<Error> {
    let too_large = |what, octets, limit| Some(Error::TooLarge { what, octets, limit });
    match code {
        NOT_COMMITTED => Some(Error::Conflict),
        TRANSACTION_TOO_OLD => Some(Error::TooOld),
        TRANSACTION_TOO_LARGE => too_large("transaction", octets, TRANSACTION_OCTETS_MAX),
        KEY_TOO_LARGE => too_large("key", octets, KEY_OCTETS_MAX),
        VALUE_TOO_LARGE => too_large("value", octets, VALUE_OCTETS_MAX),
        // A commit that was given up while under way may still arrive.
        COMMIT_UNKNOWN_RESULT
        | CLUSTER_VERSION_CHANGED
        | TRANSACTION_TIMED_OUT
        | TRANSACTION_CANCELLED
        | OPERATION_CANCELLED
            if phase == Phase::Commit =>
        {
            Some(Error::CommitUnknown)
        }
        _ if kind.maybe_committed && phase == Phase::Commit => Some(Error::CommitUnknown),
        TRANSACTION_CANCELLED | OPERATION_CANCELLED => Some(Error::Closed),
        TOO_MANY_WATCHES => None,
        // Future versions, recoveries, throttling: nothing was written, and a repeat may succeed.
        _ if kind.retryable_not_committed || kind.maybe_committed => Some(Error::TooOld),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use hongyan_kv::Error;

    use super::{Kind, Phase, sort};

    const NOTHING: Kind = Kind {
        maybe_committed: false,
        retryable_not_committed: false,
    };
    const RETRYABLE: Kind = Kind {
        maybe_committed: false,
        retryable_not_committed: true,
    };
    const MAYBE: Kind = Kind {
        maybe_committed: true,
        retryable_not_committed: false,
    };

    #[test]
    fn numbers_become_what_a_caller_does_next() {
        let check = |code, kind, read: Option<Error>, commit: Option<Error>| {
            assert_eq!(sort(code, kind, Phase::Read, 7), read, "{code} of a read");
            assert_eq!(sort(code, kind, Phase::Commit, 7), commit, "{code} of a commit");
        };
        let both = |code, kind, error: Option<Error>| check(code, kind, error.clone(), error);
        both(1020, RETRYABLE, Some(Error::Conflict));
        both(1007, RETRYABLE, Some(Error::TooOld));
        both(1009, RETRYABLE, Some(Error::TooOld));
        both(1037, RETRYABLE, Some(Error::TooOld));
        check(1021, MAYBE, Some(Error::TooOld), Some(Error::CommitUnknown));
        check(1039, MAYBE, Some(Error::TooOld), Some(Error::CommitUnknown));
        check(1031, NOTHING, None, Some(Error::CommitUnknown));
        check(1025, NOTHING, Some(Error::Closed), Some(Error::CommitUnknown));
        check(1101, NOTHING, Some(Error::Closed), Some(Error::CommitUnknown));
        both(1032, NOTHING, None);
        both(2004, NOTHING, None);
        let too_large = |what, limit| Some(Error::TooLarge { what, octets: 7, limit });
        both(
            2101,
            NOTHING,
            too_large("transaction", hongyan_kv::TRANSACTION_OCTETS_MAX),
        );
        both(2102, NOTHING, too_large("key", hongyan_kv::KEY_OCTETS_MAX));
        both(2103, NOTHING, too_large("value", hongyan_kv::VALUE_OCTETS_MAX));
    }
}
