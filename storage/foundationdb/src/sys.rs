//! FoundationDB's C interface of API version 730, as far as it is used, declared by hand from its public
//! documentation, and the table of its functions in a loaded library.
//!
//! Nothing links against the library: every function is looked up by name when it is loaded.

mod library;

use std::ffi::{c_char, c_int, c_void};

pub(crate) use library::{LoadError, load};

/// The version of the interface that these declarations follow.
pub(crate) const API_VERSION: c_int = 730;

/// FoundationDB's error numbers; 0 is success.
pub(crate) type Code = c_int;

macro_rules! opaque {
    ($($(#[$about:meta])* $name:ident;)*) => {$(
        $(#[$about])*
        #[repr(C)]
        pub(crate) struct $name {
            _private: [u8; 0],
        }
    )*};
}
opaque! {
    /// A result that comes later.
    Future;
    /// A connection to a cluster.
    Database;
    /// A transaction.
    Transaction;
}

/// A pair of a range read. The library packs it to 4 octets.
#[repr(C, packed(4))]
#[derive(Clone, Copy)]
pub(crate) struct KeyValue {
    pub(crate) key: *const u8,
    pub(crate) key_length: c_int,
    pub(crate) value: *const u8,
    pub(crate) value_length: c_int,
}

/// What a future calls when it is ready.
pub(crate) type Callback = unsafe extern "C" fn(*mut Future, *mut c_void);

/// Options of the whole process.
pub(crate) mod network_option {
    use std::ffi::c_int;
    pub(crate) const TRACE_ENABLE: c_int = 30;
    pub(crate) const TRACE_FORMAT: c_int = 34;
    /// Off: the library would copy itself to a temporary folder and load the copies.
    pub(crate) const DISABLE_MULTI_VERSION_CLIENT: c_int = 60;
}

/// Options of a database, and the defaults of its transactions.
pub(crate) mod database_option {
    use std::ffi::c_int;
    pub(crate) const MAX_WATCHES: c_int = 20;
    pub(crate) const MACHINE_ID: c_int = 21;
    pub(crate) const DATACENTER_ID: c_int = 22;
    pub(crate) const TRANSACTION_TIMEOUT: c_int = 500;
    pub(crate) const TRANSACTION_RETRY_LIMIT: c_int = 501;
    pub(crate) const TRANSACTION_SIZE_LIMIT: c_int = 503;
}

/// How a range read is cut into replies.
pub(crate) mod streaming_mode {
    use std::ffi::c_int;
    /// Replies as large as are efficient.
    pub(crate) const WANT_ALL: c_int = -2;
    /// The limit, in one reply.
    pub(crate) const EXACT: c_int = 0;
}

/// Adds little-endian integers.
pub(crate) const MUTATION_ADD: c_int = 2;
/// A conflict range of reads.
pub(crate) const CONFLICT_READ: c_int = 0;
/// A conflict range of writes.
pub(crate) const CONFLICT_WRITE: c_int = 1;

/// Questions about error numbers.
pub(crate) mod predicate {
    use std::ffi::c_int;
    pub(crate) const MAYBE_COMMITTED: c_int = 50001;
    pub(crate) const RETRYABLE_NOT_COMMITTED: c_int = 50002;
}

/// Declares the table of functions and how it is filled.
macro_rules! interface {
    ($($(#[$meta:meta])* fn $name:ident($($type:ty),*) $(-> $result:ty)?;)*) => {
        /// The library's functions.
        pub(crate) struct Interface {
            $($(#[$meta])* pub(crate) $name: unsafe extern "C" fn($($type),*) $(-> $result)?,)*
        }

        impl Interface {
            /// Looks all functions up with `symbol`.
            ///
            /// # Safety
            /// `symbol` returns the addresses of the functions of these names in a FoundationDB client library that
            /// is never unloaded.
            #[allow(unsafe_code, reason = "the addresses of functions become functions")]
            unsafe fn resolve(
                symbol: impl Fn(&std::ffi::CStr) -> Result<*mut c_void, LoadError>,
            ) -> Result<Self, LoadError> {
                Ok(Self {$(
                    $(#[$meta])*
                    $name: {
                        const NAME: &str = concat!(stringify!($name), "\0");
                        let name = std::ffi::CStr::from_bytes_with_nul(NAME.as_bytes()).expect("it ends with 0");
                        let address = symbol(name)?;
                        // SAFETY: the caller promises the function of this name; its type is the one that the
                        // interface documents. Pointers to data and to functions have one size where dlsym exists.
                        unsafe {
                            std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($type),*) $(-> $result)?>(address)
                        }
                    },
                )*})
            }
        }
    };
}

interface! {
    fn fdb_get_max_api_version() -> c_int;
    fn fdb_get_client_version() -> *const c_char;
    fn fdb_select_api_version_impl(c_int, c_int) -> Code;
    fn fdb_get_error(Code) -> *const c_char;
    fn fdb_error_predicate(c_int, Code) -> c_int;

    fn fdb_network_set_option(c_int, *const u8, c_int) -> Code;
    fn fdb_setup_network() -> Code;
    fn fdb_run_network() -> Code;
    fn fdb_stop_network() -> Code;

    fn fdb_create_database(*const c_char, *mut *mut Database) -> Code;
    fn fdb_database_destroy(*mut Database);
    fn fdb_database_set_option(*mut Database, c_int, *const u8, c_int) -> Code;
    fn fdb_database_create_transaction(*mut Database, *mut *mut Transaction) -> Code;
    fn fdb_database_get_server_protocol(*mut Database, u64) -> *mut Future;
    fn fdb_database_get_main_thread_busyness(*mut Database) -> f64;

    fn fdb_transaction_destroy(*mut Transaction);
    fn fdb_transaction_set_read_version(*mut Transaction, i64);
    fn fdb_transaction_get_read_version(*mut Transaction) -> *mut Future;
    fn fdb_transaction_get(*mut Transaction, *const u8, c_int, c_int) -> *mut Future;
    fn fdb_transaction_get_range(
        *mut Transaction,
        *const u8, c_int, c_int, c_int,
        *const u8, c_int, c_int, c_int,
        c_int, c_int, c_int, c_int, c_int, c_int
    ) -> *mut Future;
    fn fdb_transaction_set(*mut Transaction, *const u8, c_int, *const u8, c_int);
    fn fdb_transaction_clear(*mut Transaction, *const u8, c_int);
    fn fdb_transaction_clear_range(*mut Transaction, *const u8, c_int, *const u8, c_int);
    fn fdb_transaction_atomic_op(*mut Transaction, *const u8, c_int, *const u8, c_int, c_int);
    fn fdb_transaction_add_conflict_range(*mut Transaction, *const u8, c_int, *const u8, c_int, c_int) -> Code;
    fn fdb_transaction_watch(*mut Transaction, *const u8, c_int) -> *mut Future;
    fn fdb_transaction_commit(*mut Transaction) -> *mut Future;
    fn fdb_transaction_get_committed_version(*mut Transaction, *mut i64) -> Code;
    fn fdb_transaction_on_error(*mut Transaction, Code) -> *mut Future;

    fn fdb_future_destroy(*mut Future);
    fn fdb_future_is_ready(*mut Future) -> c_int;
    fn fdb_future_set_callback(*mut Future, Callback, *mut c_void) -> Code;
    fn fdb_future_get_error(*mut Future) -> Code;
    fn fdb_future_get_int64(*mut Future, *mut i64) -> Code;
    fn fdb_future_get_uint64(*mut Future, *mut u64) -> Code;
    fn fdb_future_get_value(*mut Future, *mut c_int, *mut *const u8, *mut c_int) -> Code;
    fn fdb_future_get_keyvalue_array(*mut Future, *mut *const KeyValue, *mut c_int, *mut c_int) -> Code;
}
