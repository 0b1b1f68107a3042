//! Safe values over the library's objects: a database, a transaction, and results that come later.
//!
//! Each owns its object and gives it back once. What the library hands out is copied before its owner goes, so no
//! pointer of the library's leaves this file.
#![allow(unsafe_code, reason = "calls the client library")]

use std::ffi::{CString, c_int, c_void};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::task::AtomicWaker;

use crate::sys::{self, Code, Interface};

/// Lengths beyond what the interface can say are cut; the library refuses them for their size.
fn length(octets: &[u8]) -> c_int {
    c_int::try_from(octets.len()).unwrap_or(c_int::MAX)
}

fn succeeded(code: Code) -> Result<(), Code> {
    if code == 0 { Ok(()) } else { Err(code) }
}

/// A connection to a cluster.
pub(crate) struct DatabaseHandle {
    interface: &'static Interface,
    raw: NonNull<sys::Database>,
}

// SAFETY: the library's database objects may be used from every thread, by several at once.
unsafe impl Send for DatabaseHandle {}
// SAFETY: as above.
unsafe impl Sync for DatabaseHandle {}

impl DatabaseHandle {
    /// Connects in the background to the cluster of a cluster file.
    pub(crate) fn open(interface: &'static Interface, cluster_file: &CString) -> Result<Self, Code> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: the network is set up whenever an `Interface` is handed out; the path ends with 0.
        succeeded(unsafe { (interface.fdb_create_database)(cluster_file.as_ptr(), &raw mut raw) })?;
        let raw = NonNull::new(raw).expect("a database made without an error is there");
        Ok(Self { interface, raw })
    }
    /// The library.
    pub(crate) fn interface(&self) -> &'static Interface {
        self.interface
    }
    /// Sets an option whose value is text, or nothing.
    pub(crate) fn set_text(&self, option: c_int, value: &[u8]) -> Result<(), Code> {
        let set = self.interface.fdb_database_set_option;
        // SAFETY: the object is alive; `value` is valid for its length and copied.
        succeeded(unsafe { set(self.raw.as_ptr(), option, value.as_ptr(), length(value)) })
    }
    /// Sets an option whose value is a number.
    pub(crate) fn set_number(&self, option: c_int, value: i64) -> Result<(), Code> {
        self.set_text(option, &value.to_le_bytes())
    }
    /// A new transaction.
    pub(crate) fn transaction(&self) -> Result<TransactionHandle, Code> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: the object is alive.
        succeeded(unsafe { (self.interface.fdb_database_create_transaction)(self.raw.as_ptr(), &raw mut raw) })?;
        let raw = NonNull::new(raw).expect("a transaction made without an error is there");
        Ok(TransactionHandle {
            interface: self.interface,
            raw,
        })
    }
    /// The protocol that the coordinators speak; resolves when one of them answers.
    pub(crate) fn server_protocol(&self) -> Pending<Protocol> {
        // SAFETY: the object is alive. 0 expects nothing in particular.
        let raw = unsafe { (self.interface.fdb_database_get_server_protocol)(self.raw.as_ptr(), 0) };
        Pending::new(self.interface, raw)
    }
    /// How busy the library's one thread is, 0 to 1.
    pub(crate) fn busyness(&self) -> f64 {
        // SAFETY: the object is alive.
        unsafe { (self.interface.fdb_database_get_main_thread_busyness)(self.raw.as_ptr()) }
    }
}

impl Drop for DatabaseHandle {
    fn drop(&mut self) {
        // SAFETY: the object is ours and given back once; transactions hold it by themselves.
        unsafe { (self.interface.fdb_database_destroy)(self.raw.as_ptr()) }
    }
}

/// What to read of a range.
pub(crate) struct RangeRead<'k> {
    pub(crate) begin: &'k [u8],
    pub(crate) end: &'k [u8],
    /// Pairs at most; 0 for as many as are efficient.
    pub(crate) limit: usize,
    /// Octets at most, about, when there is a limit of pairs.
    pub(crate) octets_max: usize,
    pub(crate) reverse: bool,
    pub(crate) snapshot: bool,
}

/// A transaction. Dropping it gives up what was not committed.
pub(crate) struct TransactionHandle {
    interface: &'static Interface,
    raw: NonNull<sys::Transaction>,
}

