//! The named bounds of a mailbox.

use std::time::Duration;

/// How long it is kept what others did in a mailbox.
pub const ACTS_KEPT: Duration = Duration::from_secs(180 * 86_400);
/// How long a delivery id is remembered: longer than a queue retries.
pub const DELIVERY_ID_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// Keywords one message can have whatever the setting: they fit into one log entry, which is one stored value, and those of
/// 256 messages into one transaction.
pub const KEYWORDS_OF_MESSAGE_LIMIT: usize = 4_000;
/// Octets of a keyword's number in a record, at most.
pub(crate) const KEYWORD_OCTETS: usize = 5;
const _: () = assert!(
    KEYWORDS_OF_MESSAGE_LIMIT * KEYWORD_OCTETS + crate::work::LOG_OCTETS + 5_000 < hongyan_kv::VALUE_OCTETS_MAX
);
const _: () = assert!(256 * KEYWORDS_OF_MESSAGE_LIMIT * KEYWORD_OCTETS < hongyan_kv::TRANSACTION_OCTETS_MAX);
/// Paths that may be subscribed to.
pub const SUBSCRIPTIONS_MAX: usize = 2 * crate::FOLDERS_MAX;

/// Bounds of a mailbox's work and history.
#[derive(Debug, Clone)]
pub struct MailboxOptions {
    /// Commits after which chunks and counters are written out and the log's tail begins anew.
    pub checkpoint_commits: usize,
    /// Messages that may change before the same happens.
    pub checkpoint_messages: usize,
    /// How long the log of changes is kept for clients that come back (QRESYNC).
    pub history: Duration,
    /// Commits that the log keeps at most.
    pub history_commits_max: u64,
    /// Commits a client may be behind and still be told what went, instead of everything.
    pub vanished_commits_max: u64,
    /// Messages whose mails are removed in one transaction.
    pub expunge_step_messages: usize,
    /// Messages copied or moved in one transaction.
    pub copy_step_messages: usize,
    /// Messages whose flags change in one transaction.
    pub flag_step_messages: usize,
    /// Keywords one message may have, at most [`KEYWORDS_OF_MESSAGE_LIMIT`]; the mailbox may have any number.
    pub keywords_of_message_max: usize,
    /// How long it is remembered what a request did: longer than anybody repeats one.
    pub requests_kept: Duration,
    /// How long a mail that was purged can be had back (RS-12); not at all when it is nothing.
    pub purged_kept: Duration,
    /// Limits of a new mailbox.
    pub quota: crate::QuotaLimits,
}

impl MailboxOptions {
    pub(crate) fn keywords_of_message_max(&self) -> usize {
        self.keywords_of_message_max.min(KEYWORDS_OF_MESSAGE_LIMIT)
    }
}

impl Default for MailboxOptions {
    fn default() -> Self {
        Self {
            checkpoint_commits: 256,
            checkpoint_messages: 16_384,
            history: Duration::from_secs(30 * 86_400),
            history_commits_max: 100_000,
            vanished_commits_max: 20_000,
            expunge_step_messages: 500,
            copy_step_messages: 1_000,
            flag_step_messages: 4_000,
            keywords_of_message_max: 1_000,
            requests_kept: Duration::from_secs(600),
            purged_kept: Duration::from_secs(14 * 86_400),
            quota: crate::QuotaLimits::default(),
        }
    }
}
