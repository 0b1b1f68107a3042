//! Limits of connections and messages.

use crate::section::section;

section! {
    /// Limits of connections and messages.
    Limits = "limits" {
        /// Largest message taken, by any protocol.
        message_octets_max: u64 = 100 * 1024 * 1024, "octets", "65536 to 4294967295", "restart";
        /// Recipients of one message that a member sends; plans may say otherwise.
        recipients_per_message_max: u64 = 1_000, "recipients", "1 to 100000", "restart";
        /// Connections of each service at the same time.
        connections_max: usize = 60_000, "connections", "1 to 1000000", "restart";
        /// Connections of each service from one address (IPv6: one /64); this machine's own are not bound by it.
        connections_per_address_max: usize = 100, "connections", "1 to 1000000", "restart";
        /// Time for a TLS handshake.
        handshake_secs_max: u64 = 30, "seconds", "1 to 600", "restart";
        /// Requests that may wait for one mailbox or queue before more are refused for now.
        intake_requests_max: usize = 1024, "requests", "1 to 100000", "restart";
        /// Memory that mailboxes in use may hold together.
        mailbox_memory_octets_max: usize = 512 * 1024 * 1024, "octets", "16777216 and up", "restart";
        /// Members and groups with whom one folder is shared.
        folder_shares_max: u64 = 100, "members", "1 to 1000", "restart";
        /// Groups with which the members of one organisation share folders.
        shared_with_groups_max: u64 = 100, "groups", "0 to 1000", "restart";
        /// Notifications of what others share that are kept for a member; the oldest go first.
        share_notifications_max: usize = 100, "notifications", "1 to 1000", "restart";
        /// How long they are kept.
        share_notification_days: u64 = 30, "days", "1 to 3650", "restart";
        /// Members whom one change tells of what is opened or closed to them; nobody of a larger department is told.
        share_notified_members_max: usize = 100, "members", "1 to 500", "restart";
        /// How long a mail that was deleted for good can be had back by its owner; 0: not at all.
        deleted_mail_days: u64 = 14, "days", "0 to 365", "restart";
        /// How long after it was saved the draft of a reply tells the other users of a shared mailbox that somebody is answering.
        begun_reply_minutes: u64 = 60, "minutes", "1 to 1440", "restart";
        /// How long a mail can be recalled by the member who sent it, with a standard seat.
        recall_standard_hours: u64 = 24, "hours", "0 to 8760", "restart";
        /// The same with an advanced seat.
        recall_advanced_hours: u64 = 360, "hours", "0 to 8760", "restart";
        /// Whether mail that was read can be recalled.
        recall_read_mail: bool = false, "", "true or false", "restart";
        /// Whether mail that was scheduled has delivery status and recall.
        scheduled_full_tracking: bool = false, "", "true or false", "restart";
        /// A mailbox unused for so long leaves memory.
        mailbox_idle_secs: u64 = 300, "seconds", "1 to 86400", "restart";
    }
}
