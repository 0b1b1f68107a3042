//! The library's network: chosen version, options, one thread, once a process.
//!
//! It is started for the first store and stopped with the last one; the library cannot start it again. Where it still
//! runs when the process exits, the library's clean-up is left out, because it takes away what the thread uses.
#![allow(unsafe_code, reason = "calls the client library")]

use std::ffi::{CStr, c_int};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::error::OpenError;
use crate::options::FoundationOptions;
use crate::sys::{self, Interface, network_option};

/// The running network; the last owner stops it. Owners give back their databases before.
pub(crate) struct Network {
    pub(crate) interface: &'static Interface,
    library: Option<PathBuf>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The network of this process, once there was one.
static NETWORK: Mutex<Option<Weak<Network>>> = Mutex::new(None);

/// The running network, started if there was none yet.
pub(crate) fn start(options: &FoundationOptions) -> Result<Arc<Network>, OpenError> {
    let mut started = NETWORK.lock();
    if let Some(network) = &*started {
        let network = network.upgrade().ok_or(OpenError::Stopped)?;
        if network.library != options.library {
            return Err(OpenError::OtherLibrary(shown(network.library.as_deref())));
        }
        return Ok(network);
    }
    let interface = load(options.library.as_deref())?;
    set_up(interface, options)?;
    let thread = std::thread::Builder::new()
        .name("foundationdb".to_owned())
        .spawn(move || {
            // SAFETY: the network is set up, and only this thread runs it.
            let code = unsafe { (interface.fdb_run_network)() };
            if code != 0 {
                tracing::error!(error = %text(interface, code), "the FoundationDB client stopped");
            }
        })
        .map_err(OpenError::Thread)?;
    exit::leave_out_clean_up();
    let network = Arc::new(Network {
        interface,
        library: options.library.clone(),
        thread: Mutex::new(Some(thread)),
    });
    *started = Some(Arc::downgrade(&network));
    Ok(network)
}

impl Drop for Network {
    fn drop(&mut self) {
        let Some(thread) = self.thread.lock().take() else {
            return;
        };
        // SAFETY: the network was set up; it may be stopped from any thread, once.
        let stopped = unsafe { (self.interface.fdb_stop_network)() } == 0;
        // The last owner may be a task that this very thread has woken.
        if stopped && thread.thread().id() != std::thread::current().id() {
            // A panic of the thread has been reported by the panic hook.
            let _ = thread.join();
            exit::ENDED.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
}

/// What happens when the process exits while the network runs.
mod exit {
    use std::ffi::{c_int, c_void};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Whether the network has come to its end.
    pub(super) static ENDED: AtomicBool = AtomicBool::new(false);

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    pub(super) fn leave_out_clean_up() {
        // SAFETY: the function of the C library, as documented.
        unsafe extern "C" {
            fn on_exit(function: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
        }
        // SAFETY: `at_exit` does not unwind. A failure only means that the end is not orderly.
        unsafe { on_exit(at_exit, std::ptr::null_mut()) };
    }

    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    pub(super) fn leave_out_clean_up() {}

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    extern "C" fn at_exit(status: c_int, _: *mut c_void) {
        if !ENDED.load(Ordering::SeqCst) {
            // SAFETY: ends the process at once. Rust has flushed its output before it exits.
            unsafe { libc::_exit(status) }
        }
    }
}

/// Loads the library and looks at what it offers; starts nothing.
pub(crate) fn load(path: Option<&Path>) -> Result<&'static Interface, OpenError> {
    let interface = sys::load(path).map_err(|error| OpenError::Library {
        path: shown(path),
        reason: error.to_string(),
    })?;
    // SAFETY: it only returns a number.
    let offered = unsafe { (interface.fdb_get_max_api_version)() };
    if offered < sys::API_VERSION {
        return Err(OpenError::LibraryTooOld {
            path: shown(path),
            offered,
            wanted: sys::API_VERSION,
        });
    }
    Ok(Box::leak(Box::new(interface)))
}

fn set_up(interface: &'static Interface, options: &FoundationOptions) -> Result<(), OpenError> {
    let check = |what, code| match code {
        0 => Ok(()),
        code => Err(OpenError::Client {
            what,
            reason: text(interface, code),
        }),
    };
    // SAFETY: nothing of the library but its version was asked for before; it is done under the lock, once.
    let selected = unsafe { (interface.fdb_select_api_version_impl)(sys::API_VERSION, sys::API_VERSION) };
    check("select the API version", selected)?;
    check(
        "keep to one client version",
        set_option(interface, network_option::DISABLE_MULTI_VERSION_CLIENT, &[]),
    )?;
    if let Some(folder) = &options.trace_folder {
        let folder = folder.as_os_str().as_encoded_bytes();
        check(
            "set the trace folder",
            set_option(interface, network_option::TRACE_ENABLE, folder),
        )?;
        check(
            "set the trace format",
            set_option(interface, network_option::TRACE_FORMAT, b"json"),
        )?;
    }
    // SAFETY: the version is selected; it is done under the lock, once.
    check("set up the network", unsafe { (interface.fdb_setup_network)() })
}

fn set_option(interface: &Interface, option: c_int, value: &[u8]) -> sys::Code {
    let length = c_int::try_from(value.len()).unwrap_or(c_int::MAX);
    // SAFETY: `value` is valid for its length, and the library copies it.
    unsafe { (interface.fdb_network_set_option)(option, value.as_ptr(), length) }
}

/// What the library says about an error number.
pub(crate) fn text(interface: &Interface, code: sys::Code) -> String {
    // SAFETY: it returns a constant text for every number.
    let text = unsafe { CStr::from_ptr((interface.fdb_get_error)(code)) };
    format!("{} ({code})", text.to_string_lossy())
}

/// The library's release, its source and the protocol it speaks, separated by commas. Only for a started one: before
/// its version is selected the library crashes.
pub(crate) fn version(interface: &Interface) -> String {
    // SAFETY: it returns a constant text.
    let text = unsafe { CStr::from_ptr((interface.fdb_get_client_version)()) };
    text.to_string_lossy().into_owned()
}

fn shown(path: Option<&Path>) -> String {
    path.map_or_else(
        || "libfdb_c.so of the system".to_owned(),
        |path| path.display().to_string(),
    )
}