// SAFETY: the library's transaction objects may be used from every thread, by several at once.
unsafe impl Send for TransactionHandle {}
// SAFETY: as above.
unsafe impl Sync for TransactionHandle {}

impl TransactionHandle {
    /// Reads at a version that was learnt before.
    pub(crate) fn set_read_version(&self, version: i64) {
        // SAFETY: the object is alive.
        unsafe { (self.interface.fdb_transaction_set_read_version)(self.raw.as_ptr(), version) }
    }
    /// The version that it reads at.
    pub(crate) fn read_version(&self) -> Pending<Version> {
        // SAFETY: the object is alive.
        let raw = unsafe { (self.interface.fdb_transaction_get_read_version)(self.raw.as_ptr()) };
        Pending::new(self.interface, raw)
    }
    /// The value of `key`.
    pub(crate) fn get(&self, key: &[u8], snapshot: bool) -> Pending<Option<Bytes>> {
        let get = self.interface.fdb_transaction_get;
        // SAFETY: the object is alive; `key` is valid for its length and copied.
        let raw = unsafe { get(self.raw.as_ptr(), key.as_ptr(), length(key), c_int::from(snapshot)) };
        Pending::new(self.interface, raw)
    }
    /// Pairs of a range.
    pub(crate) fn get_range(&self, read: &RangeRead<'_>) -> Pending<Pairs> {
        let (mode, octets) = match read.limit {
            0 => (sys::streaming_mode::WANT_ALL, 0),
            _ => (sys::streaming_mode::EXACT, read.octets_max),
        };
        let number = |value: usize| c_int::try_from(value).unwrap_or(c_int::MAX);
        let get_range = self.interface.fdb_transaction_get_range;
        // SAFETY: the object is alive; both keys are valid for their lengths and copied. (0, 1) after a key selects
        // the first key at or after it.
        let raw = unsafe {
            get_range(
                self.raw.as_ptr(),
                read.begin.as_ptr(),
                length(read.begin),
                0,
                1,
                read.end.as_ptr(),
                length(read.end),
                0,
                1,
                number(read.limit),
                number(octets),
                mode,
                1,
                c_int::from(read.snapshot),
                c_int::from(read.reverse),
            )
        };
        Pending::new(self.interface, raw)
    }
    /// Sets `key`.
    pub(crate) fn set(&self, key: &[u8], value: &[u8]) {
        let set = self.interface.fdb_transaction_set;
        // SAFETY: the object is alive; key and value are valid for their lengths and copied.
        unsafe {
            set(
                self.raw.as_ptr(),
                key.as_ptr(),
                length(key),
                value.as_ptr(),
                length(value),
            )
        }
    }
    /// Removes `key`.
    pub(crate) fn clear(&self, key: &[u8]) {
        // SAFETY: the object is alive; `key` is valid for its length and copied.
        unsafe { (self.interface.fdb_transaction_clear)(self.raw.as_ptr(), key.as_ptr(), length(key)) }
    }
    /// Removes the keys from `begin` to before `end`.
    pub(crate) fn clear_range(&self, begin: &[u8], end: &[u8]) {
        let clear_range = self.interface.fdb_transaction_clear_range;
        // SAFETY: the object is alive; both keys are valid for their lengths and copied.
        unsafe {
            clear_range(
                self.raw.as_ptr(),
                begin.as_ptr(),
                length(begin),
                end.as_ptr(),
                length(end),
            )
        }
    }
    /// Adds to the little-endian integer at `key`.
    pub(crate) fn add(&self, key: &[u8], delta: i64) {
        let (add, delta) = (self.interface.fdb_transaction_atomic_op, delta.to_le_bytes());
        // SAFETY: the object is alive; key and operand are valid for their lengths and copied.
        unsafe {
            add(
                self.raw.as_ptr(),
                key.as_ptr(),
                length(key),
                delta.as_ptr(),
                length(&delta),
                sys::MUTATION_ADD,
            );
        }
    }
    /// Adds a conflict range.
    pub(crate) fn add_conflict(&self, begin: &[u8], end: &[u8], kind: c_int) -> Result<(), Code> {
        let add_conflict = self.interface.fdb_transaction_add_conflict_range;
        // SAFETY: the object is alive; both keys are valid for their lengths and copied.
        succeeded(unsafe {
            add_conflict(
                self.raw.as_ptr(),
                begin.as_ptr(),
                length(begin),
                end.as_ptr(),
                length(end),
                kind,
            )
        })
    }
    /// Resolves when `key` has changed after this transaction's commit.
    pub(crate) fn watch(&self, key: &[u8]) -> Pending<()> {
        // SAFETY: the object is alive; `key` is valid for its length and copied.
        let raw = unsafe { (self.interface.fdb_transaction_watch)(self.raw.as_ptr(), key.as_ptr(), length(key)) };
        Pending::new(self.interface, raw)
    }
    /// Commits.
    pub(crate) fn commit(&self) -> Pending<()> {
        // SAFETY: the object is alive.
        let raw = unsafe { (self.interface.fdb_transaction_commit)(self.raw.as_ptr()) };
        Pending::new(self.interface, raw)
    }
    /// The version of the commit; `None` when it wrote nothing.
    pub(crate) fn committed_version(&self) -> Result<Option<u64>, Code> {
        let mut version = -1;
        let get = self.interface.fdb_transaction_get_committed_version;
        // SAFETY: the object is alive.
        succeeded(unsafe { get(self.raw.as_ptr(), &raw mut version) })?;
        Ok(u64::try_from(version).ok())
    }
    /// Resolves after the pause that the error asks for; fails with the error when a repeat makes no sense.
    pub(crate) fn on_error(&self, code: Code) -> Pending<()> {
        // SAFETY: the object is alive.
        let raw = unsafe { (self.interface.fdb_transaction_on_error)(self.raw.as_ptr(), code) };
        Pending::new(self.interface, raw)
    }
}

