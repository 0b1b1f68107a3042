//! Mail that leaves.

use crate::section::section;

section! {
    /// Mail that leaves.
    Queue = "queue" {
        /// Host and port that all outbound mail goes through; empty: straight to the hosts that the MX records name.
        relay_host: String = String::new(), "", "host or host:port", "restart";
        /// User name at the relay host; empty: none.
        relay_user: String = String::new(), "", "", "restart";
        /// File with the password at the relay host, on its first line.
        relay_password_file: String = String::new(), "", "a path", "restart";
        /// How long delivery is tried before the sender gets a failure report.
        expiry_secs: u64 = 5 * 24 * 3600, "seconds", "60 to 2592000", "restart";
    }
}
