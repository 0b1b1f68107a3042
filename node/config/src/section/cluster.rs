//! This node among others.

use crate::section::section;

section! {
    /// This node among others. Counts once `hongyan cluster init` or `hongyan cluster join` made the node a member. Nodes speak
    /// to each other over TLS with certificates of their own, which renew by themselves.
    Cluster = "cluster" {
        /// Where other nodes reach this one, each an `address:port`.
        listen: Vec<String> = everywhere(7400), "", "address:port", "restart";
        /// Where new nodes ask to join; empty: this node takes none in.
        join_listen: Vec<String> = everywhere(7401), "", "address:port", "restart";
        /// This machine's address for the other nodes; empty: that of `listen` when it names one, else the one from which
        /// this machine reaches other networks.
        advertise: String = String::new(), "", "an IP address", "restart";
        /// Name of the data centre it stands in. Partitions are spread over data centres, racks and nodes.
        data_center: String = String::new(), "", "a word", "joining; later `hongyan cluster`";
        /// Name of the rack it stands in.
        rack: String = String::new(), "", "a word", "joining; later `hongyan cluster`";
        /// Its share of the mailboxes in comparison with other nodes; 0: none.
        weight: u32 = 100, "", "0 to 100000", "joining; later `hongyan cluster`";
        /// How many partitions the mailboxes of a new cluster are spread over.
        partitions: u32 = 1024, "partitions", "16 to 65536", "`hongyan cluster init` alone";
        /// How long a node that is asked to end waits for others to take over what it owns.
        drain_secs_max: u64 = 60, "seconds", "0 to 3600", "restart";
        /// Port of the FoundationDB server that the node looks after.
        foundationdb_port: u16 = 4500, "", "1 to 65535", "joining";
        /// Folder with FoundationDB's programs, where they are not in the search path or where their packages put them.
        foundationdb_programs: String = String::new(), "", "a folder", "restart";
        /// Memory that this server may take.
        foundationdb_memory_octets_max: u64 = 4 << 30, "octets", "1073741824 and up", "restart of that server";
    }
}

fn everywhere(port: u16) -> Vec<String> {
    vec![format!("0.0.0.0:{port}"), format!("[::]:{port}")]
}
