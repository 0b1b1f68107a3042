//! Limits of HTTPS.

use crate::section::section;

section! {
    /// Limits of requests over HTTPS.
    Http = "http" {
        /// Header of a request.
        header_octets_max: u32 = 65_536, "octets", "8192 to 1048576", "restart";
        /// Time without a request after which a connection is closed.
        idle_secs_max: u64 = 120, "seconds", "10 to 3600", "restart";
        /// Requests at the same time on one HTTP/2 connection.
        streams_max: u32 = 100, "requests", "1 to 10000", "restart";
        /// Answers of so many octets and more are compressed (zstd, gzip) for clients that take that.
        compressed_octets_min: u16 = 1_024, "octets", "64 to 65535", "restart";
        /// Calls of the admin API by one member, token or operator in a minute, on each node; the sixth part may come at once.
        api_requests_per_minute_max: u32 = 6_000, "requests", "1 to 60000000", "restart";
        /// Calls of the admin API from one address in a minute, signed in or not, on each node.
        api_address_requests_per_minute_max: u32 = 12_000, "requests", "1 to 60000000", "restart";
        /// One JMAP request (maxSizeRequest).
        jmap_request_octets_max: u64 = 10 * 1024 * 1024, "octets", "65536 to 1073741824", "restart";
        /// One JMAP response; a call whose answer does not fit is refused.
        jmap_response_octets_max: usize = 64 * 1024 * 1024, "octets", "1048576 and up", "restart";
        /// Method calls in one JMAP request (maxCallsInRequest).
        jmap_calls_max: u64 = 64, "calls", "16 to 10000", "restart";
        /// Records in one JMAP answer (maxObjectsInGet).
        jmap_get_objects_max: u64 = 1_000, "records", "500 to 100000", "restart";
        /// JMAP requests of one account at the same time (maxConcurrentRequests).
        jmap_requests_max: u64 = 16, "requests", "4 to 10000", "restart";
        /// Uploads of one account at the same time (maxConcurrentUpload); each as large as a message may be.
        jmap_uploads_max: u64 = 8, "uploads", "4 to 10000", "restart";
        /// Streams of events (EventSource) of one account at the same time.
        jmap_event_streams_max: u64 = 16, "streams", "1 to 10000", "restart";
        /// Messages of mailboxes that JMAP keeps ready between requests, in all: some 100 octets each.
        jmap_kept_messages_max: usize = 2_000_000, "messages", "0 and up", "restart";
    }
}