impl Drop for TransactionHandle {
    fn drop(&mut self) {
        // SAFETY: the object is ours and given back once.
        unsafe { (self.interface.fdb_transaction_destroy)(self.raw.as_ptr()) }
    }
}

/// A read or commit version.
pub(crate) struct Version(pub(crate) u64);

/// A protocol version of servers.
pub(crate) struct Protocol(pub(crate) u64);

/// Pairs of a range read, and whether there may be more.
pub(crate) struct Pairs {
    pub(crate) pairs: Vec<(Bytes, Bytes)>,
    pub(crate) more: bool,
}

/// What a result can be taken out as.
pub(crate) trait Outcome: Sized {
    /// Copies the result out.
    ///
    /// # Safety
    /// `future` is alive, ready, and one that yields this type.
    unsafe fn take(interface: &Interface, future: *mut sys::Future) -> Result<Self, Code>;
}

impl Outcome for () {
    unsafe fn take(interface: &Interface, future: *mut sys::Future) -> Result<Self, Code> {
        // SAFETY: the caller's promise.
        succeeded(unsafe { (interface.fdb_future_get_error)(future) })
    }
}

impl Outcome for Version {
    unsafe fn take(interface: &Interface, future: *mut sys::Future) -> Result<Self, Code> {
        let mut version = 0;
        // SAFETY: the caller's promise.
        succeeded(unsafe { (interface.fdb_future_get_int64)(future, &raw mut version) })?;
        Ok(Self(u64::try_from(version).unwrap_or_default()))
    }
}

impl Outcome for Protocol {
    unsafe fn take(interface: &Interface, future: *mut sys::Future) -> Result<Self, Code> {
        let mut version = 0;
        // SAFETY: the caller's promise.
        succeeded(unsafe { (interface.fdb_future_get_uint64)(future, &raw mut version) })?;
        Ok(Self(version))
    }
}

impl Outcome for Option<Bytes> {
    unsafe fn take(interface: &Interface, future: *mut sys::Future) -> Result<Self, Code> {
        let (mut present, mut value, mut length) = (0, std::ptr::null(), 0);
        let get = interface.fdb_future_get_value;
        // SAFETY: the caller's promise.
        succeeded(unsafe { get(future, &raw mut present, &raw mut value, &raw mut length) })?;
        // SAFETY: the value lives as long as the future, which the caller keeps.
        Ok((present != 0).then(|| Bytes::copy_from_slice(unsafe { slice(value, length) })))
    }
}

