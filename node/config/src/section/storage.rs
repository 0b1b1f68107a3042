//! The embedded store.

use crate::section::section;

section! {
    /// The embedded store.
    Storage = "storage" {
        /// Memory for data read from disk.
        cache_octets: u64 = 64 * 1024 * 1024, "octets", "1048576 and up", "restart";
        /// Free space of the disk below which nothing is accepted any more.
        free_octets_min: u64 = 512 * 1024 * 1024, "octets", "0 and up", "restart";
    }
}
