//! Who this node is.

use crate::section::section;

section! {
    /// Who this node is and where its data lies.
    Node = "node" {
        /// The node's name in the DNS. It greets with it and writes it into trace headers; the MX record of each domain points to it.
        host_name: String = String::from("localhost"), "", "a domain name", "restart";
        /// Folder of everything the node keeps: the store, keys, the socket of the admin API.
        data: String = String::from("/var/lib/hongyan"), "", "an absolute path", "restart";
        /// Threads that serve sessions and mailboxes.
        arbiters: usize = 0, "threads", "0 (one a core) to 1024", "restart";
        /// How long sessions may go on with what they are doing when the node is asked to end.
        shutdown_grace_secs: u64 = 10, "seconds", "0 to 3600", "restart";
    }
}