impl Outcome for Pairs {
    unsafe fn take(interface: &Interface, future: *mut sys::Future) -> Result<Self, Code> {
        let (mut first, mut count, mut more) = (std::ptr::null(), 0, 0);
        let get = interface.fdb_future_get_keyvalue_array;
        // SAFETY: the caller's promise.
        succeeded(unsafe { get(future, &raw mut first, &raw mut count, &raw mut more) })?;
        let count = usize::try_from(count).unwrap_or_default();
        let mut pairs = Vec::with_capacity(count);
        for index in 0..count {
            // SAFETY: the array has `count` pairs and lives as long as the future, which the caller keeps; it is
            // packed to 4 octets, hence the copy.
            let pair = unsafe { first.add(index).read_unaligned() };
            // SAFETY: key and value live as long as the future.
            pairs.push(unsafe { copied(slice(pair.key, pair.key_length), slice(pair.value, pair.value_length)) });
        }
        Ok(Self { pairs, more: more != 0 })
    }
}

/// Both in one allocation.
fn copied(key: &[u8], value: &[u8]) -> (Bytes, Bytes) {
    let mut both = Vec::with_capacity(key.len() + value.len());
    both.extend_from_slice(key);
    both.extend_from_slice(value);
    let mut key_octets = Bytes::from(both);
    let value = key_octets.split_off(key.len());
    (key_octets, value)
}

/// The octets at `start`.
///
/// # Safety
/// There are `length` of them and they stay; a null `start` with nothing behind it is an empty slice.
unsafe fn slice<'a>(start: *const u8, length: c_int) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: the caller's promise.
        Ok(length) if length > 0 && !start.is_null() => unsafe { std::slice::from_raw_parts(start, length) },
        _ => &[],
    }
}

/// A result that comes later. Dropping it cancels what it stands for.
pub(crate) struct Pending<T> {
    interface: &'static Interface,
    raw: NonNull<sys::Future>,
    /// Set once the library was asked to call back.
    waker: Option<Arc<AtomicWaker>>,
    outcome: PhantomData<fn() -> T>,
}

// SAFETY: the library's futures may be used from every thread.
unsafe impl<T> Send for Pending<T> {}
// SAFETY: all that a shared reference can do is ask whether the result is there, as several threads may at once.
unsafe impl<T> Sync for Pending<T> {}

impl<T> Pending<T> {
    fn new(interface: &'static Interface, raw: *mut sys::Future) -> Self {
        Self {
            interface,
            raw: NonNull::new(raw).expect("the library answers every call with a future"),
            waker: None,
            outcome: PhantomData,
        }
    }
    fn is_ready(&self) -> bool {
        // SAFETY: the object is alive.
        unsafe { (self.interface.fdb_future_is_ready)(self.raw.as_ptr()) != 0 }
    }
    /// Asks the library, once, to wake whoever polled last.
    fn call_back(&mut self, cx: &Context<'_>) -> Result<(), Code> {
        if let Some(waker) = &self.waker {
            waker.register(cx.waker());
            return Ok(());
        }
        let waker = Arc::new(AtomicWaker::new());
        waker.register(cx.waker());
        let shared = Arc::into_raw(Arc::clone(&waker));
        self.waker = Some(waker);
        let set = self.interface.fdb_future_set_callback;
        // SAFETY: the object is alive; the callback runs at most once, also when the future is cancelled, and takes
        // the share of the waker that it is given.
        let code = unsafe { set(self.raw.as_ptr(), wake, shared.cast_mut().cast()) };
        if code != 0 {
            // SAFETY: the callback was refused, so the share is still ours.
            drop(unsafe { Arc::from_raw(shared) });
        }
        succeeded(code)
    }
}

impl<T: Outcome> Future for Pending<T> {
    type Output = Result<T, Code>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if !this.is_ready() {
            if let Err(code) = this.call_back(cx) {
                return Poll::Ready(Err(code));
            }
            // It may have become ready before the waker was in place.
            if !this.is_ready() {
                return Poll::Pending;
            }
        }
        // SAFETY: the object is alive and ready, and was made by a call that yields `T`.
        Poll::Ready(unsafe { T::take(this.interface, this.raw.as_ptr()) })
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        // SAFETY: the object is ours and given back once; the callback owns what it uses.
        unsafe { (self.interface.fdb_future_destroy)(self.raw.as_ptr()) }
    }
}

/// Runs on the library's thread: wakes and returns.
unsafe extern "C" fn wake(_: *mut sys::Future, shared: *mut c_void) {
    // SAFETY: `shared` is the share that `call_back` gave away, and this runs once.
    let waker = unsafe { Arc::from_raw(shared.cast::<AtomicWaker>().cast_const()) };
    waker.wake();
}
