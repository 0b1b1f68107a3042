//! Places of addresses.

use crate::section::section;

section! {
    /// Where in the world addresses are, for the login log. Nothing is guessed: without a file, places are `unknown`.
    Geoip = "geoip" {
        /// File in MaxMind's format (`.mmdb`) with cities or countries; it is held in memory. Empty: none.
        file: String = String::new(), "", "a path", "restart";
    }
}
