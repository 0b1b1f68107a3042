//! The places where the disk can fail, as tests see them. In production each is the plain call.

use std::path::Path;

#[cfg(test)]
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What the store asks of the disk beside the engine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Io {
    #[cfg(test)]
    pub(crate) faults: Arc<Faults>,
}

/// Switches of tests.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Faults {
    pub(crate) write_fails: AtomicBool,
    pub(crate) write_panics: AtomicBool,
    pub(crate) sync_fails: AtomicBool,
    pub(crate) free_octets: AtomicU64,
}

#[cfg(test)]
impl Default for Faults {
    fn default() -> Self {
        Self {
            write_fails: AtomicBool::new(false),
            write_panics: AtomicBool::new(false),
            sync_fails: AtomicBool::new(false),
            free_octets: AtomicU64::new(u64::MAX),
        }
    }
}

impl Io {
    /// Passed before a batch is written.
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests fail here")
    )]
    pub(crate) fn before_write(&self) -> std::io::Result<()> {
        #[cfg(test)]
        assert!(!self.faults.write_panics.load(Ordering::SeqCst), "injected panic");
        #[cfg(test)]
        if self.faults.write_fails.load(Ordering::SeqCst) {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
    /// Passed before a sync.
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests fail here")
    )]
    pub(crate) fn before_sync(&self) -> std::io::Result<()> {
        #[cfg(test)]
        if self.faults.sync_fails.load(Ordering::SeqCst) {
            return Err(std::io::Error::other("injected sync failure"));
        }
        Ok(())
    }
    /// Octets that the disk under `folder` has free for us.
    pub(crate) fn free_octets(&self, folder: &Path) -> std::io::Result<u64> {
        let disk = rustix::fs::statvfs(folder)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        #[cfg(test)]
        let free = free.min(self.faults.free_octets.load(Ordering::SeqCst));
        Ok(free)
    }
}
