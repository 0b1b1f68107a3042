//! The named limits of JMAP.

use std::time::Duration;

use hongyan_jmap::CoreLimits;

/// Limits beside those that clients are told.
#[derive(Debug, Clone)]
pub struct JmapSettings {
    /// Those that clients are told.
    pub core: CoreLimits,
    /// Octets of one response; a call whose answer does not fit is refused.
    pub response_octets_max: usize,
    /// How long a mailbox may take to answer.
    pub ask_timeout: Duration,
    /// Octets of one body value.
    pub body_value_octets_max: usize,
    /// Ids in one answer of a query.
    pub query_ids_max: usize,
    /// Ids in one answer about changes.
    pub changes_max: u64,
    /// Mailboxes whose folders stay in memory between requests.
    pub snapshots_max: usize,
    /// Messages of all of them together.
    pub snapshot_messages_max: usize,
    /// Ids of results of queries that are kept for the next page.
    pub list_ids_max: usize,
    /// Streams of events of one account at the same time.
    pub event_streams_max: u64,
    /// Shortest time between pings of an event stream.
    pub ping_min: Duration,
    /// Octets of blobs that a new email is made of.
    pub created_octets_max: u64,
    /// Places of an account that are told of new states.
    pub push_subscriptions_max: usize,
    /// How long such a place is told without asking for it again (RFC 8620 §7.2: at least 48 hours).
    pub push_kept: Duration,
    /// How long an upload is kept that nothing uses.
    pub upload_kept: Duration,
    /// How long a mail that was deleted can be had back; the mailboxes' own setting is the same.
    pub deleted_kept: Duration,
    /// How long after it was saved the draft of a reply tells others that somebody is answering (SBX).
    pub begun_reply_kept: Duration,
    /// Emails that go in one step of a clean-up (RS-11).
    pub clean_up_emails_max: usize,
    /// Pieces that a blob is made of in one request.
    pub blob_sources_max: usize,
    /// Recipients of one submission.
    pub recipients_max: u64,
    /// How far ahead a submission may be sent.
    pub delayed_send_max: Duration,
    /// After how long a mail cannot be recalled any more that a member with a standard seat has sent (TRK-5).
    pub recall_standard: Duration,
    /// The same with an advanced seat.
    pub recall_advanced: Duration,
    /// Whether mail that was read can be recalled.
    pub recall_takes_read: bool,
    /// Whether mail that was scheduled has delivery status and recall (MODE-3).
    pub scheduled_full_tracking: bool,
    /// Characters of subject and text of the answer while somebody is away (RULE-10).
    pub vacation_characters_max: usize,
}

impl Default for JmapSettings {
    fn default() -> Self {
        Self {
            core: CoreLimits::default(),
            response_octets_max: 64 * 1024 * 1024,
            ask_timeout: Duration::from_secs(30),
            body_value_octets_max: 4 * 1024 * 1024,
            query_ids_max: 10_000,
            changes_max: 5_000,
            snapshots_max: 2_000,
            snapshot_messages_max: 4_000_000,
            list_ids_max: 8_000_000,
            event_streams_max: 16,
            ping_min: Duration::from_secs(5),
            created_octets_max: 36 * 1024 * 1024,
            push_subscriptions_max: 32,
            push_kept: Duration::from_secs(7 * 24 * 3_600),
            upload_kept: Duration::from_secs(24 * 3_600),
            deleted_kept: Duration::from_secs(14 * 24 * 3_600),
            begun_reply_kept: Duration::from_secs(3_600),
            clean_up_emails_max: 200,
            blob_sources_max: 64,
            recipients_max: 500,
            delayed_send_max: Duration::from_secs(366 * 24 * 3_600),
            recall_standard: Duration::from_secs(24 * 3_600),
            recall_advanced: Duration::from_secs(15 * 24 * 3_600),
            recall_takes_read: false,
            scheduled_full_tracking: false,
            vacation_characters_max: hongyan_delivery::VACATION_CHARACTERS_MAX,
        }
    }
}
