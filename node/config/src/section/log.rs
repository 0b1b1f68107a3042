//! Logs.

use crate::section::section;

section! {
    /// Logs go to standard error.
    Log = "log" {
        /// What to log, in directives such as `info` or `info,hongyan_queue=debug`.
        filter: String = String::from("info"), "", "directives", "restart";
        /// `text` for people, `json` for collectors.
        format: String = String::from("text"), "", "text or json", "restart";
    }
}
