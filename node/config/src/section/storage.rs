//! The store: on this machine's disk, or a FoundationDB cluster.

use crate::section::section;

section! {
    /// The store. `embedded` keeps everything under `node.data` and needs nothing installed; `foundationdb` keeps it in a
    /// cluster and needs FoundationDB's client package on this machine. TLS to the cluster is set up by FoundationDB's own
    /// environment variables (`FDB_TLS_CERTIFICATE_FILE` and the like).
    Storage = "storage" {
        /// Where data is kept.
        backend: String = "embedded".to_owned(), "", "embedded or foundationdb", "restart";
        /// Embedded: memory for data read from disk.
        cache_octets: u64 = 32 * 1024 * 1024, "octets", "1048576 and up", "restart";
        /// Embedded: free space of the disk below which nothing is accepted any more.
        free_octets_min: u64 = 512 * 1024 * 1024, "octets", "0 and up", "restart";
        /// FoundationDB: the file that says where the cluster is.
        cluster_file: String = "/etc/foundationdb/fdb.cluster".to_owned(), "", "a path", "restart";
        /// FoundationDB: the client library; empty: the one that the system finds.
        client_library: String = String::new(), "", "a path to libfdb_c.so", "restart";
        /// FoundationDB: all keys begin with this name, so that several systems may share a cluster.
        key_space: String = "hongyan".to_owned(), "", "1 to 98 octets", "restart";
        /// FoundationDB: name of the data centre this machine is in, so that reads go to servers nearby; empty: none.
        data_center: String = String::new(), "", "as servers have it", "restart";
        /// FoundationDB: name of this machine, for the same; empty: none.
        machine: String = String::new(), "", "as servers have it", "restart";
        /// FoundationDB: how long a start waits for the cluster.
        open_secs_max: u64 = 15, "seconds", "1 to 600", "restart";
        /// FoundationDB: after this a transaction fails, and what needed it is answered with a temporary error.
        transaction_millis_max: u64 = 10_000, "milliseconds", "100 to 60000", "restart";
        /// FoundationDB: mails that were read stay in this much memory for those who read them next.
        remembered_octets_max: u64 = 64 * 1024 * 1024, "octets", "0 and up", "restart";
        /// FoundationDB: folder for the client library's traces; empty: none are written.
        trace_folder: String = String::new(), "", "a path", "restart";
    }
}
