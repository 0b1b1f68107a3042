//! Finds the client library and loads it into the process, where it stays: its network thread never lets go of it.
#![allow(unsafe_code, reason = "calls the dynamic loader")]

use std::ffi::{CStr, CString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Interface;

/// The library's name for the loader's own search.
#[cfg(not(target_os = "macos"))]
const NAME: &str = "libfdb_c.so";
#[cfg(target_os = "macos")]
const NAME: &str = "libfdb_c.dylib";

/// Why the library cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoadError {
    /// It is not there, or the loader refuses it.
    #[error("{0}")]
    Missing(String),
    /// It is another library, or a release without a function that is needed.
    #[error("it has no function {0}")]
    Function(String),
}

/// Loads the library at `path`, or the one that the loader finds.
pub(crate) fn load(path: Option<&Path>) -> Result<Interface, LoadError> {
    let name = path.map_or(NAME.as_bytes(), |path| path.as_os_str().as_bytes());
    let name = CString::new(name).map_err(|_| LoadError::Missing("its path holds a 0 octet".to_owned()))?;
    // SAFETY: `name` ends with 0. Loading runs the library's initialisers, which is what a configured path asks for.
    let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if library.is_null() {
        return Err(LoadError::Missing(loader_message()));
    }
    // SAFETY: `library` is never closed, and `symbol` asks it for the very names.
    unsafe { Interface::resolve(|name| symbol(library, name)) }
}

fn symbol(library: *mut c_void, name: &CStr) -> Result<*mut c_void, LoadError> {
    // SAFETY: `library` is a handle of dlopen's, `name` ends with 0.
    let address = unsafe { libc::dlsym(library, name.as_ptr()) };
    if address.is_null() {
        return Err(LoadError::Function(name.to_string_lossy().into_owned()));
    }
    Ok(address)
}

/// What the loader says about its last failure.
fn loader_message() -> String {
    // SAFETY: dlerror returns null or a text that ends with 0 and stays until this thread's next call of the loader.
    unsafe {
        let message = libc::dlerror();
        if message.is_null() {
            return "the loader gives no reason".to_owned();
        }
        CStr::from_ptr(message).to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{LoadError, load};

    fn refused(path: &str) -> LoadError {
        load(Some(path.as_ref())).err().expect("it is no client library")
    }

    #[test]
    fn says_why_a_library_is_not_loaded() {
        let missing = refused("/nonexistent/libfdb_c.so");
        assert!(
            matches!(&missing, LoadError::Missing(why) if why.contains("/nonexistent/libfdb_c.so")),
            "{missing}"
        );
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("libfdb_c.so");
        std::fs::write(&text, "no library").unwrap();
        let text = refused(text.to_str().unwrap());
        assert!(matches!(&text, LoadError::Missing(_)), "{text}");
        assert!(matches!(refused("a\0b"), LoadError::Missing(_)));
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn another_library_is_told_by_its_functions() {
        assert_eq!(
            refused("libm.so.6"),
            LoadError::Function("fdb_get_max_api_version".to_owned())
        );
    }
}
